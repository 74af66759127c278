// SPDX-License-Identifier: Apache-2.0
#include "tools/netlist/repair.h"

#include <string.h>

static bool same_inputs(const struct item *a, const struct item *b)
{
    if (a->in_count != b->in_count)
        return false;
    for (size_t i = 0; i < a->in_count; i++)
        if (!operand_same(a->in[i], b->in[i]))
            return false;
    return true;
}

static bool same_labels(const struct item *a, const struct item *b)
{
    size_t count = a->kind == ITEM_CASE       ? a->in_count - 1
                   : a->kind == ITEM_INSTANCE ? a->in_count
                                              : 0;
    for (size_t i = 0; i < count; i++)
        if (a->labels[i] != b->labels[i])
            return false;
    return true;
}

static bool same_words(const struct item *a, const struct item *b)
{
    if (!a->words || !b->words)
        return a->words == b->words;
    return memcmp(a->words, b->words, a->depth * sizeof(char *)) == 0; // interned
}

static bool same_net(const struct repair *r, const char *name)
{
    const struct net *here = module_net(r->module, name), *there = module_net(r->witness, name);
    return !name || (here && there && here->width == there->width);
}

void compare_items(struct repair *r, const struct item *item, const struct item *witness)
{
    if (item->kind != witness->kind) {
        repair_refuse(r, item, "another kind of item than in the VHDL of the same run");
        return;
    }
    if (item->op != witness->op)
        repair_refuse(r, item, "%s, but %s in the VHDL of the same run", op_name(item->op),
                      op_name(witness->op));
    if (!same_inputs(item, witness))
        repair_refuse(r, item, "other inputs than in the VHDL of the same run");
    else if (item->hi != witness->hi || item->lo != witness->lo)
        repair_refuse(r, item, "another slice than in the VHDL of the same run");
    else if (!same_labels(item, witness))
        repair_refuse(r, item, "other choices or ports than in the VHDL of the same run");
    else if (item->has_other != witness->has_other || !operand_same(item->other, witness->other))
        repair_refuse(r, item, "another default than in the VHDL of the same run");
    else if (item->clock != witness->clock || item->falling != witness->falling)
        repair_refuse(r, item, "another clock than in the VHDL of the same run");
    else if (item->init != witness->init)
        repair_refuse(r, item, "another initial value than in the VHDL of the same run");
    else if (item->memory != witness->memory || item->module != witness->module)
        repair_refuse(r, item, "part of something else than in the VHDL of the same run");
    else if (item->width != witness->width || item->depth != witness->depth ||
             !same_words(item, witness))
        repair_refuse(r, item, "another memory than in the VHDL of the same run");
    bool named =
        item->kind == ITEM_INSTANCE || item->kind == ITEM_ASSERT || item->kind == ITEM_MEMORY;
    if (!named && !same_net(r, item->out))
        repair_refuse(r, item, "another width than in the VHDL of the same run");
    for (size_t i = 0; i < item->in_count; i++)
        if (!same_net(r, item->in[i].net))
            repair_refuse(r, item, "%s is not the same net as in the VHDL", item->in[i].net);
}
