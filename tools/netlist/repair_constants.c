// SPDX-License-Identifier: Apache-2.0
// Constants of more than 32 bits are printed as "0101", which in Verilog is a text of that many
// bytes. And a negative integer constant beside a vector of more than 32 bits loses its sign in
// both languages: 32 bits of it and zeros above. That one cannot be told from an honest constant,
// so where integers may meet vectors, which is in arithmetic and comparisons, what looks like it is
// refused. And a constant of 64, 96, ... bits of which only the highest 32 are not zero becomes
// zeros in both: a constant of nothing but zeros that is read by parts is refused.
#include "tools/netlist/repair.h"

#include <string.h>

enum { INTEGER_BITS = 32 };

static bool lost_sign(const char *bits)
{
    size_t width = strlen(bits);
    if (width <= INTEGER_BITS)
        return false;
    size_t above = width - INTEGER_BITS;
    return strspn(bits, "0") == above;
}

static bool lost_high_bits(const char *bits)
{
    size_t width = strlen(bits);
    return width > INTEGER_BITS && width % INTEGER_BITS == 0 && strspn(bits, "0") == width;
}

static bool meets_integers(const struct item *item)
{
    if (item->kind != ITEM_EXPRESSION)
        return false;
    switch (item->op) {
    case OP_ALIAS:
    case OP_CONCAT:
    case OP_EXTRACT:
    case OP_SIGN_EXTEND:
    case OP_SELECT:
    case OP_NOT:
    case OP_AND:
    case OP_OR:
    case OP_XOR:
    case OP_NAND:
    case OP_NOR:
    case OP_XNOR:
        return false;
    default:
        return true;
    }
}

static void repair_operand(struct repair *r, struct item *item, struct operand *operand)
{
    if (!operand->bits)
        return;
    if (meets_integers(item) && lost_sign(operand->bits))
        repair_refuse(r, item,
                      "constant %zu'b%s may be a negative integer that lost its sign; "
                      "write it as a vector of its full width that does not look like one",
                      strlen(operand->bits), operand->bits);
    if (operand->was_string) {
        operand->was_string = false; // compare_items holds the bits against the VHDL's
        r->counts.text_constants++;
    }
}

void repair_constants(struct repair *r, struct item *item, const struct item *witness)
{
    (void)witness;
    if (item->local && item->in[0].bits && lost_high_bits(item->in[0].bits))
        repair_refuse(r, item,
                      "constant of %zu zeros, of which the highest 32 bits may have been lost; "
                      "write it inverted, or of another width",
                      strlen(item->in[0].bits));
    for (size_t i = 0; i < item->in_count; i++)
        repair_operand(r, item, &item->in[i]);
    if (item->has_other)
        repair_operand(r, item, &item->other);
}
