// SPDX-License-Identifier: Apache-2.0
// The command line: two tables that feed parser, help and the test of the man page.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/cli.h"

#define BIT(command) (1u << (command))
#define ANY          0xffffffffu
#define AB           BIT(COMMAND_AB)
#define POWER        BIT(COMMAND_POWER)

enum kind { TEXT, NUMBER, FLAG, HELP, VERSION };

// Where the value of an option goes.
#define TEXT_TO(field)              TEXT, offsetof(struct options, field), 0, 0
#define NUMBER_TO(field, low, high) NUMBER, offsetof(struct options, field), low, high
#define FLAG_TO(field)              FLAG, offsetof(struct options, field), 0, 0
#define NOWHERE(kind)               kind, 0, 0, 0

static const struct option_row {
    const char *name;
    char letter;
    const char *value; // what help calls it
    enum kind kind;
    size_t offset;
    int64_t low, high; // NUMBER
    unsigned commands;
    const char *help;
} rows[] = {
    {"endpoint", 'e', "ADDRESS", TEXT_TO(endpoint), ANY,
     "ZeroMQ address of the daemon; default: $SEVENCAST_ENDPOINT, else\n"
     "ipc:///run/sevencast/control.sock or the one in $XDG_RUNTIME_DIR"},
    {"timeout", 't', "MS", NUMBER_TO(timeout_ms, 1, 600000), ANY,
     "longest wait for one answer; default 5000, for swap and unload 60000"},
    {"json", 'j', NULL, FLAG_TO(json), ANY, "print JSON, one object per line"},
    {"data", 'd', "FILE", TEXT_TO(data), BIT(COMMAND_INFER) | AB | POWER,
     "CSV file with a header line; - is standard input; required; power:\nits first window is what "
     "is computed, without it a made-up one"},
    {"model", 'm', "NAME", TEXT_TO(model), BIT(COMMAND_INFER),
     "variant or task; default: the task of the only variant that serves"},
    {"column", 'c', "C[,C...]", TEXT_TO(columns), BIT(COMMAND_INFER) | AB | POWER,
     "columns for the model's features, in their order; default: the\nfeatures' own names"},
    {"time", 0, "COLUMN", TEXT_TO(time), BIT(COMMAND_INFER) | AB,
     "column shown as time; default: timestamp, time or date where\nthere is one"},
    {"start", 's', "I", NUMBER_TO(start, -50000000, 50000000), BIT(COMMAND_INFER),
     "row where the first window begins, from 0; negative: from the end"},
    {"count", 'n', "N", NUMBER_TO(count, 0, 50000000),
     BIT(COMMAND_INFER) | BIT(COMMAND_PING) | BIT(COMMAND_WATCH),
     "windows, pings or looks; infer: default 20, of bursts 1, 0 goes on\nto the end of the data; "
     "ping: default "
     "1; watch: default 0, without end"},
    {"stride", 0, "N", NUMBER_TO(stride, 1, 1000000), BIT(COMMAND_INFER),
     "rows from one window to the next; default 1"},
    {"in-flight", 'f', "N", NUMBER_TO(in_flight, 1, SC_MAX_IN_FLIGHT), BIT(COMMAND_INFER),
     "requests in flight at a time; default 2"},
    {"follow-swap", 0, NULL, FLAG_TO(follow_swap), BIT(COMMAND_INFER),
     "ask for the model's task, so that forecasts go on through swaps with\nwhatever variant "
     "serves"},
    {"key", 0, "TEXT", TEXT_TO(key), BIT(COMMAND_INFER),
     "the client's key for routes that stick to one, at most 64 bytes"},
    {"repeat", 'r', "N", NUMBER_TO(repeat, 1, 1000000000), BIT(COMMAND_INFER),
     "run each window N times on the fabric, back to back, and measure energy"},
    {"burst", 0, "SECONDS", TEXT_TO(burst), BIT(COMMAND_INFER) | AB,
     "infer: the same for so long, in the board's time, or what is done\nfirst; ab: ends each "
     "measurement, for its energy; 0: none; default 1\nwhere a power monitor reads a board whose "
     "fabric is not simulated"},
    {"board", 'b', "NAME", TEXT_TO(board), BIT(COMMAND_SWAP) | BIT(COMMAND_UNLOAD) | AB | POWER,
     "the board meant; default: the daemon chooses"},
    {"interval", 'i', "MS", NUMBER_TO(interval_ms, 100, 3600000),
     BIT(COMMAND_WATCH) | BIT(COMMAND_PING) | BIT(COMMAND_AB), "time between two; default 1000"},
    {"metric", 0, "M[,M...]", TEXT_TO(metrics), AB,
     "error, cycles, latency, energy, energy_above_idle; default: all"},
    {"margin", 0, "PERCENT", TEXT_TO(margin), AB,
     "differences below it do not matter; cycles, latency, energies;\ndefault 1, 0: none"},
    {"error-margin", 0, "VALUE", TEXT_TO(error_margin), AB,
     "the same for the error, in its unit; default: none"},
    {"confidence", 0, "PERCENT", TEXT_TO(confidence), AB | POWER, "of the intervals; default 95"},
    {"budget", 0, "N|TIME", TEXT_TO(budget), AB,
     "blocks, a time (90s, 10min, 2h), or both with a comma; default 40"},
    {"design", 0, "NAME", TEXT_TO(design), AB, "abba or random-pairs; default abba"},
    {"block", 0, "N", NUMBER_TO(block, 1, 1024), AB, "inferences of one measurement; default 16"},
    {"warmup", 0, "N", NUMBER_TO(warmup, 0, 1024), AB | POWER,
     "thrown away after each swap; ab: inferences, default 4; power:\nwindows, default 1"},
    {"windows", 0, "N", NUMBER_TO(windows, 1, SC_MAX_LABELLED), AB | POWER,
     "ab: labelled windows taken from the file, default: what the budget\ncan use; power: windows "
     "measured of each variant, default 5"},
    {"seed", 0, "N", NUMBER_TO(seed, 0, INT64_MAX), AB | POWER, "of random orders; default 1"},
    {"label", 0, "NAME", TEXT_TO(label), AB, "what the list of experiments calls it"},
    {"detach", 0, NULL, FLAG_TO(detach), AB, "start it and end; it runs in the daemon"},
    {"html", 0, "FILE", TEXT_TO(html), AB, "write the result as a page with plots, too"},
    {"seconds", 0, "TIME", TEXT_TO(seconds), POWER,
     "length of a window in the board's time; default 10, at least 0.1"},
    {"target-ci", 0, "PERCENT", TEXT_TO(target_ci), POWER,
     "measure windows, 10 or more, until the median's interval reaches\nno farther to each side"},
    {"max-windows", 0, "N", NUMBER_TO(max_windows, 1, 500), POWER,
     "most windows of a variant, flagged ones too; default 5 more than\n--windows, with "
     "--target-ci 100"},
    {"idle", 0, "TIME", TEXT_TO(idle), POWER,
     "rest before and after the windows of each variant; default 5, at\nleast 2, 0: none"},
    {"perturbation", 0, "N", NUMBER_TO(perturbation, 0, 100), POWER,
     "blocks of latency with and without reading the monitor; default 8,\n0: none"},
    {"out", 'o', "DIR", TEXT_TO(out), POWER,
     "folder for samples.csv, session.json and report.html; default:\npower- and the time"},
    {"list", 0, NULL, FLAG_TO(list), AB, "the daemon's experiments"},
    {"watch", 0, "ID", TEXT_TO(watch), AB, "follow an experiment to its end"},
    {"result", 0, "ID", TEXT_TO(result), AB, "what an experiment has found so far, or in the end"},
    {"cancel", 0, "ID", TEXT_TO(cancel), AB, "end an experiment"},
    {"help", 'h', NULL, NOWHERE(HELP), ANY, "print this and end"},
    {"version", 'V', NULL, NOWHERE(VERSION), ANY, "print the version and end"},
};

