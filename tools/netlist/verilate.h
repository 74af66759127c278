// SPDX-License-Identifier: Apache-2.0
// The Verilator engine of a package: the whole design's repaired netlist, compiled, behind the same
// pins and the same socket as GHDL's simulation.
#ifndef SEVENCAST_NETLIST_VERILATE_H
#define SEVENCAST_NETLIST_VERILATE_H

#include "tools/netlist/emit.h"

struct design {
    const char *package; // folder with variant_pkg.vhd
    const char *rtl;     // core/packages.f, core/files.f, sys/files.f and what they list
    const char *ghdl;    // NULL: the default
    // The tile of lanes by products instead of the gates of its lanes: the same results at the same
    // cycles, three times as fast to simulate. Never for counting.
    bool fast_tile;
};

// Emits the design's netlist into package/netlist: of top, with the variant's synthesised
// arithmetic (fast_c, fast_tile_c false: what the fabric gets) in place of the simulated one.
enum emit_result emit_package(struct pool *pool, const struct design *design, const char *top,
                              struct repair_counts *counts, const char **message);

// Builds package/sim-verilator, with the fast tile. sim is the folder of libvboard_sim_host.a and
// sim_verilator.cpp.
enum emit_result verilate(struct pool *pool, const struct design *design, const char *sim,
                          struct repair_counts *counts, const char **message);

// share/sevencast/WHAT beside the bin/ of this program; NULL when it cannot be told.
const char *share_folder(struct pool *pool, const char *what);

#endif
