#ifndef MACHINE_LIMITS_H
#define MACHINE_LIMITS_H

#include <stddef.h>

/// Reads `bytes` (a multiple of 512, from an address aligned to 64) once; the result depends on all of them.
unsigned long long limits_read(const void *memory, size_t bytes);

/// Multiplies and adds bytes in registers alone; returns how many products were summed, or 0 where this processor
/// has no instruction for it. `sink` keeps the work alive.
double limits_byte_products(size_t rounds, int *sink);

#endif
