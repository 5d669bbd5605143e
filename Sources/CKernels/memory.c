#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "collab_memory.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>

enum { HUGE_PAGE = 2 << 20 };

static size_t round_up(size_t bytes) { return (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE; }

void *collab_memory_allocate(size_t bytes) {
    if (bytes == 0 || bytes > SIZE_MAX / 2) return 0;
    const size_t size = round_up(bytes);
    char *memory = mmap(0, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
    if (memory == MAP_FAILED) return 0;
    // Keep an aligned part and give the ends back.
    char *aligned = (char *)round_up((uintptr_t)memory);
    if (aligned > memory) munmap(memory, (size_t)(aligned - memory));
    char *end = memory + size + HUGE_PAGE;
    if (end > aligned + size) munmap(aligned + size, (size_t)(end - aligned - size));
#if defined(MADV_HUGEPAGE)
    madvise(aligned, size, MADV_HUGEPAGE);
#endif
    return aligned;
}

void collab_memory_free(void *memory, size_t bytes) {
    if (memory) munmap(memory, round_up(bytes));
}

void collab_begin_flushing(int descriptor, int64_t offset, int64_t bytes) {
#if defined(__linux__) && defined(SYNC_FILE_RANGE_WRITE)
    (void)sync_file_range(descriptor, offset, bytes, SYNC_FILE_RANGE_WRITE);
#else
    (void)descriptor;
    (void)offset;
    (void)bytes;
#endif
}
