#ifndef COLLAB_DISTRIBUTION_H
#define COLLAB_DISTRIBUTION_H

#include "collab_dispatch.h"

// NaN loses every comparison here: it is never a maximum and never among the top.

/// The largest element; −∞ when there is none.
float collab_max(collab_level level, const float *x, size_t count);

/// Where the largest element is, the lowest index among equals; −1 when there is none.
ptrdiff_t collab_argmax(collab_level level, const float *x, size_t count);

/// The k largest in descending order, ties by ascending index; returns how many were written (≤ k).
size_t collab_top_k(collab_level level, const float *x, size_t count, size_t k, uint32_t *indices, float *values);

/// log Σ eˣ, in double; NaN if any element is NaN; −∞ for no elements.
double collab_log_sum_exp(collab_level level, const float *x, size_t count);

/// The same, and where the largest element is, as collab_argmax finds it, with one look at the memory.
double collab_log_sum_exp_argmax(collab_level level, const float *x, size_t count, ptrdiff_t *largest_at);

enum { COLLAB_COLLECT_MARGIN = 16 };

/// The indices of all elements above the threshold, ascending; returns how many there are. There must be room for
/// `count` of them and COLLAB_COLLECT_MARGIN more.
size_t collab_collect_above(collab_level level, const float *x, size_t count, float threshold, uint32_t *indices);

#endif
