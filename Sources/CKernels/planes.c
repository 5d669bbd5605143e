// Q8_0 in two planes: five high bits of every weight in one stream, three low bits in another.
#include "planes.h"

#include "convert.h"

#include <math.h>
#include <string.h>

enum { Q8_BLOCK = 34 };

/// ⌈12 ‖l − 3.5‖⌉ of 32 low parts. Twice a difference is an odd integer, so the square is exact.
static uint8_t norm_of(const uint8_t *low) {
    int squares = 0;
    for (int k = 0; k < 32; k++) {
        const int twice = 2 * low[k] - 7;
        squares += twice * twice;
    }
    const int wanted = COLLAB_LOW_NORM_UNIT * COLLAB_LOW_NORM_UNIT / 4 * squares;
    int norm = (int)sqrtf((float)wanted);
    while (norm * norm < wanted) norm++;
    return (uint8_t)norm;
}

/// One block of one row; returns the norm of its low parts.
static uint8_t pack_block(const uint8_t *block, int row, int index, uint8_t *chunk, uint8_t *low) {
    const collab_layout at = collab_layout_of(COLLAB_Q8_0_PLANES);
    memcpy(chunk + at.scales + 32 * index + 2 * row, block, 2);
    uint8_t *plane = chunk + at.planes + index * at.block_stride + 4 * row;
    uint8_t *data = chunk + at.data + index * at.block_stride + 4 * row;
    uint8_t *below = low + index * COLLAB_LOW_BLOCK + 4 * row;
    uint8_t high[32], rest[32];
    for (int k = 0; k < 32; k++) {
        const uint8_t q = block[2 + k] ^ 0x80;
        high[k] = q >> COLLAB_LOW_BITS;
        rest[k] = q & 7;
    }
    for (int c = 0; c < 4; c++) {
        int fifth = 0;
        for (int j = 0; j < 8; j++) fifth |= (high[4 * j + c] >> 4) << j;
        plane[c] = (uint8_t)fifth;
        for (int j = 0; j < 4; j++)
            data[64 * j + c] = (uint8_t)((high[4 * j + c] & 15) | (high[4 * j + 16 + c] & 15) << 4);
        for (int k = 0; k < 3; k++)
            below[64 * k + c] = (uint8_t)(rest[8 * k + c] | rest[8 * k + 4 + c] << 3 | (rest[24 + c] >> k & 1) << 6 |
                                          (rest[28 + c] >> k & 1) << 7);
    }
    return norm_of(rest);
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
        for (int r = 0; r < count; r++) {
            const uint8_t norm = pack_block(from + (size_t)r * row_bytes + b * Q8_BLOCK, r, (int)(b % 2),
                                            group + b / 2 * (size_t)at.chunk_bytes, low + b / 2 * 2 * COLLAB_LOW_BLOCK);
            if (norm > norms[b]) norms[b] = norm;
        }
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
