// SPDX-License-Identifier: Apache-2.0
// Training as a whole on a noisy sine; checkpoints; widths.
#include "tools/train/fit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/train/bits.h"
#include "tools/train/calibrate.h"
#include "tools/train/checkpoint.h"
#include "tools/train/golden.h"
#include "tools/train/test/synthetic.h"

static char why[512];
static const struct model_shape shape = {12, 1, 8, 1, 16, 1, 1, MODEL_ENCODER};

static struct task *sine_task(void)
{
    struct csv_table *table = synthetic_table(900, 1, 0.1, 1);
    const struct task_spec spec = {
        .target = "c0", .window = 12, .horizon = 1, .outputs = 1, .split = {70, 15, 15}};
    struct task *t = task_new(table, &spec, why, sizeof why);
    assert_non_null(t);
    csv_free(table);
    return t;
}

static double validate(void *context, struct net *n, double best)
{
    (void)best;
    return fit_rmse(n, context, TASK_VALIDATION);
}

static int reports;
static void count_report(void *context, const struct fit_epoch *e)
{
    (void)context;
    assert_int_equal(e->epoch, ++reports);
}

static struct fit_epoch train(struct net *n, struct task *t, int epochs, int patience)
{
    const struct fit_options options = {.epochs = epochs,
                                        .batch = 32,
                                        .rate = 0.01,
                                        .weight_decay = 1e-3,
                                        .seed = 7,
                                        .patience = patience};
    const struct fit_hooks hooks = {t, validate, count_report, NULL};
    struct fit_epoch best;
    reports = 0;
    assert_int_equal(fit(n, t, &options, &hooks, NULL, &best), 0);
    return best;
}

static void learn_sine(const struct model_shape *s, const char *widths)
{
    struct task *t = sine_task();
    struct net *n = net_new(s);
    struct model_bits bits;
    struct golden_result result;
    struct golden_difference d;
    net_init(n, 1);
    train(n, t, 40, 0);
    double persistence = baseline_persistence(t, TASK_TEST).rmse / t->scale[0];
    double floating = fit_rmse(n, t, TASK_TEST);
    assert_true(floating < 0.5 * persistence);
    assert_int_equal(bits_parse(&bits, s, widths, why, sizeof why), 0);
    assert_int_equal(calibrate(n, t, &bits, 1), 0);
    struct fit_epoch best = train(n, t, 20, 0);
    net_begin(n);
    struct variant *v = golden_variant(n, t, why, sizeof why);
    assert_non_null(v);
    assert_int_equal(golden_evaluate(v, t, TASK_TEST, &result, why, sizeof why), 0);
    assert_true(result.error.rmse / t->scale[0] < 0.5 * persistence);
    assert_true(result.error.rmse / t->scale[0] < 1.5 * floating);
    assert_int_equal(result.error.windows, t->count[TASK_TEST]);
    assert_int_equal(golden_compare(n, v, t, TASK_VALIDATION, 0, &d, why, sizeof why), 0);
    assert_true(d.outputs < 0.05);
    // The best epoch's parameters are the ones that came back.
    assert_true(fabs(fit_rmse(n, t, TASK_VALIDATION) - best.best_rmse) < 1e-9);
    variant_free(v);
    net_free(n);
    task_free(t);
}

static void quantised_sine_beats_persistence(void **state)
{
    const struct model_shape collapsed = {12, 1, 8, 1, 16, 1, 1, MODEL_COLLAPSED};
    (void)state;
    learn_sine(&shape, "6,x=8,o=8");
    learn_sine(&collapsed, "6,x=8,w_y=8");
}

static void a_seed_gives_the_same_parameters(void **state)
{
    (void)state;
    struct task *t = sine_task();
    struct net *a = net_new(&shape), *b = net_new(&shape);
    net_init(a, 3);
    net_init(b, 3);
    train(a, t, 3, 0);
    train(b, t, 3, 0);
    assert_memory_equal(a->param, b->param, a->layout.count * sizeof *a->param);
    net_init(b, 4);
    assert_memory_not_equal(a->param, b->param, a->layout.count * sizeof *a->param);
    net_free(a);
    net_free(b);
    task_free(t);
}

static double worse_every_time(void *context, struct net *n, double best)
{
    (void)best;
    (void)n;
    return ++*(double *)context;
}

