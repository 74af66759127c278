// SPDX-License-Identifier: Apache-2.0
#include "tools/netlist/options.h"

#include "tools/netlist/files.h"

#include <string.h>

const char options_help[] =
    "Usage: sevencast-netlist COMMAND ...\n"
    "\n"
    "  emit --top ENTITY --files LIST [--root DIR] [-gNAME=VALUE]... --out DIR [FILE...]\n"
    "      Synthesises VHDL with GHDL 2.0 twice, repairs the Verilog from the VHDL netlist of the\n"
    "      same run and writes DIR/ENTITY.v. What cannot be repaired with certainty is refused.\n"
    "      LIST has one file a line, in the order of analysis, relative to --root (default: the\n"
    "      folder of LIST); FILEs are analysed before them.\n"
    "  repair VERILOG VHDL OUT\n"
    "      The repair alone, of two netlists of one run.\n"
    "  lint FILE...\n"
    "      Finds the VHDL that GHDL 2.0 miscompiles: file:line: rule: why.\n"
    "  count DIR --top ENTITY --part xc7s15 [--module ENTITY] [--by-module] [--abc9]\n"
    "        [--json [--cache DIR]]\n"
    "      What DIR/ENTITY.v takes of the part, by yosys: a yosys estimate, nothing routed.\n"
    "      --module counts one entity below the top alone; --by-module adds a row for each "
    "instance\n"
    "      and the critical path with its registers. --abc9 maps LUTs for delay. --cache keeps\n"
    "      reports in DIR (with both) and looks there first; what is the same is told by the "
    "SHA-256\n"
    "      of netlist, script and yosys.\n"
    "  package PACKAGE [--top ENTITY] [--rtl DIR]\n"
    "      emit for a package of sevencast-build: PACKAGE/netlist/top.v, with the arithmetic that "
    "is\n"
    "      synthesised in the place of the one that is fast in GHDL.\n"
    "  verilate PACKAGE [--rtl DIR] [--vboard-sim DIR]\n"
    "      package, then PACKAGE/sim-verilator: the netlist under Verilator behind the virtual\n"
    "      board's socket, for vboard --engine verilator.\n"
    "\n"
    "  --rtl DIR        VHDL sources (default: share/sevencast/rtl beside this program)\n"
    "  --vboard-sim DIR the engine's host (default: share/sevencast/sim)\n"
    "  --ghdl PROGRAM   the GHDL to call (default ghdl-llvm)\n"
    "  -h, --help       this text\n"
    "\n"
    "Exit status: 0 done; 1 refused, or lint found something, or the part is too small; 2 wrong "
    "use\n"
    "or input; 77 a tool (GHDL, yosys) is not installed.\n";

static bool take_value(struct pool *pool, int argc, char *argv[], int *at, const char *name,
                       const char **value, const char **message)
{
    if (*value)
        *message = pool_format(pool, "%s is given twice", name);
    else if (*at + 1 >= argc)
        *message = pool_format(pool, "%s needs a value", name);
    else
        *value = argv[++*at];
    return *message == NULL;
}

static bool read_word(struct pool *pool, int argc, char *argv[], int *at, struct options *o,
                      const char **message)
{
    const struct {
        const char *name;
        const char **value;
    } valued[] = {{"--top", &o->top},    {"--files", &o->files},    {"--root", &o->root},
                  {"--out", &o->out},    {"--ghdl", &o->ghdl},      {"--part", &o->part},
                  {"--rtl", &o->rtl},    {"--vboard-sim", &o->sim}, {"--module", &o->module},
                  {"--cache", &o->cache}};
    const char *word = argv[*at];
    for (size_t i = 0; i < sizeof valued / sizeof *valued; i++)
        if (strcmp(word, valued[i].name) == 0)
            return take_value(pool, argc, argv, at, word, valued[i].value, message);
    if (strcmp(word, "--json") == 0) {
        o->json = true;
    } else if (strcmp(word, "--by-module") == 0) {
        o->by_module = true;
    } else if (strcmp(word, "--abc9") == 0) {
        o->abc9 = true;
    } else if (strncmp(word, "-g", 2) == 0 && strchr(word, '=')) {
        o->generics = pool_grow(pool, o->generics, o->generic_count, sizeof *o->generics);
        o->generics[o->generic_count++] = word;
    } else if (word[0] == '-' && word[1]) {
        *message = pool_format(pool, "unknown option %s", word);
    } else {
        o->rest = pool_grow(pool, o->rest, o->rest_count, sizeof *o->rest);
        o->rest[o->rest_count++] = word;
    }
    return *message == NULL;
}

static bool complete(struct pool *pool, const struct options *o, const char **message)
{
    const char *missing = NULL;
    switch (o->command) {
    case COMMAND_EMIT:
        missing = !o->top                           ? "--top"
                  : !o->out                         ? "--out"
                  : !o->files && o->rest_count == 0 ? "--files"
                                                    : NULL;
        break;
    case COMMAND_REPAIR:
        missing = o->rest_count == 3 ? NULL : "VERILOG VHDL OUT, three files,";
        break;
    case COMMAND_LINT:
        missing = o->rest_count ? NULL : "a file";
        break;
    case COMMAND_COUNT:
        missing = o->rest_count != 1     ? "one folder"
                  : !o->top              ? "--top"
                  : !o->part             ? "--part"
                  : o->cache && !o->json ? "--json, which --cache wants,"
                                         : NULL;
        break;
    case COMMAND_VERILATE:
    case COMMAND_PACKAGE:
        missing = o->rest_count == 1 ? NULL : "one package";
        break;
    case COMMAND_HELP:
        break;
    }
    if (missing)
        *message = pool_format(pool, "%s is missing", missing);
    return missing == NULL;
}

bool options_read(struct pool *pool, int argc, char *argv[], struct options *options,
                  const char **message)
{
    static const char *const commands[] = {
        [COMMAND_HELP] = "--help",    [COMMAND_EMIT] = "emit",   [COMMAND_REPAIR] = "repair",
        [COMMAND_LINT] = "lint",      [COMMAND_COUNT] = "count", [COMMAND_VERILATE] = "verilate",
        [COMMAND_PACKAGE] = "package"};
    *options = (struct options){0};
    *message = NULL;
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    for (size_t i = 1; argc > 1 && i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i]) == 0)
            options->command = (enum command)i;
    if (options->command == COMMAND_HELP) {
        *message = argc > 1 ? pool_format(pool, "unknown command %s", argv[1]) : "no command given";
        return false;
    }
    for (int i = 2; i < argc; i++)
        if (!read_word(pool, argc, argv, &i, options, message))
            return false;
    return complete(pool, options, message);
}
