// SPDX-License-Identifier: Apache-2.0
// Words of Verilog and VHDL text. Comments and white space are dropped; every word knows its line.
#ifndef SEVENCAST_NETLIST_LEX_H
#define SEVENCAST_NETLIST_LEX_H

#include "tools/netlist/pool.h"

#include <stdbool.h>
#include <stddef.h>

enum language { LANGUAGE_VERILOG, LANGUAGE_VHDL };

enum word_kind {
    WORD_END,    // behind the last word
    WORD_NAME,   // identifier or keyword; escapes removed, VHDL in lower case
    WORD_NUMBER, // decimal
    WORD_BITS, // Verilog 4'b01x0, VHDL '0' and "01X0": text holds the bits, first the leftmost, in
               // lower case, Verilog's short forms filled up to their width
    WORD_STRING, // Verilog "text", and a VHDL string that is not all of 01XZUWLH-
    WORD_SYMBOL, // operator or punctuation
};

struct word {
    enum word_kind kind;
    const char *text; // interned
    unsigned line;
    bool first_on_line;
};

struct words {
    struct word *word; // count words and one WORD_END
    size_t count;
    const char *file; // for messages; borrowed
};

// Splits text. On failure *message says where and why, and the result is false.
bool lex(struct pool *pool, enum language language, const char *file, const char *text,
         size_t length, struct words *words, const char **message);

#endif
