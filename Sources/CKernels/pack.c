// From the row-major blocks of a file into interleaved groups of 16 rows.
#include "convert.h"
#include "planes.h"

#include <string.h>

size_t collab_packed_group_bytes(collab_format format, size_t columns) {
    const size_t stride = collab_group_stride(format, columns);
    if (format != COLLAB_Q8_0_PLANES) return stride;
    return stride + collab_low_stride(columns) + collab_padded_blocks(columns);
}

size_t collab_activation_bytes(collab_precision precision, size_t columns, size_t tokens) {
    return collab_padded_blocks(columns) * tokens * collab_record_bytes(precision);
}

/// Bits c, c + 4, c + 8 … of a word, side by side.
static uint8_t every_fourth(uint32_t bits, int c) {
    uint32_t x = bits >> c & 0x11111111u;
    x = (x | x >> 3) & 0x03030303u;
    x = (x | x >> 6) & 0x000f000fu;
    return (uint8_t)(x | x >> 12);
}

/// One block of nibbles already in the order (low: first 16 columns, high: last 16).
static void pack_nibbles(const uint8_t *nibbles, int row, uint8_t *data) {
    for (int j = 0; j < 4; j++) memcpy(data + 64 * j + 4 * row, nibbles + 4 * j, 4);
}

static void pack_plain(collab_format format, const uint8_t *block, int row, int index, uint8_t *chunk) {
    const collab_layout at = collab_layout_of(format);
    uint8_t *data = chunk + at.data + index * at.block_stride;
    memcpy(chunk + at.scales + 32 * index + 2 * row, block, 2);
    const uint8_t *rest = block + 2;
    if (collab_has_minima(format)) {
        memcpy(chunk + at.minima + 32 * index + 2 * row, rest, 2);
        rest += 2;
    }
    if (format == COLLAB_Q8_0) {
        for (int j = 0; j < 8; j++) {
            uint32_t four;
            memcpy(&four, rest + 4 * j, 4);
            four ^= 0x80808080u;
            memcpy(data + 64 * j + 4 * row, &four, 4);
        }
        return;
    }
    if (format == COLLAB_Q5_0 || format == COLLAB_Q5_1) {
        uint32_t high;
        memcpy(&high, rest, 4);
        rest += 4;
        uint8_t *plane = chunk + at.planes + index * at.block_stride + 4 * row;
        for (int c = 0; c < 4; c++) plane[c] = every_fourth(high, c);
    }
    pack_nibbles(rest, row, data);
}

static uint64_t load64(const uint8_t *p) {
    uint64_t x;
    memcpy(&x, p, 8);
    return x;
}

static uint32_t load32(const uint8_t *p) {
    uint32_t x;
    memcpy(&x, p, 4);
    return x;
}

/// Two blocks whose nibbles a K format keeps side by side: 32 bytes, the first block's in the low halves.
static void pack_nibble_pair(const uint8_t *bytes, int row, uint8_t *first, uint8_t *second) {
    const uint64_t low = 0x0f0f0f0f0f0f0f0fu;
    uint64_t even[2], odd[2];
    for (int i = 0; i < 2; i++) {
        const uint64_t a = load64(bytes + 8 * i), b = load64(bytes + 16 + 8 * i);
        even[i] = (a & low) | (b & low) << 4;
        odd[i] = (a >> 4 & low) | (b & ~low);
    }
    pack_nibbles((const uint8_t *)even, row, first);
    pack_nibbles((const uint8_t *)odd, row, second);
}

static void pack_k_scales(collab_format format, const uint8_t *block, int row, uint8_t *chunk) {
    const collab_layout at = collab_layout_of(format);
    if (format == COLLAB_Q6_K) {
        memcpy(chunk + at.scales + 2 * row, block + 208, 2);
        for (int s = 0; s < 16; s++) chunk[at.subscales + 16 * s + row] = block[192 + s];
        return;
    }
    uint8_t scales[8], minima[8];
    collab_k_scales(block + 4, scales, minima);
    memcpy(chunk + at.scales + 2 * row, block, 2);
    memcpy(chunk + at.minima + 2 * row, block + 2, 2);
    for (int s = 0; s < 8; s++) {
        chunk[at.subscales + 16 * s + row] = scales[s];
        chunk[at.subminima + 16 * s + row] = minima[s];
    }
}

static void pack_k(collab_format format, const uint8_t *block, int row, uint8_t *chunk) {
    const collab_layout at = collab_layout_of(format);
    pack_k_scales(format, block, row, chunk);
    uint8_t *data = chunk + at.data, *planes = chunk + at.planes + 4 * row;
    const size_t stride = (size_t)at.block_stride;
    if (format == COLLAB_Q6_K) {
        for (size_t half = 0; half < 2; half++) {
            const uint8_t *low = block + 64 * half, *high = block + 128 + 32 * half;
            uint8_t *to = data + 4 * half * stride;
            pack_nibble_pair(low, row, to, to + 2 * stride);
            pack_nibble_pair(low + 32, row, to + stride, to + 3 * stride);
            for (size_t b = 0; b < 4; b++) {
                uint32_t words[2] = {0, 0};
                for (int j = 0; j < 8; j++)
                    words[j / 4] |= (load32(high + 4 * j) >> 2 * b & 0x03030303u) << 2 * (j % 4);
                uint8_t *plane = planes + (4 * half + b) * stride;
                memcpy(plane, words, 4);
                memcpy(plane + 64, words + 1, 4);
            }
        }
        return;
    }
    const uint8_t *nibbles = block + (format == COLLAB_Q4_K ? 16 : 48);
    for (size_t c = 0; c < 4; c++)
        pack_nibble_pair(nibbles + 32 * c, row, data + 2 * c * stride, data + (2 * c + 1) * stride);
    if (format == COLLAB_Q4_K) return;
    for (size_t b = 0; b < 8; b++) {
        uint32_t word = 0;
        for (int j = 0; j < 8; j++) word |= (load32(block + 16 + 4 * j) >> b & 0x01010101u) << j;
        memcpy(planes + b * stride, &word, 4);
    }
}

