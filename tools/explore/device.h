// SPDX-License-Identifier: Apache-2.0
// What a Spartan-7 has, and what an accelerator that is to lie in it may take.
//
// The estimator counts the accelerator alone; the link and registers around it (rtl/sys) are taken
// off first, then the spare share.
#ifndef SEVENCAST_EXPLORE_DEVICE_H
#define SEVENCAST_EXPLORE_DEVICE_H

#include <stddef.h>

#include "tools/explore/price.h"

enum resource {
    RESOURCE_LUT,
    RESOURCE_LUTRAM,
    RESOURCE_FF,
    RESOURCE_DSP,
    RESOURCE_RAMB18,
    RESOURCES
};
const char *resource_name(enum resource r);

struct device {
    const char *name;
    int has[RESOURCES];
};
// xc7s6, xc7s15, xc7s25 or xc7s50 (DS180); NULL: none of these.
const struct device *device_find(const char *name);

// Whole top less accelerator of demand-w8, yosys estimates (tests/budget/demand-w8.json).
extern const int device_around[RESOURCES];

struct budget {
    const struct device *device;
    int room[RESOURCES]; // for the accelerator
    long max_cycles;     // 0: any
};
// spare: percent of the device that stay free of LUTs, LUT memory and flip-flops; DSPs and Block
// RAMs are whole or not there.
void budget_init(struct budget *b, const struct device *device, double spare, long max_cycles);

// 1 where the price keeps every limit.
int budget_holds(const struct budget *b, const struct price *p);
// "fits", or what is too much and by how much: "LUT +812 (11 %), RAMB18 +3".
void budget_explain(const struct budget *b, const struct price *p, char *text, size_t cap);

#endif
