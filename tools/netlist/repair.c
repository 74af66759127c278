// SPDX-License-Identifier: Apache-2.0
#include "tools/netlist/repair.h"

#include <stdarg.h>
#include <stdio.h>

void repair_refuse(struct repair *r, const struct item *item, const char *format, ...)
{
    if (r->message)
        return;
    char text[512];
    const char *name = !item          ? "netlist"
                       : item->out    ? item->out
                       : item->memory ? item->memory
                                      : "unnamed";
    int used = snprintf(text, sizeof text, "%s:%u: module %s: %s: ", r->verilog->file,
                        item ? item->line : r->module->line, r->module->name, name);
    va_list args;
    va_start(args, format);
    if (used >= 0 && (size_t)used < sizeof text)
        vsnprintf(text + used, sizeof text - (size_t)used, format, args);
    va_end(args);
    r->message = pool_text(r->pool, text);
}

// The nth write port of a memory: those have no name to be found by.
static const struct item *write_port(const struct module *module, const char *memory, size_t nth)
{
    for (size_t i = 0; i < module->item_count; i++)
        if (module->items[i]->kind == ITEM_WRITE && module->items[i]->memory == memory &&
            nth-- == 0)
            return module->items[i];
    return NULL;
}

static const struct item *witness_of(const struct repair *r, size_t index)
{
    const struct item *item = r->module->items[index];
    if (item->kind != ITEM_WRITE)
        return module_item(r->witness, item->out);
    size_t nth = 0;
    for (size_t i = 0; i < index; i++) {
        const struct item *before = r->module->items[i];
        nth += before->kind == ITEM_WRITE && before->memory == item->memory;
    }
    return write_port(r->witness, item->memory, nth);
}

static void repair_item(struct repair *r, struct item *item, const struct item *witness)
{
    if (!witness) {
        repair_refuse(r, item, "the VHDL of the same run does not have it");
        return;
    }
    repair_text(r, item, witness);
    repair_names(r, item, witness);
    repair_case(r, item, witness);
    repair_register(r, item, witness);
    repair_shift(r, item, witness);
    repair_arithmetic(r, item, witness);
    repair_constants(r, item, witness);
    if (!item->dropped && witness->op != OP_EDGE)
        compare_items(r, item, witness);
}

static void repair_module(struct repair *r)
{
    if (r->module->item_count != r->witness->item_count)
        repair_refuse(r, NULL, "%zu items, but %zu in the VHDL of the same run",
                      r->module->item_count, r->witness->item_count);
    for (size_t i = 0; i < r->module->item_count && !r->message; i++)
        repair_item(r, r->module->items[i], witness_of(r, i));
    if (!r->message)
        repair_edges(r);
    for (size_t i = 0; i < r->module->item_count && !r->message; i++)
        repair_narrow(r, r->module->items[i]);
    if (!r->message)
        simplify_slices(r->pool, r->module);
    if (!r->message)
        check_module(r);
}

bool repair_netlist(struct netlist *verilog, const struct netlist *vhdl,
                    struct repair_counts *counts, const char **message)
{
    struct repair r = {.pool = verilog->pool, .verilog = verilog, .vhdl = vhdl};
    for (size_t i = 0; i < verilog->module_count && !r.message; i++) {
        r.module = verilog->modules[i];
        r.witness = netlist_find(vhdl, r.module->name);
        if (!r.witness)
            repair_refuse(&r, NULL, "the VHDL of the same run does not have this module");
        else
            repair_module(&r);
    }
    *counts = r.counts;
    *message = r.message;
    return r.message == NULL;
}
