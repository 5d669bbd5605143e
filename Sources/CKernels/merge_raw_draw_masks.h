// Random choices in registers of sixteen lanes, with masks. Part of merge_raw_thinning_lanes.h.

/// Which halves of sixteen words, of which eight lie in the lower halves of each vector, are below the threshold.
static inline uint32_t RAW(halves_below)(__m512i low, __m512i high, __m512i limit) {
    const __m256i first = _mm512_cvtepi64_epi32(low), second = _mm512_cvtepi64_epi32(high);
    return _mm512_cmplt_epu16_mask(_mm512_inserti64x4(_mm512_castsi256_si512(first), second, 1), limit);
}

/// Groups of 128 numbers as `draw` takes them; how many elements are done.
static inline size_t RAW(draw_groups)(uint64_t first, size_t count, uint64_t key, uint32_t stream,
                                      uint32_t threshold, uint64_t *bits) {
    // All are below it where the threshold has seventeen bits.
    if (threshold > 0xffff) return 0;
    const __m512i limit = _mm512_set1_epi16((short)threshold);
    const __m512i m0 = _mm512_set1_epi64(0xD2511F53), m1 = _mm512_set1_epi64(0xCD9E8D57);
    const __m512i lanes = _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 6, 7);
    size_t done = 0;
    for (; done + 128 <= count; done += 128) {
        const uint64_t group = (first + done) / 128;
        // The multiplications read lower halves alone, so that the upper ones may hold anything.
        __m512i c0[2], c1[2], c2[2], c3[2];
        for (int i = 0; i < 2; i++) {
            c0[i] = _mm512_add_epi64(lanes, _mm512_set1_epi64((long long)(group * 16 + 8 * (uint64_t)i)));
            c1[i] = _mm512_srli_epi64(c0[i], 32);
            c2[i] = _mm512_set1_epi64(stream);
            c3[i] = _mm512_setzero_si512();
        }
        uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
        for (int round = 0; round < 10; round++) {
            const __m512i key0 = _mm512_set1_epi64(k0), key1 = _mm512_set1_epi64(k1);
            for (int i = 0; i < 2; i++) {
                const __m512i p0 = _mm512_mul_epu32(m0, c0[i]), p1 = _mm512_mul_epu32(m1, c2[i]);
                // 0x96: the exclusive or of three.
                c0[i] = _mm512_ternarylogic_epi64(_mm512_srli_epi64(p1, 32), c1[i], key0, 0x96);
                c2[i] = _mm512_ternarylogic_epi64(_mm512_srli_epi64(p0, 32), c3[i], key1, 0x96);
                c1[i] = p1;
                c3[i] = p0;
            }
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
        uint64_t *target = bits + done / 64;
        target[0] = RAW(halves_below)(c0[0], c0[1], limit) | (uint64_t)RAW(halves_below)(c1[0], c1[1], limit) << 32;
        target[1] = RAW(halves_below)(c2[0], c2[1], limit) | (uint64_t)RAW(halves_below)(c3[0], c3[1], limit) << 32;
    }
    return done;
}
