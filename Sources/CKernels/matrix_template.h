// Products of packed matrices, written once over the vector primitives that the including file defines.
//
// For each row the blocks are summed in their order: acc = fma(float(Σ w·a), scale_w · scale_a, acc), then, where
// there are minima, acc = fma(minimum, scale_a · Σ a, acc). One row of activations never sees another.

#include "layout.h"

enum {
    /// Vectors of rows that float products handle at once: of a few tokens, and of a tile.
    CV_VECTORS = 4,
    CV_PARTS = CV_LANES == 16 ? 1 : 2,
};

/// One block of 32 columns, unpacked: weights, scales (two of them in Q6_K) and minima of CV_LANES rows.
typedef struct {
    cv_b w[8];
    cv_f scale, scale2, minimum;
} cv_block;

/// Five of eight bits of a COLLAB_Q8_0_PLANES block, as Q5_0's are stored.
CV_INLINE void cv_unpack_high(const uint8_t *data, const uint8_t *plane, cv_b *w) {
    for (int j = 0; j < 4; j++) {
        const cv_b v = cv_bload(data + 64 * j);
        w[j] = cv_blow(v);
        w[j + 4] = cv_bhigh(v);
    }
    const cv_b bits = cv_bload(plane);
#pragma clang loop unroll(full)
    for (int j = 0; j < 8; j++) w[j] = cv_bplane1(w[j], bits, j);
}

/// The other three.
CV_INLINE void cv_unpack_low(const uint8_t *low, cv_b *w) {
    const cv_b v[3] = {cv_bload(low), cv_bload(low + 64), cv_bload(low + 128)};
#pragma clang loop unroll(full)
    for (int j = 0; j < 8; j++) w[j] = cv_bpush3(w[j]);
#pragma clang loop unroll(full)
    for (int k = 0; k < 3; k++) {
        w[2 * k] = cv_bbits(w[2 * k], v[k], 0, 7);
        w[2 * k + 1] = cv_bbits(w[2 * k + 1], v[k], 3, 7);
        w[6] = cv_bbits(w[6], v[k], 6 - k, 1 << k);
        w[7] = cv_bbits(w[7], v[k], 7 - k, 1 << k);
    }
}

CV_INLINE cv_block cv_unpack(const collab_format format, const uint8_t *chunk, const uint8_t *low, const int block,
                             const int part) {
    const collab_layout at = collab_layout_of(format);
    const int lanes = part * CV_LANES;
    const uint8_t *data = chunk + at.data + block * at.block_stride + 4 * lanes;
    cv_block u;
    u.scale2 = u.minimum = cv_zero();
    if (format == COLLAB_Q8_0_PLANES) {
        cv_unpack_high(data, chunk + at.planes + block * at.block_stride + 4 * lanes, u.w);
        cv_unpack_low(low + block * COLLAB_LOW_BLOCK + 4 * lanes, u.w);
        for (int j = 0; j < 8; j++) u.w[j] = cv_b8(u.w[j]);
    } else if (format == COLLAB_Q8_0) {
        for (int j = 0; j < 8; j++) u.w[j] = cv_b8(cv_bload(data + 64 * j));
    } else {
        for (int j = 0; j < 4; j++) {
            cv_b v = cv_bload(data + 64 * j);
            u.w[j] = cv_blow(v);
            u.w[j + 4] = cv_bhigh(v);
        }
    }
    const uint8_t *plane = chunk + at.planes + block * at.block_stride + 4 * lanes;
    if (format == COLLAB_Q5_0 || format == COLLAB_Q5_1 || format == COLLAB_Q5_K) {
        cv_b bits = cv_bload(plane);
#pragma clang loop unroll(full)
        for (int j = 0; j < 8; j++) u.w[j] = cv_bplane1(u.w[j], bits, j);
    }
    if (format == COLLAB_Q6_K) {
        cv_b first = cv_bload(plane), second = cv_bload(plane + 64);
#pragma clang loop unroll(full)
        for (int j = 0; j < 4; j++) {
            u.w[j] = cv_bplane2(u.w[j], first, j);
            u.w[j + 4] = cv_bplane2(u.w[j + 4], second, j);
        }
    }
    if (at.blocks == 2) {
        u.scale = cv_load_f16(chunk + at.scales + 32 * block + 2 * lanes);
        if (collab_has_minima(format)) u.minimum = cv_load_f16(chunk + at.minima + 32 * block + 2 * lanes);
    } else {
        cv_f d = cv_load_f16(chunk + at.scales + 2 * lanes);
        if (format == COLLAB_Q6_K) {
            u.scale = cv_mul(d, cv_load_s8(chunk + at.subscales + 32 * block + lanes));
            u.scale2 = cv_mul(d, cv_load_s8(chunk + at.subscales + 32 * block + 16 + lanes));
        } else {
            u.scale = cv_mul(d, cv_load_u8(chunk + at.subscales + 16 * block + lanes));
            cv_f m = cv_load_f16(chunk + at.minima + 2 * lanes);
            u.minimum = cv_sub(cv_zero(), cv_mul(m, cv_load_u8(chunk + at.subminima + 16 * block + lanes)));
        }
    }
    return u;
}

