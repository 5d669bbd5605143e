#if defined(__aarch64__)
#include "kernels.h"

#include <arm_neon.h>
#include <string.h>

#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)

#include "simd_neon.h"

#define CV_TABLE collab_kernels_neon
#include "template.h"

#pragma clang attribute pop
#endif
