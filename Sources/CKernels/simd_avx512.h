// Vector primitives for AVX-512 (F, BW, DQ, VL, VNNI): 16 lanes. Documented in simd_portable.h.
#ifndef COLLAB_SIMD_AVX512_H
#define COLLAB_SIMD_AVX512_H

#define CV_LANES 16
#define CV_ROWS 6
#define CV_TOKENS 8

typedef __m512 cv_f;
typedef __m512i cv_i;
typedef __m512i cv_b;

#define CV_INLINE static inline __attribute__((always_inline))

CV_INLINE float cv_fma1(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

CV_INLINE cv_f cv_set1(float x) { return _mm512_set1_ps(x); }
CV_INLINE cv_f cv_zero(void) { return _mm512_setzero_ps(); }
CV_INLINE cv_f cv_bcast(const float *p) { return _mm512_set1_ps(*p); }
CV_INLINE cv_f cv_load(const float *p) { return _mm512_loadu_ps(p); }
CV_INLINE void cv_store(float *p, cv_f x) { _mm512_storeu_ps(p, x); }
CV_INLINE cv_f cv_add(cv_f a, cv_f b) { return _mm512_add_ps(a, b); }
CV_INLINE cv_f cv_sub(cv_f a, cv_f b) { return _mm512_sub_ps(a, b); }
CV_INLINE cv_f cv_mul(cv_f a, cv_f b) { return _mm512_mul_ps(a, b); }
CV_INLINE cv_f cv_div(cv_f a, cv_f b) { return _mm512_div_ps(a, b); }
CV_INLINE cv_f cv_max(cv_f a, cv_f b) { return _mm512_max_ps(a, b); }
CV_INLINE cv_f cv_min(cv_f a, cv_f b) { return _mm512_min_ps(a, b); }
CV_INLINE cv_f cv_fma(cv_f a, cv_f b, cv_f c) { return _mm512_fmadd_ps(a, b, c); }
CV_INLINE cv_f cv_fnma(cv_f a, cv_f b, cv_f c) { return _mm512_fnmadd_ps(a, b, c); }
CV_INLINE cv_f cv_abs(cv_f a) { return _mm512_abs_ps(a); }
CV_INLINE cv_f cv_copysign(cv_f a, cv_f s) {
    // Bitwise: the sign bit from s, the rest from a.
    const __m512i sign = _mm512_set1_epi32((int)0x80000000u);
    return _mm512_castsi512_ps(
        _mm512_ternarylogic_epi32(sign, _mm512_castps_si512(s), _mm512_castps_si512(a), 0xca));
}
CV_INLINE cv_f cv_select_lt(cv_f x, cv_f y, cv_f a, cv_f b) {
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(x, y, _CMP_LT_OQ), b, a);
}
CV_INLINE uint32_t cv_mask_gt(cv_f a, cv_f b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }

CV_INLINE cv_i cv_izero(void) { return _mm512_setzero_si512(); }
CV_INLINE cv_i cv_isub(cv_i a, cv_i b) { return _mm512_sub_epi32(a, b); }
CV_INLINE cv_i cv_ihalf(cv_i a) { return _mm512_srai_epi32(a, 1); }
CV_INLINE cv_f cv_cvt(cv_i a) { return _mm512_cvtepi32_ps(a); }
CV_INLINE cv_i cv_round(cv_f a) { return _mm512_cvtps_epi32(a); }
CV_INLINE cv_f cv_pow2(cv_i n) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(n, _mm512_set1_epi32(127)), 23));
}
CV_INLINE cv_f cv_pow2_shifted(cv_f t) {
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_slli_epi32(_mm512_castps_si512(t), 23), _mm512_set1_epi32(127 << 23)));
}

CV_INLINE cv_f cv_load_f16(const void *p) { return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p)); }
CV_INLINE void cv_store_f16(void *p, cv_f x) {
    _mm256_storeu_si256((__m256i *)p, _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}
CV_INLINE cv_f cv_load_bf16(const void *p) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p)), 16));
}
CV_INLINE cv_f cv_load_u8(const void *p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p)));
}
CV_INLINE cv_f cv_load_s8(const void *p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)p)));
}

