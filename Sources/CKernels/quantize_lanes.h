// Rounding into the K formats, compiled once for every instruction set: QUANTIZE(name) gives a function its name.
// Loops over the elements of a block are left to the compiler's vectoriser; sums run in eight accumulators in a fixed
// order, so that all instruction sets give the same bytes.

// Comparisons are written so that what is no number ends within the bounds.

/// The nearest integer to a number between −2²² and 2²², ties to even, as a float.
static inline float QUANTIZE(nearest)(float x) { return (x + 0x1.8p23f) - 0x1.8p23f; }

static inline float QUANTIZE(total)(const float *lanes) {
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

/// The scale and minimum of one part of a super-block, x ≈ scale · q − minimum with q in 0…top, both at least 0.
typedef struct {
    float scale, minimum;
} QUANTIZE(affine);

/// Integers for 32 numbers.
static inline void QUANTIZE(assign)(const float *x, float inverse, float shift, float top, float *q) {
    for (int i = 0; i < 32; i++) {
        float value = QUANTIZE(nearest)((x[i] + shift) * inverse);
        value = value > 0 ? value : 0;
        q[i] = value < top ? value : top;
    }
}

/// The weighted least squares of x ≈ s q − m for given integers, and the error that remains.
static inline QUANTIZE(affine) QUANTIZE(fit)(const float *x, const float *w, const float *q, float *error) {
    float sw[8] = {0}, sq[8] = {0}, sqq[8] = {0}, sx[8] = {0}, sxq[8] = {0}, sxx[8] = {0};
    for (int i = 0; i < 32; i += 8) {
        for (int lane = 0; lane < 8; lane++) {
            const float wq = w[i + lane] * q[i + lane], wx = w[i + lane] * x[i + lane];
            sw[lane] += w[i + lane];
            sq[lane] += wq;
            sqq[lane] += wq * q[i + lane];
            sx[lane] += wx;
            sxq[lane] += wx * q[i + lane];
            sxx[lane] += wx * x[i + lane];
        }
    }
    const float W = QUANTIZE(total)(sw), Q = QUANTIZE(total)(sq), QQ = QUANTIZE(total)(sqq);
    const float X = QUANTIZE(total)(sx), XQ = QUANTIZE(total)(sxq), XX = QUANTIZE(total)(sxx);
    const float determinant = W * QQ - Q * Q;
    QUANTIZE(affine) fit = {0, 0};
    if (determinant > 0) {
        fit.scale = (W * XQ - X * Q) / determinant;
        fit.minimum = (Q * XQ - QQ * X) / determinant;
    }
    if (!(determinant > 0) || fit.minimum < 0 || fit.scale < 0) {
        fit.minimum = 0;
        fit.scale = QQ > 0 && XQ > 0 ? XQ / QQ : 0;
    }
    // Σ w (s q − m − x)², multiplied out.
    const float s = fit.scale, m = fit.minimum;
    *error = s * s * QQ + m * m * W + XX - 2 * s * m * Q - 2 * s * XQ + 2 * m * X;
    return fit;
}

/// The best scale and minimum for 32 numbers: from several widths of the range, integers and least squares in turns.
static QUANTIZE(affine) QUANTIZE(search)(const float *x, const float *w, float top) {
    float least = x[0], most = x[0];
    for (int i = 1; i < 32; i++) {
        least = x[i] < least ? x[i] : least;
        most = x[i] > most ? x[i] : most;
    }
    least = least > 0 ? 0 : least;
    QUANTIZE(affine) best = {0, -least};
    if (!(most > least)) return best;
    float q[32], lowest = 0, error;
    bool isFirst = true;
    for (int step = 0; step <= 12; step++) {
        const float width = top - 1.2f + 0.2f * (float)step;
        float inverse = width / (most - least), shift = -least;
        for (int turn = 0; turn < 3; turn++) {
            QUANTIZE(assign)(x, inverse, shift, top, q);
            const QUANTIZE(affine) found = QUANTIZE(fit)(x, w, q, &error);
            if (isFirst || error < lowest) {
                best = found;
                lowest = error;
                isFirst = false;
            }
            if (!(found.scale > 0)) break;
            inverse = 1 / found.scale;
            shift = found.minimum;
        }
    }
    return best;
}

/// What an error at each number counts: large numbers more, none of them nothing.
static inline void QUANTIZE(weigh)(const float *x, int count, float *w) {
    float squares[8] = {0};
    for (int i = 0; i < count; i += 8) {
        for (int lane = 0; lane < 8; lane++) squares[lane] += x[i + lane] * x[i + lane];
    }
    const float mean = __builtin_sqrtf(QUANTIZE(total)(squares) / (float)count);
    for (int i = 0; i < count; i++) w[i] = mean + __builtin_fabsf(x[i]);
}

/// Q4_K and Q5_K: eight parts of 32 with 6-bit scales and minima under two half-precision factors.
static void QUANTIZE(affine_block)(const float *x, bool isFive, uint8_t *block) {
    const float top = isFive ? 31 : 15;
    QUANTIZE(affine) parts[8];
    float w[32], mostScale = 0, mostMinimum = 0;
    for (int part = 0; part < 8; part++) {
        QUANTIZE(weigh)(x + 32 * part, 32, w);
        parts[part] = QUANTIZE(search)(x + 32 * part, w, top);
        mostScale = parts[part].scale > mostScale ? parts[part].scale : mostScale;
        mostMinimum = parts[part].minimum > mostMinimum ? parts[part].minimum : mostMinimum;
    }
    const uint16_t halfScale = cv_tohalf1(mostScale / 63), halfMinimum = cv_tohalf1(mostMinimum / 63);
    const float d = cv_half1(halfScale), dm = cv_half1(halfMinimum);
    const float inverse = d > 0 ? 1 / d : 0, inverseMinimum = dm > 0 ? 1 / dm : 0;
    uint8_t scales[8], minima[8], q[256];
    for (int part = 0; part < 8; part++) {
        float scale = QUANTIZE(nearest)(parts[part].scale * inverse);
        float minimum = QUANTIZE(nearest)(parts[part].minimum * inverseMinimum);
        scale = !(scale > 0) ? 0 : scale > 63 ? 63 : scale;
        minimum = !(minimum > 0) ? 0 : minimum > 63 ? 63 : minimum;
        scales[part] = (uint8_t)scale;
        minima[part] = (uint8_t)minimum;
        float integers[32];
        const float step = d * scale;
        QUANTIZE(assign)(x + 32 * part, step > 0 ? 1 / step : 0, dm * minimum, top, integers);
        for (int i = 0; i < 32; i++) q[32 * part + i] = (uint8_t)integers[i];
    }
    write_half(block, halfScale);
    write_half(block + 2, halfMinimum);
    pack_k_scales(scales, minima, block + 4);
    pack_affine(q, isFive, block);
}

/// Q6_K: sixteen parts of 16 with 8-bit signed scales under one half-precision factor, x ≈ d · scale · q with q in
/// −32…31.
static void QUANTIZE(symmetric_block)(const float *x, uint8_t *block) {
    float scales[16], widest = 0;
    for (int part = 0; part < 16; part++) {
        const float *y = x + 16 * part;
        float extreme = 0;
        for (int i = 0; i < 16; i++) extreme = __builtin_fabsf(y[i]) > __builtin_fabsf(extreme) ? y[i] : extreme;
        scales[part] = 0;
        if (!(extreme != 0)) continue;
        float best = 0;
        for (int step = -9; step <= 9; step++) {
            const float inverse = -(32 + 0.1f * (float)step) / extreme;
            float products[8] = {0}, squares[8] = {0};
            for (int i = 0; i < 16; i += 8) {
                for (int lane = 0; lane < 8; lane++) {
                    float q = QUANTIZE(nearest)(y[i + lane] * inverse);
                    q = q < -32 ? -32 : q;
                    q = q > 31 ? 31 : q;
                    const float w = y[i + lane] * y[i + lane];
                    products[lane] += w * y[i + lane] * q;
                    squares[lane] += w * q * q;
                }
            }
            const float xq = QUANTIZE(total)(products), qq = QUANTIZE(total)(squares);
            // The error is Σ w x² − (Σ w x q)² / Σ w q².
            if (qq > 0 && xq * xq > best * qq) {
                best = xq * xq / qq;
                scales[part] = xq / qq;
            }
        }
        if (scales[part] == 0) scales[part] = -extreme / 32;
        widest = __builtin_fabsf(scales[part]) > __builtin_fabsf(widest) ? scales[part] : widest;
    }
    const uint16_t half = cv_tohalf1(widest / -128);
    const float d = cv_half1(half), inverse = d != 0 ? 1 / d : 0;
    uint8_t q[256];
    for (int part = 0; part < 16; part++) {
        float scale = QUANTIZE(nearest)(scales[part] * inverse);
        scale = !(scale > -128) ? -128 : scale > 127 ? 127 : scale;
        block[192 + part] = (uint8_t)(int8_t)scale;
        const float step = d * scale, up = step != 0 ? 1 / step : 0;
        for (int i = 0; i < 16; i++) {
            float value = QUANTIZE(nearest)(x[16 * part + i] * up);
            value = value > -32 ? value : -32;
            value = value < 31 ? value : 31;
            q[16 * part + i] = (uint8_t)(value + 32);
        }
    }
    write_half(block + 208, half);
    pack_symmetric(q, block);
}

static void QUANTIZE(blocks)(collab_format format, const float *source, size_t blocks, uint8_t *target) {
    for (size_t b = 0; b < blocks; b++) {
        switch (format) {
            case COLLAB_Q4_K: QUANTIZE(affine_block)(source + 256 * b, false, target + 144 * b); break;
            case COLLAB_Q5_K: QUANTIZE(affine_block)(source + 256 * b, true, target + 176 * b); break;
            default: QUANTIZE(symmetric_block)(source + 256 * b, target + 210 * b); break;
        }
    }
}
