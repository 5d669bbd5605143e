// The bodies of the fusion kernels, compiled once for every instruction set: FUSION(name) gives a function its
// name. Vectors have sixteen lanes everywhere and are split by the compiler where registers are narrower, so that
// sums have the same order, and hence the same bits, at every level.

#define LANES 16
#define BLOCK 1024

typedef float FUSION(vf) __attribute__((vector_size(64)));
typedef int32_t FUSION(vi) __attribute__((vector_size(64)));
#define vf FUSION(vf)
#define vi FUSION(vi)

#define LOAD(target, pointer) __builtin_memcpy(&(target), (pointer), sizeof(vf))
#define STORE(pointer, value) __builtin_memcpy((pointer), &(value), sizeof(vf))
#define SPLAT(x) ((vf){0} + (x))
#define PICK(mask, yes, no) ((vf)(((mask) & (vi)(yes)) | (~(mask) & (vi)(no))))

// eˣ in place: 2ⁿ times a polynomial of the rest; below −87.3 it is 0, and NaN stays NaN.
__attribute__((always_inline)) static inline void FUSION(exp)(vf *value) {
    vf x = *value;
    vi tiny = x < SPLAT(-87.3f);
    vi huge = x > SPLAT(88.7f);
    x = PICK(tiny, SPLAT(-87.3f), x);
    x = PICK(huge, SPLAT(88.7f), x);
    const float magic = 12582912.0f;
    vf shifted = x * SPLAT(1.44269504f) + SPLAT(magic);
    vf n = shifted - SPLAT(magic);
    vi exponent = (vi)shifted - (vi)SPLAT(magic);
    vf r = x - n * SPLAT(0.693359375f);
    r = r - n * SPLAT(-2.12194440e-4f);
    vf p = SPLAT(1.0f / 5040);
    p = p * r + SPLAT(1.0f / 720);
    p = p * r + SPLAT(1.0f / 120);
    p = p * r + SPLAT(1.0f / 24);
    p = p * r + SPLAT(1.0f / 6);
    p = p * r + SPLAT(0.5f);
    p = p * r * r + r + SPLAT(1.0f);
    // The power of two in two halves, since 2¹²⁸ is not a float.
    vi half = exponent >> 1;
    vf first = (vf)((half + 127) << 23);
    vf second = (vf)((exponent - half + 127) << 23);
    p = p * first * second;
    *value = PICK(tiny, SPLAT(0.0f), p);
}

// log x in place for normal positive numbers; 0 gives −∞.
__attribute__((always_inline)) static inline void FUSION(log)(vf *value) {
    vf x = *value;
    vi zero = x <= SPLAT(0.0f);
    vi bits = (vi)x;
    // The mantissa in [√½, √2), the exponent to match.
    vi exponent = (bits - 0x3f3504f3) >> 23;
    vf m = (vf)(bits - (exponent << 23));
    vf t = (m - SPLAT(1.0f)) / (m + SPLAT(1.0f));
    vf square = t * t;
    vf series = SPLAT(1.0f / 9);
    series = series * square + SPLAT(1.0f / 7);
    series = series * square + SPLAT(1.0f / 5);
    series = series * square + SPLAT(1.0f / 3);
    vf logarithm = SPLAT(2.0f) * t + SPLAT(2.0f) * t * square * series;
    logarithm = logarithm + __builtin_convertvector(exponent, vf) * SPLAT(0.69314718f);
    *value = PICK(zero, SPLAT(-INFINITY), logarithm);
}

// Loads up to sixteen elements; missing ones are −∞.
__attribute__((always_inline)) static inline void FUSION(load)(vf *value, const float *x, size_t left) {
    if (left >= LANES) {
        LOAD(*value, x);
    } else {
        float padded[LANES];
        for (size_t lane = 0; lane < LANES; lane++) padded[lane] = lane < left ? x[lane] : -INFINITY;
        LOAD(*value, padded);
    }
}

// Apart, so that whole vectors are stored by an instruction rather than a call.
__attribute__((always_inline)) static inline void FUSION(store)(float *x, const vf *value, size_t left) {
    if (left >= LANES) {
        STORE(x, *value);
    } else {
        float padded[LANES];
        STORE(padded, *value);
        for (size_t lane = 0; lane < left; lane++) x[lane] = padded[lane];
    }
}

static void FUSION(log_linear)(const float *const *members, const float *weights, size_t members_count, size_t count,
                               float *out) {
    for (size_t v = 0; v < count; v += LANES) {
        size_t left = count - v;
        vf sum = SPLAT(0.0f);
        vi impossible = (vi){0};
        for (size_t i = 0; i < members_count; i++) {
            vf z;
            FUSION(load)(&z, members[i] + v, left);
            impossible |= z == SPLAT(-INFINITY);
            sum = sum + z * SPLAT(weights[i]);
        }
        sum = PICK(impossible, SPLAT(-INFINITY), sum);
        FUSION(store)(out + v, &sum, left);
    }
}

