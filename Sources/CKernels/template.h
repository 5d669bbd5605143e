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

/// Rounds numbers to bytes times a factor, which is returned: the largest magnitude becomes 127. NaN for what is not
/// finite.
static float cv_to_s8(const float *x, size_t count, int8_t *y) {
    const size_t whole = count / CV_LANES * CV_LANES;
    float rest[CV_LANES] = {0};
    memcpy(rest, x + whole, (count - whole) * sizeof(float));
    cv_f largest = cv_maxabsbits(cv_zero(), cv_load(rest));
    for (size_t i = 0; i < whole; i += CV_LANES) largest = cv_maxabsbits(largest, cv_load(x + i));
    const uint32_t bits = cv_habsbits(largest);
    if (bits >= 0x7f800000u) {
        memset(y, 0, count);
        return __builtin_nanf("");
    }
    float peak;
    memcpy(&peak, &bits, 4);
    // Below this the reciprocal overflows; such numbers are as good as zero.
    const bool visible = peak > 1e-36f;
    const cv_f inverse = cv_set1(visible ? 127.0f / peak : 0);
    for (size_t i = 0; i < whole; i += CV_LANES) cv_store_s8(y + i, cv_round(cv_mul(cv_load(x + i), inverse)));
    int8_t last[CV_LANES];
    cv_store_s8(last, cv_round(cv_mul(cv_load(rest), inverse)));
    memcpy(y + whole, last, count - whole);
    return visible ? peak / 127.0f : 0;
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
    .to_s8 = cv_to_s8,
    .max = cv_max_element,
    .argmax = cv_argmax,
    .log_sum_exp = cv_log_sum_exp,
    .collect_above = cv_collect_above,
};
