// SPDX-License-Identifier: Apache-2.0
// Hardware choices and plans, without VHDL: refusals name their field, every random shape on every
// random engine gets a whole program in an order that its own waits allow.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tests/support/random.h"
#include "tools/build/plan.h"
#include "tools/model/model_random.h"

enum { PLANS = 300 };
enum { LEDGER_CLOCKS = 96 }; // rtl/sys/ledger.vhd asks that no run is shorter

static struct variant *demand(void)
{
    char why[512];
    struct model_random_options o = {.seed = 1,
                                     .shape = {.window = 24,
                                               .features = 7,
                                               .d_model = 16,
                                               .heads = 1,
                                               .d_ff = 64,
                                               .layers = 1,
                                               .outputs = 1},
                                     .bits = 8};
    struct variant *v = model_random_variant(&o, why, sizeof why);
    assert_non_null(v);
    return v;
}

static void refuses(const char *text, const char *field)
{
    char why[512] = "";
    struct hardware hw;
    struct variant *v = demand();
    json_t *object = json_loads(text, 0, NULL);
    assert_non_null(object);
    assert_int_equal(hardware_choose(&hw, v->model, object, why, sizeof why), -1);
    if (!strstr(why, field))
        fail_msg("%s: \"%s\" does not name %s", text, why, field);
    json_decref(object);
    variant_free(v);
}

static void test_refusals(void **state)
{
    (void)state;
    refuses("{\"tile\": {\"tokens\": 0}}", "hardware.tokens");
    refuses("{\"tile\": {\"outputs\": 33}}", "hardware.outputs");
    refuses("{\"tile\": {\"terms\": \"4\"}}", "hardware.terms");
    refuses("{\"tile\": {\"tokens\": 6}, \"requantisers\": 4}", "hardware.requantisers");
    refuses("{\"tile\": {\"tokens\": 48}}", "hardware.requantisers");
    refuses("{\"requantisers\": 6, \"softmax_lanes\": 4}", "hardware.softmax_lanes");
    refuses("{\"divider\": \"fast\"}", "hardware.divider");
    refuses("{\"constants\": \"block\"}", "hardware.constants");
    refuses("{\"storage\": {\"keys\": \"block\"}}", "hardware.storage.keys");
    refuses("{\"storage\": {\"key\": \"ram\"}}", "hardware.storage.key");
}

static void test_choices_are_taken(void **state)
{
    (void)state;
    char why[512] = "";
    struct hardware hw;
    struct variant *v = demand();
    json_t *object =
        json_loads("{\"tile\": {\"tokens\": 8, \"outputs\": 2, \"terms\": 3},"
                   " \"requantisers\": 4, \"softmax_lanes\": 2, \"divider\": \"serial\","
                   " \"storage\": {\"key\": \"block\"}}",
                   0, NULL);
    assert_int_equal(hardware_choose(&hw, v->model, object, why, sizeof why), 0);
    assert_int_equal(hw.tokens, 8);
    assert_int_equal(hw.outputs, 2);
    assert_int_equal(hw.terms, 3);
    assert_int_equal(hw.requantisers, 4);
    assert_int_equal(hw.softmax_lanes, 2);
    assert_false(hw.divider_pipelined);
    assert_int_equal(hw.storage[BUFFER_KEY], STORAGE_BLOCK);
    assert_int_equal(hw.storage[BUFFER_VALUE], STORAGE_DISTRIBUTED);
    json_decref(object);
    variant_free(v);
}

// Left alone, chains take the DSPs that are left; a tile of 2 outputs x 3 tokens at 8 bits has room
// for three chains of 2 outputs.
static void test_chains(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int chains; // -1: refused
    } cases[] = {
        {"{}", 1},
        {"{\"requantisers\": 3}", 2},
        {"{\"tile\": {\"tokens\": 3, \"outputs\": 2}, \"requantisers\": 1, \"softmax_lanes\": 1}",
         3},
        {"{\"tile\": {\"tokens\": 3, \"outputs\": 2}, \"chains\": 3}", 3},
        {"{\"tile\": {\"tokens\": 3, \"outputs\": 2}, \"chains\": 4}", -1},
        {"{\"tile\": {\"outputs\": 1}}", 0},
    };
    struct variant *v = demand();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char why[512] = "";
        struct hardware hw;
        json_t *object = json_loads(cases[i].text, 0, NULL);
        assert_int_equal(hardware_choose(&hw, v->model, object, why, sizeof why), 0);
        struct plan *p = plan_new(v->model, &hw, why, sizeof why);
        if (cases[i].chains < 0)
            assert_non_null(strstr(why, "chains"));
        else
            assert_int_equal(p->chains, cases[i].chains);
        plan_free(p);
        json_decref(object);
    }
    variant_free(v);
}

