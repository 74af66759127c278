// SPDX-License-Identifier: Apache-2.0
#include "tools/netlist/verilog_expression.h"

#include <string.h>

enum sign { SIGN_NONE, SIGN_SIGNED, SIGN_UNSIGNED };

struct operand verilog_operand(struct cursor *c)
{
    struct operand operand = {0};
    const struct word *word = cursor_word(c);
    if (word->kind == WORD_NAME) {
        operand.net = cursor_name(c);
    } else {
        operand.was_string = word->kind == WORD_STRING;
        operand.bits = cursor_bits(c);
    }
    return operand;
}

static struct operand cast_operand(struct cursor *c, enum sign *sign)
{
    *sign = cursor_is(c, "$signed")     ? SIGN_SIGNED
            : cursor_is(c, "$unsigned") ? SIGN_UNSIGNED
                                        : SIGN_NONE;
    if (*sign == SIGN_NONE)
        return verilog_operand(c);
    c->at++;
    cursor_need(c, "(");
    struct operand operand = verilog_operand(c);
    cursor_need(c, ")");
    return operand;
}

static void add(struct cursor *c, struct item *item, struct operand operand)
{
    item_add_input(c->netlist->pool, item, operand, NULL);
}

// {a, b, ...} behind the brace, or {{n{a[hi]}}, a}
static void read_concat(struct cursor *c, struct module *module, struct item *item)
{
    if (!cursor_take(c, "{")) {
        item->op = OP_CONCAT;
        do
            add(c, item, verilog_operand(c));
        while (cursor_take(c, ","));
        cursor_need(c, "}");
        return;
    }
    item->op = OP_SIGN_EXTEND;
    size_t count = cursor_number(c);
    cursor_need(c, "{");
    struct operand sign = verilog_operand(c);
    size_t width = operand_width(module, sign);
    if (cursor_take(c, "[")) {
        if (cursor_number(c) != width - 1)
            cursor_fail(c, "module %s: %s is extended by another bit than its sign", module->name,
                        item->out);
        cursor_need(c, "]");
    } else if (width != 1) {
        cursor_fail(c, "module %s: %s repeats a whole vector", module->name, item->out);
    }
    cursor_need(c, "}");
    cursor_need(c, "}");
    cursor_need(c, ",");
    struct operand operand = verilog_operand(c);
    cursor_need(c, "}");
    add(c, item, operand);
    const struct net *out = module_net(module, item->out);
    if (!operand_same(operand, sign) || !out || count + width != out->width)
        cursor_fail(c, "module %s: %s is no sign extension", module->name, item->out);
}

// a[hi:lo], a[n], memory[address] with the operand read and the bracket next
static void read_index(struct cursor *c, const struct module *module, struct item *item,
                       struct operand operand)
{
    const struct item *memory = operand.net ? module_item(module, operand.net) : NULL;
    cursor_need(c, "[");
    if (memory && memory->kind == ITEM_MEMORY) {
        item->kind = ITEM_READ;
        item->memory = operand.net;
        add(c, item, verilog_operand(c));
        cursor_need(c, "]");
        return;
    }
    item->op = OP_EXTRACT;
    add(c, item, operand);
    item->hi = item->lo = (unsigned)cursor_number(c);
    if (cursor_take(c, ":"))
        item->lo = (unsigned)cursor_number(c);
    cursor_need(c, "]");
}

struct binary {
    const char *symbol;
    enum op plain, with_signed, with_unsigned;
};

// OP_COUNT where the emitter does not print that mixture.
static const struct binary binaries[] = {
    {"+", OP_ADD, OP_COUNT, OP_COUNT},
    {"-", OP_SUBTRACT, OP_COUNT, OP_COUNT},
    {"*", OP_MULTIPLY, OP_COUNT, OP_COUNT},
    {"/", OP_DIVIDE, OP_COUNT, OP_COUNT},
    {"%", OP_REMAINDER, OP_COUNT, OP_COUNT},
    {"<<", OP_SHIFT_LEFT, OP_COUNT, OP_COUNT},
    {">>", OP_SHIFT_RIGHT, OP_SHIFT_RIGHT, OP_COUNT}, // $signed(a) >> b shifts in zeros
    {"<", OP_COUNT, OP_LESS_SIGNED, OP_LESS_UNSIGNED},
    {"<=", OP_COUNT, OP_LESS_EQUAL_SIGNED, OP_LESS_EQUAL_UNSIGNED},
    {">", OP_COUNT, OP_GREATER_SIGNED, OP_GREATER_UNSIGNED},
    {">=", OP_COUNT, OP_GREATER_EQUAL_SIGNED, OP_GREATER_EQUAL_UNSIGNED},
    {"==", OP_EQUAL, OP_COUNT, OP_COUNT},
    {"!=", OP_UNEQUAL, OP_COUNT, OP_COUNT},
    {"&", OP_AND, OP_COUNT, OP_COUNT},
    {"|", OP_OR, OP_COUNT, OP_COUNT},
    {"^", OP_XOR, OP_COUNT, OP_COUNT},
};

