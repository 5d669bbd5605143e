#ifndef COLLAB_MERGE_H
#define COLLAB_MERGE_H

#include "collab_dispatch.h"

// Arithmetic over weights: inputs and results are floats, everything between is done in double, so that a result is
// rounded once. All levels give the same bits.

/// out = Σ weights[i] · members[i].
void collab_merge_weighted(collab_level level, const float *const *members, const double *weights,
                           size_t members_count, size_t count, float *out);

/// out = x − base, rounded to float.
void collab_merge_delta(collab_level level, const float *x, const float *base, size_t count, float *out);

/// out = base + factor · Σ weights[i] · deltas[i].
void collab_merge_add(collab_level level, const float *base, const float *const *deltas, const double *weights,
                      size_t deltas_count, double factor, size_t count, float *out);

/// How the sign of an element is elected.
typedef enum {
    /// The sign of Σ weights[i] · deltas[i].
    COLLAB_VOTE_WEIGHTED = 0,
    /// The sign of Σ deltas[i].
    COLLAB_VOTE_SUM,
    /// The sign that more deltas have.
    COLLAB_VOTE_COUNT,
} collab_vote;

/// How the deltas that have the elected sign are combined.
typedef enum {
    /// Σ w d.
    COLLAB_COMBINE_SUM = 0,
    /// Σ w d / Σ w.
    COLLAB_COMBINE_WEIGHTED_MEAN,
    /// Σ w d / their number.
    COLLAB_COMBINE_MEAN,
} collab_combination;

/// out = base + factor · (combination of the weighted deltas whose sign is the elected one), deltas being scaled
/// first. A sum of 0 elects the positive sign, deltas of 0 take no part, and a divisor of 0 counts as 1.
void collab_merge_consensus(collab_level level, const float *base, const float *const *deltas, const double *scales,
                            const double *weights, size_t deltas_count, collab_vote vote, collab_combination combination, double factor,
                            size_t count, float *out);

/// sums = {Σ a b, Σ a², Σ b²}; adds to what is there.
void collab_merge_products(collab_level level, const float *a, const float *b, size_t count, double *sums);

/// Σ |x|.
double collab_merge_l1(collab_level level, const float *x, size_t count);

/// The first element that is NaN or infinite; −1 if there is none.
ptrdiff_t collab_merge_not_finite(collab_level level, const float *x, size_t count);

/// Counts magnitudes by the upper 15 bits of |x| in four tables of 32,768 counters, which elements take in turn, so that
/// equal neighbours do not wait for each other, and in a fifth those whose lower bits are not all 0; adds to what is
/// there.
void collab_merge_histogram(const float *x, size_t count, uint32_t *counters);

/// Counts, among magnitudes with a given upper part, the lower 16 bits (65,536 counters); adds to what is there.
void collab_merge_histogram_lower(const float *x, size_t count, uint32_t prefix, uint64_t *counters);

/// Writes down the place (from `first` on) and the lower 16 bits of every magnitude with a given upper part; returns
/// how many there are. The lists have room for as many as that.
size_t collab_merge_gather(collab_level level, const float *x, size_t count, uint32_t prefix, uint64_t first,
                           uint64_t *places, uint16_t *lower);

/// Where the `wanted`-th element (from 1) with |x| of exactly these bits is, or −1; `seen` is increased by how many
/// were passed.
ptrdiff_t collab_merge_find_equal(collab_level level, const float *x, size_t count, uint32_t bits, uint64_t wanted,
                                  uint64_t *seen);

/// Sets to 0 every element with |x| below `bits`, and those equal to it from index `cutoff` on.
void collab_merge_trim(collab_level level, float *x, size_t count, uint32_t bits, size_t cutoff);

/// Sets elements to 0 unless a random 16-bit number is below `threshold`.
///
/// The numbers are those of Philox4x32-10 with the key and the stream as part of the counter, so an element's number
/// depends on its index alone: `first` is that of x[0].
void collab_merge_drop(collab_level level, float *x, uint64_t first, size_t count, uint64_t key, uint32_t stream,
                       uint32_t threshold);

#endif
