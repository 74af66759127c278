// SPDX-License-Identifier: Apache-2.0
// Finds the VHDL that `ghdl --synth` 2.0 miscompiles, or that the repair would refuse, by its words
// alone: no types are known here, so a rule errs on the side of a finding. A justified one is
// allowed on its line or the line above: `-- lint: allow RULE because REASON`.
#ifndef SEVENCAST_NETLIST_LINT_H
#define SEVENCAST_NETLIST_LINT_H

#include "tools/netlist/lex.h"

#include <stdio.h>

struct lint_rule {
    const char *name, *why;
};

extern const struct lint_rule lint_rules[];
extern const size_t lint_rule_count;

struct finding {
    unsigned line;
    const struct lint_rule *rule;
};

struct findings {
    struct finding *list; // in the pool; in the order of lines
    size_t count;
    size_t allowed; // found, but exempted with a reason
};

// Lints one file's text. False when it cannot be read as VHDL: *message says why.
bool lint_text(struct pool *pool, const char *file, const char *text, size_t length,
               struct findings *findings, const char **message);

#endif
