// The bodies of the merge kernels that read bfloat16, compiled once for every instruction set: RAW(name) gives a function
// its name. Elements are taken in chunks that stay in registers and the nearest cache; loops are left to the compiler's
// vectoriser, and sums run in a fixed order, so that all instruction sets give the same bits.

enum { RAW(chunk) = 128 };

#if RAW_HAS_MASKS

/// Notes which of sixteen magnitudes lie between the bounds.
static inline void RAW(note)(const float *d, size_t size, uint32_t low, uint32_t high, uint64_t place,
                             collab_raw_band *band) {
    const __m512i magnitudes = _mm512_and_si512(_mm512_loadu_si512(d), _mm512_set1_epi32(0x7fffffff));
    const __m512i above = _mm512_sub_epi32(magnitudes, _mm512_set1_epi32((int)low));
    __mmask16 within = _mm512_cmple_epu32_mask(above, _mm512_set1_epi32((int)(high - low)));
    if (size < 16) within &= (__mmask16)((1u << size) - 1);
    if (!within) return;
    if (band->found + 16 > band->capacity) {
        band->overflow = true;
        return;
    }
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    const __m512i places = _mm512_add_epi32(lanes, _mm512_set1_epi32((int)(uint32_t)place));
    _mm512_storeu_si512(band->bits + band->found, _mm512_maskz_compress_epi32(within, magnitudes));
    _mm512_storeu_si512(band->places + band->found, _mm512_maskz_compress_epi32(within, places));
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

static inline void RAW(note)(const float *d, size_t size, uint32_t low, uint32_t high, uint64_t place,
                             collab_raw_band *band) {
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
        band->places[found] = (uint32_t)(place + lane);
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
                          uint64_t first, collab_raw_band *band) {
    float b[RAW(chunk)], d[RAW(chunk)];
    uint64_t above = 0;
    uint32_t worst[16] = {0};
    for (size_t start = 0; start < count; start += RAW(chunk)) {
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
            RAW(note)(d + e, size - e, low, high, first + start + e, band);
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

static void RAW(tasks)(const uint8_t *const *members, const uint8_t *base, const collab_raw_thinning *thinnings,
                       const double *scales, const double *weights, size_t members_count,
                       const collab_raw_rule *rule, uint64_t first, size_t count, float *out) {
    float b[RAW(chunk)], d[COLLAB_RAW_MEMBERS][RAW(chunk)], result[RAW(chunk)];
    for (size_t start = 0; start < count; start += RAW(chunk)) {
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

static void RAW(draw)(uint64_t first, size_t count, uint64_t key, uint32_t stream, uint32_t threshold, uint64_t *bits) {
    // Groups of 128 elements take the halves of the four words of sixteen counters; see collab_merge_drop.
    for (size_t done = 0; done < count; done += 128) {
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
