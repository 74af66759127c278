// SPDX-License-Identifier: Apache-2.0
#include "daemon/energy.h"

#include <stdio.h>
#include <string.h>

#define PUT(to, ...) snprintf(to, sizeof(to), __VA_ARGS__)

static const char whole_board[] = "BOARD"; // the rail that contains all others

// Crystals on such boards; shortest burst that has an energy, as for the meter's windows.
static const double clock_share = 50e-6, min_burst_s = 0.1;

// The part of the window in which nothing was computed. On a real board that is what the cycles
// leave of it. Where the fabric is simulated its time is not ours, so what lies outside of the
// burst's frames counts, and half of the frames' way to the board and back, as that is not known.
static void fill_outside(struct energy_burst *e, const struct wire_burst *burst,
                         const struct meter_power *p, double window_s, bool simulated)
{
    double busy_s = (double)burst->cycles / e->clock_hz, way_s = 0;
    if (simulated) {
        uint64_t way = burst->round_trip_ns * burst->chunks;
        way_s = (double)(way < burst->wall_ns ? way : burst->wall_ns) / 1e9;
    }
    e->outside_s = window_s - busy_s + way_s / 2;
    e->outside_error_s = (double)p->edge_ns / 1e9 + way_s / 2;
    if (e->outside_s < 0 && e->outside_s > -e->outside_error_s - 1e-4 * window_s)
        e->outside_s = 0; // clocks that differ by a little
}

static const char *why_none(const struct board *b, const struct wire_result *r)
{
    const struct wire_power *p = &b->burst_power;
    if (strcmp(b->conf->meter, "none") == 0)
        return "no power monitor";
    if (!r->burst.runs || (double)r->burst.cycles < min_burst_s * b->identity.clock_hz)
        return measured_gap_text(MEASURED_TOO_SHORT);
    if (!p->rails.n || p->head.tag != r->head.tag)
        return "no window of the power monitor";
    if (p->power.begin_ns > r->burst.begin_ns || p->power.end_ns < r->burst.end_ns)
        return "the power monitor's window does not cover the burst";
    return NULL;
}

static void put_joule(struct service_joule *to, const struct measured *from)
{
    *to = (struct service_joule){from->value, from->uncertainty};
}

static void fill_rail(struct service_energy_rail *to, const struct energy_of_burst *e,
                      const char *why)
{
    if (e->total.gap) {
        PUT(to->reason, "%s%s%s", measured_gap_text(e->total.gap), *why ? ": " : "", why);
        return;
    }
    to->watt = e->power.value;
    to->uncertainty_watt = e->power.uncertainty;
    to->count = e->power.count;
    put_joule(&to->total, &e->total);
    if (!e->above_idle.gap)
        put_joule(&to->above_idle, &e->above_idle);
}

static void fill_sum(struct service_energy *out, const struct energy_of_burst *of,
                     const struct meter_rails *rails)
{
    struct measured total[METER_RAILS], above[METER_RAILS];
    int n = 0, only = -1;
    for (int i = 0; i < rails->n; i++)
        if (strcmp(rails->rail[i].name, whole_board) == 0)
            only = i;
    for (int i = 0; i < rails->n; i++)
        if (only < 0 || only == i) {
            total[n] = of[i].total;
            above[n++] = of[i].above_idle;
        }
    struct measured sum = energy_sum(total, n), over = energy_sum(above, n);
    if (sum.gap) {
        PUT(out->reason, "%s", measured_gap_text(sum.gap));
        return;
    }
    PUT(out->of, "%s", only < 0 ? "" : whole_board);
    put_joule(&out->total, &sum);
    put_joule(&out->above_idle, &over);
}

bool energy_of_result(const struct board *b, const struct wire_result *r,
                      struct service_energy *out)
{
    const struct wire_power *p = &b->burst_power, *lead = &b->lead_power;
    struct energy_of_burst of[METER_RAILS];
    memset(out, 0, sizeof *out);
    const char *why = why_none(b, r);
    if (why) {
        PUT(out->reason, "%s", why);
        return false;
    }
    bool has_lead = lead->head.tag == r->head.tag && lead->rails.n == p->rails.n;
    struct energy_burst e = {.cycles = r->burst.cycles,
                             .runs = r->burst.runs,
                             .clock_hz = b->identity.clock_hz,
                             .clock_share = clock_share,
                             .min_s = min_burst_s};
    const struct measured *first = &p->power.rail[0];
    out->origin = first->origin == MEASURED_VIRTUAL ? SERVICE_VIRTUAL : SERVICE_BOARD;
    out->window_s = first->window_s;
    out->rails = (uint16_t)p->rails.n;
    out->has_idle = true;
    for (int i = 0; i < p->rails.n; i++) {
        fill_outside(&e, &r->burst, &p->power, p->power.rail[i].window_s,
                     b->identity.origin != LINK_ORIGIN_BOARD);
        of[i] = energy_of_burst(&p->power.rail[i], has_lead ? &lead->power.rail[i] : NULL, &e);
        PUT(out->rail[i].name, "%s", p->rails.rail[i].name);
        fill_rail(&out->rail[i], &of[i], p->power.why);
        out->has_idle &= !of[i].above_idle.gap;
    }
    fill_sum(out, of, &p->rails);
    return !out->reason[0];
}