/// Sixteen columns at a time, so that the lines being written stay in the cache.
static void pack_floats(collab_format format, const uint8_t *rows, size_t columns, int count, uint8_t *group) {
    for (size_t start = 0; start < columns; start += 16) {
        const size_t end = start + 16 < columns ? start + 16 : columns;
        for (int r = 0; r < count; r++) {
            if (format == COLLAB_F32) {
                const uint8_t *row = rows + (size_t)r * columns * 4;
                for (size_t k = start; k < end; k++) memcpy(group + 64 * k + 4 * r, row + 4 * k, 4);
            } else {
                const uint8_t *row = rows + (size_t)r * columns * 2;
                for (size_t k = start; k < end; k++) memcpy(group + 32 * k + 2 * r, row + 2 * k, 2);
            }
        }
    }
}

void collab_pack(collab_format format, const void *source, size_t rows, size_t columns, size_t first_group,
                 size_t end_group, void *packed) {
    const collab_layout at = collab_layout_of(format);
    const size_t block_bytes = collab_block_bytes(format);
    const size_t row_blocks = columns / collab_block_elements(format);
    const size_t row_bytes = row_blocks * block_bytes, group_bytes = collab_group_stride(format, columns);
    for (size_t g = first_group; g < end_group; g++) {
        uint8_t *group = (uint8_t *)packed + g * group_bytes;
        const size_t first = g * COLLAB_GROUP_ROWS;
        const int count = rows - first < COLLAB_GROUP_ROWS ? (int)(rows - first) : COLLAB_GROUP_ROWS;
        if (count < COLLAB_GROUP_ROWS || columns % 64 != 0) memset(group, 0, group_bytes);
        const uint8_t *from = (const uint8_t *)source + first * row_bytes;
        if (format == COLLAB_Q8_0_PLANES) {
            collab_pack_planes(from, rows, columns, g, count, packed);
            continue;
        }
        if (collab_is_float(format)) {
            pack_floats(format, from, columns, count, group);
            continue;
        }
        for (size_t b = 0; b < row_blocks; b++)
            for (int r = 0; r < count; r++) {
                const uint8_t *block = from + (size_t)r * row_bytes + b * block_bytes;
                if (collab_is_k(format)) pack_k(format, block, r, group + b * (size_t)at.chunk_bytes);
                else pack_plain(format, block, r, (int)(b % 2), group + b / 2 * (size_t)at.chunk_bytes);
            }
    }
}

static float half_at(const uint8_t *p) {
    uint16_t h;
    memcpy(&h, p, 2);
    return collab_f16_to_f32(h);
}

void collab_unpack_row(collab_format format, const void *packed, size_t rows, size_t columns, size_t row,
                       float *target) {
    const collab_layout at = collab_layout_of(format);
    const uint8_t *group = (const uint8_t *)packed + row / 16 * collab_group_stride(format, columns);
    const size_t r = row % 16;
    if (format == COLLAB_Q8_0_PLANES) {
        collab_unpack_planes(packed, rows, columns, row, target);
        return;
    }
    if (collab_is_float(format)) {
        const size_t bytes = format == COLLAB_F32 ? 4 : 2;
        for (size_t k = 0; k < columns; k++)
            collab_dequantize(COLLAB_LEVEL_PORTABLE, format, group + (16 * k + r) * bytes, 1, target + k);
        return;
    }
    for (size_t k = 0; k < columns; k++) {
        const size_t b = k / 32, in_block = k % 32, index = b % (size_t)at.blocks;
        const uint8_t *chunk = group + b / (size_t)at.blocks * (size_t)at.chunk_bytes;
        const uint8_t *data = chunk + at.data + index * (size_t)at.block_stride;
        const size_t j = in_block / 4, lane = 4 * r + in_block % 4;
        int q = format == COLLAB_Q8_0 ? data[64 * j + lane]
                : j < 4               ? data[64 * j + lane] & 15
                                      : data[64 * (j - 4) + lane] >> 4;
        const uint8_t *plane = chunk + at.planes + index * (size_t)at.block_stride + lane;
        if (at.plane_bytes == 64) q |= (plane[0] >> j & 1) << 4;
        if (at.plane_bytes == 128) q |= (plane[j / 4 * 64] >> 2 * (j % 4) & 3) << 4;
        if (at.shift) q -= 1 << at.shift;
        if (at.blocks == 2) {
            const float d = half_at(chunk + at.scales + 32 * index + 2 * r);
            const float m = collab_has_minima(format) ? half_at(chunk + at.minima + 32 * index + 2 * r) : 0;
            target[k] = collab_has_minima(format) ? d * (float)q + m : d * (float)q;
        } else if (format == COLLAB_Q6_K) {
            const float d = half_at(chunk + at.scales + 2 * r);
            target[k] = d * (float)(int8_t)chunk[(size_t)at.subscales + 32 * index + in_block / 16 * 16 + r] * (float)q;
        } else {
            const float d = half_at(chunk + at.scales + 2 * r), m = half_at(chunk + at.minima + 2 * r);
            target[k] = d * (float)chunk[(size_t)at.subscales + 16 * index + r] * (float)q -
                        m * (float)chunk[(size_t)at.subminima + 16 * index + r];
        }
    }
}
