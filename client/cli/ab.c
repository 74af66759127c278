// SPDX-License-Identifier: Apache-2.0
// sevencast ab: compares variants in an experiment that the daemon runs.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/cli/ab.h"

static uint32_t timeout_of(const struct cli *cli)
{
    return (uint32_t)cli->options.timeout_ms;
}

double ab_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

const char *ab_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

json_t *ab_row_json(const struct sc_experiment *x)
{
    json_t *variants = json_array();
    for (uint32_t i = 0; i < x->variants; i++)
        json_array_append_new(variants, json_string(x->variant[i]));
    return json_pack(
        "{s:s,s:s,s:s,s:s,s:s,s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:f}", "id", x->id, "name", x->name,
        "board", x->board, "state", x->state, "reason", x->reason, "variants", variants, "received",
        (json_int_t)x->received, "windows", (json_int_t)x->windows, "blocks", (json_int_t)x->blocks,
        "budget_blocks", (json_int_t)x->budget_blocks, "steps", (json_int_t)x->steps, "decided",
        (json_int_t)x->decided, "comparisons", (json_int_t)x->comparisons, "seconds", x->seconds);
}

static int print_row(const struct cli *cli, const struct sc_experiment *x)
{
    if (cli->options.json)
        return cli_print_json(ab_row_json(x));
    printf("%s%s%s%s: %s%s%s, %u of at most %u blocks, %u of %u comparisons decided, %.1f s\n",
           x->id, x->name[0] ? " (" : "", x->name, x->name[0] ? ")" : "", x->state,
           x->reason[0] ? ": " : "", x->reason, x->blocks, x->budget_blocks, x->decided,
           x->comparisons, x->seconds);
    return EXIT_OK;
}

static enum colour colour_of(const char *state)
{
    return strcmp(state, "DONE") == 0     ? COLOUR_GOOD
           : strcmp(state, "FAILED") == 0 ? COLOUR_BAD
                                          : COLOUR_NONE;
}

static int list(const struct cli *cli)
{
    static const struct table_column columns[] = {
        {"id", false},       {"label", false},  {"state", false},
        {"variants", false}, {"board", false},  {"blocks", true},
        {"decided", true},   {"seconds", true}, {"reason", false}};
    const struct sc_experiments *e;
    int code = sc_experiments(cli->client, timeout_of(cli), &e);
    if (code)
        return cli_fail(cli, code);
    struct table *t = cli->options.json ? NULL : table_new(columns, 9);
    for (uint32_t i = 0; i < e->count && !code; i++) {
        const struct sc_experiment *x = &e->experiments[i];
        char variants[256] = "";
        if (cli->options.json) {
            code = cli_print_json(ab_row_json(x));
            continue;
        }
        for (uint32_t k = 0; k < x->variants; k++) {
            size_t n = strlen(variants);
            snprintf(variants + n, sizeof variants - n, "%s%s", k ? " " : "", x->variant[k]);
        }
        table_cell(t, COLOUR_NONE, "%s", x->id);
        table_cell(t, COLOUR_NONE, "%s", x->name[0] ? x->name : "-");
        table_cell(t, colour_of(x->state), "%s", x->state);
        table_cell(t, COLOUR_NONE, "%s", variants);
        table_cell(t, COLOUR_NONE, "%s", x->board);
        table_cell(t, COLOUR_NONE, "%u/%u", x->blocks, x->budget_blocks);
        table_cell(t, COLOUR_NONE, "%u/%u", x->decided, x->comparisons);
        table_cell(t, COLOUR_NONE, "%.1f", x->seconds);
        table_cell(t, COLOUR_NONE, "%s", x->reason);
    }
    sc_free(e);
    return cli->options.json ? code : table_print(t, cli->colour);
}

static int cancel(const struct cli *cli)
{
    const struct sc_experiment *x;
    int code = sc_experiment_cancel(cli->client, cli->options.cancel, timeout_of(cli), &x);
    if (code)
        return cli_fail(cli, code);
    code = print_row(cli, x);
    sc_free(x);
    return code;
}

static json_t *steps_json(const struct sc_experiment_result *r)
{
    json_t *steps = json_array();
    for (uint32_t i = 0; i < r->steps; i++) {
        json_t *row = json_array();
        for (int k = 0; k < SC_STEP_COLUMNS; k++)
            json_array_append_new(row,
                                  isfinite(r->step[i][k]) ? json_real(r->step[i][k]) : json_null());
        json_array_append_new(steps, row);
    }
    return steps;
}

