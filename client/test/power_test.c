// SPDX-License-Identifier: Apache-2.0
// Sessions of sevencast power against a source of this test's own, on its clock: order, medians,
// flags, drift, perturbation, what is on disk after an interruption.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/cli/power_plan.h"

#define assert_near(a, b, by)                                                                      \
    if (!(fabs((a) - (b)) <= (by)))                                                                \
    fail_msg("%s is %.12g, not %.12g", #a, (double)(a), (double)(b))

struct world {
    double now, told; // told: end of the latest window of the monitor
    uint64_t seq;
    double watt;    // at rest
    double drift;   // watts a second
    double joule;   // of an inference of the variant that runs
    double scatter; // of it
    int flag_burst; // this one is flagged; -1 none
    int stop_burst; // this one is interrupted
    int fail_swap;  // this one fails
    bool meter;     // is read
    double slower;  // share that latency grows by while it is
    int swaps, bursts, latencies;
    char log[4096]; // what was asked
    struct power_files files;
    struct power_sink sink;
    struct power_source source;
    int changes;
    char directory[64];
};

static void note(struct world *w, const char *what)
{
    size_t n = strlen(w->log);
    snprintf(w->log + n, sizeof w->log - n, "%s ", what);
}

static double now(void *arg)
{
    return ((struct world *)arg)->now;
}

// A window of the monitor a second, two rails, the second one without values in every tenth.
static int samples(void *arg, struct power_session *s)
{
    struct world *w = arg;
    while (w->meter && w->told + 1 <= w->now) {
        struct sc_power_row row = {.seq = ++w->seq, .begin_s = 100 + w->told};
        row.end_s = 100 + ++w->told;
        row.power = (struct sc_power){
            .origin = SC_ORIGIN_VIRTUAL,
            .window_s = 1,
            .rails = 2,
            .rail = {{.name = "BOARD",
                      .watt = w->watt + w->drift * (w->told - 0.5),
                      .uncertainty_watt = 0.001,
                      .count = 1024},
                     {.name = "FPGA_1V0", .watt = 0.02, .uncertainty_watt = 0.001, .count = 1024}}};
        if (w->seq % 10 == 0)
            snprintf(row.power.rail[1].reason, SC_TEXT_BYTES, "it said \"no\", twice");
        power_take(s, &row, 100, &w->sink);
    }
    return SC_OK;
}

static int swap(void *arg, const char *variant, char hash[SC_HASH_BYTES], double *seconds)
{
    struct world *w = arg;
    note(w, variant);
    snprintf(hash, SC_HASH_BYTES, "%064d", ++w->swaps);
    w->joule = strcmp(variant, "small") == 0 ? 2e-6 : 5e-6;
    w->now += *seconds = 2;
    w->told = floor(w->now);
    return w->swaps == w->fail_swap ? SC_SWAP_FAILED : SC_OK;
}

static int burst(void *arg, const char *variant, double seconds, struct power_window *out)
{
    struct world *w = arg;
    static const double spread[] = {0.3, -1, 0.1, 1, -0.4};
    (void)variant;
    if (w->bursts == w->stop_burst)
        return SC_CANCELED;
    w->now += seconds;
    out->runs = 1000;
    out->cycles = 1500;
    out->inference_s = 15e-6;
    out->window_s = seconds;
    out->samples = (uint32_t)(1024 * seconds);
    out->joule = w->joule * (1 + w->scatter * spread[w->bursts % 5]);
    out->joule_uncertainty = 0.02 * w->joule;
    out->above = out->joule / 4;
    out->above_uncertainty = 0.03 * w->joule;
    out->watt = out->joule / 15e-6;
    out->watt_uncertainty = 0.02 * out->watt;
    snprintf(out->of, sizeof out->of, "BOARD");
    out->rails = 1;
    out->rail[0] = (struct sc_rail){.name = "BOARD", .watt = out->watt, .count = out->samples};
    if (w->bursts == w->flag_burst) {
        out->joule = 77; // must not show anywhere
        snprintf(out->flag, sizeof out->flag, "the sensor <was> at full scale");
    }
    w->bursts++;
    return SC_OK;
}

static int latency(void *arg, const char *variant, double *seconds)
{
    struct world *w = arg;
    (void)variant;
    // a drift of 1 % in the session, and a cheap irregularity
    *seconds = 1e-3 * (w->meter ? 1 + w->slower : 1) *
               (1 + 1e-4 * w->now + 0.002 * (w->latencies++ * 7 % 11 - 5) / 5.0);
    w->now += 0.03;
    return SC_OK;
}

static int read_meter(void *arg, bool on)
{
    struct world *w = arg;
    if (on && !w->meter)
        w->told = floor(w->now);
    w->meter = on;
    return SC_OK;
}

static int idle(void *arg, double seconds)
{
    ((struct world *)arg)->now += seconds;
    return SC_OK;
}

static const char *error(void *arg)
{
    (void)arg;
    return "board bench: DONE stayed low";
}

static void on_sample(void *arg, const struct power_session *s, const struct power_sample *p)
{
    power_files_sample(&((struct world *)arg)->files, s, p);
}

static void on_changed(void *arg, const struct power_session *s)
{
    struct world *w = arg;
    w->changes++;
    power_files_record(&w->files, s);
    power_files_page(&w->files, s);
}

static void on_live(void *arg, const struct power_session *s)
{
    (void)arg;
    (void)power_mark_now(s);
}

static struct world world;
static struct power_session session;

static int begin(void **state)
{
    static int number;
    (void)state;
    memset(&world, 0, sizeof world);
    memset(&session, 0, sizeof session);
    world.watt = 0.25;
    world.scatter = 0.01;
    world.flag_burst = world.stop_burst = -1;
    world.meter = true;
    world.sink = (struct power_sink){&world, on_sample, on_changed, on_live};
    world.source =
        (struct power_source){&world, now, swap, burst, latency, read_meter, idle, samples, error};
    snprintf(world.directory, sizeof world.directory, "/tmp/sc-power-test-%ld-%d", (long)getpid(),
             number++);
    snprintf(session.command, sizeof session.command, "sevencast power <big> small");
    session.plan = (struct power_plan){.variants = 2,
                                       .variant = {"big", "small"},
                                       .windows = 5,
                                       .most = 10,
                                       .warmup = 1,
                                       .seconds = 10,
                                       .idle_s = 5,
                                       .confidence = 0.95,
                                       .seed = 1};
    return power_files_open(&world.files, world.directory) ? 0 : -1;
}

static int finish(void **state)
{
    static const char *const names[] = {"samples.csv", "session.json", "report.html"};
    char path[128];
    (void)state;
    bool good = power_files_close(&world.files);
    power_session_free(&session);
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", world.directory, names[i]);
        unlink(path);
    }
    return good && rmdir(world.directory) == 0 ? 0 : -1; // nothing else is left there
}

