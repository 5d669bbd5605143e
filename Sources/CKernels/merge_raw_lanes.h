// The bodies of the merge kernels that read bfloat16, compiled once for every instruction set: RAW(name) gives a function
// its name. Elements are taken in chunks that stay in registers and the nearest cache; loops are left to the compiler's
// vectoriser, and sums run in a fixed order, so that all instruction sets give the same bits.

enum { RAW(chunk) = 128 };

#if RAW_HAS_MASKS

/// The differences of sixteen elements.
static inline __m512 RAW(sixteen)(const uint8_t *x, __m512 base) {
    const __m512i halves = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)x));
    return _mm512_sub_ps(_mm512_castsi512_ps(_mm512_slli_epi32(halves, 16)), base);
}

#endif

#if RAW_HAS_EIGHTS

/// The differences of eight elements.
static inline __m256 RAW(eight)(const uint8_t *x, __m256 base) {
    const __m256i halves = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)x));
    return _mm256_sub_ps(_mm256_castsi256_ps(_mm256_slli_epi32(halves, 16)), base);
}

/// All bits of the lanes whose bit is set.
static inline __m256 RAW(lanes_of)(uint8_t bits) {
    const __m256i lanes = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    return _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32(bits), lanes), lanes));
}

#endif

/// The floats of a chunk.
static inline void RAW(load)(const uint8_t *x, size_t count, float *out) {
    for (size_t e = 0; e < count; e++) {
        uint16_t half;
        memcpy(&half, x + 2 * e, 2);
        const uint32_t bits = (uint32_t)half << 16;
        memcpy(out + e, &bits, 4);
    }
}

/// The differences of a chunk.
static inline void RAW(load_delta)(const uint8_t *x, const float *base, size_t count, float *out) {
    for (size_t e = 0; e < count; e++) {
        uint16_t half;
        memcpy(&half, x + 2 * e, 2);
        const uint32_t bits = (uint32_t)half << 16;
        float value;
        memcpy(&value, &bits, 4);
        out[e] = value - base[e];
    }
}

static void RAW(from_bf16)(const uint8_t *x, size_t count, float *out) {
    for (size_t start = 0; start < count; start += 512) {
        const size_t size = count - start < 512 ? count - start : 512;
        for (size_t ahead = 0; ahead < 1024; ahead += 64) __builtin_prefetch(x + 2 * start + 2048 + ahead);
        RAW(load)(x + 2 * start, size, out + start);
    }
}