/// Rows [token, token + count) of a tile of `width` rows with CV_LANES rows of a group; one block.
CV_INLINE void cv_block_integer(const collab_format format, const cv_block *u, const uint8_t *record, cv_f *acc,
                                const int width, const int token, const int count) {
    const collab_layout at = collab_layout_of(format);
    const int bits = collab_weight_bits(format);
    const int8_t *q = (const int8_t *)record + 32 * token;
    const float *d = (const float *)(record + 32 * width) + token;
    const float *ds = d + width;
    const int32_t *negated = (const int32_t *)(d + 2 * width);
    const int32_t *halves = (const int32_t *)(record + 44 * width) + 2 * token;
#pragma clang loop unroll(full)
    for (int t = 0; t < count; t++) {
        const int8_t *a = q + 32 * t;
        cv_f da = cv_bcast(d + t);
        if (format == COLLAB_Q6_K) {
            cv_i x = cv_offset(halves + 2 * t, at.shift), y = cv_offset(halves + 2 * t + 1, at.shift);
            x = cv_dots(x, u->w, a, 4, bits);
            y = cv_dots(y, u->w + 4, a + 16, 4, bits);
            acc[t] = cv_fma(cv_cvt(x), cv_mul(u->scale, da), acc[t]);
            acc[t] = cv_fma(cv_cvt(y), cv_mul(u->scale2, da), acc[t]);
            continue;
        }
        const int shift = collab_is_bytes(format) ? CV_SHIFT8 : at.shift;
        cv_i x = cv_dots(shift ? cv_offset(negated + t, shift) : cv_izero(), u->w, a, 8, bits);
        acc[t] = cv_fma(cv_cvt(x), cv_mul(u->scale, da), acc[t]);
        if (collab_has_minima(format)) acc[t] = cv_fma(u->minimum, cv_bcast(ds + t), acc[t]);
    }
}

/// The same with float activations: the weights' integers are exact in float.
CV_INLINE void cv_block_float(const collab_format format, const cv_block *u, const uint8_t *record, cv_f *acc,
                              const int width, const int token, const int count) {
    const collab_layout at = collab_layout_of(format);
    const float *x = (const float *)record + 32 * token;
    const float *sums = (const float *)record + 32 * width + token;
    const cv_f offset = cv_set1(at.shift ? (float)(1 << at.shift) : 0);
    cv_f s[CV_TOKENS], s2[CV_TOKENS];
    for (int t = 0; t < count; t++) s[t] = s2[t] = cv_zero();
    for (int j = 0; j < 8; j++) {
        for (int c = 0; c < 4; c++) {
            cv_f w = collab_is_bytes(format) ? cv_byte8(u->w[j], c) : cv_sub(cv_byte(u->w[j], c), offset);
            for (int t = 0; t < count; t++) {
                cv_f xt = cv_bcast(x + 32 * t + 4 * j + c);
                if (format == COLLAB_Q6_K && j >= 4) s2[t] = cv_fma(w, xt, s2[t]);
                else s[t] = cv_fma(w, xt, s[t]);
            }
        }
    }
    for (int t = 0; t < count; t++) {
        acc[t] = cv_fma(s[t], u->scale, acc[t]);
        if (format == COLLAB_Q6_K) acc[t] = cv_fma(s2[t], u->scale2, acc[t]);
        if (collab_has_minima(format)) acc[t] = cv_fma(u->minimum, cv_bcast(sums + t), acc[t]);
    }
}

