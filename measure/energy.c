// SPDX-License-Identifier: Apache-2.0
#include "measure/energy.h"

#include <assert.h>
#include <math.h>

// Mean share of full scale above which some samples of a varying power must have been cut off.
static const double clipped_share = 0.98;

const char *measured_gap_text(enum measured_gap gap)
{
    static const char *const texts[MEASURED_GAPS] = {
        "",
        "no meter",
        "the sensor did not answer",
        "no sample in the window",
        "the window is too short",
        "the sensor was at full scale",
        "the sensor started again within the window",
        "the number of samples does not fit the window",
        "an input is out of range",
    };
    assert((unsigned)gap < MEASURED_GAPS);
    return texts[gap];
}

const char *measured_origin_name(enum measured_origin o)
{
    return o == MEASURED_BOARD ? "board" : o == MEASURED_VIRTUAL ? "virtual" : "model";
}

const char *measured_unit_name(enum measured_unit unit)
{
    return unit == MEASURED_WATT ? "W" : "J";
}

struct measured measured_none(enum measured_gap gap, enum measured_unit unit, double window_s,
                              enum measured_origin origin)
{
    return (struct measured){
        .gap = gap, .unit = unit, .value = NAN, .window_s = window_s, .origin = origin};
}

// Fills uncertainty and bound from the bounds.
static struct measured with_uncertainty(struct measured r)
{
    const struct measured_bounds *b = &r.bounds;
    double squares =
        b->gain * b->gain + b->edge * b->edge + b->steps * b->steps + b->clock * b->clock;
    r.uncertainty = 1.96 * sqrt(squares / 3);
    r.bound = b->gain + b->edge + b->steps + b->clock;
    if (!isfinite(r.value) || !isfinite(r.bound))
        return measured_none(MEASURED_BAD_INPUT, r.unit, r.window_s, r.origin);
    return r;
}

static bool not_negative(double x)
{
    return isfinite(x) && x >= 0;
}

static bool inputs_allowed(const struct energy_meter *m, const struct energy_window *w)
{
    return isfinite(m->chip.shunt_ohm) && m->chip.shunt_ohm > 0 && isfinite(m->sample_hz) &&
           m->sample_hz > 0 && not_negative(m->clock_share) && not_negative(m->gain_share) &&
           not_negative(m->offset_ampere) && not_negative(m->min_window_s) &&
           isfinite(w->seconds) && w->seconds > 0 && isfinite(w->bus_volt) && w->bus_volt > 0 &&
           not_negative(w->step_watt);
}

static bool at_full_scale(struct energy_reading r, bool is_signed)
{
    uint64_t all = (UINT64_C(1) << PAC193X_ACC_BITS) - 1;
    if (r.count >= (UINT32_C(1) << PAC193X_COUNT_BITS) - 1)
        return true;
    return is_signed ? r.acc == all >> 1 || r.acc == (all >> 1) + 1 : r.acc >= all;
}

// What the number of samples says: as many as the time allows, or fewer, or a counter that began
// again (less in the end than at the beginning, without having had the time to wrap around).
static enum measured_gap judge_count(const struct energy_meter *m, const struct energy_window *w,
                                     uint32_t count)
{
    double expected = w->seconds * m->sample_hz;
    double slack = 2 + expected * m->clock_share;
    if (expected - slack >= ldexp(1, PAC193X_COUNT_BITS))
        return MEASURED_SATURATED; // more than once round: the difference means nothing
    if (count <= expected + slack && count >= expected - slack)
        return count == 0 ? MEASURED_NO_SAMPLES : MEASURED_NO_GAP;
    if (w->end.count < w->begin.count)
        return MEASURED_RESET;
    return count == 0 ? MEASURED_NO_SAMPLES : MEASURED_LOST_SAMPLES;
}

