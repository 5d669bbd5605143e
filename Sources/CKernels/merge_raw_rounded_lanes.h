// Results in bfloat16, without floats in memory in between. Part of merge_raw_lanes.h.

#if RAW_HAS_EIGHTS
#include "merge_raw_rounded_eights.h"
#include "merge_raw_rounded_sums_eights.h"
#endif

/// How many floats there are between computing and rounding: a part of the nearest cache.
enum { RAW(piece) = 8 * RAW(chunk) };

static void RAW(weighted_rounded)(const uint8_t *const *members, const double *weights, size_t members_count,
                                  size_t count, uint8_t *out) {
    const uint8_t *rest[COLLAB_RAW_MEMBERS];
    float exact[RAW(piece)];
#if RAW_HAS_EIGHTS
    size_t start = RAW(weighted_rounded_sixteens)(members, weights, members_count, count, out);
#else
    size_t start = 0;
#endif
    for (; start < count; start += RAW(piece)) {
        const size_t size = count - start < RAW(piece) ? count - start : RAW(piece);
        for (size_t i = 0; i < members_count; i++) rest[i] = members[i] + 2 * start;
        RAW(weighted)(rest, weights, members_count, size, exact);
        RAW(to_bf16)(exact, size, out + 2 * start);
    }
}

static void RAW(tasks_rounded)(const uint8_t *const *members, const uint8_t *base, const collab_raw_thinning *thinnings,
                               const double *scales, const double *weights, size_t members_count,
                               const collab_raw_rule *rule, uint64_t first, size_t count, uint8_t *out) {
    const uint8_t *rest[COLLAB_RAW_MEMBERS];
    float exact[RAW(piece)];
#if RAW_HAS_EIGHTS
    size_t start = rule->elects ? RAW(elected_rounded_sixteens)(members, base, thinnings, scales, weights, members_count,
                                                              rule, first, count, out)
                                : RAW(added_rounded_sixteens)(members, base, thinnings, scales, weights, members_count,
                                                              rule->factor, first, count, out);
    // From a multiple of 128 elements on, as the other way takes them.
    start &= ~(size_t)(RAW(chunk) - 1);
#else
    size_t start = 0;
#endif
    for (; start < count; start += RAW(piece)) {
        const size_t size = count - start < RAW(piece) ? count - start : RAW(piece);
        for (size_t i = 0; i < members_count; i++) rest[i] = members[i] + 2 * start;
        RAW(tasks)(rest, base + 2 * start, thinnings, scales, weights, members_count, rule, first + start, size, exact);
        RAW(to_bf16)(exact, size, out + 2 * start);
    }
}