enum { ROWS = sizeof rows / sizeof rows[0] };

static const struct {
    const char *name, *argument, *help;
    bool required;
} commands[COMMANDS] = {
    [COMMAND_STATUS] = {"status", NULL, "the daemon and what its boards do"},
    [COMMAND_VARIANTS] = {"variants", NULL, "the variants it knows"},
    [COMMAND_BOARDS] = {"boards", NULL, "its boards in detail"},
    [COMMAND_DESCRIBE] = {"describe", "MODEL", "shape, columns and scaling of a model", true},
    [COMMAND_STATISTICS] = {"statistics", "[MODEL]", "counts and mean times since its start"},
    [COMMAND_INFER] = {"infer", NULL, "slide windows over a CSV file, forecast, compare"},
    [COMMAND_SWAP] = {"swap", "VARIANT", "put a variant on a board", true},
    [COMMAND_UNLOAD] = {"unload", "[VARIANT]", "end serving of a variant or a board"},
    [COMMAND_PING] = {"ping", NULL, "time round trips to the daemon, without a board"},
    [COMMAND_WATCH] = {"watch", NULL, "status again and again"},
    [COMMAND_ROUTES] = {"routes", NULL, "names in front of variants, and what they counted"},
    [COMMAND_POWER] = {"power", "VARIANT...", "measure power and energy of an inference"},
    [COMMAND_AB] = {"ab", "VARIANT...", "compare variants, the first against the others"},
};