static json_t *record(void)
{
    char path[128];
    json_error_t e;
    snprintf(path, sizeof path, "%s/session.json", world.directory);
    json_t *j = json_load_file(path, JSON_REJECT_DUPLICATES, &e);
    if (!j)
        fail_msg("%s: %s", path, e.text);
    return j;
}

static char *contents(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", world.directory, name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
    fclose(f);
    return text;
}

static int count(const char *text, const char *word)
{
    int n = 0;
    for (; (text = strstr(text, word)); text += strlen(word))
        n++;
    return n;
}

static double number(const json_t *object, const char *key)
{
    const json_t *n = json_object_get(object, key);
    if (!json_is_number(n))
        fail_msg("no number %s", key);
    return json_number_value(n);
}

static void a_session_in_its_order(void **state)
{
    (void)state;
    assert_int_equal(power_session_run(&session, &world.source, &world.sink), SC_OK);
    assert_int_equal(session.state, POWER_COMPLETE);
    assert_string_equal(world.log, "big small ");
    assert_int_equal(session.windows, 12); // 5 and a warm-up of each
    static const enum power_kind order[] = {POWER_SWAP,   POWER_WARMUP, POWER_IDLE,
                                            POWER_WINDOW, POWER_WINDOW, POWER_WINDOW,
                                            POWER_WINDOW, POWER_WINDOW, POWER_IDLE};
    assert_int_equal(session.marks, 18);
    for (int i = 0; i < 18; i++) {
        assert_int_equal(session.mark[i].kind, order[i % 9]);
        assert_int_equal(session.mark[i].variant, i / 9);
        assert_true(session.mark[i].end_s > session.mark[i].begin_s);
        assert_true(i == 0 || session.mark[i].begin_s >= session.mark[i - 1].end_s);
    }
    // Windows 1 to 5 of the first variant: -1, 0.1, 1, -0.4, 0.3 % off; the warm-up's is 0.3.
    const struct power_variant *v = &session.variant[0];
    assert_int_equal(v->good, 5);
    assert_int_equal(v->runs, 5000);
    assert_near(v->joule.value, 5e-6 * 1.001, 1e-12);
    assert_near(v->joule.min, 5e-6 * 0.99, 1e-12);
    assert_near(v->joule.max, 5e-6 * 1.01, 1e-12);
    assert_true(v->joule.low >= v->joule.min && v->joule.high <= v->joule.max);
    assert_true(v->joule.low < v->joule.value && v->joule.value < v->joule.high);
    assert_near(v->joule.uncertainty, 1e-7, 1e-12);
    assert_near(v->inference_s.value, 15e-6, 1e-12);
    assert_near(session.variant[1].joule.value, 2e-6 * 1.001, 1e-12);
    assert_int_equal(session.perturbation.blocks, 0);
    assert_true(v->drift.known && fabs(v->drift.share) < 1e-9);
}

