// SPDX-License-Identifier: Apache-2.0
// A session as one page: medians with their intervals, power against time with its stretches on one
// clock, every window, the idle baselines and the perturbation.
#include <math.h>
#include <string.h>

#include "client/cli/html.h"
#include "client/cli/power.h"
#include "client/cli/svg.h"

struct page {
    FILE *out;
    const struct power_session *s;
    const char *origin;
};

static void put_head(const struct page *p)
{
    const struct power_session *s = p->s;
    html_begin(p->out, "Power", "sevencast power");
    fputs("<h1>Energy of an inference</h1>\n<p>", p->out);
    for (int v = 0; v < s->plan.variants; v++) {
        html_key(p->out, v);
        html_put(p->out, "", s->plan.variant[v], "");
    }
    fputs("</p>\n", p->out);
    if (s->state != POWER_COMPLETE)
        html_put(p->out, "<p class=flag><b>Partial session</b>: ",
                 s->state == POWER_RUNNING ? "it has not ended" : s->reason,
                 ". What is here was measured before.</p>\n");
    html_put(p->out, "<p>Started ", s->started, "");
    fprintf(p->out, ", %.1f s. ", s->seconds);
    html_put(p->out, "Board ", s->board.name, "");
    html_put(p->out, " (", s->board.part, ")");
    fprintf(p->out, ", %g MHz; ", (double)s->board.clock_hz / 1e6);
    html_put(p->out, "origin <b>", p->origin, "</b>");
    html_put(p->out, "; sevencastd ", s->daemon, ".</p>\n<p>");
    if (s->plan.target_share > 0)
        fprintf(p->out, "Windows until the interval of the median is within %g %%, at least %d",
                100 * s->plan.target_share,
                s->plan.windows > POWER_TARGET_FIRST ? s->plan.windows : POWER_TARGET_FIRST);
    else
        fprintf(p->out, "%d windows", s->plan.windows);
    fprintf(
        p->out,
        " of %g s of inferences back to back for each variant, after %d thrown away as warm-up; "
        "%g s without work before and after.</p>\n",
        s->plan.seconds, s->plan.warmup, s->plan.idle_s);
    html_put(p->out, "<p><code>", s->command, "</code></p>\n");
    if (power_origin(s) != SC_ORIGIN_BOARD)
        fputs("<p>The board is virtual: its power comes from a documented model and judges the way "
              "of measuring, not the variants.</p>\n",
              p->out);
}

static const char *rails_meant(const struct power_session *s, int variant)
{
    for (size_t i = 0; i < s->windows; i++)
        if (s->window[i].variant == variant && !s->window[i].flag[0])
            return s->window[i].of[0] ? s->window[i].of : "sum of rails";
    return "-";
}

static void put_row(const struct page *p, int variant, const char *what,
                    const struct power_median *m, double scale, const char *unit)
{
    html_put(p->out, "<tr><td>", p->s->variant[variant].name, "</td>");
    html_put(p->out, "<td>", what, "</td>");
    html_number(p->out, m->value * scale, "");
    html_number(p->out, m->low * scale, "");
    html_number(p->out, m->high * scale, "");
    html_number(p->out, m->min * scale, "");
    html_number(p->out, m->max * scale, "");
    html_number(p->out, m->uncertainty * scale, "");
    html_put(p->out, "<td>", unit, "</td>");
    html_number(p->out, m->n, "count");
    html_number(p->out, p->s->plan.seconds, "");
    html_put(p->out, "<td>", rails_meant(p->s, variant), "</td>");
    html_put(p->out, "<td>", p->origin, "</td></tr>\n");
}

static void put_medians(const struct page *p)
{
    const struct power_session *s = p->s;
    fputs("<h2>Medians</h2>\n<table><tr><th>variant<th>of one inference<th>median<th>low<th>high"
          "<th>min<th>max<th>sensors &plusmn;<th>unit<th>windows<th>s each<th>of<th>origin</tr>\n",
          p->out);
    for (int v = 0; v < s->measured; v++) {
        const struct power_variant *x = &s->variant[v];
        put_row(p, v, "energy", &x->joule, 1e6, "uJ");
        put_row(p, v, "energy above idle", &x->above, 1e6, "uJ");
        put_row(p, v, "power while computing", &x->watt, 1e3, "mW");
        put_row(p, v, "time on the board", &x->inference_s, 1e6, "us");
    }
    fprintf(
        p->out,
        "</table>\n<p>low to high: %g %% interval of the median, from the scatter of the windows "
        "(bootstrap). sensors: their gain, offset and steps at 95 %%, the same in all windows, "
        "so that much of it cancels between variants.</p>\n",
        100 * s->plan.confidence);
}

