// SPDX-License-Identifier: Apache-2.0
// The words after "power", from the control socket and the command line.
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/vboard/power_meter.h"

struct words {
    char *const *word;
    size_t n, next;
    char *why;
    size_t whycap;
};

static int refuse(struct words *w, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(struct words *w, const char *format, ...)
{
    va_list a;
    va_start(a, format);
    vsnprintf(w->why, w->whycap, format, a);
    va_end(a);
    return -1;
}

// The next word as a number in [low, high].
static int number(struct words *w, const char *what, double low, double high, double *value)
{
    if (w->next >= w->n)
        return refuse(w, "%s is missing", what);
    const char *text = w->word[w->next++];
    char *end;
    errno = 0;
    double v = strtod(text, &end);
    if (errno || end == text || *end || !(v >= low && v <= high))
        return refuse(w, "%s: %s is not a number from %g to %g", what, text, low, high);
    *value = v;
    return 0;
}

// The next word's place among names.
static int choice(struct words *w, const char *const *names, size_t count, size_t *which)
{
    const char *text = w->next < w->n ? w->word[w->next++] : "";
    for (size_t i = 0; i < count; i++) {
        if (!strcmp(text, names[i])) {
            *which = i;
            return 0;
        }
    }
    char list[120] = "";
    for (size_t i = 0, at = 0; i < count && at < sizeof list; i++)
        at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", i ? ", " : "", names[i]);
    return refuse(w, "\"%s\": one of %s expected", text, list);
}

// ---- commands of one number

static void set_seed(struct power_meter *p, double seed)
{
    p->random = (uint64_t)seed;
}

static void set_noise(struct power_meter *p, double ppm)
{
    p->noise = ppm * 1e-6;
}

static void set_drift(struct power_meter *p, double ppm_per_min)
{
    p->model.drift_per_min = ppm_per_min * 1e-6;
    power_model_restart(&p->model);
}

static void set_clock(struct power_meter *p, double ppm)
{
    pac1934_set_clock(&p->pac, (int32_t)ppm);
}

static void set_speed(struct power_meter *p, double times)
{
    p->time.idle_speed = (uint32_t)times;
}

static void skip(struct power_meter *p, double seconds)
{
    board_time_skip(&p->time, (uint64_t)(seconds * 1e9));
}

static void nak(struct power_meter *p, double transactions)
{
    p->bus.nak_left = (uint32_t)transactions;
}

static void lose(struct power_meter *p, double samples)
{
    p->pac.lose_left = (uint32_t)samples;
}

static const struct setting {
    const char *name, *what;
    double low, high;
    void (*set)(struct power_meter *p, double value);
} settings[] = {
    {"seed", "seed", 0, 4294967295.0, set_seed},
    {"noise", "noise in ppm", 0, 1e6, set_noise},
    {"drift", "drift in ppm per minute", -1e6, 1e6, set_drift},
    {"clock", "clock error in ppm", -50000, 50000, set_clock},
    {"speed", "speed of waiting", 1, 1000, set_speed},
    {"skip", "seconds", 0, 10000, skip},
    {"nak", "number of transactions", 0, 1e9, nak},
    {"lose", "number of samples", 0, 1e9, lose},
};

// ---- the others

static int set_warmup(struct power_meter *p, struct words *w)
{
    double ppm, tau;
    if (number(w, "warm-up in ppm", -1e6, 1e6, &ppm) ||
        number(w, "its time constant in seconds", 1e-3, 1e6, &tau))
        return -1;
    p->model.warmup = ppm * 1e-6;
    p->model.warmup_tau_s = tau;
    power_model_restart(&p->model);
    return 0;
}

static const char *const fronts[POWER_FRONTS] = {"FPGA_1V0", "FPGA_1V8", "FPGA_IO",
                                                 "BOARD",    "INA226",   "INA228"};
// Gain and offset as the data sheets allow: PAC1934 1 % of power; INA226 0.1 %, 10 uV; INA228
// 0.05 %, 1 uV. The PAC1934's offset limit is a guess.
static const double gain_limit_ppm[POWER_FRONTS] = {10000, 10000, 10000, 10000, 1000, 500};
static const double offset_limit_uv[POWER_FRONTS] = {20, 20, 20, 20, 10, 1};

static int set_gain(struct power_meter *p, struct words *w)
{
    size_t i;
    double ppm;
    if (choice(w, fronts, POWER_FRONTS, &i) ||
        number(w, "gain error in ppm", -gain_limit_ppm[i], gain_limit_ppm[i], &ppm))
        return -1;
    p->front[i].gain = ppm * 1e-6;
    return 0;
}

static int set_offset(struct power_meter *p, struct words *w)
{
    size_t i;
    double uv;
    if (choice(w, fronts, POWER_FRONTS, &i) ||
        number(w, "offset in uV", -offset_limit_uv[i], offset_limit_uv[i], &uv))
        return -1;
    p->front[i].offset = uv * 1e-6;
    return 0;
}

static int set_rail(struct power_meter *p, struct words *w)
{
    size_t rail, level;
    double uw;
    if (choice(w, power_rail_names, POWER_RAILS, &rail) ||
        choice(w, power_level_names, POWER_LEVELS, &level) || number(w, "power in uW", 0, 1e7, &uw))
        return -1;
    p->model.rail[rail].watts[level] = uw * 1e-6;
    return 0;
}

static int do_mark(struct power_meter *p, struct words *w)
{
    (void)w;
    power_model_mark(&p->model);
    return 0;
}

static int do_reset(struct power_meter *p, struct words *w)
{
    size_t i = 0;
    static const char *const names[] = {"PAC1934", "INA226", "INA228"};
    if (w->next < w->n && choice(w, names, 3, &i))
        return -1;
    if (i == 0)
        pac1934_reset(&p->pac, p->time.now_ns);
    else
        ina226_reset(&p->ina[i - 1], p->time.now_ns);
    return 0;
}

static int do_saturate(struct power_meter *p, struct words *w)
{
    (void)w;
    pac1934_saturate(&p->pac);
    return 0;
}

static int do_sda_low(struct power_meter *p, struct words *w)
{
    static const char *const names[] = {"off", "on"};
    size_t on;
    if (choice(w, names, 2, &on))
        return -1;
    p->bus.sda_stuck = on;
    return 0;
}

static const struct command {
    const char *name;
    int (*run)(struct power_meter *p, struct words *w);
} commands[] = {
    {"warmup", set_warmup}, {"gain", set_gain},  {"offset", set_offset},  {"rail", set_rail},
    {"mark", do_mark},      {"reset", do_reset}, {"sda-low", do_sda_low}, {"saturate", do_saturate},
};

static int run(struct power_meter *p, const char *name, struct words *w)
{
    double value;
    for (const struct setting *s = settings; s < settings + sizeof settings / sizeof *s; s++)
        if (strcmp(name, s->name) == 0) {
            board_time_sync(&p->time);
            if (number(w, s->what, s->low, s->high, &value))
                return -1;
            s->set(p, value);
            return 0;
        }
    for (const struct command *c = commands; c < commands + sizeof commands / sizeof *c; c++)
        if (strcmp(name, c->name) == 0) {
            board_time_sync(&p->time);
            return c->run(p, w);
        }
    return refuse(w, "power: unknown word \"%s\"", name);
}

int power_meter_command(struct power_meter *p, char *const *word, size_t n, char *why,
                        size_t whycap)
{
    struct words w = {.word = word, .n = n, .next = 1, .why = why, .whycap = whycap};
    if (run(p, n ? word[0] : "", &w))
        return -1;
    return w.next >= n ? 0 : refuse(&w, "%s: too many words", word[w.next]);
}

int power_meter_command_line(struct power_meter *p, const char *line, char *why, size_t whycap)
{
    enum { LINE_MAX_BYTES = 200, WORDS_MAX = 8 };
    char copy[LINE_MAX_BYTES], *word[WORDS_MAX], *save = NULL;
    size_t n = 0;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *w = strtok_r(copy, " ", &save); w && n < WORDS_MAX; w = strtok_r(NULL, " ", &save))
        word[n++] = w;
    return power_meter_command(p, word, n, why, whycap);
}
