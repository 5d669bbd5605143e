// Vector primitives for 64-bit Arm with dot products: 4 lanes. Documented in simd_portable.h.
#ifndef COLLAB_SIMD_NEON_H
#define COLLAB_SIMD_NEON_H

#define CV_LANES 4
#define CV_ROWS 6
#define CV_TOKENS 8

typedef float32x4_t cv_f;
typedef int32x4_t cv_i;
typedef uint8x16_t cv_b;

#define CV_INLINE static inline __attribute__((always_inline))

CV_INLINE float cv_fma1(float a, float b, float c) { return __builtin_fmaf(a, b, c); }

CV_INLINE cv_f cv_set1(float x) { return vdupq_n_f32(x); }
CV_INLINE cv_f cv_zero(void) { return vdupq_n_f32(0); }
CV_INLINE cv_f cv_bcast(const float *p) { return vld1q_dup_f32(p); }
CV_INLINE cv_f cv_load(const float *p) { return vld1q_f32(p); }
CV_INLINE void cv_store(float *p, cv_f x) { vst1q_f32(p, x); }
CV_INLINE cv_f cv_add(cv_f a, cv_f b) { return vaddq_f32(a, b); }
CV_INLINE cv_f cv_sub(cv_f a, cv_f b) { return vsubq_f32(a, b); }
CV_INLINE cv_f cv_mul(cv_f a, cv_f b) { return vmulq_f32(a, b); }
CV_INLINE cv_f cv_div(cv_f a, cv_f b) { return vdivq_f32(a, b); }
// The second operand where either is NaN, as on the other processors.
CV_INLINE cv_f cv_max(cv_f a, cv_f b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
CV_INLINE cv_f cv_min(cv_f a, cv_f b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
CV_INLINE cv_f cv_fma(cv_f a, cv_f b, cv_f c) { return vfmaq_f32(c, a, b); }
CV_INLINE cv_f cv_fnma(cv_f a, cv_f b, cv_f c) { return vfmsq_f32(c, a, b); }
CV_INLINE cv_f cv_abs(cv_f a) { return vabsq_f32(a); }
CV_INLINE cv_f cv_copysign(cv_f a, cv_f s) { return vbslq_f32(vdupq_n_u32(0x80000000u), s, a); }
CV_INLINE cv_f cv_select_lt(cv_f x, cv_f y, cv_f a, cv_f b) { return vbslq_f32(vcltq_f32(x, y), a, b); }
CV_INLINE uint32_t cv_mask_gt(cv_f a, cv_f b) {
    const uint32x4_t bits = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(vcgtq_f32(a, b), bits));
}

CV_INLINE cv_i cv_izero(void) { return vdupq_n_s32(0); }
CV_INLINE cv_i cv_isub(cv_i a, cv_i b) { return vsubq_s32(a, b); }
CV_INLINE cv_i cv_ihalf(cv_i a) { return vshrq_n_s32(a, 1); }
CV_INLINE cv_f cv_cvt(cv_i a) { return vcvtq_f32_s32(a); }
CV_INLINE cv_i cv_round(cv_f a) { return vcvtnq_s32_f32(a); }
CV_INLINE cv_f cv_pow2(cv_i n) {
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23));
}
CV_INLINE cv_f cv_pow2_shifted(cv_f t) {
    return vreinterpretq_f32_s32(vaddq_s32(vshlq_n_s32(vreinterpretq_s32_f32(t), 23), vdupq_n_s32(127 << 23)));
}

CV_INLINE cv_f cv_load_f16(const void *p) {
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16((const uint16_t *)p)));
}
CV_INLINE void cv_store_f16(void *p, cv_f x) { vst1_u16((uint16_t *)p, vreinterpret_u16_f16(vcvt_f16_f32(x))); }
CV_INLINE cv_f cv_load_bf16(const void *p) {
    return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16((const uint16_t *)p), 16));
}
CV_INLINE uint8x8_t cv_load_four(const void *p) {
    uint32_t four;
    memcpy(&four, p, 4);
    return vreinterpret_u8_u32(vdup_n_u32(four));
}
CV_INLINE cv_f cv_load_u8(const void *p) {
    return vcvtq_f32_u32(vmovl_u16(vget_low_u16(vmovl_u8(cv_load_four(p)))));
}
CV_INLINE cv_f cv_load_s8(const void *p) {
    return vcvtq_f32_s32(vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_u8(cv_load_four(p))))));
}

