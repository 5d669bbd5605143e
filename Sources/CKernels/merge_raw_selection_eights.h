// Bands of magnitudes in registers of eight lanes. Part of merge_raw_selection_lanes.h.

/// Eight words of which those whose bit is set come first, in their order; what follows them may be anything.
static inline __m256i RAW(compress)(__m256i words, uint32_t bits) {
    // A byte a lane says which lane comes there; there are few bits.
    uint64_t places = 0;
    for (uint32_t shift = 0; bits; shift += 8, bits &= bits - 1) {
        places |= (uint64_t)__builtin_ctz(bits) << shift;
    }
    return _mm256_permutevar8x32_epi32(words, _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)places)));
}

/// Counts and notes magnitudes as `band` does, of whole sixteens; the number of elements done.
static inline size_t RAW(band_sixteens)(const uint8_t *x, const uint8_t *base, size_t count, uint32_t low,
                                        uint32_t high, collab_raw_band *band, uint64_t *above) {
    const __m256i lows = _mm256_set1_epi32((int)low), widths = _mm256_set1_epi32((int)(high - low));
    const __m256i highs = _mm256_set1_epi32((int)high);
    __m256i others = _mm256_setzero_si256(), worst = _mm256_setzero_si256();
    size_t found = band->found, e = 0;
    for (; e + 16 <= count && found + 16 <= band->capacity; e += 16) {
        if (e % 32 == 0) __builtin_prefetch(x + 2 * e + 2048);
        for (size_t half = e; half < e + 16; half += 8) {
            const __m256 b = RAW(eight)(base + 2 * half, _mm256_setzero_ps());
            const __m256i d = _mm256_castps_si256(RAW(eight)(x + 2 * half, b));
            const __m256i magnitudes = _mm256_and_si256(d, _mm256_set1_epi32(0x7fffffff));
            worst = _mm256_max_epu32(worst, magnitudes);
            // Words without a sign: what does not exceed a bound leaves the bound as the larger of the two. −1 each.
            others = _mm256_add_epi32(others, _mm256_cmpeq_epi32(_mm256_max_epu32(magnitudes, highs), highs));
            const __m256i offsets = _mm256_sub_epi32(magnitudes, lows);
            const __m256i within = _mm256_cmpeq_epi32(_mm256_max_epu32(offsets, widths), widths);
            const uint32_t bits = (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(within));
            if (!bits) continue;
            _mm256_storeu_si256((__m256i *)(band->bits + found), RAW(compress)(magnitudes, bits));
            found += (size_t)__builtin_popcount(bits);
        }
    }
    if (e + 16 <= count) band->overflow = true;
    band->found = found;
    uint32_t largest[8], least[8];
    _mm256_storeu_si256((__m256i *)largest, worst);
    _mm256_storeu_si256((__m256i *)least, others);
    uint32_t more = (uint32_t)e;
    for (size_t lane = 0; lane < 8; lane++) {
        band->worst = largest[lane] > band->worst ? largest[lane] : band->worst;
        more += least[lane];
    }
    *above += more;
    return e;
}