static void drift_of_idle_shows(void **state)
{
    (void)state;
    world.drift = 0.0001;
    assert_int_equal(power_session_run(&session, &world.source, &world.sink), SC_OK);
    const struct power_variant *v = &session.variant[0];
    assert_int_equal(v->before.windows, 5);
    assert_int_equal(v->before.rail[0].count, 5 * 1024);
    // 55 s lie between the middles; only BOARD counts, which the energy is of
    assert_near(v->drift.after_w - v->drift.before_w, 0.0055, 1e-9);
    assert_near(v->drift.share, 0.0055 / v->before.rail[0].watt, 1e-6);
}

static void flagged_windows_do_not_count(void **state)
{
    (void)state;
    world.flag_burst = 3;
    assert_int_equal(power_session_run(&session, &world.source, &world.sink), SC_OK);
    const struct power_variant *v = &session.variant[0];
    assert_int_equal(v->windows, 6); // measured again
    assert_int_equal(v->good, 5);
    assert_int_equal(v->joule.n, 5);
    assert_true(v->joule.max < 1e-5);
    json_t *j = record(), *windows;
    windows = json_object_get(json_array_get(json_object_get(j, "variants"), 0), "windows");
    assert_int_equal(json_array_size(windows), 7);
    assert_string_equal(json_string_value(json_object_get(json_array_get(windows, 3), "flag")),
                        "the sensor <was> at full scale");
    assert_null(json_object_get(json_array_get(windows, 4), "flag"));
    json_decref(j);
    char *html = contents("report.html");
    assert_non_null(strstr(html, "the sensor &lt;was&gt; at full scale"));
    free(html);
}

static void flagged_without_end_ends(void **state)
{
    (void)state;
    session.plan.most = 7;
    session.plan.variants = 1;
    world.scatter = NAN; // no window has a value
    assert_int_equal(power_session_run(&session, &world.source, &world.sink), SC_OK);
    assert_int_equal(session.variant[0].joule.n, 0);
    json_t *j = record();
    json_t *v = json_array_get(json_object_get(j, "variants"), 0);
    assert_true(json_is_null(json_object_get(json_object_get(v, "joule_per_inference"), "median")));
    json_decref(j);
}

static void a_target_asks_for_more(void **state)
{
    (void)state;
    session.plan.target_share = 0.004;
    session.plan.most = 100;
    assert_int_equal(power_session_run(&session, &world.source, &world.sink), SC_OK);
    for (int i = 0; i < 2; i++) {
        const struct power_variant *v = &session.variant[i];
        assert_in_range(v->good, POWER_TARGET_FIRST + 1, 99);
        assert_true((v->joule.high - v->joule.low) / 2 <= 0.004 * v->joule.value);
    }
}

static void a_target_out_of_reach_ends(void **state)
{
    (void)state;
    session.plan.target_share = 1e-6;
    session.plan.most = 13;
    assert_int_equal(power_session_run(&session, &world.source, &world.sink), SC_OK);
    assert_int_equal(session.variant[0].good, 13);
}

