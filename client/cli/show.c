// SPDX-License-Identifier: Apache-2.0
// Commands that look: status, boards, watch, variants, describe, statistics.
#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "client/cli/cli.h"

static uint32_t timeout_of(const struct cli *cli)
{
    return (uint32_t)cli->options.timeout_ms;
}

static const char *dash(const char *text)
{
    return text[0] ? text : "-";
}

static json_t *rail_json(const struct sc_rail *r)
{
    if (r->reason[0])
        return json_pack("{s:s,s:s}", "name", r->name, "reason", r->reason);
    return json_pack("{s:s,s:f,s:f,s:I}", "name", r->name, "watt", r->watt, "uncertainty_watt",
                     r->uncertainty_watt, "count", (json_int_t)r->count);
}

static json_t *power_json(const struct sc_power *p)
{
    if (!p->rails)
        return json_pack("{s:s}", "reason", p->reason);
    json_t *rails = json_array();
    for (uint32_t i = 0; i < p->rails; i++)
        json_array_append_new(rails, rail_json(&p->rail[i]));
    return json_pack("{s:s,s:f,s:o}", "origin", sc_origin_name(p->origin), "window_s", p->window_s,
                     "rails", rails);
}

static json_t *board_json(const struct sc_board *b)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:s,s:o}", "name", b->name,
                     "serial", b->serial, "part", b->part, "state", b->state, "variant", b->variant,
                     "hash", b->hash, "origin", sc_origin_name(b->origin), "clock_hz",
                     (json_int_t)b->clock_hz, "queue", (json_int_t)b->queue, "inferences",
                     (json_int_t)b->inferences, "swaps", (json_int_t)b->swaps, "restarts",
                     (json_int_t)b->restarts, "reason", b->reason, "power", power_json(&b->power));
}

static int print_status_json(const struct sc_status *s, bool whole)
{
    json_t *boards = json_array();
    for (uint32_t i = 0; i < s->count; i++)
        json_array_append_new(boards, board_json(&s->boards[i]));
    if (!whole)
        return cli_print_json(json_pack("{s:o}", "boards", boards));
    return cli_print_json(
        json_pack("{s:s,s:b,s:o}", "version", s->version, "ready", s->ready, "boards", boards));
}

static int print_status(const struct sc_status *s, bool colour)
{
    static const struct table_column columns[] = {
        {"board", false},     {"state", false}, {"variant", false},
        {"origin", false},    {"clock", true},  {"queue", true},
        {"inferences", true}, {"swaps", true},  {"reason", false},
    };
    printf("sevencastd %s, %s\n", s->version, s->ready ? "ready" : "not ready: no board serves");
    struct table *t = table_new(columns, sizeof columns / sizeof columns[0]);
    for (uint32_t i = 0; i < s->count; i++) {
        const struct sc_board *b = &s->boards[i];
        bool set = b->variant[0] != '\0';
        table_cell(t, COLOUR_NONE, "%s", b->name);
        table_cell(t, colour_of_state(b->state), "%s", b->state);
        table_cell(t, COLOUR_NONE, "%s", dash(b->variant));
        table_cell(t, COLOUR_NONE, "%s", set ? sc_origin_name(b->origin) : "-");
        table_cell(t, COLOUR_NONE, b->clock_hz ? "%g MHz" : "-", (double)b->clock_hz / 1e6);
        table_cell(t, COLOUR_NONE, "%" PRIu32, b->queue);
        table_cell(t, COLOUR_NONE, "%" PRIu64, b->inferences);
        table_cell(t, COLOUR_NONE, "%" PRIu64, b->swaps);
        table_cell(t, COLOUR_NONE, "%s", dash(b->reason));
    }
    return table_print(t, colour);
}

// "FPGA_1V0 24.1 mW, BOARD 283 mW (virtual)", or why there is none.
static void power_cell(struct table *t, const struct sc_power *p)
{
    char text[SC_RAILS * (SC_NAME_BYTES + 40)] = "", watt[24];
    size_t n = 0;
    bool gap = false;
    for (uint32_t i = 0; i < p->rails && n < sizeof text; i++) {
        const struct sc_rail *r = &p->rail[i];
        gap |= r->reason[0] != '\0';
        int k = snprintf(text + n, sizeof text - n, "%s%s %s", i ? ", " : "", r->name,
                         r->reason[0] ? "?" : format_si(watt, r->watt, "W"));
        n += k > 0 ? (size_t)k : 0;
    }
    if (!p->rails)
        table_cell(t, COLOUR_NONE, "%s", dash(p->reason));
    else
        table_cell(t, gap ? COLOUR_WARN : COLOUR_NONE, "%s (%s)", text, sc_origin_name(p->origin));
}

