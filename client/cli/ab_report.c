// SPDX-License-Identifier: Apache-2.0
// Tables of an experiment's result.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "client/cli/ab.h"

static enum colour colour_of(const char *verdict)
{
    return strcmp(verdict, "better") == 0       ? COLOUR_GOOD
           : strcmp(verdict, "equivalent") == 0 ? COLOUR_GOOD
           : strcmp(verdict, "worse") == 0      ? COLOUR_BAD
                                                : COLOUR_WARN;
}

static void print_head(const struct ab_result *a)
{
    const struct sc_experiment *x = &a->r->experiment;
    printf("%s%s%s%s: %s%s%s, stop: %s\n", x->id, x->name[0] ? " (" : "", x->name,
           x->name[0] ? ")" : "", x->state, x->reason[0] ? ": " : "", x->reason,
           ab_text(a->report, "stop"));
    printf("board %s, origin %s, %.0f MHz; %u blocks (%.0f lost) of at most %u, %u measurements of "
           "%.0f inferences, %.1f s\n",
           x->board, ab_text(a->report, "origin"), ab_number(a->report, "clock_hz") / 1e6,
           x->blocks, ab_number(a->report, "lost_blocks"), x->budget_blocks, a->r->steps,
           ab_number(a->report, "step_windows"), x->seconds);
    if (ab_number(a->report, "burst_s") > 0)
        printf("each measurement ends with a burst of %g s of the board's time for its energy\n",
               ab_number(a->report, "burst_s"));
    printf(
        "design %s, seed %.0f, warm-up of %.0f inferences after a swap, confidence %g %%; others "
        "used the board during %.0f inferences\n\n",
        ab_text(a->report, "design"), ab_number(a->report, "seed"), ab_number(a->report, "warmup"),
        100 * ab_number(a->report, "confidence"), ab_number(a->report, "shared_windows"));
}

static void number_cell(struct table *t, double value)
{
    if (isfinite(value))
        table_cell(t, COLOUR_NONE, "%.6g", value);
    else
        table_cell(t, COLOUR_NONE, "-");
}

// What the mean may be off by because of the sensors, however many measurements there are.
static void sensors_cell(struct table *t, double uncertainty)
{
    if (isfinite(uncertainty))
        table_cell(t, COLOUR_NONE, "+-%.2g", uncertainty);
    else
        table_cell(t, COLOUR_NONE, "-");
}

// Energies have the power monitor's origin.
const char *ab_origin(const struct ab_result *a, const json_t *metric)
{
    const char *own = ab_text(metric, "origin");
    return *own ? own : ab_text(a->report, "origin");
}

static int print_values(const struct cli *cli, const struct ab_result *a)
{
    static const struct table_column columns[] = {
        {"metric", false}, {"variant", false}, {"mean", true},   {"unit", false},  {"sd", true},
        {"sensors", true}, {"count", true},    {"window", true}, {"origin", false}};
    struct table *t = table_new(columns, 9);
    size_t i, k;
    const json_t *m, *v;
    json_array_foreach(json_object_get(a->report, "metrics"), i, m)
    {
        json_array_foreach(json_object_get(m, "variants"), k, v)
        {
            table_cell(t, COLOUR_NONE, "%s", ab_text(m, "metric"));
            table_cell(t, COLOUR_NONE, "%s", ab_text(v, "variant"));
            number_cell(t, ab_number(v, "mean"));
            table_cell(t, COLOUR_NONE, "%s", ab_text(m, "unit"));
            number_cell(t, ab_number(v, "sd"));
            sensors_cell(t, ab_number(v, "uncertainty"));
            table_cell(t, COLOUR_NONE, "%.0f", ab_number(v, "count"));
            table_cell(t, COLOUR_NONE, "%.3g s", ab_number(v, "window_s"));
            table_cell(t, COLOUR_NONE, "%s", ab_origin(a, m));
        }
    }
    return table_print(t, cli->colour);
}

static void comparison_cells(struct table *t, const struct ab_result *a, const json_t *m,
                             const json_t *c)
{
    const char *verdict = ab_text(c, "verdict"), *unit = ab_text(c, "unit");
    double low = ab_number(c, "low"), high = ab_number(c, "high"), margin = ab_number(c, "margin");
    table_cell(t, COLOUR_NONE, "%s", ab_text(m, "metric"));
    table_cell(t, COLOUR_NONE, "%s against %s", ab_text(c, "candidate"), ab_text(c, "reference"));
    table_cell(t, colour_of(verdict), "%s", verdict);
    number_cell(t, ab_number(c, "estimate"));
    if (isfinite(low) && isfinite(high))
        table_cell(t, COLOUR_NONE, "%.5g .. %.5g", low, high);
    else
        table_cell(t, COLOUR_NONE, "-");
    table_cell(t, COLOUR_NONE, "%s", unit);
    if (isfinite(ab_number(c, "p")))
        table_cell(t, COLOUR_NONE, "%.2g", ab_number(c, "p"));
    else
        table_cell(t, COLOUR_NONE, "-");
    if (margin > 0)
        table_cell(t, COLOUR_NONE, "%g", margin);
    else
        table_cell(t, COLOUR_NONE, "none");
    table_cell(t, COLOUR_NONE, "%.0f", ab_number(c, "blocks"));
    table_cell(t, COLOUR_NONE, "%s", ab_origin(a, m));
    table_cell(t, COLOUR_NONE, "%s%s", json_is_true(json_object_get(c, "drifts")) ? "DRIFT " : "",
               ab_text(c, "reason"));
}

static int print_comparisons(const struct cli *cli, const struct ab_result *a)
{
    static const struct table_column columns[] = {
        {"metric", false},  {"comparison", false}, {"verdict", false}, {"difference", true},
        {"interval", true}, {"unit", false},       {"p", true},        {"margin", true},
        {"blocks", true},   {"origin", false},     {"", false}};
    struct table *t = table_new(columns, 11);
    size_t i, k;
    const json_t *m, *c;
    json_array_foreach(json_object_get(a->report, "metrics"), i, m)
        json_array_foreach(json_object_get(m, "comparisons"), k, c) comparison_cells(t, a, m, c);
    return table_print(t, cli->colour);
}

static void print_missing(const json_t *m)
{
    size_t k;
    const json_t *row;
    if (ab_text(m, "of")[0])
        printf("%s: of the rail %s\n", ab_text(m, "metric"), ab_text(m, "of"));
    if (ab_text(m, "reason")[0])
        printf("%s: no value, %s\n", ab_text(m, "metric"), ab_text(m, "reason"));
    json_array_foreach(json_object_get(m, "missing"), k, row)
        printf("%s: %.0f measurements left out, %s\n", ab_text(m, "metric"),
               ab_number(row, "count"), ab_text(row, "reason"));
}

int ab_print(const struct cli *cli, const struct ab_result *a)
{
    size_t i;
    const json_t *m;
    print_head(a);
    int code = print_values(cli, a);
    putchar('\n');
    if (!code)
        code = print_comparisons(cli, a);
    json_array_foreach(json_object_get(a->report, "metrics"), i, m) print_missing(m);
    return code;
}
