// SPDX-License-Identifier: Apache-2.0
// The deployment graph of docs/arithmetic.md in floating point, forwards and backwards, with or
// without fake quantisation of every tensor. Normalisation is already folded: what is left of it is
// one gain per channel on each residual, so trained parameters go to integers one for one.
//
// The collapsed form has fewer tensors and layers; their places stay empty. Its output layer reads
// the means over the window of r, then of f, and its weights' step is that of f's part: r's part
// has that step times step(f) / step(r), so that all products have one step (see net_weight_parts).
//
// Symbols: L window, m features, d d_model, F d_ff. A linear layer stores w as [in][out]. LANES
// windows are computed side by side (real.h); nothing here draws random numbers but net_init.
#ifndef SEVENCAST_TRAIN_NET_H
#define SEVENCAST_TRAIN_NET_H

#include <stddef.h>
#include <stdint.h>

#include "tools/model/model.h"
#include "tools/train/quant.h"

enum {
    NET_LINEARS = 2 + 6 * MODEL_MAX_LAYERS,
    NET_ACTS = 4 + 9 * MODEL_MAX_LAYERS,
};
#define NET_NONE SIZE_MAX

// Where a linear layer's parameters lie in the parameter vector.
struct net_linear {
    int in, out;
    int biases;  // out, or L * out for the input layer
    size_t w, b; // w[in][out], b[biases]
    size_t gain; // [out], or NET_NONE
    size_t step; // log of the weights' step
};

// Weights of one linear layer that share a step.
struct net_part {
    size_t at, count; // in the parameter vector
    real step;
};

struct net_layout {
    struct model_shape shape;
    int linears, acts;
    struct net_linear linear[NET_LINEARS];
    size_t act_step[NET_ACTS]; // log of an activation's step
    size_t act_size[NET_ACTS]; // elements
    size_t weights_end; // parameters below are weights, biases and gains; above are log steps
    size_t count;
};

// One activation: pre before and val after quantisation (and, for f, after the ReLU).
struct net_act {
    real *pre, *val, *grad; // [elements][LANES]; val is pre where nothing changes it
    real *store;            // memory behind val
    struct quant_range range;
};

struct net {
    struct net_layout layout;
    struct model_bits bits;
    int quantised;  // 0: floating point
    real *param;    // [count]
    real *grad;     // [count], of the last batch
    real *weight;   // [weights_end], weights and gains as the forward pass sees them
    real *turned;   // the same, each w as [out][in]
    real *lane_sum; // [weights_end][LANES]
    real *z_inverse[MODEL_MAX_LAYERS]; // [heads * L][LANES]
    struct quant_range weight_range[NET_LINEARS];
    // Factors of the forward pass; of a quantised net as its integers have them, see net_begin.
    real score_scale[MODEL_MAX_LAYERS], pool_scale;
    real drop_unit;  // what the collapsed form's output sum is cut to multiples of; 0: it is not
    real drop_slack; // of that unit: half of what exact sums are multiples of
    struct {
        int32_t k; // 0: a plain division
        real scale;
    } context[MODEL_MAX_LAYERS];
    struct net_act act[NET_ACTS];
    void *memory; // owned: all of the above
};

// Index of a linear layer and of an activation; -1 where it does not exist.
int net_linear_index(const struct model_shape *s, enum model_op op, int layer);
int net_act_index(const struct model_shape *s, enum model_tensor t, int layer);
// What the output layer reads: o, or the means of r and f.
int net_pooled_index(const struct model_shape *s);

// NULL when the shape is not valid or memory is short. Parameters are zero, quantisation is off.
struct net *net_new(const struct model_shape *s);
void net_free(struct net *n); // NULL allowed

// Random weights, sinusoidal positions, gains of one.
void net_init(struct net *n, uint64_t seed);

// Switches fake quantisation on with these widths (steps must be set, see calibrate.h), or off
// with NULL.
void net_quantise(struct net *n, const struct model_bits *bits);

// The step of an activation or of a linear layer's weights.
real net_act_step(const struct net *n, int act);
real net_weight_step(const struct net *n, int linear);
// The parts of a linear layer's weights; returns how many, 1 or 2.
int net_weight_parts(const struct net *n, int linear, struct net_part part[2]);

// Call after param has changed and before net_forward: forms weight and turned, clears sums. Of a
// quantised net, weights, gains and factors are those of the multipliers and shifts that an export
// would write; where no shift fits they stay ideal, and the export will say so.
void net_begin(struct net *n);
// Reads act[x].pre (see net_input), leaves the outputs in act[y].val.
void net_forward(struct net *n);
// Takes dL/dy in act[y].grad; adds to the sums of this batch.
void net_backward(struct net *n);
// Collects the sums of all windows since net_begin into grad.
void net_end(struct net *n);

real *net_input(struct net *n);        // [L][m][LANES], scaled features
const real *net_output(struct net *n); // [outputs][LANES], scaled targets
real *net_output_grad(struct net *n);  // [outputs][LANES]

#endif
