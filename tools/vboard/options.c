// SPDX-License-Identifier: Apache-2.0
#include "tools/vboard/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/vboard/control.h"

#define DEFAULT_SERIAL "VB0001"
#define DEFAULT_PART   "xc7s15"

enum { SERVES = 1, WORLD = 2 }; // where an option is allowed: verbs that make boards; have a world

struct option {
    const char *name, *argument, *what;
    int where;
    int (*take)(struct options *o, const char *value);
};

static int take_packages(struct options *o, const char *v)
{
    o->packages = v;
    return 0;
}

static int take_engine(struct options *o, const char *v)
{
    static const enum fpga_engine engines[] = {FPGA_ENGINE_GHDL, FPGA_ENGINE_GOLDEN,
                                               FPGA_ENGINE_VERILATOR};
    for (size_t i = 0; i < sizeof engines / sizeof *engines; i++) {
        if (strcmp(v, fpga_engine_name(engines[i])) != 0)
            continue;
        o->engine = engines[i];
        return 0;
    }
    return -1;
}

static int take_board(struct options *o, const char *v)
{
    if (o->serial_count == BOARD_MAX || !board_serial_ok(v))
        return -1;
    o->serials[o->serial_count++] = v;
    return 0;
}

static int take_part(struct options *o, const char *v)
{
    o->part = device_part_by_name(v);
    return o->part ? 0 : -1;
}

static int take_power(struct options *o, const char *v)
{
    if (o->power_count == OPTIONS_POWER_MAX)
        return -1;
    o->power[o->power_count++] = v;
    return 0;
}

static int take_log(struct options *o, const char *v)
{
    o->log_path = v;
    return 0;
}

static int take_log_level(struct options *o, const char *v)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    for (int i = 0; i < 4; i++) {
        if (!strcmp(v, names[i])) {
            o->log_level = (enum log_level)i;
            return 0;
        }
    }
    return -1;
}

static int take_world(struct options *o, const char *v)
{
    o->world = v;
    return 0;
}

static int take_background(struct options *o, const char *v)
{
    (void)v;
    o->background = true;
    return 0;
}

static const struct option table[] = {
    {"--packages", "DIR", "packages of variants: designs are DIR/NAME/sim", SERVES, take_packages},
    {"--engine", "ghdl|golden|verilator",
     "what stands in for the fabric (default ghdl); verilator runs DIR/NAME/sim-verilator", SERVES,
     take_engine},
    {"--board", "SERIAL", "a board with this serial; repeat for more (default " DEFAULT_SERIAL ")",
     SERVES, take_board},
    {"--part", "NAME", "the FPGA (default " DEFAULT_PART ")", SERVES, take_part},
    {"--power", "WORDS", "the words of \"ctl power WORDS\" for every board; repeat for more",
     SERVES, take_power},
    {"--log", "FILE", "append the board's log to FILE (default: warnings on stderr)", SERVES,
     take_log},
    {"--log-level", "LEVEL", "error, warn, info (default with --log) or debug", SERVES,
     take_log_level},
    {"--world", "DIR", "where the world is", WORLD, take_world},
    {"--background", NULL, "serve: return when the world is up", SERVES, take_background},
};

static void help(void)
{
    char commands[4096];
    control_help(commands, sizeof commands);
    printf("vboard: a virtual Spartan-7 board on a virtual USB bus\n\n"
           "usage: vboard [OPTIONS] -- COMMAND [ARGS]     run COMMAND with the board plugged in\n"
           "       vboard serve --world DIR [OPTIONS]     keep a world up until SIGTERM or quit\n"
           "       vboard exec --world DIR -- COMMAND     run COMMAND in that world\n"
           "       vboard ctl [--world DIR] WORD...       talk to that world (inside it DIR is "
           "known)\n"
           "\noptions:\n");
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char head[64];
        snprintf(head, sizeof head, "%s %s", table[i].name,
                 table[i].argument ? table[i].argument : "");
        printf("  %-26s %s\n", head, table[i].what);
    }
    printf("  %-26s %s\n  %-26s %s\n", "--help", "this text", "--version", "the version");
    printf("\ncontrol words (add --board SERIAL for another board than the first):\n%s", commands);
    printf("\nA board is an FT2232H SERIAL (A: JTAG, B: 245 FIFO) and an FT232H SERIALP (meter).\n"
           "Exit code: COMMAND's, 128+N when signal N killed it, 125 when vboard itself failed,\n"
           "126 or 127 when COMMAND cannot be run.\n");
}

static int complain(const char *what, const char *word)
{
    fprintf(stderr, "vboard: %s%s; see vboard --help\n", what, word);
    return -1;
}

// One option at argv[*i]; advances *i past its value.
static int parse_option(struct options *o, char **argv, int *i)
{
    const char *word = argv[*i], *equals = strchr(word, '=');
    size_t n = equals ? (size_t)(equals - word) : strlen(word);
    for (size_t k = 0; k < sizeof table / sizeof *table; k++) {
        const struct option *t = &table[k];
        if (strlen(t->name) != n || strncmp(t->name, word, n) != 0)
            continue;
        const char *value = equals ? equals + 1 : NULL;
        if (t->argument && !value)
            value = argv[*i + 1] ? argv[++*i] : NULL;
        if (t->argument && !value)
            return complain("a value is missing after ", t->name);
        if ((t->where == SERVES && o->verb != VERB_RUN && o->verb != VERB_SERVE) ||
            (t->where == WORLD && o->verb == VERB_RUN))
            return complain("not an option here: ", t->name);
        if (t->take(o, value)) {
            fprintf(stderr, "vboard: bad value %s for %s; see vboard --help\n", value, t->name);
            return -1;
        }
        return 0;
    }
    return complain("unknown option ", word);
}

static int check(struct options *o)
{
    if (o->verb != VERB_RUN && !o->world)
        o->world = getenv("VBOARD_WORLD");
    if (o->verb != VERB_RUN && !o->world)
        return complain("--world DIR is missing", "");
    if (o->verb != VERB_SERVE && !*o->rest)
        return complain(o->verb == VERB_CTL ? "a control word is missing" : "COMMAND is missing",
                        "");
    if (o->verb == VERB_SERVE && *o->rest)
        return complain("serve takes no command: ", *o->rest);
    if (!o->serial_count)
        o->serials[o->serial_count++] = DEFAULT_SERIAL;
    if (!o->part)
        o->part = device_part_by_name(DEFAULT_PART);
    return o->part ? 0 : complain("unknown part", "");
}

int options_parse(struct options *o, int argc, char **argv)
{
    static const struct {
        const char *name;
        enum options_verb verb;
    } verbs[] = {{"serve", VERB_SERVE}, {"exec", VERB_EXEC}, {"ctl", VERB_CTL}};
    int i = 1;
    *o = (struct options){.log_level = LOG_LEVEL_WARN};
    for (size_t k = 0; argc > 1 && k < sizeof verbs / sizeof *verbs; k++) {
        if (!strcmp(argv[1], verbs[k].name)) {
            o->verb = verbs[k].verb;
            i = 2;
        }
    }
    bool level_given = false;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (!strcmp(argv[i], "--")) {
            i++;
            break;
        }
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            help();
            return 1;
        }
        if (!strcmp(argv[i], "--version")) {
            printf("vboard %s\n", SEVENCAST_VERSION);
            return 1;
        }
        level_given |= !strncmp(argv[i], "--log-level", 11);
        if (parse_option(o, argv, &i))
            return -1;
    }
    o->rest = argv + i;
    if (o->log_path && !level_given)
        o->log_level = LOG_LEVEL_INFO;
    return check(o);
}