static void put_median_plot(const struct page *p, const char *what, size_t offset, double scale,
                            const char *unit)
{
    const struct power_session *s = p->s;
    double low = INFINITY, high = -INFINITY;
    char label[120], title[160];
    struct svg g;
    for (int v = 0; v < s->measured; v++) {
        const struct power_median *m =
            (const struct power_median *)(const void *)((const char *)&s->variant[v] + offset);
        low = fmin(low, m->min * scale);
        high = fmax(high, m->max * scale);
    }
    if (!(low <= high))
        return;
    snprintf(label, sizeof label, "%s in %s (%s)", what, unit, p->origin);
    svg_begin(&g, p->out, 760, 60 + 34 * (double)s->measured, low, high, 0.5, s->measured + 0.5,
              label, "");
    svg_x_ticks(&g);
    for (int v = 0; v < s->measured; v++) {
        const struct power_variant *x = &s->variant[v];
        const struct power_median *m =
            (const struct power_median *)(const void *)((const char *)x + offset);
        double y = s->measured - v;
        svg_row(&g, y, x->name);
        svg_dash(&g, m->min * scale, y, m->max * scale, y);
        svg_line(&g, m->low * scale, y, m->high * scale, y, v);
        snprintf(title, sizeof title, "%s: median %.6g %s of %d windows", x->name, m->value * scale,
                 unit, m->n);
        svg_point(&g, m->value * scale, y, v, title);
    }
    svg_end(&g);
}

static void put_rail(const struct page *p, const char *rail)
{
    const struct power_session *s = p->s;
    double low = INFINITY, high = -INFINITY, until = 0;
    char label[120];
    struct svg g;
    for (size_t i = 0; i < s->samples; i++) {
        const struct power_sample *x = &s->sample[i];
        if (strcmp(x->rail.name, rail) != 0)
            continue;
        until = fmax(until, x->end_s);
        if (x->rail.reason[0])
            continue;
        low = fmin(low, 1e3 * x->rail.watt);
        high = fmax(high, 1e3 * x->rail.watt);
    }
    if (!(low <= high))
        return;
    snprintf(label, sizeof label, "%s in mW (%s)", rail, p->origin);
    svg_begin(&g, p->out, 900, 190, 0, until, low, high, "seconds of the session", label);
    svg_x_ticks(&g);
    svg_y_ticks(&g);
    for (size_t i = 0; i < s->marks; i++) {
        const struct power_mark *m = &s->mark[i];
        double end_s = isfinite(m->end_s) ? m->end_s : s->seconds;
        if (m->kind == POWER_WINDOW)
            svg_band(&g, m->begin_s, end_s);
        if (m->kind == POWER_SWAP)
            svg_dash(&g, m->begin_s, g.y_low, m->begin_s, g.y_high);
    }
    for (size_t i = 0; i < s->samples; i++) {
        const struct power_sample *x = &s->sample[i];
        if (strcmp(x->rail.name, rail) != 0 || x->rail.reason[0])
            continue;
        svg_line(&g, x->begin_s, 1e3 * x->rail.watt, x->end_s, 1e3 * x->rail.watt,
                 x->mark >= 0 ? s->mark[x->mark].variant : 6);
    }
    svg_end(&g);
}

static void put_time(const struct page *p)
{
    const struct power_session *s = p->s;
    fputs("<h2>Power against time</h2>\n<p>Each line is the mean over one reading of the monitor's "
          "accumulators, in the colour of its variant. Grey: measured windows; dashed: swaps. One "
          "clock, the daemon's.</p>\n",
          p->out);
    for (size_t i = 0; i < s->samples; i++) {
        if (s->sample[i].seq != s->sample[0].seq)
            break;
        html_put(p->out, "<h3>", s->sample[i].rail.name, "</h3>\n");
        put_rail(p, s->sample[i].rail.name);
    }
}

static void put_windows(const struct page *p)
{
    const struct power_session *s = p->s;
    fputs("<h2>Windows</h2>\n<table><tr><th>variant<th>window<th>begin s<th>end s<th>inferences"
          "<th>board s<th>samples<th>uJ<th>&plusmn;<th>above idle uJ<th>&plusmn;<th>mW<th>origin"
          "<th></tr>\n",
          p->out);
    for (size_t i = 0; i < s->windows; i++) {
        const struct power_window *w = &s->window[i];
        html_put(p->out, "<tr><td>", s->variant[w->variant].name, "</td>");
        if (w->index < 0)
            fputs("<td>warm-up</td>", p->out);
        else
            html_number(p->out, w->index + 1, "count");
        html_number(p->out, w->begin_s, "");
        html_number(p->out, w->end_s, "");
        html_number(p->out, (double)w->runs, "count");
        html_number(p->out, w->window_s, "");
        html_number(p->out, w->samples, "count");
        html_number(p->out, 1e6 * w->joule, "");
        html_number(p->out, 1e6 * w->joule_uncertainty, "");
        html_number(p->out, 1e6 * w->above, "");
        html_number(p->out, 1e6 * w->above_uncertainty, "");
        html_number(p->out, 1e3 * w->watt, "");
        html_put(p->out, "<td>", p->origin, "</td>");
        html_put(p->out, "<td class=flag>", w->flag, "</td></tr>\n");
    }
    fputs("</table>\n<p>Flagged windows and the warm-up do not count.</p>\n", p->out);
}