CV_INLINE cv_f cv_load_float(const collab_format format, const uint8_t *p, const size_t index) {
    if (format == COLLAB_F32) return cv_load((const float *)p + index);
    if (format == COLLAB_F16) return cv_load_f16(p + 2 * index);
    return cv_load_bf16(p + 2 * index);
}

CV_INLINE void cv_prefetch_float(const collab_format format, const uint8_t *p, const size_t index) {
    __builtin_prefetch(p + index * (format == COLLAB_F32 ? 4 : 2) + 4096);
}

CV_INLINE void cv_prefetch_lines(const uint8_t *p, const int bytes) {
    for (int line = 0; line < bytes; line += 64) __builtin_prefetch(p + line);
}

/// Few rows of activations with CV_VECTORS vectors of rows at once, since one sum alone waits for its own additions.
CV_INLINE void cv_float_vectors(const collab_format format, const uint8_t *group, const size_t group_bytes,
                                const size_t blocks, const uint8_t *tile, const int count, float *y,
                                const size_t stride) {
    const int parts = 16 / CV_LANES;
    cv_f acc[2][CV_VECTORS];
    for (int t = 0; t < count; t++)
        for (int v = 0; v < CV_VECTORS; v++) acc[t][v] = cv_zero();
    for (size_t b = 0; b < blocks; b++, tile += (size_t)count * COLLAB_FLOAT_RECORD) {
        const float *x = (const float *)tile;
        for (int k = 0; k < 32; k++) {
#pragma clang loop unroll(full)
            for (int v = 0; v < CV_VECTORS; v++) {
                const cv_f w = cv_load_float(format, group + (size_t)(v / parts) * group_bytes,
                                             (b * 32 + (size_t)k) * 16 + (size_t)(v % parts * CV_LANES));
#pragma clang loop unroll(full)
                for (int t = 0; t < count; t++) acc[t][v] = cv_fma(w, cv_bcast(x + 32 * t + k), acc[t][v]);
            }
        }
    }
    for (int t = 0; t < count; t++)
        for (int v = 0; v < CV_VECTORS; v++) cv_store(y + (size_t)t * stride + (size_t)(v * CV_LANES), acc[t][v]);
}

/// The groups of CV_VECTORS vectors from `first` on; returns the first group that is left.
static size_t cv_multiply_few(collab_format format, const uint8_t *packed, size_t group_bytes, size_t rows,
                              size_t blocks, size_t first, size_t end, const uint8_t *activations, size_t tokens,
                              float *y, size_t stride) {
    const size_t step = CV_VECTORS * CV_LANES / 16;
    for (; first + step <= end && (first + step) * 16 <= rows; first += step) {
        const uint8_t *group = packed + first * group_bytes;
        float *out = y + first * 16;
#define CV_FEW(format)                                                                                             \
    if (tokens == 1) cv_float_vectors(format, group, group_bytes, blocks, activations, 1, out, stride);            \
    else cv_float_vectors(format, group, group_bytes, blocks, activations, 2, out, stride)
        if (format == COLLAB_F32) CV_FEW(COLLAB_F32);
        else if (format == COLLAB_F16) CV_FEW(COLLAB_F16);
        else CV_FEW(COLLAB_BF16);
#undef CV_FEW
    }
    return first;
}

CV_INLINE void cv_store_rows(cv_f acc, float *out, const int first, const int rows) {
    if (rows >= first + CV_LANES) {
        cv_store(out + first, acc);
    } else {
        float lanes[CV_LANES];
        cv_store(lanes, acc);
        for (int r = first; r < rows; r++) out[r] = lanes[r - first];
    }
}

