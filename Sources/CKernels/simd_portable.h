// Vector primitives in plain C: 16 lanes, written so that compilers can vectorise them.
//
// The fused multiply-add rounds twice where the processor has no such instruction, so float results may differ in
// the last bit from the other levels there; integer sums never do.
#ifndef COLLAB_SIMD_PORTABLE_H
#define COLLAB_SIMD_PORTABLE_H

#include <stdint.h>
#include <string.h>

#define CV_LANES 16
/// Row blocks of attention and float tiles that fit the registers.
#define CV_ROWS 1
/// Rows of activations that a tile of a product handles at once.
#define CV_TOKENS 1

typedef struct { float v[16]; } cv_f;
typedef struct { int32_t v[16]; } cv_i;
typedef struct { uint8_t v[64]; } cv_b;

#define CV_INLINE static inline __attribute__((always_inline))
#define CV_EACH for (int lane = 0; lane < 16; lane++)

CV_INLINE float cv_fma1(float a, float b, float c) {
#ifdef __FP_FAST_FMAF
    return __builtin_fmaf(a, b, c);
#else
    return a * b + c;
#endif
}

CV_INLINE cv_f cv_set1(float x) { cv_f r; CV_EACH r.v[lane] = x; return r; }
CV_INLINE cv_f cv_zero(void) { return cv_set1(0); }
CV_INLINE cv_f cv_bcast(const float *p) { return cv_set1(*p); }
CV_INLINE cv_f cv_load(const float *p) { cv_f r; memcpy(r.v, p, sizeof r.v); return r; }
CV_INLINE void cv_store(float *p, cv_f x) { memcpy(p, x.v, sizeof x.v); }
CV_INLINE cv_f cv_add(cv_f a, cv_f b) { CV_EACH a.v[lane] += b.v[lane]; return a; }
CV_INLINE cv_f cv_sub(cv_f a, cv_f b) { CV_EACH a.v[lane] -= b.v[lane]; return a; }
CV_INLINE cv_f cv_mul(cv_f a, cv_f b) { CV_EACH a.v[lane] *= b.v[lane]; return a; }
CV_INLINE cv_f cv_div(cv_f a, cv_f b) { CV_EACH a.v[lane] /= b.v[lane]; return a; }
CV_INLINE cv_f cv_max(cv_f a, cv_f b) { CV_EACH a.v[lane] = a.v[lane] > b.v[lane] ? a.v[lane] : b.v[lane]; return a; }
CV_INLINE cv_f cv_min(cv_f a, cv_f b) { CV_EACH a.v[lane] = a.v[lane] < b.v[lane] ? a.v[lane] : b.v[lane]; return a; }
CV_INLINE cv_f cv_fma(cv_f a, cv_f b, cv_f c) { CV_EACH c.v[lane] = cv_fma1(a.v[lane], b.v[lane], c.v[lane]); return c; }
CV_INLINE cv_f cv_fnma(cv_f a, cv_f b, cv_f c) { CV_EACH c.v[lane] = cv_fma1(-a.v[lane], b.v[lane], c.v[lane]); return c; }
CV_INLINE cv_f cv_abs(cv_f a) { CV_EACH a.v[lane] = __builtin_fabsf(a.v[lane]); return a; }
CV_INLINE cv_f cv_copysign(cv_f a, cv_f s) { CV_EACH a.v[lane] = __builtin_copysignf(a.v[lane], s.v[lane]); return a; }
/// a where x < y, else b.
CV_INLINE cv_f cv_select_lt(cv_f x, cv_f y, cv_f a, cv_f b) {
    CV_EACH b.v[lane] = x.v[lane] < y.v[lane] ? a.v[lane] : b.v[lane];
    return b;
}
/// Bit l is set when lane l of a is greater than lane l of b.
CV_INLINE uint32_t cv_mask_gt(cv_f a, cv_f b) {
    uint32_t r = 0;
    CV_EACH r |= (uint32_t)(a.v[lane] > b.v[lane]) << lane;
    return r;
}

