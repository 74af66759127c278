// SPDX-License-Identifier: Apache-2.0
#include "client/cli/report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LABEL = 24, VALUE = 9 };

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

// Decimals that show one code of an output.
static int decimals_of(const struct sc_metadata *m, int output)
{
    double code = fabs(m->y_scale * m->target[output].scale);
    int digits = code > 0 ? 1 - (int)floor(log10(code)) : 1;
    return digits < 1 ? 1 : digits > 6 ? 6 : digits;
}

// The output under which the target of output k is summed.
static int sum_of(const struct series *s, int k)
{
    int first = 0;
    while (strcmp(s->base[first], s->base[k]) != 0)
        first++;
    return first;
}

// Widths come from the first label, so that lines can be printed as they come.
static int label_width(const struct report *r)
{
    char label[LABEL];
    series_label(r->series, 0, 0, label, sizeof label);
    int n = (int)strlen(label);
    return n > 8 ? n : 8;
}

static int target_width(const struct report *r)
{
    size_t widest = 6;
    for (int k = 0; k < r->series->outputs; k++)
        if (strlen(r->metadata->target[k].name) > widest)
            widest = strlen(r->metadata->target[k].name);
    return (int)widest;
}

void report_begin(struct report *r, const struct cli *cli, const struct sc_metadata *m,
                  const struct series *s)
{
    *r = (struct report){.json = cli->options.json,
                         .colour = cli->colour,
                         .metadata = m,
                         .series = s,
                         .start_ns = now_ns()};
    if (r->json)
        return;
    printf("%s%-*s", r->colour ? "\033[1m" : "", label_width(r), "time");
    if (s->outputs > 1)
        printf("  %-*s", target_width(r), "target");
    printf("  %*s  %*s  %*s  %-12s  %6s  %8s  %8s  %s%s\n", VALUE, "forecast", VALUE, "truth",
           VALUE - 1, "error", "variant", "cycles", "fpga", "host", "origin",
           r->colour ? "\033[0m" : "");
}

static json_t *number_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *outputs_json(const struct report *r, int row, const struct sc_forecast *f)
{
    json_t *array = json_array();
    for (int k = 0; k < (int)f->outputs; k++) {
        char label[LABEL];
        double truth = series_truth(r->series, row, k);
        series_label(r->series, row, k, label, sizeof label);
        json_array_append_new(array, json_pack("{s:s,s:s,s:i,s:f,s:i,s:o,s:o}", "target",
                                               r->series->base[k], "time", label, "step",
                                               r->series->ahead[k], "value", f->values[k], "code",
                                               (int)f->codes[k], "truth", number_or_null(truth),
                                               "error", number_or_null(f->values[k] - truth)));
    }
    return array;
}

static void put_joules(json_t *to, const struct sc_joule *total, const struct sc_joule *above_idle)
{
    json_object_set_new(to, "joule", json_real(total->value));
    json_object_set_new(to, "uncertainty_joule", json_real(total->uncertainty));
    if (!above_idle)
        return;
    json_object_set_new(to, "above_idle_joule", json_real(above_idle->value));
    json_object_set_new(to, "uncertainty_above_idle_joule", json_real(above_idle->uncertainty));
}

static json_t *rails_json(const struct sc_energy *e)
{
    json_t *rails = json_array();
    for (uint32_t i = 0; i < e->rails; i++) {
        const struct sc_energy_rail *r = &e->rail[i];
        json_t *rail = json_pack("{s:s}", "name", r->name);
        json_array_append_new(rails, rail);
        if (r->reason[0]) {
            json_object_set_new(rail, "reason", json_string(r->reason));
            continue;
        }
        json_object_set_new(rail, "watt", json_real(r->watt));
        json_object_set_new(rail, "uncertainty_watt", json_real(r->uncertainty_watt));
        json_object_set_new(rail, "count", json_integer((json_int_t)r->count));
        put_joules(rail, &r->total, e->has_idle ? &r->above_idle : NULL);
    }
    return rails;
}

// As in PROTOCOL.md 2.3.
static json_t *energy_json(const struct sc_energy *e)
{
    json_t *object = json_object();
    if (e->reason[0])
        json_object_set_new(object, "reason", json_string(e->reason));
    if (!e->rails)
        return object;
    json_object_set_new(object, "origin", json_string(sc_origin_name(e->origin)));
    json_object_set_new(object, "window_s", json_real(e->window_s));
    if (!e->reason[0]) {
        json_object_set_new(object, "of", json_string(e->of));
        put_joules(object, &e->total, e->has_idle ? &e->above_idle : NULL);
    }
    json_object_set_new(object, "rails", rails_json(e));
    return object;
}

static json_t *burst_json(const struct sc_burst *b)
{
    return json_pack("{s:I,s:s,s:I,s:I,s:f}", "runs", (json_int_t)b->runs, "end",
                     sc_burst_end_name(b->end), "cycles", (json_int_t)b->cycles, "busy_cycles",
                     (json_int_t)b->busy_cycles, "seconds", b->seconds);
}