// Prints what there is; the exit code tells of an experiment that failed.
static int show_result(const struct cli *cli, const char *id)
{
    const struct sc_experiment_result *r;
    int code = sc_experiment_result(cli->client, id, timeout_of(cli), &r);
    if (code)
        return cli_fail(cli, code);
    struct ab_result a = {r, json_loads(r->report, 0, NULL)};
    if (!json_is_object(a.report))
        code = cli_refuse(cli, EXIT_OTHER, "PROTOCOL", "the report of %s is no object", id);
    else if (cli->options.json)
        code = cli_print_json(json_pack("{s:o,s:O,s:o}", "experiment", ab_row_json(&r->experiment),
                                        "report", a.report, "steps", steps_json(r)));
    else
        code = ab_print(cli, &a);
    if (!code && cli->options.html)
        code = ab_write_html(cli, &a, cli->options.html);
    if (!code && strcmp(r->experiment.state, "FAILED") == 0)
        code = EXIT_NOT_READY;
    json_decref(a.report);
    sc_free(r);
    return code;
}

static bool running(const struct sc_experiment *x)
{
    return strcmp(x->state, "RECEIVING") == 0 || strcmp(x->state, "QUEUED") == 0 ||
           strcmp(x->state, "RUNNING") == 0;
}

static void show_progress(const struct sc_experiment *x, bool terminal)
{
    if (!terminal)
        return;
    fprintf(stderr, "\r\033[K%s %s%s%s  block %u of %u  %u of %u decided  %.0f s", x->id, x->state,
            x->reason[0] ? ": " : "", x->reason, x->blocks, x->budget_blocks, x->decided,
            x->comparisons, x->seconds);
}

// Follows an experiment to its end. A daemon that is away is waited for: the experiment goes on
// when it is back.
static int watch(const struct cli *cli, const char *id)
{
    const struct timespec pause = {cli->options.interval_ms / 1000,
                                   cli->options.interval_ms % 1000 * 1000000};
    bool terminal = isatty(STDERR_FILENO), away = false;
    for (;;) {
        const struct sc_experiment *x;
        int code = sc_experiment_status(cli->client, id, timeout_of(cli), &x);
        if (code == SC_UNREACHABLE || code == SC_LOST || code == SC_TIMEOUT) {
            if (!away)
                cli_message("%s%s; waiting for the daemon", terminal ? "\r\033[K" : "",
                            sc_error_text(cli->client));
            away = true;
        } else if (code) {
            return cli_fail(cli, code);
        } else {
            bool more = running(x);
            away = false;
            show_progress(x, terminal);
            sc_free(x);
            if (!more)
                break;
        }
        nanosleep(&pause, NULL);
    }
    if (terminal)
        fputs("\r\033[K", stderr);
    return show_result(cli, id);
}

// An experiment that ended before it measured has a state and a reason, but no result.
static int watch_to_end(const struct cli *cli, const char *id)
{
    int code = watch(cli, id);
    const struct sc_experiment *x;
    if (code == EXIT_OK || sc_experiment_status(cli->client, id, timeout_of(cli), &x))
        return code;
    if (x->reason[0])
        cli_message("%s: %s", x->state, x->reason);
    sc_free(x);
    return code;
}

static int start(const struct cli *cli)
{
    struct ab_plan p;
    const struct sc_experiment *x = NULL;
    char id[SC_NAME_BYTES];
    int code = ab_plan_make(cli, &p);
    if (!code) {
        code = sc_experiment_start(cli->client, &p.plan, &p.labelled, timeout_of(cli), &x);
        code = code ? cli_fail(cli, code) : EXIT_OK;
    }
    if (!code)
        cli_message("experiment %s: %u of %d labelled windows; it runs in the daemon, so this "
                    "command may end (sevencast ab --watch %s)",
                    x->id, p.labelled.windows, p.available, x->id);
    ab_plan_free(&p);
    if (code)
        return code;
    snprintf(id, sizeof id, "%s", x->id);
    if (cli->options.detach)
        code = print_row(cli, x);
    sc_free(x);
    return cli->options.detach ? code : watch_to_end(cli, id);
}

int command_ab(const struct cli *cli)
{
    const struct options *o = &cli->options;
    if (o->list)
        return list(cli);
    if (o->cancel)
        return cancel(cli);
    if (o->result)
        return show_result(cli, o->result);
    if (o->watch)
        return watch_to_end(cli, o->watch);
    return start(cli);
}