static void put_idle_rows(const struct page *p, const struct power_variant *v, const char *when,
                          const struct power_idle *idle)
{
    for (uint32_t r = 0; r < idle->rails; r++) {
        html_put(p->out, "<tr><td>", v->name, "</td>");
        html_put(p->out, "<td>", when, "</td>");
        html_put(p->out, "<td>", idle->rail[r].name, "</td>");
        bool good = !idle->rail[r].reason[0];
        html_number(p->out, good ? 1e3 * idle->rail[r].watt : NAN, "");
        html_number(p->out, good ? 1e3 * idle->rail[r].uncertainty_watt : NAN, "");
        html_number(p->out, idle->seconds, "");
        html_number(p->out, idle->rail[r].count, "count");
        html_put(p->out, "<td>", p->origin, "</td>");
        html_put(p->out, "<td class=flag>", idle->rail[r].reason, "</td></tr>\n");
    }
}

static void put_idle(const struct page *p)
{
    const struct power_session *s = p->s;
    fputs("<h2>Idle</h2>\n<table><tr><th>variant<th>when<th>rail<th>mW<th>&plusmn;<th>window s"
          "<th>samples<th>origin<th></tr>\n",
          p->out);
    for (int v = 0; v < s->measured; v++) {
        put_idle_rows(p, &s->variant[v], "before", &s->variant[v].before);
        put_idle_rows(p, &s->variant[v], "after", &s->variant[v].after);
    }
    fputs("</table>\n", p->out);
    for (int v = 0; v < s->measured; v++)
        if (s->variant[v].drift.known) {
            html_put(p->out, "<p>", s->variant[v].name, ": ");
            fprintf(p->out, "idle power drifted by %+.3f %% (%s).</p>\n",
                    100 * s->variant[v].drift.share, p->origin);
        }
}

static void put_effect(const struct page *p, const char *what, const struct power_effect *e)
{
    html_put(p->out, "<tr><td>", what, "</td>");
    html_number(p->out, 1e6 * e->latency_s[1], "");
    html_number(p->out, 1e6 * e->latency_s[0], "");
    html_number(p->out, e->estimate_pct, "");
    html_number(p->out, e->interval.low, "");
    html_number(p->out, e->interval.high, "");
    html_number(p->out, e->bootstrap.low, "");
    html_number(p->out, e->bootstrap.high, "");
    html_put(p->out, "<td>", p->origin, "</td></tr>\n");
}

static void put_perturbation(const struct page *p)
{
    const struct power_perturbation *x = &p->s->perturbation;
    fputs("<h2>What measuring costs</h2>\n", p->out);
    if (!x->blocks) {
        fputs("<p>Not measured in this session.</p>\n", p->out);
        return;
    }
    fputs("<table><tr><th>host latency<th>read us<th>not read us<th>difference %<th>low<th>high"
          "<th>bootstrap low<th>high<th>origin</tr>\n",
          p->out);
    put_effect(p, "mean", &x->mean);
    put_effect(p, "median", &x->p50);
    fprintf(p->out,
            "</table>\n<p>Blocks of off, on, on, off or the reverse: %d of four segments; %llu "
            "inferences one by one; intervals at %g %%; ",
            x->blocks, (unsigned long long)(x->inferences[0] + x->inferences[1]),
            100 * p->s->plan.confidence);
    html_put(p->out, "", x->variant,
             ". The fabric's own time is counted in clocks and does not change.</p>\n");
}

bool power_write_html(const struct power_session *s, FILE *out)
{
    struct page p = {out, s, sc_origin_name(power_origin(s))};
    put_head(&p);
    put_medians(&p);
    put_median_plot(&p, "energy of an inference", offsetof(struct power_variant, joule), 1e6, "uJ");
    put_median_plot(&p, "energy above idle", offsetof(struct power_variant, above), 1e6, "uJ");
    put_time(&p);
    put_windows(&p);
    put_idle(&p);
    put_perturbation(&p);
    fputs("<p>Method: docs/measuring.md of sevencast.</p></html>\n", out);
    return !ferror(out);
}
