#include <string.h>

#include "collab_convert.h"
#include "layout.h"

/// 1 where a half-precision number is NaN or infinite, else 0.
static inline unsigned is_bad_f16(const unsigned char *bytes) {
    uint16_t bits;
    memcpy(&bits, bytes, 2);
    return (bits & 0x7c00) == 0x7c00;
}

static inline unsigned is_bad_bf16(const unsigned char *bytes) {
    uint16_t bits;
    memcpy(&bits, bytes, 2);
    return (bits & 0x7f80) == 0x7f80;
}

static inline unsigned is_bad_f32(const unsigned char *bytes) {
    uint32_t bits;
    memcpy(&bits, bytes, 4);
    return (bits & 0x7f800000) == 0x7f800000;
}

bool collab_is_finite(collab_format format, const void *source, size_t blocks) {
    const size_t size = collab_block_bytes(format);
    const unsigned char *block = source;
    const unsigned char *end = block + blocks * size;
    unsigned bad = 0;
    switch (format) {
        case COLLAB_F32:
            for (; block < end; block += 4) bad |= is_bad_f32(block);
            break;
        case COLLAB_F16:
            for (; block < end; block += 2) bad |= is_bad_f16(block);
            break;
        case COLLAB_BF16:
            for (; block < end; block += 2) bad |= is_bad_bf16(block);
            break;
        case COLLAB_Q8_0:
        case COLLAB_Q4_0:
        case COLLAB_Q5_0:
            for (; block < end; block += size) bad |= is_bad_f16(block);
            break;
        case COLLAB_Q6_K:
            // The scale stands at the end.
            for (; block < end; block += size) bad |= is_bad_f16(block + size - 2);
            break;
        default:
            // A scale and a minimum at the beginning.
            for (; block < end; block += size) bad |= is_bad_f16(block) | is_bad_f16(block + 2);
    }
    return !bad;
}
