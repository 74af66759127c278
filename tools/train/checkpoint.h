// SPDX-License-Identifier: Apache-2.0
// Floating-point parameters as a safetensors file (8 bytes length, JSON header, raw F32 data).
// Names and layouts are those of torch's nn.TransformerEncoderLayer, weights as [out][in]:
//   input.weight [d, m]              position [L, d]: position and bias of the input layer
//   layers.N.self_attn.in_proj_weight [3d, d]   in_proj_bias [3d]   (q, k, v)
//   layers.N.self_attn.out_proj.weight [d, d]   out_proj.bias [d]
//   layers.N.linear1.weight [F, d]   linear1.bias [F]
//   layers.N.linear2.weight [d, F]   linear2.bias [d]
//   layers.N.gain1 [d]  layers.N.gain2 [d]: what is left of the normalisations, see net.h
//   output.weight [outputs, d]       output.bias [outputs]
// The collapsed form has instead of in_proj, out_proj, linear2 and gain2
//   layers.0.scores.weight [d, d]    layers.0.scores.bias [d]    (A and a of docs/arithmetic.md)
//   layers.0.context.weight [d, d]   layers.0.context.bias [d]   (W_v W_o)
//   output.weight [outputs, d + F]: of the means of r, then of f
#ifndef SEVENCAST_TRAIN_CHECKPOINT_H
#define SEVENCAST_TRAIN_CHECKPOINT_H

#include <stddef.h>

#include "tools/train/net.h"

enum { CHECKPOINT_MAX_HEADER_BYTES = 1 << 20 };

// How the parameters came about, kept as text in the file's __metadata__; zeros where it is absent.
struct checkpoint_note {
    uint64_t seed;
    int epoch, epochs; // which of how many was the best
};

// Both return 0, or -1 with why: "file: tensor 'x': reason". Saving is by rename. Loading wants
// every tensor in its exact shape and none besides, and touches n only when all is well.
int checkpoint_save(const struct net *n, const struct checkpoint_note *note, const char *path,
                    char *why, size_t whycap);
int checkpoint_load(struct net *n, struct checkpoint_note *note, const char *path, char *why,
                    size_t whycap);

#endif
