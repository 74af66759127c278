// SPDX-License-Identifier: Apache-2.0
// What the files of the planner share.
#ifndef SEVENCAST_BUILD_PLAN_INTERNAL_H
#define SEVENCAST_BUILD_PLAN_INTERNAL_H

#include "tools/build/plan.h"

static inline int ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

// Channels whose constants can be on their way between the weights and the drain.
enum { PLAN_STREAM_DEPTH = 32 };

struct memory_map {
    int h_words; // of a block of h or c, at 0; likewise q and r at q_base
    int q_base;
    int f_base, f_words, f_blocks; // o shares f's place
};
struct memory_map plan_memory_map(const struct plan *p);
int plan_head_slices(const struct plan *p);

// Fills in passes, ROM contents and the softmax blocks' parameters, unordered. -1: no memory.
int plan_passes(struct plan *p);

// Widths of the collapsed form, which shares no tensor with a further layer and reads y from sums.
void plan_collapsed_widths(struct plan *p);

// Fills in the scales of the passes and the widths that follow from the constants.
void plan_constants(struct plan *p);

// Chooses the kind of every memory and lays out the weights. -1 with why where the manifest's
// choices need more than the part has.
int plan_storage(struct plan *p, char *why, size_t whycap);

#endif
