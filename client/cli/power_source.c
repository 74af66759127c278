// SPDX-License-Identifier: Apache-2.0
// What a session asks, put to a daemon. Every wait looks for a signal and takes the monitor's
// windows meanwhile, so that none is lost to the daemon's log being finite.
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/cli/power.h"
#include "client/cli/series.h"

#define POLL_S 0.5

enum { BURST_TIMEOUT_MS = 600000, STEP_MS = 50, PAUSE_MS = 30000 };

static double monotonic_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint32_t timeout_of(const struct power_daemon *d)
{
    return (uint32_t)d->cli->options.timeout_ms;
}

static double now(void *arg)
{
    const struct power_daemon *d = arg;
    return monotonic_s() + d->offset_s - d->zero_s;
}

static const char *error(void *arg)
{
    const struct power_daemon *d = arg;
    return sc_error_text(d->cli->client);
}

static int samples(void *arg, struct power_session *s)
{
    struct power_daemon *d = arg;
    const struct sc_power_log *log;
    uint32_t n;
    do {
        int code = sc_power_log(d->cli->client, s->board.name, d->after, -1, timeout_of(d), &log);
        if (code)
            return code;
        for (uint32_t i = 0; i < log->count; i++)
            if (log->rows[i].begin_s >= d->zero_s)
                power_take(s, &log->rows[i], d->zero_s, d->sink);
        n = log->count;
        if (n)
            d->after = log->rows[n - 1].seq;
        sc_free(log);
    } while (n);
    d->sink->live(d->sink->arg, s);
    return s->memory_short ? SC_NO_MEMORY : SC_OK;
}

static void step(void)
{
    const struct timespec pause = {0, STEP_MS * 1000000};
    nanosleep(&pause, NULL);
}

static int idle(void *arg, double seconds)
{
    struct power_daemon *d = arg;
    double until = now(d) + seconds, next = now(d) + POLL_S;
    while (now(d) < until) {
        if (*d->stop)
            return SC_CANCELED;
        step();
        if (now(d) < next)
            continue;
        next = now(d) + POLL_S;
        int code = samples(d, d->into);
        if (code)
            return code;
    }
    return SC_OK;
}

static int swap(void *arg, const char *variant, char hash[SC_HASH_BYTES], double *seconds)
{
    struct power_daemon *d = arg;
    const struct sc_swap *swapped;
    if (*d->stop)
        return SC_CANCELED;
    int code = sc_load(d->cli->client, variant, d->into->board.name, timeout_of(d), &swapped);
    if (code)
        return code;
    memcpy(hash, swapped->hash, SC_HASH_BYTES);
    *seconds = swapped->total_s;
    sc_free(swapped);
    return samples(d, d->into);
}

static int read_meter(void *arg, bool on)
{
    struct power_daemon *d = arg;
    const struct sc_power_log *log;
    // A pause that ends by itself, should this process end first; a segment is shorter.
    int code = sc_power_log(d->cli->client, d->into->board.name, UINT32_MAX, on ? 0 : PAUSE_MS,
                            timeout_of(d), &log);
    if (!code)
        sc_free(log);
    return code;
}

static int latency(void *arg, const char *variant, double *seconds)
{
    struct power_daemon *d = arg;
    const struct sc_forecast *f;
    if (*d->stop)
        return SC_CANCELED;
    int code =
        sc_infer(d->cli->client, variant, d->window, d->steps, d->features, timeout_of(d), &f);
    if (code)
        return code;
    *seconds = (double)f->round_trip_ns / 1e9;
    sc_free(f);
    return SC_OK;
}

// Power of the rails that the energy is of.
static void sum_rails(struct power_window *w)
{
    w->watt = w->watt_uncertainty = 0;
    for (uint32_t i = 0; i < w->rails; i++) {
        const struct sc_rail *r = &w->rail[i];
        if (w->of[0] && strcmp(w->of, r->name) != 0)
            continue;
        w->watt += r->reason[0] ? NAN : r->watt;
        w->watt_uncertainty += r->uncertainty_watt;
    }
}

// board: the session's; another one that runs the variant may have taken the burst.
static void take_burst(struct power_window *w, const struct sc_forecast *f, const char *board)
{
    const struct sc_energy *e = &f->energy;
    w->runs = f->burst.runs;
    w->cycles = w->inference_s = w->window_s = w->watt = w->joule = w->above = NAN;
    w->watt_uncertainty = w->joule_uncertainty = w->above_uncertainty = NAN;
    snprintf(w->flag, sizeof w->flag, "%s", e->reason);
    if (!f->burst.runs) {
        snprintf(w->flag, sizeof w->flag, "the daemon ran no burst");
        return;
    }
    if (strcmp(f->board, board) != 0) {
        snprintf(w->flag, sizeof w->flag, "board %s computed it", f->board);
        return;
    }
    w->cycles = (double)f->burst.cycles / f->burst.runs;
    w->inference_s = f->burst.seconds / f->burst.runs;
    w->rails = e->rails;
    for (uint32_t i = 0; i < e->rails; i++) {
        struct sc_rail *r = &w->rail[i];
        memcpy(r->name, e->rail[i].name, sizeof r->name);
        memcpy(r->reason, e->rail[i].reason, sizeof r->reason);
        r->watt = e->rail[i].watt;
        r->uncertainty_watt = e->rail[i].uncertainty_watt;
        r->count = e->rail[i].count;
        if (r->count > w->samples)
            w->samples = r->count;
    }
    if (e->rails)
        w->window_s = e->window_s;
    if (w->flag[0])
        return;
    memcpy(w->of, e->of, sizeof w->of);
    sum_rails(w);
    w->joule = e->total.value;
    w->joule_uncertainty = e->total.uncertainty;
    if (e->has_idle) {
        w->above = e->above_idle.value;
        w->above_uncertainty = e->above_idle.uncertainty;
    }
}