static struct plan *plan_of(const struct model_random_options *o, const char *hardware, char *why,
                            size_t whycap, struct variant **v)
{
    struct hardware hw;
    json_t *object = hardware ? json_loads(hardware, 0, NULL) : NULL;
    *v = model_random_variant(o, why, whycap);
    assert_non_null(*v);
    assert_int_equal(hardware_choose(&hw, (*v)->model, object, why, whycap), 0);
    json_decref(object);
    return plan_new((*v)->model, &hw, why, whycap);
}

static int sum_ramb18(const struct plan *p)
{
    int sum = 0;
    for (int i = 0; i < p->memory_count; i++)
        sum += p->memories[i].ramb18;
    return sum;
}

static int kind_of(const struct plan *p, const char *name)
{
    for (int i = 0; i < p->memory_count; i++)
        if (strcmp(p->memories[i].name, name) == 0)
            return (int)p->memories[i].kind;
    return -1;
}

static const struct model_random_options wide = {.seed = 1,
                                                 .shape = {.window = 6,
                                                           .features = 7,
                                                           .d_model = 64,
                                                           .heads = 1,
                                                           .d_ff = 256,
                                                           .layers = 1,
                                                           .outputs = 1},
                                                 .bits = 8};

// What the manifest says is done, and what cannot be is refused with the buffer and the numbers.
static void test_storage_is_honoured(void **state)
{
    (void)state;
    char why[512] = "";
    struct variant *v;
    struct plan *p = plan_of(&wide,
                             "{\"storage\": {\"key\": \"block\", \"value\": \"auto\","
                             " \"activation\": \"distributed\", \"weight\": \"distributed\"}}",
                             why, sizeof why, &v);
    assert_non_null(p);
    assert_int_equal(kind_of(p, "key"), STORAGE_BLOCK);
    assert_int_not_equal(kind_of(p, "value"), STORAGE_AUTO);
    assert_int_equal(kind_of(p, "activation"), STORAGE_DISTRIBUTED);
    for (int i = 0; i < p->bank_count; i++)
        assert_int_equal(p->banks[i].kind, STORAGE_DISTRIBUTED);
    assert_in_range(sum_ramb18(p), 4, 20);
    plan_free(p);
    variant_free(v);

    p = plan_of(&wide, "{\"storage\": {\"weight\": \"block\"}}", why, sizeof why, &v);
    assert_null(p);
    assert_non_null(strstr(why, "hardware.storage.weight: "));
    assert_non_null(strstr(why, "3120 words of 128 bits"));
    variant_free(v);
    p = plan_of(&wide,
                "{\"storage\": {\"window\": \"block\", \"activation\": \"block\","
                " \"numerator\": \"block\", \"key\": \"block\"}}",
                why, sizeof why, &v);
    assert_null(p);
    assert_non_null(strstr(why, "hardware.storage.key: block: "));
    assert_non_null(strstr(why, "RAMB18, where 2 of 20 are left"));
    variant_free(v);
}

// Constants lie where the manifest says; beside the weights only where a job brings them all.
static void test_constants_are_honoured(void **state)
{
    (void)state;
    static const char *const texts[] = {"{\"constants\": \"rom\"}", "{\"constants\": \"stream\"}"};
    char why[512] = "";
    struct variant *v;
    for (int stream = 0; stream < 2; stream++) {
        struct plan *p = plan_of(&wide, texts[stream], why, sizeof why, &v);
        assert_non_null(p);
        assert_int_equal(p->stream_bits > 0, stream);
        plan_free(p);
        variant_free(v);
    }
    struct plan *p = plan_of(&wide,
                             "{\"tile\": {\"tokens\": 1, \"outputs\": 12, \"terms\": 8},"
                             " \"constants\": \"stream\"}",
                             why, sizeof why, &v);
    assert_null(p);
    assert_non_null(strstr(why, "hardware.constants: stream: "));
    variant_free(v);
}