static int print_boards(const struct sc_status *s, bool colour)
{
    static const struct table_column columns[] = {
        {"board", false},   {"serial", false},  {"part", false},
        {"state", false},   {"variant", false}, {"hash", false},
        {"restarts", true}, {"power", false},   {"reason", false},
    };
    struct table *t = table_new(columns, sizeof columns / sizeof columns[0]);
    for (uint32_t i = 0; i < s->count; i++) {
        const struct sc_board *b = &s->boards[i];
        table_cell(t, COLOUR_NONE, "%s", b->name);
        table_cell(t, COLOUR_NONE, "%s", dash(b->serial));
        table_cell(t, COLOUR_NONE, "%s", dash(b->part));
        table_cell(t, colour_of_state(b->state), "%s", b->state);
        table_cell(t, COLOUR_NONE, "%s", dash(b->variant));
        table_cell(t, COLOUR_NONE, "%.12s", dash(b->hash));
        table_cell(t, COLOUR_NONE, "%" PRIu64, b->restarts);
        power_cell(t, &b->power);
        table_cell(t, COLOUR_NONE, "%s", dash(b->reason));
    }
    return table_print(t, colour);
}

int command_status(const struct cli *cli)
{
    const struct sc_status *s;
    bool boards = cli->options.command == COMMAND_BOARDS;
    int code = sc_status(cli->client, timeout_of(cli), &s);
    if (code)
        return cli_fail(cli, code);
    if (cli->options.json)
        code = print_status_json(s, !boards);
    else
        code = boards ? print_boards(s, cli->colour) : print_status(s, cli->colour);
    sc_free(s);
    return code;
}

int command_watch(const struct cli *cli)
{
    const struct timespec pause = {cli->options.interval_ms / 1000,
                                   cli->options.interval_ms % 1000 * 1000000};
    bool redraw = isatty(STDOUT_FILENO) && !cli->options.json;
    int code = EXIT_OK;
    // A daemon that is away may come back: what fails is shown, and the watch goes on.
    for (int64_t i = 0; cli->options.count <= 0 || i < cli->options.count; i++) {
        if (i)
            nanosleep(&pause, NULL);
        if (redraw)
            fputs("\033[H\033[J", stdout);
        code = command_status(cli);
        if (fflush(stdout) != 0)
            return EXIT_OTHER;
    }
    return code;
}

static json_t *names_json(const struct sc_names *names)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < names->count; i++)
        json_array_append_new(array, json_string(names->name[i]));
    return array;
}

static int print_variants_json(const struct sc_variants *v)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < v->count; i++) {
        const struct sc_variant *row = &v->variants[i];
        json_array_append_new(array,
                              json_pack("{s:s,s:s,s:s,s:s,s:s,s:o}", "name", row->name, "task",
                                        row->task, "hash", row->hash, "state", row->state, "reason",
                                        row->reason, "boards", names_json(&row->boards)));
    }
    return cli_print_json(json_pack("{s:o}", "variants", array));
}

int command_variants(const struct cli *cli)
{
    static const struct table_column columns[] = {
        {"variant", false}, {"task", false},  {"state", false},
        {"hash", false},    {"board", false}, {"reason", false},
    };
    const struct sc_variants *v;
    int code = sc_variants(cli->client, timeout_of(cli), &v);
    if (code)
        return cli_fail(cli, code);
    if (cli->options.json) {
        code = print_variants_json(v);
        sc_free(v);
        return code;
    }
    struct table *t = table_new(columns, sizeof columns / sizeof columns[0]);
    for (uint32_t i = 0; i < v->count; i++) {
        const struct sc_variant *row = &v->variants[i];
        const char *more = row->boards.count > 1 ? ", ..." : "";
        table_cell(t, COLOUR_NONE, "%s", row->name);
        table_cell(t, COLOUR_NONE, "%s", dash(row->task));
        table_cell(t, colour_of_state(row->state), "%s", row->state);
        table_cell(t, COLOUR_NONE, "%.12s", dash(row->hash));
        table_cell(t, COLOUR_NONE, "%s%s", dash(row->boards.name[0]), more);
        table_cell(t, COLOUR_NONE, "%s", dash(row->reason));
    }
    code = table_print(t, cli->colour);
    sc_free(v);
    return code;
}

static json_t *columns_json(const struct sc_column *c, uint32_t n)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < n; i++)
        json_array_append_new(array,
                              json_pack("{s:s,s:s,s:f,s:f}", "name", c[i].name, "unit", c[i].unit,
                                        "offset", c[i].offset, "scale", c[i].scale));
    return array;
}

