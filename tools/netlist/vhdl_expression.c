// SPDX-License-Identifier: Apache-2.0
#include "tools/netlist/vhdl_expression.h"

#include <string.h>

enum sign { SIGN_NONE, SIGN_SIGNED, SIGN_UNSIGNED };

// A primary: an operand, perhaps a slice of it, perhaps converted.
struct primary {
    struct operand operand;
    enum sign sign;
    bool slice;
    unsigned hi, lo;
    bool fill; // (hi downto 0 => operand)
};

const char *vhdl_unwrap(const struct cursor *c, const struct module *module, const char *name)
{
    if (strncmp(name, "wrap_", 5) != 0)
        return name;
    const char *port = pool_text(c->netlist->pool, name + 5);
    const struct net *net = module_net(module, port);
    return net && net->direction != DIRECTION_NONE ? port : name;
}

struct operand vhdl_operand(struct cursor *c, const struct module *module)
{
    if (cursor_word(c)->kind == WORD_NAME) // a name
        return (struct operand){.net = vhdl_unwrap(c, module, cursor_name(c))};
    return (struct operand){.bits = cursor_bits(c)};
}

struct operand vhdl_qualified(struct cursor *c, const struct module *module)
{
    bool bit = cursor_word(c)->kind == WORD_NUMBER;
    if (bit) {
        cursor_number(c);
        cursor_need(c, "=>");
    }
    struct operand operand = vhdl_operand(c, module);
    if (bit && operand_width(module, operand) != 1)
        cursor_fail(c, "module %s: a vector of vectors", module->name);
    return operand;
}

static bool is_fill(const struct cursor *c)
{
    return cursor_is(c, "(") && cursor_ahead(c, 1)->kind == WORD_NUMBER &&
           cursor_ahead_is(c, 2, "downto");
}

// (hi downto 0 => operand)
static struct primary read_fill(struct cursor *c, const struct module *module)
{
    struct primary p = {.fill = true};
    cursor_need(c, "(");
    p.hi = (unsigned)cursor_number(c);
    cursor_need(c, "downto");
    if (cursor_number(c) != 0)
        cursor_fail(c, "a fill that does not end at 0");
    cursor_need(c, "=>");
    p.operand = vhdl_operand(c, module);
    if (p.operand.bits) {
        p.operand.bits = pool_repeat(c->netlist->pool, p.operand.bits[0], (size_t)p.hi + 1);
        p.fill = false;
    }
    cursor_need(c, ")");
    return p;
}

// (hi downto lo) or (index) behind a name
static void read_slice(struct cursor *c, struct primary *p)
{
    p->slice = true;
    cursor_need(c, "(");
    p->hi = p->lo = (unsigned)cursor_number(c);
    if (cursor_take(c, "downto"))
        p->lo = (unsigned)cursor_number(c);
    cursor_need(c, ")");
}

// signed (x), signed'("01"), std_logic'('0'), x, x (3 downto 1), "01", (7 downto 0 => 'X')
static struct primary read_primary(struct cursor *c, const struct module *module)
{
    if (is_fill(c))
        return read_fill(c, module);
    struct primary p = {0};
    bool qualified = cursor_ahead_is(c, 1, "'");
    bool conversion = cursor_is(c, "signed") || cursor_is(c, "unsigned");
    if (qualified || (conversion && cursor_ahead_is(c, 1, "("))) {
        p.sign = cursor_is(c, "signed")     ? SIGN_SIGNED
                 : cursor_is(c, "unsigned") ? SIGN_UNSIGNED
                                            : SIGN_NONE;
        c->at++;
        cursor_take(c, "'");
        cursor_need(c, "(");
        p.operand = vhdl_qualified(c, module);
        cursor_need(c, ")");
        return p;
    }
    p.operand = vhdl_operand(c, module);
    if (p.operand.net && cursor_is(c, "("))
        read_slice(c, &p);
    return p;
}

// A primary that is a plain operand.
static struct operand plain(struct cursor *c, const struct module *module, enum sign sign)
{
    struct primary p = read_primary(c, module);
    if (p.sign != sign || p.slice || p.fill)
        cursor_fail(c, "module %s: operand of an unexpected kind", module->name);
    return p.operand;
}

