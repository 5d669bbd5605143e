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

#endif