static int print_json(const struct report *r, int row, const struct sc_forecast *f)
{
    json_t *stages =
        json_pack("{s:I,s:I,s:I,s:I,s:I}", "queue", (json_int_t)f->stages_ns.queue, "usb_in",
                  (json_int_t)f->stages_ns.usb_in, "fpga", (json_int_t)f->stages_ns.fpga, "usb_out",
                  (json_int_t)f->stages_ns.usb_out, "host", (json_int_t)f->stages_ns.host);
    json_t *object = json_pack(
        "{s:i,s:o,s:s,s:s,s:s,s:s,s:s,s:I,s:I,s:I,s:I,s:I,s:o}", "row", row, "outputs",
        outputs_json(r, row, f), "variant", f->variant, "task", f->task, "hash", f->hash, "board",
        f->board, "origin", sc_origin_name(f->origin), "fpga_cycles", (json_int_t)f->fpga_cycles,
        "fpga_ns", (json_int_t)f->fpga_ns, "clock_hz", (json_int_t)f->clock_hz, "round_trip_ns",
        (json_int_t)f->round_trip_ns, "saturated", (json_int_t)f->saturated, "stages_ns", stages);
    if (f->burst.runs)
        json_object_set_new(object, "burst", burst_json(&f->burst));
    json_object_set_new(object, "energy", energy_json(&f->energy));
    return cli_print_json(object);
}

static void print_line(const struct report *r, int row, int k, const struct sc_forecast *f)
{
    char label[LABEL], fpga[16], round_trip[16];
    double truth = series_truth(r->series, row, k);
    int digits = decimals_of(r->metadata, k);
    series_label(r->series, row, k, label, sizeof label);
    printf("%-*s", label_width(r), label);
    if (r->series->outputs > 1)
        printf("  %-*s", target_width(r), r->metadata->target[k].name);
    printf("  %*.*f", VALUE, digits, f->values[k]);
    if (isfinite(truth))
        printf("  %*.*f  %+*.*f", VALUE, digits, truth, VALUE - 1, digits, f->values[k] - truth);
    else
        printf("  %*s  %*s", VALUE, "-", VALUE - 1, "-");
    if (k == 0)
        printf("  %-12s  %6" PRIu32 "  %8s  %8s  %s", f->variant, f->fpga_cycles,
               format_ns(fpga, f->fpga_ns), format_ns(round_trip, f->round_trip_ns),
               sc_origin_name(f->origin));
    if (k == 0 && f->saturated)
        printf("%s  %" PRIu32 " saturated%s", r->colour ? "\033[33m" : "", f->saturated,
               r->colour ? "\033[0m" : "");
    putchar('\n');
}

// "12.3 uJ +- 0.2 uJ"
static void print_joule(const struct sc_joule *j)
{
    char value[24], uncertainty[24];
    printf("%s +- %s", format_si(value, j->value, "J"),
           format_si(uncertainty, j->uncertainty, "J"));
}

static void print_rail(const struct sc_energy *e, const struct sc_energy_rail *r)
{
    char watt[24];
    printf("    %-10s ", r->name);
    if (r->reason[0]) {
        printf("%s\n", r->reason);
        return;
    }
    printf("%s: ", format_si(watt, r->watt, "W"));
    print_joule(&r->total);
    if (e->has_idle) {
        printf(", above idle ");
        print_joule(&r->above_idle);
    }
    putchar('\n');
}

static void print_burst(const struct sc_forecast *f)
{
    const struct sc_energy *e = &f->energy;
    printf("  burst: %" PRIu32 " runs in %.3f s of the board's time", f->burst.runs,
           f->burst.seconds);
    if (f->burst.end != SC_BURST_DONE)
        printf(", ended early: %s", sc_burst_end_name(f->burst.end));
    printf("\n  energy of an inference: ");
    if (e->reason[0]) {
        printf("none: %s\n", e->reason);
    } else {
        print_joule(&e->total);
        if (e->has_idle) {
            printf(", above idle ");
            print_joule(&e->above_idle);
        }
        printf(" (%s, 95 %%, origin %s)\n", e->of[0] ? e->of : "all rails",
               sc_origin_name(e->origin));
    }
    for (uint32_t i = 0; i < e->rails; i++)
        print_rail(e, &e->rail[i]);
}

static void add(struct report *r, int row, const struct sc_forecast *f)
{
    for (int k = 0; k < (int)f->outputs; k++) {
        double truth = series_truth(r->series, row, k), last = series_last(r->series, row, k);
        struct report_sum *sum = &r->sum[sum_of(r->series, k)];
        if (!isfinite(truth) || !isfinite(last))
            continue;
        sum->squares += (f->values[k] - truth) * (f->values[k] - truth);
        sum->persistence += (last - truth) * (last - truth);
        sum->n++;
    }
    r->saturated_values += f->saturated;
    r->saturated_windows += f->saturated > 0;
    r->fpga_ns += f->fpga_ns;
    r->fpga_cycles += f->fpga_cycles;
    if ((unsigned)f->origin < 3)
        r->origin[f->origin] = true;
}