static void add(struct cursor *c, struct item *item, struct operand operand)
{
    item_add_input(c->netlist->pool, item, operand, NULL);
}

// The shift's count: to_integer (unsigned (x))
static struct operand read_count(struct cursor *c, const struct module *module)
{
    cursor_need(c, "to_integer");
    cursor_need(c, "(");
    struct operand operand = plain(c, module, SIGN_UNSIGNED);
    cursor_need(c, ")");
    return operand;
}

static bool read_shift(struct cursor *c, const struct module *module, struct item *item)
{
    static const struct {
        const char *function;
        enum op with_unsigned, with_signed;
    } shifts[] = {{"shift_left", OP_SHIFT_LEFT, OP_COUNT},
                  {"shift_right", OP_SHIFT_RIGHT, OP_SHIFT_RIGHT_SIGNED},
                  {"rotate_left", OP_ROTATE_LEFT, OP_COUNT},
                  {"rotate_right", OP_ROTATE_RIGHT, OP_COUNT}};
    for (size_t i = 0; i < sizeof shifts / sizeof *shifts; i++) {
        if (!cursor_take(c, shifts[i].function))
            continue;
        cursor_need(c, "(");
        bool is_signed = cursor_is(c, "signed");
        item->op = is_signed ? shifts[i].with_signed : shifts[i].with_unsigned;
        if (item->op == OP_COUNT)
            cursor_fail(c, "%s: signed %s", item->out, shifts[i].function);
        add(c, item, plain(c, module, is_signed ? SIGN_SIGNED : SIGN_UNSIGNED));
        cursor_need(c, ",");
        add(c, item, read_count(c, module));
        cursor_need(c, ")");
        return true;
    }
    return false;
}

// resize (signed (x), n) and resize (signed (x) * signed (y), n); n is the width of the output
static void read_resize(struct cursor *c, const struct module *module, struct item *item)
{
    cursor_need(c, "(");
    bool is_signed = cursor_is(c, "signed");
    enum sign sign = is_signed ? SIGN_SIGNED : SIGN_UNSIGNED;
    add(c, item, plain(c, module, sign));
    if (cursor_take(c, "*")) {
        add(c, item, plain(c, module, sign));
        item->op = is_signed ? OP_MULTIPLY_SIGNED : OP_MULTIPLY_UNSIGNED;
    } else if (is_signed) {
        item->op = OP_SIGN_EXTEND;
    } else {
        cursor_fail(c, "%s: unsigned resize", item->out);
    }
    cursor_need(c, ",");
    const struct net *out = module_net(module, item->out);
    if (cursor_number(c) != (out ? out->width : 0))
        cursor_fail(c, "%s: resized to another width than its own", item->out);
    cursor_need(c, ")");
}

struct arithmetic {
    const char *symbol;
    enum op with_unsigned, with_signed;
};

static void read_arithmetic(struct cursor *c, const struct module *module, struct item *item)
{
    static const struct arithmetic list[] = {{"+", OP_ADD, OP_COUNT},
                                             {"-", OP_SUBTRACT, OP_COUNT},
                                             {"/", OP_DIVIDE_UNSIGNED, OP_DIVIDE_SIGNED},
                                             {"mod", OP_MOD_UNSIGNED, OP_MOD_SIGNED},
                                             {"rem", OP_COUNT, OP_REM_SIGNED}};
    bool is_signed = cursor_is(c, "signed");
    enum sign sign = is_signed ? SIGN_SIGNED : SIGN_UNSIGNED;
    add(c, item, plain(c, module, sign));
    item->op = OP_COUNT;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (cursor_take(c, list[i].symbol))
            item->op = is_signed ? list[i].with_signed : list[i].with_unsigned;
    add(c, item, plain(c, module, sign));
    if (item->op == OP_COUNT)
        cursor_fail(c, "%s: unknown arithmetic", item->out);
    // A net of no bits stands as one bit, of 0; of one bit the emitter prints sums as xor.
    const struct net *out = module_net(module, item->out);
    if ((item->op == OP_ADD || item->op == OP_SUBTRACT) && out && out->width == 1)
        item->op = OP_XOR;
}

