#include "simd_portable.h"

#define CV_TABLE collab_kernels_portable
#include "template.h"
