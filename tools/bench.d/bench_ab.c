// SPDX-License-Identifier: Apache-2.0
// Simulated A/B experiments through measure/, from the design to the verdict, against a known
// truth. Nothing is measured here: the origin of every figure is "model".
#include "measure/verdict.h"
#include "tools/bench.d/ab_world.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BLOCKS = 400, MOST_EXPERIMENTS = 100000 };

struct settings {
    struct world world;
    struct design design;
    int experiments, first;
    double margin_pct;
    double truth[3];
    int truths;
    bool intervals;
};

struct tally {
    int covered, decided, false_claims, better, worse, equivalent, drifting;
    double abba_bias, blocked_bias;
    double blocks[MOST_EXPERIMENTS];
};

static const char *const shape_names[] = {"normal", "spiky", "correlated"};

static void usage(FILE *out)
{
    fputs("Usage: bench-ab [options]\n"
          "Simulated A/B experiments through the library that judges real ones; prints one JSON\n"
          "object with a row for each true difference. No board is involved: origin \"model\".\n"
          "  --experiments N   for each true difference (2000)\n"
          "  --truth PCT       one true difference instead of 0, 0.5 and 2\n"
          "  --noise PCT       standard deviation of one window (1)\n"
          "  --shape NAME      normal, spiky or correlated (normal)\n"
          "  --drift PCT       linear, per minute (1)\n"
          "  --margin PCT      of equivalence (1)\n"
          "  --blocks N        budget (40)\n"
          "  --first N         blocks before the first look (8)\n"
          "  --design NAME     abba or random-pairs (abba)\n"
          "  --seed N          (1)\n"
          "  --intervals       instead: coverage of intervals from samples of fixed size\n"
          "  --help\n",
          out);
}

// Measures on, window by window, until the comparison stops. The reference's true value is 100.
static void run_experiment(const struct settings *s, struct comparison *c, double true_pct,
                           uint64_t stream)
{
    static double value[MOST_BLOCKS * 4 + 100];
    struct lab lab;
    char why[200];
    lab_open(&lab, &s->world, s->design.seed, stream);
    for (int i = 0; i < design_steps(c->design); i++) {
        int variant = design_step(c->design, i).variant;
        value[i] = lab_measure(&lab, variant, variant ? 100 + true_pct : 100);
        int state = comparison_update(c, value, i + 1, false, why, sizeof why);
        if (state < 0) {
            fprintf(stderr, "bench-ab: %s\n", why);
            exit(1);
        }
        if (state != SEQUENTIAL_GO_ON)
            break;
    }
}

// The same number of windows in the same lab, first all of A, then all of B.
static double blocked_bias(const struct settings *s, int blocks, double true_pct, uint64_t stream)
{
    struct design d = s->design;
    d.kind = DESIGN_BLOCKED;
    d.blocks = s->design.kind == DESIGN_RANDOM_PAIRS ? (blocks + 1) / 2 : blocks;
    struct lab lab;
    lab_open(&lab, &s->world, s->design.seed, stream);
    double sum[2] = {0, 0};
    for (int i = 0; i < design_steps(&d); i++) {
        struct design_step step = design_step(&d, i);
        double value = lab_measure(&lab, step.variant, step.variant ? 100 + true_pct : 100);
        if (step.block >= 0)
            sum[step.variant] += value;
    }
    return effect_shown(EFFECT_RELATIVE, effect_of(EFFECT_RELATIVE, sum[0], sum[1], 1)) - true_pct;
}

// A claim is false when the truth is not what the word says.
static bool false_claim(enum verdict v, double true_pct, double margin_pct)
{
    switch (v) {
    case VERDICT_BETTER: // lower is better
        return !(true_pct < 0);
    case VERDICT_WORSE:
        return !(true_pct > 0);
    case VERDICT_EQUIVALENT:
        return fabs(true_pct) >= margin_pct;
    case VERDICT_UNDECIDED:
        break;
    }
    return false;
}

static void tally_one(const struct settings *s, const struct comparison_report *r, double true_pct,
                      struct tally *t)
{
    t->covered += r->interval.low <= true_pct && true_pct <= r->interval.high;
    t->decided += r->verdict != VERDICT_UNDECIDED;
    t->better += r->verdict == VERDICT_BETTER;
    t->worse += r->verdict == VERDICT_WORSE;
    t->equivalent += r->verdict == VERDICT_EQUIVALENT;
    t->drifting += r->drifts;
    t->false_claims += false_claim(r->verdict, true_pct, s->margin_pct);
    t->abba_bias += r->estimate - true_pct;
}

static void simulate(const struct settings *s, double true_pct, struct tally *t)
{
    static double effects[MOST_BLOCKS], scratch[4000];
    struct comparison_plan plan = {
        .candidate = 1, .alpha = 0.05, .margin = s->margin_pct, .first = s->first};
    *t = (struct tally){0};
    for (int e = 0; e < s->experiments; e++) {
        struct design d = s->design;
        d.seed += (uint64_t)e;
        struct comparison c;
        char why[200];
        if (comparison_begin(&c, &d, &plan, effects, why, sizeof why) != 0) {
            fprintf(stderr, "bench-ab: %s\n", why);
            exit(2);
        }
        run_experiment(s, &c, true_pct, 2 * (uint64_t)e);
        struct comparison_report r;
        comparison_report(&c, d.seed, scratch, &r);
        tally_one(s, &r, true_pct, t);
        t->blocks[e] = r.blocks;
        t->blocked_bias += blocked_bias(s, r.blocks, true_pct, 2 * (uint64_t)e + 1);
    }
    sample_sort(t->blocks, s->experiments);
}

