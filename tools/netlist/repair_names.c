// SPDX-License-Identifier: Apache-2.0
// The output x of an instance u is printed as the net u_x. A signal of the design that is called
// u_x too becomes the same name, and `u_x = u_x`, if the signal is that output and nothing else.
// Then they are one net. Any other driver of the signal makes two drivers of one name, which
// check_module refuses.
#include "tools/netlist/repair.h"

void repair_names(struct repair *r, struct item *item, const struct item *witness)
{
    if (item->kind != ITEM_EXPRESSION || item->op != OP_ALIAS || item->vhdl_text ||
        item->in[0].net != item->out || witness->op != OP_ALIAS)
        return;
    item->dropped = true;
    r->counts.merged_names++;
}
