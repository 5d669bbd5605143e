// Pages of a key-value cache.
#include "attention_layout.h"
#include "kernels.h"

#include <string.h>

size_t collab_kv_page_bytes(collab_kv_shape shape) {
    return (size_t)shape.kv_heads * collab_kv_head_bytes(shape);
}

void collab_kv_store(collab_level level, collab_kv_shape shape, void *page, int slot, const float *keys,
                     const float *values) {
    const int dimension = shape.head_dimension, padded = collab_kv_padded(shape);
    const collab_kernels *kernels = collab_kernels_of(level);
    for (int head = 0; head < shape.kv_heads; head++) {
        const float *k = keys + head * dimension, *v = values + head * dimension;
        char *key_base = (char *)page + collab_kv_keys(shape, head);
        char *value_base = (char *)page + collab_kv_values(shape, head);
        if (shape.format == COLLAB_KV_BYTE) {
            float *factors = (float *)((char *)page + collab_kv_factors(shape, head)) + slot;
            int8_t bytes[COLLAB_ATTENTION_LARGEST_HEAD];
            factors[0] = kernels->to_s8(k, (size_t)dimension, bytes);
            int8_t *to = (int8_t *)key_base + collab_kv_key_index(shape, slot, 0);
            for (int d = 0; d < dimension; d++) to[16 * d] = bytes[d];
            int8_t *row = (int8_t *)value_base + slot * padded;
            factors[COLLAB_PAGE_POSITIONS] = kernels->to_s8(v, (size_t)dimension, row);
            for (int d = dimension; d < padded; d++) row[d] = 0;
        } else if (shape.format == COLLAB_KV_SINGLE) {
            float *to = (float *)key_base + collab_kv_key_index(shape, slot, 0);
            for (int d = 0; d < dimension; d++) to[16 * d] = k[d];
            float *row = (float *)value_base + slot * padded;
            memcpy(row, v, (size_t)dimension * 4);
            for (int d = dimension; d < padded; d++) row[d] = 0;
        } else {
            uint16_t halves[COLLAB_ATTENTION_LARGEST_HEAD];
            kernels->to_f16(k, (size_t)dimension, halves);
            uint16_t *to = (uint16_t *)key_base + collab_kv_key_index(shape, slot, 0);
            for (int d = 0; d < dimension; d++) to[16 * d] = halves[d];
            uint16_t *row = (uint16_t *)value_base + slot * padded;
            kernels->to_f16(v, (size_t)dimension, row);
            for (int d = dimension; d < padded; d++) row[d] = 0;
        }
    }
}

void collab_kv_load(collab_kv_shape shape, const void *page, int slot, float *keys, float *values) {
    const int dimension = shape.head_dimension, padded = collab_kv_padded(shape);
    for (int head = 0; head < shape.kv_heads; head++) {
        const char *key_base = (const char *)page + collab_kv_keys(shape, head);
        const char *value_base = (const char *)page + collab_kv_values(shape, head);
        const float *factors = (const float *)((const char *)page + collab_kv_factors(shape, head)) + slot;
        for (int d = 0; d < dimension; d++) {
            const size_t key = collab_kv_key_index(shape, slot, d), value = (size_t)(slot * padded + d);
            float *to_key = keys + head * dimension + d, *to_value = values + head * dimension + d;
            if (shape.format == COLLAB_KV_BYTE) {
                *to_key = factors[0] * (float)((const int8_t *)key_base)[key];
                *to_value = factors[COLLAB_PAGE_POSITIONS] * (float)((const int8_t *)value_base)[value];
            } else if (shape.format == COLLAB_KV_SINGLE) {
                *to_key = ((const float *)key_base)[key];
                *to_value = ((const float *)value_base)[value];
            } else {
                *to_key = collab_f16_to_f32(((const uint16_t *)key_base)[key]);
                *to_value = collab_f16_to_f32(((const uint16_t *)value_base)[value]);
            }
        }
    }
}

void collab_kv_copy(collab_kv_shape shape, const void *source, int count, void *target) {
    const size_t element = collab_kv_element(shape);
    const size_t row = (size_t)collab_kv_padded(shape) * element;
    const size_t tile = (size_t)shape.head_dimension * 16 * element;
    for (int head = 0; head < shape.kv_heads; head++) {
        const size_t keys = collab_kv_keys(shape, head), values = collab_kv_values(shape, head);
        // Whole tiles of 16 positions; a few keys beyond `count` are overwritten before they are read.
        memcpy((char *)target + keys, (const char *)source + keys, (size_t)((count + 15) / 16) * tile);
        memcpy((char *)target + values, (const char *)source + values, (size_t)count * row);
        if (shape.format != COLLAB_KV_BYTE) continue;
        const size_t factors = collab_kv_factors(shape, head), half = COLLAB_PAGE_POSITIONS * sizeof(float);
        for (size_t of = factors; of <= factors + half; of += half)
            memcpy((char *)target + of, (const char *)source + of, (size_t)count * sizeof(float));
    }
}
