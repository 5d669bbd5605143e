#ifndef COLLAB_MERGE_RAW_H
#define COLLAB_MERGE_RAW_H

#include "collab_dispatch.h"
#include "collab_merge.h"

// The arithmetic of collab_merge.h over weights as they are stored in bfloat16, without a copy in float32 in between: for
// large models the memory is what merging waits for. Results are those of collab_merge.h bit for bit, but for sums of
// many products, which begin in float. Addresses need no alignment.

/// The most members of a merge that is computed so.
enum { COLLAB_RAW_MEMBERS = 16 };

/// out = the floats.
void collab_raw_from_bf16(collab_level level, const void *x, size_t count, float *out);

/// out = the nearest bfloat16 numbers, ties to even.
void collab_raw_to_bf16(collab_level level, const float *x, size_t count, void *out);

/// out = Σ weights[i] · members[i].
void collab_raw_weighted(collab_level level, const void *const *members, const double *weights, size_t members_count,
                         size_t count, float *out);

/// Adds the inner products of the members, or of what they differ from the base by (base may be null), to a matrix.
void collab_raw_gram(collab_level level, const void *const *members, const void *base, size_t members_count,
                     size_t count, double *sums);

/// Where the magnitudes between two bounds are noted, sixteen after sixteen, in any order within them.
typedef struct {
    uint32_t *bits;
    size_t capacity;
    size_t found;
    /// Whether there was no room for some.
    bool overflow;
    /// The largest magnitude of all.
    uint32_t worst;
} collab_raw_band;

/// How many |x − base| lie above `high`, as bits of a float; those from `low` to `high` are noted.
uint64_t collab_raw_find_band(collab_level level, const void *x, const void *base, size_t count, uint32_t low,
                              uint32_t high, collab_raw_band *band);

/// The rank-th largest of some numbers, rank from 1 to count, which lies from `low` to `high`; and how many of those
/// equal to it are among the first `rank`. None may be above `high`.
uint32_t collab_raw_select(collab_level level, const uint32_t *x, uint32_t count, uint32_t low, uint32_t high,
                           size_t rank, size_t *equal);

/// How many elements of a sample lie side by side: a cache line.
enum { COLLAB_RAW_RUN = 32 };

/// out = |x − base| of runs that are spread over `total` elements, at least as many as a run has, as bits.
void collab_raw_sample(collab_level level, const void *x, const void *base, uint64_t total, size_t runs, uint32_t *out);

/// out = |x − base|, as bits.
void collab_raw_magnitudes(collab_level level, const void *x, const void *base, size_t count, uint32_t *out);

/// sums += {Σ |x − base|, Σ of those whose bit is set}; x[0] has the lowest bit, and bits are there for whole chunks of 128.
void collab_raw_sums(collab_level level, const void *x, const void *base, size_t count, const uint64_t *kept,
                     double *sums);

/// Sets a bit for each element from `first` on, a multiple of 128, whose number in the stream is below the threshold: what
/// collab_merge_drop keeps.
void collab_raw_draw(collab_level level, uint64_t first, size_t count, uint64_t key, uint32_t stream,
                     uint32_t threshold, uint64_t *bits);

/// Which elements of a task vector are kept.
typedef enum {
    COLLAB_RAW_ALL = 0,
    COLLAB_RAW_NONE,
    /// Magnitudes above `bits`, and those equal to it up to the place `last`.
    COLLAB_RAW_MAGNITUDE,
    /// Those whose bit is set, by place in the tensor.
    COLLAB_RAW_CHOSEN,
} collab_raw_kind;

typedef struct {
    collab_raw_kind kind;
    uint32_t bits;
    uint64_t last;
    const uint64_t *kept;
} collab_raw_thinning;

/// How thinned task vectors are combined.
typedef struct {
    /// Whether signs are elected; otherwise all are added up.
    bool elects;
    collab_vote vote;
    collab_combination combination;
    double factor;
} collab_raw_rule;

/// out = base + factor · (the combination of the thinned, scaled and weighted x − base); `first` is the place of
/// members[i][0] in the tensor, a multiple of 128.
void collab_raw_tasks(collab_level level, const void *const *members, const void *base,
                      const collab_raw_thinning *thinnings, const double *scales, const double *weights,
                      size_t members_count, const collab_raw_rule *rule, uint64_t first, size_t count, float *out);

/// As `collab_raw_weighted` and `collab_raw_to_bf16` one after the other give it, with less work.
void collab_raw_weighted_bf16(collab_level level, const void *const *members, const double *weights,
                              size_t members_count, size_t count, void *out);

/// As `collab_raw_tasks` and `collab_raw_to_bf16` one after the other give it, with less work.
void collab_raw_tasks_bf16(collab_level level, const void *const *members, const void *base,
                           const collab_raw_thinning *thinnings, const double *scales, const double *weights,
                           size_t members_count, const collab_raw_rule *rule, uint64_t first, size_t count, void *out);

#endif
