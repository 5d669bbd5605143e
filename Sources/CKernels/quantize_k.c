// Floats into the K formats of GGUF files.
#include "quantize_k.h"

#include <string.h>

#include "simd_portable.h"

#pragma STDC FP_CONTRACT OFF

static void write_half(uint8_t *p, uint16_t x) {
    p[0] = (uint8_t)x;
    p[1] = (uint8_t)(x >> 8);
}

/// Eight 6-bit scales and minima in twelve bytes: the counterpart of collab_k_scales.
static void pack_k_scales(const uint8_t *scales, const uint8_t *minima, uint8_t *packed) {
    for (int i = 0; i < 4; i++) {
        packed[i] = (uint8_t)(scales[i] | scales[i + 4] >> 4 << 6);
        packed[i + 4] = (uint8_t)(minima[i] | minima[i + 4] >> 4 << 6);
        packed[i + 8] = (uint8_t)((scales[i + 4] & 15) | (minima[i + 4] & 15) << 4);
    }
}

/// The integers of Q4_K and Q5_K: the counterpart of collab_block_integers.
static void pack_affine(const uint8_t *q, bool isFive, uint8_t *block) {
    uint8_t *nibbles = block + (isFive ? 48 : 16);
    if (isFive) memset(block + 16, 0, 32);
    for (int c = 0; c < 4; c++) {
        for (int i = 0; i < 32; i++) {
            const uint8_t low = q[64 * c + i], top = q[64 * c + 32 + i];
            nibbles[32 * c + i] = (uint8_t)((low & 15) | (top & 15) << 4);
            if (isFive) block[16 + i] |= (uint8_t)((low >> 4) << 2 * c | (top >> 4) << (2 * c + 1));
        }
    }
}

/// The integers of Q6_K.
static void pack_symmetric(const uint8_t *q, uint8_t *block) {
    for (int half = 0; half < 2; half++) {
        const uint8_t *from = q + 128 * half;
        uint8_t *low = block + 64 * half, *high = block + 128 + 32 * half;
        for (int i = 0; i < 32; i++) {
            low[i] = (uint8_t)((from[i] & 15) | (from[i + 64] & 15) << 4);
            low[i + 32] = (uint8_t)((from[i + 32] & 15) | (from[i + 96] & 15) << 4);
            high[i] = (uint8_t)(from[i] >> 4 | from[i + 32] >> 4 << 2 | from[i + 64] >> 4 << 4 | from[i + 96] >> 4 << 6);
        }
    }
}

#define QUANTIZE(name) quantize_portable_##name
#include "quantize_lanes.h"
#undef QUANTIZE

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define QUANTIZE(name) quantize_avx2_##name
#include "quantize_lanes.h"
#undef QUANTIZE
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#define QUANTIZE(name) quantize_avx512_##name
#include "quantize_lanes.h"
#undef QUANTIZE
#pragma clang attribute pop

#endif

void collab_quantize_k(collab_level level, collab_format format, const float *source, size_t blocks, uint8_t *target) {
    switch (level) {
#if defined(__x86_64__)
        case COLLAB_LEVEL_AVX512: quantize_avx512_blocks(format, source, blocks, target); return;
        case COLLAB_LEVEL_AVX2: quantize_avx2_blocks(format, source, blocks, target); return;
#endif
        default: quantize_portable_blocks(format, source, blocks, target); return;
    }
}
