#ifndef COLLAB_VECTOR_H
#define COLLAB_VECTOR_H

#include "collab_dispatch.h"

/// 1 / √(mean(x²) + epsilon).
float collab_rms_scale(collab_level level, const float *x, size_t count, float epsilon);

/// y = x / √(mean(x²) + epsilon) · weight; weight may be null; y may be x.
void collab_rms_norm(collab_level level, const float *x, const float *weight, float epsilon, size_t count,
                     float *y);

/// y = (x − mean(x)) / √(var(x) + epsilon) · weight + bias; weight and bias may be null; y may be x.
void collab_layer_norm(collab_level level, const float *x, const float *weight, const float *bias, float epsilon,
                       size_t count, float *y);

/// Rotates `heads` vectors of `head_dimension` in place by one position's angles.
///
/// cosines and sines hold rotary_dimension / 2 numbers. Interleaved pairs are (2i, 2i+1); otherwise
/// (i, i + rotary_dimension / 2). Elements from rotary_dimension on stay as they are.
void collab_rope(collab_level level, float *x, size_t heads, size_t head_dimension, size_t rotary_dimension,
                 const float *cosines, const float *sines, bool interleaved);

/// y = gate · σ(gate) · up; y may be gate or up.
void collab_swiglu(collab_level level, const float *gate, const float *up, size_t count, float *y);

/// y = ½ gate (1 + tanh(√(2/π)(gate + 0.044715 gate³))) · up; y may be gate or up.
void collab_geglu(collab_level level, const float *gate, const float *up, size_t count, float *y);

/// y = ½ x (1 + tanh(√(2/π)(x + 0.044715 x³))); y may be x.
void collab_gelu_tanh(collab_level level, const float *x, size_t count, float *y);

/// y = ½ x (1 + erf(x / √2)), within 3·10⁻⁷ · |x|; y may be x.
void collab_gelu_erf(collab_level level, const float *x, size_t count, float *y);

/// y = eˣ; y may be x.
void collab_exp(collab_level level, const float *x, size_t count, float *y);

/// y = tanh x; y may be x.
void collab_tanh(collab_level level, const float *x, size_t count, float *y);

/// y = y + x.
void collab_add(collab_level level, const float *x, size_t count, float *y);

/// y = y + factor · x.
void collab_axpy(collab_level level, float factor, const float *x, size_t count, float *y);

/// y = factor · x; y may be x.
void collab_scale(collab_level level, float factor, const float *x, size_t count, float *y);

/// y = cap · tanh(x / cap); y may be x.
void collab_softcap(collab_level level, float cap, const float *x, size_t count, float *y);

/// Σ x·y, accumulated in float.
float collab_dot(collab_level level, const float *x, const float *y, size_t count);

#endif
