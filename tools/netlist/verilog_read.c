// SPDX-License-Identifier: Apache-2.0
// The Verilog of `ghdl --synth`, GHDL 2.0: a few dozen fixed shapes of statement. Whatever has
// another shape is refused with its line; nothing is skipped.
#include "tools/netlist/cursor.h"
#include "tools/netlist/verilog_expression.h"

#include <string.h>

static size_t read_width(struct cursor *c)
{
    if (!cursor_take(c, "["))
        return 1;
    size_t hi = cursor_number(c);
    cursor_need(c, ":");
    if (cursor_number(c) != 0)
        cursor_fail(c, "a range that does not end at 0");
    cursor_need(c, "]");
    return hi + 1;
}

static void add_net(struct cursor *c, struct module *module, const char *name, size_t width,
                    enum direction direction)
{
    const struct net *twin = module_net(module, name);
    if (twin && twin->width == width) // see repair_names
        return;
    if (!module_add_net(c->netlist->pool, module, name, width, direction))
        cursor_fail(c, "module %s: %s is declared twice", module->name, name);
}

// wire, reg (a net or a memory) and localparam
static void read_declaration(struct cursor *c, struct module *module)
{
    unsigned line = cursor_word(c)->line;
    bool constant = cursor_is(c, "localparam"), reg = cursor_is(c, "reg");
    c->at++;
    size_t width = read_width(c);
    const char *name = cursor_name(c);
    if (constant) {
        cursor_need(c, "=");
        add_net(c, module, name, width, DIRECTION_NONE);
        struct item *item = cursor_item(c, module, ITEM_EXPRESSION, name, line, 0);
        item_add_input(c->netlist->pool, item, verilog_operand(c), NULL);
        item->local = true;
    } else if (reg && cursor_take(c, "[")) {
        struct item *item = cursor_item(c, module, ITEM_MEMORY, name, line, 0);
        item->width = width;
        item->depth = cursor_number(c) + 1;
        cursor_need(c, ":");
        if (cursor_number(c) != 0)
            cursor_fail(c, "memory %s does not begin at 0", name);
        cursor_need(c, "]");
    } else {
        add_net(c, module, name, width, DIRECTION_NONE);
    }
    cursor_need(c, ";");
}

// initial begin name[index] = bits; ... end
static void read_memory_contents(struct cursor *c, struct module *module)
{
    while (!cursor_take(c, "end") && !c->message) {
        const char *name = cursor_name(c);
        struct item *memory = module_item(module, name);
        cursor_need(c, "[");
        size_t index = cursor_number(c);
        cursor_need(c, "]");
        cursor_need(c, "=");
        const char *bits = cursor_bits(c);
        cursor_need(c, ";");
        if (!memory || memory->kind != ITEM_MEMORY || index >= memory->depth ||
            strlen(bits) != memory->width) {
            cursor_fail(c, "module %s: contents of %s do not fit it", module->name, name);
            return;
        }
        if (!memory->words)
            memory->words = pool_alloc(c->netlist->pool, memory->depth * sizeof(char *));
        memory->words[index] = bits;
    }
}

static void read_initial(struct cursor *c, struct module *module)
{
    if (cursor_take(c, "begin")) {
        read_memory_contents(c, module);
        return;
    }
    const char *name = cursor_name(c);
    cursor_need(c, "<=");
    const char *bits = cursor_bits(c);
    cursor_need(c, ";");
    struct item *item = module_item(module, name);
    // An initialised signal is printed as a copy of its register, with the same value once more. On
    // a copy it means nothing, unless repair_edge finds that the copy is the register.
    if (!item || item->init || (item->kind != ITEM_FLOP && item->op != OP_ALIAS))
        cursor_fail(c, "module %s: initial value of %s, which is no register", module->name, name);
    else if (item->kind == ITEM_FLOP)
        item->init = bits;
    else
        item->copy_init = bits;
}

static void read_case(struct cursor *c, struct module *module)
{
    unsigned line = cursor_word(c)->line;
    struct pool *pool = c->netlist->pool;
    cursor_need(c, "(");
    struct operand select = verilog_operand(c);
    cursor_need(c, ")");
    struct item *item = NULL;
    while (!cursor_take(c, "endcase") && !c->message) {
        bool other = cursor_take(c, "default");
        const char *label = other ? NULL : cursor_bits(c);
        cursor_need(c, ":");
        const char *out = cursor_name(c);
        cursor_need(c, "<=");
        struct operand value = verilog_operand(c);
        cursor_need(c, ";");
        if (!item) {
            item = cursor_item(c, module, ITEM_CASE, out, line, 0);
            item_add_input(pool, item, select, NULL);
        }
        if (item->out != out || item->has_other)
            cursor_fail(c, "module %s: case of two nets, %s and %s", module->name, item->out, out);
        if (other) {
            item->has_other = true;
            item->other = value;
        } else {
            item_add_input(pool, item, value, label);
        }
    }
    if (!item)
        cursor_fail(c, "module %s: empty case", module->name);
}

