// Elections whose results are rounded to bfloat16, in registers of eight lanes of float. Part of merge_raw_rounded_lanes.h.
//
// They give what double precision gives, rounded to float and then to bfloat16, by one of two arguments. Where all members
// count alike, an election takes the mean of those members that agree; sums of bfloat16 numbers of like magnitude are
// exact in float, and a quotient by 2, 3 or 4 is rounded as that of double precision is. In other elections a float
// result with an error below some slack stands for a range; where both ends round to one bfloat16 number, so does
// everything between them. The few sixteens for which neither holds are computed in double.

/// Eight elements at even places and eight at odd ones.
typedef struct {
    __m256 even, odd;
} RAW(pair);

static inline RAW(pair) RAW(split)(__m256i both) {
    return (RAW(pair)){
        _mm256_castsi256_ps(_mm256_slli_epi32(both, 16)),
        _mm256_castsi256_ps(_mm256_and_si256(both, _mm256_set1_epi32((int)0xffff0000))),
    };
}

static inline __m256i RAW(load_sixteen)(const uint8_t *x) { return _mm256_loadu_si256((const __m256i *)x); }

static inline __m256 RAW(magnitude)(__m256 x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }

static inline __m256i RAW(magnitudes_of_halves)(__m256i x) { return _mm256_and_si256(x, _mm256_set1_epi16(0x7fff)); }

static inline __m256 RAW(where)(__m256i mask, __m256 x) { return _mm256_and_ps(x, _mm256_castsi256_ps(mask)); }

/// What a quick election needs.
typedef struct {
    RAW(ballot) exact;
    /// A member's elements are kept if their magnitudes are above this, as bits: of even places and of odd ones.
    int32_t limits[4][2][8];
    const uint64_t *kept[4];
    float products[4], shares[4];
    float factor, least;
    bool divides;
} RAW(poll);

/// The kept part of eight elements of a task vector.
__attribute__((always_inline)) static inline __m256
RAW(keep)(__m256 d, const RAW(poll) *poll, size_t member, const __m256i *bits, bool odd) {
    if (bits) {
        const __m256i lanes = odd ? _mm256_setr_epi32(2, 8, 32, 128, 512, 2048, 8192, 32768)
                                  : _mm256_setr_epi32(1, 4, 16, 64, 256, 1024, 4096, 16384);
        return RAW(where)(_mm256_cmpeq_epi32(_mm256_and_si256(*bits, lanes), lanes), d);
    }
    const __m256i limits = _mm256_loadu_si256((const __m256i *)poll->limits[member][odd]);
    return RAW(where)(_mm256_cmpgt_epi32(_mm256_castps_si256(RAW(magnitude)(d)), limits), d);
}

/// Eight means of the members that agree, or the base where there are none, rounded to the upper halves of words; with
/// bits set in `even` where somebody votes and the votes add up to 0.
__attribute__((always_inline)) static inline __m256i
RAW(mean_eight)(const __m256 *d, const __m256 *x, size_t members_count, __m256 base, __m256 *even) {
    const __m256 zero = _mm256_setzero_ps();
    __m256 elected = d[0], sum = zero;
    __m256i counts = _mm256_setzero_si256();
#pragma clang loop unroll(full)
    for (size_t i = 1; i < members_count; i++) elected = _mm256_add_ps(elected, d[i]);
    const __m256 turn = _mm256_and_ps(elected, _mm256_set1_ps(-0.0f));
#pragma clang loop unroll(full)
    for (size_t i = 0; i < members_count; i++) {
        // A float above 0 is a word above 0.
        const __m256i agrees = _mm256_cmpgt_epi32(_mm256_castps_si256(_mm256_xor_ps(d[i], turn)), _mm256_setzero_si256());
        const __m256 part = RAW(where)(agrees, x[i]);
        sum = i == 0 ? part : _mm256_add_ps(sum, part);
        counts = _mm256_sub_epi32(counts, agrees);
    }
    const __m256 isEven = _mm256_cmp_ps(elected, zero, _CMP_EQ_OQ);
    const __m256i isNone = _mm256_cmpeq_epi32(counts, _mm256_setzero_si256());
    sum = _mm256_add_ps(sum, RAW(where)(isNone, base));
    counts = _mm256_sub_epi32(counts, isNone);
    *even = _mm256_or_ps(*even, _mm256_andnot_ps(_mm256_castsi256_ps(isNone), isEven));
    const __m256i bits = _mm256_castps_si256(_mm256_div_ps(sum, _mm256_cvtepi32_ps(counts)));
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    return _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
}

