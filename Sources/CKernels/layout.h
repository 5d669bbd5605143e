// The layout of packed matrices and prepared activations, shared by packing and products.
#ifndef COLLAB_LAYOUT_H
#define COLLAB_LAYOUT_H

#include "collab_matrix.h"

/// Where the parts of one chunk lie, in bytes from its start.
typedef struct {
    /// Blocks of 32 columns in a chunk.
    int blocks;
    int chunk_bytes;
    /// Scales: 16 half-precision numbers a block (a chunk for the K formats).
    int scales;
    /// Minima: likewise.
    int minima;
    /// Sub-scales of the K formats: 16 bytes a block (32 for Q6_K), and their sub-minima.
    int subscales;
    int subminima;
    /// Bit planes above the nibbles; 64 or 128 bytes a block.
    int planes;
    int plane_bytes;
    /// Vectors of 64 bytes; planes lie before their block's, so that memory is read in one stream.
    int data;
    /// Distance of two blocks' planes and data.
    int block_stride;
    /// log2 of the constant that was added to make weights unsigned; 0 for none.
    int shift;
} collab_layout;

static inline __attribute__((always_inline)) collab_layout collab_layout_of(const collab_format format) {
    switch (format) {
        case COLLAB_Q8_0: return (collab_layout){2, 1088, 0, 0, 0, 0, 0, 0, 64, 512, 7};
        case COLLAB_Q8_0_PLANES: return (collab_layout){2, 704, 0, 0, 0, 0, 64, 64, 128, 320, 7};
        case COLLAB_Q4_0: return (collab_layout){2, 576, 0, 0, 0, 0, 0, 0, 64, 256, 3};
        case COLLAB_Q4_1: return (collab_layout){2, 640, 0, 64, 0, 0, 0, 0, 128, 256, 0};
        case COLLAB_Q5_0: return (collab_layout){2, 704, 0, 0, 0, 0, 64, 64, 128, 320, 4};
        case COLLAB_Q5_1: return (collab_layout){2, 768, 0, 64, 0, 0, 128, 64, 192, 320, 0};
        case COLLAB_Q4_K: return (collab_layout){8, 2368, 0, 32, 64, 192, 0, 0, 320, 256, 0};
        case COLLAB_Q5_K: return (collab_layout){8, 2880, 0, 32, 64, 192, 320, 64, 384, 320, 0};
        case COLLAB_Q6_K: return (collab_layout){8, 3392, 0, 0, 64, 0, 320, 128, 448, 384, 5};
        case COLLAB_F32: return (collab_layout){2, 4096, 0, 0, 0, 0, 0, 0, 0, 2048, 0};
        case COLLAB_F16:
        case COLLAB_BF16: return (collab_layout){2, 2048, 0, 0, 0, 0, 0, 0, 0, 1024, 0};
        default: return (collab_layout){2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    }
}

/// Whether a block has a minimum to add.
static inline __attribute__((always_inline)) bool collab_has_minima(const collab_format format) {
    return format == COLLAB_Q4_1 || format == COLLAB_Q5_1 || format == COLLAB_Q4_K || format == COLLAB_Q5_K;
}

static inline __attribute__((always_inline)) bool collab_is_float(const collab_format format) {
    return format == COLLAB_F32 || format == COLLAB_F16 || format == COLLAB_BF16;
}

static inline bool collab_is_k(collab_format format) {
    return format == COLLAB_Q4_K || format == COLLAB_Q5_K || format == COLLAB_Q6_K;
}

/// Whether a weight is a whole byte once it is unpacked.
static inline __attribute__((always_inline)) bool collab_is_bytes(const collab_format format) {
    return format == COLLAB_Q8_0 || format == COLLAB_Q8_0_PLANES;
}

/// How many bits a weight has once it is unpacked.
static inline __attribute__((always_inline)) int collab_weight_bits(const collab_format format) {
    switch (format) {
        case COLLAB_Q8_0:
        case COLLAB_Q8_0_PLANES: return 8;
        case COLLAB_Q6_K: return 6;
        case COLLAB_Q5_0:
        case COLLAB_Q5_1:
        case COLLAB_Q5_K: return 5;
        default: return 4;
    }
}

/// Elements and bytes of one block of the source format.
static inline size_t collab_block_elements(collab_format format) {
    return collab_is_float(format) ? 1 : collab_is_k(format) ? 256 : 32;
}

static inline size_t collab_block_bytes(collab_format format) {
    static const size_t bytes[COLLAB_FORMAT_COUNT] = {4, 2, 2, 34, 18, 20, 22, 24, 144, 176, 210, 34};
    return bytes[format];
}

/// Blocks of 32 columns, rounded up to a whole chunk of two. A K format's columns are whole chunks of eight.
static inline size_t collab_padded_blocks(size_t columns) { return (columns + 63) / 64 * 2; }

/// Bytes from one group to the next. Low planes lie elsewhere, so that high planes are one stream.
static inline size_t collab_group_stride(collab_format format, size_t columns) {
    const collab_layout at = collab_layout_of(format);
    return (collab_padded_blocks(columns) + (size_t)at.blocks - 1) / (size_t)at.blocks * (size_t)at.chunk_bytes;
}

// COLLAB_Q8_0_PLANES splits a weight q into ⌊q / 8⌋, laid out as Q5_0 is, and the three bits below. Behind all groups'
// high planes lie their low planes, three vectors a block: vector k holds those of columns 8k…8k+3 in its bits 0…2, of
// 8k+4…8k+7 in its bits 3…5, and bit k of columns 24…27 and 28…31 in its bits 6 and 7. Behind these lies a byte a group
// and block: twelve times the Euclidean norm of the low bits less 3.5, that of the row where it is largest, rounded up.
enum {
    COLLAB_LOW_BITS = 3,
    COLLAB_LOW_BLOCK = 192,
    COLLAB_LOW_NORM_UNIT = 12,
    /// The most blocks that bounds are computed for.
    COLLAB_PLANES_BLOCKS = 512,
};

static inline size_t collab_low_stride(size_t columns) { return collab_padded_blocks(columns) * COLLAB_LOW_BLOCK; }

static inline size_t collab_group_count(size_t rows) { return (rows + COLLAB_GROUP_ROWS - 1) / COLLAB_GROUP_ROWS; }

/// Where the low planes begin, and the norms.
static inline size_t collab_low_offset(size_t rows, size_t columns) {
    return collab_group_count(rows) * collab_group_stride(COLLAB_Q8_0_PLANES, columns);
}
static inline size_t collab_norm_offset(size_t rows, size_t columns) {
    return collab_low_offset(rows, columns) + collab_group_count(rows) * collab_low_stride(columns);
}

// Activations come in tiles of 8 rows (fewer in the last). A tile is a sequence of records, one for each block:
// integer: [rows][32] int8, [rows] scale, [rows] scale · sum, [rows] −sum, [rows][2] −sum of each half;
// float: [rows][32] float, [rows] sum.
enum {
    COLLAB_INTEGER_RECORD = 32 + 4 + 4 + 4 + 8,
    COLLAB_FLOAT_RECORD = 33 * 4,
};

static inline size_t collab_record_bytes(collab_precision precision) {
    return precision == COLLAB_INTEGER ? COLLAB_INTEGER_RECORD : COLLAB_FLOAT_RECORD;
}

#endif