int report_window(struct report *r, int row, const struct sc_forecast *f)
{
    if ((int)f->outputs != r->series->outputs) {
        cli_message("row %d: %s answered %" PRIu32 " outputs where %d were described", row,
                    f->variant, f->outputs, r->series->outputs);
        return EXIT_OTHER;
    }
    if (r->windows == r->capacity) {
        uint64_t capacity = r->capacity ? 2 * r->capacity : 256;
        uint64_t *memory = realloc(r->round_trip_ns, capacity * sizeof *memory);
        if (!memory) {
            cli_message("out of memory");
            return EXIT_OTHER;
        }
        r->round_trip_ns = memory;
        r->capacity = capacity;
    }
    r->round_trip_ns[r->windows++] = f->round_trip_ns;
    add(r, row, f);
    int code = r->json ? print_json(r, row, f) : EXIT_OK;
    for (int k = 0; !r->json && k < (int)f->outputs; k++)
        print_line(r, row, k, f);
    if (!r->json && f->burst.runs)
        print_burst(f);
    fflush(stdout); // whoever reads along sees each forecast as it comes
    return code;
}

static int compare(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

// Nearest rank; the values are sorted, there is at least one.
static uint64_t quantile(const struct report *r, unsigned percent)
{
    return r->round_trip_ns[(r->windows * percent + 99) / 100 - 1];
}

static const char *origin_of(const struct report *r)
{
    int kinds = r->origin[0] + r->origin[1] + r->origin[2];
    return kinds != 1 ? "mixed" : r->origin[0] ? "board" : r->origin[1] ? "virtual" : "model";
}

static int end_json(const struct report *r, double seconds)
{
    json_t *targets = json_array();
    for (int k = 0; k < r->series->outputs; k++) {
        const struct report_sum *s = &r->sum[k];
        double n = (double)s->n;
        if (sum_of(r->series, k) != k)
            continue;
        json_array_append_new(
            targets, json_pack("{s:s,s:s,s:I,s:o,s:o}", "target", r->series->base[k], "unit",
                               r->metadata->target[k].unit, "n", (json_int_t)s->n, "rmse",
                               number_or_null(sqrt(s->squares / n)), "persistence_rmse",
                               number_or_null(sqrt(s->persistence / n))));
    }
    json_t *p50 = r->windows ? json_integer((json_int_t)quantile(r, 50)) : json_null();
    json_t *p99 = r->windows ? json_integer((json_int_t)quantile(r, 99)) : json_null();
    return cli_print_json(
        json_pack("{s:{s:I,s:I,s:o,s:o,s:o,s:f,s:I,s:I,s:s}}", "summary", "windows",
                  (json_int_t)r->windows, "skipped", (json_int_t)r->skipped, "targets", targets,
                  "round_trip_p50_ns", p50, "round_trip_p99_ns", p99, "seconds", seconds,
                  "saturated_values", (json_int_t)r->saturated_values, "saturated_windows",
                  (json_int_t)r->saturated_windows, "origin", r->windows ? origin_of(r) : "none"));
}

static void end_text(const struct report *r, double seconds)
{
    static const char *const meaning[] = {"measured on an FPGA", "the fabric was simulated",
                                          "computed by the model, no fabric"};
    char p50[16], p99[16], fpga[16];
    printf("\n%" PRIu64 " windows in %.2f s (%.1f/s)", r->windows, seconds,
           (double)r->windows / seconds);
    if (r->skipped)
        printf(", %" PRIu64 " skipped for gaps", r->skipped);
    if (r->saturated_values)
        printf(", %" PRIu64 " values saturated in %" PRIu64 " windows", r->saturated_values,
               r->saturated_windows);
    putchar('\n');
    for (int k = 0; k < r->series->outputs; k++) {
        const struct report_sum *s = &r->sum[k];
        if (s->n)
            printf("RMSE of %s: %.*f %s over %" PRIu64 " values; persistence %.*f\n",
                   r->series->base[k], decimals_of(r->metadata, k), sqrt(s->squares / (double)s->n),
                   r->metadata->target[k].unit, s->n, decimals_of(r->metadata, k),
                   sqrt(s->persistence / (double)s->n));
    }
    printf("host (round trip) p50 %s, p99 %s; fpga %s and %" PRIu64 " cycles on average\n",
           format_ns(p50, quantile(r, 50)), format_ns(p99, quantile(r, 99)),
           format_ns(fpga, r->fpga_ns / r->windows), r->fpga_cycles / r->windows);
    printf("origin %s", origin_of(r));
    for (int o = 0; o < 3; o++)
        if (r->origin[o])
            printf(": %s", meaning[o]);
    putchar('\n');
}

int report_end(struct report *r)
{
    double seconds = (double)(now_ns() - r->start_ns) / 1e9;
    int code = EXIT_OK;
    if (r->windows)
        qsort(r->round_trip_ns, r->windows, sizeof r->round_trip_ns[0], compare);
    if (r->json)
        code = end_json(r, seconds);
    else if (r->windows)
        end_text(r, seconds);
    free(r->round_trip_ns);
    r->round_trip_ns = NULL;
    return code;
}