/// Eight results of an election, rounded to the upper halves of words, with bits set in the upper halves of `doubt` where
/// that is not certain.
__attribute__((always_inline)) static inline __m256i
RAW(poll_eight)(const __m256 *d, size_t members_count, const RAW(poll) *poll, __m256 base, __m256i *doubt) {
    const __m256 zero = _mm256_setzero_ps();
    __m256 votes[4], elected = zero, sum = zero, divisor = zero;
#pragma clang loop unroll(full)
    for (size_t i = 0; i < members_count; i++) {
        votes[i] = _mm256_mul_ps(d[i], _mm256_broadcast_ss(poll->products + i));
        elected = i == 0 ? votes[0] : _mm256_add_ps(elected, votes[i]);
    }
    const __m256 turn = _mm256_and_ps(elected, _mm256_set1_ps(-0.0f));
#pragma clang loop unroll(full)
    for (size_t i = 0; i < members_count; i++) {
        const __m256 turned = _mm256_xor_ps(votes[i], turn);
        const __m256i agrees = _mm256_cmpgt_epi32(_mm256_castps_si256(turned), _mm256_setzero_si256());
        const __m256 part = RAW(where)(agrees, turned);
        sum = i == 0 ? part : _mm256_add_ps(sum, part);
        if (!poll->divides) continue;
        const __m256 share = RAW(where)(agrees, _mm256_broadcast_ss(poll->shares + i));
        divisor = i == 0 ? share : _mm256_add_ps(divisor, share);
    }
    // Against the elected sign lies no more than with it, so that the vote's error, some 2^-22 of all, is below this.
    const __m256 error = _mm256_mul_ps(sum, _mm256_set1_ps(0x1p-20f));
    *doubt = _mm256_or_si256(
        *doubt, _mm256_castps_si256(_mm256_cmp_ps(RAW(magnitude)(elected), error, _CMP_NGE_UQ)));
    __m256 size = _mm256_mul_ps(sum, _mm256_broadcast_ss(&poll->factor));
    if (poll->divides) size = _mm256_div_ps(size, _mm256_max_ps(divisor, _mm256_broadcast_ss(&poll->least)));
    const __m256 result = _mm256_add_ps(base, _mm256_xor_ps(size, turn));
    // At most 14 roundings by 2^-24 each, and what the ends of the range are rounded by. Numbers so small that their
    // products may be denormal get a range that reaches beyond 0.
    const __m256 most = _mm256_add_ps(RAW(magnitude)(base), RAW(magnitude)(size));
    const __m256 slack = _mm256_fmadd_ps(most, _mm256_set1_ps(0x14p-24f), _mm256_min_ps(most, _mm256_set1_ps(0x1p-90f)));
    const __m256i half = _mm256_set1_epi32(0x8000);
    const __m256i below = _mm256_add_epi32(_mm256_castps_si256(_mm256_sub_ps(result, slack)), half);
    const __m256i above = _mm256_add_epi32(_mm256_castps_si256(_mm256_add_ps(result, slack)), half);
    // Ties to even need no care: a tie lies inside its range, whose ends are rounded apart.
    *doubt = _mm256_or_si256(*doubt, _mm256_xor_si256(below, above));
    return below;
}