static void FUSION(linear)(const float *const *members, const float *shifts, size_t members_count, size_t count,
                           float *out) {
    for (size_t v = 0; v < count; v += LANES) {
        size_t left = count - v;
        vf maximum = SPLAT(-INFINITY);
        for (size_t i = 0; i < members_count; i++) {
            vf z;
            FUSION(load)(&z, members[i] + v, left);
            z = z + SPLAT(shifts[i]);
            // Written so that NaN is carried on.
            maximum = PICK(z <= maximum, maximum, z);
        }
        vi impossible = maximum == SPLAT(-INFINITY);
        vf base = PICK(impossible, SPLAT(0.0f), maximum);
        vf sum = SPLAT(0.0f);
        for (size_t i = 0; i < members_count; i++) {
            vf z;
            FUSION(load)(&z, members[i] + v, left);
            z = z + SPLAT(shifts[i]) - base;
            FUSION(exp)(&z);
            sum = sum + z;
        }
        FUSION(log)(&sum);
        sum = sum + maximum;
        sum = PICK(impossible, SPLAT(-INFINITY), sum);
        FUSION(store)(out + v, &sum, left);
    }
}

static void FUSION(at_least)(const float *x, size_t count, float threshold, float *out) {
    for (size_t v = 0; v < count; v += LANES) {
        size_t left = count - v;
        vf z;
        FUSION(load)(&z, x + v, left);
        z = PICK(z >= SPLAT(threshold), z, SPLAT(-INFINITY));
        FUSION(store)(out + v, &z, left);
    }
}

__attribute__((always_inline)) static inline double FUSION(total)(const vf *value) {
    // Halves are folded onto each other: a fixed order.
    float lanes[LANES];
    __builtin_memcpy(lanes, value, sizeof lanes);
    for (size_t width = LANES / 2; width > 0; width /= 2) {
        for (size_t lane = 0; lane < width; lane++) lanes[lane] = lanes[lane] + lanes[lane + width];
    }
    return (double)lanes[0];
}

static void FUSION(expectations)(const float *fused, float normalizer, const float *const *members,
                                 size_t members_count, size_t count, double *expectations) {
    for (size_t i = 0; i <= members_count; i++) expectations[i] = 0;
    for (size_t start = 0; start < count; start += BLOCK) {
        size_t end = count - start < BLOCK ? count : start + BLOCK;
        vf p[BLOCK / LANES];
        for (size_t v = start; v < end; v += LANES) {
            vf z;
            FUSION(load)(&z, fused + v, end - v);
            z = z - SPLAT(normalizer);
            FUSION(exp)(&z);
            p[(v - start) / LANES] = z;
        }
        for (size_t i = 0; i <= members_count; i++) {
            const float *values = i < members_count ? members[i] : fused;
            vf sum = SPLAT(0.0f);
            for (size_t v = start; v < end; v += LANES) {
                vf z, weight = p[(v - start) / LANES];
                FUSION(load)(&z, values + v, end - v);
                sum = sum + PICK(weight > SPLAT(0.0f), z * weight, SPLAT(0.0f));
            }
            expectations[i] += FUSION(total)(&sum);
        }
    }
}

static double FUSION(block_sum)(const float *x, size_t count, float maximum, float scale) {
    vf sum = SPLAT(0.0f);
    for (size_t v = 0; v < count; v += LANES) {
        vf z;
        FUSION(load)(&z, x + v, count - v);
        z = (z - SPLAT(maximum)) * SPLAT(scale);
        FUSION(exp)(&z);
        sum = sum + z;
    }
    return FUSION(total)(&sum);
}

static double FUSION(exp_sum)(const float *x, size_t count, float maximum, float scale) {
    double sum = 0;
    for (size_t start = 0; start < count; start += BLOCK) {
        sum += FUSION(block_sum)(x + start, count - start < BLOCK ? count - start : BLOCK, maximum, scale);
    }
    return sum;
}

static ptrdiff_t FUSION(draw)(const float *x, size_t count, float maximum, float scale, double unit) {
    double whole = FUSION(exp_sum)(x, count, maximum, scale);
    if (!(whole > 0) || whole > DBL_MAX) return -1;
    double left = unit * whole;
    ptrdiff_t last = -1;
    for (size_t start = 0; start < count; start += BLOCK) {
        size_t size = count - start < BLOCK ? count - start : BLOCK;
        double block = FUSION(block_sum)(x + start, size, maximum, scale);
        if (!(block > 0)) continue;
        if (left >= block) {
            left -= block;
            continue;
        }
        for (size_t v = start; v < start + size; v += LANES) {
            vf z;
            FUSION(load)(&z, x + v, start + size - v);
            z = (z - SPLAT(maximum)) * SPLAT(scale);
            FUSION(exp)(&z);
            for (size_t lane = 0; lane < LANES && v + lane < start + size; lane++) {
                if (!(z[lane] > 0)) continue;
                last = (ptrdiff_t)(v + lane);
                left -= (double)z[lane];
                if (left < 0) return last;
            }
        }
        return last;
    }
    // Rounding left a hair of mass behind the last block: the last token that has any.
    for (size_t v = count; v > 0; v--) {
        if (expf((x[v - 1] - maximum) * scale) > 0) return (ptrdiff_t)(v - 1);
    }
    return -1;
}

#undef LANES
#undef BLOCK
#undef vf
#undef vi
#undef LOAD
#undef STORE
#undef SPLAT
#undef PICK
