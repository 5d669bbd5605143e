#ifndef COLLAB_SHA256_H
#define COLLAB_SHA256_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// Folds `blocks` blocks of 64 bytes into a state of SHA-256; `portable` leaves the processor's extensions unused.
void collab_sha256_compress(uint32_t state[8], const void *bytes, size_t blocks, bool portable);

#endif
