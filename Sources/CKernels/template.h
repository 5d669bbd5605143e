// All kernels of one level: included once by each file that has defined the primitives and CV_TABLE.
#include "kernels.h"

#include "vector_template.h"
#include "matrix_template.h"
#include "bound_template.h"
#include "attention_template.h"
#include "distribution_template.h"

static void cv_to_f16(const float *x, size_t count, uint16_t *y) {
    size_t i = 0;
    for (; i + CV_LANES <= count; i += CV_LANES) cv_store_f16(y + i, cv_load(x + i));
    if (i == count) return;
    float rest[CV_LANES] = {0};
    uint16_t halves[CV_LANES];
    memcpy(rest, x + i, (count - i) * sizeof(float));
    cv_store_f16(halves, cv_load(rest));
    memcpy(y + i, halves, (count - i) * sizeof(uint16_t));
}

static void cv_from_f16(const uint16_t *x, size_t count, float *y) {
    size_t i = 0;
    for (; i + CV_LANES <= count; i += CV_LANES) cv_store(y + i, cv_load_f16(x + i));
    if (i == count) return;
    uint16_t rest[CV_LANES] = {0};
    float values[CV_LANES];
    memcpy(rest, x + i, (count - i) * sizeof(uint16_t));
    cv_store(values, cv_load_f16(rest));
    memcpy(y + i, values, (count - i) * sizeof(float));
}

const collab_kernels CV_TABLE = {
    .multiply = cv_multiply,
    .bound = cv_bound,
    .prepare = cv_prepare,
    .exp = cv_map_exp,
    .tanh = cv_map_tanh,
    .gelu = cv_map_gelu,
    .gelu_erf = cv_map_gelu_erf,
    .swiglu = cv_map_swiglu,
    .geglu = cv_map_geglu,
    .add = cv_map_add,
    .axpy = cv_map_axpy,
    .scale = cv_map_scale,
    .softcap = cv_map_softcap,
    .dot = cv_dot_product,
    .mean = cv_mean,
    .variance = cv_variance,
    .normalize = cv_normalize,
    .rope = cv_rope,
    .attend = cv_attend,
    .to_f16 = cv_to_f16,
    .from_f16 = cv_from_f16,
    .max = cv_max_element,
    .argmax = cv_argmax,
    .log_sum_exp = cv_log_sum_exp,
    .collect_above = cv_collect_above,
};
