// Random choices in registers of eight lanes. Part of merge_raw_thinning_lanes.h.

/// The lower halves of eight words, of which four lie in each vector.
static inline __m256i RAW(lower_halves)(__m256i first, __m256i second) {
    const __m256 both = _mm256_shuffle_ps(_mm256_castsi256_ps(first), _mm256_castsi256_ps(second), 0x88);
    return _mm256_permute4x64_epi64(_mm256_castps_si256(both), 0xd8);
}

/// The upper halves of four words, in the places of the lower ones: a shuffle, since multiplying and shifting are done in
/// few places of some processors.
static inline __m256i RAW(upper_words)(__m256i x) { return _mm256_shuffle_epi32(x, 0xf5); }

/// Groups of 128 numbers as `draw` takes them; how many elements are done.
static inline size_t RAW(draw_groups)(uint64_t first, size_t count, uint64_t key, uint32_t stream,
                                      uint32_t threshold, uint64_t *bits) {
    // All are below it where the threshold has seventeen bits, and none where it is 0.
    if (threshold > 0xffff || threshold == 0) return 0;
    const __m256i largest = _mm256_set1_epi16((short)(threshold - 1));
    const __m256i m0 = _mm256_set1_epi64x(0xD2511F53), m1 = _mm256_set1_epi64x(0xCD9E8D57);
    const __m256i lanes = _mm256_setr_epi64x(0, 1, 2, 3);
    const uint64_t of_stream = (uint64_t)0xCD9E8D57u * stream;
    const uint32_t k0 = (uint32_t)key + 0x9E3779B9u, k1 = (uint32_t)(key >> 32) + 0xBB67AE85u;
    __m256i keys[10][2];
    for (uint32_t round = 0; round < 10; round++) {
        keys[round][0] = _mm256_set1_epi64x((uint32_t)key + round * 0x9E3779B9u);
        keys[round][1] = _mm256_set1_epi64x((uint32_t)(key >> 32) + round * 0xBB67AE85u);
    }
    size_t done = 0;
    for (; done + 128 <= count; done += 128) {
        const uint64_t group = (first + done) / 128;
        const uint32_t first_word = (uint32_t)(of_stream >> 32) ^ (uint32_t)(group >> 28) ^ (uint32_t)key;
        const uint64_t of_first = (uint64_t)0xD2511F53u * first_word;
        // Which of the numbers of each word are below the threshold, sixteen at a time: eight counters, and eight more.
        __m256i below[4][2];
        for (int part = 0; part < 2; part++) {
            // The multiplications read lower halves alone, so that the upper ones may hold anything. What the first two rounds
            // make of the stream is the same for all of a group.
            __m256i c0[2], c1[2], c2[2], c3[2];
            for (int i = 0; i < 2; i++) {
                const uint64_t counter = group * 16 + 8 * (uint64_t)part + 4 * (uint64_t)i;
                const __m256i p0 = _mm256_mul_epu32(m0, _mm256_add_epi64(lanes, _mm256_set1_epi64x((long long)counter)));
                const __m256i second = _mm256_xor_si256(RAW(upper_words)(p0), keys[0][1]);
                const __m256i p1 = _mm256_mul_epu32(m1, second);
                c0[i] = _mm256_xor_si256(RAW(upper_words)(p1), _mm256_set1_epi64x((long long)(of_stream ^ k0)));
                c1[i] = p1;
                c2[i] = _mm256_xor_si256(p0, _mm256_set1_epi64x((long long)(of_first >> 32 ^ k1)));
                c3[i] = _mm256_set1_epi64x((long long)of_first);
            }
            for (int round = 2; round < 10; round++) {
                for (int i = 0; i < 2; i++) {
                    const __m256i p0 = _mm256_mul_epu32(m0, c0[i]), p1 = _mm256_mul_epu32(m1, c2[i]);
                    c0[i] = _mm256_xor_si256(_mm256_xor_si256(RAW(upper_words)(p1), c1[i]), keys[round][0]);
                    c2[i] = _mm256_xor_si256(_mm256_xor_si256(RAW(upper_words)(p0), c3[i]), keys[round][1]);
                    c1[i] = p1;
                    c3[i] = p0;
                }
            }
            const __m256i words[4] = {
                RAW(lower_halves)(c0[0], c0[1]), RAW(lower_halves)(c1[0], c1[1]),
                RAW(lower_halves)(c2[0], c2[1]), RAW(lower_halves)(c3[0], c3[1]),
            };
            for (int word = 0; word < 4; word++) {
                below[word][part] = _mm256_cmpeq_epi16(_mm256_min_epu16(words[word], largest), words[word]);
            }
        }
        uint32_t halves[4];
        for (int word = 0; word < 4; word++) {
            // A byte an element, in the order of the elements.
            const __m256i flags = _mm256_packs_epi16(below[word][0], below[word][1]);
            halves[word] = (uint32_t)_mm256_movemask_epi8(_mm256_permute4x64_epi64(flags, 0xd8));
        }
        bits[done / 64] = halves[0] | (uint64_t)halves[1] << 32;
        bits[done / 64 + 1] = halves[2] | (uint64_t)halves[3] << 32;
    }
    return done;
}
