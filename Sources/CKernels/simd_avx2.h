// Vector primitives for AVX2 with FMA and F16C: 8 lanes. Documented in simd_portable.h.
#ifndef COLLAB_SIMD_AVX2_H
#define COLLAB_SIMD_AVX2_H

#define CV_LANES 8
#define CV_ROWS 3
#define CV_TOKENS 4

typedef __m256 cv_f;
typedef __m256i cv_i;
typedef __m256i cv_b;

#define CV_INLINE static inline __attribute__((always_inline))

CV_INLINE float cv_fma1(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

CV_INLINE cv_f cv_set1(float x) { return _mm256_set1_ps(x); }
CV_INLINE cv_f cv_zero(void) { return _mm256_setzero_ps(); }
CV_INLINE cv_f cv_bcast(const float *p) { return _mm256_broadcast_ss(p); }
CV_INLINE cv_f cv_load(const float *p) { return _mm256_loadu_ps(p); }
CV_INLINE void cv_store(float *p, cv_f x) { _mm256_storeu_ps(p, x); }
CV_INLINE cv_f cv_add(cv_f a, cv_f b) { return _mm256_add_ps(a, b); }
CV_INLINE cv_f cv_sub(cv_f a, cv_f b) { return _mm256_sub_ps(a, b); }
CV_INLINE cv_f cv_mul(cv_f a, cv_f b) { return _mm256_mul_ps(a, b); }
CV_INLINE cv_f cv_div(cv_f a, cv_f b) { return _mm256_div_ps(a, b); }
CV_INLINE cv_f cv_max(cv_f a, cv_f b) { return _mm256_max_ps(a, b); }
CV_INLINE cv_f cv_min(cv_f a, cv_f b) { return _mm256_min_ps(a, b); }
CV_INLINE cv_f cv_fma(cv_f a, cv_f b, cv_f c) { return _mm256_fmadd_ps(a, b, c); }
CV_INLINE cv_f cv_fnma(cv_f a, cv_f b, cv_f c) { return _mm256_fnmadd_ps(a, b, c); }
CV_INLINE cv_f cv_sign_bits(void) { return _mm256_set1_ps(-0.0f); }
CV_INLINE cv_f cv_abs(cv_f a) { return _mm256_andnot_ps(cv_sign_bits(), a); }
CV_INLINE cv_f cv_copysign(cv_f a, cv_f s) {
    return _mm256_or_ps(cv_abs(a), _mm256_and_ps(cv_sign_bits(), s));
}
CV_INLINE cv_f cv_select_lt(cv_f x, cv_f y, cv_f a, cv_f b) {
    return _mm256_blendv_ps(b, a, _mm256_cmp_ps(x, y, _CMP_LT_OQ));
}
CV_INLINE uint32_t cv_mask_gt(cv_f a, cv_f b) {
    return (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ));
}

CV_INLINE cv_i cv_izero(void) { return _mm256_setzero_si256(); }
CV_INLINE cv_i cv_isub(cv_i a, cv_i b) { return _mm256_sub_epi32(a, b); }
CV_INLINE cv_i cv_ihalf(cv_i a) { return _mm256_srai_epi32(a, 1); }
CV_INLINE cv_f cv_cvt(cv_i a) { return _mm256_cvtepi32_ps(a); }
CV_INLINE cv_i cv_round(cv_f a) { return _mm256_cvtps_epi32(a); }
CV_INLINE cv_f cv_pow2(cv_i n) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23));
}
CV_INLINE cv_f cv_pow2_shifted(cv_f t) {
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_slli_epi32(_mm256_castps_si256(t), 23), _mm256_set1_epi32(127 << 23)));
}

CV_INLINE cv_f cv_load_f16(const void *p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p)); }
CV_INLINE void cv_store_f16(void *p, cv_f x) {
    _mm_storeu_si128((__m128i *)p, _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
}
CV_INLINE cv_f cv_load_bf16(const void *p) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p)), 16));
}
CV_INLINE cv_f cv_load_u8(const void *p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}
CV_INLINE cv_f cv_load_s8(const void *p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)p)));
}

