// SPDX-License-Identifier: Apache-2.0
// Boxes of widths and a heap that gives the one with the least loss first.
#ifndef SEVENCAST_EXPLORE_BOX_H
#define SEVENCAST_EXPLORE_BOX_H

#include "tools/explore/price.h"
#include "tools/explore/sensitivity.h"

// A price as the search compares it. Block RAMs count as what the engine's memories may take: how
// many of them they do take goes up and down by one as widths rise.
struct cell {
    int cycles, lut, energy, dsp, ramb18;
};
struct cell cell_of(const struct price *p, double grain);
// 1 where a is nowhere more than b.
int cell_within(const struct cell *a, const struct cell *b);

// Tensors that share hardware share a width: the engine has ports, buffers and a residual memory as
// wide as the widest tensor that passes, so a narrower one saves next to nothing and costs loss. A
// group's levels are the widths of its tensors; each tensor takes its widest one that the level
// allows. Layers share all hardware, so a tensor is in the same group in each.
enum { GROUPS = 10 };

struct levels {
    int tensors, group_of[TRIAL_MAX_TENSORS];
    int groups, count[GROUPS]; // levels of each group that are worth trying: loss falls with each
    double added[GROUPS][WIDTHS];
    unsigned char width[GROUPS][WIDTHS][TRIAL_MAX_TENSORS];
};
void levels_of(struct levels *l, const struct sensitivity *s);
// index: a level of each group.
double levels_added(const struct levels *l, const unsigned char *index);
unsigned char levels_width(const struct levels *l, const unsigned char *index, int tensor);
struct model_bits levels_bits(const struct levels *l, const struct sensitivity *s,
                              const unsigned char *index);

struct box {
    double added; // of the wide corner
    struct price narrow, wide;
    unsigned char lo[GROUPS], hi[GROUPS]; // levels
};

struct heap {
    struct box *box; // owned
    int count, capacity;
};
int heap_push(struct heap *h, const struct box *b); // -1: no memory
int heap_pop(struct heap *h, struct box *b);        // 0: empty
void heap_free(struct heap *h);

#endif
