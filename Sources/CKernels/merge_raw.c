#include "collab_merge_raw.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#pragma STDC FP_CONTRACT OFF

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "halves of words are taken in little-endian order");

__attribute__((always_inline)) static inline uint32_t merge_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

#define RAW_HAS_MASKS 0
#define RAW_HAS_EIGHTS 0
#define RAW(name) raw_portable_##name
#include "merge_raw_lanes.h"
#undef RAW

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx2,fma,bmi,bmi2,popcnt"))), apply_to = function)
#undef RAW_HAS_EIGHTS
#define RAW_HAS_EIGHTS 1
#define RAW(name) raw_avx2_##name
#include "merge_raw_lanes.h"
#undef RAW
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#undef RAW_HAS_MASKS
#undef RAW_HAS_EIGHTS
#define RAW_HAS_MASKS 1
#define RAW_HAS_EIGHTS 0
#define RAW(name) raw_avx512_##name
#include "merge_raw_lanes.h"
#undef RAW
#pragma clang attribute pop

#define DISPATCH(name, ...)                                                \
    switch (level) {                                                       \
        case COLLAB_LEVEL_AVX512: return raw_avx512_##name(__VA_ARGS__);   \
        case COLLAB_LEVEL_AVX2: return raw_avx2_##name(__VA_ARGS__);       \
        default: return raw_portable_##name(__VA_ARGS__);                  \
    }

#else

#define DISPATCH(name, ...) \
    (void)level;            \
    return raw_portable_##name(__VA_ARGS__);

#endif

#define POINTERS(members) (const uint8_t *const *)(members)

void collab_raw_from_bf16(collab_level level, const void *x, size_t count, float *out) {
    DISPATCH(from_bf16, x, count, out)
}

void collab_raw_to_bf16(collab_level level, const float *x, size_t count, void *out) {
    DISPATCH(to_bf16, x, count, out)
}

void collab_raw_weighted(collab_level level, const void *const *members, const double *weights, size_t members_count,
                         size_t count, float *out) {
    DISPATCH(weighted, POINTERS(members), weights, members_count, count, out)
}

void collab_raw_gram(collab_level level, const void *const *members, const void *base, size_t members_count,
                     size_t count, double *sums) {
    DISPATCH(gram, POINTERS(members), base, members_count, count, sums)
}

uint64_t collab_raw_find_band(collab_level level, const void *x, const void *base, size_t count, uint32_t low,
                              uint32_t high, collab_raw_band *band) {
    DISPATCH(band, x, base, count, low, high, band)
}

void collab_raw_sample(collab_level level, const void *x, const void *base, uint64_t total, size_t runs, uint32_t *out) {
    DISPATCH(sample, x, base, total, runs, out)
}

void collab_raw_magnitudes(collab_level level, const void *x, const void *base, size_t count, uint32_t *out) {
    DISPATCH(magnitudes, x, base, count, out)
}

void collab_raw_sums(collab_level level, const void *x, const void *base, size_t count, const uint64_t *kept,
                     double *sums) {
    DISPATCH(sums, x, base, count, kept, sums)
}

void collab_raw_draw(collab_level level, uint64_t first, size_t count, uint64_t key, uint32_t stream,
                     uint32_t threshold, uint64_t *bits) {
    DISPATCH(draw, first, count, key, stream, threshold, bits)
}

void collab_raw_tasks(collab_level level, const void *const *members, const void *base,
                      const collab_raw_thinning *thinnings, const double *scales, const double *weights,
                      size_t members_count, const collab_raw_rule *rule, uint64_t first, size_t count, float *out) {
    DISPATCH(tasks, POINTERS(members), base, thinnings, scales, weights, members_count, rule, first, count, out)
}

void collab_raw_weighted_bf16(collab_level level, const void *const *members, const double *weights,
                              size_t members_count, size_t count, void *out) {
    DISPATCH(weighted_rounded, POINTERS(members), weights, members_count, count, out)
}

void collab_raw_tasks_bf16(collab_level level, const void *const *members, const void *base,
                           const collab_raw_thinning *thinnings, const double *scales, const double *weights,
                           size_t members_count, const collab_raw_rule *rule, uint64_t first, size_t count, void *out) {
    DISPATCH(tasks_rounded, POINTERS(members), base, thinnings, scales, weights, members_count, rule, first, count, out)
}

uint32_t collab_raw_select(collab_level level, const uint32_t *x, uint32_t count, uint32_t low, uint32_t high,
                           size_t rank, size_t *equal) {
    DISPATCH(select, x, count, low, high, rank, equal)
}
