// SPDX-License-Identifier: Apache-2.0
// shift_right of signed is printed as $signed(a) >> n, which shifts in zeros.
#include "tools/netlist/repair.h"

void repair_shift(struct repair *r, struct item *item, const struct item *witness)
{
    if (item->kind != ITEM_EXPRESSION || item->op != OP_SHIFT_RIGHT ||
        witness->op != OP_SHIFT_RIGHT_SIGNED)
        return;
    item->op = OP_SHIFT_RIGHT_SIGNED;
    r->counts.signed_shifts++;
}
