// SPDX-License-Identifier: Apache-2.0
#ifndef SEVENCAST_NETLIST_VERILOG_WRITE_H
#define SEVENCAST_NETLIST_VERILOG_WRITE_H

#include "tools/netlist/netlist.h"

#include <stdio.h>

// Prints a repaired netlist as Verilog 2001. Assertions are left out: they are for the simulation
// of the VHDL. Errors of the stream are the caller's to see.
void verilog_write(const struct netlist *netlist, FILE *out);

#endif