/// Rows [token, token + count) of one tile with a group of a float format, CV_PARTS vectors at a time.
CV_INLINE void cv_tile_float(const collab_format format, const uint8_t *group, const size_t blocks,
                             const uint8_t *tile, const int width, const int token, const int count, float *y,
                             const size_t stride, const int rows) {
    for (int first = 0; first < rows; first += CV_PARTS * CV_LANES) {
        cv_f acc[CV_TOKENS][CV_PARTS];
        for (int t = 0; t < count; t++)
            for (int v = 0; v < CV_PARTS; v++) acc[t][v] = cv_zero();
        const float *x = (const float *)tile + 32 * token;
        for (size_t b = 0; b < blocks; b++, x += width * (COLLAB_FLOAT_RECORD / 4)) {
            for (int k = 0; k < 32; k++) {
                const size_t index = (b * 32 + (size_t)k) * 16 + (size_t)first;
                if (count > 2) cv_prefetch_float(format, group, index);
                cv_f w[CV_PARTS];
                for (int v = 0; v < CV_PARTS; v++) w[v] = cv_load_float(format, group, index + (size_t)(v * CV_LANES));
#pragma clang loop unroll(full)
                for (int t = 0; t < count; t++) {
                    const cv_f xt = cv_bcast(x + 32 * t + k);
#pragma clang loop unroll(full)
                    for (int v = 0; v < CV_PARTS; v++) acc[t][v] = cv_fma(w[v], xt, acc[t][v]);
                }
            }
        }
        for (int t = 0; t < count; t++)
            for (int v = 0; v < CV_PARTS; v++)
                cv_store_rows(acc[t][v], y + (size_t)(token + t) * stride, first + v * CV_LANES, rows);
    }
}

/// Rows [token, token + count) of one tile with `parts` vectors of rows of a group of a quantised format.
CV_INLINE void cv_tile_quantized(const collab_precision precision, const collab_format format, const uint8_t *group,
                                 const uint8_t *low, const size_t blocks, const int part, const int parts,
                                 const uint8_t *tile, const int width, const int token, const int count, float *y,
                                 const size_t stride, const int rows) {
    const collab_layout at = collab_layout_of(format);
    const size_t record_bytes = (size_t)width * collab_record_bytes(precision);
    cv_f acc[CV_PARTS][CV_TOKENS];
    for (int p = 0; p < parts; p++)
        for (int t = 0; t < count; t++) acc[p][t] = cv_zero();
    for (size_t b = 0; b < blocks; b += (size_t)at.blocks, group += at.chunk_bytes) {
        const uint8_t *below = format == COLLAB_Q8_0_PLANES ? low + b * COLLAB_LOW_BLOCK : 0;
        for (int i = 0; i < at.blocks; i++, tile += record_bytes) {
            // The processor's own prefetching ends with each page, and with much arithmetic a block it runs too little
            // ahead of the stream.
            cv_prefetch_lines(group + i * at.block_stride + 4096, at.block_stride);
            if (below && count <= 4) cv_prefetch_lines(below + i * COLLAB_LOW_BLOCK + 4096, COLLAB_LOW_BLOCK);
#pragma clang loop unroll(full)
            for (int p = 0; p < parts; p++) {
                // One vector's weights after another's: there are not registers for both.
                if (parts > 1 && count > 1) __asm__ volatile("" ::: "memory");
                cv_block u = cv_unpack(format, group, below, i, part + p);
                if (precision == COLLAB_INTEGER) cv_block_integer(format, &u, tile, acc[p], width, token, count);
                else cv_block_float(format, &u, tile, acc[p], width, token, count);
            }
        }
    }
    for (int p = 0; p < parts; p++)
        for (int t = 0; t < count; t++)
            cv_store_rows(acc[p][t], y + (size_t)(token + t) * stride, (part + p) * CV_LANES, rows);
}

typedef void cv_tile_function(const uint8_t *group, const uint8_t *low, size_t blocks, const uint8_t *tile, int width,
                              int token, float *y, size_t stride, int rows);

