// SPDX-License-Identifier: Apache-2.0
// The engines that an exploration tries: sizes of the tile and what feeds it, and where memories
// lie. Every choice that a manifest's "hardware" can make is made, so that widths change none.
#ifndef SEVENCAST_EXPLORE_ENGINE_H
#define SEVENCAST_EXPLORE_ENGINE_H

#include <jansson.h>
#include <stddef.h>

#include "tools/build/hardware.h"
#include "tools/model/model.h"

struct engine {
    int tokens, outputs, terms; // the tile
    int requantisers, softmax_lanes, divider_pipelined;
    int requantiser_dsps;          // of each; 0: the planner chooses
    int chains;                    // -1: as many as DSPs and tile allow
    int ramb18;                    // most that memories may take
    enum hardware_storage storage; // of all buffers and weights
};

enum { ENGINE_MAX = 256 };
enum engine_kinds { // what engine_list tries
    ENGINE_ANY_STORAGE = -1
};

// The engines for a shape on a part with that many DSPs and RAMB18s. storage: a hardware_storage,
// or ENGINE_ANY_STORAGE for all of them. Returns how many.
int engine_list(struct engine list[ENGINE_MAX], const struct model_shape *shape, int dsp,
                int ramb18, int storage);

// What the planner chooses by itself for those widths, with that storage.
int engine_default(struct engine *e, const struct model_shape *shape, const struct model_bits *bits,
                   enum hardware_storage storage); // -1: no memory

// As the planner takes it, by way of the manifest. 0, or -1 with why.
int engine_hardware(const struct engine *e, const struct model *mdl, struct hardware *hw, char *why,
                    size_t whycap);
// As a manifest's "hardware" names it; owned by the caller.
json_t *engine_json(const struct engine *e);
// "6x4x4, 6 requantisers, 3 softmax lanes, pipelined, 20 RAMB18, auto"
void engine_text(const struct engine *e, char *text, size_t cap);

#endif