/// Sixteen results of an election in double.
__attribute__((noinline)) static void RAW(poll_exactly)(const uint8_t *const *members, const uint8_t *base,
                                                        size_t members_count, const RAW(poll) *poll, uint64_t first,
                                                        size_t e, bool chosen, uint8_t *out) {
    const uint8_t *rest[4];
    float exact[16];
    for (size_t i = 0; i < members_count; i++) rest[i] = members[i] + 2 * e;
#define ELECT(number, bits) RAW(elect_sixteens)(rest, base + 2 * e, bits, number, &poll->exact, first + e, 0, 16, exact)
    switch (2 * members_count + chosen) {
        case 2: ELECT(1, 0); break;
        case 3: ELECT(1, poll->kept); break;
        case 4: ELECT(2, 0); break;
        case 5: ELECT(2, poll->kept); break;
        case 6: ELECT(3, 0); break;
        case 7: ELECT(3, poll->kept); break;
        case 8: ELECT(4, 0); break;
        case 9: ELECT(4, poll->kept); break;
    }
#undef ELECT
    RAW(to_bf16)(exact, 16, out + 2 * e);
}

/// Eight elements at even places, or at odd ones: the base, the members, and what is kept of their task vectors.
__attribute__((always_inline)) static inline __m256
RAW(load_eight)(const uint8_t *const *members, const uint8_t *base, size_t members_count, bool chosen, bool odd,
                const RAW(poll) *poll, uint64_t first, size_t e, __m256 *x, __m256 *d) {
    const RAW(pair) bases = RAW(split)(RAW(load_sixteen)(base + 2 * e));
    const __m256 b = odd ? bases.odd : bases.even;
#pragma clang loop unroll(full)
    for (size_t i = 0; i < members_count; i++) {
        const RAW(pair) both = RAW(split)(RAW(load_sixteen)(members[i] + 2 * e));
        x[i] = odd ? both.odd : both.even;
        __m256i bits = _mm256_setzero_si256();
        if (chosen) {
            uint16_t word;
            memcpy(&word, (const uint8_t *)poll->kept[i] + (first + e) / 8, sizeof word);
            bits = _mm256_set1_epi16((short)word);
        }
        d[i] = RAW(keep)(_mm256_sub_ps(x[i], b), poll, i, chosen ? &bits : 0, odd);
    }
    return b;
}

/// Whether even votes of three members alike are even in double too: two that are opposite and one of nothing, or twice one
/// against two alike. Two members' always are.
__attribute__((always_inline)) static inline bool
RAW(are_even)(const uint8_t *const *members, const uint8_t *base, size_t members_count, bool chosen,
              const RAW(poll) *poll, uint64_t first, size_t e) {
    if (members_count < 3) return true;
    if (members_count > 3) return false;
    __m256 unsure = _mm256_setzero_ps(), x[3], d[3];
    for (int odd = 0; odd < 2; odd++) {
        RAW(load_eight)(members, base, 3, chosen, odd, poll, first, e, x, d);
        const __m256 elected = _mm256_add_ps(_mm256_add_ps(d[0], d[1]), d[2]);
        __m256 isSure = _mm256_cmp_ps(elected, _mm256_setzero_ps(), _CMP_NEQ_UQ);
        for (size_t i = 0; i < 3; i++) {
            isSure = _mm256_or_ps(isSure, _mm256_cmp_ps(d[i], _mm256_setzero_ps(), _CMP_EQ_OQ));
            isSure = _mm256_or_ps(isSure, _mm256_cmp_ps(d[i], d[(i + 1) % 3], _CMP_EQ_OQ));
        }
        unsure = _mm256_or_ps(unsure, _mm256_xor_ps(isSure, _mm256_castsi256_ps(_mm256_set1_epi32(-1))));
    }
    return _mm256_testz_ps(unsure, unsure);
}