// always @* behind the star
static void read_combinational(struct cursor *c, struct module *module)
{
    unsigned line = cursor_word(c)->line;
    if (cursor_take(c, "case")) {
        read_case(c, module);
        return;
    }
    if (cursor_take(c, "if")) { // an assertion: if (!n) $fatal(1, "assertion failure NAME");
        cursor_need(c, "(");
        cursor_need(c, "!");
        struct operand condition = verilog_operand(c);
        cursor_need(c, ")");
        cursor_need(c, "$fatal");
        cursor_need(c, "(");
        cursor_number(c);
        cursor_need(c, ",");
        const struct word *text = cursor_word(c);
        const char *space = strrchr(text->text, ' ');
        c->at++;
        const char *name = pool_text(c->netlist->pool, space ? space + 1 : text->text);
        struct item *item = cursor_item(c, module, ITEM_ASSERT, name, line, 0);
        item_add_input(c->netlist->pool, item, condition, NULL);
        cursor_need(c, ")");
        cursor_need(c, ";");
        return;
    }
    const char *out = cursor_name(c);
    cursor_need(c, "=");
    struct item *item = cursor_item(c, module, ITEM_EXPRESSION, out, line, 0);
    item_add_input(c->netlist->pool, item, verilog_operand(c), NULL);
    cursor_need(c, ";");
}

// name <= ... or memory[address] <= ..., with or without an enable
static void read_clocked(struct cursor *c, struct module *module, const char *clock, bool falling,
                         const struct operand *enable, unsigned line)
{
    struct pool *pool = c->netlist->pool;
    const char *out = cursor_name(c);
    struct item *item;
    if (cursor_take(c, "[")) {
        item = cursor_item(c, module, ITEM_WRITE, NULL, line, 0);
        item->memory = out;
        item_add_input(pool, item, verilog_operand(c), NULL);
        cursor_need(c, "]");
        cursor_need(c, "<=");
        item_add_input(pool, item, verilog_operand(c), NULL);
        item_add_input(pool, item, *enable, NULL);
    } else if (cursor_ahead_is(c, 2, "[")) {
        item = cursor_item(c, module, ITEM_READ, out, line, 0);
        cursor_need(c, "<=");
        item->memory = cursor_name(c);
        cursor_need(c, "[");
        item_add_input(pool, item, verilog_operand(c), NULL);
        cursor_need(c, "]");
        item_add_input(pool, item, *enable, NULL);
    } else {
        if (!enable->bits)
            cursor_fail(c, "module %s: register %s with an enable of its own", module->name, out);
        item = cursor_item(c, module, ITEM_FLOP, out, line, 0);
        cursor_need(c, "<=");
        item_add_input(pool, item, verilog_operand(c), NULL);
    }
    item->clock = clock;
    item->falling = falling;
    cursor_need(c, ";");
}

// always @(posedge clock or posedge reset) if (reset) q <= value; else q <= d;
static void read_resettable(struct cursor *c, struct module *module, const char *clock,
                            bool falling, unsigned line)
{
    struct pool *pool = c->netlist->pool;
    cursor_need(c, "posedge");
    struct operand edge = verilog_operand(c);
    cursor_need(c, ")");
    cursor_need(c, "if");
    cursor_need(c, "(");
    struct operand reset = verilog_operand(c);
    cursor_need(c, ")");
    if (!operand_same(edge, reset))
        cursor_fail(c, "module %s: reset differs from its edge", module->name);
    const char *out = cursor_name(c);
    cursor_need(c, "<=");
    struct operand value = verilog_operand(c);
    cursor_need(c, ";");
    cursor_need(c, "else");
    if (cursor_name(c) != out)
        cursor_fail(c, "module %s: reset of another register than %s", module->name, out);
    cursor_need(c, "<=");
    struct item *item = cursor_item(c, module, ITEM_FLOP, out, line, 0);
    item_add_input(pool, item, verilog_operand(c), NULL);
    item_add_input(pool, item, reset, NULL);
    item_add_input(pool, item, value, NULL);
    item->clock = clock;
    item->falling = falling;
    cursor_need(c, ";");
}