struct measured energy_power(const struct energy_meter *m, const struct energy_window *w)
{
    bool is_signed = m->chip.bidirectional_volt || m->chip.bidirectional_current;
    enum measured_gap gap = MEASURED_NO_GAP;
    uint32_t count = (uint32_t)counter_difference(w->begin.count, w->end.count, PAC193X_COUNT_BITS);
    if (!inputs_allowed(m, w))
        gap = MEASURED_BAD_INPUT;
    else if (at_full_scale(w->begin, is_signed) || at_full_scale(w->end, is_signed))
        gap = MEASURED_SATURATED;
    else
        gap = judge_count(m, w, count);
    if (gap == MEASURED_NO_GAP && w->seconds < m->min_window_s)
        gap = MEASURED_TOO_SHORT;
    if (gap != MEASURED_NO_GAP)
        return measured_none(gap, MEASURED_WATT, w->seconds, m->origin);

    uint64_t acc = counter_difference(w->begin.acc, w->end.acc, PAC193X_ACC_BITS);
    double watt = pac193x_mean_watt(&m->chip, acc, count);
    double share = fabs(watt) / pac193x_full_scale_watt(&m->chip);
    if (share > 1) // more than count samples can add up to: the accumulator began again
        return measured_none(MEASURED_RESET, MEASURED_WATT, w->seconds, m->origin);
    if (share > clipped_share)
        return measured_none(MEASURED_SATURATED, MEASURED_WATT, w->seconds, m->origin);
    double volt_error = 0.5 * pac193x_product_volt_step(&m->chip);
    double ampere_error = 0.5 * pac193x_ampere_step(&m->chip) + m->offset_ampere;
    return with_uncertainty((struct measured){
        .unit = MEASURED_WATT,
        .value = watt,
        .window_s = w->seconds,
        .count = count,
        .bounds = {.gain = m->gain_share * fabs(watt),
                   .edge = w->step_watt / count,
                   .steps = fabs(watt) / w->bus_volt * volt_error + w->bus_volt * ampere_error},
        .origin = m->origin,
    });
}

struct measured energy_power_of_readings(double mean_watt, uint32_t count, double seconds,
                                         struct measured_bounds bounds, enum measured_origin origin)
{
    if (count == 0)
        return measured_none(MEASURED_NO_SAMPLES, MEASURED_WATT, seconds, origin);
    if (!not_negative(bounds.gain) || !not_negative(bounds.edge) || !not_negative(bounds.steps) ||
        !not_negative(bounds.clock))
        return measured_none(MEASURED_BAD_INPUT, MEASURED_WATT, seconds, origin);
    return with_uncertainty((struct measured){.unit = MEASURED_WATT,
                                              .value = mean_watt,
                                              .window_s = seconds,
                                              .count = count,
                                              .bounds = bounds,
                                              .origin = origin});
}

struct measured energy_per_inference(const struct measured *power, uint64_t cycles, double clock_hz,
                                     double clock_share)
{
    struct measured r = *power;
    r.unit = MEASURED_JOULE;
    if (r.gap != MEASURED_NO_GAP)
        return r;
    if (power->unit != MEASURED_WATT || cycles == 0 || !(clock_hz > 0) || !isfinite(clock_hz) ||
        !not_negative(clock_share))
        return measured_none(MEASURED_BAD_INPUT, MEASURED_JOULE, r.window_s, r.origin);
    double seconds = (double)cycles / clock_hz;
    r.value *= seconds;
    r.bounds.gain *= seconds;
    r.bounds.edge *= seconds;
    r.bounds.steps *= seconds;
    r.bounds.clock = fabs(r.value) * clock_share;
    return with_uncertainty(r);
}

struct measured energy_above_idle(const struct measured *active, const struct measured *idle)
{
    if (active->gap != MEASURED_NO_GAP)
        return *active;
    if (idle->gap != MEASURED_NO_GAP)
        return measured_none(idle->gap, active->unit, active->window_s, active->origin);
    if (active->unit != idle->unit || active->origin != idle->origin)
        return measured_none(MEASURED_BAD_INPUT, active->unit, active->window_s, active->origin);
    struct measured r = *active;
    r.value -= idle->value;
    r.bounds.gain = fabs(active->bounds.gain - idle->bounds.gain);
    r.bounds.edge += idle->bounds.edge;
    r.bounds.steps += idle->bounds.steps;
    r.bounds.clock += idle->bounds.clock;
    return with_uncertainty(r);
}