static void perturbation_is_found(void **state)
{
    (void)state;
    world.slower = 0.02;
    session.plan.variants = 1;
    session.plan.blocks = 12;
    assert_int_equal(power_session_run(&session, &world.source, &world.sink), SC_OK);
    const struct power_perturbation *p = &session.perturbation;
    assert_int_equal(p->blocks, 12);
    assert_true(world.meter); // it is read again
    const struct power_effect *effects[] = {&p->mean, &p->p50};
    for (int i = 0; i < 2; i++) {
        const struct power_effect *e = effects[i];
        assert_near(e->estimate_pct, 2, 0.1); // ABBA: not the drift
        assert_true(e->interval.low <= e->estimate_pct && e->estimate_pct <= e->interval.high &&
                    e->interval.low > 1.9 && e->interval.high < 2.1);
        assert_true(e->bootstrap.low <= e->bootstrap.high);
    }
    assert_true(p->inferences[0] >= 24 * 30 && p->inferences[1] >= 24 * 30);
    json_t *j = record(), *x = json_object_get(json_object_get(j, "perturbation"), "mean");
    assert_near(number(x, "percent"), p->mean.estimate_pct, 1e-9);
    assert_int_equal(json_array_size(json_object_get(x, "segments_on_s")), 24);
    json_decref(j);
    char *html = contents("report.html");
    assert_non_null(strstr(html, "<tr><td>median</td>"));
    free(html);
}

// Everything that was measured before is on disk, and says that it is not all.
static void an_interruption_loses_nothing(void **state)
{
    (void)state;
    world.stop_burst = 9; // the third window of the second variant
    assert_int_equal(power_session_run(&session, &world.source, &world.sink), SC_CANCELED);
    assert_int_equal(session.state, POWER_PARTIAL);
    json_t *j = record(), *variants = json_object_get(j, "variants");
    assert_string_equal(json_string_value(json_object_get(j, "state")), "partial");
    assert_string_equal(json_string_value(json_object_get(j, "reason")), "interrupted");
    assert_int_equal(json_array_size(variants), 2);
    json_t *second = json_array_get(variants, 1);
    assert_int_equal(json_array_size(json_object_get(second, "windows")), 3);
    assert_int_equal(number(second, "windows_good"), 2);
    assert_int_equal(number(json_object_get(j, "samples"), "rows"), session.samples);
    json_decref(j);
    char *csv = contents("samples.csv");
    assert_int_equal(count(csv, "\n"), session.samples + 1); // not closed yet, all is there
    free(csv);
    char *html = contents("report.html");
    assert_non_null(strstr(html, "Partial session"));
    free(html);
}

static void a_failed_swap_is_told(void **state)
{
    (void)state;
    world.fail_swap = 2;
    assert_int_equal(power_session_run(&session, &world.source, &world.sink), SC_SWAP_FAILED);
    json_t *j = record();
    assert_string_equal(json_string_value(json_object_get(j, "reason")),
                        "board bench: DONE stayed low");
    json_decref(j);
}

static void samples_on_one_clock(void **state)
{
    (void)state;
    assert_int_equal(power_session_run(&session, &world.source, &world.sink), SC_OK);
    char *csv = contents("samples.csv"), *line = csv, *end;
    int rows = 0, flagged = 0, windows = 0, edges = 0;
    double before = 0;
    assert_int_equal(strncmp(csv, "begin_s,end_s,rail,power_mw,uncertainty_mw,samples,phase,", 57),
                     0);
    for (line = strchr(line, '\n') + 1; *line; line = end + 1, rows++) {
        char rail[16], rest[200];
        double begin_s, end_s;
        end = strchr(line, '\n');
        assert_non_null(end);
        *end = '\0';
        assert_int_equal(sscanf(line, "%lf,%lf,%15[^,],%199[^\n]", &begin_s, &end_s, rail, rest),
                         4);
        assert_true(begin_s >= before && end_s > begin_s);
        before = begin_s;
        assert_non_null(strstr(rest, ",virtual,"));
        bool has_flag = strstr(rest, "it said  no , twice") != NULL; // quotes became spaces
        assert_int_equal(has_flag, strncmp(rest, ",,,", 3) == 0);
        flagged += has_flag;
        windows += strstr(rest, ",window,") != NULL;
        edges += strstr(rest, "reaches beyond") != NULL;
    }
    free(csv);
    assert_int_equal(rows, session.samples);
    assert_int_equal(flagged, session.samples / 20);
    assert_in_range(windows, 190, 200); // 2 rails, 2 variants, 5 windows of 10 s
    assert_int_equal(edges, 0);
}