// std_logic_vector ( ... ), the word read
static void read_vector(struct cursor *c, const struct module *module, struct item *item)
{
    cursor_need(c, "(");
    if (cursor_take(c, "-") || cursor_take(c, "abs")) {
        item->op = strcmp(c->words->word[c->at - 1].text, "-") == 0 ? OP_NEGATE : OP_ABS;
        add(c, item, plain(c, module, SIGN_SIGNED));
    } else if (cursor_take(c, "resize")) {
        read_resize(c, module, item);
    } else if (!read_shift(c, module, item)) {
        read_arithmetic(c, module, item);
    }
    cursor_need(c, ")");
}

static enum op comparison(struct cursor *c, enum sign sign)
{
    static const struct {
        const char *symbol;
        enum op plain, with_signed, with_unsigned;
    } list[] = {{"=", OP_EQUAL, OP_COUNT, OP_COUNT},
                {"/=", OP_UNEQUAL, OP_COUNT, OP_COUNT},
                {"<", OP_COUNT, OP_LESS_SIGNED, OP_LESS_UNSIGNED},
                {"<=", OP_COUNT, OP_LESS_EQUAL_SIGNED, OP_LESS_EQUAL_UNSIGNED},
                {">", OP_COUNT, OP_GREATER_SIGNED, OP_GREATER_UNSIGNED},
                {">=", OP_COUNT, OP_GREATER_EQUAL_SIGNED, OP_GREATER_EQUAL_UNSIGNED}};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (cursor_take(c, list[i].symbol))
            return sign == SIGN_SIGNED     ? list[i].with_signed
                   : sign == SIGN_UNSIGNED ? list[i].with_unsigned
                                           : list[i].plain;
    return OP_COUNT;
}

static bool is_bit(struct operand operand, const char *bit)
{
    return operand.bits && strcmp(operand.bits, bit) == 0;
}

// left REL right, with FIRST before it and LAST behind: a selection, an extreme or a comparison
static void decide(struct cursor *c, const struct module *module, struct item *item,
                   struct operand first, struct operand last, enum op op,
                   const struct primary *left, const struct primary *right)
{
    bool reduction = op == OP_EQUAL || op == OP_UNEQUAL;
    if (op == OP_EQUAL && is_bit(right->operand, "0") && !right->slice) {
        item->op = OP_SELECT;
        add(c, item, left->operand);
        add(c, item, first);
        add(c, item, last);
        return;
    }
    if (is_bit(first, "1") && is_bit(last, "0")) {
        item->op = op;
        add(c, item, left->operand);
        add(c, item, right->operand);
        const char *bits = right->operand.bits;
        size_t width = operand_width(module, left->operand);
        if (!right->lo && reduction && bits && right->hi + 1 == width && right->hi) {
            // '1' when a = (n downto 0 => '1'): the emitter's and over all bits
            bool ones = op == OP_EQUAL;
            item->op = ones ? OP_ALL_AND : OP_ALL_OR;
            item->in_count = 1;
            if (bits != pool_repeat(c->netlist->pool, ones ? '1' : '0', width))
                cursor_fail(c, "%s: unknown reduction", item->out);
        }
        return;
    }
    item->op = op == OP_LESS_SIGNED        ? OP_MIN_SIGNED
               : op == OP_LESS_UNSIGNED    ? OP_MIN_UNSIGNED
               : op == OP_GREATER_SIGNED   ? OP_MAX_SIGNED
               : op == OP_GREATER_UNSIGNED ? OP_MAX_UNSIGNED
                                           : OP_COUNT;
    add(c, item, first);
    add(c, item, last);
    if (item->op == OP_COUNT || !operand_same(first, left->operand) ||
        !operand_same(last, right->operand))
        cursor_fail(c, "module %s: %s: unknown condition", module->name, item->out);
}