CV_INLINE cv_i cv_izero(void) { cv_i r; CV_EACH r.v[lane] = 0; return r; }
CV_INLINE cv_i cv_iset1(int32_t x) { cv_i r; CV_EACH r.v[lane] = x; return r; }
CV_INLINE cv_i cv_iadd(cv_i a, cv_i b) { CV_EACH a.v[lane] = (int32_t)((uint32_t)a.v[lane] + (uint32_t)b.v[lane]); return a; }
CV_INLINE cv_i cv_isub(cv_i a, cv_i b) { CV_EACH a.v[lane] = (int32_t)((uint32_t)a.v[lane] - (uint32_t)b.v[lane]); return a; }
CV_INLINE cv_i cv_ihalf(cv_i a) { CV_EACH a.v[lane] >>= 1; return a; }
CV_INLINE cv_f cv_cvt(cv_i a) { cv_f r; CV_EACH r.v[lane] = (float)a.v[lane]; return r; }
/// Nearest integer, ties to even; any integer for what does not fit.
CV_INLINE cv_i cv_round(cv_f a) {
    cv_i r;
    CV_EACH {
        float x = a.v[lane];
        // Adding 1.5·2²³ leaves the rounded integer in the low bits of the sum.
        if (!(x > -4.0e6f && x < 4.0e6f)) x = 0;
        float shifted = x + 12582912.0f;
        uint32_t bits;
        memcpy(&bits, &shifted, 4);
        r.v[lane] = (int32_t)(bits - 0x4b400000u);
    }
    return r;
}
/// 2ⁿ for n in −126…127.
CV_INLINE cv_f cv_pow2(cv_i n) {
    cv_f r;
    CV_EACH {
        uint32_t bits = (uint32_t)(n.v[lane] + 127) << 23;
        memcpy(&r.v[lane], &bits, 4);
    }
    return r;
}
/// 2ⁿ for t = n + 3 · 2²², whose lowest bits are n.
CV_INLINE cv_f cv_pow2_shifted(cv_f t) {
    cv_f r;
    CV_EACH {
        uint32_t bits;
        memcpy(&bits, &t.v[lane], 4);
        bits = (bits << 23) + (127u << 23);
        memcpy(&r.v[lane], &bits, 4);
    }
    return r;
}

CV_INLINE float cv_half1(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, bits = h & 0x7fffu, out;
    if (bits >= 0x7c00u) {
        out = sign | 0x7f800000u | (bits & 0x3ffu) << 13 | ((bits & 0x3ffu) ? 0x400000u : 0);
    } else if (bits >= 0x400u) {
        out = sign | ((bits << 13) + 0x38000000u);
    } else {
        float small = (float)bits * 5.9604644775390625e-8f;
        memcpy(&out, &small, 4);
        out |= sign;
    }
    float value;
    memcpy(&value, &out, 4);
    return value;
}
CV_INLINE uint16_t cv_tohalf1(float value) {
    uint32_t x;
    memcpy(&x, &value, 4);
    uint32_t sign = x >> 16 & 0x8000u, bits = x & 0x7fffffffu;
    if (bits >= 0x7f800000u) return (uint16_t)(sign | 0x7c00u | (bits > 0x7f800000u ? 0x200u | (bits >> 13 & 0x3ffu) : 0));
    if (bits >= 0x477ff000u) return (uint16_t)(sign | 0x7c00u);
    if (bits >= 0x38800000u) {
        uint32_t rounded = bits + 0xfffu + (bits >> 13 & 1);
        return (uint16_t)(sign | ((rounded - 0x38000000u) >> 13));
    }
    // Below the normal range: adding ½ makes the hardware round at the right bit.
    float magnitude;
    memcpy(&magnitude, &bits, 4);
    magnitude += 0.5f;
    memcpy(&bits, &magnitude, 4);
    return (uint16_t)(sign | (bits - 0x3f000000u));
}
CV_INLINE cv_f cv_load_f16(const void *p) {
    uint16_t h[16];
    memcpy(h, p, sizeof h);
    cv_f r;
    CV_EACH r.v[lane] = cv_half1(h[lane]);
    return r;
}
CV_INLINE void cv_store_f16(void *p, cv_f x) {
    uint16_t h[16];
    CV_EACH h[lane] = cv_tohalf1(x.v[lane]);
    memcpy(p, h, sizeof h);
}
CV_INLINE cv_f cv_load_bf16(const void *p) {
    uint16_t h[16];
    memcpy(h, p, sizeof h);
    cv_f r;
    CV_EACH {
        uint32_t bits = (uint32_t)h[lane] << 16;
        memcpy(&r.v[lane], &bits, 4);
    }
    return r;
}
CV_INLINE cv_f cv_load_u8(const void *p) {
    const uint8_t *b = p;
    cv_f r;
    CV_EACH r.v[lane] = (float)b[lane];
    return r;
}
CV_INLINE cv_f cv_load_s8(const void *p) {
    const int8_t *b = p;
    cv_f r;
    CV_EACH r.v[lane] = (float)b[lane];
    return r;
}

