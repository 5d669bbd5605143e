// Finding where task vectors are cut: counts and bands of magnitudes, samples, and the k-th largest. Part of
// merge_raw_lanes.h.

#if RAW_HAS_MASKS

/// Counts and notes magnitudes as `band` does, of whole sixteens; the number of elements done.
static inline size_t RAW(band_sixteens)(const uint8_t *x, const uint8_t *base, size_t count, uint32_t low,
                                        uint32_t high, collab_raw_band *band, uint64_t *above) {
    const __m512i lows = _mm512_set1_epi32((int)low), widths = _mm512_set1_epi32((int)(high - low));
    const __m512i highs = _mm512_set1_epi32((int)high), ones = _mm512_set1_epi32(1);
    __m512i more = _mm512_setzero_si512(), worst = _mm512_setzero_si512();
    size_t found = band->found, e = 0;
    for (; e + 16 <= count && found + 16 <= band->capacity; e += 16) {
        if (e % 32 == 0) __builtin_prefetch(x + 2 * e + 2048);
        const __m512 d = RAW(sixteen)(x + 2 * e, RAW(sixteen)(base + 2 * e, _mm512_setzero_ps()));
        const __m512i magnitudes = _mm512_and_si512(_mm512_castps_si512(d), _mm512_set1_epi32(0x7fffffff));
        worst = _mm512_max_epu32(worst, magnitudes);
        more = _mm512_mask_add_epi32(more, _mm512_cmpgt_epu32_mask(magnitudes, highs), more, ones);
        const __mmask16 within = _mm512_cmple_epu32_mask(_mm512_sub_epi32(magnitudes, lows), widths);
        _mm512_storeu_si512(band->bits + found, _mm512_maskz_compress_epi32(within, magnitudes));
        found += (size_t)__builtin_popcount(within);
    }
    if (e + 16 <= count) band->overflow = true;
    band->found = found;
    const uint32_t largest = _mm512_reduce_max_epu32(worst);
    band->worst = largest > band->worst ? largest : band->worst;
    *above += (uint32_t)_mm512_reduce_add_epi32(more);
    return e;
}

/// Notes which of sixteen magnitudes lie between the bounds.
static inline void RAW(note)(const float *d, size_t size, uint32_t low, uint32_t high, collab_raw_band *band) {
    const __m512i magnitudes = _mm512_and_si512(_mm512_loadu_si512(d), _mm512_set1_epi32(0x7fffffff));
    const __m512i above = _mm512_sub_epi32(magnitudes, _mm512_set1_epi32((int)low));
    __mmask16 within = _mm512_cmple_epu32_mask(above, _mm512_set1_epi32((int)(high - low)));
    if (size < 16) within &= (__mmask16)((1u << size) - 1);
    if (!within) return;
    if (band->found + 16 > band->capacity) {
        band->overflow = true;
        return;
    }
    _mm512_storeu_si512(band->bits + band->found, _mm512_maskz_compress_epi32(within, magnitudes));
    band->found += (size_t)__builtin_popcount(within);
}

#else

#if RAW_HAS_EIGHTS
#include "merge_raw_selection_eights.h"
#endif

static inline void RAW(note)(const float *d, size_t size, uint32_t low, uint32_t high, collab_raw_band *band) {
    uint32_t any = 0;
    for (size_t lane = 0; lane < 16; lane++) any |= (merge_bits(d[lane]) & 0x7fffffffu) - low <= high - low;
    if (!any) return;
    size_t found = band->found;
    if (found + 16 > band->capacity) {
        band->overflow = true;
        return;
    }
    for (size_t lane = 0; lane < 16 && lane < size; lane++) {
        const uint32_t magnitude = merge_bits(d[lane]) & 0x7fffffffu;
        band->bits[found] = magnitude;
        found += magnitude - low <= high - low;
    }
    band->found = found;
}

#endif

static uint64_t RAW(band)(const uint8_t *x, const uint8_t *base, size_t count, uint32_t low, uint32_t high,
                          collab_raw_band *band) {
    float b[RAW(chunk)], d[RAW(chunk)];
    uint64_t above = 0;
    uint32_t worst[16] = {0};
#if RAW_HAS_MASKS || RAW_HAS_EIGHTS
    size_t start = RAW(band_sixteens)(x, base, count, low, high, band, &above);
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
        uint32_t more[16] = {0};
        for (size_t e = 0; e < RAW(chunk); e += 16) {
            for (size_t lane = 0; lane < 16; lane++) {
                const uint32_t magnitude = merge_bits(d[e + lane]) & 0x7fffffffu;
                more[lane] += magnitude > high;
                worst[lane] = magnitude > worst[lane] ? magnitude : worst[lane];
            }
        }
        for (size_t lane = 0; lane < 16; lane++) above += more[lane];
        for (size_t e = 0; e < RAW(chunk) && e < size; e += 16) {
            RAW(note)(d + e, size - e, low, high, band);
        }
    }
    for (size_t lane = 0; lane < 16; lane++) band->worst = worst[lane] > band->worst ? worst[lane] : band->worst;
    return above;
}

static void RAW(magnitudes)(const uint8_t *x, const uint8_t *base, size_t count, uint32_t *out) {
    for (size_t e = 0; e < count; e++) {
        float b, d;
        RAW(load)(base + 2 * e, 1, &b);
        RAW(load_delta)(x + 2 * e, &b, 1, &d);
        out[e] = merge_bits(d) & 0x7fffffffu;
    }
}

/// Where a run of the sample begins: spread evenly, at whole runs.
static inline uint64_t RAW(run_start)(size_t run, size_t runs, uint64_t total) {
    const uint64_t start = (uint64_t)((double)run / (double)runs * (double)total) & ~(uint64_t)(COLLAB_RAW_RUN - 1);
    return start + COLLAB_RAW_RUN <= total ? start : total - COLLAB_RAW_RUN;
}

static void RAW(sample)(const uint8_t *x, const uint8_t *base, uint64_t total, size_t runs, uint32_t *out) {
    enum { AHEAD = 12 };
    float b[COLLAB_RAW_RUN], d[COLLAB_RAW_RUN];
    for (size_t run = 0; run < runs; run++) {
        // Runs lie far apart, so that nothing but this asks for them in advance.
        const uint64_t ahead = 2 * RAW(run_start)(run + AHEAD < runs ? run + AHEAD : run, runs, total);
        __builtin_prefetch(x + ahead);
        __builtin_prefetch(base + ahead);
        __builtin_prefetch(x + ahead + 63);
        __builtin_prefetch(base + ahead + 63);
        const uint64_t start = 2 * RAW(run_start)(run, runs, total);
        RAW(load)(base + start, COLLAB_RAW_RUN, b);
        RAW(load_delta)(x + start, b, COLLAB_RAW_RUN, d);
        for (size_t e = 0; e < COLLAB_RAW_RUN; e++) *out++ = merge_bits(d[e]) & 0x7fffffffu;
    }
}

static uint32_t RAW(select)(const uint32_t *x, uint32_t count, uint32_t low, uint32_t high, size_t rank,
                            size_t *equal) {
    // Halving the range takes up to 31 passes, each of which is so much faster than counting in buckets that it wins.
    size_t above = 0;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        uint32_t more = 0;
        for (uint32_t i = 0; i < count; i++) more += x[i] > middle;
        if (more >= rank) {
            low = middle + 1;
        } else {
            high = middle;
            above = more;
        }
    }
    *equal = rank - above;
    return low;
}
