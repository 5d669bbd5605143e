// The arithmetic of Collab in C: SIMD kernels with run-time dispatch.
//
// Every function that has more than one implementation takes the dispatch level as its first argument, so that
// tests can compare the levels with one another in one process. Nothing here allocates unless its name says so,
// and nothing keeps state except the worker pool and the table of watched mappings.
#ifndef COLLAB_CKERNELS_H
#define COLLAB_CKERNELS_H

#include "collab_dispatch.h"
#include "collab_convert.h"
#include "collab_matrix.h"
#include "collab_vector.h"
#include "collab_attention.h"
#include "collab_distribution.h"
#include "collab_fusion.h"
#include "collab_merge.h"
#include "collab_merge_raw.h"
#include "collab_mapping.h"
#include "collab_memory.h"
#include "collab_place.h"
#include "collab_pool.h"
#include "collab_sha256.h"

#endif
