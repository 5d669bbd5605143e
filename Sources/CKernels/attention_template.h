// Attention over a paged cache, written once over the vector primitives.
//
// The query heads of a key-value head (and the queries of a prompt) are rows that share each pass over its keys and
// values. A row goes through the pages in order with a running maximum, so its result depends on its own range only.

#include "attention_layout.h"

enum {
    /// Vectors of 64 positions or dimensions that one pass keeps in registers.
    CV_PASS = 4,
    CV_PASS_WIDTH = CV_PASS * CV_LANES,
};

CV_INLINE cv_f cv_load_cache(const void *base, const size_t index, const collab_kv_format format) {
    if (format == COLLAB_KV_BYTE) return cv_load_s8((const int8_t *)base + index);
    if (format == COLLAB_KV_SINGLE) return cv_load((const float *)base + index);
    return cv_load_f16((const uint16_t *)base + index);
}

/// Bytes of an element as far as memory is asked for ahead.
CV_INLINE int cv_ahead_element(const collab_kv_format format) { return format == COLLAB_KV_BYTE ? 1 : 2; }

/// Asks for a pass's worth of memory that is needed soon: a page's values while its keys are read, and so on.
CV_INLINE void cv_prefetch_cache(const char *ahead, const int step, const collab_kv_format format) {
    if (!ahead) return;
    const int bytes = cv_ahead_element(format) * CV_PASS_WIDTH;
    for (int line = 0; line < bytes; line += 64) __builtin_prefetch(ahead + step * bytes + line);
}

/// scores[r][p] = Σ_d queries[r][d] keys[d][p] for `rows` rows and the positions [first, first + CV_PASS_WIDTH),
/// times the positions' factors if keys are bytes.
CV_INLINE void cv_scores(const void *keys, const float *factors, const collab_kv_format format, const int dimension, const float *queries,
                         const int query_stride, float *scores, const int first, const int rows,
                         const char *ahead) {
    cv_f acc[CV_ROWS][CV_PASS];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
        for (int j = 0; j < CV_PASS; j++) acc[r][j] = cv_zero();
    for (int d = 0; d < dimension; d++) {
        cv_prefetch_cache(ahead, d, format);
        cv_f k[CV_PASS];
#pragma clang loop unroll(full)
        for (int j = 0; j < CV_PASS; j++) {
            const int position = first + j * CV_LANES;
            k[j] = cv_load_cache(keys, (size_t)(position / 16 * 16 * dimension + d * 16 + position % 16), format);
        }
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            const cv_f q = cv_bcast(queries + r * query_stride + d);
#pragma clang loop unroll(full)
            for (int j = 0; j < CV_PASS; j++) acc[r][j] = cv_fma(q, k[j], acc[r][j]);
        }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
        for (int j = 0; j < CV_PASS; j++) {
            const int position = first + j * CV_LANES;
            if (format == COLLAB_KV_BYTE) acc[r][j] = cv_mul(acc[r][j], cv_load(factors + position));
            cv_store(scores + r * COLLAB_PAGE_POSITIONS + position, acc[r][j]);
        }
}

/// sums[r][d] += Σ_p weights[r][p] values[p][d] for p in [low, high) and the dimensions of `vectors` vectors.
CV_INLINE void cv_values(const void *values, const collab_kv_format format, const int padded, const float *weights,
                         const int low, const int high, float *sums, const int rows, const int vectors,
                         const char *ahead) {
    cv_f acc[CV_ROWS][CV_PASS];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
        for (int j = 0; j < vectors; j++) acc[r][j] = cv_load(sums + r * padded + j * CV_LANES);
    for (int p = low; p < high; p++) {
        cv_prefetch_cache(ahead, p, format);
        cv_f v[CV_PASS];
#pragma clang loop unroll(full)
        for (int j = 0; j < vectors; j++)
            v[j] = cv_load_cache(values, (size_t)(p * padded + j * CV_LANES), format);
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            const cv_f w = cv_bcast(weights + r * COLLAB_PAGE_POSITIONS + p);
#pragma clang loop unroll(full)
            for (int j = 0; j < vectors; j++) acc[r][j] = cv_fma(w, v[j], acc[r][j]);
        }
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
        for (int j = 0; j < vectors; j++) cv_store(sums + r * padded + j * CV_LANES, acc[r][j]);
}

