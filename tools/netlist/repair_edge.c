// SPDX-License-Identifier: Apache-2.0
// A register of which only one element, at a computed place, is written at a clock edge comes out
// as a loop of gates: q = edge and enable and (place = 3) ? d : q, for every element. The VHDL says
// which edge; the Verilog prints it as 0, so that the register never changes.
//
// Such a loop is a register if, with the edge at 0, every bit of q is proved to be that bit of q
// again. Then q becomes a register of the loop's value with the edge at 1. Any other use of an edge
// is refused.
#include "tools/netlist/repair.h"

#include <string.h>

enum { MAX_DEPTH = 200 };

// One bit of the netlist: of a net, or a constant.
struct bit {
    const char *net; // NULL: constant
    size_t index;
    char value; // '0', '1', 'x'
};

static bool is_gate(const struct item *item)
{
    return item && (item->kind == ITEM_EXPRESSION || item->kind == ITEM_CASE) && !item->dropped;
}

static bool is_copy(const struct item *item)
{
    return is_gate(item) && item->kind == ITEM_EXPRESSION && item->op == OP_ALIAS &&
           item->in[0].net;
}

static size_t net_index(const struct module *module, const char *name)
{
    const struct net *net = module_net(module, name);
    return net ? (size_t)(net - module->nets) : module->net_count;
}

static bool any_marked(const struct module *module, const struct item *item, const bool *marked)
{
    for (size_t i = 0; i < item->in_count; i++)
        if (item->in[i].net && marked[net_index(module, item->in[i].net)])
            return true;
    return item->has_other && item->other.net && marked[net_index(module, item->other.net)];
}

// Marks every net that gates derive from net; stops at the nets of stop.
static bool *reach(struct repair *r, const char *net, const bool *stop)
{
    const struct module *module = r->module;
    bool *marked = pool_alloc(r->pool, module->net_count + 1);
    marked[net_index(module, net)] = true;
    for (bool grown = true; grown;) {
        grown = false;
        for (size_t i = 0; i < module->item_count; i++) {
            const struct item *item = module->items[i];
            size_t out = net_index(module, item->out);
            if (!is_gate(item) || marked[out] || (stop && stop[out]) ||
                !any_marked(module, item, marked))
                continue;
            marked[out] = true;
            grown = true;
        }
    }
    return marked;
}

// The loops' signals: copies that derive from the edge and from themselves.
static bool *find_registers(struct repair *r, const char *edge)
{
    const struct module *module = r->module;
    bool *registers = pool_alloc(r->pool, module->net_count + 1);
    const bool *derived = reach(r, edge, NULL);
    for (size_t i = 0; i < module->item_count; i++) {
        const struct item *item = module->items[i];
        size_t out = net_index(module, item->out);
        if (!is_copy(item) || !derived[out])
            continue;
        // Does the copy's source derive from the copy? The mark at its own net does not count.
        const bool *own = reach(r, item->out, NULL);
        registers[out] = own[net_index(module, item->in[0].net)];
    }
    return registers;
}

static struct bit constant(char value)
{
    return (struct bit){.value = value};
}

struct proof {
    const struct module *module;
    const char *edge;      // taken as 0
    const bool *registers; // resolved no further
};

static struct bit resolve(const struct proof *p, struct operand operand, size_t index, int depth);

// and, or, selection: when one input decides, the others need not be known.
static struct bit resolve_logic(const struct proof *p, const struct item *item, size_t index,
                                struct bit unknown, int depth)
{
    struct bit a = resolve(p, item->in[0], item->op == OP_SELECT ? 0 : index, depth);
    if (item->op == OP_SELECT)
        return a.net || a.value == 'x' ? unknown
                                       : resolve(p, item->in[a.value == '1' ? 2 : 1], index, depth);
    if (item->op == OP_NOT)
        return a.net || a.value == 'x' ? unknown : constant(a.value == '0' ? '1' : '0');
    struct bit b = resolve(p, item->in[1], index, depth);
    char decides = item->op == OP_AND ? '0' : '1';
    if ((!a.net && a.value == decides) || (!b.net && b.value == decides))
        return constant(decides);
    return unknown;
}

