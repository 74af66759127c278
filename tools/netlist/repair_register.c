// SPDX-License-Identifier: Apache-2.0
// The initial value of a register with an asynchronous reset is dropped.
#include "tools/netlist/repair.h"

void repair_register(struct repair *r, struct item *item, const struct item *witness)
{
    if (item->kind == ITEM_FLOP && witness->kind == ITEM_FLOP && item->in_count == 3 &&
        !item->init && witness->init) {
        item->init = witness->init;
        r->counts.initial_values++;
    }
}
