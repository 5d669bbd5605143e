#include "COpenBLAS.h"

#include <limits.h>
#include <pthread.h>

// LAPACK speaks Fortran: everything by address, lengths of texts behind, matrices by columns.
typedef void posv_function(const char *triangle, const int *n, const int *count, double *a, const int *lda, double *b,
                           const int *ldb, int *info, long triangle_length);
typedef void syevd_function(const char *job, const char *triangle, const int *n, double *a, const int *lda, double *w,
                            double *work, const int *work_size, int *whole_work, const int *whole_work_size, int *info,
                            long job_length, long triangle_length);
typedef void sgemv_function(int order, int transpose, int m, int n, float alpha, const float *a, int lda,
                            const float *x, int incx, float beta, float *y, int incy);
typedef void dgemm_function(int order, int transpose_a, int transpose_b, int m, int n, int k, double alpha,
                            const double *a, int lda, const double *b, int ldb, double beta, double *c, int ldc);

enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111, TRANSPOSE = 112 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static posv_function *posv;
static syevd_function *syevd;
static sgemv_function *sgemv;
static dgemm_function *dgemm;

static void find(void) {
    posv = (posv_function *)collab_blas_symbol("dposv_");
    syevd = (syevd_function *)collab_blas_symbol("dsyevd_");
    sgemv = (sgemv_function *)collab_blas_symbol("cblas_sgemv");
    dgemm = (dgemm_function *)collab_blas_symbol("cblas_dgemm");
}

static bool fits(long x) { return x >= 0 && x <= INT_MAX; }

bool collab_lapack_available(void) {
    pthread_once(&once, find);
    return posv && syevd && sgemv && dgemm;
}

bool collab_blas_sgemv(bool transpose, long m, long n, const float *a, long lda, const float *x, float *y) {
    if (!collab_lapack_available() || !fits(m) || !fits(n) || !fits(lda)) return false;
    sgemv(ROW_MAJOR, transpose ? TRANSPOSE : NO_TRANSPOSE, (int)m, (int)n, 1, a, (int)lda, x, 1, 0, y, 1);
    return true;
}

bool collab_blas_dgemm(bool transpose_a, bool transpose_b, long m, long n, long k, double alpha, const double *a,
                       long lda, const double *b, long ldb, double beta, double *c, long ldc) {
    if (!collab_lapack_available()) return false;
    if (!fits(m) || !fits(n) || !fits(k) || !fits(lda) || !fits(ldb) || !fits(ldc)) return false;
    dgemm(ROW_MAJOR, transpose_a ? TRANSPOSE : NO_TRANSPOSE, transpose_b ? TRANSPOSE : NO_TRANSPOSE, (int)m, (int)n,
          (int)k, alpha, a, (int)lda, b, (int)ldb, beta, c, (int)ldc);
    return true;
}

int collab_lapack_posv(long n, long count, double *a, double *b) {
    if (!collab_lapack_available() || !fits(n) || !fits(count)) return INT_MIN;
    int order = (int)n, sides = (int)count, stride = n > 0 ? (int)n : 1, info = 0;
    posv("L", &order, &sides, a, &stride, b, &stride, &info, 1);
    return info;
}

int collab_lapack_syevd(long n, double *a, double *values, double *work, long work_size, int *whole_work,
                        long whole_work_size) {
    if (!collab_lapack_available() || !fits(n) || !fits(work_size) || !fits(whole_work_size)) return INT_MIN;
    int order = (int)n, stride = n > 0 ? (int)n : 1, size = (int)work_size, whole = (int)whole_work_size, info = 0;
    syevd("V", "L", &order, a, &stride, values, work, &size, whole_work, &whole, &info, 1, 1);
    return info;
}
