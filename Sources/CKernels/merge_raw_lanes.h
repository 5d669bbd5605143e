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

static inline void RAW(choose)(const float *x, uint16_t bits, float *out) {
    for (uint32_t lane = 0; lane < 16; lane++) out[lane] = bits & 1u << lane ? x[lane] : 0.0f;
}

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

static void RAW(gram)(const uint8_t *const *members, const uint8_t *base, size_t members_count, size_t count,
                      double *sums) {
    float b[RAW(chunk)], d[COLLAB_RAW_MEMBERS][RAW(chunk)];
    float lanes[COLLAB_RAW_MEMBERS * (COLLAB_RAW_MEMBERS + 1) / 2][16];
    for (size_t start = 0; start < count; start += RAW(chunk)) {
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

static uint64_t RAW(band)(const uint8_t *x, const uint8_t *base, size_t count, uint32_t low, uint32_t high,
                          collab_raw_band *band) {
    float b[RAW(chunk)], d[RAW(chunk)];
    uint64_t above = 0;
    uint32_t worst[16] = {0};
#if RAW_HAS_MASKS
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

static void RAW(sums)(const uint8_t *x, const uint8_t *base, size_t count, const uint64_t *kept, double *sums) {
    float b[RAW(chunk)], d[RAW(chunk)];
    for (size_t start = 0; start < count; start += RAW(chunk)) {
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

static void RAW(thin)(const collab_raw_thinning *thinning, uint64_t first, size_t start, float *d) {
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
            for (size_t e = 0; e < RAW(chunk); e += 16) {
                const uint64_t place = first + start + e;
                RAW(choose)(d + e, (uint16_t)(thinning->kept[place / 64] >> place % 64), d + e);
            }
            return;
    }
}

/// Sixteen elements of thinned task vectors, combined by election.
static inline void RAW(elect)(float (*d)[RAW(chunk)], const float *base, const double *scales, const double *weights,
                              size_t members_count, const collab_raw_rule *rule, size_t at, float *out) {
    double elected[16] = {0}, sums[16] = {0}, divisors[16] = {0};
    for (size_t i = 0; i < members_count; i++) {
        const float *x = d[i] + at;
        if (rule->vote == COLLAB_VOTE_COUNT) {
            for (size_t e = 0; e < 16; e++) elected[e] += (double)((x[e] > 0) - (x[e] < 0));
        } else {
            const double weight = scales[i] * (rule->vote == COLLAB_VOTE_WEIGHTED ? weights[i] : 1);
            for (size_t e = 0; e < 16; e++) elected[e] += weight * (double)x[e];
        }
    }
    for (size_t i = 0; i < members_count; i++) {
        const float *x = d[i] + at;
        const double weight = scales[i] * weights[i];
        const double share = rule->combination == COLLAB_COMBINE_WEIGHTED_MEAN ? weights[i] : 1;
        // Where the vote is of the weighted deltas, so is the agreement: a negative weight turns its member round.
        const double direction = rule->vote == COLLAB_VOTE_WEIGHTED && weight < 0 ? -1 : 1;
        if (rule->vote == COLLAB_VOTE_WEIGHTED && weight == 0) continue;
        for (size_t e = 0; e < 16; e++) {
            const double value = (double)x[e], turned = direction * value;
            const bool agrees = elected[e] >= 0 ? turned > 0 : turned < 0;
            sums[e] += agrees ? weight * value : 0;
            divisors[e] += agrees ? share : 0;
        }
    }
    if (rule->combination == COLLAB_COMBINE_SUM) {
        for (size_t e = 0; e < 16; e++) out[e] = (float)((double)base[e] + rule->factor * sums[e]);
    } else {
        for (size_t e = 0; e < 16; e++) {
            const double divisor = divisors[e] == 0 ? 1 : divisors[e];
            out[e] = (float)((double)base[e] + rule->factor * (sums[e] / divisor));
        }
    }
}

#if RAW_HAS_MASKS

/// What an election by weight needs, by member but for the last two.
typedef struct {
    double products[COLLAB_RAW_MEMBERS], shares[COLLAB_RAW_MEMBERS];
    /// From which magnitude on sixteen elements are kept, as bits.
    uint32_t limits[COLLAB_RAW_MEMBERS][16];
    double factor;
    bool divides;
} RAW(ballot);

/// Adds what of eight votes agrees with the elected sign, and its share.
static inline void RAW(agree)(__m512d vote, __m512i turn, __m512d share, __m512d *sum, __m512d *divisor) {
    // What votes against the elected sign is below 0 once turned by it.
    const __m512d turned = _mm512_castsi512_pd(_mm512_xor_si512(_mm512_castpd_si512(vote), turn));
    const __mmask8 agrees = _mm512_cmp_pd_mask(turned, _mm512_setzero_pd(), _CMP_GT_OQ);
    *sum = _mm512_mask_add_pd(*sum, agrees, *sum, vote);
    *divisor = _mm512_mask_add_pd(*divisor, agrees, *divisor, share);
}

/// Eight results.
__attribute__((always_inline)) static inline __m256
RAW(elected)(const __m512d *votes, size_t members_count, const RAW(ballot) *ballot, __m256 base) {
    const __m512d zero = _mm512_setzero_pd();
    __m512d elected = votes[0], sum = zero, divisor = zero;
#pragma clang loop unroll(full)
    for (size_t i = 1; i < members_count; i++) elected = _mm512_add_pd(elected, votes[i]);
    // The sign bits of what is below 0 or no number.
    const __m512i turn = _mm512_maskz_set1_epi64(_mm512_cmp_pd_mask(elected, zero, _CMP_NGE_UQ),
                                                 (long long)0x8000000000000000ull);
#pragma clang loop unroll(full)
    for (size_t i = 0; i < members_count; i++) {
        RAW(agree)(votes[i], turn, _mm512_set1_pd(ballot->shares[i]), &sum, &divisor);
    }
    if (ballot->divides) {
        const __mmask8 isZero = _mm512_cmp_pd_mask(divisor, zero, _CMP_EQ_OQ);
        sum = _mm512_div_pd(sum, _mm512_mask_blend_pd(isZero, divisor, _mm512_set1_pd(1)));
    }
    const __m512d change = _mm512_mul_pd(_mm512_set1_pd(ballot->factor), sum);
    return _mm512_cvtpd_ps(_mm512_add_pd(_mm512_cvtps_pd(base), change));
}

/// As `tasks` of whole sixteens, in an election by weight of so many members, whose elements are kept by the ballot's
/// limits or, if they are chosen, by bits. Everything stays in registers.
__attribute__((always_inline)) static inline void
RAW(elect_sixteens)(const uint8_t *const *members, const uint8_t *base, const uint64_t *const *kept,
                    size_t members_count, const RAW(ballot) *ballot, uint64_t first, size_t start, size_t end,
                    float *out) {
    for (size_t e = start; e < end; e += 16) {
        if (e % 32 == 0) {
#pragma clang loop unroll(full)
            for (size_t i = 0; i < members_count; i++) __builtin_prefetch(members[i] + 2 * e + 2048);
        }
        const __m512 b = RAW(sixteen)(base + 2 * e, _mm512_setzero_ps());
        __m512d low[4], high[4];
#pragma clang loop unroll(full)
        for (size_t i = 0; i < members_count; i++) {
            __m512 d = RAW(sixteen)(members[i] + 2 * e, b);
            if (kept) {
                uint16_t bits;
                memcpy(&bits, (const uint8_t *)kept[i] + (first + e) / 8, sizeof bits);
                d = _mm512_maskz_mov_ps(bits, d);
            } else {
                const __m512i magnitudes = _mm512_and_si512(_mm512_castps_si512(d), _mm512_set1_epi32(0x7fffffff));
                const __m512i limit = _mm512_loadu_si512(ballot->limits[i]);
                d = _mm512_maskz_mov_ps(_mm512_cmpge_epu32_mask(magnitudes, limit), d);
            }
            const __m512d product = _mm512_set1_pd(ballot->products[i]);
            low[i] = _mm512_mul_pd(product, _mm512_cvtps_pd(_mm512_castps512_ps256(d)));
            high[i] = _mm512_mul_pd(product, _mm512_cvtps_pd(_mm512_extractf32x8_ps(d, 1)));
        }
        const __m256 results[2] = {
            RAW(elected)(low, members_count, ballot, _mm512_castps512_ps256(b)),
            RAW(elected)(high, members_count, ballot, _mm512_extractf32x8_ps(b, 1)),
        };
        _mm256_storeu_ps(out + e, results[0]);
        _mm256_storeu_ps(out + e + 8, results[1]);
    }
}

/// Sets from which magnitude on a member's sixteen elements from a place on are kept; the number of elements for which
/// this stays the same.
static inline uint64_t RAW(limit)(const collab_raw_thinning *thinning, uint64_t place, uint32_t *limits) {
    const bool isCut = thinning->kind == COLLAB_RAW_MAGNITUDE;
    const uint32_t bits = isCut ? thinning->bits : thinning->kind == COLLAB_RAW_NONE ? UINT32_MAX : 0;
    // Of magnitudes equal to the cut, those up to the last that is kept.
    const uint64_t equal = !isCut ? UINT64_MAX : thinning->last < place ? 0 : thinning->last - place + 1;
    for (uint32_t lane = 0; lane < 16; lane++) limits[lane] = bits + (lane >= equal);
    return equal == 0 ? UINT64_MAX : equal < 16 ? 16 : equal & ~(uint64_t)15;
}

/// As `tasks`, in an election by weight of at most four members; the number of elements done, whole sixteens.
static size_t RAW(elect_few)(const uint8_t *const *members, const uint8_t *base, const collab_raw_thinning *thinnings,
                             const double *scales, const double *weights, size_t members_count,
                             const collab_raw_rule *rule, uint64_t first, size_t count, float *out) {
    RAW(ballot) ballot;
    const uint64_t *kept[4];
    size_t chosen = 0;
    ballot.factor = rule->factor;
    ballot.divides = rule->combination != COLLAB_COMBINE_SUM;
    for (size_t i = 0; i < members_count; i++) {
        ballot.products[i] = scales[i] * weights[i];
        ballot.shares[i] = rule->combination == COLLAB_COMBINE_WEIGHTED_MEAN ? weights[i] : 1;
        kept[i] = thinnings[i].kept;
        chosen += thinnings[i].kind == COLLAB_RAW_CHOSEN;
    }
    if (chosen != 0 && chosen != members_count) return 0;
    size_t start = 0;
    while (start + 16 <= count) {
        size_t end = count & ~(size_t)15;
        for (size_t i = 0; i < members_count && chosen == 0; i++) {
            const uint64_t same = RAW(limit)(thinnings + i, first + start, ballot.limits[i]);
            if (same < end - start) end = start + same;
        }
#define ELECT(number, bits) RAW(elect_sixteens)(members, base, bits, number, &ballot, first, start, end, out)
        // Loops over a number of members that the compiler knows go away.
        switch (2 * members_count + (chosen != 0)) {
            case 2: ELECT(1, 0); break;
            case 3: ELECT(1, kept); break;
            case 4: ELECT(2, 0); break;
            case 5: ELECT(2, kept); break;
            case 6: ELECT(3, 0); break;
            case 7: ELECT(3, kept); break;
            case 8: ELECT(4, 0); break;
            case 9: ELECT(4, kept); break;
        }
#undef ELECT
        start = end;
    }
    return start;
}

#endif

static void RAW(tasks)(const uint8_t *const *members, const uint8_t *base, const collab_raw_thinning *thinnings,
                       const double *scales, const double *weights, size_t members_count,
                       const collab_raw_rule *rule, uint64_t first, size_t count, float *out) {
    float b[RAW(chunk)], d[COLLAB_RAW_MEMBERS][RAW(chunk)], result[RAW(chunk)];
    size_t begin = 0;
#if RAW_HAS_MASKS
    if (rule->elects && rule->vote == COLLAB_VOTE_WEIGHTED && members_count <= 4) {
        begin = RAW(elect_few)(members, base, thinnings, scales, weights, members_count, rule, first, count, out);
    }
#endif
    for (size_t start = begin; start < count; start += RAW(chunk)) {
        const size_t size = count - start < RAW(chunk) ? count - start : RAW(chunk);
        for (size_t e = size; e < RAW(chunk); e++) b[e] = 0;
        RAW(load)(base + 2 * start, size, b);
        for (size_t i = 0; i < members_count; i++) {
            for (size_t e = size; e < RAW(chunk); e++) d[i][e] = 0;
            for (size_t ahead = 0; ahead < 2 * RAW(chunk); ahead += 64) {
                __builtin_prefetch(members[i] + 2 * start + 2048 + ahead);
            }
            RAW(load_delta)(members[i] + 2 * start, b, size, d[i]);
            RAW(thin)(thinnings + i, first, start, d[i]);
        }
        float *target = size == RAW(chunk) ? out + start : result;
        for (size_t e = 0; e < RAW(chunk); e += 16) {
            if (rule->elects) {
                RAW(elect)(d, b + e, scales, weights, members_count, rule, e, target + e);
                continue;
            }
            double sums[16] = {0};
            for (size_t i = 0; i < members_count; i++) {
                const double weight = scales[i] * weights[i];
                for (size_t lane = 0; lane < 16; lane++) sums[lane] += weight * (double)d[i][e + lane];
            }
            for (size_t lane = 0; lane < 16; lane++) {
                target[e + lane] = (float)((double)b[e + lane] + rule->factor * sums[lane]);
            }
        }
        if (target == result) memcpy(out + start, result, size * sizeof(float));
    }
}

#if RAW_HAS_MASKS

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

#endif

static void RAW(draw)(uint64_t first, size_t count, uint64_t key, uint32_t stream, uint32_t threshold, uint64_t *bits) {
    // Groups of 128 elements take the halves of the four words of sixteen counters; see collab_merge_drop.
#if RAW_HAS_MASKS
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
