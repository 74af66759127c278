// SPDX-License-Identifier: Apache-2.0
// A netlist as `ghdl --synth` prints it, the same for both of its languages: modules of items, each
// of which drives one net (or is a memory, an instance or an assertion). Two netlists that are to
// be compared share one pool, so equal names are equal pointers.
#ifndef SEVENCAST_NETLIST_NETLIST_H
#define SEVENCAST_NETLIST_NETLIST_H

#include "tools/netlist/pool.h"

#include <stdbool.h>
#include <stddef.h>

enum item_kind {
    ITEM_EXPRESSION, // out = op(in...)
    ITEM_CASE,       // out = the in[1 + i] whose labels[i] equals in[0], else other
    ITEM_FLOP,   // out takes in[0] at an edge of clock; in[1], if there, resets it to in[2] at once
    ITEM_MEMORY, // out is depth words of width bits, words[i] their initial bits (NULL: none)
    ITEM_READ,   // out = memory[in[0]]; with a clock: at its edge while in[1]
    ITEM_WRITE,  // memory[in[0]] = in[1] at an edge of clock while in[2]; out is NULL
    ITEM_INSTANCE, // out is its name, labels[i] the port that in[i] is connected to (NULL net:
                   // open)
    ITEM_ASSERT,   // in[0] shall be 1; out is its name
};

enum op {
    OP_ALIAS,
    OP_NOT,
    OP_NEGATE,
    OP_ABS,
    OP_ADD,
    OP_SUBTRACT,
    OP_MULTIPLY, // Verilog, where the text does not say whether signed; never in a finished netlist
    OP_MULTIPLY_UNSIGNED,
    OP_MULTIPLY_SIGNED,
    OP_DIVIDE, // as OP_MULTIPLY
    OP_DIVIDE_UNSIGNED,
    OP_DIVIDE_SIGNED,
    OP_REMAINDER, // as OP_MULTIPLY
    OP_MOD_UNSIGNED,
    OP_MOD_SIGNED,
    OP_REM_SIGNED,
    OP_SHIFT_LEFT,
    OP_SHIFT_RIGHT,
    OP_SHIFT_RIGHT_SIGNED,
    OP_ROTATE_LEFT,
    OP_ROTATE_RIGHT,
    OP_LESS_UNSIGNED,
    OP_LESS_SIGNED,
    OP_LESS_EQUAL_UNSIGNED,
    OP_LESS_EQUAL_SIGNED,
    OP_GREATER_UNSIGNED,
    OP_GREATER_SIGNED,
    OP_GREATER_EQUAL_UNSIGNED,
    OP_GREATER_EQUAL_SIGNED,
    OP_EQUAL,
    OP_UNEQUAL,
    OP_AND,
    OP_OR,
    OP_XOR,
    OP_NAND,
    OP_NOR,
    OP_XNOR,
    OP_ALL_AND, // reductions
    OP_ALL_OR,
    OP_ALL_XOR,
    OP_MIN_UNSIGNED,
    OP_MIN_SIGNED,
    OP_MAX_UNSIGNED,
    OP_MAX_SIGNED,
    OP_CONCAT,
    OP_SIGN_EXTEND,
    OP_EXTRACT, // in[0][hi:lo]
    OP_SELECT,  // in[0] is 0: in[1], else in[2]
    OP_EDGE,    // an edge of clock, in the VHDL only: see repair_edge.c
    OP_COUNT
};

// A net, or bits (leftmost first, of 0 1 x z), or neither: an open port.
struct operand {
    const char *net, *bits;
    bool was_string; // a Verilog text constant "0101", which means ASCII there
};

struct item {
    enum item_kind kind;
    enum op op;
    unsigned line;
    const char *out;
    struct operand *in;
    size_t in_count;
    unsigned hi, lo;
    const char **labels;
    bool has_other;
    struct operand other;
    const char *clock; // NULL: combinational
    bool falling;
    const char *init;      // of a register; bits or NULL
    const char *copy_init; // of an assignment, in the Verilog only
    const char *memory, *module;
    size_t width, depth;
    const char **words;
    bool local;     // a constant with a name, in the Verilog only
    bool vhdl_text; // stood as VHDL in the Verilog
    bool dropped;   // not to be written
};

enum direction { DIRECTION_NONE, DIRECTION_IN, DIRECTION_OUT };

struct net {
    const char *name;
    size_t width;
    enum direction direction;
};

struct module {
    const char *name;
    unsigned line;
    struct net *nets;
    size_t net_count;
    struct item **items;
    size_t item_count;
    size_t *net_index, *item_index; // by name; open addressing, element + 1
    size_t net_index_size, item_index_size;
};

struct netlist {
    struct pool *pool;
    const char *file;
    struct module **modules;
    size_t module_count;
};

struct module *netlist_find(const struct netlist *netlist, const char *name);
struct module *netlist_add(struct netlist *netlist, const char *name, unsigned line);

// The net of that name, or NULL.
const struct net *module_net(const struct module *module, const char *name);
// False when there is one already.
bool module_add_net(struct pool *pool, struct module *module, const char *name, size_t width,
                    enum direction direction);

// The item that drives (or is) name, or NULL.
struct item *module_item(const struct module *module, const char *name);
// Adds an item of room for inputs; *duplicate is set when out has one already.
struct item *module_add_item(struct pool *pool, struct module *module, enum item_kind kind,
                             const char *out, unsigned line, size_t inputs, bool *duplicate);

// Appends to an item's inputs (and labels, when label is not NULL).
void item_add_input(struct pool *pool, struct item *item, struct operand operand,
                    const char *label);

// Width in bits; 0 for an open operand or an unknown net.
size_t operand_width(const struct module *module, struct operand operand);
bool operand_same(struct operand a, struct operand b);

const char *op_name(enum op op);

#endif
