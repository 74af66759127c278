// SPDX-License-Identifier: Apache-2.0
#include "tools/train/isa.h"

#include "tools/train/kernel.h"

#include <stddef.h>

// The widest vector the target has registers for; LANES numbers are PARTS of them. A tile of
// TILE_ROWS x TILE_COLS sums stays in registers, beside TILE_ROWS inputs and a weight.
#if defined __AVX512F__
enum { VECTOR_BYTES = 64, TILE_ROWS = 4, TILE_COLS = 4 };
#elif defined __AVX__
enum { VECTOR_BYTES = 32, TILE_ROWS = 2, TILE_COLS = 4 };
#else
enum { VECTOR_BYTES = 16, TILE_ROWS = 2, TILE_COLS = 4 };
#endif
typedef real vec __attribute__((vector_size(VECTOR_BYTES), aligned(VECTOR_BYTES), may_alias));
enum { PER_VEC = VECTOR_BYTES / sizeof(real), PARTS = LANES / PER_VEC };

static inline __attribute__((always_inline)) vec *element(real *base, size_t index)
{
    return (vec *)__builtin_assume_aligned(base + index * LANES, VECTOR_BYTES);
}

static inline __attribute__((always_inline)) const vec *element_of(const real *base, size_t index)
{
    return (const vec *)__builtin_assume_aligned(base + index * LANES, VECTOR_BYTES);
}

static inline __attribute__((always_inline)) void weights_tile(real *out, const real *x,
                                                               const real *w, int depth, int cols,
                                                               int accumulate, const int tile_rows,
                                                               const int tile_cols)
{
    vec sum[TILE_ROWS][TILE_COLS];
    for (int i = 0; i < tile_rows; i++)
        for (int j = 0; j < tile_cols; j++)
            sum[i][j] = accumulate ? *element(out, (size_t)(i * cols + j)) : (vec){0};
    for (int k = 0; k < depth; k++) {
        vec in[TILE_ROWS];
        for (int i = 0; i < tile_rows; i++)
            in[i] = *element_of(x, (size_t)(i * depth + k));
        for (int j = 0; j < tile_cols; j++) {
            real weight = w[(size_t)k * (size_t)cols + (size_t)j];
            for (int i = 0; i < tile_rows; i++)
                sum[i][j] += in[i] * weight;
        }
    }
    for (int i = 0; i < tile_rows; i++)
        for (int j = 0; j < tile_cols; j++)
            *element(out, (size_t)(i * cols + j)) = sum[i][j];
}

static inline __attribute__((always_inline)) void weights_band(real *out, const real *x,
                                                               const real *w, int depth, int cols,
                                                               int accumulate, const int tile_rows)
{
    int j = 0;
    for (; j + TILE_COLS <= cols; j += TILE_COLS)
        weights_tile(out + (size_t)j * LANES, x, w + j, depth, cols, accumulate, tile_rows,
                     TILE_COLS);
    for (; j < cols; j++)
        weights_tile(out + (size_t)j * LANES, x, w + j, depth, cols, accumulate, tile_rows, 1);
}

void kernel_weights(real *out, const real *x, const real *w, int rows, int depth, int cols,
                    int accumulate)
{
    for (int part = 0; part < PARTS; part++) {
        real *o = out + part * PER_VEC;
        const real *in = x + part * PER_VEC;
        int i = 0;
        for (; i + TILE_ROWS <= rows; i += TILE_ROWS)
            weights_band(o + (size_t)(i * cols) * LANES, in + (size_t)(i * depth) * LANES, w, depth,
                         cols, accumulate, TILE_ROWS);
        for (; i < rows; i++)
            weights_band(o + (size_t)(i * cols) * LANES, in + (size_t)(i * depth) * LANES, w, depth,
                         cols, accumulate, 1);
    }
}

static inline __attribute__((always_inline)) void
lanes_tile(real *out, int out_row, struct kernel_view a, struct kernel_view b, int depth,
           int accumulate, const int tile_rows, const int tile_cols)
{
    vec sum[TILE_ROWS][TILE_COLS];
    for (int i = 0; i < tile_rows; i++)
        for (int j = 0; j < tile_cols; j++)
            sum[i][j] = accumulate ? *element(out, (size_t)(i * out_row + j)) : (vec){0};
    for (int k = 0; k < depth; k++) {
        vec left[TILE_ROWS];
        for (int i = 0; i < tile_rows; i++)
            left[i] = *element_of(a.at, (size_t)(i * a.row + k * a.step));
        for (int j = 0; j < tile_cols; j++) {
            vec right = *element_of(b.at, (size_t)(j * b.row + k * b.step));
            for (int i = 0; i < tile_rows; i++)
                sum[i][j] += left[i] * right;
        }
    }
    for (int i = 0; i < tile_rows; i++)
        for (int j = 0; j < tile_cols; j++)
            *element(out, (size_t)(i * out_row + j)) = sum[i][j];
}

