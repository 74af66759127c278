// SPDX-License-Identifier: Apache-2.0
// sevencast infer: slides windows over a CSV file.
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/cli/cli.h"
#include "client/cli/report.h"
#include "client/cli/series.h"

enum { COUNT = 20, COUNT_BURSTS = 1, RETRIES = 10 };

struct pending {
    uint64_t ticket;
    int row;
};

struct run {
    const struct cli *cli;
    const char *model;
    struct series series;
    struct report report;
    struct pending pending[SC_MAX_IN_FLIGHT]; // ring, oldest first
    int first, in_flight;
    int64_t next_row, end_row, left; // left: windows still to be sent
};

// The only variant that serves. Otherwise an exit code, with a message.
static int only_variant(const struct cli *cli, char out[SC_NAME_BYTES])
{
    const struct sc_status *s;
    int code = sc_status(cli->client, (uint32_t)cli->options.timeout_ms, &s);
    out[0] = '\0';
    if (code)
        return cli_fail(cli, code);
    code = EXIT_OK;
    for (uint32_t i = 0; i < s->count && !code; i++) {
        if (strcmp(s->boards[i].state, "READY") != 0 || !s->boards[i].variant[0] ||
            strcmp(s->boards[i].variant, out) == 0)
            continue;
        if (out[0]) {
            code = cli_refuse(cli, EXIT_USAGE, "ARGUMENT",
                              "boards serve %s and %s: name one with --model", out,
                              s->boards[i].variant);
        }
        memcpy(out, s->boards[i].variant, SC_NAME_BYTES);
    }
    if (!out[0]) {
        code = cli_refuse(cli, EXIT_NOT_READY, "NOT_READY",
                          "no board serves a variant: swap one in, or name it with --model");
    }
    sc_free(s);
    return code;
}

// What to ask for and how it looks: model is for the requests, *m belongs to the caller.
static int find_model(const struct cli *cli, char model[SC_NAME_BYTES],
                      const struct sc_metadata **m)
{
    const char *asked = cli->options.model;
    int code = EXIT_OK;
    if (asked)
        snprintf(model, SC_NAME_BYTES, "%s", asked);
    else
        code = only_variant(cli, model);
    if (code)
        return code;
    code = sc_metadata(cli->client, model, (uint32_t)cli->options.timeout_ms, m);
    if (code)
        return cli_fail(cli, code);
    if (!asked || cli->options.follow_swap)
        memcpy(model, (*m)->task, SC_NAME_BYTES);
    return EXIT_OK;
}

static int set_range(struct run *r)
{
    const struct options *o = &r->cli->options;
    int64_t rows = r->series.table->rows;
    r->next_row = o->start < 0 ? rows + o->start : o->start;
    r->end_row = rows - r->series.window; // of the last window
    int64_t usual = o->repeat || o->burst ? COUNT_BURSTS : COUNT;
    r->left = o->count < 0 ? usual : o->count > 0 ? o->count : INT64_MAX;
    if (r->next_row >= 0 && r->next_row <= r->end_row)
        return EXIT_OK;
    return cli_refuse(r->cli, EXIT_DATA, "DATA",
                      "--start %" PRId64 ": %s has %" PRId64 " rows, a window takes %d", o->start,
                      o->data, rows, r->series.window);
}

static int submit(struct run *r, struct pending *p)
{
    double window[SC_MAX_WINDOW * SC_MAX_FEATURES];
    const struct options *o = &r->cli->options;
    series_window(&r->series, p->row, window);
    if (o->repeat || o->burst)
        return sc_submit_burst(r->cli->client, r->model, window, (size_t)r->series.window,
                               (size_t)r->series.features, (uint32_t)o->repeat, burst_seconds(o),
                               (uint32_t)o->timeout_ms, &p->ticket);
    return sc_submit(r->cli->client, r->model, window, (size_t)r->series.window,
                     (size_t)r->series.features, (uint32_t)r->cli->options.timeout_ms, &p->ticket);
}

// Sends windows until enough are in flight.
static int fill(struct run *r)
{
    double window[SC_MAX_WINDOW * SC_MAX_FEATURES];
    const struct options *o = &r->cli->options;
    int64_t most = o->repeat || o->burst ? 1 : o->in_flight; // a burst has the board for itself
    while (r->in_flight < most && r->left > 0 && r->next_row <= r->end_row) {
        struct pending *p = &r->pending[(r->first + r->in_flight) % SC_MAX_IN_FLIGHT];
        p->row = (int)r->next_row;
        r->next_row += r->cli->options.stride;
        r->left--;
        if (!series_window(&r->series, p->row, window)) {
            r->report.skipped++;
            continue;
        }
        int code = submit(r, p);
        if (code)
            return code;
        r->in_flight++;
    }
    return SC_OK;
}

// Takes the oldest answer. A swap may make it stale, then it is asked for again.
static int collect(struct run *r, const struct sc_forecast **f)
{
    struct pending *p = &r->pending[r->first];
    int code = sc_collect(r->cli->client, &p->ticket, -1, f);
    for (int i = 0; code == SC_STALE && r->cli->options.follow_swap && i < RETRIES; i++) {
        code = submit(r, p);
        if (!code)
            code = sc_collect(r->cli->client, &p->ticket, -1, f);
    }
    r->first = (r->first + 1) % SC_MAX_IN_FLIGHT;
    r->in_flight--;
    return code;
}

static int forecast_all(struct run *r)
{
    for (;;) {
        const struct sc_forecast *f;
        int row, code = fill(r);
        if (code)
            return cli_fail(r->cli, code);
        if (!r->in_flight)
            return EXIT_OK;
        row = r->pending[r->first].row;
        code = collect(r, &f);
        if (code)
            return cli_fail(r->cli, code);
        code = report_window(&r->report, row, f);
        sc_free(f);
        if (code)
            return code;
    }
}

int command_infer(const struct cli *cli)
{
    char why[SC_TEXT_BYTES], model[SC_NAME_BYTES];
    const struct sc_metadata *m = NULL;
    struct run r = {.cli = cli, .model = model};
    int code = find_model(cli, model, &m);
    if (code)
        goto out;
    if (!series_open(&r.series, m, cli->options.data, cli->options.columns, cli->options.time, why,
                     sizeof why)) {
        code = cli_refuse(cli, EXIT_DATA, "DATA", "%s", why);
        goto out;
    }
    code = set_range(&r);
    if (code)
        goto out;
    report_begin(&r.report, cli, m, &r.series);
    code = forecast_all(&r);
    int ended = report_end(&r.report);
    code = code ? code : ended;
out:
    series_close(&r.series);
    sc_free(m);
    return code;
}
