// SPDX-License-Identifier: Apache-2.0
// The three matrix products of training. Matrices of lanes hold LANES numbers per element; strides
// count elements. Sums run over depth in order, so results are the same on every machine.
#ifndef SEVENCAST_TRAIN_KERNEL_H
#define SEVENCAST_TRAIN_KERNEL_H

#include "tools/train/real.h"

// out[rows][cols] (+)= x[rows][depth] * w[depth][cols]; out and x are lanes, w is scalar.
void kernel_weights(real *out, const real *x, const real *w, int rows, int depth, int cols,
                    int accumulate);

struct kernel_view {
    const real *at;
    int row, step; // stride along rows (columns of the product) and along depth
};

// out[rows][cols] (+)= a * b with everything in lanes; out_row is the stride of out's rows.
void kernel_lanes(real *out, int out_row, struct kernel_view a, struct kernel_view b, int rows,
                  int cols, int depth, int accumulate);

// out[rows][cols] += sum over depth and lanes of a[depth][rows] * b[depth][cols]; a and b are
// lanes, out is scalar. Each element's lanes are added once per call, depth first.
void kernel_gradient(real *out, const real *a, const real *b, int rows, int cols, int depth);

#endif