static inline __attribute__((always_inline)) void
lanes_band(real *out, int out_row, struct kernel_view a, struct kernel_view b, int cols, int depth,
           int accumulate, const int tile_rows)
{
    int j = 0;
    for (; j + TILE_COLS <= cols; j += TILE_COLS) {
        lanes_tile(out + (size_t)j * LANES, out_row, a, b, depth, accumulate, tile_rows, TILE_COLS);
        b.at += (size_t)(TILE_COLS * b.row) * LANES;
    }
    for (; j < cols; j++) {
        lanes_tile(out + (size_t)j * LANES, out_row, a, b, depth, accumulate, tile_rows, 1);
        b.at += (size_t)b.row * LANES;
    }
}

void kernel_lanes(real *out, int out_row, struct kernel_view a, struct kernel_view b, int rows,
                  int cols, int depth, int accumulate)
{
    for (int part = 0; part < PARTS; part++) {
        real *o = out + part * PER_VEC;
        struct kernel_view left = {a.at + part * PER_VEC, a.row, a.step};
        struct kernel_view right = {b.at + part * PER_VEC, b.row, b.step};
        int i = 0;
        for (; i + TILE_ROWS <= rows; i += TILE_ROWS) {
            lanes_band(o, out_row, left, right, cols, depth, accumulate, TILE_ROWS);
            o += (size_t)(TILE_ROWS * out_row) * LANES;
            left.at += (size_t)(TILE_ROWS * left.row) * LANES;
        }
        for (; i < rows; i++) {
            lanes_band(o, out_row, left, right, cols, depth, accumulate, 1);
            o += (size_t)out_row * LANES;
            left.at += (size_t)left.row * LANES;
        }
    }
}

// Adds the lanes of a tile's sums up, by halves, so that every vector length adds in one order.
static inline __attribute__((always_inline)) void add_up(real *out, size_t out_row,
                                                         real sum[TILE_ROWS][TILE_COLS][LANES],
                                                         const int tile_rows, const int tile_cols)
{
    for (int i = 0; i < tile_rows; i++)
        for (int j = 0; j < tile_cols; j++) {
            real *s = sum[i][j];
            for (int half = LANES / 2; half; half /= 2)
                for (int lane = 0; lane < half; lane++)
                    s[lane] += s[lane + half];
            out[(size_t)i * out_row + (size_t)j] += s[0];
        }
}

static inline __attribute__((always_inline)) void gradient_tile(real *out, const real *a,
                                                                const real *b, int rows, int cols,
                                                                int depth, const int tile_rows,
                                                                const int tile_cols)
{
    real sum[TILE_ROWS][TILE_COLS][LANES] __attribute__((aligned(64)));
    for (int part = 0; part < PARTS; part++)
        lanes_tile(&sum[0][0][part * PER_VEC], TILE_COLS,
                   (struct kernel_view){a + part * PER_VEC, 1, rows},
                   (struct kernel_view){b + part * PER_VEC, 1, cols}, depth, 0, tile_rows,
                   tile_cols);
    add_up(out, (size_t)cols, sum, tile_rows, tile_cols);
}

static inline __attribute__((always_inline)) void gradient_band(real *out, const real *a,
                                                                const real *b, int rows, int cols,
                                                                int depth, const int tile_rows)
{
    int j = 0;
    for (; j + TILE_COLS <= cols; j += TILE_COLS)
        gradient_tile(out + j, a, b + (size_t)j * LANES, rows, cols, depth, tile_rows, TILE_COLS);
    for (; j < cols; j++)
        gradient_tile(out + j, a, b + (size_t)j * LANES, rows, cols, depth, tile_rows, 1);
}

void kernel_gradient(real *out, const real *a, const real *b, int rows, int cols, int depth)
{
    int i = 0;
    for (; i + TILE_ROWS <= rows; i += TILE_ROWS)
        gradient_band(out + (size_t)(i * cols), a + (size_t)i * LANES, b, rows, cols, depth,
                      TILE_ROWS);
    for (; i < rows; i++)
        gradient_band(out + (size_t)(i * cols), a + (size_t)i * LANES, b, rows, cols, depth, 1);
}
