// Elections by weight in registers of sixteen lanes, with masks. Part of merge_raw_election_lanes.h.

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
