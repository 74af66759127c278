// SPDX-License-Identifier: Apache-2.0
#include "tools/netlist/verilog_write.h"

#include <stdlib.h>
#include <string.h>

// Words that a VHDL design may use as names and Verilog may not; sorted.
static const char *const keywords[] = {
    "always",      "and",         "assign",        "automatic", "begin",      "bit",
    "buf",         "byte",        "case",          "casex",     "casez",      "cell",
    "chandle",     "checker",     "class",         "config",    "const",      "context",
    "continue",    "cover",       "deassign",      "default",   "defparam",   "design",
    "disable",     "do",          "edge",          "else",      "end",        "endcase",
    "endfunction", "endmodule",   "endtask",       "enum",      "event",      "expect",
    "export",      "extends",     "extern",        "final",     "for",        "force",
    "forever",     "fork",        "function",      "generate",  "genvar",     "global",
    "if",          "iff",         "import",        "initial",   "inout",      "input",
    "inside",      "instance",    "int",           "integer",   "interface",  "join",
    "large",       "let",         "library",       "local",     "localparam", "logic",
    "longint",     "macromodule", "matches",       "medium",    "modport",    "module",
    "nand",        "negedge",     "new",           "nmos",      "nor",        "not",
    "null",        "or",          "output",        "package",   "packed",     "parameter",
    "pmos",        "posedge",     "primitive",     "priority",  "program",    "property",
    "protected",   "pull0",       "pull1",         "pulldown",  "pullup",     "pure",
    "rand",        "real",        "realtime",      "ref",       "reg",        "release",
    "repeat",      "restrict",    "return",        "sample",    "scalared",   "sequence",
    "shortint",    "shortreal",   "signed",        "small",     "soft",       "solve",
    "specify",     "static",      "string",        "strong",    "struct",     "super",
    "supply0",     "supply1",     "table",         "tagged",    "task",       "this",
    "throughout",  "time",        "timeprecision", "timeunit",  "tran",       "tri",
    "tri0",        "tri1",        "triand",        "trior",     "trireg",     "type",
    "typedef",     "union",       "unique",        "unsigned",  "use",        "uwire",
    "var",         "vectored",    "virtual",       "void",      "wait",       "wand",
    "weak",        "while",       "wildcard",      "wire",      "with",       "within",
    "wor",         "xnor",        "xor",
};

