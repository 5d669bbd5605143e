// Where keys and values lie in a page.
#ifndef COLLAB_ATTENTION_LAYOUT_H
#define COLLAB_ATTENTION_LAYOUT_H

#include "collab_attention.h"

enum {
    /// Rows (queries × heads of a group) that one pass over the cache serves.
    COLLAB_ATTENTION_ROWS = 48,
    /// Floats of queries, and of sums, on the stack.
    COLLAB_ATTENTION_SCRATCH = 48 * 128,
    COLLAB_ATTENTION_LARGEST_HEAD = 1024,
};

static inline int collab_kv_padded(collab_kv_shape shape) { return (shape.head_dimension + 15) / 16 * 16; }

static inline size_t collab_kv_element(collab_kv_shape shape) {
    return shape.format == COLLAB_KV_SINGLE ? 4 : shape.format == COLLAB_KV_HALF ? 2 : 1;
}

static inline size_t collab_kv_head_bytes(collab_kv_shape shape) {
    return (size_t)COLLAB_PAGE_POSITIONS * (size_t)(shape.head_dimension + collab_kv_padded(shape)) *
               collab_kv_element(shape) +
           (shape.format == COLLAB_KV_BYTE ? 2 * COLLAB_PAGE_POSITIONS * sizeof(float) : 0);
}

static inline size_t collab_kv_keys(collab_kv_shape shape, int head) {
    return (size_t)head * collab_kv_head_bytes(shape);
}

static inline size_t collab_kv_values(collab_kv_shape shape, int head) {
    return collab_kv_keys(shape, head) +
           (size_t)COLLAB_PAGE_POSITIONS * (size_t)shape.head_dimension * collab_kv_element(shape);
}

/// Where the factors of a head's keys begin; those of its values follow.
static inline size_t collab_kv_factors(collab_kv_shape shape, int head) {
    return collab_kv_keys(shape, head + 1) - 2 * COLLAB_PAGE_POSITIONS * sizeof(float);
}

/// The element of a head's keys that belongs to a position and a dimension.
static inline size_t collab_kv_key_index(collab_kv_shape shape, int slot, int dimension) {
    return (size_t)(slot / 16 * 16 * shape.head_dimension + dimension * 16 + slot % 16);
}

#endif
