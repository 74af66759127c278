// SPDX-License-Identifier: Apache-2.0
// What a session shows: a line for each thing that is measured, below it on a terminal what goes on
// now, and a table at the end. While it runs everything goes to stderr.
#include <math.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "client/cli/power.h"

enum { LINE_BYTES = 512 }; // of what goes on now

// Columns of the terminal; a line that is longer would wrap, and then not be written over.
static size_t columns(void)
{
    struct winsize w;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col ? w.ws_col : LINE_BYTES;
}

static void add(char line[LINE_BYTES], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add(char line[LINE_BYTES], const char *format, ...)
{
    size_t n = strlen(line);
    va_list args;
    va_start(args, format);
    vsnprintf(line + n, LINE_BYTES - n, format, args);
    va_end(args);
}

void power_show_live(const struct power_session *s, bool terminal)
{
    const struct power_mark *m = power_mark_now(s);
    char line[LINE_BYTES] = "";
    if (!terminal || !m)
        return;
    add(line, "%s %s", s->plan.variant[m->variant], power_kind_name(m->kind));
    if (m->kind == POWER_WINDOW)
        add(line, " %d of %d", m->index + 1, s->variant[m->variant].next_look);
    if (m->kind == POWER_LATENCY_ON || m->kind == POWER_LATENCY_OFF)
        add(line, " %d of %d", m->index + 1, 4 * s->plan.blocks);
    const struct power_median *j = &s->variant[m->variant].joule;
    if (j->n)
        add(line, "  median %.4g uJ (%d)", 1e6 * j->value, j->n);
    // The newest window of the monitor, rail by rail.
    size_t first = s->samples;
    while (first > 0 && s->sample[first - 1].seq == s->sample[s->samples - 1].seq)
        first--;
    for (size_t i = first; i < s->samples; i++) {
        const struct power_sample *p = &s->sample[i];
        if (p->rail.reason[0])
            add(line, "  %s -", p->rail.name);
        else
            add(line, "  %s %.1f mW", p->rail.name, 1e3 * p->rail.watt);
    }
    fprintf(stderr, "\r\033[K%.*s", (int)(columns() - 1), line);
    fflush(stderr);
}

static void show_window(const struct power_session *s, const struct power_window *w)
{
    const char *name = s->variant[w->variant].name, *origin = sc_origin_name(power_origin(s));
    if (w->index < 0)
        fprintf(stderr, "%s warm-up: ", name);
    else
        fprintf(stderr, "%s window %d: ", name, w->index + 1);
    if (w->flag[0])
        fprintf(stderr, "flagged: %s\n", w->flag);
    else
        fprintf(stderr,
                "%.5g uJ per inference, %.5g uJ above idle, %.4g mW; %llu inferences, %.3f s on "
                "the board, %u samples, origin %s\n",
                1e6 * w->joule, 1e6 * w->above, 1e3 * w->watt, (unsigned long long)w->runs,
                w->window_s, w->samples, origin);
}

void power_show_changed(const struct power_session *s, bool terminal, size_t *shown)
{
    if (terminal)
        fputs("\r\033[K", stderr);
    for (; *shown < s->windows; ++*shown)
        show_window(s, &s->window[*shown]);
    power_show_live(s, terminal);
}

static void cell(struct table *t, double value, const char *unit)
{
    if (isfinite(value))
        table_cell(t, COLOUR_NONE, "%.5g %s", value, unit);
    else
        table_cell(t, COLOUR_NONE, "-");
}

static void range(struct table *t, double low, double high)
{
    if (isfinite(low) && isfinite(high))
        table_cell(t, COLOUR_NONE, "%.5g..%.5g", low, high);
    else
        table_cell(t, COLOUR_NONE, "-");
}

static int print_table(const struct cli *cli, const struct power_session *s)
{
    static const struct table_column columns[] = {
        {"variant", false}, {"J/inference", true}, {"interval", true}, {"above idle", true},
        {"interval", true}, {"sensors", true},     {"power", true},    {"time", true},
        {"windows", true},  {"drift", true},       {"origin", false}};
    struct table *t = table_new(columns, sizeof columns / sizeof columns[0]);
    for (int i = 0; i < s->measured; i++) {
        const struct power_variant *v = &s->variant[i];
        table_cell(t, COLOUR_NONE, "%s", v->name);
        cell(t, 1e6 * v->joule.value, "uJ");
        range(t, 1e6 * v->joule.low, 1e6 * v->joule.high);
        cell(t, 1e6 * v->above.value, "uJ");
        range(t, 1e6 * v->above.low, 1e6 * v->above.high);
        cell(t, 1e6 * v->joule.uncertainty, "uJ");
        cell(t, 1e3 * v->watt.value, "mW");
        cell(t, 1e6 * v->inference_s.value, "us");
        table_cell(t, v->good < v->windows ? COLOUR_WARN : COLOUR_NONE, "%d/%d", v->good,
                   v->windows);
        if (v->drift.known)
            table_cell(t, COLOUR_NONE, "%+.2f %%", 100 * v->drift.share);
        else
            table_cell(t, COLOUR_NONE, "-");
        table_cell(t, COLOUR_NONE, "%s", sc_origin_name(power_origin(s)));
    }
    return table_print(t, cli->colour);
}

int power_print(const struct cli *cli, const struct power_session *s)
{
    const struct power_perturbation *p = &s->perturbation;
    if (cli->options.json)
        return cli_print_json(power_json(s));
    int code = print_table(cli, s);
    printf("medians of windows of %g s, intervals at %g %% from their scatter; sensors: their own "
           "uncertainty, the same in all\n",
           s->plan.seconds, 100 * s->plan.confidence);
    const struct power_effect *effects[] = {&p->mean, &p->p50};
    for (int i = 0; i < 2 && p->blocks; i++)
        printf(
            "reading the monitor changes the %s host latency by %+.3f %% (%+.3f..%+.3f %%, %g %%, "
            "%d blocks, %.4g us read, %.4g us not read, origin %s)\n",
            i ? "median" : "mean", effects[i]->estimate_pct, effects[i]->interval.low,
            effects[i]->interval.high, 100 * s->plan.confidence, p->blocks,
            1e6 * effects[i]->latency_s[1], 1e6 * effects[i]->latency_s[0],
            sc_origin_name(power_origin(s)));
    if (s->state != POWER_COMPLETE)
        printf("partial session: %s\n", s->reason);
    return code;
}