static void print_rows(unsigned mask, bool general)
{
    for (int i = 0; i < ROWS; i++) {
        char left[40];
        if (!(rows[i].commands & mask) || (rows[i].commands == ANY) != general)
            continue;
        snprintf(left, sizeof left, "%c%c%s --%s%s%s", rows[i].letter ? '-' : ' ',
                 rows[i].letter ? rows[i].letter : ' ', rows[i].letter ? "," : " ", rows[i].name,
                 rows[i].value ? " " : "", rows[i].value ? rows[i].value : "");
        printf("  %-26s", left);
        for (const char *c = rows[i].help; *c; c++) {
            putchar(*c);
            if (*c == '\n')
                printf("%28s", "");
        }
        putchar('\n');
    }
}

static void print_help(enum command command)
{
    if (command) {
        printf("usage: sevencast %s%s%s [options]\n%s\n\n", commands[command].name,
               commands[command].argument ? " " : "",
               commands[command].argument ? commands[command].argument : "",
               commands[command].help);
        print_rows(BIT(command), false);
        print_rows(BIT(command), true);
        return;
    }
    puts("usage: sevencast COMMAND [options]\n"
         "Forecasts from a sevencast daemon, and a look at its boards.\n\ncommands");
    for (int c = COMMAND_NONE + 1; c < COMMANDS; c++) {
        char left[40];
        snprintf(left, sizeof left, "%s %s", commands[c].name,
                 commands[c].argument ? commands[c].argument : "");
        printf("  %-26s%s\n", left, commands[c].help);
    }
    puts("\noptions of all commands");
    print_rows(ANY, true);
    puts("\noptions of some commands (sevencast COMMAND --help)");
    print_rows(ANY, false);
    puts("\nexit codes: 0 done, 1 other failure, 2 command line, 3 no answer from the daemon, 4 "
         "refused,\n"
         "5 not ready or device fault, 6 swap failed, 7 bad data file. See sevencast(1).");
}

static enum command find_command(const char *name)
{
    for (int c = COMMAND_NONE + 1; c < COMMANDS; c++)
        if (strcmp(commands[c].name, name) == 0)
            return (enum command)c;
    return COMMAND_NONE;
}

// The command, wherever it stands: needed first, as it decides which options there are.
static enum command peek_command(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const struct option_row *row = NULL;
        if (argv[i][0] != '-')
            return find_command(argv[i]);
        for (int r = 0; r < ROWS; r++)
            if ((argv[i][1] == '-' && strcmp(argv[i] + 2, rows[r].name) == 0) ||
                (argv[i][1] == rows[r].letter && rows[r].letter && !argv[i][2]))
                row = &rows[r];
        if (row && row->value)
            i++;
    }
    return COMMAND_NONE;
}

static int usage(const char *what, const char *text, const char *why)
{
    cli_message("%s%s%s: %s (see sevencast --help)", what, text[0] ? " " : "", text, why);
    return EXIT_USAGE;
}

static const struct option_row *find_row(const char *word, const char **attached)
{
    *attached = NULL;
    for (int r = 0; r < ROWS; r++) {
        if (word[1] != '-') {
            if (rows[r].letter && word[1] == rows[r].letter) {
                *attached = word[2] ? word + 2 : NULL;
                return &rows[r];
            }
            continue;
        }
        size_t n = strlen(rows[r].name);
        if (strncmp(word + 2, rows[r].name, n) == 0 && (!word[2 + n] || word[2 + n] == '=')) {
            *attached = word[2 + n] ? word + 3 + n : NULL;
            return &rows[r];
        }
    }
    return NULL;
}

static int store(const struct option_row *row, const char *value, struct options *out)
{
    void *to = (char *)out + row->offset;
    char *end;
    if (row->kind == TEXT) {
        if (!value[0])
            return usage("--", row->name, "empty");
        *(const char **)to = value;
        return EXIT_OK;
    }
    errno = 0;
    long long number = strtoll(value, &end, 10);
    if (end == value || *end || errno || number < row->low || number > row->high) {
        cli_message("--%s: '%s' is not a whole number from %lld to %lld", row->name, value,
                    (long long)row->low, (long long)row->high);
        return EXIT_USAGE;
    }
    *(int64_t *)to = number;
    return EXIT_OK;
}

