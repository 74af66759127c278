// SPDX-License-Identifier: Apache-2.0
// abs, minimum, maximum and rotations come out as VHDL statements in the middle of the Verilog.
// Their meaning is taken from the VHDL, where they stand in their place.
#include "tools/netlist/repair.h"

void repair_text(struct repair *r, struct item *item, const struct item *witness)
{
    if (!item->vhdl_text)
        return;
    switch (witness->kind == ITEM_EXPRESSION ? witness->op : OP_COUNT) {
    case OP_ABS:
    case OP_MIN_SIGNED:
    case OP_MAX_SIGNED:
    case OP_MIN_UNSIGNED:
    case OP_MAX_UNSIGNED:
        item->op = witness->op;
        item->in = witness->in;
        item->in_count = witness->in_count;
        r->counts.foreign_texts++;
        break;
    default:
        repair_refuse(r, item, "VHDL text in the Verilog that has no repair");
    }
}
