#if defined(__linux__)
#define _GNU_SOURCE
#endif
#include "COpenBLAS.h"

#include <dlfcn.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// CBLAS's constants.
enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111, TRANSPOSE = 112 };

typedef void sgemm_function(int order, int transpose_a, int transpose_b, int m, int n, int k, float alpha,
                            const float *a, int lda, const float *b, int ldb, float beta, float *c, int ldc);

static pthread_once_t once = PTHREAD_ONCE_INIT;
static void *library;
static sgemm_function *sgemm;
static char description[512];

static bool processor_has_avx512(void) {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512cd");
#else
    return false;
#endif
}

static bool open_library(const char *name) {
    void *handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!handle) return false;
    sgemm = (sgemm_function *)dlsym(handle, "cblas_sgemm");
    if (!sgemm) {
        dlclose(handle);
        return false;
    }
    library = handle;
    char *(*config)(void) = (char *(*)(void))dlsym(handle, "openblas_get_config");
    char *(*core)(void) = (char *(*)(void))dlsym(handle, "openblas_get_corename");
    void (*threads)(int) = (void (*)(int))dlsym(handle, "openblas_set_num_threads");
    if (threads) threads(1);
    const char *text = config ? config() : 0, *kernels = core ? core() : 0;
    snprintf(description, sizeof description, "%s%s%s%s%s", name, text ? ", " : "", text ? text : "",
             kernels ? ", kernels " : "", kernels ? kernels : "");
    return true;
}

static void load(void) {
#if defined(__APPLE__)
    static const char *const names[] = {"/System/Library/Frameworks/Accelerate.framework/Accelerate",
                                        "libopenblas.dylib", "/opt/homebrew/opt/openblas/lib/libopenblas.dylib"};
#else
    static const char *const names[] = {"libopenblas.so.0", "libopenblas.so", "libblas.so.3"};
#endif
    const bool told = processor_has_avx512() && !getenv("OPENBLAS_CORETYPE");
    if (told) setenv("OPENBLAS_CORETYPE", "SKYLAKEX", 0);
    for (size_t i = 0; i < sizeof names / sizeof *names && !library; i++) open_library(names[i]);
    // Child processes choose for themselves.
    if (told) unsetenv("OPENBLAS_CORETYPE");
}

bool collab_blas_available(void) {
    pthread_once(&once, load);
    return sgemm != 0;
}

const char *collab_blas_description(void) {
    pthread_once(&once, load);
    return description;
}

static bool fits(long x) { return x >= 0 && x <= INT_MAX; }

bool collab_blas_sgemm(bool transpose_a, bool transpose_b, long m, long n, long k, float alpha, const float *a,
                       long lda, const float *b, long ldb, float beta, float *c, long ldc) {
    if (!collab_blas_available()) return false;
    if (!fits(m) || !fits(n) || !fits(k) || !fits(lda) || !fits(ldb) || !fits(ldc)) return false;
    sgemm(ROW_MAJOR, transpose_a ? TRANSPOSE : NO_TRANSPOSE, transpose_b ? TRANSPOSE : NO_TRANSPOSE, (int)m, (int)n,
          (int)k, alpha, a, (int)lda, b, (int)ldb, beta, c, (int)ldc);
    return true;
}

void *collab_blas_symbol(const char *name) {
    pthread_once(&once, load);
    return library ? dlsym(library, name) : 0;
}
