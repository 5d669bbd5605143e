#include "kernels.h"

#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#if defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif
#if defined(__linux__)
#define COLLAB_LINUX 1
#else
#include <sys/sysctl.h>
#endif

bool collab_level_supported(collab_level level) {
    switch (level) {
        case COLLAB_LEVEL_PORTABLE: return true;
#if defined(__x86_64__)
        case COLLAB_LEVEL_AVX2:
            return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
        case COLLAB_LEVEL_AVX512:
            return collab_level_supported(COLLAB_LEVEL_AVX2) && __builtin_cpu_supports("avx512f") &&
                   __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                   __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512vnni");
#elif defined(__aarch64__) && defined(__APPLE__)
        case COLLAB_LEVEL_NEON: return true;
#elif defined(__aarch64__) && defined(__linux__)
        // HWCAP_ASIMDDP
        case COLLAB_LEVEL_NEON: return getauxval(AT_HWCAP) & 1ul << 20;
#endif
        default: return false;
    }
}

collab_level collab_level_best(void) {
    static atomic_int best = -1;
    int level = atomic_load_explicit(&best, memory_order_relaxed);
    if (level >= 0) return (collab_level)level;
    for (level = COLLAB_LEVEL_AVX512; !collab_level_supported((collab_level)level); level--) {}
    atomic_store_explicit(&best, level, memory_order_relaxed);
    return (collab_level)level;
}

const collab_kernels *collab_kernels_of(collab_level level) {
    // A level above the best is none that this processor has.
    if (level != collab_level_best() && !collab_level_supported(level)) level = COLLAB_LEVEL_PORTABLE;
    switch (level) {
#if defined(__x86_64__)
        case COLLAB_LEVEL_AVX2: return &collab_kernels_avx2;
        case COLLAB_LEVEL_AVX512: return &collab_kernels_avx512;
#elif defined(__aarch64__)
        case COLLAB_LEVEL_NEON: return &collab_kernels_neon;
#endif
        default: return &collab_kernels_portable;
    }
}

int collab_physical_cores(void) {
#if defined(COLLAB_LINUX)
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    if (online < 1) return 1;
    // Hyper-threads of a core share it: count each core by its first sibling.
    int cores = 0;
    for (long cpu = 0; cpu < online && cpu < 4096; cpu++) {
        char path[96];
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%ld/topology/thread_siblings_list", cpu);
        FILE *file = fopen(path, "r");
        if (!file) return (int)online;
        long first = cpu;
        if (fscanf(file, "%ld", &first) != 1) first = cpu;
        fclose(file);
        cores += first == cpu;
    }
    return cores > 0 ? cores : 1;
#else
    int cores = 0;
    size_t size = sizeof cores;
    // Performance cores only, where there are two kinds.
    if (sysctlbyname("hw.perflevel0.physicalcpu", &cores, &size, 0, 0) == 0 && cores > 0) return cores;
    size = sizeof cores;
    if (sysctlbyname("hw.physicalcpu", &cores, &size, 0, 0) == 0 && cores > 0) return cores;
    return 1;
#endif
}
