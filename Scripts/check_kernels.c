// Compares every level that this processor has with the portable one, kernel by kernel, and prints a digest of what has
// to be the same to the bit on every processor. Built and run by Scripts/check-kernels, also for other processors.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "CKernels.h"

static uint64_t state = 1;
static int failures = 0;
static int comparisons = 0;

static uint64_t next_random(void) {
    state += 0x9e3779b97f4a7c15u;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static float random_float(void) { return (float)((double)(next_random() >> 11) / 4503599627370496.0 - 1.0); }

static float *random_floats(size_t count) {
    float *x = malloc(count * sizeof(float) + 64);
    for (size_t i = 0; i < count; i++) x[i] = random_float();
    return x;
}

static void *zeros(size_t bytes) { return calloc(1, bytes + 64); }

/// FNV-1a over bytes; one line a kernel whose bits do not depend on the level.
static void digest(const char *name, collab_level level, const void *bytes, size_t count) {
    static char names[64][48];
    static uint64_t digests[64];
    static int known = 0;
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < count; i++) hash = (hash ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3u;
    comparisons++;
    for (int i = 0; i < known; i++) {
        if (strcmp(names[i], name)) continue;
        if (digests[i] != hash) {
            failures++;
            printf("DIFFERS %s at level %d: other bits than the portable one\n", name, level);
        }
        return;
    }
    snprintf(names[known], sizeof names[0], "%s", name);
    digests[known++] = hash;
    printf("digest %s %016llx\n", name, (unsigned long long)hash);
}

/// |a − b| within tolerance · (1 + |b|), and not finite where the other is not.
static void close_to(const char *name, collab_level level, const float *found, const float *expected, size_t count,
                     double tolerance) {
    comparisons++;
    for (size_t i = 0; i < count; i++) {
        double a = found[i], b = expected[i];
        if (a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= tolerance * (1 + fabs(b))) continue;
        failures++;
        printf("DIFFERS %s at level %d: element %zu is %.9g, portable %.9g\n", name, level, i, a, b);
        return;
    }
}

static void same_bits(const char *name, collab_level level, const void *found, const void *expected, size_t bytes) {
    comparisons++;
    if (!memcmp(found, expected, bytes)) return;
    failures++;
    printf("DIFFERS %s at level %d: not the same bits\n", name, level);
}

static const struct {
    const char *name;
    size_t elements, bytes;
    int scales, offsets[2];
} formats[] = {
    {"F32", 1, 4, 0, {0, 0}},     {"F16", 1, 2, 0, {0, 0}},     {"BF16", 1, 2, 0, {0, 0}},
    {"Q8_0", 32, 34, 1, {0, 0}},  {"Q4_0", 32, 18, 1, {0, 0}},  {"Q4_1", 32, 20, 2, {0, 2}},
    {"Q5_0", 32, 22, 1, {0, 0}},  {"Q5_1", 32, 24, 2, {0, 2}},  {"Q4_K", 256, 144, 2, {0, 2}},
    {"Q5_K", 256, 176, 2, {0, 2}}, {"Q6_K", 256, 210, 1, {208, 0}},
};

static uint8_t *random_tensor(collab_format format, size_t elements) {
    size_t blocks = elements / formats[format].elements, size = formats[format].bytes;
    uint8_t *tensor = zeros(blocks * size);
    for (size_t b = 0; b < blocks; b++) {
        uint8_t *block = tensor + b * size;
        if (formats[format].elements == 1) {
            float value = random_float();
            uint16_t half = collab_f32_to_f16(value);
            uint32_t bits;
            memcpy(&bits, &value, 4);
            uint16_t brain = (uint16_t)(bits >> 16);
            memcpy(block, format == COLLAB_F32 ? (void *)&value : format == COLLAB_F16 ? (void *)&half : (void *)&brain,
                   size);
            continue;
        }
        for (size_t i = 0; i < size; i++) block[i] = (uint8_t)next_random();
        for (int s = 0; s < formats[format].scales; s++) {
            uint8_t *high = block + formats[format].offsets[s] + 1;
            *high = (uint8_t)((*high & 0x83) | 0x24);
        }
    }
    return tensor;
}

static void check_products(collab_level level, collab_format format) {
    size_t block = formats[format].elements, columns = block == 256 ? 512 : block == 32 ? 96 : 90, rows = 37;
    state = 100 + (uint64_t)format;
    uint8_t *tensor = random_tensor(format, rows * columns);
    float *plain = zeros(rows * columns * 4), *expected = zeros(rows * columns * 4);
    char name[64];
    collab_dequantize(level, format, tensor, rows * columns / block, plain);
    snprintf(name, sizeof name, "dequantised-%s", formats[format].name);
    digest(name, level, plain, rows * columns * 4);
    size_t groups = (rows + COLLAB_GROUP_ROWS - 1) / COLLAB_GROUP_ROWS;
    uint8_t *packed = zeros(collab_packed_group_bytes(format, columns) * groups + 64);
    packed += 64 - (uintptr_t)packed % 64;
    collab_pack(format, tensor, rows, columns, 0, groups, packed);
    enum { tokens = 13 };
    float *x = random_floats(tokens * columns), *weight = random_floats(columns), *scales = random_floats(tokens);
    size_t stride = groups * COLLAB_GROUP_ROWS;
    for (int precision = COLLAB_INTEGER; precision <= COLLAB_FLOAT; precision++) {
        if (precision == COLLAB_INTEGER && format <= COLLAB_BF16) continue;
        size_t bytes = collab_activation_bytes(precision, columns, tokens);
        uint8_t *mine = zeros(bytes + 64), *other = zeros(bytes + 64);
        mine += 64 - (uintptr_t)mine % 64;
        other += 64 - (uintptr_t)other % 64;
        float *y = zeros(tokens * stride * 4), *z = zeros(tokens * stride * 4), *one = zeros(tokens * stride * 4);
        collab_activations_prepare(level, precision, x, columns, scales, weight, columns, tokens, 0, tokens, mine);
        collab_activations_prepare(COLLAB_LEVEL_PORTABLE, precision, x, columns, scales, weight, columns, tokens, 0,
                                   tokens, other);
        collab_matrix_multiply(level, precision, format, packed, rows, columns, 0, groups, mine, tokens, y, stride);
        collab_matrix_multiply(COLLAB_LEVEL_PORTABLE, precision, format, packed, rows, columns, 0, groups, other,
                               tokens, z, stride);
        for (int t = 0; t < tokens; t++) {
            snprintf(name, sizeof name, "%s %s product", precision ? "float" : "integer", formats[format].name);
            // Integer activations may round to the other neighbour where the levels' products differ in the last bit.
            close_to(name, level, y + t * stride, z + t * stride, rows, precision ? 2e-5 : 2e-2);
            collab_activations_prepare(level, precision, x + t * columns, columns, scales + t, weight, columns, 1, 0, 1,
                                       mine);
            collab_matrix_multiply(level, precision, format, packed, rows, columns, 0, groups, mine, 1, one, stride);
            snprintf(name, sizeof name, "%s %s product of a row alone", precision ? "float" : "integer",
                     formats[format].name);
            same_bits(name, level, one, y + t * stride, rows * 4);
        }
    }
    expected[0] = 0;
    if (format != COLLAB_Q8_0) return;
    // The bound over the high planes is above the product, always.
    uint8_t *planes = zeros(collab_packed_group_bytes(COLLAB_Q8_0_PLANES, columns) * groups + 128);
    planes += 64 - (uintptr_t)planes % 64;
    collab_pack(COLLAB_Q8_0_PLANES, tensor, rows, columns, 0, groups, planes);
    uint8_t *row = zeros(collab_activation_bytes(COLLAB_INTEGER, columns, 1) + 64);
    row += 64 - (uintptr_t)row % 64;
    collab_activations_prepare(level, COLLAB_INTEGER, x, columns, 0, 0, columns, 1, 0, 1, row);
    float *upper = zeros(stride * 4), *exact = zeros(stride * 4), *whole = zeros(stride * 4);
    collab_matrix_bound(level, planes, rows, columns, 0, groups, row, upper);
    collab_matrix_multiply(level, COLLAB_INTEGER, COLLAB_Q8_0_PLANES, planes, rows, columns, 0, groups, row, 1, exact,
                           stride);
    collab_matrix_multiply(level, COLLAB_INTEGER, COLLAB_Q8_0, packed, rows, columns, 0, groups, row, 1, whole, stride);
    same_bits("product of planes", level, exact, whole, rows * 4);
    for (size_t r = 0; r < rows; r++) {
        comparisons++;
        if (upper[r] >= exact[r]) continue;
        failures++;
        printf("DIFFERS bound at level %d: row %zu is above its bound\n", level, r);
    }
}

static void check_vectors(collab_level level) {
    static const size_t counts[] = {1, 3, 15, 16, 17, 63, 64, 90, 576, 1000};
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        size_t n = counts[c];
        state = n;
        float *a = random_floats(n), *b = random_floats(n), *w = random_floats(n), *y = zeros(n * 4), *z = zeros(n * 4);
        for (size_t i = 0; i < n; i++) a[i] *= 9;
#define BOTH(name, tolerance, call)                      \
    do {                                                 \
        float *out = y;                                  \
        collab_level at = level;                         \
        memcpy(y, w, n * 4);                             \
        memcpy(z, w, n * 4);                             \
        call;                                            \
        out = z;                                         \
        at = COLLAB_LEVEL_PORTABLE;                      \
        call;                                            \
        close_to(name, level, y, z, n, tolerance);       \
    } while (0)
        BOTH("RMS norm", 2e-6, collab_rms_norm(at, a, b, 1e-5f, n, out));
        BOTH("layer norm", 1e-5, collab_layer_norm(at, a, b, w, 1e-5f, n, out));
        BOTH("SwiGLU", 2e-6, collab_swiglu(at, a, b, n, out));
        BOTH("GeGLU", 2e-6, collab_geglu(at, a, b, n, out));
        BOTH("GELU", 2e-6, collab_gelu_tanh(at, a, n, out));
        BOTH("GELU by erf", 2e-6, collab_gelu_erf(at, a, n, out));
        BOTH("exp", 2e-6, collab_exp(at, a, n, out));
        BOTH("tanh", 2e-6, collab_tanh(at, a, n, out));
        BOTH("add", 0, collab_add(at, a, n, out));
        BOTH("axpy", 1e-6, collab_axpy(at, 0.7f, a, n, out));
        BOTH("scale", 0, collab_scale(at, 0.7f, a, n, out));
        BOTH("softcap", 2e-6, collab_softcap(at, 30, a, n, out));
        BOTH("dot", 2e-5, out[0] = collab_dot(at, a, b, n));
        BOTH("log-sum-exp", 2e-6, out[0] = (float)collab_log_sum_exp(at, a, n));
        BOTH("max", 0, out[0] = collab_max(at, a, n));
        BOTH("arg-max", 0, out[0] = (float)collab_argmax(at, a, n));
        size_t k = n < 7 ? n : 7;
        uint32_t indices[7] = {0};
        float values[7] = {0};
        collab_top_k(level, a, n, k, indices, values);
        char name[48];
        snprintf(name, sizeof name, "top-k-of-%zu", n);
        digest(name, level, indices, k * 4);
    }
    state = 77;
    float *x = random_floats(6 * 64), *y = zeros(6 * 64 * 4), *z = zeros(6 * 64 * 4);
    float *cosines = random_floats(32), *sines = random_floats(32);
    for (int interleaved = 0; interleaved < 2; interleaved++) {
        memcpy(y, x, 6 * 64 * 4);
        memcpy(z, x, 6 * 64 * 4);
        collab_rope(level, y, 6, 64, 64, cosines, sines, interleaved);
        collab_rope(COLLAB_LEVEL_PORTABLE, z, 6, 64, 64, cosines, sines, interleaved);
        close_to("rotary embedding", level, y, z, 6 * 64, 1e-6);
    }
}