// Weights: each lane holds the four bytes of four consecutive columns of one row.
CV_INLINE cv_b cv_bload(const void *p) { cv_b r; memcpy(r.v, p, 64); return r; }
CV_INLINE cv_b cv_blow(cv_b a) { for (int i = 0; i < 64; i++) a.v[i] &= 15; return a; }
CV_INLINE cv_b cv_bhigh(cv_b a) { for (int i = 0; i < 64; i++) a.v[i] >>= 4; return a; }
/// nibbles | bit `j` of each plane byte << 4.
CV_INLINE cv_b cv_bplane1(cv_b nibbles, cv_b plane, const int j) {
    for (int i = 0; i < 64; i++) nibbles.v[i] |= (uint8_t)((plane.v[i] >> j & 1) << 4);
    return nibbles;
}
/// nibbles | bits 2j and 2j + 1 of each plane byte << 4.
CV_INLINE cv_b cv_bplane2(cv_b nibbles, cv_b plane, const int j) {
    for (int i = 0; i < 64; i++) nibbles.v[i] |= (uint8_t)((plane.v[i] >> (2 * j) & 3) << 4);
    return nibbles;
}
/// Every byte, at most 31, times 8.
CV_INLINE cv_b cv_bpush3(cv_b a) { for (int i = 0; i < 64; i++) a.v[i] = (uint8_t)(a.v[i] << 3); return a; }
/// into | (from >> right & mask), byte by byte; right and the mask's bits together stay within a byte.
CV_INLINE cv_b cv_bbits(cv_b into, cv_b from, const int right, const int mask) {
    for (int i = 0; i < 64; i++) into.v[i] |= (uint8_t)(from.v[i] >> right & mask);
    return into;
}
/// The bytes of a Q8 vector in the form that cv_dots takes.
CV_INLINE cv_b cv_b8(cv_b a) { return a; }
/// How these are offset: log2 of the constant, or 0 for none.
#define CV_SHIFT8 7
/// The low `shift` bits' constant times the negated sum of activations.
CV_INLINE cv_i cv_offset(const int32_t *negated, const int shift) { return cv_iset1((int32_t)((uint32_t)*negated << shift)); }
/// acc + the dot products of each lane's bytes, four of a vector in `count` vectors, with as many activations in
/// [−127, 127]. The bytes are weights below 2^bits, or with 8 bits those of cv_b8.
CV_INLINE cv_i cv_dots(cv_i acc, const cv_b *w, const int8_t *a, const int count, const int bits) {
    (void)bits;
    for (int j = 0; j < count; j++, a += 4) {
        const uint8_t *v = w[j].v;
        CV_EACH acc.v[lane] += v[4 * lane] * a[0] + v[4 * lane + 1] * a[1] + v[4 * lane + 2] * a[2] + v[4 * lane + 3] * a[3];
    }
    return acc;
}
/// Byte `c` of each lane as a float.
CV_INLINE cv_f cv_byte(cv_b w, const int c) { cv_f r; CV_EACH r.v[lane] = (float)w.v[4 * lane + c]; return r; }

/// Byte `c` of each lane of cv_b8, less the offset of 128, as a float.
CV_INLINE cv_f cv_byte8(cv_b w, const int c) { cv_f r; CV_EACH r.v[lane] = (float)(w.v[4 * lane + c] - 128); return r; }

CV_INLINE float cv_hsum(cv_f a) {
    for (int width = 8; width > 0; width /= 2)
        for (int lane = 0; lane < width; lane++) a.v[lane] += a.v[lane + width];
    return a.v[0];
}
CV_INLINE float cv_hmax(cv_f a) {
    for (int width = 8; width > 0; width /= 2)
        for (int lane = 0; lane < width; lane++) a.v[lane] = a.v[lane] > a.v[lane + width] ? a.v[lane] : a.v[lane + width];
    return a.v[0];
}
/// The largest bit pattern of |x|, so that NaN and infinities win.
CV_INLINE uint32_t cv_habsbits(cv_f a) {
    uint32_t r = 0;
    CV_EACH {
        uint32_t bits;
        memcpy(&bits, &a.v[lane], 4);
        bits &= 0x7fffffffu;
        r = bits > r ? bits : r;
    }
    return r;
}
/// max of the bit patterns of |a| and |b| lane by lane.
CV_INLINE cv_f cv_maxabsbits(cv_f a, cv_f b) {
    CV_EACH {
        uint32_t x, y;
        memcpy(&x, &a.v[lane], 4);
        memcpy(&y, &b.v[lane], 4);
        x &= 0x7fffffffu;
        y &= 0x7fffffffu;
        x = x > y ? x : y;
        memcpy(&a.v[lane], &x, 4);
    }
    return a;
}
/// Stores the lanes as signed bytes (they fit).
CV_INLINE void cv_store_s8(int8_t *p, cv_i a) { CV_EACH p[lane] = (int8_t)a.v[lane]; }
CV_INLINE int32_t cv_ihsum(cv_i a) { int32_t r = 0; CV_EACH r += a.v[lane]; return r; }

#endif
