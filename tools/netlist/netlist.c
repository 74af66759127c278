// SPDX-License-Identifier: Apache-2.0
#include "tools/netlist/netlist.h"

#include <stdint.h>
#include <string.h>

struct module *netlist_find(const struct netlist *netlist, const char *name)
{
    for (size_t i = 0; i < netlist->module_count; i++)
        if (netlist->modules[i]->name == name)
            return netlist->modules[i];
    return NULL;
}

struct module *netlist_add(struct netlist *netlist, const char *name, unsigned line)
{
    struct module *module = pool_alloc(netlist->pool, sizeof *module);
    module->name = name;
    module->line = line;
    netlist->modules =
        pool_grow(netlist->pool, netlist->modules, netlist->module_count, sizeof(struct module *));
    netlist->modules[netlist->module_count++] = module;
    return module;
}

// Names are interned: the address is the key.
static size_t slot_of(const char *name, size_t size)
{
    return (size_t)(((uint64_t)(uintptr_t)name >> 4) * 11400714819323198485u >> 20) & (size - 1);
}

static void index_put(size_t *index, size_t size, const char *name, size_t element)
{
    size_t slot = slot_of(name, size);
    while (index[slot])
        slot = (slot + 1) & (size - 1);
    index[slot] = element + 1;
}

const struct net *module_net(const struct module *module, const char *name)
{
    if (!module->net_index_size || !name)
        return NULL;
    size_t slot = slot_of(name, module->net_index_size);
    for (; module->net_index[slot]; slot = (slot + 1) & (module->net_index_size - 1))
        if (module->nets[module->net_index[slot] - 1].name == name)
            return &module->nets[module->net_index[slot] - 1];
    return NULL;
}

bool module_add_net(struct pool *pool, struct module *module, const char *name, size_t width,
                    enum direction direction)
{
    if (module_net(module, name))
        return false;
    module->nets = pool_grow(pool, module->nets, module->net_count, sizeof *module->nets);
    module->nets[module->net_count++] =
        (struct net){.name = name, .width = width, .direction = direction};
    if (module->net_count * 2 > module->net_index_size) {
        module->net_index_size = module->net_index_size ? 2 * module->net_index_size : 64;
        module->net_index = pool_alloc(pool, module->net_index_size * sizeof(size_t));
        for (size_t i = 0; i < module->net_count; i++)
            index_put(module->net_index, module->net_index_size, module->nets[i].name, i);
    } else {
        index_put(module->net_index, module->net_index_size, name, module->net_count - 1);
    }
    return true;
}

struct item *module_item(const struct module *module, const char *name)
{
    if (!module->item_index_size || !name)
        return NULL;
    size_t slot = slot_of(name, module->item_index_size);
    for (; module->item_index[slot]; slot = (slot + 1) & (module->item_index_size - 1))
        if (module->items[module->item_index[slot] - 1]->out == name)
            return module->items[module->item_index[slot] - 1];
    return NULL;
}

static void index_item(struct pool *pool, struct module *module)
{
    const char *name = module->items[module->item_count - 1]->out;
    if (module->item_count * 2 <= module->item_index_size) {
        if (name)
            index_put(module->item_index, module->item_index_size, name, module->item_count - 1);
        return;
    }
    module->item_index_size = module->item_index_size ? 2 * module->item_index_size : 64;
    module->item_index = pool_alloc(pool, module->item_index_size * sizeof(size_t));
    for (size_t i = 0; i < module->item_count; i++)
        if (module->items[i]->out)
            index_put(module->item_index, module->item_index_size, module->items[i]->out, i);
}

struct item *module_add_item(struct pool *pool, struct module *module, enum item_kind kind,
                             const char *out, unsigned line, size_t inputs, bool *duplicate)
{
    *duplicate = module_item(module, out) != NULL;
    struct item *item = pool_alloc(pool, sizeof *item);
    item->kind = kind;
    item->out = out;
    item->line = line;
    for (size_t i = 0; i < inputs; i++)
        item_add_input(pool, item, (struct operand){0}, NULL);
    module->items = pool_grow(pool, module->items, module->item_count, sizeof(struct item *));
    module->items[module->item_count++] = item;
    index_item(pool, module);
    return item;
}

