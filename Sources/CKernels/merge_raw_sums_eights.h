// Sums of magnitudes in registers of eight lanes. Part of merge_raw_thinning_lanes.h.

/// Adds four numbers of each of two lists, one after the other, in double.
static inline __m128d RAW(add_pairs)(__m128d sum, __m128 all, __m128 left) {
    const __m256d first = _mm256_cvtps_pd(_mm_unpacklo_ps(all, left));
    const __m256d second = _mm256_cvtps_pd(_mm_unpackhi_ps(all, left));
    sum = _mm_add_pd(sum, _mm256_castpd256_pd128(first));
    sum = _mm_add_pd(sum, _mm256_extractf128_pd(first, 1));
    sum = _mm_add_pd(sum, _mm256_castpd256_pd128(second));
    return _mm_add_pd(sum, _mm256_extractf128_pd(second, 1));
}

/// As `sums`, of whole chunks; the number of elements done.
static size_t RAW(sum_chunks)(const uint8_t *x, const uint8_t *base, size_t count, const uint64_t *kept, double *sums) {
    const __m256i upper = _mm256_set1_epi32((int)0xffff0000);
    const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
    // Elements at even places and those at odd ones, each with its bits of sixteen.
    const __m256i lanes[2] = {
        _mm256_setr_epi32(1, 4, 16, 64, 256, 1024, 4096, 16384),
        _mm256_setr_epi32(2, 8, 32, 128, 512, 2048, 8192, 32768),
    };
    __m128d total = _mm_loadu_pd(sums);
    size_t start = 0;
    for (; start + RAW(chunk) <= count; start += RAW(chunk)) {
        __m256 all[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()}, left[2] = {all[0], all[0]};
        for (size_t e = start; e < start + RAW(chunk); e += 16) {
            if (e % 32 == 0) __builtin_prefetch(x + 2 * e + 2048);
            const __m256i b = _mm256_loadu_si256((const __m256i *)(base + 2 * e));
            const __m256i y = _mm256_loadu_si256((const __m256i *)(x + 2 * e));
            const __m256i bits = _mm256_set1_epi32((int)(kept[e / 64] >> e % 64));
            const __m256 d[2] = {
                _mm256_sub_ps(_mm256_castsi256_ps(_mm256_slli_epi32(y, 16)), _mm256_castsi256_ps(_mm256_slli_epi32(b, 16))),
                _mm256_sub_ps(_mm256_castsi256_ps(_mm256_and_si256(y, upper)), _mm256_castsi256_ps(_mm256_and_si256(b, upper))),
            };
            for (size_t odd = 0; odd < 2; odd++) {
                const __m256 size = _mm256_and_ps(d[odd], magnitude);
                const __m256i isKept = _mm256_cmpeq_epi32(_mm256_and_si256(bits, lanes[odd]), lanes[odd]);
                all[odd] = _mm256_add_ps(all[odd], size);
                left[odd] = _mm256_add_ps(left[odd], _mm256_and_ps(size, _mm256_castsi256_ps(isKept)));
            }
        }
        // In the order of the elements: each half of a vector has every other of eight.
        const __m256 all_low = _mm256_unpacklo_ps(all[0], all[1]), all_high = _mm256_unpackhi_ps(all[0], all[1]);
        const __m256 left_low = _mm256_unpacklo_ps(left[0], left[1]), left_high = _mm256_unpackhi_ps(left[0], left[1]);
        __m128d sum = _mm_setzero_pd();
        sum = RAW(add_pairs)(sum, _mm256_castps256_ps128(all_low), _mm256_castps256_ps128(left_low));
        sum = RAW(add_pairs)(sum, _mm256_castps256_ps128(all_high), _mm256_castps256_ps128(left_high));
        sum = RAW(add_pairs)(sum, _mm256_extractf128_ps(all_low, 1), _mm256_extractf128_ps(left_low, 1));
        sum = RAW(add_pairs)(sum, _mm256_extractf128_ps(all_high, 1), _mm256_extractf128_ps(left_high, 1));
        total = _mm_add_pd(total, sum);
    }
    _mm_storeu_pd(sums, total);
    return start;
}
