#ifndef COLLAB_ATTENTION_H
#define COLLAB_ATTENTION_H

#include "collab_dispatch.h"

enum {
    /// Positions that one page of a key-value cache holds.
    COLLAB_PAGE_POSITIONS = 64,
};

/// How the numbers of a key-value cache are kept.
typedef enum {
    COLLAB_KV_HALF = 0,
    COLLAB_KV_SINGLE = 1,
    /// Bytes from −127 to 127, times one float for a position's keys of a head and one for its values.
    COLLAB_KV_BYTE = 2,
} collab_kv_format;

/// The shape of one layer's key-value cache.
///
/// A page holds, head after head, the keys of 64 positions in tiles [4][head_dimension][16 positions] and then
/// their values [64][head_dimension rounded up to 16]; in bytes also the factors of the keys [64] and of the values
/// [64].
typedef struct {
    int kv_heads;
    int head_dimension;
    collab_kv_format format;
} collab_kv_shape;

/// Bytes of one page.
size_t collab_kv_page_bytes(collab_kv_shape shape);

/// Writes one position's keys and values ([kv_heads][head_dimension] each) into slot 0…63 of a page.
void collab_kv_store(collab_level level, collab_kv_shape shape, void *page, int slot, const float *keys,
                     const float *values);

/// Reads one position's keys and values back.
void collab_kv_load(collab_kv_shape shape, const void *page, int slot, float *keys, float *values);

/// Copies slots [0, count) of a page into another.
void collab_kv_copy(collab_kv_shape shape, const void *source, int count, void *target);

/// What one call of collab_attend reads and writes.
typedef struct {
    /// pages[p / 64] holds position p; pages outside every query's range are never touched.
    const void *const *pages;
    /// [tokens] rows of [query_heads][head_dimension], `query_stride` floats apart.
    const float *queries;
    size_t query_stride;
    /// Same shape as queries.
    float *output;
    size_t output_stride;
    /// Query t sees the positions [starts[t], ends[t]).
    const int32_t *starts;
    const int32_t *ends;
    int tokens;
    int query_heads;
    /// Factor of the scores.
    float scale;
    /// 0, or the cap c of c·tanh(score / c).
    float softcap;
} collab_attention;

/// output = softmax(scale · q·Kᵀ) V for the query heads [first_head, end_head). A query that sees nothing gets
/// zeros. The result of a query and a head does not depend on the others.
void collab_attend(collab_level level, collab_kv_shape shape, const collab_attention *call, int first_head,
                   int end_head);

#endif