// Each table row and each plot says where its figures come from; nothing else is needed.
static void the_page_is_whole(void **state)
{
    (void)state;
    session.plan.blocks = 4;
    assert_int_equal(power_session_run(&session, &world.source, &world.sink), SC_OK);
    char *html = contents("report.html");
    assert_int_equal(count(html, "\n<tr><td>"), count(html, "<td>virtual</td>"));
    assert_int_equal(count(html, "<svg"), 4);
    assert_int_equal(count(html, "(virtual)</text>"), 4);
    assert_null(strstr(html, "src="));
    assert_null(strstr(html, "href="));
    assert_non_null(strstr(html, "sevencast power &lt;big&gt; small"));
    assert_true(strlen(html) < 100000);
    free(html);
}

static void no_session_is_overwritten(void **state)
{
    struct power_files again;
    (void)state;
    assert_false(power_files_open(&again, world.directory));
    assert_non_null(strstr(again.why, "samples.csv"));
    assert_false(power_files_open(&again, "/nonexistent/folder"));
    // and a full or vanished disk is told
    struct power_files gone = world.files;
    snprintf(gone.directory, sizeof gone.directory, "/nonexistent");
    power_files_record(&gone, &session);
    assert_true(gone.failed && strstr(gone.why, "session.json"));
}

static void plans_are_checked(void **state)
{
    struct power_plan p;
    struct options o = {
        .words = 1, .word = {"demand-w8"}, .warmup = 1, .perturbation = -1, .seed = 1};
    (void)state;
    assert_null(power_plan_make(&o, &p));
    assert_true(p.windows == 5 && p.most == 10 && p.seconds == 10 && p.blocks == 8);
    assert_true(p.confidence == 0.95 && p.target_share == 0);
    o.seconds = "0.5";
    o.target_ci = "1%";
    o.idle = "2s";
    o.confidence = "90";
    assert_null(power_plan_make(&o, &p));
    assert_true(p.seconds == 0.5 && p.idle_s == 2 && p.most == 100);
    assert_near(p.target_share, 0.01, 1e-12);
    assert_near(p.confidence, 0.9, 1e-12);
    static const struct {
        const char *seconds, *target, *idle, *confidence;
        int windows, most;
        const char *says;
    } bad[] = {{"0.05", NULL, NULL, NULL, 0, 0, "--seconds"},
               {"nan", NULL, NULL, NULL, 0, 0, "--seconds"},
               {"10h", NULL, NULL, NULL, 0, 0, "--seconds"},
               {"11min", NULL, NULL, NULL, 0, 0, "--seconds"},
               {NULL, "0", NULL, NULL, 0, 0, "--target-ci"},
               {NULL, "one", NULL, NULL, 0, 0, "--target-ci"},
               {NULL, "60%", NULL, NULL, 0, 0, "--target-ci"},
               {NULL, NULL, "1.9", NULL, 0, 0, "--idle"},
               {NULL, NULL, "-1", NULL, 0, 0, "--idle"},
               {NULL, NULL, NULL, "100", 0, 0, "--confidence"},
               {NULL, NULL, NULL, NULL, 501, 0, "--windows"},
               {NULL, NULL, NULL, NULL, 9, 8, "--max-windows"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        o.seconds = bad[i].seconds;
        o.target_ci = bad[i].target;
        o.idle = bad[i].idle;
        o.confidence = bad[i].confidence;
        o.windows = bad[i].windows;
        o.max_windows = bad[i].most;
        const char *why = power_plan_make(&o, &p);
        if (!why || !strstr(why, bad[i].says))
            fail_msg("%zu: %s, not about %s", i, why ? why : "taken", bad[i].says);
    }
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_session_in_its_order),
        TEST(drift_of_idle_shows),
        TEST(flagged_windows_do_not_count),
        TEST(flagged_without_end_ends),
        TEST(a_target_asks_for_more),
        TEST(a_target_out_of_reach_ends),
        TEST(perturbation_is_found),
        TEST(an_interruption_loses_nothing),
        TEST(a_failed_swap_is_told),
        TEST(samples_on_one_clock),
        TEST(the_page_is_whole),
        TEST(no_session_is_overwritten),
        cmocka_unit_test(plans_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