CV_INLINE cv_b cv_bload(const void *p) { return _mm512_loadu_si512(p); }
CV_INLINE cv_b cv_blow(cv_b a) { return _mm512_and_si512(a, _mm512_set1_epi8(15)); }
CV_INLINE cv_b cv_bhigh(cv_b a) { return _mm512_and_si512(_mm512_srli_epi16(a, 4), _mm512_set1_epi8(15)); }
CV_INLINE cv_b cv_bplane1(cv_b nibbles, cv_b plane, const int j) {
    const cv_b bit = j <= 4 ? _mm512_slli_epi16(plane, (unsigned)(4 - j)) : _mm512_srli_epi16(plane, (unsigned)(j - 4));
    // nibbles | (bit & 16)
    return _mm512_ternarylogic_epi32(nibbles, bit, _mm512_set1_epi8(16), 0xf8);
}
CV_INLINE cv_b cv_bplane2(cv_b nibbles, cv_b plane, const int j) {
    const cv_b bits =
        j <= 2 ? _mm512_slli_epi16(plane, (unsigned)(4 - 2 * j)) : _mm512_srli_epi16(plane, (unsigned)(2 * j - 4));
    return _mm512_ternarylogic_epi32(nibbles, bits, _mm512_set1_epi8(48), 0xf8);
}
CV_INLINE cv_b cv_bpush3(cv_b a) { return _mm512_slli_epi16(a, 3); }
CV_INLINE cv_b cv_bbits(cv_b into, cv_b from, const int right, const int mask) {
    // into | (from >> right & mask)
    return _mm512_ternarylogic_epi32(into, _mm512_srli_epi16(from, (unsigned)right), _mm512_set1_epi8((char)mask), 0xf8);
}
CV_INLINE cv_b cv_b8(cv_b a) { return a; }
#define CV_SHIFT8 7
CV_INLINE cv_i cv_offset(const int32_t *negated, const int shift) {
    return _mm512_slli_epi32(_mm512_set1_epi32(*negated), (unsigned)shift);
}
CV_INLINE cv_i cv_dots(cv_i acc, const cv_b *w, const int8_t *a, const int count, const int bits) {
    (void)bits;
#pragma clang loop unroll(full)
    for (int j = 0; j < count; j++) {
        int32_t four;
        memcpy(&four, a + 4 * j, 4);
        acc = _mm512_dpbusd_epi32(acc, w[j], _mm512_set1_epi32(four));
    }
    return acc;
}
CV_INLINE cv_f cv_byte(cv_b w, const int c) {
    return _mm512_cvtepi32_ps(_mm512_and_si512(_mm512_srli_epi32(w, (unsigned)(8 * c)), _mm512_set1_epi32(255)));
}
CV_INLINE cv_f cv_byte8(cv_b w, const int c) { return _mm512_sub_ps(cv_byte(w, c), _mm512_set1_ps(128)); }

CV_INLINE float cv_hsum(cv_f a) {
    __m256 x = _mm256_add_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 y = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    y = _mm_add_ps(y, _mm_movehl_ps(y, y));
    return _mm_cvtss_f32(_mm_add_ss(y, _mm_movehdup_ps(y)));
}
CV_INLINE float cv_hmax(cv_f a) {
    __m256 x = _mm256_max_ps(_mm512_castps512_ps256(a), _mm512_extractf32x8_ps(a, 1));
    __m128 y = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    y = _mm_max_ps(y, _mm_movehl_ps(y, y));
    return _mm_cvtss_f32(_mm_max_ss(y, _mm_movehdup_ps(y)));
}
CV_INLINE uint32_t cv_habsbits(cv_f a) {
    return (uint32_t)_mm512_reduce_max_epu32(
        _mm512_and_si512(_mm512_castps_si512(a), _mm512_set1_epi32(0x7fffffff)));
}
CV_INLINE cv_f cv_maxabsbits(cv_f a, cv_f b) {
    const __m512i mask = _mm512_set1_epi32(0x7fffffff);
    return _mm512_castsi512_ps(_mm512_max_epu32(_mm512_and_si512(_mm512_castps_si512(a), mask),
                                                _mm512_and_si512(_mm512_castps_si512(b), mask)));
}
CV_INLINE void cv_store_s8(int8_t *p, cv_i a) { _mm_storeu_si128((__m128i *)p, _mm512_cvtepi32_epi8(a)); }
CV_INLINE int32_t cv_ihsum(cv_i a) { return _mm512_reduce_add_epi32(a); }

#endif
