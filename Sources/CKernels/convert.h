// What packing needs to know about the blocks of GGUF files.
#ifndef COLLAB_BLOCKS_H
#define COLLAB_BLOCKS_H

#include "layout.h"

/// The unsigned integers of one block (32, or 256 in the K formats); Q8_0 with 128 added.
void collab_block_integers(collab_format format, const uint8_t *block, uint8_t *q);

/// The eight 6-bit scales and minima of a Q4_K or Q5_K super-block.
void collab_k_scales(const uint8_t *packed, uint8_t scales[8], uint8_t minima[8]);

#endif
