#ifndef COLLAB_CONVERT_H
#define COLLAB_CONVERT_H

#include "collab_dispatch.h"

/// How a tensor's elements are stored; the order is that of TensorFormat.allCases.
typedef enum {
    COLLAB_F32 = 0,
    COLLAB_F16,
    COLLAB_BF16,
    COLLAB_Q8_0,
    COLLAB_Q4_0,
    COLLAB_Q4_1,
    COLLAB_Q5_0,
    COLLAB_Q5_1,
    COLLAB_Q4_K,
    COLLAB_Q5_K,
    COLLAB_Q6_K,
    /// Packed only: Q8_0 as a plane of high bits and one of low bits.
    COLLAB_Q8_0_PLANES,
    COLLAB_FORMAT_COUNT,
} collab_format;

/// Expands `blocks` whole blocks at `source` into floats, exactly.
void collab_dequantize(collab_level level, collab_format format, const void *source, size_t blocks, float *target);

/// Rounds `blocks` blocks of floats into any format of files; false for the packed one.
///
/// Q8_0, Q4_0, Q4_1, Q5_0 and Q5_1 come out byte for byte as llama.cpp's tools write them; the K formats by a search of
/// our own, see quantize_k.h.
bool collab_quantize(collab_level level, collab_format format, const float *source, size_t blocks, void *target);

/// Whether no element of `blocks` whole blocks is NaN or infinite: of quantised ones the scales alone are looked at.
bool collab_is_finite(collab_format format, const void *source, size_t blocks);

/// One half-precision number as a float.
float collab_f16_to_f32(uint16_t half);

/// The half-precision number nearest to a float, ties to even.
uint16_t collab_f32_to_f16(float value);

#endif
