// SPDX-License-Identifier: Apache-2.0
// What widths cost on an engine, by the planner and the estimator, in a tenth of a millisecond.
//
// Integers decide how wide some constants are, and no trained ones exist before training. All
// widths are priced with the same integers, those of 8 bits: drawn, or of a trained variant. So a
// narrower tensor makes no memory or requantiser wider by chance. Of the variants in this tree the
// prices of the narrow ones, by the integers of the 8-bit ones, are 2 % less to 5 % more than by
// their own. Origin: model.
#ifndef SEVENCAST_EXPLORE_PRICE_H
#define SEVENCAST_EXPLORE_PRICE_H

#include <stddef.h>

#include "tools/explore/engine.h"
#include "tools/model/model.h"

struct price {
    int lut, lutram, ff, dsp, ramb18; // of the accelerator alone
    int ramb18_limit;                 // most that the engine's memories may take
    long cycles;
    double energy_uj; // of an inference
};

enum { PRICE_MAX_STAGES = 128 };
struct price_timing { // depends on the engine and the lanes' stages alone
    long cycles;      // 0: not known yet
    int softmaxes;
};

struct pricer {
    struct model *model;         // owned; its widths are those of the price asked for last
    const struct engine *engine; // borrowed
    struct hardware *hardware;   // owned; [engines]
    int engines;
    struct price_timing (*timing)[PRICE_MAX_STAGES]; // owned; [engines]
};

// integers: a variant's folder whose integers are taken, NULL: drawn ones. 0, or -1 with why.
int pricer_open(struct pricer *p, const struct model_shape *shape, const struct engine *engine,
                int engines, const char *integers, char *why, size_t whycap);
void pricer_close(struct pricer *p);

// 0; 1: the engine cannot be planned for these widths, and why says why; -1: memory is short.
int pricer_price(struct pricer *p, const struct model_bits *bits, int engine, struct price *price,
                 char *why, size_t whycap);

#endif
