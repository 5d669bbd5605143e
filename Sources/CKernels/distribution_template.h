// Searches over one vector of logits, written once over the vector primitives.

/// The largest element; −∞ when there is none. A NaN never wins.
static float cv_max_element(const float *x, size_t count) {
    cv_f best[4];
    for (int j = 0; j < 4; j++) best[j] = cv_set1(-__builtin_inff());
    size_t i = 0;
    // cv_max keeps its second operand when either is NaN.
    for (; i + 4 * CV_LANES <= count; i += 4 * CV_LANES)
        for (int j = 0; j < 4; j++) best[j] = cv_max(cv_load(x + i + (size_t)(j * CV_LANES)), best[j]);
    float largest = cv_hmax(cv_max(cv_max(best[0], best[1]), cv_max(best[2], best[3])));
    for (; i < count; i++) largest = x[i] > largest ? x[i] : largest;
    return largest;
}

enum { CV_SPAN = 4096 };

static ptrdiff_t cv_argmax(const float *x, size_t count) {
    float best = -__builtin_inff();
    size_t best_start = count;
    for (size_t start = 0; start < count; start += CV_SPAN) {
        const size_t length = count - start < CV_SPAN ? count - start : CV_SPAN;
        const float largest = cv_max_element(x + start, length);
        if (largest > best) {
            best = largest;
            best_start = start;
        }
    }
    // All −∞ or NaN: the first −∞, if there is one.
    if (best_start == count) best_start = 0;
    for (size_t i = best_start; i < count; i++)
        if (x[i] == best) return (ptrdiff_t)i;
    return -1;
}

/// log Σ eˣ, and where the largest element is, as cv_argmax finds it, unless `largest_at` is null.
static double cv_log_sum_exp(const float *x, size_t count, ptrdiff_t *largest_at) {
    float peak = -__builtin_inff();
    size_t peak_start = 0;
    double total = 0;
    cv_f unordered = cv_zero();
    for (size_t start = 0; start < count; start += CV_SPAN) {
        const size_t length = count - start < CV_SPAN ? count - start : CV_SPAN;
        const float largest = cv_max_element(x + start, length);
        if (largest > peak) {
            total = total > 0 ? total * __builtin_exp((double)peak - (double)largest) : 0;
            peak = largest;
            peak_start = start;
        }
        // With the peak at ±∞ the differences are meaningless; only NaN still matters.
        const bool finite = peak - peak == 0;
        const cv_f shift = cv_set1(finite ? peak : 0);
        cv_f sums[CV_WIDE];
        for (int j = 0; j < CV_WIDE; j++) sums[j] = cv_zero();
        size_t i = 0;
        for (; i + 64 <= length; i += 64)
            for (int j = 0; j < CV_WIDE; j++) {
                const cv_f v = cv_load(x + start + i + (size_t)(j * CV_LANES));
                sums[j] = cv_add(sums[j], finite ? cv_exp_below(cv_sub(v, shift)) : cv_sub(v, v));
            }
        if (i < length) {
            float rest[64];
            for (size_t j = 0; j < 64; j++) rest[j] = i + j < length ? x[start + i + j] : -__builtin_inff();
            for (int j = 0; j < CV_WIDE; j++) {
                const cv_f v = cv_load(rest + j * CV_LANES);
                sums[j] = cv_add(sums[j], finite ? cv_exp_below(cv_sub(v, shift)) : cv_zero());
            }
        }
        (void)unordered;
        if (finite) total += (double)cv_tree_sum(sums, CV_WIDE);
    }
    if (largest_at) {
        *largest_at = -1;
        for (size_t i = peak_start; i < count && *largest_at < 0; i++)
            if (x[i] == peak) *largest_at = (ptrdiff_t)i;
    }
    for (size_t i = 0; i < count && peak - peak != 0; i++)
        if (x[i] != x[i]) return (double)x[i];
    if (peak - peak != 0) return (double)peak;
    return (double)peak + __builtin_log(total);
}

/// Appends to `found` the indices of all elements above the threshold in [start, count), until `room` are there;
/// returns where it stopped.
static size_t cv_collect_above(const float *x, size_t start, size_t count, float threshold, uint32_t *found,
                               size_t *filled, size_t room) {
    const cv_f t = cv_set1(threshold);
    size_t i = start;
    for (; i + CV_LANES <= count; i += CV_LANES) {
        if (*filled + CV_LANES > room) return i;
        for (uint32_t mask = cv_mask_gt(cv_load(x + i), t); mask; mask &= mask - 1)
            found[(*filled)++] = (uint32_t)(i + (size_t)__builtin_ctz(mask));
    }
    for (; i < count; i++) {
        if (*filled == room) return i;
        if (x[i] > threshold) found[(*filled)++] = (uint32_t)i;
    }
    return count;
}
