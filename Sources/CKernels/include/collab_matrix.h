#ifndef COLLAB_MATRIX_H
#define COLLAB_MATRIX_H

#include "collab_convert.h"

// A packed matrix stores 16 rows side by side ("a group"). Along the columns a group is a sequence of chunks, each
// of two blocks of 32 columns (or of one super-block of 256). A chunk holds the scales of its 16 rows, then their
// minima or sub-scales, then bit planes, then vectors of 64 bytes: four consecutive columns of each of the 16 rows.
// Weights are unsigned; the constant that makes them so is taken back once a block with the sum of the activations.

enum {
    COLLAB_GROUP_ROWS = 16,
    COLLAB_BLOCK_COLUMNS = 32,
    /// How many rows of activations one unpacking of the weights serves.
    COLLAB_TILE_TOKENS = 8,
};

/// Which representation of the activations a product reads.
typedef enum {
    COLLAB_INTEGER = 0,
    COLLAB_FLOAT = 1,
} collab_precision;

/// Bytes that a matrix takes for each of its groups of 16 rows.
size_t collab_packed_group_bytes(collab_format format, size_t columns);

/// Packs the groups [first_group, end_group) of a row-major matrix; rows beyond `rows` become zeros.
void collab_pack(collab_format format, const void *source, size_t rows, size_t columns, size_t first_group,
                 size_t end_group, void *packed);

/// Bytes that the activations of `tokens` rows take.
size_t collab_activation_bytes(collab_precision precision, size_t columns, size_t tokens);

/// Prepares rows [first, end) of `tokens` rows of activations: y = x, or y = x·scale·weight when weight is given
/// (then scales[t - first] is the row's factor).
///
/// In integer precision each block of 32 becomes round(y · 127 / max|y|) with the scale max|y| / 127; a block with
/// a NaN or an infinity gets the scale NaN.
void collab_activations_prepare(collab_level level, collab_precision precision, const float *rows, size_t stride,
                                const float *scales, const float *weight, size_t columns, size_t tokens,
                                size_t first, size_t end, void *target);

/// y[t · stride + r] = Σ_k W[r][k] x[t][k] for the rows of groups [first_group, end_group) and every row of
/// activations. The sum of a row runs in the same order whatever `tokens` and the range.
void collab_matrix_multiply(collab_level level, collab_precision precision, collab_format format,
                            const void *packed, size_t rows, size_t columns, size_t first_group,
                            size_t end_group, const void *activations, size_t tokens, float *y, size_t stride);

/// Expands one row of a packed matrix into floats (equal to collab_dequantize of the same row).
void collab_unpack_row(collab_format format, const void *packed, size_t rows, size_t columns, size_t row,
                       float *target);

/// Upper bounds of W · x for the rows of some groups of a COLLAB_Q8_0_PLANES matrix, without reading its low planes:
/// upper[r] for row r of the matrix. Activations are one row of integers.
///
/// With q = 8h + 3.5 + e the product is Σ_b s_b (Σ (8h + 3.5) x) + Σ_b s_b Σ e x, and by Cauchy and Schwarz a block's
/// last sum is at most ‖e‖ ‖x‖. What collab_matrix_multiply returns is never larger than the bound: it allows for the
/// rounding of both. If an activation or a scale is not finite, neither is its bound.
void collab_matrix_bound(collab_level level, const void *packed, size_t rows, size_t columns, size_t first_group,
                         size_t end_group, const void *activations, float *upper);

#endif