static struct bit resolve_gate(const struct proof *p, const struct item *item, size_t index,
                               struct bit unknown, int depth)
{
    switch (item->op) {
    case OP_ALIAS:
        return resolve(p, item->in[0], index, depth);
    case OP_EXTRACT:
        return resolve(p, item->in[0], index + item->lo, depth);
    case OP_CONCAT:
        for (size_t i = item->in_count; i-- > 0;) { // the last is the rightmost
            size_t width = operand_width(p->module, item->in[i]);
            if (index < width)
                return resolve(p, item->in[i], index, depth);
            index -= width;
        }
        return unknown;
    case OP_AND:
    case OP_OR:
    case OP_NOT:
    case OP_SELECT:
        return resolve_logic(p, item, index, unknown, depth);
    default:
        return unknown;
    }
}

// What the bit is when the edge is 0: a constant, or a bit of a net as far back as can be said.
static struct bit resolve(const struct proof *p, struct operand operand, size_t index, int depth)
{
    if (operand.bits)
        return constant(operand.bits[strlen(operand.bits) - 1 - index]);
    struct bit here = {.net = operand.net, .index = index};
    if (operand.net == p->edge)
        return constant('0');
    const struct item *item = module_item(p->module, operand.net);
    if (depth == 0 || !is_gate(item) || item->kind != ITEM_EXPRESSION ||
        p->registers[net_index(p->module, operand.net)])
        return here;
    return resolve_gate(p, item, index, here, depth - 1);
}

static void make_register(struct repair *r, struct item *item, const struct item *edge,
                          const struct proof *p)
{
    size_t width = operand_width(r->module, (struct operand){.net = item->out});
    for (size_t i = 0; i < width; i++) {
        struct bit bit = resolve(p, item->in[0], i, MAX_DEPTH);
        if (bit.net != item->out || bit.index != i) {
            repair_refuse(r, item, "a loop round a clock edge that does not hold bit %zu", i);
            return;
        }
    }
    item->kind = ITEM_FLOP;
    item->clock = edge->clock;
    item->falling = edge->falling;
    item->init = item->copy_init;
    r->counts.loop_registers++;
}

// Everything that still sees the edge must end in a register's input.
static void refuse_readers(struct repair *r, const char *edge, const bool *registers)
{
    const struct module *module = r->module;
    const bool *seen = reach(r, edge, registers);
    for (size_t i = 0; i < module->item_count; i++) {
        const struct item *item = module->items[i];
        size_t out = net_index(module, item->out);
        bool ours = is_gate(item) || (item->kind == ITEM_FLOP && registers[out]);
        if (!ours && !item->dropped && any_marked(module, item, seen))
            repair_refuse(r, item, "reads the clock edge %s as if it were a signal", edge);
        const struct net *net = module_net(module, item->out);
        if (is_gate(item) && seen[out] && net && net->direction == DIRECTION_OUT)
            repair_refuse(r, item, "is a clock edge as if it were a signal");
    }
}

static bool is_read(const struct module *module, const char *net)
{
    for (size_t i = 0; i < module->item_count; i++)
        for (size_t k = 0; k < module->items[i]->in_count; k++)
            if (module->items[i]->in[k].net == net)
                return true;
    return false;
}

static void repair_edge(struct repair *r, struct item *item, const struct item *edge)
{
    if (!is_read(r->module, item->out)) {
        item->dropped = true; // what is left over from making a proper register
        return;
    }
    const bool *registers = find_registers(r, item->out);
    const struct proof p = {r->module, item->out, registers};
    size_t count = r->module->item_count;
    for (size_t i = 0; i < count && !r->message; i++) // before any is changed: the proofs read them
        if (is_copy(r->module->items[i]) &&
            registers[net_index(r->module, r->module->items[i]->out)])
            make_register(r, r->module->items[i], edge, &p);
    refuse_readers(r, item->out, registers);
    item->in[0] = (struct operand){.bits = pool_text(r->pool, "1")};
}

void repair_edges(struct repair *r)
{
    for (size_t i = 0; i < r->module->item_count && !r->message; i++) {
        struct item *item = r->module->items[i];
        const struct item *witness = module_item(r->witness, item->out);
        if (item->kind != ITEM_EXPRESSION || !witness || witness->kind != ITEM_EXPRESSION ||
            witness->op != OP_EDGE)
            continue;
        if (item->op != OP_ALIAS || !item->in[0].bits)
            repair_refuse(r, item, "%s, but an edge in the VHDL of the same run",
                          op_name(item->op));
        else
            repair_edge(r, item, witness);
    }
}
