// Elementwise functions and reductions, written once over the vector primitives.
//
// Reductions run over 64 running sums whatever the width of the vectors and then halve, so that every level adds
// in the same order.

enum { CV_WIDE = 64 / CV_LANES };

/// Adds vectors pairwise, halving, then the lanes likewise.
CV_INLINE float cv_tree_sum(cv_f *v, int count) {
    for (int width = count / 2; width > 0; width /= 2)
        for (int i = 0; i < width; i++) v[i] = cv_add(v[i], v[i + width]);
    return cv_hsum(v[0]);
}

/// eˣ to about one unit in the last place; 0 below −104, ∞ above 89, NaN for NaN.
CV_INLINE cv_f cv_exp(cv_f x) {
    x = cv_max(cv_set1(-104.0f), x);
    x = cv_min(cv_set1(89.0f), x);
    const cv_i n = cv_round(cv_mul(x, cv_set1(1.44269504f)));
    const cv_f nf = cv_cvt(n);
    cv_f r = cv_fnma(nf, cv_set1(0.693359375f), x);
    r = cv_fnma(nf, cv_set1(-2.12194440e-4f), r);
    cv_f p = cv_set1(1.0f / 5040);
    p = cv_fma(p, r, cv_set1(1.0f / 720));
    p = cv_fma(p, r, cv_set1(1.0f / 120));
    p = cv_fma(p, r, cv_set1(1.0f / 24));
    p = cv_fma(p, r, cv_set1(1.0f / 6));
    p = cv_fma(p, r, cv_set1(0.5f));
    p = cv_fma(cv_mul(p, r), r, r);
    p = cv_add(p, cv_set1(1));
    // Two factors, since 2ⁿ alone may not be a normal number.
    const cv_i half = cv_ihalf(n);
    return cv_mul(cv_mul(p, cv_pow2(half)), cv_pow2(cv_isub(n, half)));
}

/// eˣ for what is not positive, as a part of a sum of which 1 is a part: relative to the sum it is as precise as cv_exp.
///
/// Below −86 it is e⁻⁸⁶, which such a sum does not feel. The error of n · log 2 in one step is 2·10⁻⁹ n of the result,
/// hence never more than 2·10⁻⁹ of the sum. The polynomial is the best of its degree for |r| ≤ ½ log 2, within 3·10⁻⁹.
CV_INLINE cv_f cv_exp_below(cv_f x) {
    x = cv_max(cv_set1(-86.0f), x);
    const cv_f shift = cv_set1(12582912.0f), t = cv_fma(x, cv_set1(1.44269504f), shift);
    const cv_f r = cv_fnma(cv_sub(t, shift), cv_set1(0.69314718f), x);
    cv_f p = cv_set1(1.3814599e-3f);
    p = cv_fma(p, r, cv_set1(8.3687166e-3f));
    p = cv_fma(p, r, cv_set1(4.1668389e-2f));
    p = cv_fma(p, r, cv_set1(1.66665211e-1f));
    p = cv_fma(p, r, cv_set1(0.49999994f));
    p = cv_fma(cv_mul(p, r), r, r);
    return cv_mul(cv_add(p, cv_set1(1)), cv_pow2_shifted(t));
}

/// tanh: an odd polynomial near zero, where 1 − 2 / (e²ˣ + 1) would cancel.
CV_INLINE cv_f cv_tanh(cv_f x) {
    const cv_f a = cv_abs(x), one = cv_set1(1);
    const cv_f e = cv_exp(cv_add(a, a));
    const cv_f far = cv_sub(one, cv_div(cv_set1(2), cv_add(e, one)));
    const cv_f s = cv_mul(x, x);
    cv_f p = cv_set1(-5.70498872745e-3f);
    p = cv_fma(p, s, cv_set1(2.06390887954e-2f));
    p = cv_fma(p, s, cv_set1(-5.37397155531e-2f));
    p = cv_fma(p, s, cv_set1(1.33314422036e-1f));
    p = cv_fma(p, s, cv_set1(-3.33332819422e-1f));
    const cv_f near = cv_fma(cv_mul(p, s), a, a);
    return cv_copysign(cv_select_lt(a, cv_set1(0.625f), near, far), x);
}

/// x · σ(y).
CV_INLINE cv_f cv_times_sigmoid(cv_f x, cv_f y) {
    const cv_f one = cv_set1(1);
    return cv_div(x, cv_add(one, cv_exp(cv_sub(cv_zero(), y))));
}

CV_INLINE cv_f cv_silu(cv_f x) { return cv_times_sigmoid(x, x); }

