// A BLAS library found at run time, so that nothing has to be linked.
#ifndef COLLAB_COPENBLAS_H
#define COLLAB_COPENBLAS_H

#include <stdbool.h>

/// Loads the library on the first call (thread-safe); whether there is one with sgemm.
///
/// On Linux libopenblas.so.0 (then libopenblas.so, then libblas.so.3 if it is OpenBLAS), on Apple's systems Accelerate
/// and then libopenblas.dylib. OpenBLAS picks its kernels when it is loaded: where the processor has AVX-512 and the
/// variable OPENBLAS_CORETYPE is not set, it is told SKYLAKEX first, because versions that do not know a newer
/// processor take it for a Haswell. Its own threads are set to one.
bool collab_blas_available(void);

/// What was loaded: library, version and chosen kernels; empty if nothing. Valid for ever.
const char *collab_blas_description(void);

/// C = alpha · op(A) · op(B) + beta · C, row-major, op(A) m × k, op(B) k × n; false if no library is there or a
/// dimension does not fit its integers.
bool collab_blas_sgemm(bool transpose_a, bool transpose_b, long m, long n, long k, float alpha, const float *a,
                       long lda, const float *b, long ldb, float beta, float *c, long ldc);

/// The address of another function of the loaded library (LAPACK), or null.
void *collab_blas_symbol(const char *name);

/// Whether the library also has what is below: LAPACK and the products it is used with.
bool collab_lapack_available(void);

/// y = op(A) · x, row-major, A m × n as stored; false as above.
bool collab_blas_sgemv(bool transpose, long m, long n, const float *a, long lda, const float *x, float *y);

/// The same as collab_blas_sgemm in double precision.
bool collab_blas_dgemm(bool transpose_a, bool transpose_b, long m, long n, long k, double alpha, const double *a,
                       long lda, const double *b, long ldb, double beta, double *c, long ldc);

/// Solves A · x = b for each of count right sides of n numbers one after another, A symmetric and positive definite
/// (dposv; A is overwritten by its factor); LAPACK's info, INT_MIN if there is no LAPACK.
int collab_lapack_posv(long n, long count, double *a, double *b);

/// The eigenvalues of a symmetric matrix, ascending, and its eigenvectors, one after another in the place of the
/// matrix (dsyevd; work 1 + 6 n + 2 n², whole_work 3 + 5 n); LAPACK's info, INT_MIN if there is no LAPACK.
int collab_lapack_syevd(long n, double *a, double *values, double *work, long work_size, int *whole_work,
                        long whole_work_size);

/// Adds alpha · A · Aᵀ, or Aᵀ · A if transposed, to the upper triangle of C, n × n, row-major; A is n × k, or k × n if
/// transposed; false as above.
bool collab_blas_dsyrk(bool transpose, long n, long k, double alpha, const double *a, long lda, double *c);

/// Puts Cholesky's factor of a positive definite matrix, of which the upper triangle is read by rows, in its place
/// (dpotrf); LAPACK's info, INT_MIN if there is no LAPACK.
int collab_lapack_potrf(long n, double *a);

/// Solves A · x = b, as collab_lapack_posv does, by the factor that collab_lapack_potrf has left (dpotrs).
int collab_lapack_potrs(long n, long count, const double *a, double *b);

/// As collab_lapack_syevd, slower, with nothing else of the matrix's size than the eigenvectors, n of n numbers, one after
/// another (dsytrd, dstemr or, where that does not converge, dsteqr, and dormtr).
///
/// The matrix, of which the upper triangle is read by rows, is used up. `values` has room for n numbers, `work` for 23 n at
/// least (69 n + 8192 are enough for speed), and `whole_work` for 12 n. LAPACK's info, INT_MIN if there is no LAPACK.
int collab_lapack_syevr(long n, double *a, double *values, double *vectors, double *work, long work_size,
                        int *whole_work);

/// y = y + alpha · op(A) · x in double precision, row-major, A m × n as stored; false as above.
bool collab_blas_dgemv(bool transpose, long m, long n, double alpha, const double *a, long lda, const double *x,
                       double *y);

/// Solves op(A) · X = B, or X · op(A) = B from the right, in the place of B, m × n, A an upper triangle, row-major; false as
/// above.
bool collab_blas_dtrsm(bool right, bool transpose, long m, long n, const double *a, long lda, double *b, long ldb);

/// The eigenvalues of a symmetric tridiagonal matrix, ascending, in the place of its diagonal, and its eigenvectors, one
/// after another (dstedc; work 1 + 4 n + n², whole_work 3 + 5 n); LAPACK's info, INT_MIN if there is no LAPACK.
int collab_lapack_stedc(long n, double *diagonal, double *beside, double *vectors, double *work, long work_size,
                        int *whole_work, long whole_work_size);

/// An eigenvalue of D + factor · z zᵀ, D diagonal with the values ascending, z of length 1, factor above 0, and D's
/// elements less it (dlaed4), or, for n of 1 or 2, the parts of its eigenvector; LAPACK's info, INT_MIN if there is no LAPACK.
int collab_lapack_laed4(long n, long place, const double *values, const double *parts, double *differences, double factor,
                        double *value);

#endif
