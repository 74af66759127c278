// SPDX-License-Identifier: Apache-2.0
// The VHDL of `ghdl --synth`, GHDL 2.0: the reference that the Verilog is repaired from. As in
// verilog_read.c, an unknown shape is refused. The top comes as its own entity with an architecture
// that wraps each port x in a signal wrap_x of bits; here both are one net.
#include "tools/netlist/cursor.h"
#include "tools/netlist/vhdl_expression.h"

#include <string.h>

// Widths of the subtypes that the wrapper declares.
struct subtypes {
    const char **names;
    size_t *widths, count;
};

static size_t read_type(struct cursor *c, const struct subtypes *subtypes)
{
    const char *name = cursor_name(c);
    if (strcmp(name, "std_logic") == 0)
        return 1;
    for (size_t i = 0; i < subtypes->count; i++)
        if (subtypes->names[i] == name)
            return subtypes->widths[i];
    if (strcmp(name, "std_logic_vector") != 0) {
        cursor_fail(c, "unknown type %s", name);
        return 1;
    }
    cursor_need(c, "(");
    // No bits at all: one bit in the Verilog. Nothing can read it: no width would fit.
    bool empty = cursor_take(c, "-");
    size_t hi = cursor_number(c);
    cursor_need(c, "downto");
    if (cursor_number(c) != 0)
        cursor_fail(c, "a range that does not end at 0");
    cursor_need(c, ")");
    return empty ? 1 : hi + 1;
}

static void read_subtype(struct cursor *c, struct subtypes *subtypes)
{
    struct pool *pool = c->netlist->pool;
    const char *name = cursor_name(c);
    cursor_need(c, "is");
    size_t width = read_type(c, subtypes);
    cursor_need(c, ";");
    subtypes->names = pool_grow(pool, subtypes->names, subtypes->count, sizeof(char *));
    subtypes->widths = pool_grow(pool, subtypes->widths, subtypes->count, sizeof(size_t));
    subtypes->names[subtypes->count] = name;
    subtypes->widths[subtypes->count++] = width;
}

// The initial values of registers stand in the declarations, before the registers are known.
struct initials {
    const char **names, **bits;
    size_t count;
};

static void keep_initial(struct cursor *c, struct initials *initials, const char *name,
                         const char *bits)
{
    struct pool *pool = c->netlist->pool;
    initials->names = pool_grow(pool, initials->names, initials->count, sizeof(char *));
    initials->bits = pool_grow(pool, initials->bits, initials->count, sizeof(char *));
    initials->names[initials->count] = name;
    initials->bits[initials->count++] = bits;
}

// What the Verilog calls a port has that width here too.
static void declare(struct cursor *c, struct module *module, const char *name, size_t width)
{
    const char *port = vhdl_unwrap(c, module, name);
    const struct net *net = module_net(module, port);
    if (port != name) {
        if (net->width != width)
            cursor_fail(c, "module %s: port %s has another width in the Verilog", module->name,
                        port);
    } else if (net && net->width == width) {
        return; // see repair_names
    } else if (!module_add_net(c->netlist->pool, module, name, width, DIRECTION_NONE)) {
        cursor_fail(c, "module %s: %s is declared twice", module->name, name);
    }
}

static void read_declarations(struct cursor *c, struct module *module, struct initials *initials)
{
    struct subtypes subtypes = {0};
    while (!cursor_take(c, "begin") && !c->message) {
        if (cursor_take(c, "subtype")) {
            read_subtype(c, &subtypes);
            continue;
        }
        unsigned line = cursor_word(c)->line;
        bool constant = cursor_take(c, "constant");
        if (!constant)
            cursor_need(c, "signal");
        const char *name = cursor_name(c);
        cursor_need(c, ":");
        declare(c, module, name, read_type(c, &subtypes));
        if (constant) {
            cursor_need(c, ":=");
            struct item *item = cursor_item(c, module, ITEM_EXPRESSION, name, line, 0);
            item_add_input(c->netlist->pool, item, vhdl_operand(c, module), NULL);
        } else if (cursor_take(c, ":=")) {
            keep_initial(c, initials, name, cursor_bits(c));
        }
        cursor_need(c, ";");
    }
}

static bool read_edge(struct cursor *c, const struct module *module, struct item *item)
{
    item->falling = cursor_is(c, "falling_edge");
    if (!cursor_take(c, "rising_edge"))
        cursor_need(c, "falling_edge");
    cursor_need(c, "(");
    item->clock = vhdl_operand(c, module).net;
    cursor_need(c, ")");
    return true;
}