/// ½x(1 + tanh u) = x · σ(2u), which does not cancel for negative x.
CV_INLINE cv_f cv_gelu(cv_f x) {
    const cv_f cube = cv_mul(cv_mul(x, x), x);
    const cv_f u = cv_fma(cube, cv_set1(0.044715f), x);
    return cv_times_sigmoid(x, cv_mul(u, cv_set1(1.5957691216f)));
}

/// ½x(1 + erf(x/√2)) = max(x, 0) − |x|·½ erfc(|x|/√2), where erfc(z) = t·P(t)·e^(−z²) with t = 1 / (1 + pz)
/// (Abramowitz and Stegun 1964, 7.1.26): within 3·10⁻⁷ · |x| of the exact value.
CV_INLINE cv_f cv_gelu_erf(cv_f x) {
    const cv_f a = cv_abs(x), z = cv_mul(a, cv_set1(0.70710678f)), one = cv_set1(1);
    const cv_f t = cv_div(one, cv_fma(cv_set1(0.3275911f), z, one));
    cv_f p = cv_set1(1.061405429f);
    p = cv_fma(p, t, cv_set1(-1.453152027f));
    p = cv_fma(p, t, cv_set1(1.421413741f));
    p = cv_fma(p, t, cv_set1(-0.284496736f));
    p = cv_fma(p, t, cv_set1(0.254829592f));
    const cv_f tail = cv_mul(cv_mul(p, t), cv_exp(cv_mul(cv_sub(cv_zero(), z), z)));
    return cv_fnma(cv_mul(a, cv_set1(0.5f)), tail, cv_max(x, cv_zero()));
}

// y[i] = EXPRESSION(i) over whole vectors; the rest goes through zero-padded copies of the inputs.
#define CV_MAP2(x, z, count, y, EXPRESSION)                                                                        \
    do {                                                                                                           \
        size_t i = 0;                                                                                              \
        for (; i + CV_LANES <= (count); i += CV_LANES) {                                                           \
            cv_f a = cv_load((x) + i), b = cv_load((z) + i);                                                       \
            (void)b;                                                                                               \
            cv_store((y) + i, EXPRESSION);                                                                         \
        }                                                                                                          \
        if (i < (count)) {                                                                                         \
            float first[CV_LANES] = {0}, second[CV_LANES] = {0}, result[CV_LANES];                                 \
            memcpy(first, (x) + i, ((count) - i) * sizeof(float));                                                 \
            memcpy(second, (z) + i, ((count) - i) * sizeof(float));                                                \
            cv_f a = cv_load(first), b = cv_load(second);                                                          \
            (void)b;                                                                                               \
            cv_store(result, EXPRESSION);                                                                          \
            memcpy((y) + i, result, ((count) - i) * sizeof(float));                                                \
        }                                                                                                          \
    } while (0)

static void cv_map_exp(const float *x, size_t count, float *y) { CV_MAP2(x, x, count, y, cv_exp(a)); }
static void cv_map_tanh(const float *x, size_t count, float *y) { CV_MAP2(x, x, count, y, cv_tanh(a)); }
static void cv_map_gelu_erf(const float *x, size_t count, float *y) { CV_MAP2(x, x, count, y, cv_gelu_erf(a)); }
static void cv_map_gelu(const float *x, size_t count, float *y) { CV_MAP2(x, x, count, y, cv_gelu(a)); }
static void cv_map_swiglu(const float *x, const float *z, size_t count, float *y) {
    CV_MAP2(x, z, count, y, cv_mul(cv_silu(a), b));
}
static void cv_map_geglu(const float *x, const float *z, size_t count, float *y) {
    CV_MAP2(x, z, count, y, cv_mul(cv_gelu(a), b));
}
static void cv_map_add(const float *x, size_t count, float *y) { CV_MAP2(x, y, count, y, cv_add(b, a)); }
static void cv_map_axpy(float factor, const float *x, size_t count, float *y) {
    const cv_f f = cv_set1(factor);
    CV_MAP2(x, y, count, y, cv_fma(f, a, b));
}
static void cv_map_scale(float factor, const float *x, size_t count, float *y) {
    const cv_f f = cv_set1(factor);
    CV_MAP2(x, x, count, y, cv_mul(f, a));
}
static void cv_map_softcap(float cap, const float *x, size_t count, float *y) {
    const cv_f c = cv_set1(cap);
    CV_MAP2(x, x, count, y, cv_mul(c, cv_tanh(cv_div(a, c))));
}

