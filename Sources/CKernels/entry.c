// The public functions that choose a level's implementation.
#include "attention_layout.h"
#include "kernels.h"
#include "layout.h"

#include <math.h>

void collab_activations_prepare(collab_level level, collab_precision precision, const float *rows, size_t stride,
                                const float *scales, const float *weight, size_t columns, size_t tokens,
                                size_t first, size_t end, void *target) {
    collab_kernels_of(level)->prepare(precision, rows, stride, scales, weight, columns, tokens, first, end, target);
}

void collab_matrix_multiply(collab_level level, collab_precision precision, collab_format format,
                            const void *packed, size_t rows, size_t columns, size_t first_group,
                            size_t end_group, const void *activations, size_t tokens, float *y, size_t stride) {
    collab_kernels_of(level)->multiply(precision, format, packed, rows, columns, first_group, end_group, activations,
                                       tokens, y, stride);
}

void collab_matrix_bound(collab_level level, const void *packed, size_t rows, size_t columns, size_t first_group,
                         size_t end_group, const void *activations, float *upper) {
    if (collab_padded_blocks(columns) > COLLAB_PLANES_BLOCKS) return;
    collab_kernels_of(level)->bound(packed, rows, columns, first_group, end_group, activations, upper);
}

float collab_rms_scale(collab_level level, const float *x, size_t count, float epsilon) {
    return 1 / sqrtf(collab_kernels_of(level)->variance(x, 0, count) + epsilon);
}

void collab_rms_norm(collab_level level, const float *x, const float *weight, float epsilon, size_t count,
                     float *y) {
    collab_kernels_of(level)->normalize(x, 0, collab_rms_scale(level, x, count, epsilon), weight, 0, count, y);
}

void collab_layer_norm(collab_level level, const float *x, const float *weight, const float *bias, float epsilon,
                       size_t count, float *y) {
    const collab_kernels *kernels = collab_kernels_of(level);
    const float mean = kernels->mean(x, count);
    const float factor = 1 / sqrtf(kernels->variance(x, mean, count) + epsilon);
    kernels->normalize(x, mean, factor, weight, bias, count, y);
}

void collab_rope(collab_level level, float *x, size_t heads, size_t head_dimension, size_t rotary_dimension,
                 const float *cosines, const float *sines, bool interleaved) {
    collab_kernels_of(level)->rope(x, heads, head_dimension, rotary_dimension, cosines, sines, interleaved);
}

void collab_swiglu(collab_level level, const float *gate, const float *up, size_t count, float *y) {
    collab_kernels_of(level)->swiglu(gate, up, count, y);
}

void collab_geglu(collab_level level, const float *gate, const float *up, size_t count, float *y) {
    collab_kernels_of(level)->geglu(gate, up, count, y);
}

void collab_gelu_tanh(collab_level level, const float *x, size_t count, float *y) {
    collab_kernels_of(level)->gelu(x, count, y);
}

void collab_gelu_erf(collab_level level, const float *x, size_t count, float *y) {
    collab_kernels_of(level)->gelu_erf(x, count, y);
}

void collab_exp(collab_level level, const float *x, size_t count, float *y) {
    collab_kernels_of(level)->exp(x, count, y);
}

void collab_tanh(collab_level level, const float *x, size_t count, float *y) {
    collab_kernels_of(level)->tanh(x, count, y);
}

void collab_add(collab_level level, const float *x, size_t count, float *y) {
    collab_kernels_of(level)->add(x, count, y);
}

void collab_axpy(collab_level level, float factor, const float *x, size_t count, float *y) {
    collab_kernels_of(level)->axpy(factor, x, count, y);
}

void collab_scale(collab_level level, float factor, const float *x, size_t count, float *y) {
    collab_kernels_of(level)->scale(factor, x, count, y);
}

void collab_softcap(collab_level level, float cap, const float *x, size_t count, float *y) {
    collab_kernels_of(level)->softcap(cap, x, count, y);
}

float collab_dot(collab_level level, const float *x, const float *y, size_t count) {
    return collab_kernels_of(level)->dot(x, y, count);
}

void collab_attend(collab_level level, collab_kv_shape shape, const collab_attention *call, int first_head,
                   int end_head) {
    if (shape.head_dimension < 1 || shape.head_dimension > COLLAB_ATTENTION_LARGEST_HEAD) return;
    collab_kernels_of(level)->attend(shape, call, first_head, end_head);
}
