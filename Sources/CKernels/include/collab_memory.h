#ifndef COLLAB_MEMORY_H
#define COLLAB_MEMORY_H

#include <stddef.h>
#include <stdint.h>

/// Maps `bytes` of zeroed memory aligned to 2 MiB and asks for huge pages where the system has them; null when
/// there is none left.
void *collab_memory_allocate(size_t bytes);

/// Gives back what collab_memory_allocate returned; `bytes` must be the same.
void collab_memory_free(void *memory, size_t bytes);

/// Lets the disk begin to take a range of a file, where the system can; a hint that reports nothing.
void collab_begin_flushing(int descriptor, int64_t offset, int64_t bytes);

#endif