static void read_binary(struct cursor *c, struct module *module, struct item *item,
                        struct operand left, enum sign sign)
{
    const struct binary *binary = NULL;
    for (size_t i = 0; i < sizeof binaries / sizeof *binaries; i++)
        if (cursor_is(c, binaries[i].symbol))
            binary = &binaries[i];
    if (!binary) {
        cursor_fail(c, "module %s: %s: unknown expression at '%s'", module->name, item->out,
                    cursor_word(c)->text);
        return;
    }
    c->at++;
    enum sign right_sign;
    add(c, item, left);
    add(c, item, cast_operand(c, &right_sign));
    item->op = sign == SIGN_SIGNED     ? binary->with_signed
               : sign == SIGN_UNSIGNED ? binary->with_unsigned
                                       : binary->plain;
    bool shift = binary->plain == OP_SHIFT_RIGHT || binary->plain == OP_SHIFT_LEFT;
    if (item->op == OP_COUNT || (shift ? right_sign != SIGN_NONE : right_sign != sign))
        cursor_fail(c, "module %s: %s: unknown mixture of signs at '%s'", module->name, item->out,
                    binary->symbol);
}

// (a < b) ? a : b behind the parenthesis: how the emitter prints unsigned minimum and maximum
static void read_extreme(struct cursor *c, struct module *module, struct item *item)
{
    struct operand left = verilog_operand(c);
    item->op = cursor_is(c, "<") ? OP_MIN_UNSIGNED : OP_MAX_UNSIGNED;
    if (!cursor_take(c, "<"))
        cursor_need(c, ">");
    struct operand right = verilog_operand(c);
    cursor_need(c, ")");
    cursor_need(c, "?");
    struct operand first = verilog_operand(c);
    cursor_need(c, ":");
    if (!operand_same(first, left) || !operand_same(verilog_operand(c), right))
        cursor_fail(c, "module %s: %s: unknown selection", module->name, item->out);
    add(c, item, left);
    add(c, item, right);
}

// ~(a | b) behind ~(
static void read_negated(struct cursor *c, struct item *item)
{
    add(c, item, verilog_operand(c));
    item->op = cursor_is(c, "|") ? OP_NOR : cursor_is(c, "&") ? OP_NAND : OP_XNOR;
    if (!cursor_take(c, "|") && !cursor_take(c, "&"))
        cursor_need(c, "^");
    add(c, item, verilog_operand(c));
    cursor_need(c, ")");
}

static bool read_unary(struct cursor *c, struct item *item)
{
    static const struct {
        const char *symbol;
        enum op op;
        bool reduction;
    } unaries[] = {{"~", OP_NOT, false},
                   {"-", OP_NEGATE, false},
                   {"&", OP_ALL_AND, true},
                   {"|", OP_ALL_OR, true},
                   {"^", OP_ALL_XOR, true}};
    for (size_t i = 0; i < sizeof unaries / sizeof *unaries; i++) {
        if (!cursor_take(c, unaries[i].symbol))
            continue;
        bool parenthesis = cursor_take(c, "(");
        item->op = unaries[i].op;
        if (item->op == OP_NOT && parenthesis) {
            read_negated(c, item);
            return true;
        }
        if (parenthesis != unaries[i].reduction)
            cursor_fail(c, "%s: unknown expression", item->out);
        add(c, item, verilog_operand(c));
        if (parenthesis)
            cursor_need(c, ")");
        return true;
    }
    return false;
}

// Shapes that the two languages print differently but mean the same, brought to one.
static void canonical(struct cursor *c, const struct module *module, struct item *item)
{
    struct pool *pool = c->netlist->pool;
    const struct net *out = module_net(module, item->out);
    if ((item->op == OP_ADD || item->op == OP_SUBTRACT) && out && out->width == 1)
        item->op = OP_XOR; // the VHDL says so, of one bit
    if (item->op == OP_EQUAL && item->in[1].bits && strcmp(item->in[1].bits, "0") == 0) {
        item->op = OP_SELECT; // '1' when a = '0' else '0' is printed alike for both
        item->in[1] = (struct operand){.bits = pool_text(pool, "1")};
        add(c, item, (struct operand){.bits = pool_text(pool, "0")});
    }
}

void verilog_assign(struct cursor *c, struct module *module)
{
    unsigned line = cursor_word(c)->line;
    const char *out = cursor_name(c);
    cursor_need(c, "=");
    if (c->message)
        return;
    struct item *item = cursor_item(c, module, ITEM_EXPRESSION, out, line, 0);
    if (cursor_take(c, "{")) {
        read_concat(c, module, item);
    } else if (cursor_take(c, "(")) {
        read_extreme(c, module, item);
    } else if (!read_unary(c, item)) {
        enum sign sign;
        struct operand left = cast_operand(c, &sign);
        if (cursor_is(c, ";")) {
            add(c, item, left);
        } else if (cursor_is(c, "[")) {
            read_index(c, module, item, left);
        } else if (cursor_take(c, "?")) {
            item->op = OP_SELECT;
            struct operand one = verilog_operand(c);
            cursor_need(c, ":");
            add(c, item, left);
            add(c, item, verilog_operand(c));
            add(c, item, one);
        } else {
            read_binary(c, module, item, left, sign);
        }
    }
    cursor_need(c, ";");
    if (!c->message && item->kind == ITEM_EXPRESSION)
        canonical(c, module, item);
}
