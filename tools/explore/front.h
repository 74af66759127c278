// SPDX-License-Identifier: Apache-2.0
// The exact Pareto front of predicted loss against bit operations over all widths of all tensors.
//
// The prediction adds up the loss of each tensor, and bit operations are a sum of products of the
// two widths that meet in a matrix product. So the tensors fall into parts that share no product
// (x and w_in; h, w_q, w_k, w_v; q and k; ... in the encoder): each part is enumerated in full, and
// the fronts of parts are merged in full. No point of the front over all combinations is lost.
#ifndef SEVENCAST_EXPLORE_FRONT_H
#define SEVENCAST_EXPLORE_FRONT_H

#include "tools/explore/sensitivity.h"

struct front_point {
    double added;    // predicted mean squared error above the base
    long operations; // bit operations of an inference (tools/train/bits.h)
    int bits_sum;    // of all widths: breaks ties
    unsigned char width[TRIAL_MAX_TENSORS];
};

struct front {
    struct front_point *point; // owned; operations rise, added falls
    int count;
    double combinations; // how many combinations of widths it stands for
};

// 0, or -1 when memory is short. limit: no point has more operations (0: none).
int front_find(struct front *f, const struct sensitivity *s, long limit);
void front_free(struct front *f);

// Widths of a point; y has 16 bits.
struct model_bits front_bits(const struct sensitivity *s, const struct front_point *p);
// As --bits of sevencast-train takes them.
void front_text(const struct sensitivity *s, const struct model_bits *bits, char *text, size_t cap);

#endif