CV_INLINE cv_b cv_bload(const void *p) { return _mm256_loadu_si256((const __m256i *)p); }
CV_INLINE cv_b cv_blow(cv_b a) { return _mm256_and_si256(a, _mm256_set1_epi8(15)); }
CV_INLINE cv_b cv_bhigh(cv_b a) { return _mm256_and_si256(_mm256_srli_epi16(a, 4), _mm256_set1_epi8(15)); }
CV_INLINE cv_b cv_bplane1(cv_b nibbles, cv_b plane, const int j) {
    const cv_b bit = j <= 4 ? _mm256_slli_epi16(plane, 4 - j) : _mm256_srli_epi16(plane, j - 4);
    return _mm256_or_si256(nibbles, _mm256_and_si256(bit, _mm256_set1_epi8(16)));
}
CV_INLINE cv_b cv_bplane2(cv_b nibbles, cv_b plane, const int j) {
    const cv_b bits = j <= 2 ? _mm256_slli_epi16(plane, 4 - 2 * j) : _mm256_srli_epi16(plane, 2 * j - 4);
    return _mm256_or_si256(nibbles, _mm256_and_si256(bits, _mm256_set1_epi8(48)));
}
CV_INLINE cv_b cv_bpush3(cv_b a) { return _mm256_slli_epi16(a, 3); }
CV_INLINE cv_b cv_bbits(cv_b into, cv_b from, const int right, const int mask) {
    return _mm256_or_si256(into, _mm256_and_si256(_mm256_srli_epi16(from, right), _mm256_set1_epi8((char)mask)));
}
// Signed here: 16-bit sums of pairs of products must not saturate.
CV_INLINE cv_b cv_b8(cv_b a) { return _mm256_xor_si256(a, _mm256_set1_epi8((char)0x80)); }
#define CV_SHIFT8 0
CV_INLINE cv_i cv_offset(const int32_t *negated, const int shift) {
    return _mm256_slli_epi32(_mm256_set1_epi32(*negated), shift);
}
CV_INLINE cv_b cv_bcast4(const int8_t *a) {
    int32_t four;
    memcpy(&four, a, 4);
    return _mm256_set1_epi32(four);
}
CV_INLINE cv_i cv_dots(cv_i acc, const cv_b *w, const int8_t *a, const int count, const int bits) {
    // As many pairs of products as 16 bits hold: 16 · 15 · 127, 8 · 31 · 127, 4 · 63 · 127 or 2 · 128 · 127.
    const int run = bits == 4 ? 8 : bits == 5 ? 4 : bits == 6 ? 2 : 1;
#pragma clang loop unroll(full)
    for (int first = 0; first < count; first += run) {
        cv_i pairs = _mm256_setzero_si256();
#pragma clang loop unroll(full)
        for (int j = first; j < first + run && j < count; j++) {
            const cv_b four = cv_bcast4(a + 4 * j);
            // |w| · (a with w's sign), since one factor has to be unsigned.
            const cv_i products = bits == 8 ? _mm256_maddubs_epi16(_mm256_abs_epi8(w[j]), _mm256_sign_epi8(four, w[j]))
                                            : _mm256_maddubs_epi16(w[j], four);
            pairs = j == first ? products : _mm256_add_epi16(pairs, products);
        }
        acc = _mm256_add_epi32(acc, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    }
    return acc;
}
CV_INLINE cv_f cv_byte(cv_b w, const int c) {
    return _mm256_cvtepi32_ps(_mm256_and_si256(_mm256_srli_epi32(w, 8 * c), _mm256_set1_epi32(255)));
}
CV_INLINE cv_f cv_byte8(cv_b w, const int c) {
    return _mm256_cvtepi32_ps(_mm256_srai_epi32(_mm256_slli_epi32(w, 24 - 8 * c), 24));
}

CV_INLINE float cv_hsum(cv_f a) {
    __m128 y = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    y = _mm_add_ps(y, _mm_movehl_ps(y, y));
    return _mm_cvtss_f32(_mm_add_ss(y, _mm_movehdup_ps(y)));
}
CV_INLINE float cv_hmax(cv_f a) {
    __m128 y = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    y = _mm_max_ps(y, _mm_movehl_ps(y, y));
    return _mm_cvtss_f32(_mm_max_ss(y, _mm_movehdup_ps(y)));
}
CV_INLINE cv_f cv_maxabsbits(cv_f a, cv_f b) {
    return _mm256_castsi256_ps(
        _mm256_max_epu32(_mm256_castps_si256(cv_abs(a)), _mm256_castps_si256(cv_abs(b))));
}
CV_INLINE uint32_t cv_habsbits(cv_f a) {
    const __m256i bits = _mm256_castps_si256(cv_abs(a));
    __m128i y = _mm_max_epu32(_mm256_castsi256_si128(bits), _mm256_extracti128_si256(bits, 1));
    y = _mm_max_epu32(y, _mm_shuffle_epi32(y, 0x4e));
    y = _mm_max_epu32(y, _mm_shuffle_epi32(y, 0xb1));
    return (uint32_t)_mm_cvtsi128_si32(y);
}
CV_INLINE void cv_store_s8(int8_t *p, cv_i a) {
    const __m128i words = _mm_packs_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    _mm_storel_epi64((__m128i *)p, _mm_packs_epi16(words, words));
}
CV_INLINE int32_t cv_ihsum(cv_i a) {
    __m128i y = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    y = _mm_add_epi32(y, _mm_shuffle_epi32(y, 0x4e));
    y = _mm_add_epi32(y, _mm_shuffle_epi32(y, 0xb1));
    return _mm_cvtsi128_si32(y);
}

#endif
