#ifndef COLLAB_DISPATCH_H
#define COLLAB_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Instruction sets that kernels are written for.
typedef enum {
    /// Plain C, for every processor.
    COLLAB_LEVEL_PORTABLE = 0,
    /// 64-bit Arm with the dot-product extension.
    COLLAB_LEVEL_NEON = 1,
    /// x86-64 with AVX2, FMA and F16C.
    COLLAB_LEVEL_AVX2 = 2,
    /// x86-64 with AVX-512 F, BW, DQ, VL and VNNI.
    COLLAB_LEVEL_AVX512 = 3,
} collab_level;

/// Whether this processor and operating system can run the level.
bool collab_level_supported(collab_level level);

/// The fastest supported level.
collab_level collab_level_best(void);

/// How many physical cores this process may run on (at least 1).
int collab_physical_cores(void);

#endif