/// Softmax weights of one row over one page, and the factor by which earlier sums shrink.
CV_INLINE float cv_weights(float *scores, const int low, const int high, const float softcap, float *maximum,
                           float *total) {
    if (softcap > 0) cv_map_softcap(softcap, scores, COLLAB_PAGE_POSITIONS, scores);
    for (int p = 0; p < low; p++) scores[p] = -__builtin_inff();
    for (int p = high; p < COLLAB_PAGE_POSITIONS; p++) scores[p] = -__builtin_inff();
    cv_f v[CV_WIDE];
    cv_f largest = cv_set1(*maximum);
    for (int j = 0; j < CV_WIDE; j++) {
        v[j] = cv_load(scores + j * CV_LANES);
        largest = cv_max(largest, v[j]);
    }
    const float peak = cv_hmax(largest);
    // Every score −∞ so far: nothing to weigh yet.
    if (peak == -__builtin_inff()) {
        for (int p = 0; p < COLLAB_PAGE_POSITIONS; p++) scores[p] = 0;
        return 1;
    }
    float shrink = 1;
    if (peak != *maximum) {
        float lanes[CV_LANES];
        cv_store(lanes, cv_exp(cv_set1(*maximum - peak)));
        shrink = lanes[0];
    }
    const cv_f p = cv_set1(peak);
    for (int j = 0; j < CV_WIDE; j++) {
        v[j] = cv_exp(cv_sub(v[j], p));
        cv_store(scores + j * CV_LANES, v[j]);
    }
    *total = *total * shrink + cv_tree_sum(v, CV_WIDE);
    *maximum = peak;
    return shrink;
}

// Runs CALL with ROWS a constant.
#if CV_ROWS == 1
#define CV_CASE_ROWS(rows, CALL)                                                                                   \
    {                                                                                                              \
        enum { ROWS = 1 };                                                                                         \
        CALL;                                                                                                      \
    }
#elif CV_ROWS == 3
#define CV_CASE_ROWS(rows, CALL)                                                                                   \
    switch (rows) {                                                                                                \
        case 1: { enum { ROWS = 1 }; CALL; break; }                                                                \
        case 2: { enum { ROWS = 2 }; CALL; break; }                                                                \
        default: { enum { ROWS = 3 }; CALL; break; }                                                               \
    }
#else
#define CV_CASE_ROWS(rows, CALL)                                                                                   \
    switch (rows) {                                                                                                \
        case 1: { enum { ROWS = 1 }; CALL; break; }                                                                \
        case 2: { enum { ROWS = 2 }; CALL; break; }                                                                \
        case 3: { enum { ROWS = 3 }; CALL; break; }                                                                \
        case 4: { enum { ROWS = 4 }; CALL; break; }                                                                \
        case 5: { enum { ROWS = 5 }; CALL; break; }                                                                \
        default: { enum { ROWS = 6 }; CALL; break; }                                                               \
    }
#endif