// Where one call takes the whole tile its width is a constant too.
#define CV_TILE(precision, format, count)                                                                          \
    static __attribute__((noinline)) void cv_tile_##precision##_##format##_##count(                                \
        const uint8_t *group, const uint8_t *low, size_t blocks, const uint8_t *tile, int width, int token,        \
        float *y, size_t stride, int rows) {                                                                       \
        (void)low;                                                                                                 \
        if (CV_TOKENS == COLLAB_TILE_TOKENS) width = count, token = 0;                                             \
        if (collab_is_float(format)) {                                                                             \
            cv_tile_float(format, group, blocks, tile, width, token, CV_AT_MOST(count), y, stride, rows);          \
            return;                                                                                                \
        }                                                                                                          \
        const int parts = (count) <= 2 ? CV_PARTS : 1;                                                             \
        for (int part = 0; part * CV_LANES < rows; part += parts)                                                  \
            cv_tile_quantized(precision, format, group, low, blocks, part, parts, tile, width, token,              \
                              CV_AT_MOST(count), y, stride, rows);                                                 \
    }

#define CV_AT_MOST(count) ((count) < CV_TOKENS ? (count) : CV_TOKENS)

#if CV_TOKENS == 8
#define CV_TILES(precision, format)                                                                                \
    CV_TILE(precision, format, 1)                                                                                  \
    CV_TILE(precision, format, 2)                                                                                  \
    CV_TILE(precision, format, 3)                                                                                  \
    CV_TILE(precision, format, 4)                                                                                  \
    CV_TILE(precision, format, 5)                                                                                  \
    CV_TILE(precision, format, 6)                                                                                  \
    CV_TILE(precision, format, 7)                                                                                  \
    CV_TILE(precision, format, 8)                                                                                  \
    static cv_tile_function *const cv_tiles_##precision##_##format[8] = {                                          \
        cv_tile_##precision##_##format##_1, cv_tile_##precision##_##format##_2,                                    \
        cv_tile_##precision##_##format##_3, cv_tile_##precision##_##format##_4,                                    \
        cv_tile_##precision##_##format##_5, cv_tile_##precision##_##format##_6,                                    \
        cv_tile_##precision##_##format##_7, cv_tile_##precision##_##format##_8,                                    \
    };
#elif CV_TOKENS == 4
#define CV_TILES(precision, format)                                                                                \
    CV_TILE(precision, format, 1)                                                                                  \
    CV_TILE(precision, format, 2)                                                                                  \
    CV_TILE(precision, format, 3)                                                                                  \
    CV_TILE(precision, format, 4)                                                                                  \
    static cv_tile_function *const cv_tiles_##precision##_##format[4] = {                                          \
        cv_tile_##precision##_##format##_1, cv_tile_##precision##_##format##_2,                                    \
        cv_tile_##precision##_##format##_3, cv_tile_##precision##_##format##_4,                                    \
    };
#else
#define CV_TILES(precision, format)                                                                                \
    CV_TILE(precision, format, 1)                                                                                  \
    static cv_tile_function *const cv_tiles_##precision##_##format[1] = {cv_tile_##precision##_##format##_1};
#endif

CV_TILES(COLLAB_FLOAT, COLLAB_F32)
CV_TILES(COLLAB_FLOAT, COLLAB_F16)
CV_TILES(COLLAB_FLOAT, COLLAB_BF16)
CV_TILES(COLLAB_FLOAT, COLLAB_Q8_0)
CV_TILES(COLLAB_FLOAT, COLLAB_Q4_0)
CV_TILES(COLLAB_FLOAT, COLLAB_Q4_1)
CV_TILES(COLLAB_FLOAT, COLLAB_Q5_0)
CV_TILES(COLLAB_FLOAT, COLLAB_Q5_1)
CV_TILES(COLLAB_FLOAT, COLLAB_Q4_K)
CV_TILES(COLLAB_FLOAT, COLLAB_Q5_K)
CV_TILES(COLLAB_FLOAT, COLLAB_Q6_K)
CV_TILES(COLLAB_FLOAT, COLLAB_Q8_0_PLANES)
CV_TILES(COLLAB_INTEGER, COLLAB_Q8_0)
CV_TILES(COLLAB_INTEGER, COLLAB_Q4_0)
CV_TILES(COLLAB_INTEGER, COLLAB_Q4_1)
CV_TILES(COLLAB_INTEGER, COLLAB_Q5_0)
CV_TILES(COLLAB_INTEGER, COLLAB_Q5_1)
CV_TILES(COLLAB_INTEGER, COLLAB_Q4_K)
CV_TILES(COLLAB_INTEGER, COLLAB_Q5_K)
CV_TILES(COLLAB_INTEGER, COLLAB_Q6_K)
CV_TILES(COLLAB_INTEGER, COLLAB_Q8_0_PLANES)

