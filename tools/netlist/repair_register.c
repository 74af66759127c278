// SPDX-License-Identifier: Apache-2.0
// The initial value of a register with an asynchronous reset is dropped. And an edge that has
// become a register's clock leaves a net behind, printed as the constant 0, which nobody may read.
#include "tools/netlist/repair.h"

static const struct item *reader(const struct module *module, const char *net)
{
    for (size_t i = 0; i < module->item_count; i++)
        for (size_t k = 0; k < module->items[i]->in_count; k++)
            if (module->items[i]->in[k].net == net)
                return module->items[i];
    return NULL;
}

void repair_register(struct repair *r, struct item *item, const struct item *witness)
{
    if (item->kind == ITEM_FLOP && witness->kind == ITEM_FLOP && item->in_count == 3 &&
        !item->init && witness->init) {
        item->init = witness->init;
        r->counts.initial_values++;
    }
    if (witness->kind == ITEM_EXPRESSION && witness->op == OP_EDGE) {
        const struct item *by = reader(r->module, item->out);
        if (by)
            repair_refuse(r, by, "reads the clock edge %s as if it were a signal", item->out);
        item->dropped = true;
    }
}
