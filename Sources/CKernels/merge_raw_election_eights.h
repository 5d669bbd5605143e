// Elections by weight in registers of eight lanes. Part of merge_raw_election_lanes.h.

/// Adds what of four votes agrees with the elected sign, and its share.
static inline void RAW(agree)(__m256d vote, __m256d turn, __m256d share, __m256d *sum, __m256d *divisor) {
    // What votes against the elected sign is below 0 once turned by it.
    const __m256d agrees = _mm256_cmp_pd(_mm256_xor_pd(vote, turn), _mm256_setzero_pd(), _CMP_GT_OQ);
    *sum = _mm256_add_pd(*sum, _mm256_and_pd(vote, agrees));
    *divisor = _mm256_add_pd(*divisor, _mm256_and_pd(share, agrees));
}

/// Four results.
__attribute__((always_inline)) static inline __m128
RAW(elected)(const __m256d *votes, size_t members_count, const RAW(ballot) *ballot, __m128 base) {
    const __m256d zero = _mm256_setzero_pd();
    __m256d elected = votes[0], sum = zero, divisor = zero;
#pragma clang loop unroll(full)
    for (size_t i = 1; i < members_count; i++) elected = _mm256_add_pd(elected, votes[i]);
    // The sign bits of what is below 0 or no number.
    const __m256d turn = _mm256_and_pd(_mm256_cmp_pd(elected, zero, _CMP_NGE_UQ), _mm256_set1_pd(-0.0));
#pragma clang loop unroll(full)
    for (size_t i = 0; i < members_count; i++) {
        RAW(agree)(votes[i], turn, _mm256_set1_pd(ballot->shares[i]), &sum, &divisor);
    }
    if (ballot->divides) {
        const __m256d isZero = _mm256_cmp_pd(divisor, zero, _CMP_EQ_OQ);
        sum = _mm256_div_pd(sum, _mm256_blendv_pd(divisor, _mm256_set1_pd(1), isZero));
    }
    const __m256d change = _mm256_mul_pd(_mm256_set1_pd(ballot->factor), sum);
    return _mm256_cvtpd_ps(_mm256_add_pd(_mm256_cvtps_pd(base), change));
}

/// As `tasks` of whole sixteens, in an election by weight of so many members, whose elements are kept by the ballot's
/// limits or, if they are chosen, by bits. Everything stays in registers.
__attribute__((always_inline)) static inline void
RAW(elect_sixteens)(const uint8_t *const *members, const uint8_t *base, const uint64_t *const *kept,
                    size_t members_count, const RAW(ballot) *ballot, uint64_t first, size_t start, size_t end,
                    float *out) {
    for (size_t e = start; e < end; e += 8) {
        if (e % 32 == 0) {
#pragma clang loop unroll(full)
            for (size_t i = 0; i < members_count; i++) __builtin_prefetch(members[i] + 2 * e + 2048);
        }
        const __m256 b = RAW(eight)(base + 2 * e, _mm256_setzero_ps());
        __m256d low[4], high[4];
#pragma clang loop unroll(full)
        for (size_t i = 0; i < members_count; i++) {
            __m256 d = RAW(eight)(members[i] + 2 * e, b);
            if (kept) {
                d = _mm256_and_ps(d, RAW(lanes_of)(((const uint8_t *)kept[i])[(first + e) / 8]));
            } else {
                const __m256i magnitudes = _mm256_and_si256(_mm256_castps_si256(d), _mm256_set1_epi32(0x7fffffff));
                const __m256i limit = _mm256_loadu_si256((const __m256i *)(ballot->limits[i] + (e - start) % 16));
                // Words without a sign: what the limit does not exceed is the larger of the two.
                const __m256i isKept = _mm256_cmpeq_epi32(_mm256_max_epu32(magnitudes, limit), magnitudes);
                d = _mm256_and_ps(d, _mm256_castsi256_ps(isKept));
            }
            const __m256d product = _mm256_set1_pd(ballot->products[i]);
            low[i] = _mm256_mul_pd(product, _mm256_cvtps_pd(_mm256_castps256_ps128(d)));
            high[i] = _mm256_mul_pd(product, _mm256_cvtps_pd(_mm256_extractf128_ps(d, 1)));
        }
        const __m128 results[2] = {
            RAW(elected)(low, members_count, ballot, _mm256_castps256_ps128(b)),
            RAW(elected)(high, members_count, ballot, _mm256_extractf128_ps(b, 1)),
        };
        _mm_storeu_ps(out + e, results[0]);
        _mm_storeu_ps(out + e + 4, results[1]);
    }
}