static cv_tile_function *const *const cv_tiles[2][COLLAB_FORMAT_COUNT] = {
    {0, 0, 0, cv_tiles_COLLAB_INTEGER_COLLAB_Q8_0, cv_tiles_COLLAB_INTEGER_COLLAB_Q4_0,
     cv_tiles_COLLAB_INTEGER_COLLAB_Q4_1, cv_tiles_COLLAB_INTEGER_COLLAB_Q5_0, cv_tiles_COLLAB_INTEGER_COLLAB_Q5_1,
     cv_tiles_COLLAB_INTEGER_COLLAB_Q4_K, cv_tiles_COLLAB_INTEGER_COLLAB_Q5_K,
     cv_tiles_COLLAB_INTEGER_COLLAB_Q6_K, cv_tiles_COLLAB_INTEGER_COLLAB_Q8_0_PLANES},
    {cv_tiles_COLLAB_FLOAT_COLLAB_F32, cv_tiles_COLLAB_FLOAT_COLLAB_F16, cv_tiles_COLLAB_FLOAT_COLLAB_BF16,
     cv_tiles_COLLAB_FLOAT_COLLAB_Q8_0, cv_tiles_COLLAB_FLOAT_COLLAB_Q4_0, cv_tiles_COLLAB_FLOAT_COLLAB_Q4_1,
     cv_tiles_COLLAB_FLOAT_COLLAB_Q5_0, cv_tiles_COLLAB_FLOAT_COLLAB_Q5_1, cv_tiles_COLLAB_FLOAT_COLLAB_Q4_K,
     cv_tiles_COLLAB_FLOAT_COLLAB_Q5_K, cv_tiles_COLLAB_FLOAT_COLLAB_Q6_K,
     cv_tiles_COLLAB_FLOAT_COLLAB_Q8_0_PLANES},
};

static void cv_multiply(collab_precision precision, collab_format format, const uint8_t *packed, size_t rows,
                        size_t columns, size_t first_group, size_t end_group, const uint8_t *activations,
                        size_t tokens, float *y, size_t stride) {
    cv_tile_function *const *functions = cv_tiles[precision][format];
    if (!functions) return;
    const size_t blocks = collab_padded_blocks(columns);
    const size_t group_bytes = collab_group_stride(format, columns);
    const bool has_planes = format == COLLAB_Q8_0_PLANES;
    const uint8_t *low = has_planes ? packed + collab_low_offset(rows, columns) : 0;
    const size_t low_bytes = has_planes ? collab_low_stride(columns) : 0;
    const size_t token_bytes = blocks * collab_record_bytes(precision);
    if (collab_is_float(format) && tokens <= 2)
        first_group = cv_multiply_few(format, packed, group_bytes, rows, blocks, first_group, end_group, activations,
                                      tokens, y, stride);
    // A chunk of weights that stays in the second-level cache while all the activations pass.
    size_t chunk = tokens > COLLAB_TILE_TOKENS ? (256 * 1024) / group_bytes : end_group - first_group;
    if (chunk < 1) chunk = 1;
    for (size_t start = first_group; start < end_group; start += chunk) {
        const size_t end = start + chunk < end_group ? start + chunk : end_group;
        for (size_t token = 0; token < tokens; token += COLLAB_TILE_TOKENS) {
            const size_t width = tokens - token < COLLAB_TILE_TOKENS ? tokens - token : COLLAB_TILE_TOKENS;
            for (size_t g = start; g < end; g++) {
                const size_t left = rows - g * COLLAB_GROUP_ROWS;
                for (size_t inner = 0; inner < width; inner += CV_TOKENS) {
                    const size_t count = width - inner < CV_TOKENS ? width - inner : CV_TOKENS;
                    functions[count - 1](packed + g * group_bytes, has_planes ? low + g * low_bytes : 0, blocks,
                                         activations + token * token_bytes, (int)width, (int)inner, y + token * stride + g * COLLAB_GROUP_ROWS, stride,
                                         left < COLLAB_GROUP_ROWS ? (int)left : COLLAB_GROUP_ROWS);
                }
            }
        }
    }
}

