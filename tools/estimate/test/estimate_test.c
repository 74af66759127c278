// SPDX-License-Identifier: Apache-2.0
// Formulas against counts that are known, refusals with their messages, and the committed
// coefficients against the committed counts.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "tools/estimate/calibration.h"
#include "tools/estimate/configuration.h"
#include "tools/estimate/lanes.h"
#include "tools/vboard/power_model.h"

static const char file[] = "tools/estimate/calibration.json";

static struct plan *plan_of(const char *text, struct variant **v)
{
    char why[512] = "";
    struct hardware hw;
    json_t *object = json_loads(text, 0, NULL);
    assert_non_null(object);
    *v = configuration_variant(object, why, sizeof why);
    json_decref(object);
    if (!*v)
        fail_msg("%s", why);
    assert_int_equal(hardware_choose(&hw, (*v)->model, (*v)->hardware, why, sizeof why), 0);
    struct plan *p = plan_new((*v)->model, &hw, why, sizeof why);
    if (!p)
        fail_msg("%s", why);
    return p;
}

// Lanes, shift registers, DSPs and RAMB18s as yosys counted them.
static void test_structure(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int lanes, rows, row_luts, registers, srl; // a lane's
        int dsp, ramb18;
        int waiting, waiting_srl;
    } cases[] = {
        {"{\"shape\": {\"window\": 6, \"features\": 4, \"d_model\": 8, \"d_ff\": 16}, \"bits\": 4}",
         8, 8, 50, 29, 2, 19, 20, 262, 4},
        {"{\"shape\": {\"window\": 12, \"features\": 7, \"d_model\": 16}, \"bits\": 6, \"seed\": 2,"
         " \"hardware\": {\"tile\": {\"tokens\": 4, \"outputs\": 2, \"terms\": 4},"
         " \"requantisers\": 2, \"softmax_lanes\": 1, \"divider\": \"serial\", \"chains\": 0}}",
         8, 12, 100, 55, 4, 5, 20, 560, 24},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct variant *v;
        struct plan *p = plan_of(cases[i].text, &v);
        struct lane_shape l = lane_shape(p);
        struct operand_delays d = operand_delays(p);
        struct part_features f;
        parts_describe(&f, p);
        assert_int_equal(l.rows, cases[i].rows);
        assert_int_equal(l.row_luts, cases[i].row_luts);
        assert_int_equal(l.registers, cases[i].registers);
        assert_int_equal(l.srl, cases[i].srl);
        assert_int_equal(d.registers, cases[i].waiting);
        assert_int_equal(d.srl, cases[i].waiting_srl);
        assert_int_equal((int)f.value[PART_LANES][PART_LUT][0], cases[i].lanes * cases[i].row_luts);
        assert_int_equal(parts_dsp(p), cases[i].dsp);
        assert_int_equal(parts_ramb18(p), cases[i].ramb18);
        plan_free(p);
        variant_free(v);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"{}", "shape: missing"},
        {"{\"shape\": {\"window\": 6, \"features\": 0, \"d_model\": 8}, \"bits\": 4}",
         "features: not a number in its range"},
        {"{\"shape\": {\"window\": 6, \"features\": 4, \"d_model\": 8}}",
         "bits: neither a number nor an object"},
        {"{\"shape\": {\"window\": 6, \"features\": 4, \"d_model\": 8}, \"bits\": 9}",
         "bits: not a number in its range"},
        {"{\"shape\": {\"window\": 6, \"features\": 4, \"d_model\": 8}, \"bits\": {\"all\": 4,"
         " \"w_1\": 1}}",
         "w_1: not a number in its range"},
        {"{\"shape\": {\"window\": 6, \"features\": 4, \"d_model\": 8}, \"bits\": {\"w_1\": 4}}",
         "x"},
        {"{\"shape\": {\"window\": 6, \"features\": 4, \"d_model\": 9, \"heads\": 2}, \"bits\": 4}",
         "heads"},
        {"{\"shape\": {\"window\": 6, \"features\": 4, \"d_model\": 8}, \"bits\": 4, \"form\":"
         " \"decoder\"}",
         "form: neither"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char why[512] = "";
        json_t *object = json_loads(cases[i].text, 0, NULL);
        assert_non_null(object);
        assert_null(configuration_variant(object, why, sizeof why));
        if (!strstr(why, cases[i].why))
            fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].text, why, cases[i].why);
        json_decref(object);
    }
}