// target <= value ; end if ; end process ;
static void read_register(struct cursor *c, struct module *module)
{
    struct pool *pool = c->netlist->pool;
    unsigned line = cursor_word(c)->line;
    struct item edge = {0};
    struct operand reset = {0}, value = {0};
    const char *out = NULL;
    cursor_need(c, "if");
    if (!cursor_is(c, "rising_edge") && !cursor_is(c, "falling_edge")) {
        reset = vhdl_operand(c, module); // if reset = '1' then q <= value; elsif
        cursor_need(c, "=");
        if (strcmp(cursor_bits(c), "1") != 0)
            cursor_fail(c, "module %s: reset by another value than '1'", module->name);
        cursor_need(c, "then");
        out = cursor_name(c);
        cursor_need(c, "<=");
        value = vhdl_operand(c, module);
        cursor_need(c, ";");
        cursor_need(c, "elsif");
    }
    read_edge(c, module, &edge);
    cursor_need(c, "then");
    const char *target = cursor_name(c);
    if (out && out != target)
        cursor_fail(c, "module %s: process of two registers", module->name);
    cursor_need(c, "<=");
    struct item *item = cursor_item(c, module, ITEM_FLOP, target, line, 0);
    item_add_input(pool, item, vhdl_operand(c, module), NULL);
    if (out) {
        item_add_input(pool, item, reset, NULL);
        item_add_input(pool, item, value, NULL);
    }
    item->clock = edge.clock;
    item->falling = edge.falling;
    cursor_need(c, ";");
    cursor_need(c, "end");
    cursor_need(c, "if");
    cursor_need(c, ";");
}

// := (others => (others => '0')) or (0 => "..", 1 => "..")
static void read_contents(struct cursor *c, struct item *memory)
{
    struct pool *pool = c->netlist->pool;
    memory->words = pool_alloc(pool, memory->depth * sizeof(char *));
    cursor_need(c, "(");
    if (cursor_take(c, "others")) {
        cursor_need(c, "=>");
        bool vector = cursor_take(c, "(");
        if (vector) {
            cursor_need(c, "others");
            cursor_need(c, "=>");
        }
        const char *word = pool_repeat(pool, cursor_bits(c)[0], memory->width);
        for (size_t i = 0; i < memory->depth; i++)
            memory->words[i] = word;
        if (vector)
            cursor_need(c, ")");
        cursor_need(c, ")");
        return;
    }
    do {
        size_t index = cursor_number(c);
        cursor_need(c, "=>");
        const char *bits = cursor_bits(c);
        if (index >= memory->depth || strlen(bits) != memory->width)
            cursor_fail(c, "contents of %s do not fit it", memory->out);
        else
            memory->words[index] = bits;
    } while (cursor_take(c, ",") && !c->message);
    cursor_need(c, ")");
}

// (to_integer (unsigned (address)))
static void read_address(struct cursor *c, const struct module *module, struct item *item)
{
    cursor_need(c, "(");
    cursor_need(c, "to_integer");
    cursor_need(c, "(");
    cursor_need(c, "unsigned");
    bool qualified = cursor_take(c, "'");
    cursor_need(c, "(");
    // unsigned'("01") of a constant, unsigned (x) of a net, unsigned'(0 => x) of one bit
    struct operand address = vhdl_qualified(c, module);
    item_add_input(c->netlist->pool, item, address, NULL);
    if (qualified && address.net && operand_width(module, address) != 1)
        cursor_fail(c, "memory address %s of an unknown form", address.net);
    cursor_need(c, ")");
    cursor_need(c, ")");
    cursor_need(c, ")");
}

static struct operand read_enable(struct cursor *c, const struct module *module)
{
    cursor_need(c, "and");
    cursor_need(c, "(");
    bool qualified = cursor_ahead_is(c, 1, "'");
    if (qualified) {
        cursor_need(c, "std_logic");
        cursor_need(c, "'");
        cursor_need(c, "(");
    }
    struct operand enable = vhdl_operand(c, module);
    if (qualified)
        cursor_need(c, ")");
    cursor_need(c, "=");
    if (strcmp(cursor_bits(c), "1") != 0)
        cursor_fail(c, "module %s: enable by another value than '1'", module->name);
    cursor_need(c, ")");
    cursor_need(c, "then");
    return enable;
}

