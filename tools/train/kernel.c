// SPDX-License-Identifier: Apache-2.0
#include "tools/train/kernel.h"

#include <stddef.h>

// The widest vector the target has registers for; LANES numbers are PARTS of them.
#ifdef __AVX__
enum { VECTOR_BYTES = 32 };
#else
enum { VECTOR_BYTES = 16 };
#endif
typedef real vec __attribute__((vector_size(VECTOR_BYTES), aligned(VECTOR_BYTES), may_alias));
enum { PER_VEC = VECTOR_BYTES / sizeof(real), PARTS = LANES / PER_VEC };

// A tile of ROWS x COLS sums stays in registers: 8 sums, 2 inputs and a weight in 16 registers.
enum { TILE_ROWS = 2, TILE_COLS = 4 };

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
