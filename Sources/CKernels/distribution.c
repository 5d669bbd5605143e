// Searches over one vector of logits.
#include "kernels.h"

float collab_max(collab_level level, const float *x, size_t count) {
    return collab_kernels_of(level)->max(x, count);
}

ptrdiff_t collab_argmax(collab_level level, const float *x, size_t count) {
    return collab_kernels_of(level)->argmax(x, count);
}

double collab_log_sum_exp(collab_level level, const float *x, size_t count) {
    return collab_kernels_of(level)->log_sum_exp(x, count, 0);
}

double collab_log_sum_exp_argmax(collab_level level, const float *x, size_t count, ptrdiff_t *largest_at) {
    return collab_kernels_of(level)->log_sum_exp(x, count, largest_at);
}

size_t collab_collect_above(collab_level level, const float *x, size_t count, float threshold, uint32_t *indices) {
    size_t filled = 0;
    collab_kernels_of(level)->collect_above(x, 0, count, threshold, indices, &filled,
                                            count + COLLAB_COLLECT_MARGIN);
    return filled;
}

/// Whether element a comes before element b: larger first, then the lower index.
static bool before(const float *x, uint32_t a, uint32_t b) { return x[a] > x[b] || (x[a] == x[b] && a < b); }

/// Moves the heap's element at `hole` down; the element that comes last is at the top.
static void sift(const float *x, uint32_t *heap, size_t count, size_t hole) {
    const uint32_t moving = heap[hole];
    for (size_t child = 2 * hole + 1; child < count; child = 2 * hole + 1) {
        if (child + 1 < count && before(x, heap[child], heap[child + 1])) child++;
        if (!before(x, moving, heap[child])) break;
        heap[hole] = heap[child];
        hole = child;
    }
    heap[hole] = moving;
}

size_t collab_top_k(collab_level level, const float *x, size_t count, size_t k, uint32_t *indices, float *values) {
    const collab_kernels *kernels = collab_kernels_of(level);
    size_t filled = 0, next = 0;
    for (; next < count && filled < k; next++)
        if (x[next] == x[next]) indices[filled++] = (uint32_t)next;
    for (size_t i = filled / 2; i-- > 0;) sift(x, indices, filled, i);
    // The rest passes only when it beats the worst so far. What comes later loses ties.
    while (next < count && filled == k && k > 0) {
        uint32_t found[256];
        size_t some = 0;
        const float threshold = x[indices[0]];
        next = kernels->collect_above(x, next, count, threshold, found, &some, sizeof found / sizeof *found);
        for (size_t i = 0; i < some; i++) {
            if (!before(x, found[i], indices[0])) continue;
            indices[0] = found[i];
            sift(x, indices, filled, 0);
        }
    }
    for (size_t end = filled; end > 1; end--) {
        const uint32_t last = indices[0];
        indices[0] = indices[end - 1];
        indices[end - 1] = last;
        sift(x, indices, end - 1, 0);
    }
    for (size_t i = 0; i < filled; i++) values[i] = x[indices[i]];
    return filled;
}