// One port of a memory: [if rising_edge (clk) and (enable) then] data <= m(a); or m (a) := data;
// [end if;]
static void read_port(struct cursor *c, struct module *module, const struct item *memory,
                      bool *written)
{
    struct pool *pool = c->netlist->pool;
    unsigned line = cursor_word(c)->line;
    struct item edge = {0};
    struct operand enable = {0};
    bool clocked = cursor_take(c, "if");
    if (clocked) {
        read_edge(c, module, &edge);
        enable = read_enable(c, module);
    }
    const char *target = cursor_name(c);
    bool write = target == memory->out;
    struct item *item =
        cursor_item(c, module, write ? ITEM_WRITE : ITEM_READ, write ? NULL : target, line, 0);
    item->memory = memory->out;
    item->clock = edge.clock;
    item->falling = edge.falling;
    if (write) {
        read_address(c, module, item);
        cursor_need(c, ":=");
        item_add_input(pool, item, vhdl_operand(c, module), NULL);
        *written = true;
        if (!clocked)
            cursor_fail(c, "memory %s is written without a clock", memory->out);
    } else {
        cursor_need(c, "<=");
        if (cursor_name(c) != memory->out)
            cursor_fail(c, "process of two memories");
        read_address(c, module, item);
        // The Verilog reads all ports before it writes any; here the order is the text's.
        if (*written && clocked)
            cursor_fail(c, "module %s: memory %s is read behind its write", module->name,
                        memory->out);
    }
    cursor_need(c, ";");
    if (clocked) {
        item_add_input(pool, item, enable, NULL);
        cursor_need(c, "end");
        cursor_need(c, "if");
        cursor_need(c, ";");
    }
}

// type m_type is array (0 to n) of ...; variable m : m_type [:= ...]; begin ports
static void read_memory(struct cursor *c, struct module *module)
{
    unsigned line = cursor_word(c)->line;
    struct subtypes none = {0};
    const char *type = cursor_name(c);
    cursor_need(c, "is");
    cursor_need(c, "array");
    cursor_need(c, "(");
    if (cursor_number(c) != 0)
        cursor_fail(c, "module %s: %s does not begin at 0", module->name, type);
    cursor_need(c, "to");
    size_t depth = cursor_number(c) + 1;
    cursor_need(c, ")");
    cursor_need(c, "of");
    size_t width = read_type(c, &none);
    cursor_need(c, ";");
    cursor_need(c, "variable");
    const char *name = cursor_name(c);
    struct item *memory = cursor_item(c, module, ITEM_MEMORY, name, line, 0);
    memory->depth = depth;
    memory->width = width;
    cursor_need(c, ":");
    if (cursor_name(c) != type)
        cursor_fail(c, "module %s: memory %s of an unknown type", module->name, name);
    if (cursor_take(c, ":="))
        read_contents(c, memory);
    cursor_need(c, ";");
    cursor_need(c, "begin");
    bool written = false;
    while (!cursor_is(c, "end") && !c->message)
        read_port(c, module, memory, &written);
}

static void read_process(struct cursor *c, struct module *module)
{
    if (cursor_take(c, "("))
        while (!cursor_take(c, ")") && cursor_word(c)->kind != WORD_END)
            c->at++;
    cursor_take(c, "is");
    if (cursor_take(c, "type")) {
        read_memory(c, module);
    } else {
        cursor_need(c, "begin");
        read_register(c, module);
    }
    cursor_need(c, "end");
    cursor_need(c, "process");
    cursor_need(c, ";");
}

// with SELECT select OUT <= a when "01", ... b when others;
static void read_select(struct cursor *c, struct module *module)
{
    struct pool *pool = c->netlist->pool;
    unsigned line = cursor_word(c)->line;
    struct operand select = vhdl_operand(c, module);
    cursor_need(c, "select");
    const char *out = cursor_name(c);
    cursor_need(c, "<=");
    struct item *item = cursor_item(c, module, ITEM_CASE, out, line, 0);
    item_add_input(pool, item, select, NULL);
    size_t width = operand_width(module, (struct operand){.net = out});
    while (!c->message) {
        struct operand value;
        if (cursor_take(c, "(")) { // (n downto 0 => 'X')
            if (cursor_number(c) + 1 != width)
                cursor_fail(c, "module %s: %s: value of another width", module->name, out);
            cursor_need(c, "downto");
            cursor_number(c);
            cursor_need(c, "=>");
            value = (struct operand){.bits = pool_repeat(pool, cursor_bits(c)[0], width)};
            cursor_need(c, ")");
        } else {
            value = vhdl_operand(c, module);
        }
        cursor_need(c, "when");
        if (cursor_take(c, "others")) {
            item->has_other = true;
            item->other = value;
            break;
        }
        item_add_input(pool, item, value, cursor_bits(c));
        cursor_need(c, ",");
    }
    cursor_need(c, ";");
}

