// SPDX-License-Identifier: Apache-2.0
// A netlist of top for simulation alone, whose accelerator has a clock of its own: while the link
// moves bytes the accelerator stands still, and not to evaluate it then halves the work of a
// simulation.
#ifndef SEVENCAST_NETLIST_GATE_H
#define SEVENCAST_NETLIST_GATE_H

#include "tools/netlist/pool.h"

#include <stdbool.h>

// Copies the netlist `from` to `to` with top's further ports: gate_clk, the accelerator's clock,
// which must rise with clk or not at all, and gate_rst, gate_write, gate_start, gate_end:
// what the caller has to know to tell when it may rest (sim_verilator.cpp). False: *message.
bool gate_netlist(struct pool *pool, const char *from, const char *to, const char **message);

#endif