static void read_always(struct cursor *c, struct module *module)
{
    unsigned line = cursor_word(c)->line;
    cursor_need(c, "@");
    if (cursor_take(c, "*")) {
        read_combinational(c, module);
        return;
    }
    cursor_need(c, "(");
    bool falling = cursor_take(c, "negedge");
    if (!falling)
        cursor_need(c, "posedge");
    const char *clock = cursor_name(c);
    if (cursor_take(c, "or")) {
        read_resettable(c, module, clock, falling, line);
        return;
    }
    cursor_need(c, ")");
    struct operand enable = {.bits = pool_text(c->netlist->pool, "1")};
    if (cursor_take(c, "if")) {
        cursor_need(c, "(");
        enable = verilog_operand(c);
        cursor_need(c, ")");
    }
    read_clocked(c, module, clock, falling, &enable, line);
}

static void read_instance(struct cursor *c, struct module *module)
{
    unsigned line = cursor_word(c)->line;
    const char *of = cursor_name(c);
    if (cursor_is(c, "#"))
        cursor_fail(c, "module %s: %s is a black box with parameters", module->name, of);
    const char *name = cursor_name(c);
    struct item *item = cursor_item(c, module, ITEM_INSTANCE, name, line, 0);
    item->module = of;
    cursor_need(c, "(");
    while (!cursor_take(c, ")") && !c->message) {
        cursor_need(c, ".");
        const char *port = cursor_name(c);
        cursor_need(c, "(");
        struct operand actual = {0};
        if (!cursor_is(c, ")"))
            actual = verilog_operand(c);
        cursor_need(c, ")");
        item_add_input(c->netlist->pool, item, actual, port);
        if (!cursor_is(c, ")"))
            cursor_need(c, ",");
    }
    cursor_need(c, ";");
}

// NAME <= ...; outside of an always: VHDL that slipped into the Verilog
static void read_foreign(struct cursor *c, struct module *module)
{
    unsigned line = cursor_word(c)->line;
    struct item *item = cursor_item(c, module, ITEM_EXPRESSION, cursor_name(c), line, 0);
    item->vhdl_text = true;
    while (!cursor_take(c, ";") && cursor_word(c)->kind != WORD_END)
        c->at++;
}

static void read_statement(struct cursor *c, struct module *module)
{
    if (cursor_ahead_is(c, 1, "<="))
        read_foreign(c, module);
    else if (cursor_is(c, "wire") || cursor_is(c, "reg") || cursor_is(c, "localparam"))
        read_declaration(c, module);
    else if (cursor_take(c, "assign"))
        verilog_assign(c, module);
    else if (cursor_take(c, "always"))
        read_always(c, module);
    else if (cursor_take(c, "initial"))
        read_initial(c, module);
    else
        read_instance(c, module);
}

static void read_ports(struct cursor *c, struct module *module)
{
    if (cursor_take(c, "#"))
        cursor_fail(c, "module %s is a black box with parameters", module->name);
    if (cursor_take(c, ";"))
        return;
    cursor_need(c, "(");
    while (!cursor_take(c, ")") && !c->message) {
        enum direction direction = cursor_is(c, "input") ? DIRECTION_IN : DIRECTION_OUT;
        if (cursor_is(c, "inout"))
            cursor_fail(c, "module %s has an inout port", module->name);
        if (!cursor_take(c, "input"))
            cursor_need(c, "output");
        size_t width = read_width(c);
        add_net(c, module, cursor_name(c), width, direction);
        if (!cursor_is(c, ")"))
            cursor_need(c, ",");
    }
    cursor_need(c, ";");
}

bool read_verilog(struct netlist *netlist, const struct words *words, const char **message)
{
    struct cursor c = {.netlist = netlist, .words = words};
    netlist->file = words->file;
    while (cursor_word(&c)->kind != WORD_END) {
        cursor_need(&c, "module");
        const char *name = cursor_name(&c);
        struct module *module = netlist_add(netlist, name, cursor_word(&c)->line);
        read_ports(&c, module);
        size_t before = module->item_count;
        while (!cursor_take(&c, "endmodule") && cursor_word(&c)->kind != WORD_END)
            read_statement(&c, module);
        if (!c.message && module->item_count == before)
            cursor_fail(&c, "module %s is empty: a black box", name);
    }
    *message = c.message;
    return c.message == NULL;
}