/// Whole sixteens of an election of so many members; the place that it got to, earlier than the end where so many were in
/// doubt that computing in double at once is quicker.
__attribute__((always_inline)) static inline size_t
RAW(poll_sixteens)(const uint8_t *const *all, const uint8_t *base, size_t members_count, bool alike, bool chosen,
                   const RAW(poll) *poll, uint64_t first, size_t start, size_t end, uint8_t *out, __m256i *largest) {
    const uint8_t *members[4];
#pragma clang loop unroll(full)
    for (size_t i = 0; i < members_count; i++) members[i] = all[i];
    __m256i most = *largest;
    size_t doubts = 0, e = start;
    for (; e < end && doubts <= 64 + (e - start) / 128; e += 16) {
        __m256 x[4], d[4], even = _mm256_setzero_ps();
        __m256i doubt = _mm256_setzero_si256(), results[2];
#pragma clang loop unroll(full)
        for (int odd = 0; odd < 2; odd++) {
            const __m256 b = RAW(load_eight)(members, base, members_count, chosen, odd, poll, first, e, x, d);
            results[odd] = alike ? RAW(mean_eight)(d, x, members_count, b, &even)
                                 : RAW(poll_eight)(d, members_count, poll, b, &doubt);
            // One half after the other: what both need at once does not fit the registers.
            __asm__ volatile("" ::: "memory");
        }
        const __m256i both = _mm256_blend_epi16(_mm256_srli_epi32(results[0], 16), results[1], 0xaa);
        const __m256i sizes = RAW(magnitudes_of_halves)(both);
        most = _mm256_max_epi16(most, sizes);
        _mm256_storeu_si256((__m256i *)(out + 2 * e), both);
        doubt = _mm256_and_si256(doubt, _mm256_set1_epi32((int)0xffff0000));
        if (alike) {
            __m256i high = RAW(magnitudes_of_halves)(RAW(load_sixteen)(base + 2 * e)), low = _mm256_min_epi16(high, sizes);
#pragma clang loop unroll(full)
            for (size_t i = 0; i < members_count; i++) {
                const __m256i halves = RAW(magnitudes_of_halves)(RAW(load_sixteen)(members[i] + 2 * e));
                __builtin_prefetch(members[i] + 2 * e + 2048);
                high = _mm256_max_epi16(high, halves);
                low = _mm256_min_epi16(low, halves);
            }
            // Sums of numbers within fourteen doublings are exact, and so far from 0 that what double adds is nothing.
            const __m256i apart = _mm256_cmpgt_epi16(_mm256_sub_epi16(high, low), _mm256_set1_epi16(14 << 7));
            const __m256i isSome = _mm256_cmpgt_epi16(high, _mm256_setzero_si256());
            const __m256i hasNone = _mm256_cmpeq_epi16(low, _mm256_setzero_si256());
            doubt = _mm256_or_si256(apart, _mm256_and_si256(isSome, hasNone));
            const __m256i any = _mm256_or_si256(doubt, _mm256_castps_si256(even));
            if (__builtin_expect(_mm256_testz_si256(any, any), 1)) continue;
            if (_mm256_testz_si256(doubt, doubt) && RAW(are_even)(members, base, members_count, chosen, poll, first, e)) {
                continue;
            }
        } else {
#pragma clang loop unroll(full)
            for (size_t i = 0; i < members_count; i++) __builtin_prefetch(members[i] + 2 * e + 2048);
            if (__builtin_expect(_mm256_testz_si256(doubt, doubt), 1)) continue;
        }
        RAW(poll_exactly)(all, base, members_count, poll, first, e, chosen, out);
        doubts++;
    }
    *largest = most;
    return e;
}

