// Q8_0 in two planes: five high bits of every weight in one stream, three low bits in another.
#include "planes.h"

#include "convert.h"

#include <math.h>
#include <string.h>

enum { Q8_BLOCK = 34 };

/// ⌈12 √(squares / 4)⌉, where `squares` is four times the square sum of 32 low parts less 3.5.
static uint8_t norm_of(uint32_t squares) {
    const int wanted = COLLAB_LOW_NORM_UNIT * COLLAB_LOW_NORM_UNIT / 4 * (int)squares;
    int norm = (int)sqrtf((float)wanted);
    while (norm * norm < wanted) norm++;
    return (uint8_t)norm;
}

enum { ROWS = COLLAB_GROUP_ROWS, WORDS = 8 };

/// Bit 0 of each of four bytes.
static const uint32_t ones = 0x01010101u;

/// One block of 16 rows, of which rows from `count` on are zeros; returns the largest square sum of their low parts.
///
/// A word is four columns of a row, so that all work is done on words, and the compiler puts rows side by side.
static uint32_t pack_block(const uint8_t *from, size_t row_bytes, int count, int index, uint8_t *chunk, uint8_t *low) {
    const collab_layout at = collab_layout_of(COLLAB_Q8_0_PLANES);
    uint32_t w[WORDS][ROWS] = {0}, out[ROWS];
    uint8_t *scales = chunk + at.scales + 32 * index;
    for (int r = 0; r < count; r++) {
        const uint8_t *block = from + (size_t)r * row_bytes;
        memcpy(scales + 2 * r, block, 2);
        for (int j = 0; j < WORDS; j++) {
            uint32_t four;
            memcpy(&four, block + 2 + 4 * j, 4);
            w[j][r] = four ^ 0x80808080u;
        }
    }
    for (int r = 0; r < ROWS; r++) {
        out[r] = 0;
        for (int j = 0; j < WORDS; j++) out[r] |= (w[j][r] >> 7 & ones) << j;
    }
    memcpy(chunk + at.planes + index * at.block_stride, out, sizeof out);
    uint8_t *data = chunk + at.data + index * at.block_stride;
    for (int j = 0; j < 4; j++) {
        for (int r = 0; r < ROWS; r++)
            out[r] = (w[j][r] >> COLLAB_LOW_BITS & 15 * ones) | (w[j + 4][r] >> COLLAB_LOW_BITS & 15 * ones) << 4;
        memcpy(data + 64 * j, out, sizeof out);
    }
    uint8_t *below = low + index * COLLAB_LOW_BLOCK;
    for (int k = 0; k < 3; k++) {
        for (int r = 0; r < ROWS; r++)
            out[r] = (w[2 * k][r] & 7 * ones) | (w[2 * k + 1][r] & 7 * ones) << 3 | (w[6][r] >> k & ones) << 6 |
                     (w[7][r] >> k & ones) << 7;
        memcpy(below + 64 * k, out, sizeof out);
    }
    // With m = l − 4 from 4 on and 3 − l below, 4 (l − 3.5)² is (2m + 1)² = 8 m (m + 1) / 2 + 1; the triangular numbers
    // 0, 1, 3, 6 are m₀ + 3 m₁ + 2 m₀ m₁ in the bits of m, and eight of them fit in a byte.
    for (int r = 0; r < ROWS; r++) {
        out[r] = 0;
        for (int j = 0; j < WORDS; j++) {
            const uint32_t flip = ~(w[j][r] >> 2), m0 = (w[j][r] ^ flip) & ones, m1 = (w[j][r] >> 1 ^ flip) & ones;
            out[r] += m0 + 3 * m1 + 2 * (m0 & m1);
        }
        out[r] = 32 + 8 * (out[r] * ones >> 24);
    }
    uint32_t most = 0;
    for (int r = 0; r < count; r++) most = out[r] > most ? out[r] : most;
    return most;
}

void collab_pack_planes(const uint8_t *from, size_t rows, size_t columns, size_t g, int count, uint8_t *packed) {
    const size_t blocks = columns / COLLAB_BLOCK_COLUMNS, padded = collab_padded_blocks(columns);
    const size_t row_bytes = blocks * Q8_BLOCK;
    const collab_layout at = collab_layout_of(COLLAB_Q8_0_PLANES);
    uint8_t *group = packed + g * collab_group_stride(COLLAB_Q8_0_PLANES, columns);
    uint8_t *low = packed + collab_low_offset(rows, columns) + g * collab_low_stride(columns);
    uint8_t *norms = packed + collab_norm_offset(rows, columns) + g * padded;
    // The caller has cleared the high plane of a group with gaps.
    if (count < COLLAB_GROUP_ROWS || columns % 64 != 0) memset(low, 0, collab_low_stride(columns));
    memset(norms, 0, padded);
    for (size_t b = 0; b < blocks; b++)
        norms[b] = norm_of(pack_block(from + b * Q8_BLOCK, row_bytes, count, (int)(b % 2),
                                      group + b / 2 * (size_t)at.chunk_bytes, low + b / 2 * 2 * COLLAB_LOW_BLOCK));
}

void collab_unpack_planes(const uint8_t *packed, size_t rows, size_t columns, size_t row, float *target) {
    const collab_layout at = collab_layout_of(COLLAB_Q8_0_PLANES);
    const size_t r = row % COLLAB_GROUP_ROWS, g = row / COLLAB_GROUP_ROWS;
    const uint8_t *group = packed + g * collab_group_stride(COLLAB_Q8_0_PLANES, columns);
    const uint8_t *low = packed + collab_low_offset(rows, columns) + g * collab_low_stride(columns);
    for (size_t b = 0; b < columns / COLLAB_BLOCK_COLUMNS; b++) {
        const uint8_t *chunk = group + b / 2 * (size_t)at.chunk_bytes, *part = chunk + b % 2 * (size_t)at.block_stride;
        const uint8_t *below = low + b * COLLAB_LOW_BLOCK;
        uint16_t half;
        memcpy(&half, chunk + at.scales + 32 * (b % 2) + 2 * r, 2);
        const float scale = collab_f16_to_f32(half);
        for (size_t k = 0; k < 32; k++) {
            const size_t j = k / 4, lane = 4 * r + k % 4;
            const uint8_t nibbles = part[(size_t)at.data + 64 * (j % 4) + lane];
            int q = (j < 4 ? nibbles & 15 : nibbles >> 4) | (part[(size_t)at.planes + lane] >> j & 1) << 4;
            q <<= COLLAB_LOW_BITS;
            if (j < 6) q |= below[64 * (j / 2) + lane] >> (j % 2 ? 3 : 0) & 7;
            else
                for (int bit = 0; bit < 3; bit++) q |= (below[64 * bit + lane] >> j & 1) << bit;
            target[32 * b + k] = scale * (float)(q - 128);
        }
    }
}
