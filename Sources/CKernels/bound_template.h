// Upper bounds of products from the high plane alone, over the primitives that the including file defines.
/// What a block of activations contributes to every row.
typedef struct {
    /// 8 · scale, 3.5 · scale · Σ x.
    float scale, centre;
    /// The scaled norm of the activations over the unit of the low parts' norms, and what rounding may add.
    float norm, slack;
} cv_bound_block;

/// Roundings of both sums: at most 4 a block and a few more, each of 2⁻²⁴ of all terms' magnitudes. A term's is at most
/// scale · 128 Σ |x|, to which the centre adds 3.5 Σ |x|; 160 and the factor of the norm leave room for this one's own.
CV_INLINE cv_bound_block cv_bound_of(const uint8_t *record, const size_t blocks) {
    const int8_t *q = (const int8_t *)record;
    const float *d = (const float *)(record + 32);
    int squares = 0, magnitudes = 0;
    for (int k = 0; k < 32; k++) {
        squares += q[k] * q[k];
        magnitudes += q[k] < 0 ? -q[k] : q[k];
    }
    const float rounding = (float)(4 * blocks + 16) * 0x1p-24f;
    return (cv_bound_block){
        .scale = 8 * d[0],
        .centre = 3.5f * d[1],
        .norm = d[0] * __builtin_sqrtf((float)squares) * (1 + 4 * rounding) / (float)COLLAB_LOW_NORM_UNIT,
        .slack = d[0] * (float)magnitudes * 160 * rounding,
    };
}

static void cv_bound(const uint8_t *packed, size_t rows, size_t columns, size_t first_group, size_t end_group,
                     const uint8_t *activations, float *upper) {
    const collab_layout at = collab_layout_of(COLLAB_Q8_0_PLANES);
    const size_t blocks = collab_padded_blocks(columns);
    const size_t group_bytes = collab_group_stride(COLLAB_Q8_0_PLANES, columns);
    const uint8_t *norms = packed + collab_norm_offset(rows, columns);
    cv_bound_block terms[COLLAB_PLANES_BLOCKS];
    for (size_t b = 0; b < blocks; b++) terms[b] = cv_bound_of(activations + b * COLLAB_INTEGER_RECORD, blocks);
    for (size_t g = first_group; g < end_group; g++) {
        const size_t left = rows - g * COLLAB_GROUP_ROWS;
        const int count = left < COLLAB_GROUP_ROWS ? (int)left : COLLAB_GROUP_ROWS;
        for (int part = 0; part * CV_LANES < count; part++) {
            const int lanes = part * CV_LANES;
            // More than what products below the smallest normal number may lose.
            cv_f sum = cv_zero(), bound = cv_set1(1e-30f);
            for (size_t b = 0; b < blocks; b++) {
                const uint8_t *chunk = packed + g * group_bytes + b / 2 * (size_t)at.chunk_bytes;
                const uint8_t *block = chunk + b % 2 * (size_t)at.block_stride + 4 * lanes;
                const uint8_t *record = activations + b * COLLAB_INTEGER_RECORD;
                cv_b w[8];
                cv_unpack_high(block + at.data, block + at.planes, w);
                // ⌊q / 8⌋ is stored with 16 added.
                cv_i x = cv_offset((const int32_t *)(record + 40), 4);
                x = cv_dots(x, w, (const int8_t *)record, 8, 5);
                const cv_f scale = cv_load_f16(chunk + at.scales + 32 * (b % 2) + 2 * (size_t)lanes);
                const cv_bound_block *term = terms + b;
                sum = cv_fma(cv_cvt(x), cv_mul(scale, cv_bcast(&term->scale)), sum);
                sum = cv_fma(scale, cv_bcast(&term->centre), sum);
                const float norm = (float)norms[g * blocks + b] * term->norm + term->slack;
                bound = cv_fma(cv_abs(scale), cv_set1(norm), bound);
            }
            cv_store_rows(cv_add(sum, bound), upper + g * COLLAB_GROUP_ROWS, lanes, count);
        }
    }
}