/// One row of activations into its place in a tile.
CV_INLINE void cv_prepare_row(collab_precision precision, const float *row, const cv_f scale, const float *weight,
                              size_t columns, uint8_t *tile, size_t width, size_t token) {
    const size_t blocks = collab_padded_blocks(columns);
    for (size_t b = 0; b < blocks; b++) {
        uint8_t *record = tile + b * width * collab_record_bytes(precision);
        float padded[32], padded_weight[32];
        const float *x = row + 32 * b, *w = weight ? weight + 32 * b : 0;
        if (32 * (b + 1) > columns) {
            for (size_t i = 0; i < 32; i++) {
                const bool inside = 32 * b + i < columns;
                padded[i] = inside ? x[i] : 0;
                padded_weight[i] = inside && w ? w[i] : 0;
            }
            x = padded;
            if (w) w = padded_weight;
        }
        cv_f v[32 / CV_LANES];
        cv_f largest = cv_zero();
        for (int i = 0; i < 32 / CV_LANES; i++) {
            v[i] = cv_load(x + i * CV_LANES);
            if (w) v[i] = cv_mul(cv_mul(v[i], scale), cv_load(w + i * CV_LANES));
            largest = cv_maxabsbits(largest, v[i]);
        }
        if (precision == COLLAB_FLOAT) {
            float *to = (float *)record + 32 * token;
            for (int i = 0; i < 32 / CV_LANES; i++) cv_store(to + i * CV_LANES, v[i]);
            ((float *)record)[32 * width + token] = cv_tree_sum(v, 32 / CV_LANES);
            continue;
        }
        int8_t *q = (int8_t *)record + 32 * token;
        float *d = (float *)(record + 32 * width) + token;
        int32_t *negated = (int32_t *)(record + 40 * width) + token;
        int32_t *halves = (int32_t *)(record + 44 * width) + 2 * token;
        const uint32_t bits = cv_habsbits(largest);
        float peak, step = __builtin_nanf("");
        memcpy(&peak, &bits, 4);
        cv_f inverse = cv_zero();
        const bool finite = bits < 0x7f800000u;
        if (finite) {
            step = peak / 127.0f;
            // Below this the reciprocal overflows; such activations are as good as zero.
            if (peak > 1e-36f) inverse = cv_set1(127.0f / peak);
            else step = 0;
        }
        int32_t sums[2] = {0, 0};
        for (int i = 0; i < 32 / CV_LANES; i++) {
            cv_i r = finite ? cv_round(cv_mul(v[i], inverse)) : cv_izero();
            cv_store_s8(q + i * CV_LANES, r);
            sums[i * CV_LANES / 16] += cv_ihsum(r);
        }
        d[0] = step;
        d[width] = step * (float)(sums[0] + sums[1]);
        negated[0] = -(sums[0] + sums[1]);
        halves[0] = -sums[0];
        halves[1] = -sums[1];
    }
}

static void cv_prepare(collab_precision precision, const float *rows, size_t stride, const float *scales,
                       const float *weight, size_t columns, size_t tokens, size_t first, size_t end,
                       uint8_t *target) {
    const size_t token_bytes = collab_padded_blocks(columns) * collab_record_bytes(precision);
    for (size_t t = first; t < end; t++) {
        const size_t tile = t / COLLAB_TILE_TOKENS * COLLAB_TILE_TOKENS;
        const size_t width = tokens - tile < COLLAB_TILE_TOKENS ? tokens - tile : COLLAB_TILE_TOKENS;
        const cv_f scale = cv_set1(weight ? scales[t - first] : 1);
        const float *row = rows + (t - first) * stride;
        if (precision == COLLAB_INTEGER)
            cv_prepare_row(COLLAB_INTEGER, row, scale, weight, columns, target + tile * token_bytes, width, t - tile);
        else
            cv_prepare_row(COLLAB_FLOAT, row, scale, weight, columns, target + tile * token_bytes, width, t - tile);
    }
}
