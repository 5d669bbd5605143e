// Sums whose results are rounded to bfloat16, in registers of four doubles. Part of merge_raw_rounded_lanes.h.

/// Sixteen doubles: the first and the last four at even places, and those at odd ones.
typedef struct {
    __m256d parts[4];
} RAW(doubles);

__attribute__((always_inline)) static inline RAW(doubles) RAW(widen)(__m256 even, __m256 odd) {
    return (RAW(doubles)){{
        _mm256_cvtps_pd(_mm256_castps256_ps128(even)), _mm256_cvtps_pd(_mm256_extractf128_ps(even, 1)),
        _mm256_cvtps_pd(_mm256_castps256_ps128(odd)), _mm256_cvtps_pd(_mm256_extractf128_ps(odd, 1)),
    }};
}

/// Eight numbers rounded to float and then to the upper halves of words; they must be finite.
__attribute__((always_inline)) static inline __m256i RAW(round_eight)(__m256d low, __m256d high) {
    const __m256i bits = _mm256_castps_si256(_mm256_set_m128(_mm256_cvtpd_ps(high), _mm256_cvtpd_ps(low)));
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    return _mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
}

/// Stores sixteen results.
__attribute__((always_inline)) static inline void
RAW(store_rounded)(const RAW(doubles) *sums, uint8_t *out, __m256i *largest) {
    const __m256i even = RAW(round_eight)(sums->parts[0], sums->parts[1]);
    const __m256i odd = RAW(round_eight)(sums->parts[2], sums->parts[3]);
    const __m256i both = _mm256_blend_epi16(_mm256_srli_epi32(even, 16), odd, 0xaa);
    *largest = _mm256_max_epi16(*largest, RAW(magnitudes_of_halves)(both));
    _mm256_storeu_si256((__m256i *)out, both);
}

/// Whether all results are finite: no magnitude reaches that of infinity.
static inline bool RAW(are_finite)(__m256i largest) {
    const __m256i bad = _mm256_cmpgt_epi16(largest, _mm256_set1_epi16(0x7f7f));
    return _mm256_testz_si256(bad, bad);
}

/// As `weighted`, rounded, of whole sixteens from the first on; the number of elements done, 0 where something is not
/// finite.
static size_t RAW(weighted_rounded_sixteens)(const uint8_t *const *members, const double *weights,
                                             size_t members_count, size_t count, uint8_t *out) {
    __m256i largest = _mm256_setzero_si256();
    size_t start = 0;
    for (; start + 16 <= count; start += 16) {
        RAW(doubles) sums = {{_mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd()}};
        for (size_t i = 0; i < members_count; i++) {
            const uint8_t *place = members[i] + 2 * start;
            if (start % 32 == 0) __builtin_prefetch(place + 2048);
            const RAW(pair) x = RAW(split)(RAW(load_sixteen)(place));
            const RAW(doubles) values = RAW(widen)(x.even, x.odd);
            const __m256d weight = _mm256_broadcast_sd(weights + i);
            for (size_t part = 0; part < 4; part++) {
                sums.parts[part] = _mm256_add_pd(sums.parts[part], _mm256_mul_pd(weight, values.parts[part]));
            }
        }
        RAW(store_rounded)(&sums, out + 2 * start, &largest);
    }
    return RAW(are_finite)(largest) ? start : 0;
}

/// As `tasks`, rounded, of whole sixteens from the first on, where everything is added up; the number of elements done, 0
/// where something is not finite or dropped by magnitude.
static size_t RAW(added_rounded_sixteens)(const uint8_t *const *members, const uint8_t *base,
                                          const collab_raw_thinning *thinnings, const double *scales,
                                          const double *weights, size_t members_count, double factor, uint64_t first,
                                          size_t count, uint8_t *out) {
    double products[COLLAB_RAW_MEMBERS];
    size_t all = 0, chosen = 0;
    for (size_t i = 0; i < members_count; i++) {
        products[i] = scales[i] * weights[i];
        all += thinnings[i].kind == COLLAB_RAW_ALL;
        chosen += thinnings[i].kind == COLLAB_RAW_CHOSEN;
    }
    if (all != members_count && chosen != members_count) return 0;
    const __m256d factors = _mm256_set1_pd(factor);
    const __m256i even_bits = _mm256_setr_epi32(1, 4, 16, 64, 256, 1024, 4096, 16384);
    const __m256i odd_bits = _mm256_slli_epi32(even_bits, 1);
    __m256i largest = _mm256_setzero_si256();
    size_t start = 0;
    for (; start + 16 <= count; start += 16) {
        const RAW(pair) b = RAW(split)(RAW(load_sixteen)(base + 2 * start));
        RAW(doubles) sums = {{_mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd(), _mm256_setzero_pd()}};
        for (size_t i = 0; i < members_count; i++) {
            const uint8_t *place = members[i] + 2 * start;
            if (start % 32 == 0) __builtin_prefetch(place + 2048);
            const RAW(pair) x = RAW(split)(RAW(load_sixteen)(place));
            __m256 even = _mm256_sub_ps(x.even, b.even), odd = _mm256_sub_ps(x.odd, b.odd);
            if (chosen) {
                uint16_t word;
                memcpy(&word, (const uint8_t *)thinnings[i].kept + (first + start) / 8, sizeof word);
                const __m256i bits = _mm256_set1_epi16((short)word);
                even = RAW(where)(_mm256_cmpeq_epi32(_mm256_and_si256(bits, even_bits), even_bits), even);
                odd = RAW(where)(_mm256_cmpeq_epi32(_mm256_and_si256(bits, odd_bits), odd_bits), odd);
            }
            const RAW(doubles) values = RAW(widen)(even, odd);
            const __m256d product = _mm256_broadcast_sd(products + i);
            for (size_t part = 0; part < 4; part++) {
                sums.parts[part] = _mm256_add_pd(sums.parts[part], _mm256_mul_pd(product, values.parts[part]));
            }
        }
        const RAW(doubles) bases = RAW(widen)(b.even, b.odd);
        for (size_t part = 0; part < 4; part++) {
            sums.parts[part] = _mm256_add_pd(bases.parts[part], _mm256_mul_pd(factors, sums.parts[part]));
        }
        RAW(store_rounded)(&sums, out + 2 * start, &largest);
    }
    return RAW(are_finite)(largest) ? start : 0;
}
