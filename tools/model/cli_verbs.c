// SPDX-License-Identifier: Apache-2.0
// check, run, vectors and random.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/model/cli.h"

int cli_check(int count, char **dirs)
{
    int rc = 0;

    for (int i = 0; i < count; i++) {
        char why[MODEL_WHY_MAX * 2];
        struct variant *v = variant_load(dirs[i], why, sizeof why);
        if (v == NULL) {
            rc = cli_fail(CLI_REFUSED, "%s/%s", dirs[i], why);
            continue;
        }
        printf("%s: ok, %s, hash %s\n", dirs[i], v->name, v->hash_hex);
        variant_free(v);
    }
    return rc;
}

static struct variant *load(const char *dir)
{
    char why[MODEL_WHY_MAX * 2];
    struct variant *v = variant_load(dir, why, sizeof why);

    if (v == NULL)
        cli_fail(CLI_REFUSED, "%s/%s", dir, why);
    return v;
}

// The next integer of f, past spaces, commas and brackets. 1, 0 at the end, -1 for anything else.
static int next_code(FILE *f, long *value)
{
    char digits[16];
    size_t n = 0;
    char *end;
    int c;

    while ((c = getc(f)) != EOF && strchr(" \t\r\n,[]", c) != NULL)
        continue;
    if (c == EOF)
        return 0;
    for (; c != EOF && strchr(" \t\r\n,[]", c) == NULL; c = getc(f)) {
        if (n + 1 >= sizeof digits)
            return -1;
        digits[n++] = (char)c;
    }
    digits[n] = '\0';
    errno = 0;
    *value = strtol(digits, &end, 10);
    return *end == '\0' && errno == 0 ? 1 : -1;
}

// Reads one window. 1, 0 at the end of the input, -1 after a message. count goes over all codes.
static int read_window(FILE *f, const char *path, const struct model *mdl, int8_t *x, long *count)
{
    const int size = mdl->shape.window * mdl->shape.features;
    const int lo = model_range_min(MODEL_SIGNED, mdl->bits.x);
    const int hi = model_range_max(MODEL_SIGNED, mdl->bits.x);

    for (int i = 0; i < size; i++, ++*count) {
        long value = 0;
        int rc = next_code(f, &value);
        if (rc == 0 && i == 0)
            return 0;
        if (rc == 0)
            cli_fail(CLI_REFUSED, "%s: ends after %d codes of a window of %d", path, i, size);
        else if (rc < 0)
            cli_fail(CLI_REFUSED, "%s: code %ld: not an integer", path, *count);
        else if (value < lo || value > hi)
            cli_fail(CLI_REFUSED, "%s: code %ld: %ld is not in %d..%d", path, *count, value, lo,
                     hi);
        else {
            x[i] = (int8_t)value;
            continue;
        }
        return -1;
    }
    return 1;
}

static int run_windows(FILE *f, const char *path, const struct model *mdl)
{
    int8_t x[MODEL_MAX_WINDOW * MODEL_MAX_FEATURES];
    struct model_trace *tr = model_trace_new(&mdl->shape);
    long count = 0, windows = 0;
    int rc;

    if (tr == NULL)
        return cli_fail(CLI_IO, "out of memory");
    while ((rc = read_window(f, path, mdl, x, &count)) > 0) {
        const int16_t *y = model_trace_get(tr, MODEL_Y, 0);
        model_run(mdl, x, tr);
        for (int i = 0; i < mdl->shape.outputs; i++)
            printf("%s%d", i > 0 ? " " : "", y[i]);
        putchar('\n');
        windows++;
    }
    model_trace_free(tr);
    if (rc < 0)
        return CLI_REFUSED;
    return windows > 0 ? 0 : cli_fail(CLI_REFUSED, "%s: no codes", path);
}

int cli_run(const char *dir, const struct cli_options *o)
{
    struct variant *v;
    FILE *f;
    int rc;

    if (o->codes == NULL)
        return cli_fail(CLI_USAGE, "run needs --codes");
    f = strcmp(o->codes, "-") == 0 ? stdin : fopen(o->codes, "r");
    if (f == NULL)
        return cli_fail(CLI_IO, "%s: %s", o->codes, strerror(errno));
    v = load(dir);
    rc = v != NULL ? run_windows(f, o->codes, v->model) : CLI_REFUSED;
    variant_free(v);
    if (f != stdin)
        fclose(f);
    if (fflush(stdout) != 0)
        return cli_fail(CLI_IO, "standard output: %s", strerror(errno));
    return rc;
}