// FIRST when LEFT REL RIGHT else LAST, behind when
static void read_condition(struct cursor *c, const struct module *module, struct item *item,
                           struct operand first)
{
    bool falling = cursor_is(c, "falling_edge");
    if (falling || cursor_is(c, "rising_edge")) {
        c->at++;
        item->op = OP_EDGE;
        item->falling = falling;
        cursor_need(c, "(");
        item->clock = vhdl_operand(c, module).net;
        cursor_need(c, ")");
        cursor_need(c, "else");
        plain(c, module, SIGN_NONE);
        return;
    }
    struct primary left = read_primary(c, module);
    enum op op = comparison(c, left.sign);
    struct primary right = read_primary(c, module);
    cursor_need(c, "else");
    struct operand last = plain(c, module, SIGN_NONE);
    bool signs_differ = left.sign != right.sign && op != OP_EQUAL && op != OP_UNEQUAL;
    if (op == OP_COUNT || signs_differ || left.slice || right.slice || left.fill || right.fill) {
        cursor_fail(c, "module %s: %s: unknown comparison", module->name, item->out);
        return;
    }
    decide(c, module, item, first, last, op, &left, &right);
}

// a (0) xor a (1) xor ...: xor over all bits, with the first read
static void read_all_xor(struct cursor *c, const struct module *module, struct item *item,
                         const struct primary *first)
{
    size_t next = 1;
    while (cursor_take(c, "xor")) {
        struct primary p = read_primary(c, module);
        if (!p.slice || p.hi != next || p.lo != next || !operand_same(p.operand, first->operand))
            cursor_fail(c, "%s: unknown chain of xor", item->out);
        next++;
    }
    item->op = OP_ALL_XOR;
    add(c, item, first->operand);
    if (next != operand_width(module, first->operand) || first->hi != 0)
        cursor_fail(c, "%s: xor over %zu bits", item->out, next);
}

static bool read_logic(struct cursor *c, const struct module *module, struct item *item,
                       const struct primary *left)
{
    static const struct {
        const char *word;
        enum op op;
    } list[] = {{"and", OP_AND},   {"or", OP_OR},   {"xor", OP_XOR},
                {"nand", OP_NAND}, {"nor", OP_NOR}, {"xnor", OP_XNOR}};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        if (!cursor_is(c, list[i].word))
            continue;
        if (left->slice && list[i].op == OP_XOR) {
            read_all_xor(c, module, item, left);
            return true;
        }
        c->at++;
        item->op = list[i].op;
        add(c, item, left->operand);
        add(c, item, plain(c, module, SIGN_NONE));
        if (left->slice || left->fill)
            cursor_fail(c, "%s: logic on a slice", item->out);
        return true;
    }
    return false;
}

// An expression that begins with a primary.
static void read_general(struct cursor *c, const struct module *module, struct item *item)
{
    struct primary p = read_primary(c, module);
    if (cursor_take(c, "when")) {
        read_condition(c, module, item, p.operand);
    } else if (cursor_is(c, "&")) {
        item->op = OP_CONCAT;
        add(c, item, p.operand);
        while (cursor_take(c, "&"))
            add(c, item, plain(c, module, SIGN_NONE));
    } else if (!read_logic(c, module, item, &p)) {
        item->op = p.slice ? OP_EXTRACT : p.fill ? OP_SIGN_EXTEND : OP_ALIAS;
        item->hi = p.slice ? p.hi : 0;
        item->lo = p.lo;
        add(c, item, p.operand);
        return;
    }
    if (p.sign != SIGN_NONE || (p.slice && item->op != OP_ALL_XOR) || p.fill)
        cursor_fail(c, "module %s: %s: unknown expression", module->name, item->out);
}

void vhdl_assign(struct cursor *c, struct module *module, const char *out)
{
    unsigned line = cursor_word(c)->line;
    cursor_need(c, "<=");
    if (c->message)
        return;
    struct item *item = cursor_item(c, module, ITEM_EXPRESSION, out, line, 0);
    bool vector = cursor_is(c, "std_logic_vector") && cursor_ahead_is(c, 1, "(");
    if (vector) {
        c->at++;
        read_vector(c, module, item);
    } else if (cursor_take(c, "not")) {
        item->op = OP_NOT;
        add(c, item, plain(c, module, SIGN_NONE));
    } else {
        read_general(c, module, item);
    }
    cursor_need(c, ";");
}
