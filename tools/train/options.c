// SPDX-License-Identifier: Apache-2.0
#include "tools/train/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// One row of this table parses an option, explains it in --help and repeats it in a manifest.
// What stands behind FLAG changes no result and is not repeated.
enum kind { TEXT, FORM, PATH, COUNT, REAL, SEED, FEATURES, SPLIT, FLAG, TASK_FILE, PLACE, LIMIT };
struct row {
    const char *name;
    enum kind kind;
    size_t offset; // in struct options
    double lo, hi;
    const char *value, *help;
};
#define AT(member) offsetof(struct options, member)
static const struct row table[] = {
    {"data", PATH, AT(data), 0, 0, "FILE",
     "the series: CSV with a header line, - for standard input"},
    {"task-file", TASK_FILE, AT(task_file), 0, 0, "FILE",
     "the options of a task as JSON; later options replace its own"},
    {"target", TEXT, AT(spec.target), 0, 0, "COLUMN", "what is forecast"},
    {"features", FEATURES, AT(feature), 0, 0, "A,B", "columns of a window (default: the target)"},
    {"time", TEXT, AT(time_column), 0, 0, "COLUMN", "column of times, not read as numbers"},
    {"unit", TEXT, AT(unit), 0, 0, "TEXT", "unit of the target, for reports"},
    {"window", COUNT, AT(spec.window), 2, MODEL_MAX_WINDOW, "ROWS", "rows of a window (24)"},
    {"horizon", COUNT, AT(spec.horizon), 1, TASK_MAX_HORIZON, "ROWS",
     "rows from a window's end to its target (1)"},
    {"outputs", COUNT, AT(spec.outputs), 1, MODEL_MAX_OUTPUTS, "N",
     "steps forecast at once, from the horizon on (1)"},
    {"split", SPLIT, AT(spec.split), 0, 0, "A/B/C",
     "percent of rows to train, validate, test on, in this order (70/10/20)"},
    {"task", TEXT, AT(task), 0, 0, "NAME", "name of the task"},
    {"name", TEXT, AT(name), 0, 0, "NAME", "name of the variant"},
    {"d-model", COUNT, AT(shape.d_model), 4, MODEL_MAX_D, "N", "width of the encoder (16)"},
    {"heads", COUNT, AT(shape.heads), 1, MODEL_MAX_HEADS, "N", "attention heads (1)"},
    {"d-ff", COUNT, AT(shape.d_ff), 1, MODEL_MAX_FF, "N", "inner width (4 * d-model)"},
    {"layers", COUNT, AT(shape.layers), 1, MODEL_MAX_LAYERS, "N", "encoder layers (1)"},
    {"form", FORM, AT(shape.form), 0, 0, "FORM",
     "encoder, or collapsed: products of its matrices merged; one head, one layer (encoder)"},
    {"bits", TEXT, AT(bits), 0, 0, "LIST", "widths: 8, or 4,x=8,o=8,layers.0.w_1=3 (8)"},
    {"bits-file", PATH, AT(bits_file), 0, 0, "FILE", "widths as in a manifest's \"bits\""},
    {"hardware", TEXT, AT(hardware), 0, 0, "JSON",
     "the manifest's choices of hardware, as sevencast-build(1) reads them"},
    {"seed", SEED, AT(seed), 0, 0, "N", "first seed (1)"},
    {"seeds", COUNT, AT(seeds), 1, 100, "N", "runs from different seeds, best by validation (1)"},
    {"epochs-float", COUNT, AT(epochs_float), 0, 100000, "N", "epochs in floating point (200)"},
    {"epochs-qat", COUNT, AT(epochs_qat), 0, 100000, "N", "epochs with quantisation (100)"},
    {"rate-float", REAL, AT(rate_float), 1e-7, 1, "X", "learning rate in floating point (0.005)"},
    {"rate-qat", REAL, AT(rate_qat), 1e-7, 1, "X", "learning rate with quantisation (0.002)"},
    {"decay", REAL, AT(fit.weight_decay), 0, 10, "X", "weight decay (0.01)"},
    {"batch", COUNT, AT(fit.batch), 1, 65536, "N", "windows of a batch (64)"},
    {"patience", COUNT, AT(fit.patience), 0, 100000, "N",
     "epochs without improvement that end a run; 0: none do (0)"},
    {"float-checkpoint", PATH, AT(checkpoint), 0, 0, "FILE",
     "safetensors: read when it exists, else written after training"},
    {"out", PATH, AT(out), 0, 0, "DIR", "where the variant is written"},
    {"resume", PLACE, AT(resume), 0, 0, "FILE",
     "state of the training: goes on from it when it exists, keeps it up to date"},
    {"save-every", LIMIT, AT(save_every_s), 0, 86400, "SECONDS",
     "how often the state is written at most; 0: after every epoch (5)"},
    {"json", FLAG, AT(json), 0, 0, NULL, "one JSON object a line instead of text"},
    {"quiet", FLAG, AT(quiet), 0, 0, NULL, "no progress, even on a terminal"},
    {"check", FLAG, AT(check), 0, 0, NULL,
     "evaluate: compare with the manifest, exit 1 if not equal"},
};
enum {
    ROWS = sizeof table / sizeof table[0],
    OPTION_BASE = 256,
    TASK_TEXT_BYTES = 1024,
    OPTION_HELP = 'h',
    OPTION_VERSION = 'V'
};