// Every word of the weights lies in one bank, every bank at a multiple of its depth.
static void check_banks(const struct plan *p)
{
    int words = 0;
    for (int i = 0; i < p->bank_count; i++) {
        const struct weight_bank *b = &p->banks[i];
        assert_true(b->words <= b->depth && (b->depth & (b->depth - 1)) == 0);
        assert_int_equal(b->address % b->depth, 0);
        assert_true(i == 0 || b->address >= p->banks[i - 1].address + p->banks[i - 1].words);
        for (int k = 0; k < p->section_count; k++) {
            const struct weight_section *s = &p->sections[k];
            if (s->address < b->address + b->words && b->address < s->address + s->words)
                assert_true(s->bits <= b->bits);
        }
        words += b->words;
    }
    assert_int_equal(words, p->weight_words);
    assert_in_range(sum_ramb18(p), 0, 20);
}

// 8-bit attention and 6-bit feed-forward layers: each at its width, all in the part's Block RAM
// but for the first and last layer.
static void test_weights_have_their_width(void **state)
{
    (void)state;
    char why[512] = "";
    struct hardware hw;
    struct variant *v = model_random_variant(&wide, why, sizeof why);
    assert_non_null(v);
    v->model->bits.layer[0].w_1 = v->model->bits.layer[0].w_2 = 6; // the plan reads no values
    assert_int_equal(hardware_choose(&hw, v->model, NULL, why, sizeof why), 0);
    struct plan *p = plan_new(v->model, &hw, why, sizeof why);
    assert_non_null(p);
    check_banks(p);
    assert_int_equal(p->bank_count, 3);
    assert_int_equal(p->banks[0].bits, 6);
    assert_int_equal(p->banks[0].words, 2048);
    assert_int_equal(p->banks[1].bits, 8);
    assert_int_equal(p->banks[1].words, 1024);
    assert_int_equal(p->banks[2].words, 48);
    assert_int_equal(p->banks[2].kind, STORAGE_DISTRIBUTED);
    plan_free(p);
    variant_free(v);
}

// Waits refer to earlier passes only, begins ascend, every pass is there once.
static void check_program(const struct plan *p)
{
    const struct model_shape *s = &p->model->shape;
    int per_layer = p->blocks * (5 * s->heads + 3);
    if (s->form == MODEL_COLLAPSED)
        assert_int_equal(p->pass_count, p->blocks * 6 + 1);
    else
        assert_int_equal(p->pass_count, p->blocks + s->layers * per_layer + 2);
    assert_int_equal(p->softmax_count, s->layers * s->heads * p->blocks);
    int scores = 0;
    for (int i = 0; i < p->pass_count; i++) {
        const struct pass *a = &p->passes[i];
        assert_true(a->writes <= i && a->softmaxes <= scores && a->reciprocals <= scores);
        assert_true(i == 0 || a->begin > p->passes[i - 1].end);
        assert_true(a->end >= a->begin + (long)a->jobs * a->slices - 1);
        scores += a->op == PASS_SCORES;
    }
    assert_int_equal(p->passes[p->pass_count - 1].op, PASS_OUT);
    assert_true(p->cycles > p->passes[p->pass_count - 1].end);
}