void item_add_input(struct pool *pool, struct item *item, struct operand operand, const char *label)
{
    // labels[i] belongs to the i-th labelled input; a case's selector has none.
    size_t labelled =
        item->kind == ITEM_CASE && item->in_count ? item->in_count - 1 : item->in_count;
    if (label) {
        item->labels = pool_grow(pool, item->labels, labelled, sizeof(char *));
        item->labels[labelled] = label;
    }
    item->in = pool_grow(pool, item->in, item->in_count, sizeof *item->in);
    item->in[item->in_count++] = operand;
}

size_t operand_width(const struct module *module, struct operand operand)
{
    if (operand.bits)
        return strlen(operand.bits);
    const struct net *net = module_net(module, operand.net);
    return net ? net->width : 0;
}

bool operand_same(struct operand a, struct operand b)
{
    return a.net == b.net && a.bits == b.bits;
}

const char *op_name(enum op op)
{
    static const char *const names[OP_COUNT] = {
        [OP_ALIAS] = "assignment",
        [OP_NOT] = "not",
        [OP_NEGATE] = "negation",
        [OP_ABS] = "abs",
        [OP_ADD] = "addition",
        [OP_SUBTRACT] = "subtraction",
        [OP_MULTIPLY] = "product",
        [OP_MULTIPLY_UNSIGNED] = "unsigned product",
        [OP_MULTIPLY_SIGNED] = "signed product",
        [OP_DIVIDE] = "quotient",
        [OP_DIVIDE_UNSIGNED] = "unsigned quotient",
        [OP_DIVIDE_SIGNED] = "signed quotient",
        [OP_REMAINDER] = "remainder",
        [OP_MOD_UNSIGNED] = "unsigned mod",
        [OP_MOD_SIGNED] = "signed mod",
        [OP_REM_SIGNED] = "signed rem",
        [OP_SHIFT_LEFT] = "left shift",
        [OP_SHIFT_RIGHT] = "right shift",
        [OP_SHIFT_RIGHT_SIGNED] = "signed right shift",
        [OP_ROTATE_LEFT] = "left rotation",
        [OP_ROTATE_RIGHT] = "right rotation",
        [OP_LESS_UNSIGNED] = "unsigned <",
        [OP_LESS_SIGNED] = "signed <",
        [OP_LESS_EQUAL_UNSIGNED] = "unsigned <=",
        [OP_LESS_EQUAL_SIGNED] = "signed <=",
        [OP_GREATER_UNSIGNED] = "unsigned >",
        [OP_GREATER_SIGNED] = "signed >",
        [OP_GREATER_EQUAL_UNSIGNED] = "unsigned >=",
        [OP_GREATER_EQUAL_SIGNED] = "signed >=",
        [OP_EQUAL] = "=",
        [OP_UNEQUAL] = "/=",
        [OP_AND] = "and",
        [OP_OR] = "or",
        [OP_XOR] = "xor",
        [OP_NAND] = "nand",
        [OP_NOR] = "nor",
        [OP_XNOR] = "xnor",
        [OP_ALL_AND] = "and over all bits",
        [OP_ALL_OR] = "or over all bits",
        [OP_ALL_XOR] = "xor over all bits",
        [OP_MIN_UNSIGNED] = "unsigned minimum",
        [OP_MIN_SIGNED] = "signed minimum",
        [OP_MAX_UNSIGNED] = "unsigned maximum",
        [OP_MAX_SIGNED] = "signed maximum",
        [OP_CONCAT] = "concatenation",
        [OP_SIGN_EXTEND] = "sign extension",
        [OP_EXTRACT] = "slice",
        [OP_SELECT] = "selection",
        [OP_EDGE] = "edge",
    };
    return names[op];
}
