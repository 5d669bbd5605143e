// One level's implementations behind one table.
#ifndef COLLAB_KERNELS_TABLE_H
#define COLLAB_KERNELS_TABLE_H

#include "collab_attention.h"
#include "collab_distribution.h"
#include "collab_matrix.h"
#include "collab_vector.h"

typedef struct {
    void (*multiply)(collab_precision, collab_format, const uint8_t *, size_t, size_t, size_t, size_t,
                     const uint8_t *, size_t, float *, size_t);
    void (*bound)(const uint8_t *, size_t, size_t, size_t, size_t, const uint8_t *, float *);
    void (*prepare)(collab_precision, const float *, size_t, const float *, const float *, size_t, size_t, size_t,
                    size_t, uint8_t *);
    void (*exp)(const float *, size_t, float *);
    void (*tanh)(const float *, size_t, float *);
    void (*gelu)(const float *, size_t, float *);
    void (*gelu_erf)(const float *, size_t, float *);
    void (*swiglu)(const float *, const float *, size_t, float *);
    void (*geglu)(const float *, const float *, size_t, float *);
    void (*add)(const float *, size_t, float *);
    void (*axpy)(float, const float *, size_t, float *);
    void (*scale)(float, const float *, size_t, float *);
    void (*softcap)(float, const float *, size_t, float *);
    float (*dot)(const float *, const float *, size_t);
    float (*mean)(const float *, size_t);
    float (*variance)(const float *, float, size_t);
    void (*normalize)(const float *, float, float, const float *, const float *, size_t, float *);
    void (*rope)(float *, size_t, size_t, size_t, const float *, const float *, bool);
    void (*attend)(collab_kv_shape, const collab_attention *, int, int);
    void (*to_f16)(const float *, size_t, uint16_t *);
    void (*from_f16)(const uint16_t *, size_t, float *);
    float (*to_s8)(const float *, size_t, int8_t *);
    float (*max)(const float *, size_t);
    ptrdiff_t (*argmax)(const float *, size_t);
    double (*log_sum_exp)(const float *, size_t, ptrdiff_t *);
    size_t (*collect_above)(const float *, size_t, size_t, float, uint32_t *, size_t *, size_t);
} collab_kernels;

extern const collab_kernels collab_kernels_portable;
#if defined(__x86_64__)
extern const collab_kernels collab_kernels_avx2;
extern const collab_kernels collab_kernels_avx512;
#elif defined(__aarch64__)
extern const collab_kernels collab_kernels_neon;
#endif

/// The table of a level; of the portable one when this processor cannot run the level.
const collab_kernels *collab_kernels_of(collab_level level);

#endif
