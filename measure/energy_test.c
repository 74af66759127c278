// SPDX-License-Identifier: Apache-2.0
// Sensor conversions against the data sheets' worked examples, and windows against what was put in.
#include "measure/energy.h"
#include "measure/sensor.h"
#include "tests/support/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void near(double got, double want, double relative)
{
    if (!(fabs(got - want) <= relative * fabs(want)))
        fail_msg("got %.15g, want %.15g within %g of it", got, want, relative);
}

static void pac193x_at_the_shunt_of_the_elastic_node(void **state)
{
    (void)state;
    const struct pac193x p = {.shunt_ohm = 0.82};
    near(pac193x_ampere(&p, 0xffff), 0.12195 * 65535 / 65536, 1e-4); // full scale 121.95 mA
    near(pac193x_ampere_step(&p), 1.861e-6, 1e-3);
    near(pac193x_ampere(&p, 1), pac193x_ampere_step(&p), 1e-15);
    near(pac193x_full_scale_watt(&p), 3.902, 1e-3);
    near(pac193x_volt(&p, 1), 488e-6, 1e-3);
    near(pac193x_volt(&p, 0x8000), 16, 0);
    near(pac193x_product_volt_step(&p), 1.95e-3, 2e-3);
    near(pac193x_watt(&p, 1 << 4), 14.54e-9, 1e-3); // the lowest 4 bits are not part of the value
    near(pac193x_watt(&p, 0xf), 0, 0);
    near(pac193x_joule(&p, 1, 1024), 14.20e-12, 1e-3);
    near(pac193x_mean_watt(&p, UINT64_C(1) << 38, 2048), 3.2 / 0.82 / 2, 1e-15);
    const struct pac193x both = {.shunt_ohm = 0.82, .bidirectional_current = true};
    near(pac193x_ampere(&both, 0x8000), -0.1 / 0.82, 1e-15);
    near(pac193x_ampere(&both, 0x4000), 0.05 / 0.82, 1e-15);
    near(pac193x_watt(&both, 0x80000000), -3.2 / 0.82, 1e-15);
    near(pac193x_mean_watt(&both, (UINT64_C(1) << 48) - (1 << 27), 4), -3.2 / 0.82 / 4, 1e-15);
    const struct pac193x swing = {.shunt_ohm = 0.82, .bidirectional_volt = true};
    near(pac193x_volt(&swing, 0xffff), -32.0 / 32768, 1e-15);
}

static void ina226_worked_example(void **state)
{
    (void)state;
    // SBOS547: 2 mOhm, 1 mA per bit, 10 A at 12 V.
    assert_int_equal(ina226_calibration(1e-3, 2e-3), 0x0A00);
    near(ina226_shunt_volt(0x1F40), 20e-3, 1e-12);
    near(ina226_volt(0x2570), 11.98, 1e-12);
    assert_int_equal(ina226_current_register(0x1F40, 0x0A00), 0x2710);
    near(ina226_ampere(1e-3, 0x2710), 10, 1e-12);
    assert_int_equal(ina226_power_register(0x2710, 0x2570), 0x12B8);
    near(ina226_watt(1e-3, 0x12B8), 119.8, 1e-12);  // the sheet prints 119.82
    near(ina226_shunt_volt(0x8300), -80e-3, 1e-12); // the sheet's negative example
    assert_int_equal(ina226_current_register(0x1F40, 0), 0);
    assert_int_equal(ina226_calibration(1e-9, 1e-3), 0); // does not fit
}

static void ina228_worked_example(void **state)
{
    (void)state;
    // SLYS021, design example: 16.2 mOhm, at most 10 A; 6 A at 48 V for an hour.
    const struct ina228 p = {.ampere_lsb = 10.0 / (1 << 19)};
    assert_int_equal(ina228_calibration(&p, 0.0162), 4050);
    near(ina228_shunt_volt(&p, 311040u << 4), 0.0972, 1e-12);
    near(ina228_shunt_volt(&p, (0xB4100u) << 4), -0.0972, 1e-12);
    near(ina228_ampere(&p, 314572u << 4), 6, 1e-5);
    near(ina228_volt(245760u << 4), 48, 1e-12);
    near(ina228_watt(&p, 4718604), 288, 1e-5);
    near(ina228_joule(&p, 1061683200), 1036800, 1e-12);
    near(ina228_coulomb(&p, 1132462080), 21600, 1e-12);
    near(ina228_celsius(3200), 25, 1e-12);
    const struct ina228 narrow = {.ampere_lsb = p.ampere_lsb, .narrow_range = true};
    assert_int_equal(ina228_calibration(&narrow, 0.0162), 16200);
    near(ina228_shunt_volt(&narrow, 1u << 4), 78.125e-9, 1e-12);
}