// The physical values that the codes of one column can stand for.
static void add_column(struct table *t, const char *role, const struct sc_column *c, double scale,
                       uint32_t bits)
{
    double half = (double)(1u << (bits - 1));
    table_cell(t, COLOUR_NONE, "%s", role);
    table_cell(t, COLOUR_NONE, "%s", c->name);
    table_cell(t, COLOUR_NONE, "%s", dash(c->unit));
    table_cell(t, COLOUR_NONE, "%" PRIu32, bits);
    table_cell(t, COLOUR_NONE, "%.6g", scale * c->scale);
    table_cell(t, COLOUR_NONE, "%.6g", -half * scale * c->scale + c->offset);
    table_cell(t, COLOUR_NONE, "%.6g", (half - 1) * scale * c->scale + c->offset);
}

int command_describe(const struct cli *cli)
{
    static const struct table_column columns[] = {
        {"column", false},  {"name", false},  {"unit", false},   {"bits", true},
        {"one code", true}, {"lowest", true}, {"highest", true},
    };
    const struct sc_metadata *m;
    int code = sc_metadata(cli->client, cli->options.argument, timeout_of(cli), &m);
    if (code)
        return cli_fail(cli, code);
    if (cli->options.json) {
        code = cli_print_json(
            json_pack("{s:s,s:s,s:s,s:i,s:o,s:o,s:{s:i,s:f,s:i,s:f}}", "name", m->name, "task",
                      m->task, "hash", m->hash, "window", (int)m->window, "features",
                      columns_json(m->feature, m->features), "targets",
                      columns_json(m->target, m->outputs), "codes", "x_bits", (int)m->x_bits,
                      "x_scale", m->x_scale, "y_bits", (int)m->y_bits, "y_scale", m->y_scale));
        sc_free(m);
        return code;
    }
    printf("%s, task %s\nhash    %s\nwindow  %" PRIu32 " steps x %" PRIu32 " features\n\n", m->name,
           m->task, m->hash, m->window, m->features);
    struct table *t = table_new(columns, sizeof columns / sizeof columns[0]);
    for (uint32_t i = 0; i < m->features; i++)
        add_column(t, "feature", &m->feature[i], m->x_scale, m->x_bits);
    for (uint32_t i = 0; i < m->outputs; i++)
        add_column(t, "target", &m->target[i], m->y_scale, m->y_bits);
    code = table_print(t, cli->colour);
    sc_free(m);
    return code;
}

json_t *count_json(const struct sc_count *c)
{
    return json_pack("{s:I,s:I}", "count", (json_int_t)c->count, "ns", (json_int_t)c->ns);
}

static int print_statistics_json(const struct sc_statistics *s)
{
    json_t *array = json_array();
    for (uint32_t i = 0; i < s->count; i++) {
        const struct sc_model_statistics *m = &s->models[i];
        json_array_append_new(array,
                              json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:I}", "name", m->name,
                                        "hash", m->hash, "success", count_json(&m->success), "fail",
                                        count_json(&m->fail), "queue", count_json(&m->queue),
                                        "compute_input", count_json(&m->compute_input),
                                        "compute_infer", count_json(&m->compute_infer),
                                        "compute_output", count_json(&m->compute_output),
                                        "saturated_values", (json_int_t)m->saturated_values));
    }
    return cli_print_json(json_pack("{s:o}", "models", array));
}

static void mean_cell(struct table *t, const struct sc_count *c)
{
    char text[16];
    table_cell(t, COLOUR_NONE, "%s", c->count ? format_ns(text, c->ns / c->count) : "-");
}

int command_statistics(const struct cli *cli)
{
    static const struct table_column columns[] = {
        {"variant", false}, {"done", true}, {"failed", true},  {"mean", true},      {"queue", true},
        {"usb in", true},   {"fpga", true}, {"usb out", true}, {"saturated", true},
    };
    const struct sc_statistics *s;
    int code = sc_statistics(cli->client, cli->options.argument, timeout_of(cli), &s);
    if (code)
        return cli_fail(cli, code);
    if (cli->options.json) {
        code = print_statistics_json(s);
        sc_free(s);
        return code;
    }
    struct table *t = table_new(columns, sizeof columns / sizeof columns[0]);
    for (uint32_t i = 0; i < s->count; i++) {
        const struct sc_model_statistics *m = &s->models[i];
        table_cell(t, COLOUR_NONE, "%s", m->name);
        table_cell(t, COLOUR_NONE, "%" PRIu64, m->success.count);
        table_cell(t, m->fail.count ? COLOUR_WARN : COLOUR_NONE, "%" PRIu64, m->fail.count);
        mean_cell(t, &m->success);
        mean_cell(t, &m->queue);
        mean_cell(t, &m->compute_input);
        mean_cell(t, &m->compute_infer);
        mean_cell(t, &m->compute_output);
        table_cell(t, m->saturated_values ? COLOUR_WARN : COLOUR_NONE, "%" PRIu64,
                   m->saturated_values);
    }
    code = table_print(t, cli->colour);
    sc_free(s);
    return code;
}
