// SPDX-License-Identifier: Apache-2.0
// The result of an experiment as one HTML file: tables, differences with their intervals, and every
// measurement against time.
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "client/cli/ab.h"
#include "client/cli/html.h"
#include "client/cli/svg.h"

struct page {
    FILE *out;
    const struct ab_result *a;
};

static void put(const struct page *p, const char *before, const char *text, const char *after)
{
    html_put(p->out, before, text, after);
}

static void put_number(const struct page *p, double value, const char *format)
{
    html_number(p->out, value, format);
}

static void put_head(const struct page *p)
{
    const struct sc_experiment *x = &p->a->r->experiment;
    const json_t *r = p->a->report;
    html_begin(p->out, x->id, "sevencast ab");
    put(p, "<h1>", x->id, "");
    put(p, x->name[0] ? " &middot; " : "", x->name, "</h1>\n<p>");
    for (uint32_t i = 0; i < x->variants; i++) {
        html_key(p->out, (int)i);
        put(p, "", x->variant[i], i ? "" : " (reference)");
    }
    put(p, "</p>\n<p>", x->state, "");
    put(p, x->reason[0] ? ": " : "", x->reason, "");
    put(p, "; stop: ", ab_text(r, "stop"), "");
    put(p, ". Board ", x->board, "");
    put(p, ", origin <b>", ab_text(r, "origin"), "</b>");
    fprintf(p->out,
            ", %g MHz. %u blocks (%.0f lost) of at most %u, %u measurements of %.0f inferences in "
            "%.1f s of running; warm-up of %.0f inferences after each swap. ",
            ab_number(r, "clock_hz") / 1e6, x->blocks, ab_number(r, "lost_blocks"),
            x->budget_blocks, p->a->r->steps, ab_number(r, "step_windows"), x->seconds,
            ab_number(r, "warmup"));
    if (ab_number(r, "burst_s") > 0)
        fprintf(p->out,
                "Each measurement ends with a burst of %g s of the board's time, for its energy. ",
                ab_number(r, "burst_s"));
    put(p, "Design ", ab_text(r, "design"), "");
    fprintf(p->out,
            ", seed %.0f, confidence %g %%. Others used the board during %.0f inferences.</p>\n",
            ab_number(r, "seed"), 100 * ab_number(r, "confidence"), ab_number(r, "shared_windows"));
    if (strcmp(ab_text(r, "origin"), "board") != 0)
        fputs("<p>The fabric is simulated: cycles and forecasts are those of the logic, times of "
              "the host include the simulation.</p>\n",
              p->out);
}

// Said once for all metrics of a made-up origin.
static void put_virtual_energy(const struct page *p)
{
    size_t i;
    const json_t *m;
    json_array_foreach(json_object_get(p->a->report, "metrics"), i, m)
    {
        if (strcmp(ab_text(m, "origin"), "virtual") != 0)
            continue;
        fputs("<p>Energies are of the virtual board's power model (docs/power-model.md of "
              "sevencast): they judge the way of measuring, never a board or a variant.</p>\n",
              p->out);
        return;
    }
}