static int by_text(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void put_name(FILE *out, const char *name)
{
    bool plain =
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
            strlen(name) &&
        !bsearch(&name, keywords, sizeof keywords / sizeof *keywords, sizeof *keywords, by_text);
    fprintf(out, plain ? "%s" : "\\%s ", name);
}

static void put_bits(FILE *out, const char *bits)
{
    fprintf(out, "%zu'b%s", strlen(bits), bits);
}

static void put(FILE *out, struct operand operand)
{
    if (operand.bits)
        put_bits(out, operand.bits);
    else if (operand.net)
        put_name(out, operand.net);
}

// "$0 + $1": $n is input n, #n the same read as signed.
static void put_template(FILE *out, const struct item *item, const char *template)
{
    for (const char *t = template; *t; t++) {
        if (*t != '$' && *t != '#') {
            fputc(*t, out);
            continue;
        }
        bool is_signed = *t++ == '#';
        fputs(is_signed ? "$signed(" : "", out);
        put(out, item->in[*t - '0']);
        fputs(is_signed ? ")" : "", out);
    }
}

static const char *const templates[OP_COUNT] = {
    [OP_ALIAS] = "$0",
    [OP_NOT] = "~$0",
    [OP_NEGATE] = "-$0",
    [OP_ABS] = "#0 < 0 ? -$0 : $0",
    [OP_ADD] = "$0 + $1",
    [OP_SUBTRACT] = "$0 - $1",
    [OP_MULTIPLY_UNSIGNED] = "$0 * $1",
    [OP_MULTIPLY_SIGNED] = "#0 * #1",
    [OP_DIVIDE_UNSIGNED] = "$0 / $1",
    [OP_DIVIDE_SIGNED] = "#0 / #1",
    [OP_MOD_UNSIGNED] = "$0 % $1",
    [OP_REM_SIGNED] = "#0 % #1",
    [OP_SHIFT_LEFT] = "$0 << $1",
    [OP_SHIFT_RIGHT] = "$0 >> $1",
    [OP_SHIFT_RIGHT_SIGNED] = "#0 >>> $1",
    [OP_LESS_UNSIGNED] = "$0 < $1",
    [OP_LESS_SIGNED] = "#0 < #1",
    [OP_LESS_EQUAL_UNSIGNED] = "$0 <= $1",
    [OP_LESS_EQUAL_SIGNED] = "#0 <= #1",
    [OP_GREATER_UNSIGNED] = "$0 > $1",
    [OP_GREATER_SIGNED] = "#0 > #1",
    [OP_GREATER_EQUAL_UNSIGNED] = "$0 >= $1",
    [OP_GREATER_EQUAL_SIGNED] = "#0 >= #1",
    [OP_EQUAL] = "$0 == $1",
    [OP_UNEQUAL] = "$0 != $1",
    [OP_AND] = "$0 & $1",
    [OP_OR] = "$0 | $1",
    [OP_XOR] = "$0 ^ $1",
    [OP_NAND] = "~($0 & $1)",
    [OP_NOR] = "~($0 | $1)",
    [OP_XNOR] = "~($0 ^ $1)",
    [OP_ALL_AND] = "&$0",
    [OP_ALL_OR] = "|$0",
    [OP_ALL_XOR] = "^$0",
    [OP_MIN_UNSIGNED] = "$0 < $1 ? $0 : $1",
    [OP_MIN_SIGNED] = "#0 < #1 ? $0 : $1",
    [OP_MAX_UNSIGNED] = "$0 > $1 ? $0 : $1",
    [OP_MAX_SIGNED] = "#0 > #1 ? $0 : $1",
    [OP_SELECT] = "$0 ? $2 : $1",
};

static void put_expression(FILE *out, const struct module *module, const struct item *item)
{
    size_t width;
    switch (item->op) {
    case OP_CONCAT:
        for (size_t i = 0; i < item->in_count; i++) {
            fputs(i ? ", " : "{", out);
            put(out, item->in[i]);
        }
        fputc('}', out);
        break;
    case OP_SIGN_EXTEND:
        width = operand_width(module, item->in[0]);
        fprintf(out, "{{%zu{", operand_width(module, (struct operand){.net = item->out}) - width);
        put(out, item->in[0]);
        if (width > 1)
            fprintf(out, "[%zu]", width - 1);
        fputs("}}, ", out);
        put(out, item->in[0]);
        fputc('}', out);
        break;
    case OP_EXTRACT:
        put(out, item->in[0]);
        if (operand_width(module, item->in[0]) == 1)
            break;
        fprintf(out, item->hi == item->lo ? "[%u]" : "[%u:%u]", item->hi, item->lo);
        break;
    default:
        put_template(out, item, templates[item->op]);
    }
}

static void put_case(FILE *out, const struct item *item)
{
    fputs("  always @*\n    case (", out);
    put(out, item->in[0]);
    fputs(")\n", out);
    for (size_t i = 1; i <= item->in_count; i++) {
        bool last = i == item->in_count;
        fputs("      ", out);
        if (last)
            fputs("default", out);
        else
            put_bits(out, item->labels[i - 1]);
        fputs(": ", out);
        put_name(out, item->out);
        fputs(" = ", out);
        put(out, last ? item->other : item->in[i]);
        fputs(";\n", out);
    }
    fputs("    endcase\n", out);
}

static void put_clock(FILE *out, const struct item *item)
{
    fputs(item->falling ? "  always @(negedge " : "  always @(posedge ", out);
    put_name(out, item->clock);
}

static void put_flop(FILE *out, const struct item *item)
{
    if (item->init) {
        fputs("  initial ", out);
        put_name(out, item->out);
        fputs(" = ", out);
        put_bits(out, item->init);
        fputs(";\n", out);
    }
    put_clock(out, item);
    if (item->in_count == 3) {
        fputs(" or posedge ", out);
        put(out, item->in[1]);
        fputs(")\n    if (", out);
        put(out, item->in[1]);
        fputs(") ", out);
        put_name(out, item->out);
        fputs(" <= ", out);
        put(out, item->in[2]);
        fputs("; else ", out);
    } else {
        fputs(") ", out);
    }
    put_name(out, item->out);
    fputs(" <= ", out);
    put(out, item->in[0]);
    fputs(";\n", out);
}

static void put_memory(FILE *out, const struct item *item)
{
    if (item->width > 1)
        fprintf(out, "  reg [%zu:0] ", item->width - 1);
    else
        fputs("  reg ", out);
    put_name(out, item->out);
    fprintf(out, " [%zu:0];\n", item->depth - 1);
    if (!item->words)
        return;
    fputs("  initial begin\n", out);
    for (size_t i = 0; i < item->depth; i++)
        if (item->words[i]) {
            fputs("    ", out);
            put_name(out, item->out);
            fprintf(out, "[%zu] = ", i);
            put_bits(out, item->words[i]);
            fputs(";\n", out);
        }
    fputs("  end\n", out);
}

static void put_place(FILE *out, const struct item *item)
{
    put_name(out, item->memory);
    fputc('[', out);
    put(out, item->in[0]);
    fputc(']', out);
}

static void put_port(FILE *out, const struct item *item)
{
    bool write = item->kind == ITEM_WRITE;
    if (!item->clock) {
        fputs("  assign ", out);
        put_name(out, item->out);
        fputs(" = ", out);
        put_place(out, item);
        fputs(";\n", out);
        return;
    }
    put_clock(out, item);
    fputs(") if (", out);
    put(out, item->in[item->in_count - 1]);
    fputs(") ", out);
    if (write)
        put_place(out, item);
    else
        put_name(out, item->out);
    fputs(" <= ", out);
    if (write)
        put(out, item->in[1]);
    else
        put_place(out, item);
    fputs(";\n", out);
}

static void put_instance(FILE *out, const struct item *item)
{
    fputs("  ", out);
    put_name(out, item->module);
    fputc(' ', out);
    put_name(out, item->out);
    fputs(" (", out);
    for (size_t i = 0; i < item->in_count; i++) {
        fputs(i ? ",\n    ." : "\n    .", out);
        put_name(out, item->labels[i]);
        fputc('(', out);
        put(out, item->in[i]);
        fputc(')', out);
    }
    fputs(");\n", out);
}

static void put_item(FILE *out, const struct module *module, const struct item *item)
{
    if (item->dropped)
        return;
    switch (item->kind) {
    case ITEM_EXPRESSION:
        fputs("  assign ", out);
        put_name(out, item->out);
        fputs(" = ", out);
        put_expression(out, module, item);
        fputs(";\n", out);
        break;
    case ITEM_CASE:
        put_case(out, item);
        break;
    case ITEM_FLOP:
        put_flop(out, item);
        break;
    case ITEM_MEMORY:
        put_memory(out, item);
        break;
    case ITEM_READ:
    case ITEM_WRITE:
        put_port(out, item);
        break;
    case ITEM_INSTANCE:
        put_instance(out, item);
        break;
    case ITEM_ASSERT:
        break;
    }
}

static void put_declaration(FILE *out, const struct module *module, const struct net *net)
{
    const struct item *item = module_item(module, net->name);
    bool reg = item && (item->kind == ITEM_CASE || item->kind == ITEM_FLOP ||
                        (item->kind == ITEM_READ && item->clock));
    fputs(reg ? "reg " : net->direction == DIRECTION_NONE ? "wire " : "", out);
    if (net->width > 1)
        fprintf(out, "[%zu:0] ", net->width - 1);
    put_name(out, net->name);
}

static void put_module(FILE *out, const struct module *module)
{
    fputs("module ", out);
    put_name(out, module->name);
    const char *separator = " (\n  ";
    for (size_t i = 0; i < module->net_count; i++) {
        if (module->nets[i].direction == DIRECTION_NONE)
            continue;
        fputs(separator, out);
        fputs(module->nets[i].direction == DIRECTION_IN ? "input " : "output ", out);
        put_declaration(out, module, &module->nets[i]);
        separator = ",\n  ";
    }
    fputs(");\n", out);
    for (size_t i = 0; i < module->net_count; i++) {
        if (module->nets[i].direction != DIRECTION_NONE)
            continue;
        fputs("  ", out);
        put_declaration(out, module, &module->nets[i]);
        fputs(";\n", out);
    }
    for (size_t i = 0; i < module->item_count; i++)
        put_item(out, module, module->items[i]);
    fputs("endmodule\n\n", out);
}

void verilog_write(const struct netlist *netlist, FILE *out)
{
    fputs(
        "// written by sevencast-netlist from the netlist of ghdl --synth; see docs/netlist.md\n\n",
        out);
    for (size_t i = 0; i < netlist->module_count; i++)
        put_module(out, netlist->modules[i]);
}