__attribute__((format(printf, 1, 2))) static int usage(const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fprintf(stderr, "sevencast-train: ");
    vfprintf(stderr, format, ap);
    fprintf(stderr, "\nTry sevencast-train --help.\n");
    va_end(ap);
    return EXIT_USAGE;
}

void options_help(void)
{
    printf("Usage: sevencast-train [train] --data FILE --target COLUMN --task NAME --name NAME "
           "--out DIR [options]\n"
           "       sevencast-train evaluate DIR --data FILE [--check] [--json]\n"
           "       sevencast-train baselines --data FILE --target COLUMN [options]\n\n"
           "Trains a small Transformer encoder on a time series and writes it as a variant of\n"
           "integers; judges a variant on the test part of its series; or judges persistence and\n"
           "ridge regression. Losses of a variant come from the golden integer model. What each\n"
           "tensor's width costs: sevencast-explore sensitivities.\n\n");
    for (int i = 0; i < ROWS; i++) {
        char left[40];
        snprintf(left, sizeof left, "--%s%s%s", table[i].name, table[i].value ? " " : "",
                 table[i].value ? table[i].value : "");
        printf("  %-24s %s\n", left, table[i].help);
    }
    printf("  %-24s %s\n  %-24s %s\n\n", "--help", "this text", "--version", "the version");
    printf(
        "Exit codes: 0 done, 1 failed or --check found a difference, 2 usage, 3 data, 4 variant,\n"
        "checkpoint or width file not readable, 5 results not writable.\n");
}

static int to_number(const struct row *row, const char *text, double *value)
{
    char *end;
    errno = 0;
    *value = strtod(text, &end);
    if (end == text || *end || errno || !(*value >= row->lo && *value <= row->hi) ||
        (row->kind == COUNT && *value != (int)*value))
        return usage("--%s: '%s' is not a%s number in %g..%g", row->name, text,
                     row->kind == COUNT ? " whole" : "", row->lo, row->hi);
    return 0;
}

static int to_features(struct options *o, const char *text)
{
    free(o->feature_text);
    o->feature_text = strdup(text);
    o->spec.feature_count = 0;
    if (!o->feature_text)
        return usage("out of memory");
    for (char *p = o->feature_text; p;) {
        char *comma = strchr(p, ',');
        if (comma)
            *comma++ = 0;
        if (!*p)
            return usage("--features: an empty name in '%s'", text);
        if (o->spec.feature_count == MODEL_MAX_FEATURES)
            return usage("--features: more than %d columns", (int)MODEL_MAX_FEATURES);
        o->feature[o->spec.feature_count++] = p;
        p = comma;
    }
    o->spec.features = o->feature;
    return 0;
}

static int to_split(struct options *o, const char *text)
{
    int length = 0, *s = o->spec.split;
    if (sscanf(text, "%3d/%3d/%3d%n", &s[0], &s[1], &s[2], &length) != 3 || text[length])
        return usage("--split: '%s' is not of the form 70/10/20", text);
    return 0;
}

static int to_seed(struct options *o, const char *text)
{
    char *end;
    errno = 0;
    o->seed = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno)
        return usage("--seed: '%s' is not a whole number", text);
    return 0;
}

static int to_form(struct options *o, const char *text)
{
    for (int form = 0; form < MODEL_FORMS; form++)
        if (!strcmp(text, model_form_name(form))) {
            o->shape.form = form;
            return 0;
        }
    return usage("--form: '%s' is neither encoder nor collapsed", text);
}

static int take(struct options *o, const struct row *row, const char *text);