static void put_comparisons(const struct page *p)
{
    size_t i, k;
    const json_t *m, *c;
    fputs("<h2>Verdicts</h2>\n<table><tr><th>metric<th>candidate<th>reference<th>verdict"
          "<th>difference<th>low<th>high<th>unit<th>p<th>margin<th>p (permutation)<th>p (TOST)"
          "<th>blocks<th>origin<th></tr>\n",
          p->out);
    json_array_foreach(json_object_get(p->a->report, "metrics"), i, m)
    {
        json_array_foreach(json_object_get(m, "comparisons"), k, c)
        {
            put(p, "<tr><td>", ab_text(m, "metric"), "</td>");
            put(p, "<td>", ab_text(c, "candidate"), "</td>");
            put(p, "<td>", ab_text(c, "reference"), "</td>");
            put(p, "<td class=", ab_text(c, "verdict"), ">");
            put(p, "", ab_text(c, "verdict"), "</td>");
            put_number(p, ab_number(c, "estimate"), "");
            put_number(p, ab_number(c, "low"), "");
            put_number(p, ab_number(c, "high"), "");
            put(p, "<td>", ab_text(c, "unit"), "</td>");
            put_number(p, ab_number(c, "p"), "p");
            put_number(p, ab_number(c, "margin"), "");
            put_number(p, ab_number(c, "p_permutation"), "p");
            put_number(p, ab_number(c, "p_equivalence"), "p");
            put_number(p, ab_number(c, "blocks"), "count");
            put(p, "<td>", ab_origin(p->a, m), "</td>");
            put(p, "<td>", ab_text(c, "reason"), "</td></tr>\n");
        }
    }
    fputs(
        "</table>\n<p>low to high is the interval that holds under stopping early; lower is better "
        "for every metric.</p>\n",
        p->out);
}

static void put_values(const struct page *p, const json_t *m)
{
    size_t k;
    const json_t *v;
    fputs("<table><tr><th>variant<th>mean<th>sd<th>sensors &plusmn;<th>unit<th>measurements<th>of "
          "seconds<th>origin</tr>\n",
          p->out);
    json_array_foreach(json_object_get(m, "variants"), k, v)
    {
        put(p, "<tr><td>", ab_text(v, "variant"), "</td>");
        put_number(p, ab_number(v, "mean"), "");
        put_number(p, ab_number(v, "sd"), "");
        put_number(p, ab_number(v, "uncertainty"), "");
        put(p, "<td>", ab_text(m, "unit"), "</td>");
        put_number(p, ab_number(v, "count"), "count");
        put_number(p, ab_number(v, "window_s"), "p");
        put(p, "<td>", ab_origin(p->a, m), "</td></tr>\n");
    }
    fputs("</table>\n", p->out);
}

// Each comparison's estimate and interval; the margin as a band around 0.
static void put_differences(const struct page *p, const json_t *m)
{
    const json_t *list = json_object_get(m, "comparisons"), *c;
    size_t k, n = json_array_size(list);
    double low = 0, high = 0, margin = 0;
    char label[160];
    struct svg s;
    json_array_foreach(list, k, c)
    {
        low = fmin(low, ab_number(c, "low")); // fmin leaves NaN out
        high = fmax(high, ab_number(c, "high"));
        margin = fmax(margin, ab_number(c, "margin"));
    }
    low = fmin(low, -margin);
    high = fmax(high, margin);
    snprintf(label, sizeof label, "difference from the reference in %s (%s)",
             n ? ab_text(json_array_get(list, 0), "unit") : "", ab_origin(p->a, m));
    svg_begin(&s, p->out, 640, 60 + 30 * (double)n, low, high, 0.5, (double)n + 0.5, label, "");
    if (margin > 0)
        svg_band(&s, -margin, margin);
    svg_dash(&s, 0, s.y_low, 0, s.y_high);
    svg_x_ticks(&s);
    json_array_foreach(list, k, c)
    {
        double y = (double)(n - k);
        svg_row(&s, y, ab_text(c, "candidate"));
        svg_line(&s, ab_number(c, "low"), y, ab_number(c, "high"), y, (int)k + 1);
        svg_point(&s, ab_number(c, "estimate"), y, (int)k + 1, ab_text(c, "verdict"));
    }
    svg_end(&s);
}

static int column_of(const char *metric)
{
    static const char *const names[] = {"error", "cycles", "latency", "energy",
                                        "energy_above_idle"};
    for (int i = 0; i < SC_METRICS; i++)
        if (strcmp(names[i], metric) == 0)
            return 4 + i;
    return -1;
}