static void counters_wrap(void **state)
{
    (void)state;
    assert_true(counter_difference(5, 9, 24) == 4);
    assert_true(counter_difference(0xfffffe, 3, 24) == 5);
    assert_true(counter_difference((UINT64_C(1) << 48) - 1, 0, 48) == 1);
    assert_true(counter_difference(UINT64_MAX, 1, 64) == 2);
    assert_true(counter_difference(7, 7, 1) == 0);
}

static const struct energy_meter meter = {
    .chip = {.shunt_ohm = 0.82},
    .sample_hz = 1024,
    .clock_share = 0.02,
    .gain_share = 0.01,
    .min_window_s = 0.1,
    .origin = MEASURED_VIRTUAL,
};

// A window of `seconds` at constant `watt` that begins at the given counts.
static struct energy_window window_of(double watt, double seconds, uint64_t acc, uint32_t count)
{
    uint32_t samples = (uint32_t)(seconds * 1024);
    uint64_t product = (uint64_t)llround(watt / (3.2 / 0.82) * 0x1p28);
    return (struct energy_window){
        .begin = {acc, count},
        .end = {(acc + samples * product) & 0xffffffffffff, (count + samples) & 0xffffff},
        .seconds = seconds,
        .bus_volt = 1,
        .step_watt = 0.02,
    };
}

static void windows_give_back_the_power(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 31);
    for (int i = 0; i < 500; i++) {
        double watt = 0.001 * (double)rng_range(&r, 1, 3500);
        double seconds = 0.1 * (double)rng_range(&r, 1, 600);
        struct energy_window w = window_of(watt, seconds, rng_u64(&r) & 0xfffffffffffe,
                                           (uint32_t)rng_range(&r, 0, 0xfffffe));
        if (w.end.count == 0xffffff || w.end.acc == 0xffffffffffff)
            continue; // taken for full scale
        struct measured p = energy_power(&meter, &w);
        assert_int_equal(p.gap, MEASURED_NO_GAP);
        near(p.value, watt, 1e-6);
        assert_int_equal(p.count, (int)(seconds * 1024));
        near(p.bounds.gain, 0.01 * watt, 1e-6);
        near(p.bounds.edge, 0.02 / p.count, 1e-12);
        near(p.bounds.steps, watt * 0.5 * 32 / 16384 + 0.5 * 0.1 / 0.82 / 65536, 1e-6);
        assert_true(p.uncertainty < 1.14 * p.bound && p.uncertainty > 0.5 * p.bound);
        assert_int_equal(p.origin, MEASURED_VIRTUAL);
        struct measured e = energy_per_inference(&p, 133000, 100e6, 50e-6);
        near(e.value, watt * 1.33e-3, 1e-6);
        assert_int_equal(e.unit, MEASURED_JOULE);
        near(e.bounds.clock, e.value * 50e-6, 1e-9);
        near(e.bound / e.value, p.bound / p.value + 50e-6, 1e-9);
    }
}

static void expect_gap(struct energy_window w, enum measured_gap gap)
{
    struct measured p = energy_power(&meter, &w);
    assert_int_equal(p.gap, gap);
    assert_true(isnan(p.value));
    struct measured e = energy_per_inference(&p, 1000, 1e8, 0);
    assert_int_equal(e.gap, gap); // handed on
    assert_true(strlen(measured_gap_text(gap)) > 5);
}