CV_INLINE cv_b cv_bload(const void *p) { return vld1q_u8((const uint8_t *)p); }
CV_INLINE cv_b cv_blow(cv_b a) { return vandq_u8(a, vdupq_n_u8(15)); }
CV_INLINE cv_b cv_bhigh(cv_b a) { return vshrq_n_u8(a, 4); }
CV_INLINE cv_b cv_bplane1(cv_b nibbles, cv_b plane, const int j) {
    const cv_b bit = vshlq_u8(plane, vdupq_n_s8((int8_t)(4 - j)));
    return vorrq_u8(nibbles, vandq_u8(bit, vdupq_n_u8(16)));
}
CV_INLINE cv_b cv_bplane2(cv_b nibbles, cv_b plane, const int j) {
    const cv_b bits = vshlq_u8(plane, vdupq_n_s8((int8_t)(4 - 2 * j)));
    return vorrq_u8(nibbles, vandq_u8(bits, vdupq_n_u8(48)));
}
CV_INLINE cv_b cv_bpush3(cv_b a) { return vshlq_n_u8(a, 3); }
CV_INLINE cv_b cv_bbits(cv_b into, cv_b from, const int right, const int mask) {
    const cv_b bits = vshlq_u8(from, vdupq_n_s8((int8_t)-right));
    return vorrq_u8(into, vandq_u8(bits, vdupq_n_u8((uint8_t)mask)));
}
CV_INLINE cv_b cv_b8(cv_b a) { return veorq_u8(a, vdupq_n_u8(0x80)); }
#define CV_SHIFT8 0
CV_INLINE cv_i cv_offset(const int32_t *negated, const int shift) {
    return vshlq_s32(vld1q_dup_s32(negated), vdupq_n_s32(shift));
}
CV_INLINE cv_i cv_dots(cv_i acc, const cv_b *w, const int8_t *a, const int count, const int bits) {
    (void)bits;
#pragma clang loop unroll(full)
    for (int j = 0; j < count; j++) {
        int32_t four;
        memcpy(&four, a + 4 * j, 4);
        acc = vdotq_s32(acc, vreinterpretq_s8_u8(w[j]), vreinterpretq_s8_s32(vdupq_n_s32(four)));
    }
    return acc;
}
CV_INLINE cv_f cv_byte(cv_b w, const int c) {
    const uint32x4_t shifted = vshlq_u32(vreinterpretq_u32_u8(w), vdupq_n_s32(-8 * c));
    return vcvtq_f32_u32(vandq_u32(shifted, vdupq_n_u32(255)));
}
CV_INLINE cv_f cv_byte8(cv_b w, const int c) {
    const int32x4_t top = vshlq_s32(vreinterpretq_s32_u8(w), vdupq_n_s32(24 - 8 * c));
    return vcvtq_f32_s32(vshrq_n_s32(top, 24));
}

CV_INLINE float cv_hsum(cv_f a) {
    const float32x2_t halves = vadd_f32(vget_low_f32(a), vget_high_f32(a));
    return vget_lane_f32(halves, 0) + vget_lane_f32(halves, 1);
}
CV_INLINE float cv_hmax(cv_f a) {
    const float x = vgetq_lane_f32(a, 0), y = vgetq_lane_f32(a, 1), z = vgetq_lane_f32(a, 2),
                w = vgetq_lane_f32(a, 3);
    const float xz = x > z ? x : z, yw = y > w ? y : w;
    return xz > yw ? xz : yw;
}
CV_INLINE cv_f cv_maxabsbits(cv_f a, cv_f b) {
    return vreinterpretq_f32_u32(vmaxq_u32(vreinterpretq_u32_f32(vabsq_f32(a)), vreinterpretq_u32_f32(vabsq_f32(b))));
}
CV_INLINE uint32_t cv_habsbits(cv_f a) { return vmaxvq_u32(vreinterpretq_u32_f32(vabsq_f32(a))); }
CV_INLINE void cv_store_s8(int8_t *p, cv_i a) {
    const int16x4_t words = vmovn_s32(a);
    const uint32_t four = vget_lane_u32(vreinterpret_u32_s8(vmovn_s16(vcombine_s16(words, words))), 0);
    memcpy(p, &four, 4);
}
CV_INLINE int32_t cv_ihsum(cv_i a) { return vaddvq_s32(a); }

#endif