// Every measurement when it was made, but those of the first round, which do not count.
static void put_series(const struct page *p, const json_t *m)
{
    const struct sc_experiment_result *r = p->a->r;
    int column = column_of(ab_text(m, "metric"));
    double low = INFINITY, high = -INFINITY, end = 0;
    char label[160], title[120];
    struct svg s;
    for (uint32_t i = 0; column > 0 && i < r->steps; i++) {
        low = fmin(low, r->step[i][column]);
        high = fmax(high, r->step[i][column]);
        end = fmax(end, r->step[i][2]);
    }
    if (!(low <= high))
        return;
    snprintf(label, sizeof label, "%s in %s (%s)", ab_text(m, "metric"), ab_text(m, "unit"),
             ab_origin(p->a, m));
    svg_begin(&s, p->out, 900, 260, 0, end, low, high, "seconds of running", label);
    svg_x_ticks(&s);
    svg_y_ticks(&s);
    for (uint32_t i = 0; i < r->steps; i++) {
        const double *row = r->step[i];
        if (row[1] < 0)
            continue;
        snprintf(title, sizeof title, "%s, block %.0f: %.6g",
                 row[0] < r->experiment.variants ? r->experiment.variant[(int)row[0]] : "?", row[1],
                 row[column]);
        svg_point(&s, row[2], row[column], (int)row[0], title);
    }
    svg_end(&s);
}

static void put_drift(const struct page *p, const json_t *m)
{
    size_t k;
    const json_t *c;
    json_array_foreach(json_object_get(m, "comparisons"), k, c)
    {
        double rho = ab_number(c, "trend_rho");
        if (!isfinite(rho))
            continue;
        put(p, "<p>", ab_text(c, "candidate"), ": ");
        fprintf(p->out, "trend of the difference with time: Spearman rho %.2f, p %.2g%s.</p>\n",
                rho, ab_number(c, "trend_p"),
                json_is_true(json_object_get(c, "drifts"))
                    ? "; <b class=undecided>it drifts, so no single number describes it</b>"
                    : "; no drift flagged");
    }
}

static void put_missing(const struct page *p, const json_t *m)
{
    size_t k;
    const json_t *row;
    put(p, ab_text(m, "of")[0] ? "<p>Of the rail " : "", ab_text(m, "of"),
        ab_text(m, "of")[0] ? ".</p>\n" : "");
    if (ab_text(m, "reason")[0])
        put(p, "<p>No value: ", ab_text(m, "reason"), ".</p>\n");
    json_array_foreach(json_object_get(m, "missing"), k, row)
    {
        fprintf(p->out,
                "<p>%.0f measurements left out with their blocks: ", ab_number(row, "count"));
        put(p, "", ab_text(row, "reason"), ".</p>\n");
    }
}

static void put_metrics(const struct page *p)
{
    size_t i;
    const json_t *m;
    json_array_foreach(json_object_get(p->a->report, "metrics"), i, m)
    {
        put(p, "<h2>", ab_text(m, "metric"), "</h2>\n");
        put_missing(p, m);
        if (ab_text(m, "reason")[0])
            continue;
        put_values(p, m);
        put_differences(p, m);
        put_series(p, m);
        put_drift(p, m);
    }
}

int ab_write_html(const struct cli *cli, const struct ab_result *a, const char *path)
{
    struct page p = {fopen(path, "we"), a};
    if (!p.out)
        return cli_refuse(cli, EXIT_OTHER, "OUTPUT", "%s: %s", path, strerror(errno));
    put_head(&p);
    put_virtual_energy(&p);
    put_comparisons(&p);
    put_metrics(&p);
    fputs("<p>Method: docs/measuring.md and docs/experiments.md of sevencast.</p></html>\n", p.out);
    bool good = !ferror(p.out);
    good = fclose(p.out) == 0 && good;
    return good ? EXIT_OK : cli_refuse(cli, EXIT_OTHER, "OUTPUT", "%s cannot be written", path);
}