static void bad_windows_have_reasons_not_values(void **state)
{
    (void)state;
    struct energy_window good = window_of(1, 10, 1000, 1000), w;
    assert_int_equal(energy_power(&meter, &good).gap, MEASURED_NO_GAP);
    expect_gap(window_of(1, 0.05, 0, 0), MEASURED_TOO_SHORT);
    w = good, w.end.acc = 0xffffffffffff, expect_gap(w, MEASURED_SATURATED);
    w = good, w.end.count = 0xffffff, expect_gap(w, MEASURED_SATURATED);
    expect_gap(window_of(3.2 / 0.82 * 0.999, 10, 0, 0), MEASURED_SATURATED); // clipped input
    w = good, w.end.count = 300, expect_gap(w, MEASURED_RESET);
    w = good, w.end.acc = 10, expect_gap(w, MEASURED_RESET);
    w = good, w.end.acc = w.begin.acc + w.end.count * (UINT64_C(3) << 27),
    expect_gap(w, MEASURED_RESET);
    w = good, w.end.count -= 1000, expect_gap(w, MEASURED_LOST_SAMPLES);
    w = good, w.end.count += 1000, expect_gap(w, MEASURED_LOST_SAMPLES);
    w = good, w.end = w.begin, expect_gap(w, MEASURED_NO_SAMPLES);
    w = good, w.seconds = 20000, expect_gap(w, MEASURED_SATURATED); // the count went round
    w = good, w.seconds = NAN, expect_gap(w, MEASURED_BAD_INPUT);
    w = good, w.bus_volt = 0, expect_gap(w, MEASURED_BAD_INPUT);
    w = good, w.step_watt = -1, expect_gap(w, MEASURED_BAD_INPUT);
    struct measured p = energy_power(&meter, &good);
    assert_int_equal(energy_per_inference(&p, 0, 1e8, 0).gap, MEASURED_BAD_INPUT);
    assert_int_equal(energy_per_inference(&p, 1, 0, 0).gap, MEASURED_BAD_INPUT);
    struct measured e = energy_per_inference(&p, 1, 1e8, 0);
    assert_int_equal(energy_per_inference(&e, 1, 1e8, 0).gap, MEASURED_BAD_INPUT); // not a power
    assert_int_equal(energy_power_of_readings(1, 0, 1, p.bounds, p.origin).gap,
                     MEASURED_NO_SAMPLES);
    assert_int_equal(energy_power_of_readings(NAN, 3, 1, p.bounds, p.origin).gap,
                     MEASURED_BAD_INPUT);
    near(energy_power_of_readings(1.5, 3, 1, p.bounds, p.origin).value, 1.5, 0);
}

static void idle_is_subtracted_with_its_doubt(void **state)
{
    (void)state;
    struct energy_window busy = window_of(0.5, 10, 0, 0), quiet = window_of(0.3, 10, 0, 0);
    struct measured a = energy_power(&meter, &busy), i = energy_power(&meter, &quiet);
    struct measured above = energy_above_idle(&a, &i);
    near(above.value, 0.2, 1e-5);
    near(above.bounds.gain, 0.002, 1e-4); // one gain error, on the difference
    near(above.bounds.edge, a.bounds.edge + i.bounds.edge, 1e-12);
    struct measured none = measured_none(MEASURED_NO_METER, MEASURED_WATT, 1, MEASURED_VIRTUAL);
    assert_int_equal(energy_above_idle(&a, &none).gap, MEASURED_NO_METER);
    assert_int_equal(energy_above_idle(&none, &i).gap, MEASURED_NO_METER);
    i.origin = MEASURED_BOARD; // origins never mix
    assert_int_equal(energy_above_idle(&a, &i).gap, MEASURED_BAD_INPUT);
}

// Sums of uniform errors drawn at random lie within the 95 % as often as that says.
static void errors_of_95_percent(void **state)
{
    static const double sets[][4] = {
        {1, 0, 0, 0}, {1, 1, 0, 0}, {1, 0.3, 0.01, 0}, {1, 1, 1, 1}, {2, 1e-5, 0.5, 0.1}};
    enum { DRAWS = 40000 };
    struct rng r;
    (void)state;
    rng_init(&r, 5);
    near(uniform_errors_95(sets[0], 4), 0.95, 1e-9);
    near(uniform_errors_95((double[]){0, 0, 0, 0}, 4), 0, 1e-12);
    near(uniform_errors_95(sets[1], 2), 2 - sqrt(0.2), 1e-9); // a triangle
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        double within = uniform_errors_95(sets[s], 4);
        int inside = 0;
        for (int i = 0; i < DRAWS; i++) {
            double sum = 0;
            for (int k = 0; k < 4; k++)
                sum += sets[s][k] * ((double)rng_range(&r, 0, 2000000) / 1e6 - 1);
            inside += fabs(sum) <= within;
        }
        assert_in_range(inside, (int)(0.9465 * DRAWS), (int)(0.9535 * DRAWS));
    }
}

