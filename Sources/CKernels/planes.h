// Packing of matrices in two planes (layout.h).
#ifndef COLLAB_PLANES_H
#define COLLAB_PLANES_H

#include "layout.h"

/// Packs group g, whose `count` rows of Q8_0 blocks begin at `from`.
void collab_pack_planes(const uint8_t *from, size_t rows, size_t columns, size_t g, int count, uint8_t *packed);

/// Expands one row into floats.
void collab_unpack_planes(const uint8_t *packed, size_t rows, size_t columns, size_t row, float *target);

#endif