static int burst(void *arg, const char *variant, double seconds, struct power_window *out)
{
    struct power_daemon *d = arg;
    const struct sc_forecast *f;
    uint64_t ticket;
    uint32_t timeout_ms = timeout_of(d) ? timeout_of(d) : BURST_TIMEOUT_MS;
    double next = now(d) + POLL_S;
    if (*d->stop)
        return SC_CANCELED;
    int code = sc_submit_burst(d->cli->client, variant, d->window, d->steps, d->features, 0,
                               seconds, timeout_ms, &ticket);
    if (code)
        return code;
    while ((code = sc_collect(d->cli->client, &ticket, STEP_MS, &f)) == SC_PENDING) {
        if (*d->stop) {
            sc_cancel(d->cli->client, ticket);
            return SC_CANCELED;
        }
        if (now(d) < next)
            continue;
        next = now(d) + POLL_S;
        code = samples(d, d->into);
        if (code)
            return code;
    }
    if (code)
        return code;
    take_burst(out, f, d->into->board.name);
    sc_free(f);
    return SC_OK;
}

// The board: the one named, or the only one with a power monitor.
static int find_board(struct power_daemon *d, struct power_session *s)
{
    const struct sc_status *status;
    const char *asked = d->cli->options.board;
    int code = sc_status(d->cli->client, timeout_of(d), &status), found = 0;
    if (code)
        return cli_fail(d->cli, code);
    snprintf(s->daemon, sizeof s->daemon, "%s", status->version);
    for (uint32_t i = 0; i < status->count; i++) {
        const struct sc_board *b = &status->boards[i];
        if (asked ? strcmp(b->name, asked) != 0 : strcmp(b->power.reason, "no power monitor") == 0)
            continue;
        s->board = *b;
        found++;
    }
    sc_free(status);
    if (asked && !found)
        return cli_refuse(d->cli, EXIT_REFUSED, "UNKNOWN_MODEL", "no board is called %s", asked);
    if (found > 1)
        return cli_refuse(d->cli, EXIT_USAGE, "ARGUMENT",
                          "%d boards have a power monitor: name one with --board", found);
    if (!found || strcmp(s->board.power.reason, "no power monitor") == 0)
        return cli_refuse(
            d->cli, EXIT_NOT_READY, "NOT_READY",
            "%s%s has %s power monitor: give it meter, meter_serial and rails in sevencastd.conf. "
            "A virtual board has one: meter = pac1934, meter_serial = VB0001P, rails = "
            "FPGA_1V0:0.82, FPGA_1V8:0.82, FPGA_IO:0.82, BOARD:0.82 (see docs/measuring.md)",
            found ? "board " : "no board", found ? s->board.name : "", found ? "no" : "a");
    return EXIT_OK;
}

// What is computed: the first whole window of the file, or values spread over the usual range.
static int find_window(struct power_daemon *d, const struct power_session *s)
{
    const struct sc_metadata *m;
    char why[SC_TEXT_BYTES];
    struct series series;
    int code = sc_metadata(d->cli->client, s->plan.variant[0], timeout_of(d), &m);
    if (code)
        return cli_fail(d->cli, code);
    d->steps = m->window;
    d->features = m->features;
    d->window = calloc((size_t)m->window * m->features, sizeof *d->window);
    for (uint32_t i = 0; d->window && i < m->window * m->features; i++)
        d->window[i] = m->feature[i % m->features].offset +
                       m->feature[i % m->features].scale * ((int)(i * 7 % 11) - 5) / 5.0;
    if (!d->window) {
        code = cli_refuse(d->cli, EXIT_OTHER, "NO_MEMORY", "out of memory");
    } else if (s->plan.data[0]) {
        if (series_open(&series, m, s->plan.data, d->cli->options.columns, NULL, why, sizeof why)) {
            int row = 0, last = (int)series.table->rows - series.window;
            while (row <= last && !series_window(&series, row, d->window))
                row++;
            if (row > last)
                code = cli_refuse(d->cli, EXIT_DATA, "DATA", "%s: no window without a gap",
                                  s->plan.data);
            series_close(&series);
        } else {
            code = cli_refuse(d->cli, EXIT_DATA, "DATA", "%s", why);
        }
    }
    sc_free(m);
    return code;
}

// The session begins when its clock does: windows of the monitor from before are not its own.
static int set_clock(struct power_daemon *d, const struct power_session *s)
{
    const struct sc_power_log *log;
    double before = monotonic_s();
    int code = sc_power_log(d->cli->client, s->board.name, UINT32_MAX, 0, timeout_of(d), &log);
    if (code)
        return cli_fail(d->cli, code);
    d->zero_s = log->now_s;
    d->offset_s = log->now_s - (before + monotonic_s()) / 2;
    sc_free(log);
    return EXIT_OK;
}

int power_source_open(struct power_daemon *d, const struct cli *cli, struct power_session *s,
                      struct power_sink *sink, const volatile sig_atomic_t *stop,
                      struct power_source *out)
{
    *d = (struct power_daemon){.cli = cli, .into = s, .sink = sink, .stop = stop};
    *out = (struct power_source){d, now, swap, burst, latency, read_meter, idle, samples, error};
    int code = find_board(d, s);
    if (!code)
        code = find_window(d, s);
    return code ? code : set_clock(d, s);
}

void power_source_close(struct power_daemon *d)
{
    free(d->window);
    d->window = NULL;
}
