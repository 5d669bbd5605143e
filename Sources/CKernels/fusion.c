#include "collab_fusion.h"

#include <float.h>
#include <math.h>

#pragma STDC FP_CONTRACT OFF
#pragma clang diagnostic ignored "-Wpsabi"

#define FUSION(name) fusion_portable_##name
#include "fusion_lanes.h"
#undef FUSION

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define FUSION(name) fusion_avx2_##name
#include "fusion_lanes.h"
#undef FUSION
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#define FUSION(name) fusion_avx512_##name
#include "fusion_lanes.h"
#undef FUSION
#pragma clang attribute pop

#define DISPATCH(name, ...)                                                   \
    switch (level) {                                                          \
        case COLLAB_LEVEL_AVX512: return fusion_avx512_##name(__VA_ARGS__);   \
        case COLLAB_LEVEL_AVX2: return fusion_avx2_##name(__VA_ARGS__);       \
        default: return fusion_portable_##name(__VA_ARGS__);                  \
    }

#else

// Vector types become NEON instructions by themselves.
#define DISPATCH(name, ...) \
    (void)level;            \
    return fusion_portable_##name(__VA_ARGS__);

#endif

void collab_fuse_log_linear(collab_level level, const float *const *members, const float *weights, size_t members_count,
                            size_t count, float *out) {
    DISPATCH(log_linear, members, weights, members_count, count, out)
}

void collab_fuse_linear(collab_level level, const float *const *members, const float *shifts, size_t members_count,
                        size_t count, float *out) {
    DISPATCH(linear, members, shifts, members_count, count, out)
}

void collab_at_least(collab_level level, const float *x, size_t count, float threshold, float *out) {
    DISPATCH(at_least, x, count, threshold, out)
}

void collab_fuse_expectations(collab_level level, const float *fused, float normalizer, const float *const *members,
                              size_t members_count, size_t count, double *expectations) {
    DISPATCH(expectations, fused, normalizer, members, members_count, count, expectations)
}

double collab_exp_sum(collab_level level, const float *x, size_t count, float maximum, float scale) {
    DISPATCH(exp_sum, x, count, maximum, scale)
}

ptrdiff_t collab_draw(collab_level level, const float *x, size_t count, float maximum, float scale, double unit) {
    DISPATCH(draw, x, count, maximum, scale, unit)
}
