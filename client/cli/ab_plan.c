// SPDX-License-Identifier: Apache-2.0
// The plan of an experiment from the command line, its labelled windows from a CSV file.
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/ab.h"
#include "client/cli/series.h"

static bool parse_number(const char *text, double low, double high, double *out)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (end == text || *end || errno || !(value >= low && value <= high))
        return false;
    *out = value;
    return true;
}

static int bad(const struct cli *cli, const char *option, const char *value, const char *due)
{
    return cli_refuse(cli, EXIT_USAGE, "ARGUMENT", "--%s: '%s' is not %s", option, value, due);
}

// "40" blocks, "90s", "10min", "2h" of running, or both with a comma.
static int parse_budget(const struct cli *cli, struct sc_plan *p)
{
    char text[64];
    const char *budget = cli->options.budget;
    if (!budget)
        return EXIT_OK;
    snprintf(text, sizeof text, "%s", budget);
    bool blocks = false, time = false, good = strlen(budget) < sizeof text;
    for (char *save, *word = strtok_r(text, ",", &save); word && good;
         word = strtok_r(NULL, ",", &save)) {
        char *unit;
        errno = 0;
        long long n = strtoll(word, &unit, 10);
        int factor = strcmp(unit, "s") == 0     ? 1
                     : strcmp(unit, "min") == 0 ? 60
                     : strcmp(unit, "h") == 0   ? 3600
                                                : 0;
        good = unit != word && !errno && n > 0;
        if (good && !*unit && !blocks && n >= 6 && n <= 1000) {
            p->blocks = (uint32_t)n;
            blocks = true;
        } else if (good && factor && !time && n <= 604800 / factor) {
            p->budget_s = (uint32_t)(n * factor);
            time = true;
        } else {
            good = false;
        }
    }
    if (!good || (!blocks && !time))
        return bad(cli, "budget", budget,
                   "6 to 1000 blocks, a time such as 90s, 10min or 2h (at most a week), or both");
    if (!blocks) // the time is the budget
        p->blocks = 1000;
    return EXIT_OK;
}

