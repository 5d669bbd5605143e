// The bodies of the merge kernels, compiled once for every instruction set: MERGE(name) gives a function its name.
// Loops over elements are left to the compiler's vectoriser; sums run in eight accumulators in a fixed order.

static void MERGE(weighted)(const float *const *members, const double *weights, size_t members_count, size_t count,
                            float *out) {
    double sums[64];
    for (size_t start = 0; start < count; start += 64) {
        size_t size = count - start < 64 ? count - start : 64;
        for (size_t e = 0; e < 64; e++) sums[e] = 0;
        for (size_t i = 0; i < members_count; i++) {
            const float *x = members[i] + start;
            double weight = weights[i];
            for (size_t e = 0; e < size; e++) sums[e] += weight * (double)x[e];
        }
        for (size_t e = 0; e < size; e++) out[start + e] = (float)sums[e];
    }
}

static void MERGE(delta)(const float *x, const float *base, size_t count, float *out) {
    for (size_t e = 0; e < count; e++) out[e] = x[e] - base[e];
}

static void MERGE(add)(const float *base, const float *const *deltas, const double *weights, size_t deltas_count,
                       double factor, size_t count, float *out) {
    double sums[64];
    for (size_t start = 0; start < count; start += 64) {
        size_t size = count - start < 64 ? count - start : 64;
        for (size_t e = 0; e < 64; e++) sums[e] = 0;
        for (size_t i = 0; i < deltas_count; i++) {
            const float *d = deltas[i] + start;
            double weight = weights[i];
            for (size_t e = 0; e < size; e++) sums[e] += weight * (double)d[e];
        }
        for (size_t e = 0; e < size; e++) out[start + e] = (float)((double)base[start + e] + factor * sums[e]);
    }
}

static void MERGE(consensus)(const float *base, const float *const *deltas, const double *scales,
                             const double *weights, size_t deltas_count, collab_vote vote,
                             collab_combination combination, double factor,
                             size_t count, float *out) {
    double elected[64], sums[64], divisors[64];
    for (size_t start = 0; start < count; start += 64) {
        size_t size = count - start < 64 ? count - start : 64;
        for (size_t e = 0; e < 64; e++) elected[e] = sums[e] = divisors[e] = 0;
        for (size_t i = 0; i < deltas_count; i++) {
            const float *d = deltas[i] + start;
            double weight = scales[i] * (vote == COLLAB_VOTE_WEIGHTED ? weights[i] : 1);
            if (vote == COLLAB_VOTE_COUNT) {
                for (size_t e = 0; e < size; e++) elected[e] += (double)((d[e] > 0) - (d[e] < 0));
            } else {
                for (size_t e = 0; e < size; e++) elected[e] += weight * (double)d[e];
            }
        }
        for (size_t i = 0; i < deltas_count; i++) {
            const float *d = deltas[i] + start;
            double weight = scales[i] * weights[i];
            double share = combination == COLLAB_COMBINE_WEIGHTED_MEAN ? weights[i] : 1;
            // Where the vote is of the weighted deltas, so is the agreement: a negative weight turns its member round.
            double direction = vote == COLLAB_VOTE_WEIGHTED && weight < 0 ? -1 : 1;
            if (vote == COLLAB_VOTE_WEIGHTED && weight == 0) continue;
            for (size_t e = 0; e < size; e++) {
                double turned = direction * (double)d[e];
                bool agrees = elected[e] >= 0 ? turned > 0 : turned < 0;
                sums[e] += agrees ? weight * (double)d[e] : 0;
                divisors[e] += agrees ? share : 0;
            }
        }
        for (size_t e = 0; e < size; e++) {
            double divisor = combination == COLLAB_COMBINE_SUM || divisors[e] == 0 ? 1 : divisors[e];
            out[start + e] = (float)((double)base[start + e] + factor * (sums[e] / divisor));
        }
    }
}

static void MERGE(products)(const float *a, const float *b, size_t count, double *sums) {
    double ab[8] = {0}, aa[8] = {0}, bb[8] = {0};
    size_t e = 0;
    for (; e + 8 <= count; e += 8) {
        for (size_t lane = 0; lane < 8; lane++) {
            double x = (double)a[e + lane], y = (double)b[e + lane];
            ab[lane] += x * y;
            aa[lane] += x * x;
            bb[lane] += y * y;
        }
    }
    for (size_t lane = 0; e + lane < count; lane++) {
        double x = (double)a[e + lane], y = (double)b[e + lane];
        ab[lane] += x * y;
        aa[lane] += x * x;
        bb[lane] += y * y;
    }
    for (size_t lane = 0; lane < 8; lane++) {
        sums[0] += ab[lane];
        sums[1] += aa[lane];
        sums[2] += bb[lane];
    }
}