static int take_option(int argc, char **argv, int *i, struct options *out, bool *done)
{
    const char *value;
    const struct option_row *row = find_row(argv[*i], &value);
    if (!row || !argv[*i][1])
        return usage("unknown option", argv[*i], "not known");
    if (row->kind == HELP || row->kind == VERSION) {
        *done = true;
        if (row->kind == HELP)
            print_help(out->command);
        else
            printf("sevencast %s\n", sc_version());
        return EXIT_OK;
    }
    if (out->command && !(row->commands & BIT(out->command)))
        return usage(argv[*i], "", "not an option of this command");
    if (row->kind == FLAG) {
        if (value)
            return usage(argv[*i], "", "takes no value");
        *(bool *)((char *)out + row->offset) = true;
        return EXIT_OK;
    }
    if (!value && ++*i < argc)
        value = argv[*i];
    return value ? store(row, value, out) : usage("--", row->name, "needs a value");
}

double burst_seconds(const struct options *o)
{
    char *end;
    if (!o->burst)
        return 0;
    double seconds = strtod(o->burst, &end);
    return *end ? -1 : seconds;
}

static int check(const struct options *o)
{
    const char *argument = commands[o->command].argument;
    if (!o->command)
        return usage("no command", "", "one is needed");
    if (o->argument && !argument)
        return usage(commands[o->command].name, o->argument, "it takes no argument");
    if (!o->argument && commands[o->command].required)
        return usage(commands[o->command].name, "", "which one?");
    if (o->command == COMMAND_INFER && !o->data)
        return usage("infer", "", "--data FILE is needed");
    if (o->command == COMMAND_INFER && o->burst &&
        !(burst_seconds(o) > 0 && burst_seconds(o) <= 600))
        return usage("--burst", o->burst, "seconds, above 0 and at most 600");
    bool about = o->list || o->watch || o->result || o->cancel;
    if (o->command == COMMAND_AB && o->list + !!o->watch + !!o->result + !!o->cancel > 1)
        return usage("ab", "", "one of --list, --watch, --result, --cancel at a time");
    if (o->command == COMMAND_AB && about && (o->words || o->data))
        return usage("ab", "", "variants and --data are for a new experiment");
    if (o->command == COMMAND_AB && !about && o->words < 2)
        return usage("ab", "", "name two variants or more");
    if (o->command == COMMAND_AB && !about && !o->data)
        return usage("ab", "", "--data FILE is needed");
    if (o->command == COMMAND_POWER && !o->words)
        return usage("power", "", "which variants?");
    if (o->command == COMMAND_UNLOAD && !o->argument && !o->board)
        return usage("unload", "", "name a variant or a --board");
    return EXIT_OK;
}

int options_parse(int argc, char **argv, struct options *out, bool *done)
{
    bool command_seen = false, only_words = false;
    *out = (struct options){.command = peek_command(argc, argv),
                            .count = -1,
                            .stride = 1,
                            .in_flight = 2,
                            .interval_ms = 1000,
                            .block = 16,
                            .perturbation = -1,
                            .seed = 1,
                            .argc = argc - 1,
                            .argv = argv + 1};
    out->warmup = out->command == COMMAND_POWER ? 1 : 4;
    *done = false;
    for (int i = 1; i < argc; i++) {
        if (!only_words && strcmp(argv[i], "--") == 0) {
            only_words = true;
        } else if (!only_words && argv[i][0] == '-') {
            int code = take_option(argc, argv, &i, out, done);
            if (code || *done)
                return code;
        } else if (!command_seen) {
            command_seen = true;
            if (strcmp(argv[i], "help") == 0) {
                print_help(i + 1 < argc ? find_command(argv[i + 1]) : COMMAND_NONE);
                *done = true;
                return EXIT_OK;
            }
            if (!find_command(argv[i]))
                return usage(argv[i], "", "no such command");
        } else if (BIT(out->command) & (AB | POWER) && out->words < SC_MAX_ARMS) {
            out->word[out->words++] = argv[i];
        } else if (out->argument || BIT(out->command) & (AB | POWER)) {
            return usage(argv[i], "", "one argument too many");
        } else {
            out->argument = argv[i];
        }
    }
    return check(out);
}
