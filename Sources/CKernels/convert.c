// Block formats of GGUF files to float and back.
#include "convert.h"

#include "collab_merge_raw.h"
#include "kernels.h"
#include "quantize_k.h"
#include "simd_portable.h"

float collab_f16_to_f32(uint16_t half) { return cv_half1(half); }

uint16_t collab_f32_to_f16(float value) { return cv_tohalf1(value); }

static uint16_t read16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }

void collab_k_scales(const uint8_t *packed, uint8_t scales[8], uint8_t minima[8]) {
    for (int i = 0; i < 4; i++) {
        scales[i] = packed[i] & 63;
        minima[i] = packed[i + 4] & 63;
        scales[i + 4] = (uint8_t)((packed[i + 8] & 15) | packed[i] >> 6 << 4);
        minima[i + 4] = (uint8_t)(packed[i + 8] >> 4 | packed[i + 4] >> 6 << 4);
    }
}

void collab_block_integers(collab_format format, const uint8_t *block, uint8_t *q) {
    switch (format) {
        case COLLAB_Q8_0:
            for (int i = 0; i < 32; i++) q[i] = block[2 + i] ^ 0x80;
            return;
        case COLLAB_Q4_0:
        case COLLAB_Q4_1: {
            const uint8_t *nibbles = block + (format == COLLAB_Q4_0 ? 2 : 4);
            for (int i = 0; i < 16; i++) {
                q[i] = nibbles[i] & 15;
                q[i + 16] = nibbles[i] >> 4;
            }
            return;
        }
        case COLLAB_Q5_0:
        case COLLAB_Q5_1: {
            const uint8_t *high = block + (format == COLLAB_Q5_0 ? 2 : 4), *nibbles = high + 4;
            for (int i = 0; i < 16; i++) {
                q[i] = (uint8_t)((nibbles[i] & 15) | (high[i / 8] >> i % 8 & 1) << 4);
                q[i + 16] = (uint8_t)(nibbles[i] >> 4 | (high[2 + i / 8] >> i % 8 & 1) << 4);
            }
            return;
        }
        case COLLAB_Q4_K:
        case COLLAB_Q5_K: {
            const uint8_t *high = block + 16, *nibbles = block + (format == COLLAB_Q4_K ? 16 : 48);
            for (int c = 0; c < 4; c++)
                for (int i = 0; i < 32; i++) {
                    uint8_t low = nibbles[32 * c + i] & 15, top = nibbles[32 * c + i] >> 4;
                    if (format == COLLAB_Q5_K) {
                        low |= (uint8_t)((high[i] >> 2 * c & 1) << 4);
                        top |= (uint8_t)((high[i] >> (2 * c + 1) & 1) << 4);
                    }
                    q[64 * c + i] = low;
                    q[64 * c + 32 + i] = top;
                }
            return;
        }
        case COLLAB_Q6_K:
            for (int half = 0; half < 2; half++) {
                const uint8_t *low = block + 64 * half, *high = block + 128 + 32 * half;
                uint8_t *to = q + 128 * half;
                for (int i = 0; i < 32; i++) {
                    to[i] = (uint8_t)((low[i] & 15) | (high[i] & 3) << 4);
                    to[i + 32] = (uint8_t)((low[i + 32] & 15) | (high[i] >> 2 & 3) << 4);
                    to[i + 64] = (uint8_t)(low[i] >> 4 | (high[i] >> 4 & 3) << 4);
                    to[i + 96] = (uint8_t)(low[i + 32] >> 4 | (high[i] >> 6) << 4);
                }
            }
            return;
        default: return;
    }
}

/// One quantised block.
static void dequantize_block(collab_format format, const uint8_t *block, float *y) {
    uint8_t q[256];
    collab_block_integers(format, block, q);
    switch (format) {
        case COLLAB_Q8_0:
        case COLLAB_Q4_0:
        case COLLAB_Q5_0: {
            const float d = cv_half1(read16(block));
            const int offset = format == COLLAB_Q8_0 ? 128 : format == COLLAB_Q4_0 ? 8 : 16;
            for (int i = 0; i < 32; i++) y[i] = d * (float)(q[i] - offset);
            return;
        }
        case COLLAB_Q4_1:
        case COLLAB_Q5_1: {
            const float d = cv_half1(read16(block)), m = cv_half1(read16(block + 2));
            for (int i = 0; i < 32; i++) y[i] = d * (float)q[i] + m;
            return;
        }
        case COLLAB_Q4_K:
        case COLLAB_Q5_K: {
            const float d = cv_half1(read16(block)), m = cv_half1(read16(block + 2));
            uint8_t scales[8], minima[8];
            collab_k_scales(block + 4, scales, minima);
            for (int i = 0; i < 256; i++)
                y[i] = d * (float)scales[i / 32] * (float)q[i] - m * (float)minima[i / 32];
            return;
        }
        case COLLAB_Q6_K: {
            const float d = cv_half1(read16(block + 208));
            for (int i = 0; i < 256; i++)
                y[i] = d * (float)(int8_t)block[192 + i / 16] * (float)(q[i] - 32);
            return;
        }
        default: return;
    }
}

void collab_dequantize(collab_level level, collab_format format, const void *source, size_t blocks, float *target) {
    const uint8_t *from = source;
    switch (format) {
        case COLLAB_F32: memcpy(target, from, blocks * sizeof(float)); return;
        case COLLAB_F16:
            if ((uintptr_t)from % 2 == 0) {
                collab_kernels_of(level)->from_f16((const uint16_t *)source, blocks, target);
            } else {
                for (size_t i = 0; i < blocks; i++) target[i] = cv_half1(read16(from + 2 * i));
            }
            return;
        case COLLAB_BF16: collab_raw_from_bf16(level, source, blocks, target); return;
        default: break;
    }
    const size_t bytes = collab_block_bytes(format), elements = collab_block_elements(format);
    for (size_t b = 0; b < blocks; b++) dequantize_block(format, from + b * bytes, target + b * elements);
}