static void check_attention(collab_level level, collab_kv_format format) {
    collab_kv_shape shape = {3, 48, format};
    enum { positions = 150, heads = 9, tokens = 5 };
    state = 300 + (uint64_t)format;
    size_t bytes = collab_kv_page_bytes(shape);
    void *pages[3];
    for (int p = 0; p < 3; p++) {
        char *memory = zeros(bytes + 64);
        pages[p] = memory + 64 - (uintptr_t)memory % 64;
    }
    for (int p = 0; p < positions; p++) {
        float *k = random_floats(3 * 48), *v = random_floats(3 * 48);
        collab_kv_store(level, shape, pages[p / 64], p % 64, k, v);
        free(k);
        free(v);
    }
    float *loaded = zeros(positions * 2 * 144 * 4);
    for (int p = 0; p < positions; p++)
        collab_kv_load(shape, pages[p / 64], p % 64, loaded + p * 288, loaded + p * 288 + 144);
    char name[48];
    snprintf(name, sizeof name, "kept-keys-and-values-%d", format);
    digest(name, level, loaded, positions * 288 * 4);
    float *q = random_floats(tokens * heads * 48);
    float *y = zeros(tokens * heads * 48 * 4), *z = zeros(tokens * heads * 48 * 4), *one = zeros(heads * 48 * 4);
    int32_t starts[tokens] = {0, 0, 10, 70, 3}, ends[tokens] = {1, 64, 65, 150, 3};
    for (int capped = 0; capped < 2; capped++) {
        collab_attention call = {(const void *const *)pages, q, heads * 48, y, heads * 48, starts, ends, tokens, heads,
                                 0.144f, capped ? 20.0f : 0.0f};
        collab_attend(level, shape, &call, 0, heads);
        call.output = z;
        collab_attend(COLLAB_LEVEL_PORTABLE, shape, &call, 0, heads);
        close_to("attention", level, y, z, tokens * heads * 48, 5e-6);
        for (int t = 0; t < tokens; t++) {
            collab_attention single = call;
            single.queries = q + t * heads * 48;
            single.output = one;
            single.starts = starts + t;
            single.ends = ends + t;
            single.tokens = 1;
            collab_attend(level, shape, &single, 0, heads);
            same_bits("attention of a query alone", level, one, y + t * heads * 48, heads * 48 * 4);
        }
    }
}

