// SPDX-License-Identifier: Apache-2.0
// What must hold in any netlist of the emitter. Verilog extends and cuts silently where VHDL would
// stop; so widths are checked here before anything is written.
#include "tools/netlist/repair.h"

#include <string.h>

static size_t width_in(const struct repair *r, const struct item *item, size_t index)
{
    return operand_width(r->module, item->in[index]);
}

static size_t out_width(const struct repair *r, const struct item *item)
{
    return operand_width(r->module, (struct operand){.net = item->out});
}

// A signal that the design never drives is printed as driven by x.
static bool is_unknown(const struct item *item)
{
    return item->kind == ITEM_EXPRESSION && item->op == OP_ALIAS && item->in[0].bits &&
           strpbrk(item->in[0].bits, "xz");
}

static bool expression_fits(const struct repair *r, const struct item *item)
{
    size_t out = out_width(r, item), first = width_in(r, item, 0), sum = 0;
    switch (item->op) {
    case OP_MULTIPLY_SIGNED: // the operands may have been narrowed
        return first <= out && width_in(r, item, 1) <= out;
    case OP_SHIFT_LEFT:
    case OP_SHIFT_RIGHT:
    case OP_SHIFT_RIGHT_SIGNED:
        return first == out && item->in_count == 2;
    case OP_EQUAL:
    case OP_UNEQUAL:
    case OP_LESS_SIGNED:
    case OP_LESS_UNSIGNED:
    case OP_LESS_EQUAL_SIGNED:
    case OP_LESS_EQUAL_UNSIGNED:
    case OP_GREATER_SIGNED:
    case OP_GREATER_UNSIGNED:
    case OP_GREATER_EQUAL_SIGNED:
    case OP_GREATER_EQUAL_UNSIGNED:
        return out == 1 && first == width_in(r, item, 1);
    case OP_ALL_AND:
    case OP_ALL_OR:
    case OP_ALL_XOR:
        return out == 1;
    case OP_CONCAT:
        for (size_t i = 0; i < item->in_count; i++)
            sum += width_in(r, item, i);
        return sum == out;
    case OP_SIGN_EXTEND:
        return first > 0 && first <= out;
    case OP_EXTRACT:
        return item->hi >= item->lo && item->hi < first && out == item->hi - item->lo + 1;
    case OP_SELECT:
        return first == 1 && width_in(r, item, 1) == out && width_in(r, item, 2) == out;
    default:
        for (size_t i = 0; i < item->in_count; i++)
            if (width_in(r, item, i) != out)
                return false;
        return true;
    }
}

static bool case_fits(const struct repair *r, const struct item *item)
{
    size_t out = out_width(r, item), select = width_in(r, item, 0);
    for (size_t i = 1; i < item->in_count; i++)
        if (width_in(r, item, i) != out ||
            operand_width(r->module, (struct operand){.bits = item->labels[i - 1]}) != select)
            return false;
    return item->has_other && operand_width(r->module, item->other) == out;
}

static bool port_fits(const struct repair *r, const struct item *item)
{
    const struct item *memory = module_item(r->module, item->memory);
    bool write = item->kind == ITEM_WRITE;
    if (!memory || memory->kind != ITEM_MEMORY)
        return false;
    size_t data = write ? width_in(r, item, 1) : out_width(r, item);
    size_t enable = item->clock ? width_in(r, item, item->in_count - 1) : 1;
    return data == memory->width && enable == 1 && width_in(r, item, 0) > 0;
}

static bool instance_fits(const struct repair *r, const struct item *item)
{
    const struct module *of = netlist_find(r->verilog, item->module);
    for (size_t i = 0; of && i < item->in_count; i++) {
        const struct net *port = module_net(of, item->labels[i]);
        bool open = !item->in[i].net && !item->in[i].bits;
        if (!port || port->direction == DIRECTION_NONE ||
            (open ? port->direction == DIRECTION_IN : width_in(r, item, i) != port->width))
            return false;
    }
    return of != NULL;
}

static bool fits(const struct repair *r, const struct item *item)
{
    switch (item->kind) {
    case ITEM_EXPRESSION:
        return expression_fits(r, item);
    case ITEM_CASE:
        return case_fits(r, item);
    case ITEM_FLOP:
        return width_in(r, item, 0) == out_width(r, item);
    case ITEM_MEMORY:
        return item->width > 0 && item->depth > 0;
    case ITEM_READ:
    case ITEM_WRITE:
        return port_fits(r, item);
    case ITEM_INSTANCE:
        return instance_fits(r, item);
    case ITEM_ASSERT:
        return width_in(r, item, 0) == 1;
    }
    return false;
}

// The nets that instances drive, added to driven.
static void drive_instances(struct repair *r, bool *driven)
{
    for (size_t i = 0; i < r->module->item_count; i++) {
        const struct item *item = r->module->items[i];
        if (item->kind != ITEM_INSTANCE)
            continue;
        const struct module *of = netlist_find(r->verilog, item->module);
        for (size_t k = 0; of && k < item->in_count; k++) {
            const struct net *port = module_net(of, item->labels[k]);
            const struct net *net = module_net(r->module, item->in[k].net);
            if (!port || !net || port->direction != DIRECTION_OUT)
                continue;
            if (driven[net - r->module->nets])
                repair_refuse(r, item, "its port %s and something else both drive %s", port->name,
                              net->name);
            driven[net - r->module->nets] = true;
        }
    }
}

static void check_driven(struct repair *r, const struct item *item, const char *name,
                         const bool *driven)
{
    const struct net *net = module_net(r->module, name);
    if (name && !net)
        repair_refuse(r, item, "%s is not declared", name);
    else if (net && net->direction != DIRECTION_IN && !driven[net - r->module->nets])
        repair_refuse(r, item, "%s is read but never driven", name);
}

void check_module(struct repair *r)
{
    struct module *module = r->module;
    bool *driven = pool_alloc(r->pool, module->net_count * sizeof *driven + 1);
    for (size_t i = 0; i < module->item_count; i++) {
        const struct item *item = module->items[i];
        const struct net *net = module_net(module, item->out);
        if (net && item->kind != ITEM_INSTANCE && item->kind != ITEM_ASSERT && !item->dropped)
            driven[net - module->nets] = true;
        if (!r->message && is_unknown(item))
            repair_refuse(r, item, "is read but never driven, or driven with X");
        if (!r->message && !item->dropped && !fits(r, item))
            repair_refuse(r, item, "widths that do not fit (%s)",
                          item->kind == ITEM_EXPRESSION ? op_name(item->op) : "no expression");
    }
    drive_instances(r, driven);
    for (size_t i = 0; i < module->item_count && !r->message; i++) {
        const struct item *item = module->items[i];
        for (size_t k = 0; k < item->in_count; k++)
            check_driven(r, item, item->in[k].net, driven);
        check_driven(r, item, item->clock, driven);
    }
}
