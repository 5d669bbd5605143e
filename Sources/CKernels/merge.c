#include "collab_merge.h"

#include <math.h>
#include <string.h>

#pragma STDC FP_CONTRACT OFF

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "halves of words are taken in little-endian order");

__attribute__((always_inline)) static inline uint32_t merge_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

#define MERGE(name) merge_portable_##name
#include "merge_lanes.h"
#undef MERGE

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define MERGE(name) merge_avx2_##name
#include "merge_lanes.h"
#undef MERGE
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#define MERGE(name) merge_avx512_##name
#include "merge_lanes.h"
#undef MERGE
#pragma clang attribute pop

#define DISPATCH(name, ...)                                                  \
    switch (level) {                                                         \
        case COLLAB_LEVEL_AVX512: return merge_avx512_##name(__VA_ARGS__);   \
        case COLLAB_LEVEL_AVX2: return merge_avx2_##name(__VA_ARGS__);       \
        default: return merge_portable_##name(__VA_ARGS__);                  \
    }

#else

#define DISPATCH(name, ...) \
    (void)level;            \
    return merge_portable_##name(__VA_ARGS__);

#endif

void collab_merge_weighted(collab_level level, const float *const *members, const double *weights,
                           size_t members_count, size_t count, float *out) {
    DISPATCH(weighted, members, weights, members_count, count, out)
}

void collab_merge_delta(collab_level level, const float *x, const float *base, size_t count, float *out) {
    DISPATCH(delta, x, base, count, out)
}

void collab_merge_add(collab_level level, const float *base, const float *const *deltas, const double *weights,
                      size_t deltas_count, double factor, size_t count, float *out) {
    DISPATCH(add, base, deltas, weights, deltas_count, factor, count, out)
}

void collab_merge_consensus(collab_level level, const float *base, const float *const *deltas, const double *scales,
                            const double *weights, size_t deltas_count, collab_vote vote, collab_combination combination, double factor,
                            size_t count, float *out) {
    DISPATCH(consensus, base, deltas, scales, weights, deltas_count, vote, combination, factor, count, out)
}

void collab_merge_products(collab_level level, const float *a, const float *b, size_t count, double *sums) {
    DISPATCH(products, a, b, count, sums)
}

double collab_merge_l1(collab_level level, const float *x, size_t count) {
    DISPATCH(l1, x, count)
}

ptrdiff_t collab_merge_not_finite(collab_level level, const float *x, size_t count) {
    DISPATCH(not_finite, x, count)
}

void collab_merge_trim(collab_level level, float *x, size_t count, uint32_t bits, size_t cutoff) {
    DISPATCH(trim, x, count, bits, cutoff)
}

void collab_merge_drop(collab_level level, float *x, uint64_t first, size_t count, uint64_t key, uint32_t stream,
                       uint32_t threshold) {
    DISPATCH(drop, x, first, count, key, stream, threshold)
}

void collab_merge_histogram(const float *x, size_t count, uint32_t *counters) {
    uint32_t *inexact = counters + 4 * 32768;
    size_t e = 0;
    for (; e + 4 <= count; e += 4) {
        uint32_t any = 0;
        for (size_t lane = 0; lane < 4; lane++) {
            uint32_t magnitude = merge_bits(x[e + lane]) & 0x7fffffffu;
            counters[lane * 32768 + (magnitude >> 16)]++;
            any |= magnitude & 0xffffu;
        }
        if (!any) continue;
        for (size_t lane = 0; lane < 4; lane++) {
            uint32_t magnitude = merge_bits(x[e + lane]) & 0x7fffffffu;
            inexact[magnitude >> 16] += (magnitude & 0xffffu) != 0;
        }
    }
    for (; e < count; e++) {
        uint32_t magnitude = merge_bits(x[e]) & 0x7fffffffu;
        counters[magnitude >> 16]++;
        inexact[magnitude >> 16] += (magnitude & 0xffffu) != 0;
    }
}

void collab_merge_histogram_lower(const float *x, size_t count, uint32_t prefix, uint64_t *counters) {
    for (size_t e = 0; e < count; e++) {
        uint32_t magnitude = merge_bits(x[e]) & 0x7fffffffu;
        if (magnitude >> 16 == prefix) counters[magnitude & 0xffffu]++;
    }
}

size_t collab_merge_gather(collab_level level, const float *x, size_t count, uint32_t prefix, uint64_t first,
                           uint64_t *places, uint16_t *lower) {
    DISPATCH(gather, x, count, prefix, first, places, lower)
}

ptrdiff_t collab_merge_find_equal(collab_level level, const float *x, size_t count, uint32_t bits, uint64_t wanted,
                                  uint64_t *seen) {
    DISPATCH(find_equal, x, count, bits, wanted, seen)
}
