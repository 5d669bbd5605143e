#include "COpenBLAS.h"

#include <limits.h>
#include <pthread.h>
#include <string.h>

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
typedef void dsyrk_function(int order, int triangle, int transpose, int n, int k, double alpha, const double *a, int lda,
                            double beta, double *c, int ldc);
typedef void potrf_function(const char *triangle, const int *n, double *a, const int *lda, int *info,
                            long triangle_length);
typedef void potrs_function(const char *triangle, const int *n, const int *count, const double *a, const int *lda,
                            double *b, const int *ldb, int *info, long triangle_length);
typedef void sytrd_function(const char *triangle, const int *n, double *a, const int *lda, double *d, double *e,
                            double *tau, double *work, const int *work_size, int *info, long triangle_length);
typedef void stemr_function(const char *job, const char *range, const int *n, double *d, double *e, const double *low,
                            const double *high, const int *first, const int *last, int *found, double *w, double *z,
                            const int *ldz, const int *most, int *support, int *try_accurate, double *work,
                            const int *work_size, int *whole_work, const int *whole_work_size, int *info,
                            long job_length, long range_length);
typedef void steqr_function(const char *job, const int *n, double *d, double *e, double *z, const int *ldz, double *work,
                            int *info, long job_length);
typedef void ormtr_function(const char *side, const char *triangle, const char *transpose, const int *m, const int *n,
                            const double *a, const int *lda, const double *tau, double *c, const int *ldc, double *work,
                            const int *work_size, int *info, long side_length, long triangle_length,
                            long transpose_length);
typedef void dgemv_function(int order, int transpose, int m, int n, double alpha, const double *a, int lda,
                            const double *x, int incx, double beta, double *y, int incy);
typedef void dtrsm_function(int order, int side, int triangle, int transpose, int diagonal, int m, int n, double alpha,
                            const double *a, int lda, double *b, int ldb);
typedef void stedc_function(const char *job, const int *n, double *d, double *e, double *z, const int *ldz, double *work,
                            const int *work_size, int *whole_work, const int *whole_work_size, int *info,
                            long job_length);
typedef void laed4_function(const int *n, const int *i, const double *d, const double *z, double *delta,
                            const double *rho, double *value, int *info);

enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111, TRANSPOSE = 112, UPPER = 121, NON_UNIT = 131, LEFT = 141, RIGHT = 142 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static posv_function *posv;
static syevd_function *syevd;
static sgemv_function *sgemv;
static dgemm_function *dgemm;
static dsyrk_function *dsyrk;
static potrf_function *potrf;
static potrs_function *potrs;
static sytrd_function *sytrd;
static stemr_function *stemr;
static steqr_function *steqr;
static ormtr_function *ormtr;
static dgemv_function *dgemv;
static dtrsm_function *dtrsm;
static stedc_function *stedc;
static laed4_function *laed4;

static void find(void) {
    posv = (posv_function *)collab_blas_symbol("dposv_");
    syevd = (syevd_function *)collab_blas_symbol("dsyevd_");
    sgemv = (sgemv_function *)collab_blas_symbol("cblas_sgemv");
    dgemm = (dgemm_function *)collab_blas_symbol("cblas_dgemm");
    dsyrk = (dsyrk_function *)collab_blas_symbol("cblas_dsyrk");
    potrf = (potrf_function *)collab_blas_symbol("dpotrf_");
    potrs = (potrs_function *)collab_blas_symbol("dpotrs_");
    sytrd = (sytrd_function *)collab_blas_symbol("dsytrd_");
    stemr = (stemr_function *)collab_blas_symbol("dstemr_");
    steqr = (steqr_function *)collab_blas_symbol("dsteqr_");
    ormtr = (ormtr_function *)collab_blas_symbol("dormtr_");
    dgemv = (dgemv_function *)collab_blas_symbol("cblas_dgemv");
    dtrsm = (dtrsm_function *)collab_blas_symbol("cblas_dtrsm");
    stedc = (stedc_function *)collab_blas_symbol("dstedc_");
    laed4 = (laed4_function *)collab_blas_symbol("dlaed4_");
}

static bool fits(long x) { return x >= 0 && x <= INT_MAX; }