CV_INLINE void cv_attend_rows(const collab_kv_format format, const collab_kv_shape shape, const collab_attention *call,
                              const int first_head, const int heads, const int first_row, const int rows) {
    // The query heads first_head… share one key-value head; row r is head r mod heads of token r / heads.
    const int head = first_head / (call->query_heads / shape.kv_heads);
    const int dimension = shape.head_dimension, padded = collab_kv_padded(shape);
    const size_t element = format == COLLAB_KV_SINGLE ? 4 : format == COLLAB_KV_HALF ? 2 : 1;
    float queries[COLLAB_ATTENTION_SCRATCH], sums[COLLAB_ATTENTION_SCRATCH];
    float scores[COLLAB_ATTENTION_ROWS * COLLAB_PAGE_POSITIONS];
    float maxima[COLLAB_ATTENTION_ROWS], totals[COLLAB_ATTENTION_ROWS];
    int32_t starts[COLLAB_ATTENTION_ROWS], ends[COLLAB_ATTENTION_ROWS];
    int32_t lowest = INT32_MAX, highest = 0;
    for (int r = 0; r < rows; r++) {
        const int token = (first_row + r) / heads, query_head = first_head + (first_row + r) % heads;
        const float *q = call->queries + (size_t)token * call->query_stride + (size_t)(query_head * dimension);
        for (int d = 0; d < dimension; d++) queries[r * padded + d] = q[d] * call->scale;
        for (int d = 0; d < padded; d++) sums[r * padded + d] = 0;
        maxima[r] = -__builtin_inff();
        totals[r] = 0;
        starts[r] = call->starts[token] > 0 ? call->starts[token] : 0;
        ends[r] = call->ends[token];
        if (starts[r] >= ends[r]) continue;
        lowest = starts[r] < lowest ? starts[r] : lowest;
        highest = ends[r] > highest ? ends[r] : highest;
    }
    for (int32_t base = lowest / COLLAB_PAGE_POSITIONS * COLLAB_PAGE_POSITIONS; base < highest;
         base += COLLAB_PAGE_POSITIONS) {
        const char *page = (const char *)call->pages[base / COLLAB_PAGE_POSITIONS];
        const void *keys = page + collab_kv_keys(shape, head), *values = page + collab_kv_values(shape, head);
        const float *factors = (const float *)(page + collab_kv_factors(shape, head));
        // What is read after this page: its head's next, or the next head's first.
        const char *after = 0;
        if (base + COLLAB_PAGE_POSITIONS < highest)
            after = (const char *)call->pages[base / COLLAB_PAGE_POSITIONS + 1] + collab_kv_keys(shape, head);
        else if (head + 1 < shape.kv_heads)
            after = (const char *)call->pages[lowest / COLLAB_PAGE_POSITIONS] + collab_kv_keys(shape, head + 1);
        for (int r = 0; r < rows; r += CV_ROWS) {
            const int count = rows - r < CV_ROWS ? rows - r : CV_ROWS;
            int low = COLLAB_PAGE_POSITIONS, high = 0;
            for (int i = r; i < r + count; i++) {
                const int from = starts[i] > base ? starts[i] - base : 0;
                const int to = ends[i] < base + COLLAB_PAGE_POSITIONS ? ends[i] - base : COLLAB_PAGE_POSITIONS;
                if (from >= to) continue;
                low = from < low ? from : low;
                high = to > high ? to : high;
            }
            if (low >= high) continue;
            float *row_scores = scores + r * COLLAB_PAGE_POSITIONS;
            for (int first = 0; first < COLLAB_PAGE_POSITIONS; first += CV_PASS_WIDTH) {
                if (first >= high || first + CV_PASS_WIDTH <= low) continue;
                const char *ahead = r > 0 ? 0 : (const char *)values + (size_t)(first * padded * cv_ahead_element(format));
                CV_CASE_ROWS(count, cv_scores(keys, factors, format, dimension, queries + r * padded, padded,
                                              row_scores, first, ROWS, ahead))
            }
            for (int i = r; i < r + count; i++) {
                int from = starts[i] > base ? starts[i] - base : 0;
                int to = ends[i] < base + COLLAB_PAGE_POSITIONS ? ends[i] - base : COLLAB_PAGE_POSITIONS;
                if (from > COLLAB_PAGE_POSITIONS) from = COLLAB_PAGE_POSITIONS;
                if (to < from) to = from;
                const float shrink = cv_weights(scores + i * COLLAB_PAGE_POSITIONS, from, to, call->softcap,
                                                maxima + i, totals + i);
                // The totals are of the weights alone; from here on they carry the values' factors.
                if (format == COLLAB_KV_BYTE) {
                    float *weights = scores + i * COLLAB_PAGE_POSITIONS;
                    for (int p = 0; p < COLLAB_PAGE_POSITIONS; p += CV_LANES)
                        cv_store(weights + p, cv_mul(cv_load(weights + p),
                                                     cv_load(factors + COLLAB_PAGE_POSITIONS + p)));
                }
                if (shrink != 1)
                    for (int d = 0; d < padded; d += CV_LANES)
                        cv_store(sums + i * padded + d, cv_mul(cv_load(sums + i * padded + d), cv_set1(shrink)));
            }
            int d = 0;
            for (; d + CV_PASS_WIDTH <= padded; d += CV_PASS_WIDTH) {
                const char *column = (const char *)values + (size_t)d * element;
                const char *ahead = r > 0 || !after ? 0 : after + (size_t)(d * COLLAB_PAGE_POSITIONS *
                                                                           cv_ahead_element(format));
                CV_CASE_ROWS(count, cv_values(column, format, padded, row_scores, low, high, sums + r * padded + d,
                                              ROWS, CV_PASS, ahead))
            }
            for (; d < padded; d += CV_LANES) {
                const char *column = (const char *)values + (size_t)d * element;
                CV_CASE_ROWS(count, cv_values(column, format, padded, row_scores, low, high, sums + r * padded + d,
                                              ROWS, 1, 0))
            }
        }
    }
    for (int r = 0; r < rows; r++) {
        const int token = (first_row + r) / heads, query_head = first_head + (first_row + r) % heads;
        float *out = call->output + (size_t)token * call->output_stride + (size_t)(query_head * dimension);
        // NaN totals fail the comparison and pass the NaN on.
        const float inverse = totals[r] == 0 ? 0 : 1 / totals[r];
        for (int d = 0; d < dimension; d++) out[d] = sums[r * padded + d] * inverse;
    }
}

static void cv_attend(collab_kv_shape shape, const collab_attention *call, int first_head, int end_head) {
    const int group = call->query_heads / shape.kv_heads;
    int most = COLLAB_ATTENTION_SCRATCH / collab_kv_padded(shape);
    if (most > COLLAB_ATTENTION_ROWS) most = COLLAB_ATTENTION_ROWS;
    for (int head = first_head; head < end_head;) {
        const int group_end = (head / group + 1) * group, end = group_end < end_head ? group_end : end_head;
        const int rows = call->tokens * (end - head);
        for (int row = 0; row < rows; row += most) {
            const int count = rows - row < most ? rows - row : most;
            switch (shape.format) {
                case COLLAB_KV_SINGLE:
                    cv_attend_rows(COLLAB_KV_SINGLE, shape, call, head, end - head, row, count);
                    break;
                case COLLAB_KV_BYTE: cv_attend_rows(COLLAB_KV_BYTE, shape, call, head, end - head, row, count); break;
                default: cv_attend_rows(COLLAB_KV_HALF, shape, call, head, end - head, row, count);
            }
        }
        head = end;
    }
}