static void check_exact(collab_level level) {
    enum { count = 1003, members = 3 };
    state = 9;
    float *x[members + 1];
    for (int m = 0; m <= members; m++) x[m] = random_floats(count);
    const float *inputs[members] = {x[0], x[1], x[2]};
    double weights[members] = {0.7, -0.4, 1.9}, scales[members] = {1.1, 0.9, 1.0};
    float *out = zeros(count * 4);
    collab_merge_weighted(level, inputs, weights, members, count, out);
    digest("weighted-sum", level, out, count * 4);
    collab_merge_delta(level, x[0], x[1], count, out);
    digest("difference", level, out, count * 4);
    collab_merge_add(level, x[3], inputs, weights, members, 0.8, count, out);
    digest("task-arithmetic", level, out, count * 4);
    for (int vote = 0; vote < 3; vote++)
        for (int combination = 0; combination < 3; combination++) {
            char name[48];
            snprintf(name, sizeof name, "consensus-%d-%d", vote, combination);
            collab_merge_consensus(level, x[3], inputs, scales, weights, members, vote, combination, 1.2, count, out);
            digest(name, level, out, count * 4);
        }
    double sums[3] = {0, 0, 0};
    collab_merge_products(level, x[0], x[1], count, sums);
    digest("products", level, sums, sizeof sums);
    sums[0] = collab_merge_l1(level, x[0], count);
    digest("l1", level, sums, 8);
    memcpy(out, x[0], count * 4);
    collab_merge_drop(level, out, 5, count, 42, 7, 30000);
    digest("dropped", level, out, count * 4);
    float factors[members] = {1.5f, -0.5f, 0.25f};
    collab_fuse_log_linear(level, inputs, factors, members, count, out);
    digest("log-linear-fusion", level, out, count * 4);
    collab_fuse_linear(level, inputs, factors, members, count, out);
    digest("linear-fusion", level, out, count * 4);
    double expectations[members + 1] = {0};
    collab_fuse_expectations(level, x[3], 6.5f, inputs, members, count, expectations);
    digest("expectations", level, expectations, sizeof expectations);
    sums[0] = collab_exp_sum(level, x[0], count, 1, 1.3f);
    digest("exp-sum", level, sums, 8);
    ptrdiff_t drawn[10];
    for (int d = 0; d < 10; d++) drawn[d] = collab_draw(level, x[0], count, 1, 1.3f, d / 10.0);
    digest("draws", level, drawn, sizeof drawn);
}

int main(void) {
    printf("best level %d\n", collab_level_best());
    for (int level = COLLAB_LEVEL_PORTABLE; level <= COLLAB_LEVEL_AVX512; level++) {
        if (!collab_level_supported(level)) continue;
        for (int format = COLLAB_F32; format <= COLLAB_Q6_K; format++) check_products(level, format);
        for (int format = COLLAB_KV_HALF; format <= COLLAB_KV_BYTE; format++) check_attention(level, format);
        check_vectors(level);
        check_exact(level);
    }
    printf("%d comparisons, %d failures\n", comparisons, failures);
    return failures > 0;
}