bool collab_lapack_available(void) {
    pthread_once(&once, find);
    return posv && syevd && sgemv && dgemm && dsyrk && potrf && potrs && sytrd && stemr && steqr && ormtr;
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

bool collab_blas_dsyrk(bool transpose, long n, long k, double alpha, const double *a, long lda, double *c) {
    if (!collab_lapack_available() || !fits(n) || !fits(k) || !fits(lda)) return false;
    dsyrk(ROW_MAJOR, UPPER, transpose ? TRANSPOSE : NO_TRANSPOSE, (int)n, (int)k, alpha, a, (int)lda, 1, c, (int)n);
    return true;
}

// The upper triangle by rows is the lower one by columns.
int collab_lapack_potrf(long n, double *a) {
    if (!collab_lapack_available() || !fits(n)) return INT_MIN;
    int order = (int)n, stride = n > 0 ? (int)n : 1, info = 0;
    potrf("L", &order, a, &stride, &info, 1);
    return info;
}

int collab_lapack_potrs(long n, long count, const double *a, double *b) {
    if (!collab_lapack_available() || !fits(n) || !fits(count)) return INT_MIN;
    int order = (int)n, sides = (int)count, stride = n > 0 ? (int)n : 1, info = 0;
    potrs("L", &order, &sides, a, &stride, b, &stride, &info, 1);
    return info;
}

int collab_lapack_syevr(long n, double *a, double *values, double *vectors, double *work, long work_size,
                        int *whole_work) {
    const long rest = work_size - 5 * n;
    if (!collab_lapack_available() || !fits(n) || !fits(work_size)) return INT_MIN;
    if (n <= 0 || rest < 18 * n) return -1;
    double *diagonal = work, *beside = work + n, *tau = work + 2 * n, *copy = work + 3 * n, *spare = work + 5 * n;
    int *support = whole_work, *whole = whole_work + 2 * n, whole_size = (int)(10 * n), spare_size = (int)rest;
    int order = (int)n, found = 0, accurate = 1, info = 0, none = 0;
    const double nothing = 0;
    sytrd("L", &order, a, &order, diagonal, beside, tau, spare, &spare_size, &info, 1);
    if (info) return info;
    memcpy(copy, diagonal, 2 * (size_t)n * sizeof *copy);
    stemr("V", "A", &order, diagonal, beside, &nothing, &nothing, &none, &none, &found, values, vectors, &order, &order,
          support, &accurate, spare, &spare_size, whole, &whole_size, &info, 1, 1);
    if (info || found != order) {
        // Clusters that it cannot tell apart; rotations always end, and take longer.
        memcpy(values, copy, (size_t)n * sizeof *values);
        steqr("I", &order, values, copy + n, vectors, &order, spare, &info, 1);
        if (info) return info;
    }
    ormtr("L", "L", "N", &order, &order, a, &order, tau, vectors, &order, spare, &spare_size, &info, 1, 1, 1);
    return info;
}

bool collab_blas_dgemv(bool transpose, long m, long n, double alpha, const double *a, long lda, const double *x,
                       double *y) {
    if (!collab_lapack_available() || !dgemv || !fits(m) || !fits(n) || !fits(lda)) return false;
    dgemv(ROW_MAJOR, transpose ? TRANSPOSE : NO_TRANSPOSE, (int)m, (int)n, alpha, a, (int)lda, x, 1, 1, y, 1);
    return true;
}

bool collab_blas_dtrsm(bool right, bool transpose, long m, long n, const double *a, long lda, double *b, long ldb) {
    if (!collab_lapack_available() || !dtrsm) return false;
    if (!fits(m) || !fits(n) || !fits(lda) || !fits(ldb)) return false;
    dtrsm(ROW_MAJOR, right ? RIGHT : LEFT, UPPER, transpose ? TRANSPOSE : NO_TRANSPOSE, NON_UNIT, (int)m, (int)n, 1, a,
          (int)lda, b, (int)ldb);
    return true;
}

int collab_lapack_stedc(long n, double *diagonal, double *beside, double *vectors, double *work, long work_size,
                        int *whole_work, long whole_work_size) {
    if (!collab_lapack_available() || !stedc || !fits(n) || !fits(work_size) || !fits(whole_work_size)) return INT_MIN;
    int order = (int)n, stride = n > 0 ? (int)n : 1, size = (int)work_size, whole = (int)whole_work_size, info = 0;
    stedc("I", &order, diagonal, beside, vectors, &stride, work, &size, whole_work, &whole, &info, 1);
    return info;
}

int collab_lapack_laed4(long n, long place, const double *values, const double *parts, double *differences, double factor,
                        double *value) {
    if (!collab_lapack_available() || !laed4 || !fits(n) || place < 0 || place >= n) return INT_MIN;
    int order = (int)n, number = (int)place + 1, info = 0;
    laed4(&order, &number, values, parts, differences, &factor, value, &info);
    return info;
}
