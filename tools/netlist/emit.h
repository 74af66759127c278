// SPDX-License-Identifier: Apache-2.0
// VHDL in, Verilog that means the same out: two runs of `ghdl --synth`, repair, refusal.
#ifndef SEVENCAST_NETLIST_EMIT_H
#define SEVENCAST_NETLIST_EMIT_H

#include "tools/netlist/pool.h"
#include "tools/netlist/repair.h"

struct emit_request {
    const char *top;
    const char *const *files; // in the order of analysis
    size_t file_count;
    const char *const *generics; // "-gNAME=VALUE"
    size_t generic_count;
    const char *out;  // folder, made if need be: TOP.v, TOP.netlist.json, the raw outputs in raw/
    const char *ghdl; // the program; NULL: ghdl-llvm, else ghdl
};

enum emit_result {
    EMIT_DONE = 0,
    EMIT_REFUSED = 1,  // the netlist holds something that cannot be repaired with certainty
    EMIT_INPUT = 2,    // a file is missing, GHDL refuses the design
    EMIT_NO_TOOL = 77, // GHDL is not installed
};

// *message is set unless EMIT_DONE.
enum emit_result emit(struct pool *pool, const struct emit_request *request,
                      struct repair_counts *counts, const char **message);

// The repair alone, of two texts of one run, into a stream that the caller owns.
enum emit_result emit_texts(struct pool *pool, const char *verilog_path, const char *vhdl_path,
                            const char *out_path, struct repair_counts *counts, size_t *modules,
                            const char **message);

#endif