static void patience_ends_a_run_and_keeps_the_best(void **state)
{
    (void)state;
    struct task *t = sine_task();
    struct net *n = net_new(&shape), *untrained = net_new(&shape);
    double calls = 0;
    const struct fit_options options = {.epochs = 50, .batch = 64, .rate = 0.01, .patience = 4};
    const struct fit_hooks hooks = {&calls, worse_every_time, NULL, NULL};
    struct fit_epoch best;
    net_init(n, 1);
    net_init(untrained, 1);
    assert_int_equal(fit(n, t, &options, &hooks, NULL, &best), 0);
    assert_int_equal(best.epoch, 0);
    assert_int_equal((int)calls, 5);
    assert_memory_equal(n->param, untrained->param, n->layout.count * sizeof *n->param);
    net_free(n);
    net_free(untrained);
    task_free(t);
}

static void write_bytes(const char *path, const void *bytes, size_t n)
{
    FILE *out = fopen(path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, n, out), n);
    fclose(out);
}

static size_t read_bytes(const char *path, unsigned char *bytes, size_t cap)
{
    FILE *in = fopen(path, "rb");
    assert_non_null(in);
    size_t n = fread(bytes, 1, cap, in);
    fclose(in);
    return n;
}

static void collapsed_checkpoints_round_trip(void **state)
{
    (void)state;
    const struct model_shape s = {6, 2, 8, 1, 12, 1, 3, MODEL_COLLAPSED};
    struct model_shape encoder = s;
    const struct checkpoint_note note = {1, 2, 3};
    struct checkpoint_note back = {0};
    char path[] = "/tmp/sevencast-checkpoint-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    encoder.form = MODEL_ENCODER;
    struct net *a = net_new(&s), *b = net_new(&s), *other = net_new(&encoder);
    net_init(a, 1);
    for (size_t i = 0; i < a->layout.weights_end; i++)
        a->param[i] += (real)i;
    assert_int_equal(checkpoint_save(a, &note, path, why, sizeof why), 0);
    assert_int_equal(checkpoint_load(b, &back, path, why, sizeof why), 0);
    assert_memory_equal(a->param, b->param, a->layout.weights_end * sizeof *a->param);
    assert_int_equal(checkpoint_load(other, &back, path, why, sizeof why), -1);
    unlink(path);
    net_free(a);
    net_free(b);
    net_free(other);
}

static void checkpoints_round_trip_and_refuse_damage(void **state)
{
    (void)state;
    const struct model_shape two = {6, 2, 8, 2, 12, 2, 3, MODEL_ENCODER};
    const struct checkpoint_note note = {UINT64_MAX, 12, 34};
    struct checkpoint_note back = {0};
    char path[] = "/tmp/sevencast-checkpoint-XXXXXX";
    static unsigned char bytes[65536];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    struct net *a = net_new(&two), *b = net_new(&two), *other = net_new(&shape);
    net_init(a, 1);
    for (size_t i = 0; i < a->layout.weights_end; i++)
        a->param[i] += (real)i; // every parameter its own value: a swap would show
    assert_int_equal(checkpoint_save(a, &note, path, why, sizeof why), 0);
    assert_int_equal(checkpoint_load(b, &back, path, why, sizeof why), 0);
    assert_true(back.seed == note.seed && back.epoch == 12 && back.epochs == 34);
    assert_memory_equal(a->param, b->param, a->layout.weights_end * sizeof *a->param);
    assert_int_equal(checkpoint_load(other, &back, path, why, sizeof why), -1);
    assert_non_null(strstr(why, "tensor 'input.weight': shape is not [8, 1]"));
    size_t n = read_bytes(path, bytes, sizeof bytes);
    write_bytes(path, bytes, n - 4);
    assert_int_equal(checkpoint_load(b, &back, path, why, sizeof why), -1);
    assert_non_null(strstr(why, "data_offsets do not fit the file"));
    write_bytes(path, bytes, 20);
    assert_int_equal(checkpoint_load(b, &back, path, why, sizeof why), -1);
    assert_non_null(strstr(why, "ends within the header"));
    memset(bytes, 255, 8);
    write_bytes(path, bytes, n);
    assert_int_equal(checkpoint_load(b, &back, path, why, sizeof why), -1);
    assert_non_null(strstr(why, "header of 18446744073709551615 bytes"));
    unlink(path);
    assert_int_equal(checkpoint_load(b, &back, path, why, sizeof why), -1);
    net_free(a);
    net_free(b);
    net_free(other);
}

