// SPDX-License-Identifier: Apache-2.0
// `when others` of case and select is dropped: what is left is a latch.
#include "tools/netlist/repair.h"

void repair_case(struct repair *r, struct item *item, const struct item *witness)
{
    if (item->kind != ITEM_CASE || item->has_other || witness->kind != ITEM_CASE ||
        !witness->has_other)
        return;
    item->has_other = true;
    item->other = witness->other;
    r->counts.case_defaults++;
}
