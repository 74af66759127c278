// SPDX-License-Identifier: Apache-2.0
// Slices of concatenations become what they are slices of. VHDL arrays and records are one wide net
// each in the netlist, built by a concatenation and taken apart by slices; an element that depends
// on another of the same array then looks like a loop of gates to a simulator, which goes round it
// until it is stable: ten times slower. The meaning is the same either way.
#include "tools/netlist/repair.h"

enum { MAX_STEPS = 64 };

static const struct item *driver(const struct module *module, struct operand operand)
{
    const struct item *item = operand.net ? module_item(module, operand.net) : NULL;
    return item && item->kind == ITEM_EXPRESSION && !item->dropped ? item : NULL;
}

// Finds the inputs of a concatenation that the bits hi..lo are made of, rightmost *first; false
// when they begin or end inside of different inputs. *offset is the lowest bit of the first.
static bool find_parts(const struct module *module, const struct item *concat, size_t hi, size_t lo,
                       size_t *first, size_t *count, size_t *offset)
{
    size_t at = 0;
    *count = 0;
    for (size_t i = concat->in_count; i-- > 0;) { // the last is the rightmost
        size_t width = operand_width(module, concat->in[i]);
        bool overlaps = at <= hi && at + width > lo;
        if (overlaps && (*count)++ == 0) {
            *first = i;
            *offset = at;
        }
        at += width;
        if (at > hi)
            return *count == 1 || (*offset == lo && at == hi + 1);
    }
    return false;
}

// One step; false when there is nothing more to do.
static bool simplify_slice(struct pool *pool, const struct module *module, struct item *item)
{
    const struct item *source = driver(module, item->in[0]);
    size_t first = 0, count = 0, offset = 0;
    if (!source)
        return false;
    if (source->op == OP_ALIAS && source->in[0].net) {
        item->in[0] = source->in[0];
        return true;
    }
    if (source->op == OP_EXTRACT && source != item) {
        item->in[0] = source->in[0];
        item->hi += source->lo;
        item->lo += source->lo;
        return true;
    }
    if (source->op != OP_CONCAT ||
        !find_parts(module, source, item->hi, item->lo, &first, &count, &offset))
        return false;
    if (count == 1) {
        struct operand part = source->in[first];
        item->hi -= (unsigned)offset;
        item->lo -= (unsigned)offset;
        size_t width = operand_width(module, part);
        if (part.bits)
            part.bits =
                pool_intern(pool, part.bits + width - 1 - item->hi, item->hi - item->lo + 1);
        if (part.bits || (item->lo == 0 && item->hi + 1 == width))
            item->op = OP_ALIAS;
        item->in[0] = part;
        return true;
    }
    item->op = OP_CONCAT;
    item->in = &source->in[first + 1 - count]; // inputs are never changed in place after this
    item->in_count = count;
    return false;
}

void simplify_slices(struct pool *pool, struct module *module)
{
    for (size_t i = 0; i < module->item_count; i++) {
        struct item *item = module->items[i];
        if (item->kind != ITEM_EXPRESSION || item->dropped)
            continue;
        for (int step = 0; step < MAX_STEPS && item->op == OP_EXTRACT; step++)
            if (!simplify_slice(pool, module, item))
                break;
    }
}
