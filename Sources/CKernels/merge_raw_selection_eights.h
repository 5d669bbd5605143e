// Bands of magnitudes in registers of eight lanes. Part of merge_raw_selection_lanes.h.

// For each set of lanes a byte a lane that says which of them comes there.
#define RAW_RANK(set, lane) __builtin_popcount((set) & ((1u << (lane)) - 1))
#define RAW_LANE(set, lane) ((set) >> (lane) & 1 ? (uint64_t)(lane) << 8 * RAW_RANK(set, lane) : 0)
#define RAW_SET(set)                                                                                             \
    (RAW_LANE(set, 1) | RAW_LANE(set, 2) | RAW_LANE(set, 3) | RAW_LANE(set, 4) | RAW_LANE(set, 5) | RAW_LANE(set, 6) | \
     RAW_LANE(set, 7))
#define RAW_FOUR(set) RAW_SET(set), RAW_SET((set) + 1), RAW_SET((set) + 2), RAW_SET((set) + 3)
#define RAW_SIXTEEN(set) RAW_FOUR(set), RAW_FOUR((set) + 4), RAW_FOUR((set) + 8), RAW_FOUR((set) + 12)
#define RAW_SIXTY_FOUR(set) RAW_SIXTEEN(set), RAW_SIXTEEN((set) + 16), RAW_SIXTEEN((set) + 32), RAW_SIXTEEN((set) + 48)
static const uint64_t RAW(places)[256] = {
    RAW_SIXTY_FOUR(0u), RAW_SIXTY_FOUR(64u), RAW_SIXTY_FOUR(128u), RAW_SIXTY_FOUR(192u),
};
#undef RAW_SIXTY_FOUR
#undef RAW_SIXTEEN
#undef RAW_FOUR
#undef RAW_SET
#undef RAW_LANE
#undef RAW_RANK

/// Stores those of eight words that are chosen, in their order, and something after them; how many they are.
static inline size_t RAW(store_chosen)(__m256i words, __m256i chosen, uint32_t *out) {
    const uint32_t set = (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(chosen));
    const __m256i places = _mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(RAW(places) + set)));
    _mm256_storeu_si256((__m256i *)out, _mm256_permutevar8x32_epi32(words, places));
    return (size_t)__builtin_popcount(set);
}

/// Counts and notes magnitudes as `band` does, of whole sixteens; the number of elements done.
static inline size_t RAW(band_sixteens)(const uint8_t *x, const uint8_t *base, size_t count, uint32_t low,
                                        uint32_t high, collab_raw_band *band, uint64_t *above) {
    // Magnitudes have no sign, so that comparing words with one does.
    if (low == 0 || high > INT32_MAX) return 0;
    const __m256i below = _mm256_set1_epi32((int)low - 1), highs = _mm256_set1_epi32((int)high);
    const __m256i upper = _mm256_set1_epi32((int)0xffff0000), magnitude = _mm256_set1_epi32(0x7fffffff);
    __m256i more = _mm256_setzero_si256(), worst = _mm256_setzero_si256();
    size_t found = band->found, e = 0;
    for (; e + 16 <= count && found + 16 <= band->capacity; e += 16) {
        if (e % 32 == 0) __builtin_prefetch(x + 2 * e + 2048);
        const __m256i b = _mm256_loadu_si256((const __m256i *)(base + 2 * e));
        const __m256i y = _mm256_loadu_si256((const __m256i *)(x + 2 * e));
        // Those at even places and those at odd ones: which comes first is of no account here.
        const __m256 bases[2] = {
            _mm256_castsi256_ps(_mm256_slli_epi32(b, 16)), _mm256_castsi256_ps(_mm256_and_si256(b, upper))};
        const __m256 values[2] = {
            _mm256_castsi256_ps(_mm256_slli_epi32(y, 16)), _mm256_castsi256_ps(_mm256_and_si256(y, upper))};
        for (size_t half = 0; half < 2; half++) {
            const __m256i d = _mm256_castps_si256(_mm256_sub_ps(values[half], bases[half]));
            const __m256i magnitudes = _mm256_and_si256(d, magnitude);
            worst = _mm256_max_epi32(worst, magnitudes);
            const __m256i isMore = _mm256_cmpgt_epi32(magnitudes, highs);
            more = _mm256_sub_epi32(more, isMore);
            const __m256i within = _mm256_andnot_si256(isMore, _mm256_cmpgt_epi32(magnitudes, below));
            found += RAW(store_chosen)(magnitudes, within, band->bits + found);
        }
    }
    if (e + 16 <= count) band->overflow = true;
    band->found = found;
    uint32_t largest[8], counts[8];
    _mm256_storeu_si256((__m256i *)largest, worst);
    _mm256_storeu_si256((__m256i *)counts, more);
    for (size_t lane = 0; lane < 8; lane++) {
        band->worst = largest[lane] > band->worst ? largest[lane] : band->worst;
        *above += counts[lane];
    }
    return e;
}
