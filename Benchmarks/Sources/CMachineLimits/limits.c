// What the machine can do at best: the floor that the engine's figures are judged against.
#include "machine_limits.h"

#include <stdint.h>

typedef uint64_t lanes __attribute__((vector_size(64)));

#if defined(__x86_64__)
#include <immintrin.h>
#define WIDE __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))

WIDE static unsigned long long read_wide(const void *memory, size_t bytes) {
    const lanes *p = memory;
    lanes a = {0}, b = {0}, c = {0}, d = {0};
    for (size_t i = 0; i + 8 <= bytes / 64; i += 8) {
        a |= p[i], b |= p[i + 1], c |= p[i + 2], d |= p[i + 3];
        a |= p[i + 4], b |= p[i + 5], c |= p[i + 6], d |= p[i + 7];
    }
    a |= b | c | d;
    return a[0] | a[1] | a[2] | a[3] | a[4] | a[5] | a[6] | a[7];
}

WIDE static double products_wide(size_t rounds, int *sink) {
    enum { SUMS = 16 };
    __m512i sums[SUMS], weights = _mm512_set1_epi8(3), values = _mm512_set1_epi8(2);
    for (int i = 0; i < SUMS; i++) sums[i] = _mm512_set1_epi32(i);
    for (size_t round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < SUMS; i++) {
            sums[i] = _mm512_dpbusd_epi32(sums[i], weights, values);
            __asm__ volatile("" : "+v"(sums[i]));
        }
    }
    for (int i = 1; i < SUMS; i++) sums[0] = _mm512_add_epi32(sums[0], sums[i]);
    *sink = _mm512_reduce_add_epi32(sums[0]);
    return (double)rounds * SUMS * 64;
}

// Sums of pairs in 16 bits, as the kernels have them; widening them is left out.
__attribute__((target("avx2"))) static double products_narrow(size_t rounds, int *sink) {
    enum { SUMS = 8 };
    __m256i sums[SUMS], weights = _mm256_set1_epi8(3), values = _mm256_set1_epi8(2);
    for (int i = 0; i < SUMS; i++) sums[i] = weights;
    for (size_t round = 0; round < rounds; round++) {
#pragma clang loop unroll(full)
        for (int i = 0; i < SUMS; i++) {
            sums[i] = _mm256_maddubs_epi16(weights, values);
            __asm__ volatile("" : "+x"(sums[i]), "+x"(weights));
        }
    }
    for (int i = 1; i < SUMS; i++) sums[0] = _mm256_add_epi16(sums[0], sums[i]);
    *sink = _mm256_extract_epi32(sums[0], 0);
    return (double)rounds * SUMS * 32;
}
#endif

static unsigned long long read_plain(const void *memory, size_t bytes) {
    const uint64_t *p = memory;
    uint64_t sums[8] = {0};
    for (size_t i = 0; i + 8 <= bytes / 8; i += 8)
        for (int j = 0; j < 8; j++) sums[j] |= p[i + j];
    return sums[0] | sums[1] | sums[2] | sums[3] | sums[4] | sums[5] | sums[6] | sums[7];
}

unsigned long long limits_read(const void *memory, size_t bytes) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512vnni")) return read_wide(memory, bytes);
#endif
    return read_plain(memory, bytes);
}

double limits_byte_products(size_t rounds, int *sink) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512vnni")) return products_wide(rounds, sink);
    if (__builtin_cpu_supports("avx2")) return products_narrow(rounds, sink);
#endif
    (void)rounds;
    *sink = 0;
    return 0;
}