static void RAW(to_bf16)(const float *x, size_t count, uint8_t *out) {
    for (size_t e = 0; e < count; e++) {
        uint32_t bits;
        memcpy(&bits, x + e, 4);
        const uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
        const uint32_t quiet = bits >> 16 | 0x40;
        const uint16_t half = (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
        memcpy(out + 2 * e, &half, 2);
    }
}

static void RAW(weighted)(const uint8_t *const *members, const double *weights, size_t members_count, size_t count,
                          float *out) {
    float x[16];
    size_t start = 0;
    for (; start + 16 <= count; start += 16) {
        double sums[16] = {0};
        for (size_t i = 0; i < members_count; i++) {
            const double weight = weights[i];
            __builtin_prefetch(members[i] + 2 * start + 2048);
            RAW(load)(members[i] + 2 * start, 16, x);
            for (size_t e = 0; e < 16; e++) sums[e] += weight * (double)x[e];
        }
        for (size_t e = 0; e < 16; e++) out[start + e] = (float)sums[e];
    }
    for (; start < count; start++) {
        double sum = 0;
        for (size_t i = 0; i < members_count; i++) {
            RAW(load)(members[i] + 2 * start, 1, x);
            sum += weights[i] * (double)x[0];
        }
        out[start] = (float)sum;
    }
}

/// Sixteen sums, in double.
static inline double RAW(total)(const float *lanes) {
    double sum = 0;
    for (size_t lane = 0; lane < 16; lane++) sum += (double)lanes[lane];
    return sum;
}

/// Adds products of a chunk, sixteen at a time.
static inline void RAW(multiply)(const float *restrict a, const float *restrict b, float *restrict lanes) {
    float sums[16];
    for (size_t lane = 0; lane < 16; lane++) sums[lane] = lanes[lane];
    for (size_t e = 0; e < RAW(chunk); e += 16) {
        for (size_t lane = 0; lane < 16; lane++) sums[lane] += a[e + lane] * b[e + lane];
    }
    for (size_t lane = 0; lane < 16; lane++) lanes[lane] = sums[lane];
}

typedef float RAW(lanes) __attribute__((vector_size(64)));

/// The floats of sixteen elements.
static inline void RAW(sixteen_floats)(const uint8_t *x, RAW(lanes) *out) {
    typedef uint16_t halves __attribute__((vector_size(32)));
    typedef uint32_t words __attribute__((vector_size(64)));
    halves h;
    memcpy(&h, x, sizeof h);
    *out = (RAW(lanes))(__builtin_convertvector(h, words) << 16);
}

/// The inner products of two members' runs of 32 · 16 elements, as RAW(gram) adds them up, but without leaving registers.
static void RAW(gram_of_two)(const uint8_t *a, const uint8_t *b, size_t runs, double *sums) {
    for (size_t run = 0; run < runs; run++) {
        RAW(lanes) aa = {0}, ab = {0}, bb = {0};
        for (size_t e = 0; e < 4 * RAW(chunk); e += 16, a += 32, b += 32) {
            __builtin_prefetch(a + 2048);
            __builtin_prefetch(b + 2048);
            RAW(lanes) x, y;
            RAW(sixteen_floats)(a, &x);
            RAW(sixteen_floats)(b, &y);
            aa += x * x;
            ab += x * y;
            bb += y * y;
        }
        float lanes[3][16];
        memcpy(lanes[0], &aa, sizeof aa);
        memcpy(lanes[1], &ab, sizeof ab);
        memcpy(lanes[2], &bb, sizeof bb);
        const double product = RAW(total)(lanes[1]);
        sums[0] += RAW(total)(lanes[0]);
        sums[1] += product;
        sums[2] += product;
        sums[3] += RAW(total)(lanes[2]);
    }
}

static void RAW(gram)(const uint8_t *const *members, const uint8_t *base, size_t members_count, size_t count,
                      double *sums) {
    float b[RAW(chunk)], d[COLLAB_RAW_MEMBERS][RAW(chunk)];
    float lanes[COLLAB_RAW_MEMBERS * (COLLAB_RAW_MEMBERS + 1) / 2][16];
    size_t begin = 0;
    if (members_count == 2 && !base) {
        const size_t runs = count / (4 * RAW(chunk));
        RAW(gram_of_two)(members[0], members[1], runs, sums);
        begin = runs * 4 * RAW(chunk);
    }
    for (size_t start = begin; start < count; start += RAW(chunk)) {
        const size_t size = count - start < RAW(chunk) ? count - start : RAW(chunk);
        // Four chunks are added up in float, 32 products a lane, and their sums in double.
        if (start % (4 * RAW(chunk)) == 0) memset(lanes, 0, members_count * (members_count + 1) / 2 * sizeof lanes[0]);
        for (size_t e = 0; e < RAW(chunk); e++) b[e] = 0;
        if (base) RAW(load)(base + 2 * start, size, b);
        for (size_t i = 0; i < members_count; i++) {
            for (size_t e = size; e < RAW(chunk); e++) d[i][e] = 0;
            for (size_t ahead = 0; ahead < 2 * RAW(chunk); ahead += 64) {
                __builtin_prefetch(members[i] + 2 * start + 2048 + ahead);
            }
            RAW(load_delta)(members[i] + 2 * start, b, size, d[i]);
        }
        size_t pair = 0;
        for (size_t i = 0; i < members_count; i++) {
            for (size_t j = i; j < members_count; j++) RAW(multiply)(d[i], d[j], lanes[pair++]);
        }
        if (start % (4 * RAW(chunk)) != 3 * RAW(chunk) && start + RAW(chunk) < count) continue;
        pair = 0;
        for (size_t i = 0; i < members_count; i++) {
            for (size_t j = i; j < members_count; j++) {
                const double sum = RAW(total)(lanes[pair++]);
                sums[i * members_count + j] += sum;
                if (j != i) sums[j * members_count + i] += sum;
            }
        }
    }
}

#include "merge_raw_selection_lanes.h"
#include "merge_raw_thinning_lanes.h"
#include "merge_raw_election_lanes.h"
#include "merge_raw_rounded_lanes.h"