// One member of a task file, as the option of that name.
static int take_member(struct options *o, const char *path, const char *key, json_t *value)
{
    static const char *const known[] = {"task", "data",   "target",  "features", "time",
                                        "unit", "window", "horizon", "outputs",  "split"};
    const struct row *row = NULL;
    char text[TASK_TEXT_BYTES] = "";
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        for (int r = 0; r < ROWS && !strcmp(key, known[i]); r++)
            row = strcmp(table[r].name, key) ? row : &table[r];
    if (!row)
        return usage("%s: '%s' is not a member of a task", path, key);
    if (json_is_string(value))
        return take(o, row, json_string_value(value));
    if (json_is_integer(value))
        snprintf(text, sizeof text, "%lld", (long long)json_integer_value(value));
    for (size_t i = 0; i < json_array_size(value); i++) {
        json_t *item = json_array_get(value, i);
        size_t used = strlen(text);
        if (json_is_string(item))
            snprintf(text + used, sizeof text - used, "%s%s", i ? "," : "",
                     json_string_value(item));
        else
            snprintf(text + used, sizeof text - used, "%s%lld", i ? "/" : "",
                     (long long)json_integer_value(item));
    }
    if (!*text || strlen(text) == sizeof text - 1)
        return usage("%s: %s: neither text, whole number nor a list of them", path, key);
    return take(o, row, text);
}

static int to_task_file(struct options *o, const char *path)
{
    json_error_t error;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error), *value;
    const char *key;
    if (!root || !json_is_object(root) || o->task_file) {
        usage("%s:%d: %s", path, root ? 0 : error.line,
              root ? "not an object, or a second task file" : error.text);
        json_decref(root);
        return EXIT_DATA;
    }
    o->task_file = root;
    json_object_foreach(root, key, value)
    {
        int rc = take_member(o, path, key, value);
        if (rc)
            return rc;
    }
    return 0;
}

static int take(struct options *o, const struct row *row, const char *text)
{
    char *at = (char *)o + row->offset;
    double number = 1;
    int count;
    switch (row->kind) {
    case TASK_FILE:
        return to_task_file(o, text);
    case TEXT:
    case PATH:
    case PLACE:
        memcpy(at, &text, sizeof text);
        return 0;
    case COUNT:
        if (to_number(row, text, &number))
            return EXIT_USAGE;
        /* fallthrough */
    case FLAG:
        count = (int)number;
        memcpy(at, &count, sizeof count);
        return 0;
    case REAL:
    case LIMIT:
        if (to_number(row, text, &number))
            return EXIT_USAGE;
        memcpy(at, &number, sizeof number);
        return 0;
    case FORM:
        return to_form(o, text);
    case SEED:
        return to_seed(o, text);
    case FEATURES:
        return to_features(o, text);
    case SPLIT:
        return to_split(o, text);
    }
    return 0;
}

static int check_name(const char *option, const char *text)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    if (!text)
        return usage("--%s is missing", option);
    if (!*text || *text == '-' || strspn(text, letters) != strlen(text) || strlen(text) > 63)
        return usage("--%s: '%s' is not a name of a-z, 0-9 and -, at most 63", option, text);
    return 0;
}

static int check_train(struct options *o)
{
    char why[MODEL_WHY_MAX];
    if (check_name("task", o->task) || (o->command == COMMAND_TRAIN && check_name("name", o->name)))
        return EXIT_USAGE;
    if (!o->out)
        return usage("--out is missing");
    if (o->bits && o->bits_file)
        return usage("--bits and --bits-file exclude each other");
    if (!o->bits)
        o->bits = "8";
    if (model_shape_check(&o->shape, why, sizeof why))
        return usage("%s", why);
    return 0;
}

static int check_hardware(const char *text)
{
    json_t *object = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    int rc = !text || json_is_object(object) ? 0 : usage("--hardware: not a JSON object");
    json_decref(object);
    return rc;
}

static int check(struct options *o)
{
    if (!o->data)
        return usage("--data is missing");
    if (check_hardware(o->hardware))
        return EXIT_USAGE;
    if (o->command == COMMAND_EVALUATE)
        return o->variant ? 0 : usage("evaluate: which variant folder?");
    if (!o->spec.target)
        return usage("--target is missing");
    if (!o->shape.d_ff)
        o->shape.d_ff = 4 * o->shape.d_model;
    o->shape.window = o->spec.window;
    o->shape.features = o->spec.features ? o->spec.feature_count : 1;
    o->shape.outputs = o->spec.outputs;
    return o->command == COMMAND_BASELINES ? 0 : check_train(o);
}