static int parse_metrics(const struct cli *cli, struct sc_plan *p)
{
    static const char *const names[SC_METRICS] = {"error", "cycles", "latency", "energy",
                                                  "energy_above_idle"};
    char text[128];
    if (!cli->options.metrics)
        return EXIT_OK;
    snprintf(text, sizeof text, "%s", cli->options.metrics);
    memset(p->metric, 0, sizeof p->metric);
    int given = 0;
    for (char *save, *word = strtok_r(text, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
        int m = 0;
        while (m < SC_METRICS && strcmp(names[m], word) != 0)
            m++;
        if (m == SC_METRICS)
            return bad(cli, "metric", word,
                       "one of error, cycles, latency, energy, energy_above_idle");
        p->metric[m] = 1;
        given++;
    }
    return given ? EXIT_OK : bad(cli, "metric", cli->options.metrics, "a list of metrics");
}

static int parse_plan(const struct cli *cli, struct sc_plan *p)
{
    const struct options *o = &cli->options;
    double percent = 95;
    sc_plan_defaults(p);
    for (int i = 0; i < o->words; i++) {
        if (strlen(o->word[i]) >= SC_NAME_BYTES)
            return cli_refuse(cli, EXIT_USAGE, "ARGUMENT", "'%.80s' is too long for a name",
                              o->word[i]);
        snprintf(p->variant[p->variants++], SC_NAME_BYTES, "%s", o->word[i]);
    }
    if (o->board && strlen(o->board) >= sizeof p->board)
        return bad(cli, "board", o->board, "a name");
    if (o->label && strlen(o->label) >= sizeof p->name)
        return bad(cli, "label", o->label, "a name");
    snprintf(p->board, sizeof p->board, "%s", o->board ? o->board : "");
    snprintf(p->name, sizeof p->name, "%s", o->label ? o->label : "");
    if (o->design && strcmp(o->design, "abba") != 0 && strcmp(o->design, "random-pairs") != 0)
        return bad(cli, "design", o->design, "abba or random-pairs");
    p->random_pairs = o->design && o->design[0] == 'r';
    if (o->margin && !parse_number(o->margin, 0, 100, &p->margin_pct))
        return bad(cli, "margin", o->margin, "a percentage from 0 to 100");
    if (o->error_margin && !parse_number(o->error_margin, 0, 1e12, &p->error_margin))
        return bad(cli, "error-margin", o->error_margin, "a number of at least 0");
    if (o->confidence && !parse_number(o->confidence, 50, 99.99, &percent))
        return bad(cli, "confidence", o->confidence, "a percentage from 50 to 99.99");
    if (o->burst && strcmp(o->burst, "0") == 0)
        p->burst_s = 0;
    else if (o->burst && !parse_number(o->burst, 0.1, 600, &p->burst_s))
        return bad(cli, "burst", o->burst, "0, or seconds from 0.1 to 600");
    p->confidence = percent / 100;
    p->step_windows = (uint32_t)o->block;
    p->warmup = (uint32_t)o->warmup;
    p->seed = (uint64_t)o->seed;
    int code = parse_budget(cli, p);
    if (code)
        return code;
    if (p->first > p->blocks)
        p->first = p->blocks;
    return parse_metrics(cli, p);
}

// Whether the window at row is whole and the truth of all outputs is known.
static bool labelled(const struct series *s, int row, double *window, double *target)
{
    if (!series_window(s, row, window))
        return false;
    for (int k = 0; k < s->outputs; k++) {
        target[k] = series_truth(s, row, k);
        if (!isfinite(target[k]))
            return false;
    }
    return true;
}

// Takes `want` of the file's labelled windows, spread evenly over it.
static bool take_windows(const struct series *s, struct ab_plan *p, uint32_t want)
{
    size_t window = (size_t)s->window * (size_t)s->features, outputs = (size_t)s->outputs;
    double x[SC_MAX_WINDOW * SC_MAX_FEATURES], y[SC_MAX_OUTPUTS];
    int have = 0, taken = 0, seen = 0;
    for (int row = 0; row + s->window <= s->table->rows; row++)
        have += labelled(s, row, x, y);
    p->available = have;
    want = want < (uint32_t)have ? want : (uint32_t)have;
    p->data = calloc(want * window + 1, sizeof *p->data);
    p->targets = calloc(want * outputs + 1, sizeof *p->targets);
    if (!p->data || !p->targets)
        return false;
    for (int row = 0; row + s->window <= s->table->rows && taken < (int)want; row++) {
        if (!labelled(s, row, x, y))
            continue;
        if ((int64_t)taken * have <= (int64_t)seen * (int64_t)want) {
            memcpy(p->data + (size_t)taken * window, x, window * sizeof *x);
            memcpy(p->targets + (size_t)taken * outputs, y, outputs * sizeof *y);
            taken++;
        }
        seen++;
    }
    p->labelled = (struct sc_labelled){
        (uint32_t)taken, (uint32_t)s->window, (uint32_t)s->features, (uint32_t)s->outputs,
        p->data,         p->targets};
    return true;
}

static int read_data(const struct cli *cli, struct ab_plan *p)
{
    char why[SC_TEXT_BYTES];
    const struct options *o = &cli->options;
    const struct sc_metadata *m = NULL;
    struct series s = {0};
    int code = sc_metadata(cli->client, p->plan.variant[0], (uint32_t)o->timeout_ms, &m);
    if (code)
        return cli_fail(cli, code);
    if (!series_open(&s, m, o->data, o->columns, o->time, why, sizeof why)) {
        code = cli_refuse(cli, EXIT_DATA, "DATA", "%s", why);
        goto out;
    }
    uint64_t want =
        (uint64_t)p->plan.blocks * (p->plan.random_pairs ? 1 : 2) * p->plan.step_windows;
    uint64_t most = SC_MAX_VALUES / (m->window * m->features + m->outputs);
    if (o->windows)
        want = (uint64_t)o->windows;
    want = want < most ? want : most;
    want = want < SC_MAX_LABELLED ? want : SC_MAX_LABELLED;
    if (!take_windows(&s, p, (uint32_t)want))
        code = cli_refuse(cli, EXIT_OTHER, "NO_MEMORY", "out of memory");
    else if (!p->labelled.windows)
        code = cli_refuse(cli, EXIT_DATA, "DATA",
                          "%s holds no whole window of %u rows with the truth of all %u outputs",
                          o->data, m->window, m->outputs);
out:
    series_close(&s);
    sc_free(m);
    return code;
}

int ab_plan_make(const struct cli *cli, struct ab_plan *p)
{
    *p = (struct ab_plan){0};
    int code = parse_plan(cli, &p->plan);
    return code ? code : read_data(cli, p);
}

void ab_plan_free(struct ab_plan *p)
{
    free(p->data);
    free(p->targets);
}
