// Adding up thinned task vectors and electing signs. Part of merge_raw_lanes.h.

/// Sixteen elements of thinned task vectors, combined by election.
static inline void RAW(elect)(float (*d)[RAW(chunk)], const float *base, const double *scales, const double *weights,
                              size_t members_count, const collab_raw_rule *rule, size_t at, float *out) {
    double elected[16] = {0}, sums[16] = {0}, divisors[16] = {0};
    for (size_t i = 0; i < members_count; i++) {
        const float *x = d[i] + at;
        if (rule->vote == COLLAB_VOTE_COUNT) {
            for (size_t e = 0; e < 16; e++) elected[e] += (double)((x[e] > 0) - (x[e] < 0));
        } else {
            const double weight = scales[i] * (rule->vote == COLLAB_VOTE_WEIGHTED ? weights[i] : 1);
            for (size_t e = 0; e < 16; e++) elected[e] += weight * (double)x[e];
        }
    }
    for (size_t i = 0; i < members_count; i++) {
        const float *x = d[i] + at;
        const double weight = scales[i] * weights[i];
        const double share = rule->combination == COLLAB_COMBINE_WEIGHTED_MEAN ? weights[i] : 1;
        // Where the vote is of the weighted deltas, so is the agreement: a negative weight turns its member round.
        const double direction = rule->vote == COLLAB_VOTE_WEIGHTED && weight < 0 ? -1 : 1;
        if (rule->vote == COLLAB_VOTE_WEIGHTED && weight == 0) continue;
        for (size_t e = 0; e < 16; e++) {
            const double value = (double)x[e], turned = direction * value;
            const bool agrees = elected[e] >= 0 ? turned > 0 : turned < 0;
            sums[e] += agrees ? weight * value : 0;
            divisors[e] += agrees ? share : 0;
        }
    }
    if (rule->combination == COLLAB_COMBINE_SUM) {
        for (size_t e = 0; e < 16; e++) out[e] = (float)((double)base[e] + rule->factor * sums[e]);
    } else {
        for (size_t e = 0; e < 16; e++) {
            const double divisor = divisors[e] == 0 ? 1 : divisors[e];
            out[e] = (float)((double)base[e] + rule->factor * (sums[e] / divisor));
        }
    }
}

#if RAW_HAS_MASKS || RAW_HAS_EIGHTS

/// What an election by weight needs, by member but for the last two.
typedef struct {
    double products[COLLAB_RAW_MEMBERS], shares[COLLAB_RAW_MEMBERS];
    /// From which magnitude on sixteen elements are kept, as bits.
    uint32_t limits[COLLAB_RAW_MEMBERS][16];
    double factor;
    bool divides;
} RAW(ballot);

#if RAW_HAS_MASKS
#include "merge_raw_election_masks.h"
#else
#include "merge_raw_election_eights.h"
#endif

/// Sets from which magnitude on a member's sixteen elements from a place on are kept; the number of elements for which
/// this stays the same.
static inline uint64_t RAW(limit)(const collab_raw_thinning *thinning, uint64_t place, uint32_t *limits) {
    const bool isCut = thinning->kind == COLLAB_RAW_MAGNITUDE;
    const uint32_t bits = isCut ? thinning->bits : thinning->kind == COLLAB_RAW_NONE ? UINT32_MAX : 0;
    // Of magnitudes equal to the cut, those up to the last that is kept.
    const uint64_t equal = !isCut ? UINT64_MAX : thinning->last < place ? 0 : thinning->last - place + 1;
    for (uint32_t lane = 0; lane < 16; lane++) limits[lane] = bits + (lane >= equal);
    return equal == 0 ? UINT64_MAX : equal < 16 ? 16 : equal & ~(uint64_t)15;
}