/// The nearest integer, ties away from 0 as in the files of llama.cpp, between the bounds; 0 for NaN.
static int nearest(float x, int low, int high) {
    if (!(x == x)) return 0;
    if (x <= (float)low) return low;
    if (x >= (float)high) return high;
    const int whole = (int)x;
    const float rest = x - (float)whole;
    return whole + (rest >= 0.5f) - (rest <= -0.5f);
}

/// The integer below x + a half as floats add them, at most the bound; 0 for NaN and below 0.
static int rounded_up(float x, float half, int high) {
    const float sum = x + half;
    if (!(sum > 0)) return 0;
    return sum >= (float)high ? high : (int)sum;
}

static float reciprocal(float x) { return x != 0 ? 1 / x : 0; }

static void write16(uint8_t *p, uint16_t x) {
    p[0] = (uint8_t)x;
    p[1] = (uint8_t)(x >> 8);
}

static void quantize_q8_0(const float *x, uint8_t *block) {
    float peak = 0;
    for (int i = 0; i < 32; i++) peak = __builtin_fabsf(x[i]) > peak ? __builtin_fabsf(x[i]) : peak;
    const float d = peak / 127, inverse = reciprocal(d);
    write16(block, cv_tohalf1(d));
    for (int i = 0; i < 32; i++) block[2 + i] = (uint8_t)(int8_t)nearest(x[i] * inverse, -127, 127);
}

/// Sixteen pairs of integers in half bytes, and, of formats with five bits, their upper bits in four bytes before.
static void write_integers(const int *q, bool isFive, uint8_t *to) {
    uint32_t upper = 0;
    uint8_t *nibbles = to + (isFive ? 4 : 0);
    for (int i = 0; i < 16; i++) {
        nibbles[i] = (uint8_t)((q[i] & 15) | (q[i + 16] & 15) << 4);
        upper |= (uint32_t)(q[i] >> 4) << i | (uint32_t)(q[i + 16] >> 4) << (i + 16);
    }
    if (!isFive) return;
    for (int i = 0; i < 4; i++) to[i] = (uint8_t)(upper >> 8 * i);
}

/// Q4_0 and Q5_0.
static void quantize_symmetric(const float *x, bool isFive, uint8_t *block) {
    // The extreme of larger magnitude becomes −8 (−16), so that the whole range −8…7 is used.
    const int middle = isFive ? 16 : 8;
    float extreme = 0;
    for (int i = 0; i < 32; i++) extreme = __builtin_fabsf(x[i]) > __builtin_fabsf(extreme) ? x[i] : extreme;
    const float d = extreme / (float)-middle, inverse = reciprocal(d);
    write16(block, cv_tohalf1(d));
    int q[32];
    for (int i = 0; i < 32; i++) q[i] = rounded_up(x[i] * inverse, (float)middle + 0.5f, 2 * middle - 1);
    write_integers(q, isFive, block + 2);
}

/// Q4_1 and Q5_1.
static void quantize_affine(const float *x, bool isFive, uint8_t *block) {
    const int top = isFive ? 31 : 15;
    float least = x[0], most = x[0];
    for (int i = 1; i < 32; i++) {
        least = x[i] < least ? x[i] : least;
        most = x[i] > most ? x[i] : most;
    }
    const float d = (most - least) / (float)top, inverse = reciprocal(d);
    write16(block, cv_tohalf1(d));
    write16(block + 2, cv_tohalf1(least));
    int q[32];
    for (int i = 0; i < 32; i++) q[i] = rounded_up((x[i] - least) * inverse, 0.5f, top);
    write_integers(q, isFive, block + 4);
}

bool collab_quantize(collab_level level, collab_format format, const float *source, size_t blocks, void *target) {
    uint8_t *to = target;
    switch (format) {
        case COLLAB_F32: memcpy(to, source, blocks * sizeof(float)); return true;
        case COLLAB_F16:
            if ((uintptr_t)to % 2 == 0) {
                collab_kernels_of(level)->to_f16(source, blocks, (uint16_t *)target);
            } else {
                for (size_t i = 0; i < blocks; i++) write16(to + 2 * i, cv_tohalf1(source[i]));
            }
            return true;
        case COLLAB_BF16:
            collab_raw_to_bf16(level, source, blocks, target);
            return true;
        case COLLAB_Q8_0:
            for (size_t b = 0; b < blocks; b++) quantize_q8_0(source + 32 * b, to + 34 * b);
            return true;
        case COLLAB_Q4_0:
        case COLLAB_Q5_0: {
            const bool isFive = format == COLLAB_Q5_0;
            for (size_t b = 0; b < blocks; b++) quantize_symmetric(source + 32 * b, isFive, to + (isFive ? 22 : 18) * b);
            return true;
        }
        case COLLAB_Q4_1:
        case COLLAB_Q5_1: {
            const bool isFive = format == COLLAB_Q5_1;
            for (size_t b = 0; b < blocks; b++) quantize_affine(source + 32 * b, isFive, to + (isFive ? 24 : 20) * b);
            return true;
        }
        case COLLAB_Q4_K:
        case COLLAB_Q5_K:
        case COLLAB_Q6_K: collab_quantize_k(level, format, source, blocks, to); return true;
        default: return false;
    }
}