static void set_defaults(struct options *o)
{
    *o = (struct options){
        .command = COMMAND_TRAIN,
        .unit = "",
        .spec = {.window = 24, .horizon = 1, .outputs = 1, .split = {70, 10, 20}},
        .shape = {.d_model = 16, .heads = 1, .layers = 1},
        .fit = {.batch = 64, .weight_decay = 0.01},
        .epochs_float = 200,
        .epochs_qat = 100,
        .rate_float = 0.005,
        .rate_qat = 0.002,
        .seed = 1,
        .seeds = 1,
        .save_every_s = 5,
    };
}

static int take_word(struct options *o, const char *word)
{
    static const char *const name[] = {"train", "evaluate", "baselines"};
    static int first;
    for (int i = 0; i < 3 && !first; i++)
        if (!strcmp(word, name[i])) {
            o->command = (enum command)i;
            first = 1;
            return 0;
        }
    if (o->command == COMMAND_EVALUATE && !o->variant) {
        o->variant = word;
        return 0;
    }
    return usage("'%s' is not expected here", word);
}

int options_parse(struct options *o, int argc, char **argv)
{
    struct option list[ROWS + 3] = {{0}};
    int c;
    set_defaults(o);
    for (int i = 0; i < ROWS; i++)
        list[i] = (struct option){table[i].name, table[i].value ? required_argument : no_argument,
                                  NULL, OPTION_BASE + i};
    list[ROWS] = (struct option){"help", no_argument, NULL, OPTION_HELP};
    list[ROWS + 1] = (struct option){"version", no_argument, NULL, OPTION_VERSION};
    while ((c = getopt_long(argc, argv, "-hV", list, NULL)) != -1) {
        int rc = 0;
        if (c == OPTION_HELP || c == OPTION_VERSION) {
            o->command = c == OPTION_HELP ? COMMAND_HELP : COMMAND_VERSION;
            return 0;
        }
        if (c == 1)
            rc = take_word(o, optarg);
        else if (c >= OPTION_BASE)
            rc = take(o, &table[c - OPTION_BASE], optarg ? optarg : "1");
        else
            rc = usage("see above");
        if (rc)
            return rc;
    }
    if (optind < argc)
        return usage("'%s' is not expected here", argv[optind]);
    return check(o);
}

void options_fini(struct options *o)
{
    free(o->feature_text);
    o->feature_text = NULL;
    json_decref(o->task_file);
    o->task_file = NULL;
}

static void append(char *text, size_t cap, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void append(char *text, size_t cap, const char *format, ...)
{
    size_t used = strlen(text);
    va_list ap;
    va_start(ap, format);
    vsnprintf(text + used, cap - used, format, ap);
    va_end(ap);
}

static void append_value(const struct options *o, const struct row *row, char *text, size_t cap)
{
    const char *at = (const char *)o + row->offset, *word;
    double number;
    int count;
    switch (row->kind) {
    case COUNT:
        memcpy(&count, at, sizeof count);
        append(text, cap, "%d", count);
        break;
    case REAL:
        memcpy(&number, at, sizeof number);
        append(text, cap, "%g", number);
        break;
    case SEED:
        append(text, cap, "%llu", (unsigned long long)o->seed);
        break;
    case FORM:
        append(text, cap, "%s", model_form_name(o->shape.form));
        break;
    case SPLIT:
        append(text, cap, "%d/%d/%d", o->spec.split[0], o->spec.split[1], o->spec.split[2]);
        break;
    case FEATURES:
        for (int i = 0; i < o->spec.feature_count; i++)
            append(text, cap, "%s%s", i ? "," : "", o->feature[i]);
        break;
    default:
        memcpy(&word, at, sizeof word);
        if (row->kind == PATH && strrchr(word, '/'))
            word = strrchr(word, '/') + 1;
        append(text, cap, strpbrk(word, " {\"") ? "'%s'" : "%s", word);
    }
}

void options_command(const struct options *o, char *text, size_t cap)
{
    snprintf(text, cap, "sevencast-train");
    for (int i = 0; i < ROWS; i++) {
        const char *word = NULL;
        if (table[i].kind == TEXT || table[i].kind == PATH)
            memcpy(&word, (const char *)o + table[i].offset, sizeof word);
        if (table[i].kind >= FLAG || (table[i].kind == FEATURES && !o->spec.features) ||
            (table[i].kind == FORM && o->shape.form == MODEL_ENCODER) ||
            ((table[i].kind == TEXT || table[i].kind == PATH) && (!word || !*word)))
            continue;
        append(text, cap, " --%s ", table[i].name);
        append_value(o, &table[i], text, cap);
    }
}
