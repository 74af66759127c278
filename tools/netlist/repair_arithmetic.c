// SPDX-License-Identifier: Apache-2.0
// Products, quotients and remainders are printed without a sign. A product of sign-extended
// operands is right that way, but a synthesiser then builds a multiplier of the extended size;
// quotients and remainders are wrong.
#include "tools/netlist/repair.h"

#include <string.h>

void repair_arithmetic(struct repair *r, struct item *item, const struct item *witness)
{
    if (item->kind != ITEM_EXPRESSION || witness->kind != ITEM_EXPRESSION)
        return;
    enum op op = witness->op;
    bool product = op == OP_MULTIPLY_SIGNED || op == OP_MULTIPLY_UNSIGNED;
    bool quotient = op == OP_DIVIDE_SIGNED || op == OP_DIVIDE_UNSIGNED;
    bool remainder = op == OP_REM_SIGNED || op == OP_MOD_SIGNED || op == OP_MOD_UNSIGNED;
    if (!(item->op == OP_MULTIPLY && product) && !(item->op == OP_DIVIDE && quotient) &&
        !(item->op == OP_REMAINDER && remainder))
        return;
    item->op = op;
    r->counts.signed_products += op == OP_MULTIPLY_SIGNED;
    r->counts.signed_quotients += op == OP_DIVIDE_SIGNED || (remainder && op != OP_MOD_UNSIGNED);
}

// The bits without repetitions of the sign in front.
static const char *shortest(struct pool *pool, const char *bits)
{
    size_t length = strlen(bits);
    while (length > 1 && bits[0] == bits[1]) {
        bits++;
        length--;
    }
    return pool_intern(pool, bits, length);
}

// Provably not negative: a constant, or an extension with zeros.
static bool is_natural(const struct module *module, struct operand operand)
{
    const struct item *source = module_item(module, operand.net);
    if (source && source->kind == ITEM_EXPRESSION && source->op == OP_CONCAT)
        operand = source->in[0];
    return operand.bits && operand.bits[0] == '0';
}

// Quotients and remainders of natural numbers are the same with and without sign; mod has no
// counterpart in Verilog otherwise.
static void narrow_quotient(struct repair *r, struct item *item)
{
    bool natural = is_natural(r->module, item->in[0]) && is_natural(r->module, item->in[1]);
    if (natural)
        item->op = item->op == OP_DIVIDE_SIGNED ? OP_DIVIDE_UNSIGNED : OP_MOD_UNSIGNED;
    else if (item->op == OP_MOD_SIGNED)
        repair_refuse(r, item, "signed mod has no counterpart in Verilog");
}

static void narrow_product(struct repair *r, struct item *item)
{
    for (size_t i = 0; i < item->in_count; i++) {
        const struct item *source = module_item(r->module, item->in[i].net);
        if (item->in[i].bits)
            item->in[i].bits = shortest(r->pool, item->in[i].bits);
        else if (source && source->kind == ITEM_EXPRESSION && source->op == OP_SIGN_EXTEND)
            item->in[i] = source->in[0];
    }
}

void repair_narrow(struct repair *r, struct item *item)
{
    if (item->kind != ITEM_EXPRESSION)
        return;
    if (item->op == OP_MULTIPLY_SIGNED)
        narrow_product(r, item);
    if (item->op == OP_DIVIDE_SIGNED || item->op == OP_REM_SIGNED || item->op == OP_MOD_SIGNED)
        narrow_quotient(r, item);
}
