// SPDX-License-Identifier: Apache-2.0
// sevencast routes: names in front of variants, and what they counted.
#include <inttypes.h>
#include <stdio.h>

#include "client/cli/cli.h"

static json_t *energy_json(const struct sc_route_arm *a)
{
    if (!a->energy_count)
        return json_pack("{s:s,s:I}", "reason", a->no_energy, "bursts", (json_int_t)a->bursts);
    return json_pack("{s:I,s:I,s:I,s:f,s:f,s:s,s:s}", "bursts", (json_int_t)a->bursts, "count",
                     (json_int_t)a->energy_count, "runs", (json_int_t)a->energy_runs, "joule",
                     a->joule, "uncertainty_joule", a->uncertainty_joule, "origin",
                     a->energy_origin, "of", a->energy_of);
}

static int print_json(const struct sc_routes *r)
{
    json_t *routes = json_array();
    for (uint32_t i = 0; i < r->count; i++) {
        const struct sc_route *x = &r->routes[i];
        json_t *arms = json_array();
        for (uint32_t k = 0; k < x->arms; k++)
            json_array_append_new(
                arms,
                json_pack("{s:s,s:I,s:I,s:o,s:o,s:o}", "variant", x->arm[k].variant, "weight",
                          (json_int_t)x->arm[k].weight, "waiting", (json_int_t)x->arm[k].waiting,
                          "success", count_json(&x->arm[k].success), "fail",
                          count_json(&x->arm[k].fail), "energy", energy_json(&x->arm[k])));
        json_array_append_new(
            routes,
            json_pack("{s:s,s:b,s:b,s:I,s:I,s:o,s:s,s:{s:I,s:I,s:I,s:s,s:I,s:I,s:I,s:f,s:f}}",
                      "name", x->name, "sticky", x->sticky, "swap", x->swap, "dwell_ms",
                      (json_int_t)x->dwell_ms, "swaps", (json_int_t)x->swaps, "variants", arms,
                      "mirror", x->mirror, "mirrored", "count", (json_int_t)x->mirrored.count, "ns",
                      (json_int_t)x->mirrored.ns, "skipped", (json_int_t)x->skipped, "skip_reason",
                      x->skip_reason, "waiting", (json_int_t)x->mirror_waiting, "swaps",
                      (json_int_t)x->mirror_swaps, "different", (json_int_t)x->different,
                      "mean_difference", x->mean_difference, "max_difference", x->max_difference));
    }
    return cli_print_json(json_pack("{s:o}", "routes", routes));
}

static void arm_cells(struct table *t, const struct sc_route *r, const struct sc_route_arm *a)
{
    char text[16];
    uint32_t total = 0;
    for (uint32_t k = 0; k < r->arms; k++)
        total += r->arm[k].weight;
    table_cell(t, COLOUR_NONE, "%s", r->name);
    table_cell(t, COLOUR_NONE, "%s%s%s", r->sticky ? "sticky" : "", r->sticky && r->swap ? " " : "",
               r->swap ? "swap" : "");
    table_cell(t, COLOUR_NONE, "%s", a->variant);
    table_cell(t, COLOUR_NONE, "%.4g %%", 100.0 * a->weight / total);
    table_cell(t, COLOUR_NONE, "%" PRIu64, a->success.count);
    table_cell(t, a->fail.count ? COLOUR_WARN : COLOUR_NONE, "%" PRIu64, a->fail.count);
    table_cell(t, COLOUR_NONE, "%u", a->waiting);
    table_cell(t, COLOUR_NONE, "%s",
               a->success.count ? format_ns(text, a->success.ns / a->success.count) : "-");
    if (a->energy_count) // joules of an inference
        table_cell(t, COLOUR_NONE, "%.4g +-%.2g uJ, %" PRIu64 " of %" PRIu64 " bursts, %s",
                   a->joule / (double)a->energy_runs * 1e6,
                   a->uncertainty_joule / (double)a->energy_runs * 1e6, a->energy_count, a->bursts,
                   a->energy_origin);
    else
        table_cell(t, COLOUR_NONE, "%s", a->no_energy);
}

int command_routes(const struct cli *cli)
{
    static const struct table_column columns[] = {
        {"route", false}, {"rule", false},   {"variant", false}, {"share", true},  {"done", true},
        {"failed", true}, {"waiting", true}, {"mean", true},     {"energy", false}};
    const struct sc_routes *r;
    int code = sc_routes(cli->client, (uint32_t)cli->options.timeout_ms, &r);
    if (code)
        return cli_fail(cli, code);
    if (cli->options.json) {
        code = print_json(r);
        sc_free(r);
        return code;
    }
    struct table *t = table_new(columns, sizeof columns / sizeof columns[0]);
    for (uint32_t i = 0; i < r->count; i++)
        for (uint32_t k = 0; k < r->routes[i].arms; k++)
            arm_cells(t, &r->routes[i], &r->routes[i].arm[k]);
    code = table_print(t, cli->colour);
    for (uint32_t i = 0; i < r->count; i++) {
        const struct sc_route *x = &r->routes[i];
        if (x->swap)
            printf("%s: %" PRIu64 " swaps, a board serves for %u ms at least\n", x->name, x->swaps,
                   x->dwell_ms);
        if (x->mirror_swaps || x->mirror_waiting)
            printf("%s: %" PRIu64 " swaps of boards that nobody used, %u answers wait for one\n",
                   x->name, x->mirror_swaps, x->mirror_waiting);
        if (x->mirror[0])
            printf("%s: %s computed %" PRIu64 " answers again, %" PRIu64 " skipped%s%s%s; %" PRIu64
                   " differ, by %.6g on average and %.6g at most\n",
                   x->name, x->mirror, x->mirrored.count, x->skipped,
                   x->skip_reason[0] ? " (the latest: " : "", x->skip_reason,
                   x->skip_reason[0] ? ")" : "", x->different, x->mean_difference,
                   x->max_difference);
    }
    sc_free(r);
    return code;
}