// 10 s of work at 0.34 W in a window with 0.5 s of rest at 0.28 W.
static struct measured window_around(double watt, double seconds, uint32_t count)
{
    return (struct measured){.unit = MEASURED_WATT,
                             .value = watt,
                             .window_s = seconds,
                             .count = count,
                             .bounds = {.gain = 0.01 * watt, .edge = watt / count},
                             .origin = MEASURED_VIRTUAL};
}

static void bursts_give_back_the_energy(void **state)
{
    (void)state;
    const struct energy_burst b = {.cycles = 1000000000,
                                   .runs = 100000,
                                   .clock_hz = 1e8,
                                   .clock_share = 50e-6,
                                   .outside_s = 0.5,
                                   .outside_error_s = 0.01,
                                   .min_s = 0.1};
    struct measured idle = window_around(0.28, 1, 1000);
    struct measured window = window_around((0.34 * 10 + 0.28 * 0.5) / 10.5, 10.5, 10500);
    struct energy_of_burst e = energy_of_burst(&window, &idle, &b);
    near(e.power.value, 0.34, 1e-12);
    near(e.total.value, 0.34 * 1e-4, 1e-12);
    near(e.above_idle.value, 0.06 * 1e-4, 1e-12);
    assert_true(e.total.unit == MEASURED_JOULE && e.total.origin == MEASURED_VIRTUAL);
    assert_true(e.total.uncertainty > 0.0094 * e.total.value);
    assert_true(e.total.uncertainty < 0.0105 * e.total.value);
    // without idle the rest may have drawn nothing
    e = energy_of_burst(&window, NULL, &b);
    assert_int_equal(e.total.gap, MEASURED_NO_GAP);
    assert_true(fabs(e.total.value - 0.34 * 1e-4) <= e.total.bound);
    assert_int_equal(e.above_idle.gap, MEASURED_NO_SAMPLES);
}

static void bursts_without_a_value_say_why(void **state)
{
    (void)state;
    const struct energy_burst b = {
        .cycles = 1000000000, .runs = 10, .clock_hz = 1e8, .outside_s = 0.5, .min_s = 0.1};
    const struct measured idle = window_around(0.28, 1, 1000),
                          window = window_around(0.34, 10.5, 10500);
    struct energy_burst bad = b;
    bad.cycles = 9999999;
    assert_int_equal(energy_of_burst(&window, &idle, &bad).total.gap, MEASURED_TOO_SHORT);
    bad = b;
    bad.runs = 0;
    assert_int_equal(energy_of_burst(&window, &idle, &bad).total.gap, MEASURED_BAD_INPUT);
    bad = b;
    bad.outside_s = -1;
    assert_int_equal(energy_of_burst(&window, &idle, &bad).total.gap, MEASURED_BAD_INPUT);
    struct measured lost = window_around(0.34, 10.5, 10200); // 3 % fewer, the clocks agree to 1 %
    assert_int_equal(energy_of_burst(&lost, &idle, &b).total.gap, MEASURED_LOST_SAMPLES);
    lost.count = 10450;
    assert_int_equal(energy_of_burst(&lost, &idle, &b).total.gap, MEASURED_NO_GAP);
    lost = measured_none(MEASURED_SATURATED, MEASURED_WATT, 10, MEASURED_VIRTUAL);
    assert_int_equal(energy_of_burst(&lost, &idle, &b).total.gap, MEASURED_SATURATED);
    const struct measured two[] = {window, lost};
    assert_int_equal(energy_sum(two, 2).gap, MEASURED_SATURATED);
    const struct measured both[] = {window, idle};
    near(energy_sum(both, 2).value, 0.62, 1e-12);
    near(energy_sum(both, 2).bounds.gain, 0.0062, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pac193x_at_the_shunt_of_the_elastic_node),
        cmocka_unit_test(ina226_worked_example),
        cmocka_unit_test(ina228_worked_example),
        cmocka_unit_test(errors_of_95_percent),
        cmocka_unit_test(bursts_give_back_the_energy),
        cmocka_unit_test(bursts_without_a_value_say_why),
        cmocka_unit_test(counters_wrap),
        cmocka_unit_test(windows_give_back_the_power),
        cmocka_unit_test(bad_windows_have_reasons_not_values),
        cmocka_unit_test(idle_is_subtracted_with_its_doubt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
