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

#if RAW_HAS_MASKS

/// What an election by weight needs, by member but for the last two.
typedef struct {
    double products[COLLAB_RAW_MEMBERS], shares[COLLAB_RAW_MEMBERS];
    /// From which magnitude on sixteen elements are kept, as bits.
    uint32_t limits[COLLAB_RAW_MEMBERS][16];
    double factor;
    bool divides;
} RAW(ballot);

/// Adds what of eight votes agrees with the elected sign, and its share.
static inline void RAW(agree)(__m512d vote, __m512i turn, __m512d share, __m512d *sum, __m512d *divisor) {
    // What votes against the elected sign is below 0 once turned by it.
    const __m512d turned = _mm512_castsi512_pd(_mm512_xor_si512(_mm512_castpd_si512(vote), turn));
    const __mmask8 agrees = _mm512_cmp_pd_mask(turned, _mm512_setzero_pd(), _CMP_GT_OQ);
    *sum = _mm512_mask_add_pd(*sum, agrees, *sum, vote);
    *divisor = _mm512_mask_add_pd(*divisor, agrees, *divisor, share);
}

/// Eight results.
__attribute__((always_inline)) static inline __m256
RAW(elected)(const __m512d *votes, size_t members_count, const RAW(ballot) *ballot, __m256 base) {
    const __m512d zero = _mm512_setzero_pd();
    __m512d elected = votes[0], sum = zero, divisor = zero;
#pragma clang loop unroll(full)
    for (size_t i = 1; i < members_count; i++) elected = _mm512_add_pd(elected, votes[i]);
    // The sign bits of what is below 0 or no number.
    const __m512i turn = _mm512_maskz_set1_epi64(_mm512_cmp_pd_mask(elected, zero, _CMP_NGE_UQ),
                                                 (long long)0x8000000000000000ull);
#pragma clang loop unroll(full)
    for (size_t i = 0; i < members_count; i++) {
        RAW(agree)(votes[i], turn, _mm512_set1_pd(ballot->shares[i]), &sum, &divisor);
    }
    if (ballot->divides) {
        const __mmask8 isZero = _mm512_cmp_pd_mask(divisor, zero, _CMP_EQ_OQ);
        sum = _mm512_div_pd(sum, _mm512_mask_blend_pd(isZero, divisor, _mm512_set1_pd(1)));
    }
    const __m512d change = _mm512_mul_pd(_mm512_set1_pd(ballot->factor), sum);
    return _mm512_cvtpd_ps(_mm512_add_pd(_mm512_cvtps_pd(base), change));
}

/// As `tasks` of whole sixteens, in an election by weight of so many members, whose elements are kept by the ballot's
/// limits or, if they are chosen, by bits. Everything stays in registers.
__attribute__((always_inline)) static inline void
RAW(elect_sixteens)(const uint8_t *const *members, const uint8_t *base, const uint64_t *const *kept,
                    size_t members_count, const RAW(ballot) *ballot, uint64_t first, size_t start, size_t end,
                    float *out) {
    for (size_t e = start; e < end; e += 16) {
        if (e % 32 == 0) {
#pragma clang loop unroll(full)
            for (size_t i = 0; i < members_count; i++) __builtin_prefetch(members[i] + 2 * e + 2048);
        }
        const __m512 b = RAW(sixteen)(base + 2 * e, _mm512_setzero_ps());
        __m512d low[4], high[4];
#pragma clang loop unroll(full)
        for (size_t i = 0; i < members_count; i++) {
            __m512 d = RAW(sixteen)(members[i] + 2 * e, b);
            if (kept) {
                uint16_t bits;
                memcpy(&bits, (const uint8_t *)kept[i] + (first + e) / 8, sizeof bits);
                d = _mm512_maskz_mov_ps(bits, d);
            } else {
                const __m512i magnitudes = _mm512_and_si512(_mm512_castps_si512(d), _mm512_set1_epi32(0x7fffffff));
                const __m512i limit = _mm512_loadu_si512(ballot->limits[i]);
                d = _mm512_maskz_mov_ps(_mm512_cmpge_epu32_mask(magnitudes, limit), d);
            }
            const __m512d product = _mm512_set1_pd(ballot->products[i]);
            low[i] = _mm512_mul_pd(product, _mm512_cvtps_pd(_mm512_castps512_ps256(d)));
            high[i] = _mm512_mul_pd(product, _mm512_cvtps_pd(_mm512_extractf32x8_ps(d, 1)));
        }
        const __m256 results[2] = {
            RAW(elected)(low, members_count, ballot, _mm512_castps512_ps256(b)),
            RAW(elected)(high, members_count, ballot, _mm512_extractf32x8_ps(b, 1)),
        };
        _mm256_storeu_ps(out + e, results[0]);
        _mm256_storeu_ps(out + e + 8, results[1]);
    }
}

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
#if RAW_HAS_MASKS
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
            RAW(thin)(thinnings + i, first, start, d[i]);
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
