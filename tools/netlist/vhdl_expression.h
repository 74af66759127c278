// SPDX-License-Identifier: Apache-2.0
// What may stand right of the <= in the emitter's VHDL.
#ifndef SEVENCAST_NETLIST_VHDL_EXPRESSION_H
#define SEVENCAST_NETLIST_VHDL_EXPRESSION_H

#include "tools/netlist/cursor.h"

// A name or a constant, without a conversion round it. A name of the top's wrapper, wrap_x, reads
// as x.
struct operand vhdl_operand(struct cursor *c, const struct module *module);

// The same, or one bit made a vector: n => x.
struct operand vhdl_qualified(struct cursor *c, const struct module *module);

// wrap_x -> x when wrapped, else name.
const char *vhdl_unwrap(const struct cursor *c, const struct module *module, const char *name);

// OUT <= EXPRESSION ; with OUT read and the arrow next.
void vhdl_assign(struct cursor *c, struct module *module, const char *out);

#endif
