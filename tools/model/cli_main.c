// SPDX-License-Identifier: Apache-2.0
// sevencast-model: looks at, runs and makes variants of the integer model.
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/cli.h"

static const char usage_text[] =
    "usage: sevencast-model check DIR...\n"
    "       sevencast-model show DIR\n"
    "       sevencast-model run DIR --codes FILE|-\n"
    "       sevencast-model vectors DIR --windows N --seed S --out OUT\n"
    "       sevencast-model random --out OUT --seed S [--name NAME] [--task TASK] [--window N]\n"
    "              [--features N] [--d-model N] [--heads N] [--d-ff N] [--layers N] [--outputs N]\n"
    "              [--bits N] [--y-bits N] [--form encoder|collapsed] [--extreme]\n"
    "\n"
    "check    loads each variant: hashes, names, every integer against its range, every sum\n"
    "         against 48 bits. One line each.\n"
    "show     the variant as tables: shape, tensors, operations with widths and shifts, sizes.\n"
    "run      windows of input codes (integers, oldest row first, separated by spaces, commas or\n"
    "         lines) to codes of y, one line for each window.\n"
    "vectors  random windows and every tensor of them, a text file each: x.txt, q_0.txt ...\n"
    "random   a random variant that keeps all rules; what is not given is drawn. --extreme puts\n"
    "         integers at their limits.\n"
    "\n"
    "Exit status: 0 good, 1 a variant or its input is refused, 2 wrong usage, 3 a file cannot be\n"
    "read or written.\n";

int cli_fail(int status, const char *format, ...)
{
    va_list args;

    fputs("sevencast-model: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
    if (status == CLI_USAGE)
        fputs("Try: sevencast-model --help\n", stderr);
    return status;
}

// Option values above this keep the value of the field they fill (see number_fields).
enum {
    OPT_CODES = 256,
    OPT_OUT,
    OPT_NAME,
    OPT_TASK,
    OPT_SEED,
    OPT_FORM,
    OPT_EXTREME,
    OPT_HELP,
    OPT_VERSION,
    OPT_NUMBER
};

static const struct option known[] = {
    {"codes", required_argument, NULL, OPT_CODES},
    {"out", required_argument, NULL, OPT_OUT},
    {"name", required_argument, NULL, OPT_NAME},
    {"task", required_argument, NULL, OPT_TASK},
    {"seed", required_argument, NULL, OPT_SEED},
    {"form", required_argument, NULL, OPT_FORM},
    {"extreme", no_argument, NULL, OPT_EXTREME},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {"windows", required_argument, NULL, OPT_NUMBER},
    {"window", required_argument, NULL, OPT_NUMBER + 1},
    {"features", required_argument, NULL, OPT_NUMBER + 2},
    {"d-model", required_argument, NULL, OPT_NUMBER + 3},
    {"heads", required_argument, NULL, OPT_NUMBER + 4},
    {"d-ff", required_argument, NULL, OPT_NUMBER + 5},
    {"layers", required_argument, NULL, OPT_NUMBER + 6},
    {"outputs", required_argument, NULL, OPT_NUMBER + 7},
    {"bits", required_argument, NULL, OPT_NUMBER + 8},
    {"y-bits", required_argument, NULL, OPT_NUMBER + 9},
    {NULL, 0, NULL, 0},
};

static int *number_field(struct cli_options *o, int option)
{
    struct model_random_options *r = &o->random;
    int *const field[] = {&o->windows,     &r->shape.window, &r->shape.features, &r->shape.d_model,
                          &r->shape.heads, &r->shape.d_ff,   &r->shape.layers,   &r->shape.outputs,
                          &r->bits,        &r->y_bits};

    return field[option - OPT_NUMBER];
}

static int parse_number(const char *text, uint64_t max, uint64_t *value)
{
    char *end;

    errno = 0;
    *value = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || *value > max)
        return -1;
    return 0;
}

// 0, or the exit status after a message.
static int set_number(struct cli_options *o, int option, const char *name, const char *text)
{
    uint64_t value;

    if (option == OPT_SEED) {
        if (parse_number(text, UINT64_MAX, &o->random.seed) < 0)
            return cli_fail(CLI_USAGE, "--seed: %s is not a whole number", text);
        return 0;
    }
    if (parse_number(text, 1000000, &value) < 0 || value == 0)
        return cli_fail(CLI_USAGE, "--%s: %s is not in 1..1000000", name, text);
    *number_field(o, option) = (int)value;
    return 0;
}

static int set_form(struct cli_options *o, const char *name)
{
    for (int form = 0; form < MODEL_FORMS; form++)
        if (strcmp(name, model_form_name(form)) == 0) {
            o->random.shape.form = form;
            return 0;
        }
    return cli_fail(CLI_USAGE, "--form: %s is neither encoder nor collapsed", name);
}

static int parse(int argc, char **argv, struct cli_options *o)
{
    int option, index, rc;

    while ((option = getopt_long(argc, argv, "", known, &index)) != -1) {
        switch (option) {
        case OPT_CODES:
            o->codes = optarg;
            break;
        case OPT_OUT:
            o->out = optarg;
            break;
        case OPT_NAME:
            o->name = optarg;
            break;
        case OPT_TASK:
            o->task = optarg;
            break;
        case OPT_FORM:
            if ((rc = set_form(o, optarg)) != 0)
                return rc;
            break;
        case OPT_EXTREME:
            o->random.extreme = 1;
            break;
        case OPT_HELP:
            fputs(usage_text, stdout);
            exit(0);
        case OPT_VERSION:
            puts("sevencast-model " SEVENCAST_VERSION);
            exit(0);
        case '?':
            return cli_fail(CLI_USAGE, "wrong option");
        default:
            rc = set_number(o, option, known[index].name, optarg);
            if (rc != 0)
                return rc;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct cli_options o = {.windows = 0};
    const char *verb;
    int rc = parse(argc, argv, &o);
    int words;

    if (rc != 0)
        return rc;
    if (optind >= argc)
        return cli_fail(CLI_USAGE, "no verb given");
    verb = argv[optind++];
    words = argc - optind;
    if (strcmp(verb, "check") == 0 && words >= 1)
        return cli_check(words, argv + optind);
    if (strcmp(verb, "show") == 0 && words == 1)
        return cli_show(argv[optind]);
    if (strcmp(verb, "run") == 0 && words == 1)
        return cli_run(argv[optind], &o);
    if (strcmp(verb, "vectors") == 0 && words == 1)
        return cli_vectors(argv[optind], &o);
    if (strcmp(verb, "random") == 0 && words == 0)
        return cli_random(&o);
    return cli_fail(CLI_USAGE, "%s: no such verb, or the wrong number of words after it", verb);
}
