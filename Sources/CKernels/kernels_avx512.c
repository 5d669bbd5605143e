#if defined(__x86_64__)
#include "kernels.h"

#include <immintrin.h>
#include <string.h>

#pragma clang attribute push(                                                                                      \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c,bmi,bmi2"))),               \
    apply_to = function)

#include "simd_avx512.h"

#define CV_TABLE collab_kernels_avx512
#include "template.h"

#pragma clang attribute pop
#endif
