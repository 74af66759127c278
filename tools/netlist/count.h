// SPDX-License-Identifier: Apache-2.0
// What a netlist takes of a part, by yosys `synth_xilinx` and its `sta`: a yosys estimate. Nothing
// is placed or routed, and the critical path is logic and setup only, without any wire.
#ifndef SEVENCAST_NETLIST_COUNT_H
#define SEVENCAST_NETLIST_COUNT_H

#include "tools/netlist/pool.h"

#include <stdbool.h>
#include <stdio.h>

struct resources {
    size_t lut;    // LUT1..LUT6, 4 per RAM64M or RAM32M, 1 per shift register
    size_t lutram; // of it as memory
    size_t ff, dsp;
    size_t ramb18;      // a RAMB36 counts two
    size_t inverters;   // INV cells, not in lut: most go into the LUT or flip-flop behind them
    size_t critical_ps; // longest path of logic
};

struct part {
    const char *name;
    struct resources has; // critical_ps: what is credible for 100 MHz after routing
};

// NULL for a part we have no table of.
const struct part *part_find(const char *name);

// Adds count cells of a kind; false when the kind is unknown (a latch, say).
bool count_add_cell(struct resources *sum, const char *type, size_t length, size_t count);

// The numbers out of the texts of `stat -tech xilinx` and `sta`. False: *message.
bool count_parse(struct pool *pool, const char *top, const char *stat, const char *sta,
                 struct resources *found, const char **message);

struct count_request {
    const char *folder, *top; // folder/TOP.v
    const char *module;       // NULL, or an entity below the top that is counted alone
    const char *part;
    bool by_module;
    bool abc9;         // LUTs mapped for delay instead of area
    const char *cache; // NULL, or a folder of counts made before; then JSON alone can be printed
};

struct counts; // what was found; in the pool but for some JSON

// Runs yosys on folder/TOP.v; writes folder/NAME.count.*, NAME being the module counted. 0, or an
// exit status and *message. counts_free in any case.
int count_resources(struct pool *pool, const struct count_request *request, struct counts **found,
                    const char **message);
void counts_free(struct counts *found);

// Prints them; true when they fit the part (its timing is not judged here).
bool count_print(FILE *out, const struct counts *found, bool json);

#endif