static double MERGE(l1)(const float *x, size_t count) {
    double lanes[8] = {0};
    size_t e = 0;
    for (; e + 8 <= count; e += 8) {
        for (size_t lane = 0; lane < 8; lane++) lanes[lane] += fabs((double)x[e + lane]);
    }
    for (size_t lane = 0; e + lane < count; lane++) lanes[lane] += fabs((double)x[e + lane]);
    double sum = 0;
    for (size_t lane = 0; lane < 8; lane++) sum += lanes[lane];
    return sum;
}

static ptrdiff_t MERGE(not_finite)(const float *x, size_t count) {
    for (size_t start = 0; start < count; start += 1024) {
        size_t end = count - start < 1024 ? count : start + 1024;
        uint32_t bad = 0;
        for (size_t e = start; e < end; e++) bad |= (merge_bits(x[e]) & 0x7fffffffu) >= 0x7f800000u;
        if (!bad) continue;
        for (size_t e = start; e < end; e++) {
            if ((merge_bits(x[e]) & 0x7fffffffu) >= 0x7f800000u) return (ptrdiff_t)e;
        }
    }
    return -1;
}

static void MERGE(trim)(float *x, size_t count, uint32_t bits, size_t cutoff) {
    for (size_t e = 0; e < count; e++) {
        uint32_t magnitude = merge_bits(x[e]) & 0x7fffffffu;
        bool keep = magnitude > bits || (magnitude == bits && e < cutoff);
        x[e] = keep ? x[e] : 0.0f;
    }
}

static size_t MERGE(gather)(const float *x, size_t count, uint32_t prefix, uint64_t first, uint64_t *places,
                            uint16_t *lower) {
    size_t found = 0;
    for (size_t start = 0; start < count; start += 16) {
        size_t size = count - start < 16 ? count - start : 16;
        uint32_t any = 0;
        for (size_t e = 0; e < size; e++) any |= ((merge_bits(x[start + e]) & 0x7fffffffu) >> 16) == prefix;
        if (!any) continue;
        for (size_t e = start; e < start + size; e++) {
            uint32_t magnitude = merge_bits(x[e]) & 0x7fffffffu;
            if (magnitude >> 16 != prefix) continue;
            places[found] = first + e;
            lower[found++] = (uint16_t)magnitude;
        }
    }
    return found;
}

static ptrdiff_t MERGE(find_equal)(const float *x, size_t count, uint32_t bits, uint64_t wanted, uint64_t *seen) {
    for (size_t start = 0; start < count; start += 256) {
        size_t end = count - start < 256 ? count : start + 256;
        uint32_t equal = 0;
        for (size_t e = start; e < end; e++) equal += (merge_bits(x[e]) & 0x7fffffffu) == bits;
        if (*seen + equal < wanted) {
            *seen += equal;
            continue;
        }
        for (size_t e = start; e < end; e++) {
            if ((merge_bits(x[e]) & 0x7fffffffu) == bits && ++*seen == wanted) return (ptrdiff_t)e;
        }
    }
    return -1;
}

static void MERGE(drop)(float *x, uint64_t first, size_t count, uint64_t key, uint32_t stream, uint32_t threshold) {
    // Groups of 128 elements take the halves of the four words of sixteen counters.
    uint64_t group = first / 128;
    size_t skip = (size_t)(first % 128);
    for (size_t done = 0; done < count; group++) {
        uint32_t words[4][16];
        uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
        for (uint32_t lane = 0; lane < 16; lane++) {
            uint64_t counter = group * 16 + lane;
            words[0][lane] = (uint32_t)counter;
            words[1][lane] = (uint32_t)(counter >> 32);
            words[2][lane] = stream;
            words[3][lane] = 0;
        }
        for (int round = 0; round < 10; round++) {
            for (size_t lane = 0; lane < 16; lane++) {
                uint64_t p0 = (uint64_t)0xD2511F53u * words[0][lane];
                uint64_t p1 = (uint64_t)0xCD9E8D57u * words[2][lane];
                uint32_t c1 = words[1][lane], c3 = words[3][lane];
                words[0][lane] = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
                words[1][lane] = (uint32_t)p1;
                words[2][lane] = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
                words[3][lane] = (uint32_t)p0;
            }
            k0 += 0x9E3779B9u;
            k1 += 0xBB67AE85u;
        }
        // Element 2 i has the lower half of word i and element 2 i + 1 the upper: the order of little-endian machines.
        uint16_t numbers[128];
        memcpy(numbers, words, sizeof numbers);
        size_t size = count - done < 128 - skip ? count - done : 128 - skip;
        for (size_t e = 0; e < size; e++) x[done + e] = numbers[skip + e] < threshold ? x[done + e] : 0.0f;
        done += size;
        skip = 0;
    }
}