/// Prepares an election; false where float has no room for it, or it is another kind.
static bool RAW(prepare_poll)(const collab_raw_thinning *thinnings, const double *scales, const double *weights,
                              size_t members_count, const collab_raw_rule *rule, RAW(poll) *poll, bool *alike,
                              bool *chosen) {
    if (rule->vote != COLLAB_VOTE_WEIGHTED || members_count == 0 || members_count > 4) return false;
    RAW(ballot) *exact = &poll->exact;
    size_t chosen_count = 0;
    poll->divides = exact->divides = rule->combination != COLLAB_COMBINE_SUM;
    exact->factor = rule->factor;
    poll->factor = (float)rule->factor;
    // Float has room for products of factors like these; a vote of nothing agrees with nobody, and one below 0 turns round.
    const double size = __builtin_fabs(rule->factor);
    bool isModerate = size >= 0x1p-20 && size <= 0x1p20;
    *alike = rule->factor == 1 && poll->divides;
    for (size_t i = 0; i < members_count; i++) {
        const double product = exact->products[i] = scales[i] * weights[i];
        const double share = exact->shares[i] = rule->combination == COLLAB_COMBINE_WEIGHTED_MEAN ? weights[i] : 1;
        isModerate &= product >= 0x1p-20 && product <= 0x1p20 && share >= 0x1p-20 && share <= 0x1p20;
        *alike &= product == exact->products[0] && share == product;
        poll->kept[i] = thinnings[i].kept;
        chosen_count += thinnings[i].kind == COLLAB_RAW_CHOSEN;
        poll->products[i] = (float)product;
        poll->shares[i] = (float)share;
        poll->least = i == 0 || poll->shares[i] < poll->least ? poll->shares[i] : poll->least;
    }
    *chosen = chosen_count != 0;
    return isModerate && (chosen_count == 0 || chosen_count == members_count);
}

/// As `tasks`, rounded, of whole sixteens from the first on, in an election; the number of elements done, 0 where something
/// is not finite or it is for the exact way.
static size_t RAW(elected_rounded_sixteens)(const uint8_t *const *members, const uint8_t *base,
                                          const collab_raw_thinning *thinnings, const double *scales,
                                          const double *weights, size_t members_count, const collab_raw_rule *rule,
                                          uint64_t first, size_t count, uint8_t *out) {
    RAW(poll) poll;
    bool alike, chosen;
    if (!RAW(prepare_poll)(thinnings, scales, weights, members_count, rule, &poll, &alike, &chosen)) return 0;
    __m256i largest = _mm256_setzero_si256();
    size_t start = 0;
    while (start + 16 <= count) {
        size_t end = count & ~(size_t)15, got = start;
        for (size_t i = 0; i < members_count && !chosen; i++) {
            uint32_t *limits = poll.exact.limits[i];
            const uint64_t same = RAW(limit)(thinnings + i, first + start, limits);
            if (same < end - start) end = start + same;
            for (size_t lane = 0; lane < 16; lane++) {
                // Words with a sign are compared: magnitudes have none, and what none of them reaches stays so.
                poll.limits[i][lane % 2][lane / 2] = limits[lane] <= INT32_MAX ? (int32_t)limits[lane] - 1 : INT32_MAX;
            }
        }
#define POLL(number, alike, chosen) \
    got = RAW(poll_sixteens)(members, base, number, alike, chosen, &poll, first, start, end, out, &largest)
#define POLLS(number) \
    switch (2 * alike + chosen) { \
        case 0: POLL(number, false, false); break; \
        case 1: POLL(number, false, true); break; \
        case 2: POLL(number, true, false); break; \
        case 3: POLL(number, true, true); break; \
    }
        // Loops over a number of members that the compiler knows go away.
        switch (members_count) {
            case 1: POLLS(1) break;
            case 2: POLLS(2) break;
            case 3: POLLS(3) break;
            case 4: POLLS(4) break;
        }
#undef POLLS
#undef POLL
        start = got;
        if (got < end) break;
    }
    const __m256i bad = _mm256_cmpgt_epi16(largest, _mm256_set1_epi16(0x7f7f));
    return _mm256_testz_si256(bad, bad) ? start : 0;
}