// The file of one tensor with its header; NULL after a message.
static FILE *open_tensor(const struct variant *v, const struct cli_options *o, int t, int layer)
{
    const struct model_shape *s = &v->model->shape;
    const int once = t == MODEL_X || t == MODEL_H || t == MODEL_O || t == MODEL_Y;
    char path[4096];
    int rows, cols, len;
    FILE *f;

    if (once)
        len = snprintf(path, sizeof path, "%s/%s.txt", o->out, model_tensor_name(t));
    else
        len = snprintf(path, sizeof path, "%s/%s_%d.txt", o->out, model_tensor_name(t), layer);
    f = len < (int)sizeof path ? fopen(path, "w") : NULL;
    if (f == NULL) {
        cli_fail(CLI_IO, "%s: %s", path, strerror(errno));
        return NULL;
    }
    model_tensor_shape(s, t, layer, &rows, &cols);
    fprintf(f,
            "# generator: sevencast-model vectors " SEVENCAST_VERSION "\n"
            "# variant: %s %s\n"
            "# seed: %" PRIu64 "\n"
            "# tensor: %s layer %d, %d windows, each %d rows of %d, %d bits %s\n",
            v->name, v->hash_hex, o->random.seed, model_tensor_name(t), layer, o->windows, rows,
            cols, model_tensor_bits(&v->model->bits, t, layer),
            model_tensor_signed(t) ? "signed" : "unsigned");
    return f;
}

static void write_rows(FILE *f, const int16_t *codes, int rows, int cols)
{
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++)
            fprintf(f, "%d%c", codes[r * cols + c], c + 1 < cols ? ' ' : '\n');
}

// All windows of one tensor: every file draws the same windows again, so one is open at a time.
static int write_tensor(const struct variant *v, const struct cli_options *o, int t, int layer,
                        struct model_trace *tr)
{
    int8_t x[MODEL_MAX_WINDOW * MODEL_MAX_FEATURES];
    struct model_rng r = {o->random.seed};
    FILE *f = open_tensor(v, o, t, layer);
    int rows, cols, bad;

    if (f == NULL)
        return CLI_IO;
    model_tensor_shape(&v->model->shape, t, layer, &rows, &cols);
    for (int i = 0; i < o->windows; i++) {
        model_random_window(&r, v->model, x);
        model_run(v->model, x, tr);
        write_rows(f, model_trace_get(tr, t, layer), rows, cols);
    }
    bad = ferror(f);
    if (fclose(f) != 0 || bad)
        return cli_fail(CLI_IO, "%s: writing %s: %s", o->out, model_tensor_name(t),
                        strerror(errno));
    return 0;
}

int cli_vectors(const char *dir, const struct cli_options *o)
{
    struct model_trace *tr = NULL;
    struct variant *v;
    int rows, cols, rc = 0;

    if (o->out == NULL || o->windows == 0)
        return cli_fail(CLI_USAGE, "vectors needs --out and --windows");
    v = load(dir);
    if (v == NULL)
        return CLI_REFUSED;
    tr = model_trace_new(&v->model->shape);
    if (tr == NULL)
        rc = cli_fail(CLI_IO, "out of memory");
    else if (mkdir(o->out, 0777) < 0 && errno != EEXIST)
        rc = cli_fail(CLI_IO, "%s: %s", o->out, strerror(errno));
    for (int t = 0; rc == 0 && t < MODEL_TENSORS; t++)
        for (int n = 0; rc == 0 && model_tensor_shape(&v->model->shape, t, n, &rows, &cols) == 0;
             n++)
            rc = write_tensor(v, o, t, n, tr);
    model_trace_free(tr);
    variant_free(v);
    return rc;
}

// Refused names and tasks come back from variant_save.
static int set_text(char *field, size_t cap, const char *option, const char *text)
{
    if (text != NULL && snprintf(field, cap, "%s", text) >= (int)cap)
        return cli_fail(CLI_USAGE, "%s: over %zu bytes", option, cap - 1);
    return 0;
}

int cli_random(const struct cli_options *o)
{
    char why[MODEL_WHY_MAX * 2];
    struct variant *v;
    int rc = 0;

    if (o->out == NULL)
        return cli_fail(CLI_USAGE, "random needs --out");
    v = model_random_variant(&o->random, why, sizeof why);
    if (v == NULL)
        return cli_fail(CLI_REFUSED, "%s", why);
    rc = set_text(v->name, sizeof v->name, "--name", o->name);
    if (rc == 0)
        rc = set_text(v->task, sizeof v->task, "--task", o->task);
    if (rc == 0 && variant_save(v, o->out, why, sizeof why) < 0)
        rc = cli_fail(CLI_IO, "%s: %s", o->out, why);
    if (rc == 0)
        printf("%s: %s, hash %s\n", o->out, v->name, v->hash_hex);
    variant_free(v);
    return rc;
}