static void print_row(const struct settings *s, double true_pct, struct tally *t)
{
    int n = s->experiments;
    double percent = 100.0 / n, blocks = sample_quantile(t->blocks, n, 0.5);
    double block_s = design_block_steps(&s->design) * s->world.window_s;
    printf("{\"true_diff_pct\":%g,\"experiments\":%d,\"coverage_pct\":%.2f,\"decided_pct\":%.2f,"
           "\"false_positive_pct\":%.2f,\"aabb_bias_pct\":%.3f,\"abba_bias_pct\":%.3f,"
           "\"median_blocks\":%g,\"median_window_minutes\":%.1f,\"better_pct\":%.2f,\"worse_pct\":%"
           ".2f,"
           "\"equivalent_pct\":%.2f,\"drift_flag_pct\":%.2f,\"origin\":\"model\"}",
           true_pct, n, t->covered * percent, t->decided * percent, t->false_claims * percent,
           t->blocked_bias / n, t->abba_bias / n, blocks, blocks * block_s / 60,
           t->better * percent, t->worse * percent, t->equivalent * percent, t->drifting * percent);
}

static bool parse_number(const char *text, double low, double high, double *out)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (errno || end == text || *end || !(value >= low && value <= high))
        return false;
    *out = value;
    return true;
}

static bool parse_shape(const char *word, enum noise_shape *shape)
{
    for (int i = NOISE_NORMAL; i <= NOISE_CORRELATED; i++) {
        if (strcmp(word, shape_names[i]) == 0) {
            *shape = (enum noise_shape)i;
            return true;
        }
    }
    return false;
}

static bool take_option(int option, const char *text, struct settings *s)
{
    double n = 0;
    bool ok = true;
    switch (option) {
    case 'e':
        ok = parse_number(text, 1, MOST_EXPERIMENTS, &n);
        s->experiments = (int)n;
        break;
    case 't':
        s->truths = 1;
        return parse_number(text, -50, 50, &s->truth[0]);
    case 'n':
        return parse_number(text, 0, 50, &s->world.noise_pct);
    case 'h':
        return parse_shape(text, &s->world.shape);
    case 'r':
        return parse_number(text, -50, 50, &s->world.drift_pct_minute);
    case 'm':
        return parse_number(text, 0, 50, &s->margin_pct);
    case 'b':
        ok = parse_number(text, SEQUENTIAL_MIN_FIRST, MOST_BLOCKS, &n);
        s->design.blocks = (int)n;
        break;
    case 'f':
        ok = parse_number(text, SEQUENTIAL_MIN_FIRST, MOST_BLOCKS, &n);
        s->first = (int)n;
        break;
    case 'd':
        return design_kind_parse(text, &s->design.kind) == 0 && s->design.kind != DESIGN_BLOCKED;
    case 's':
        ok = parse_number(text, 0, 1e15, &n);
        s->design.seed = (uint64_t)n;
        break;
    }
    return ok;
}

static const struct option options[] = {
    {"experiments", required_argument, NULL, 'e'},
    {"truth", required_argument, NULL, 't'},
    {"noise", required_argument, NULL, 'n'},
    {"shape", required_argument, NULL, 'h'},
    {"drift", required_argument, NULL, 'r'},
    {"margin", required_argument, NULL, 'm'},
    {"blocks", required_argument, NULL, 'b'},
    {"first", required_argument, NULL, 'f'},
    {"design", required_argument, NULL, 'd'},
    {"seed", required_argument, NULL, 's'},
    {"intervals", no_argument, NULL, 'i'},
    {"help", no_argument, NULL, '?' + 256},
    {0},
};

static void parse_options(int argc, char **argv, struct settings *s)
{
    int option, index = 0;
    while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
        if (option == '?' + 256) {
            usage(stdout);
            exit(0);
        }
        if (option == 'i') {
            s->intervals = true;
        } else if (option == '?') {
            usage(stderr);
            exit(2);
        } else if (!take_option(option, optarg, s)) {
            fprintf(stderr, "bench-ab: --%s cannot be '%s'\n", options[index].name, optarg);
            exit(2);
        }
    }
    if (optind < argc) {
        fprintf(stderr, "bench-ab: unexpected '%s'\n", argv[optind]);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    static struct tally tally;
    struct settings s = {
        .world = {.noise_pct = 1,
                  .drift_pct_minute = 1,
                  .warmup_pct = 3,
                  .warmup_tau_s = 120,
                  .window_s = 10,
                  .swap_s = 0.5},
        .design = {.kind = DESIGN_ABBA, .variants = 2, .blocks = 40, .warmup = 2, .seed = 1},
        .experiments = 2000,
        .first = 8,
        .margin_pct = 1,
        .truth = {0, 0.5, 2},
        .truths = 3,
    };
    parse_options(argc, argv, &s);
    printf("{\"bench\":\"ab\",\"origin\":\"model\",\"rows\":[\n");
    if (s.intervals) {
        intervals_print(s.experiments, s.design.seed);
    } else {
        for (int i = 0; i < s.truths; i++) {
            simulate(&s, s.truth[i], &tally);
            printf("%s", i ? ",\n" : "");
            print_row(&s, s.truth[i], &tally);
        }
    }
    printf("],\n\"design\":\"%s\",\"noise\":\"%s\",\"noise_pct\":%g,\"drift_pct_minute\":%g,"
           "\"margin_pct\":%g,\"budget_blocks\":%d}\n",
           design_kind_name(s.design.kind), shape_names[s.world.shape], s.world.noise_pct,
           s.world.drift_pct_minute, s.margin_pct, s.design.blocks);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