// A width that is named is taken, in each layer or in one.
static void test_widths(void **state)
{
    (void)state;
    struct variant *v;
    struct plan *p =
        plan_of("{\"shape\": {\"window\": 6, \"features\": 4, \"d_model\": 8, \"layers\": 2},"
                " \"bits\": {\"all\": 5, \"w_1\": 3, \"y\": 12, \"layers\": [{}, {\"v\": 7}]}}",
                &v);
    const struct model_bits *b = &v->model->bits;
    assert_int_equal(b->x, 5);
    assert_int_equal(b->y, 12);
    assert_int_equal(b->layer[0].w_1, 3);
    assert_int_equal(b->layer[1].w_1, 3);
    assert_int_equal(b->layer[0].v, 5);
    assert_int_equal(b->layer[1].v, 7);
    plan_free(p);
    variant_free(v);
}

// The power is the virtual board's.
static void test_power(void **state)
{
    (void)state;
    char why[512];
    struct variant *v = variant_load("variants/demand-w8", why, sizeof why);
    assert_non_null(v);
    double activity = 0.4 + 0.6 * estimate_mean_bits(v->model) / 8;
    assert_true(fabs(activity - power_model_activity("variants/demand-w8")) < 1e-9);
    variant_free(v);
}

static void check(const char *name, const char *what, int counted, int model, double pct)
{
    int off = model > counted ? model - counted : counted - model;
    if (off > 20 && off > counted * pct / 100)
        fail_msg("%s: %s: counted %d, model %d", name, what, counted, model);
}

static void test_committed_counts(void **state)
{
    (void)state;
    char why[512];
    int held = 0;
    struct calibration *c = calibration_load(file, why, sizeof why);
    if (!c)
        fail_msg("%s", why);
    for (size_t i = 0; i < c->count; i++) {
        const struct calibrated *k = &c->list[i];
        held += k->held_out;
        // the aim is 3 % of what the fit has not seen; it pulls on what it has
        double pct = k->held_out ? 3 : 7;
        check(k->name, "lut", k->lut, k->estimate.lut, pct);
        check(k->name, "ff", k->ff, k->estimate.ff, pct);
        check(k->name, "lutram", k->lutram, k->estimate.lutram, pct);
        assert_int_equal(k->dsp, k->estimate.dsp);
        if (k->current) // what lies where is the planner's, which is newer than older counts
            assert_int_equal(k->ramb18, k->estimate.ramb18);
    }
    assert_true(held > 0 && (size_t)held < c->count);
    calibration_free(c);
}

// Nobody has moved the coefficients by hand.
static void test_committed_coefficients(void **state)
{
    (void)state;
    static fitted_t x;
    char why[512];
    struct calibration *c = calibration_load(file, why, sizeof why);
    assert_non_null(c);
    calibration_fit(c, x);
    for (int part = 0; part < PARTS; part++)
        for (int r = 0; r < PART_RESOURCES; r++)
            for (int i = 0; i < PART_FEATURES; i++)
                if (fabs(x[part][r][i] - estimate_coefficients[part][r][i]) > 1e-3)
                    fail_msg("%s: resource %d, feature %d: fitted %f, committed %f",
                             part_name((enum part)part), r, i, x[part][r][i],
                             estimate_coefficients[part][r][i]);
    assert_string_equal(json_string_value(json_object_get(c->file, "rtl_sha256")),
                        estimate_rtl_digest);
    calibration_free(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_structure),        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_widths),           cmocka_unit_test(test_power),
        cmocka_unit_test(test_committed_counts), cmocka_unit_test(test_committed_coefficients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