// NAME : [postponed] assert x = '1' severity ...; or NAME : entity work.M port map (...);
static void read_labelled(struct cursor *c, struct module *module)
{
    struct pool *pool = c->netlist->pool;
    unsigned line = cursor_word(c)->line;
    const char *name = cursor_name(c);
    cursor_need(c, ":");
    cursor_take(c, "postponed");
    if (cursor_take(c, "assert")) {
        struct item *item = cursor_item(c, module, ITEM_ASSERT, name, line, 0);
        item_add_input(pool, item, vhdl_operand(c, module), NULL);
        while (!cursor_take(c, ";") && cursor_word(c)->kind != WORD_END)
            c->at++;
        return;
    }
    cursor_need(c, "entity");
    cursor_need(c, "work");
    cursor_need(c, ".");
    struct item *item = cursor_item(c, module, ITEM_INSTANCE, name, line, 0);
    item->module = cursor_name(c);
    cursor_need(c, "port");
    cursor_need(c, "map");
    cursor_need(c, "(");
    do {
        const char *port = cursor_name(c);
        cursor_need(c, "=>");
        struct operand actual = {0};
        if (!cursor_take(c, "open"))
            actual = vhdl_operand(c, module);
        item_add_input(pool, item, actual, port);
    } while (cursor_take(c, ",") && !c->message);
    cursor_need(c, ")");
    cursor_need(c, ";");
}

// The wrapper's own conversions: wrap_x <= conversion (x), and y <= conversion (wrap_y).
static bool skip_wrapper(struct cursor *c, const struct module *module, bool wrapped)
{
    const char *name = cursor_word(c)->text;
    const struct net *port = module_net(module, vhdl_unwrap(c, module, name));
    bool inward = port && port->name != name && port->direction == DIRECTION_IN;
    bool outward = port && port->name == name && port->direction == DIRECTION_OUT && wrapped;
    if (!inward && !outward)
        return false;
    while (!cursor_take(c, ";") && cursor_word(c)->kind != WORD_END)
        c->at++;
    return true;
}

static void read_statement(struct cursor *c, struct module *module, bool wrapped)
{
    if (cursor_take(c, "process"))
        read_process(c, module);
    else if (cursor_take(c, "with"))
        read_select(c, module);
    else if (cursor_ahead_is(c, 1, ":"))
        read_labelled(c, module);
    else if (cursor_ahead_is(c, 1, "<=") && skip_wrapper(c, module, wrapped))
        return;
    else
        vhdl_assign(c, module, vhdl_unwrap(c, module, cursor_name(c)));
}

static void read_architecture(struct cursor *c, struct module *module)
{
    struct initials initials = {0};
    bool wrapped =
        cursor_ahead(c, 1)->kind == WORD_NAME && strncmp(cursor_ahead(c, 1)->text, "wrap_", 5) == 0;
    read_declarations(c, module, &initials);
    while (!cursor_is(c, "end") && cursor_word(c)->kind != WORD_END)
        read_statement(c, module, wrapped);
    cursor_need(c, "end");
    cursor_need(c, "rtl");
    cursor_need(c, ";");
    for (size_t i = 0; i < initials.count && !c->message; i++) {
        struct item *item = module_item(module, vhdl_unwrap(c, module, initials.names[i]));
        if (!item || item->kind != ITEM_FLOP)
            cursor_fail(c, "module %s: initial value of %s, which is no register", module->name,
                        initials.names[i]);
        else
            item->init = initials.bits[i];
    }
}

bool read_vhdl(struct netlist *netlist, const struct words *words, const char **message)
{
    struct cursor c = {.netlist = netlist, .words = words};
    netlist->file = words->file;
    while (cursor_word(&c)->kind != WORD_END) {
        // Entities, packages' clauses and the top's own text are of no use here.
        if (!cursor_is(&c, "architecture") || !cursor_ahead_is(&c, 1, "rtl") ||
            !cursor_ahead_is(&c, 2, "of")) {
            c.at++;
            continue;
        }
        c.at += 3;
        const char *name = cursor_name(&c);
        struct module *module = netlist_find(netlist, name);
        cursor_need(&c, "is");
        if (!module)
            cursor_fail(&c, "architecture of %s, which the Verilog does not have", name);
        else
            read_architecture(&c, module);
    }
    *message = c.message;
    return c.message == NULL;
}
