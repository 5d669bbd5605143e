// Rounding into the super-blocks of 256 elements.
#ifndef COLLAB_QUANTIZE_K_H
#define COLLAB_QUANTIZE_K_H

#include "layout.h"

/// Rounds blocks of 256 floats into Q4_K, Q5_K or Q6_K.
///
/// A part's scale (and minimum) is the best of several by weighted least squares, an error at x counting √(mean x²) + |x|
/// in Q4_K and Q5_K and x² in Q6_K; then the parts' scales are rounded, and the integers taken anew under those.
void collab_quantize_k(collab_level level, collab_format format, const float *source, size_t blocks, uint8_t *target);

#endif
