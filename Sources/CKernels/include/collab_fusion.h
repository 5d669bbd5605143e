#ifndef COLLAB_FUSION_H
#define COLLAB_FUSION_H

#include "collab_dispatch.h"

// Arithmetic over next-token distributions of one vocabulary. All levels give the same bits: multiplications and
// additions are never contracted, and sums run in the same order everywhere.

/// out[v] = Σ weights[i] · members[i][v]; −∞ wherever any member is −∞ (a token that one of them cannot write).
void collab_fuse_log_linear(collab_level level, const float *const *members, const float *weights, size_t members_count,
                            size_t count, float *out);

/// out[v] = log Σ exp(members[i][v] + shifts[i]), where shifts[i] = log weightᵢ − log Σ exp members[i].
void collab_fuse_linear(collab_level level, const float *const *members, const float *shifts, size_t members_count,
                        size_t count, float *out);

/// out[v] = x[v] where it is at least the threshold, −∞ elsewhere.
void collab_at_least(collab_level level, const float *x, size_t count, float threshold, float *out);

/// expectations[i] = Σ p(v) members[i][v] with p = exp(fused − normalizer); expectations[members_count] is that of
/// fused itself. Tokens with p = 0 count nothing.
void collab_fuse_expectations(collab_level level, const float *fused, float normalizer, const float *const *members,
                              size_t members_count, size_t count, double *expectations);

/// Σ exp((x[v] − maximum) · scale).
double collab_exp_sum(collab_level level, const float *x, size_t count, float maximum, float scale);

/// The index at which the running sum of exp((x[v] − maximum) · scale) first exceeds `unit` (from [0, 1)) of the
/// whole; −1 when the whole is not a positive finite number.
ptrdiff_t collab_draw(collab_level level, const float *x, size_t count, float maximum, float scale, double unit);

#endif