/// As `tasks`, in an election by weight of at most four members; the number of elements done, whole sixteens.
static size_t RAW(elect_few)(const uint8_t *const *members, const uint8_t *base, const collab_raw_thinning *thinnings,
                             const double *scales, const double *weights, size_t members_count,
                             const collab_raw_rule *rule, uint64_t first, size_t count, float *out) {
    RAW(ballot) ballot;
    const uint64_t *kept[4];
    size_t chosen = 0;
    ballot.factor = rule->factor;
    ballot.divides = rule->combination != COLLAB_COMBINE_SUM;
    for (size_t i = 0; i < members_count; i++) {
        ballot.products[i] = scales[i] * weights[i];
        ballot.shares[i] = rule->combination == COLLAB_COMBINE_WEIGHTED_MEAN ? weights[i] : 1;
        kept[i] = thinnings[i].kept;
        chosen += thinnings[i].kind == COLLAB_RAW_CHOSEN;
    }
    if (chosen != 0 && chosen != members_count) return 0;
    size_t start = 0;
    while (start + 16 <= count) {
        size_t end = count & ~(size_t)15;
        for (size_t i = 0; i < members_count && chosen == 0; i++) {
            const uint64_t same = RAW(limit)(thinnings + i, first + start, ballot.limits[i]);
            if (same < end - start) end = start + same;
        }
#define ELECT(number, bits) RAW(elect_sixteens)(members, base, bits, number, &ballot, first, start, end, out)
        // Loops over a number of members that the compiler knows go away.
        switch (2 * members_count + (chosen != 0)) {
            case 2: ELECT(1, 0); break;
            case 3: ELECT(1, kept); break;
            case 4: ELECT(2, 0); break;
            case 5: ELECT(2, kept); break;
            case 6: ELECT(3, 0); break;
            case 7: ELECT(3, kept); break;
            case 8: ELECT(4, 0); break;
            case 9: ELECT(4, kept); break;
        }
#undef ELECT
        start = end;
    }
    return start;
}

#endif

static void RAW(tasks)(const uint8_t *const *members, const uint8_t *base, const collab_raw_thinning *thinnings,
                       const double *scales, const double *weights, size_t members_count,
                       const collab_raw_rule *rule, uint64_t first, size_t count, float *out) {
    float b[RAW(chunk)], d[COLLAB_RAW_MEMBERS][RAW(chunk)], result[RAW(chunk)];
    size_t begin = 0;
#if RAW_HAS_MASKS || RAW_HAS_EIGHTS
    if (rule->elects && rule->vote == COLLAB_VOTE_WEIGHTED && members_count <= 4) {
        begin = RAW(elect_few)(members, base, thinnings, scales, weights, members_count, rule, first, count, out);
    }
#endif
    for (size_t start = begin; start < count; start += RAW(chunk)) {
        const size_t size = count - start < RAW(chunk) ? count - start : RAW(chunk);
        for (size_t e = size; e < RAW(chunk); e++) b[e] = 0;
        RAW(load)(base + 2 * start, size, b);
        for (size_t i = 0; i < members_count; i++) {
            for (size_t e = size; e < RAW(chunk); e++) d[i][e] = 0;
            for (size_t ahead = 0; ahead < 2 * RAW(chunk); ahead += 64) {
                __builtin_prefetch(members[i] + 2 * start + 2048 + ahead);
            }
            RAW(load_delta)(members[i] + 2 * start, b, size, d[i]);
            RAW(thin)(thinnings + i, first, start, size, d[i]);
        }
        float *target = size == RAW(chunk) ? out + start : result;
        for (size_t e = 0; e < RAW(chunk); e += 16) {
            if (rule->elects) {
                RAW(elect)(d, b + e, scales, weights, members_count, rule, e, target + e);
                continue;
            }
            double sums[16] = {0};
            for (size_t i = 0; i < members_count; i++) {
                const double weight = scales[i] * weights[i];
                for (size_t lane = 0; lane < 16; lane++) sums[lane] += weight * (double)d[i][e + lane];
            }
            for (size_t lane = 0; lane < 16; lane++) {
                target[e + lane] = (float)((double)b[e + lane] + rule->factor * sums[lane]);
            }
        }
        if (target == result) memcpy(out + start, result, size * sizeof(float));
    }
}
