// SPDX-License-Identifier: Apache-2.0
#include "measure/energy.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

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

// Share of the sums of n uniform errors that lie within +-x: the integral of their density,
// piecewise polynomial; see e.g. Feller, An Introduction to Probability Theory II, I.9.
static double share_within(const double *bound, int n, double x)
{
    double sum = 0, scale = 1;
    for (int i = 1; i <= n; i++)
        scale *= 2 * bound[i - 1] * i;
    for (unsigned signs = 0; signs < 1u << n; signs++) {
        double at = x, sign = 1;
        for (int i = 0; i < n; i++) {
            at += signs & 1u << i ? -bound[i] : bound[i];
            sign = signs & 1u << i ? -sign : sign;
        }
        sum += at > 0 ? sign * pow(at, n) : 0;
    }
    return 2 * sum / scale - 1;
}

double uniform_errors_95(const double *bound, int n)
{
    double large[4], largest = 0, low = 0, high = 0;
    int m = 0;
    assert(n <= 4);
    for (int i = 0; i < n; i++)
        largest = fmax(largest, bound[i]);
    for (int i = 0; i < n; i++)
        if (bound[i] > largest * 1e-3) // less than that would be rounding, and moves nothing
            large[m++] = bound[i];
    if (!m || !isfinite(largest))
        return largest;
    for (int i = 0; i < m; i++)
        high += large[i];
    for (int i = 0; i < 50; i++) {
        double middle = (low + high) / 2;
        *(share_within(large, m, middle) < 0.95 ? &low : &high) = middle;
    }
    return high;
}

// Fills uncertainty and bound from the bounds.
static struct measured with_uncertainty(struct measured r)
{
    const struct measured_bounds *b = &r.bounds;
    r.uncertainty = uniform_errors_95((double[]){b->gain, b->edge, b->steps, b->clock}, 4);
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

// Whether the window holds as many samples as the idle one lets expect: the sensor's own clock may
// be off by some percent, but then by the same in both.
static bool samples_lost(const struct measured *window, const struct measured *idle,
                         const struct energy_burst *b)
{
    const double rate_share = 0.01;
    if (!idle || idle->gap || !(idle->window_s > 0) || idle->count < 100)
        return false;
    double rate = idle->count / idle->window_s, expected = rate * window->window_s;
    double slack = 2 + rate * b->outside_error_s;
    slack += expected * (rate_share + slack / idle->count);
    return fabs(window->count - expected) > slack;
}

static enum measured_gap burst_gap(const struct measured *window, const struct measured *idle,
                                   const struct energy_burst *b)
{
    if (window->gap)
        return window->gap;
    if (window->unit != MEASURED_WATT || !b->cycles || !b->runs || !(b->clock_hz > 0) ||
        !isfinite(b->clock_hz) || !not_negative(b->clock_share) || !not_negative(b->outside_s) ||
        !not_negative(b->outside_error_s) || !window->count)
        return MEASURED_BAD_INPUT;
    if ((double)b->cycles / b->clock_hz < b->min_s)
        return MEASURED_TOO_SHORT;
    return samples_lost(window, idle, b) ? MEASURED_LOST_SAMPLES : MEASURED_NO_GAP;
}

struct energy_of_burst energy_of_burst(const struct measured *window, const struct measured *idle,
                                       const struct energy_burst *b)
{
    struct energy_of_burst r;
    bool has_idle = idle && !idle->gap;
    enum measured_gap gap = burst_gap(window, has_idle ? idle : NULL, b);
    if (gap) {
        r.power = measured_none(gap, MEASURED_WATT, window->window_s, window->origin);
        r.total = r.above_idle =
            measured_none(gap, MEASURED_JOULE, window->window_s, window->origin);
        return r;
    }
    double busy_s = (double)b->cycles / b->clock_hz;
    double step = has_idle ? fabs(window->value - idle->value) : fabs(window->value);
    struct measured power = *window;
    if (has_idle) // mean x window = power x busy + idle x outside
        power.value += (window->value - idle->value) * b->outside_s / busy_s;
    power.bounds.gain *= window->value > 0 ? power.value / window->value : 1;
    // One sample at the window's edges, as the meter's driver says, and what is not known of time.
    power.bounds.edge += step * b->outside_error_s / busy_s;
    if (!has_idle) // it may have drawn nothing there, or as much as inside
        power.bounds.edge += step * b->outside_s / busy_s;
    r.power = with_uncertainty(power);
    r.total = energy_per_inference(&r.power, b->cycles, b->clock_hz * b->runs, b->clock_share);
    power = has_idle ? energy_above_idle(&r.power, idle)
                     : measured_none(idle ? idle->gap : MEASURED_NO_SAMPLES, MEASURED_WATT,
                                     window->window_s, window->origin);
    r.above_idle = energy_per_inference(&power, b->cycles, b->clock_hz * b->runs, b->clock_share);
    r.above_idle.unit = MEASURED_JOULE;
    return r;
}

struct measured energy_sum(const struct measured *item, int n)
{
    struct measured sum =
        n > 0 ? item[0] : measured_none(MEASURED_NO_METER, MEASURED_JOULE, 0, MEASURED_MODEL);
    for (int i = 1; i < n && !sum.gap; i++) {
        if (item[i].gap || item[i].unit != sum.unit || item[i].origin != sum.origin)
            return measured_none(item[i].gap ? item[i].gap : MEASURED_BAD_INPUT, sum.unit,
                                 sum.window_s, sum.origin);
        sum.value += item[i].value;
        sum.bounds.gain += item[i].bounds.gain;
        sum.bounds.edge += item[i].bounds.edge;
        sum.bounds.steps += item[i].bounds.steps;
        sum.bounds.clock += item[i].bounds.clock;
    }
    return sum.gap ? sum : with_uncertainty(sum);
}