static void widths_are_parsed_in_order(void **state)
{
    (void)state;
    const struct model_shape two = {6, 2, 8, 2, 12, 2, 3, MODEL_ENCODER};
    struct model_bits b;
    assert_int_equal(
        bits_parse(&b, &two, "8,inner=4,weights=3,x=7,layers.1.w_1=2,q=5", why, sizeof why), 0);
    assert_int_equal(b.x, 7);
    assert_int_equal(b.h, 8);
    assert_int_equal(b.y, 16);
    assert_int_equal(b.w_in, 3);
    assert_int_equal(b.layer[0].w_1, 3);
    assert_int_equal(b.layer[1].w_1, 2);
    assert_int_equal(b.layer[0].q, 5);
    assert_int_equal(b.layer[1].k, 4);
    assert_int_equal(b.layer[1].e, 4);
    assert_int_equal(bits_parse(&b, &two, "8", why, sizeof why), 0);
    assert_int_equal(b.layer[0].e, 7);
    static const char *const wrong[][2] = {
        {"", "bits: item '': no width"},
        {"8,", "bits: item '': no width"},
        {"8,x=", "bits: item 'x=': no width"},
        {"8,x=-3", "bits: item 'x=-3': no width"},
        {"8,layers.2.q=3", "bits: item 'layers.2.q=3': no such tensor"},
        {"8,w_3=3", "bits: item 'w_3=3': no such tensor"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(bits_parse(&b, &two, wrong[i][0], why, sizeof why), -1);
        assert_string_equal(why, wrong[i][1]);
    }
    assert_int_equal(bits_parse(&b, &two, "9", why, sizeof why), -1);
    assert_int_equal(bits_parse(&b, &two, "x=8", why, sizeof why), -1);
}

static void widths_of_the_collapsed_form(void **state)
{
    (void)state;
    const struct model_shape s = {6, 2, 8, 1, 12, 1, 3, MODEL_COLLAPSED};
    struct model_bits b;
    assert_int_equal(bits_parse(&b, &s, "5,inner=4,w_y=8", why, sizeof why), 0);
    assert_true(b.x == 5 && b.h == 5 && b.o == 0 && b.w_y == 8 && b.layer[0].q == 4);
    assert_true(b.layer[0].k == 0 && b.layer[0].w_2 == 0 && b.layer[0].w_1 == 5);
    assert_int_equal(bits_parse(&b, &s, "8,o=8", why, sizeof why), -1);
    assert_string_equal(why, "bits: item 'o=8': no such tensor");
    assert_int_equal(bits_parse(&b, &s, "8,layers.0.k=8", why, sizeof why), -1);
}

static void widths_come_from_a_file(void **state)
{
    (void)state;
    char path[] = "/tmp/sevencast-bits-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    static const char text[] = "{\"x\":8,\"h\":6,\"o\":7,\"y\":12,\"w_in\":5,\"w_y\":4,\"inner\":4,"
                               "\"weights\":3,\"layers\":[{\"q\":2}]}";
    struct model_bits b;
    write_bytes(path, text, sizeof text - 1);
    assert_int_equal(bits_read(&b, &shape, path, why, sizeof why), 0);
    assert_int_equal(b.h, 6);
    assert_int_equal(b.layer[0].q, 2);
    assert_int_equal(b.layer[0].k, 4);
    write_bytes(path, "{\"x\":\"8\"}", 9);
    assert_int_equal(bits_read(&b, &shape, path, why, sizeof why), -1);
    assert_string_equal(why, "bits: x: not a width");
    write_bytes(path, "{\"x\":", 5);
    assert_int_equal(bits_read(&b, &shape, path, why, sizeof why), -1);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantised_sine_beats_persistence),
        cmocka_unit_test(a_seed_gives_the_same_parameters),
        cmocka_unit_test(patience_ends_a_run_and_keeps_the_best),
        cmocka_unit_test(checkpoints_round_trip_and_refuse_damage),
        cmocka_unit_test(collapsed_checkpoints_round_trip),
        cmocka_unit_test(widths_are_parsed_in_order),
        cmocka_unit_test(widths_come_from_a_file),
        cmocka_unit_test(widths_of_the_collapsed_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
