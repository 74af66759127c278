// SPDX-License-Identifier: Apache-2.0
// Puts right what the Verilog of `ghdl --synth` 2.0 says wrongly, item by item from the VHDL of the
// same run, and then holds the two against each other: what still differs is refused.
#ifndef SEVENCAST_NETLIST_REPAIR_H
#define SEVENCAST_NETLIST_REPAIR_H

#include "tools/netlist/netlist.h"

// How many items each repair changed.
struct repair_counts {
    size_t case_defaults;    // arms `others` that were dropped
    size_t text_constants;   // "0101" printed as a Verilog text
    size_t signed_shifts;    // shift_right of signed printed as a logical shift
    size_t signed_products;  // products of signed, printed unsigned on extended operands
    size_t signed_quotients; // quotients and remainders of signed, printed unsigned
    size_t foreign_texts;    // VHDL in the Verilog
    size_t initial_values;   // of registers with an asynchronous reset, dropped
    size_t loop_registers;   // registers that were printed as loops round a clock edge
    size_t merged_names;     // a signal u_x and port x of instance u, both printed as u_x
};

// One pair of modules and what is to be said about them.
struct repair {
    struct pool *pool;
    const struct netlist *verilog, *vhdl;
    struct module *module;        // of the Verilog; repaired in place
    const struct module *witness; // of the VHDL
    struct repair_counts counts;
    const char *message; // NULL until something is refused: "file:line: module: net: why"
};

void repair_refuse(struct repair *r, const struct item *item, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Each looks at one item and its witness, and changes the item or leaves it alone.
void repair_text(struct repair *r, struct item *item, const struct item *witness);
void repair_names(struct repair *r, struct item *item, const struct item *witness);
void repair_case(struct repair *r, struct item *item, const struct item *witness);
void repair_register(struct repair *r, struct item *item, const struct item *witness);
void repair_constants(struct repair *r, struct item *item, const struct item *witness);
void repair_shift(struct repair *r, struct item *item, const struct item *witness);
void repair_arithmetic(struct repair *r, struct item *item, const struct item *witness);

// After the comparison: signed products of extended operands become products of what was extended,
// so that a synthesiser sees the multiplier's real size; quotients of naturals lose their sign; a
// signed mod that is left is refused.
void repair_narrow(struct repair *r, struct item *item);

// After the comparison: registers that came out as loops of gates become registers. See
// repair_edge.c.
void repair_edges(struct repair *r);

// Refuses the first item that is not the same in both.
void compare_items(struct repair *r, const struct item *item, const struct item *witness);

// Refuses items whose widths do not fit, nets that are read and never driven, unknown modules.
void check_module(struct repair *r);

// Slices of concatenations become what they are slices of; changes no meaning. See simplify.c.
void simplify_slices(struct pool *pool, struct module *module);

// All of the above over a whole netlist. False: *message says what was refused.
bool repair_netlist(struct netlist *verilog, const struct netlist *vhdl,
                    struct repair_counts *counts, const char **message);

#endif
