// SPDX-License-Identifier: Apache-2.0
// What may stand right of the = in the emitter's Verilog.
#ifndef SEVENCAST_NETLIST_VERILOG_EXPRESSION_H
#define SEVENCAST_NETLIST_VERILOG_EXPRESSION_H

#include "tools/netlist/cursor.h"

// A name or a constant.
struct operand verilog_operand(struct cursor *c);

// OUT = EXPRESSION; behind the word assign.
void verilog_assign(struct cursor *c, struct module *module);

#endif