/// Σ (x − shift)(y − shift) over 64 running sums.
CV_INLINE float cv_sum_products(const float *x, const float *y, const cv_f shift, size_t count) {
    cv_f sums[CV_WIDE];
    for (int j = 0; j < CV_WIDE; j++) sums[j] = cv_zero();
    size_t i = 0;
    for (; i + 64 <= count; i += 64)
        for (int j = 0; j < CV_WIDE; j++)
            sums[j] = cv_fma(cv_sub(cv_load(x + i + (size_t)(j * CV_LANES)), shift),
                             cv_sub(cv_load(y + i + (size_t)(j * CV_LANES)), shift), sums[j]);
    if (i < count) {
        float first[64], second[64], offset[CV_LANES];
        cv_store(offset, shift);
        for (size_t j = 0; j < 64; j++) {
            first[j] = i + j < count ? x[i + j] : offset[0];
            second[j] = i + j < count ? y[i + j] : offset[0];
        }
        for (int j = 0; j < CV_WIDE; j++)
            sums[j] = cv_fma(cv_sub(cv_load(first + j * CV_LANES), shift),
                             cv_sub(cv_load(second + j * CV_LANES), shift), sums[j]);
    }
    return cv_tree_sum(sums, CV_WIDE);
}

static float cv_dot_product(const float *x, const float *y, size_t count) {
    return cv_sum_products(x, y, cv_zero(), count);
}

static float cv_mean(const float *x, size_t count) {
    cv_f sums[CV_WIDE];
    for (int j = 0; j < CV_WIDE; j++) sums[j] = cv_zero();
    size_t i = 0;
    for (; i + 64 <= count; i += 64)
        for (int j = 0; j < CV_WIDE; j++) sums[j] = cv_add(sums[j], cv_load(x + i + (size_t)(j * CV_LANES)));
    float sum = 0;
    for (; i < count; i++) sum += x[i];
    return (cv_tree_sum(sums, CV_WIDE) + sum) / (float)count;
}

static float cv_variance(const float *x, float mean, size_t count) {
    return cv_sum_products(x, x, cv_set1(mean), count) / (float)count;
}

/// y = (x − mean) · factor · weight + bias.
static void cv_normalize(const float *x, float mean, float factor, const float *weight, const float *bias,
                         size_t count, float *y) {
    const cv_f f = cv_set1(factor), m = cv_set1(mean);
    if (!weight) CV_MAP2(x, x, count, y, cv_mul(cv_sub(a, m), f));
    else CV_MAP2(x, weight, count, y, cv_mul(cv_mul(cv_sub(a, m), f), b));
    if (bias) cv_map_add(bias, count, y);
}

static void cv_rope_one(float *x, size_t rotary, const float *cosines, const float *sines, bool interleaved) {
    const size_t pairs = rotary / 2;
    size_t i = 0;
    if (!interleaved) {
        for (; i + CV_LANES <= pairs; i += CV_LANES) {
            const cv_f a = cv_load(x + i), b = cv_load(x + pairs + i);
            const cv_f c = cv_load(cosines + i), s = cv_load(sines + i);
            cv_store(x + i, cv_fnma(b, s, cv_mul(a, c)));
            cv_store(x + pairs + i, cv_fma(b, c, cv_mul(a, s)));
        }
    } else {
        for (; i + CV_LANES <= pairs; i += CV_LANES) {
            float even[CV_LANES], odd[CV_LANES];
            for (int j = 0; j < CV_LANES; j++) {
                even[j] = x[2 * (i + (size_t)j)];
                odd[j] = x[2 * (i + (size_t)j) + 1];
            }
            const cv_f a = cv_load(even), b = cv_load(odd), c = cv_load(cosines + i), s = cv_load(sines + i);
            cv_store(even, cv_fnma(b, s, cv_mul(a, c)));
            cv_store(odd, cv_fma(b, c, cv_mul(a, s)));
            for (int j = 0; j < CV_LANES; j++) {
                x[2 * (i + (size_t)j)] = even[j];
                x[2 * (i + (size_t)j) + 1] = odd[j];
            }
        }
    }
    for (; i < pairs; i++) {
        float *first = interleaved ? x + 2 * i : x + i, *second = interleaved ? first + 1 : x + pairs + i;
        const float a = *first, b = *second, c = cosines[i], s = sines[i];
        *first = cv_fma1(-b, s, a * c);
        *second = cv_fma1(b, c, a * s);
    }
}

static void cv_rope(float *x, size_t heads, size_t dimension, size_t rotary, const float *cosines,
                    const float *sines, bool interleaved) {
    for (size_t h = 0; h < heads; h++) cv_rope_one(x + h * dimension, rotary, cosines, sines, interleaved);
}
