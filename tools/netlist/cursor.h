// SPDX-License-Identifier: Apache-2.0
// Reading words one after another. The first failure is kept and everything after it reads as the
// end of the text, so a parser need not ask after every step.
#ifndef SEVENCAST_NETLIST_CURSOR_H
#define SEVENCAST_NETLIST_CURSOR_H

#include "tools/netlist/lex.h"
#include "tools/netlist/netlist.h"

struct cursor {
    struct netlist *netlist;
    const struct words *words;
    size_t at;
    const char *message; // NULL until something failed: "file:line: what"
};

const struct word *cursor_word(const struct cursor *c); // the next word
const struct word *cursor_ahead(const struct cursor *c, size_t count);
void cursor_fail(struct cursor *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool cursor_is(const struct cursor *c, const char *text); // the next is this symbol or name
bool cursor_ahead_is(const struct cursor *c, size_t count, const char *text);
bool cursor_take(struct cursor *c, const char *text); // takes it if it is next
void cursor_need(struct cursor *c, const char *text); // takes it or fails
const char *cursor_name(struct cursor *c);            // a name; "" on failure
size_t cursor_number(struct cursor *c);               // a decimal number; 0 on failure
const char *cursor_bits(struct cursor *c);            // bits, Verilog strings of 0 and 1 too

// Adds an item driving out; fails when out is driven already.
struct item *cursor_item(struct cursor *c, struct module *module, enum item_kind kind,
                         const char *out, unsigned line, size_t inputs);

// Parsers of the two languages; on failure *message says where and why.
bool read_verilog(struct netlist *netlist, const struct words *words, const char **message);
bool read_vhdl(struct netlist *netlist, const struct words *words, const char **message);

#endif
