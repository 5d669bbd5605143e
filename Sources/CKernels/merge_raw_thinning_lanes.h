// Which elements of task vectors are kept: by chance, by magnitude or by bits, and the sums of what is. Part of
// merge_raw_lanes.h.

#if RAW_HAS_MASKS

/// Those of sixteen numbers whose bits are set, and 0 for the others.
static inline void RAW(choose)(const float *x, uint16_t bits, float *out) {
    _mm512_storeu_ps(out, _mm512_maskz_loadu_ps(bits, x));
}

/// A bit for each of 64 numbers that is below the threshold.
static inline uint64_t RAW(below)(const uint16_t *x, uint32_t threshold) {
    if (threshold > 0xffff) return ~(uint64_t)0;
    const __m512i limit = _mm512_set1_epi16((short)threshold);
    const uint64_t low = _mm512_cmplt_epu16_mask(_mm512_loadu_si512(x), limit);
    const uint64_t high = _mm512_cmplt_epu16_mask(_mm512_loadu_si512(x + 32), limit);
    return low | high << 32;
}

#else

#if RAW_HAS_EIGHTS

#include "merge_raw_sums_eights.h"

/// Those of sixteen numbers whose bits are set, and 0 for the others.
static inline void RAW(choose)(const float *x, uint16_t bits, float *out) {
    _mm256_storeu_ps(out, _mm256_and_ps(_mm256_loadu_ps(x), RAW(lanes_of)((uint8_t)bits)));
    _mm256_storeu_ps(out + 8, _mm256_and_ps(_mm256_loadu_ps(x + 8), RAW(lanes_of)((uint8_t)(bits >> 8))));
}

#else

static inline void RAW(choose)(const float *x, uint16_t bits, float *out) {
    for (uint32_t lane = 0; lane < 16; lane++) out[lane] = bits & 1u << lane ? x[lane] : 0.0f;
}

#endif

static inline uint64_t RAW(below)(const uint16_t *x, uint32_t threshold) {
    uint8_t flags[64];
    for (size_t e = 0; e < 64; e++) flags[e] = x[e] < threshold;
    uint64_t bits = 0;
    for (size_t byte = 0; byte < 8; byte++) {
        // Eight flags of 0 or 1 become the bits of a byte.
        uint64_t eight;
        memcpy(&eight, flags + 8 * byte, 8);
        bits |= eight * 0x0102040810204080u >> 56 << 8 * byte;
    }
    return bits;
}

#endif

static void RAW(sums)(const uint8_t *x, const uint8_t *base, size_t count, const uint64_t *kept, double *sums) {
    float b[RAW(chunk)], d[RAW(chunk)];
#if RAW_HAS_EIGHTS
    size_t start = RAW(sum_chunks)(x, base, count, kept, sums);
#else
    size_t start = 0;
#endif
    for (; start < count; start += RAW(chunk)) {
        const size_t size = count - start < RAW(chunk) ? count - start : RAW(chunk);
        for (size_t e = size; e < RAW(chunk); e++) d[e] = 0;
        for (size_t ahead = 0; ahead < 2 * RAW(chunk); ahead += 64) {
            __builtin_prefetch(x + 2 * start + 2048 + ahead);
        }
        RAW(load)(base + 2 * start, size, b);
        RAW(load_delta)(x + 2 * start, b, size, d);
        float all[16] = {0}, left[16] = {0};
        for (size_t e = 0; e < RAW(chunk); e += 16) {
            float magnitudes[16], chosen[16];
            for (size_t lane = 0; lane < 16; lane++) {
                magnitudes[lane] = __builtin_fabsf(d[e + lane]);
                all[lane] += magnitudes[lane];
            }
            RAW(choose)(magnitudes, (uint16_t)(kept[(start + e) / 64] >> (start + e) % 64), chosen);
            for (size_t lane = 0; lane < 16; lane++) left[lane] += chosen[lane];
        }
        sums[0] += RAW(total)(all);
        sums[1] += RAW(total)(left);
    }
}

/// Of a chunk of which `size` elements are there; those behind them are 0.
static void RAW(thin)(const collab_raw_thinning *thinning, uint64_t first, size_t start, size_t size, float *d) {
    switch (thinning->kind) {
        case COLLAB_RAW_ALL: return;
        case COLLAB_RAW_NONE:
            for (size_t e = 0; e < RAW(chunk); e++) d[e] = 0;
            return;
        case COLLAB_RAW_MAGNITUDE: {
            const uint32_t bits = thinning->bits;
            // Of magnitudes equal to the cut, those up to the last that is kept.
            const uint64_t here = first + start;
            const uint32_t kept = thinning->last < here ? 0
                                  : thinning->last - here >= RAW(chunk) ? RAW(chunk)
                                                                        : (uint32_t)(thinning->last - here) + 1;
            for (uint32_t e = 0; e < RAW(chunk); e++) {
                const uint32_t magnitude = merge_bits(d[e]) & 0x7fffffffu;
                const uint32_t limit = bits + (e >= kept);
                d[e] = magnitude >= limit ? d[e] : 0.0f;
            }
            return;
        }
        case COLLAB_RAW_CHOSEN:
            // No further: what has been elected before may end between chunks, and the bits end with one.
            for (size_t e = 0; e < size; e += 16) {
                const uint64_t place = first + start + e;
                RAW(choose)(d + e, (uint16_t)(thinning->kept[place / 64] >> place % 64), d + e);
            }
            return;
    }
}

#if RAW_HAS_MASKS
#include "merge_raw_draw_masks.h"
#elif RAW_HAS_EIGHTS
#include "merge_raw_draw_eights.h"
#endif

static void RAW(draw)(uint64_t first, size_t count, uint64_t key, uint32_t stream, uint32_t threshold, uint64_t *bits) {
    // Groups of 128 elements take the halves of the four words of sixteen counters; see collab_merge_drop.
#if RAW_HAS_MASKS || RAW_HAS_EIGHTS
    size_t done = RAW(draw_groups)(first, count, key, stream, threshold, bits);
#else
    size_t done = 0;
#endif
    for (; done < count; done += 128) {
        const uint64_t group = (first + done) / 128;
        uint32_t words[4][16];
        uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
        for (uint32_t lane = 0; lane < 16; lane++) {
            const uint64_t counter = group * 16 + lane;
            words[0][lane] = (uint32_t)counter;
            words[1][lane] = (uint32_t)(counter >> 32);
            words[2][lane] = stream;
            words[3][lane] = 0;
        }
        for (int round = 0; round < 10; round++) {
            for (size_t lane = 0; lane < 16; lane++) {
                const uint64_t p0 = (uint64_t)0xD2511F53u * words[0][lane];
                const uint64_t p1 = (uint64_t)0xCD9E8D57u * words[2][lane];
                const uint32_t c1 = words[1][lane], c3 = words[3][lane];
                words[0][lane] = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
                words[1][lane] = (uint32_t)p1;
                words[2][lane] = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
                words[3][lane] = (uint32_t)p0;
            }
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
        uint16_t numbers[128];
        memcpy(numbers, words, sizeof numbers);
        for (size_t half = 0; half < 2; half++) {
            if (done + 64 * half < count) bits[(done + 64 * half) / 64] = RAW(below)(numbers + 64 * half, threshold);
        }
    }
}