static void random_plans(enum model_form form)
{
    struct rng r;
    rng_init(&r, 20261122);
    for (int i = 0; i < PLANS; i++) {
        char why[512] = "";
        struct model_random_options o = {.seed = rng_u64(&r), .shape.form = form};
        struct variant *v = model_random_variant(&o, why, sizeof why);
        assert_non_null(v);
        struct hardware hw;
        assert_int_equal(hardware_choose(&hw, v->model, NULL, why, sizeof why), 0);
        if (i % 2) {
            hw.requantisers = (int)rng_range(&r, 1, 4);
            hw.tokens = hw.requantisers * (int)rng_range(&r, 1, 3);
            hw.outputs = (int)rng_range(&r, 1, 9);
            hw.terms = (int)rng_range(&r, 1, 6);
            hw.softmax_lanes = 1;
            hw.divider_pipelined = (int)rng_range(&r, 0, 1);
        }
        struct plan *p = plan_new(v->model, &hw, why, sizeof why);
        if (p) {
            check_program(p);
            check_banks(p);
            assert_true(p->cycles > LEDGER_CLOCKS);
        } else if (!strstr(why, "more than the engine's"))
            fail_msg("seed %llu: %s", (unsigned long long)o.seed, why);
        plan_free(p);
        variant_free(v);
    }
}

static void test_random_plans(void **state)
{
    (void)state;
    random_plans(MODEL_ENCODER);
    random_plans(MODEL_COLLAPSED);
}

// As short as a run can be: the smallest shape on an engine that does each job at once.
static void test_shortest_run(void **state)
{
    (void)state;
    char why[512] = "";
    struct variant *v;
    for (int form = 0; form < 2; form++) {
        const struct model_random_options o = {
            .seed = 1,
            .shape = {.window = 2,
                      .features = 1,
                      .d_model = MODEL_MIN_D,
                      .heads = 1,
                      .d_ff = 1,
                      .layers = 1,
                      .outputs = 1,
                      .form = form ? MODEL_COLLAPSED : MODEL_ENCODER},
            .bits = 2};
        struct plan *p = plan_of(&o,
                                 "{\"tile\": {\"tokens\": 2, \"outputs\": 4, \"terms\": 4},"
                                 " \"requantisers\": 2, \"softmax_lanes\": 2,"
                                 " \"divider\": \"pipelined\"}",
                                 why, sizeof why, &v);
        assert_non_null(p);
        assert_true(p->cycles > LEDGER_CLOCKS);
        plan_free(p);
        variant_free(v);
    }
}

// The collapsed form leaves out the passes of k, v, FFN2 and the pool, and stores no f.
static void test_collapsed_plan(void **state)
{
    (void)state;
    char why[512] = "";
    struct model_random_options o = {.seed = 1,
                                     .shape = {.window = 24,
                                               .features = 7,
                                               .d_model = 16,
                                               .heads = 1,
                                               .d_ff = 64,
                                               .layers = 1,
                                               .outputs = 1,
                                               .form = MODEL_COLLAPSED},
                                     .bits = 8};
    struct variant *v = model_random_variant(&o, why, sizeof why), *encoder = demand();
    struct hardware hw;
    assert_non_null(v);
    assert_int_equal(hardware_choose(&hw, encoder->model, NULL, why, sizeof why), 0);
    struct plan *p = plan_new(v->model, &hw, why, sizeof why);
    struct plan *full = plan_new(encoder->model, &hw, why, sizeof why);
    assert_non_null(p);
    assert_non_null(full);
    check_program(p);
    assert_int_equal(p->macs, 24 * (7 * 16 + 2 * 16 * 16 + 16 * 64 + 2 * 24 * 16) + 80);
    assert_true(p->cycles < full->cycles * 2 / 3);
    assert_true(p->activation_depth < full->activation_depth);
    assert_int_equal(p->readout_drop, 3);
    for (int i = 0; i < p->pass_count; i++) {
        enum pass_op op = p->passes[i].op;
        assert_true(op != PASS_K && op != PASS_V && op != PASS_FF2 && op != PASS_POOL);
        assert_int_equal(p->passes[i].pooled, op == PASS_O || op == PASS_FF1);
    }
    plan_free(p);
    plan_free(full);
    variant_free(v);
    variant_free(encoder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_choices_are_taken),
        cmocka_unit_test(test_chains),
        cmocka_unit_test(test_storage_is_honoured),
        cmocka_unit_test(test_constants_are_honoured),
        cmocka_unit_test(test_weights_have_their_width),
        cmocka_unit_test(test_random_plans),
        cmocka_unit_test(test_shortest_run),
        cmocka_unit_test(test_collapsed_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
