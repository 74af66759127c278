// SPDX-License-Identifier: Apache-2.0
#include "tools/vboard/power_model.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const char *const power_rail_names[POWER_RAILS] = {"FPGA_1V0", "FPGA_1V8", "FPGA_IO", "BOARD"};
const char *const power_level_names[POWER_LEVELS] = {"static", "configuration", "idle", "active"};

static const struct power_rail_model default_rails[POWER_RAILS] = {
    [POWER_FPGA_1V0] = {1.0, {0.012, 0.034, 0.024, 0.068}},
    [POWER_FPGA_1V8] = {1.8, {0.018, 0.031, 0.022, 0.026}},
    [POWER_FPGA_IO] = {3.3, {0.005, 0.012, 0.008, 0.017}},
    [POWER_BOARD] = {5.0, {0.262, 0.311, 0.283, 0.352}},
};

void power_model_init(struct power_model *m, uint64_t now_ns)
{
    *m = (struct power_model){.activity = 1,
                              .warmup_tau_s = 120,
                              .state = POWER_STATIC,
                              .now_ns = now_ns,
                              .since_ns = now_ns};
    memcpy(m->rail, default_rails, sizeof m->rail);
}

static double seconds(uint64_t ns)
{
    return (double)ns * 1e-9;
}

// Power at the reference temperature, without drift.
static double level(const struct power_model *m, enum power_rail rail, double busy)
{
    const double *w = m->rail[rail].watts;
    if (m->state == POWER_OFF)
        return 0;
    if (m->state != POWER_IDLE)
        return w[m->state];
    return w[POWER_IDLE] + busy * m->activity * (w[POWER_ACTIVE] - w[POWER_IDLE]);
}

double power_model_watts(const struct power_model *m, enum power_rail rail, uint64_t at_ns)
{
    double t = at_ns > m->since_ns ? seconds(at_ns - m->since_ns) : 0;
    double factor = 1 + m->drift_per_min / 60 * t;
    if (m->warmup != 0)
        factor -= m->warmup * exp(-t / m->warmup_tau_s);
    return factor > 0 ? level(m, rail, m->busy) * factor : 0;
}

// The integral of the factor above.
static double factor_seconds(const struct power_model *m, uint64_t from_ns, uint64_t to_ns)
{
    double a = seconds(from_ns - m->since_ns), b = seconds(to_ns - m->since_ns);
    double tau = m->warmup_tau_s, length = seconds(to_ns - from_ns);
    double warm = m->warmup * tau * (exp(-a / tau) - exp(-b / tau));
    double s = length + m->drift_per_min / 60 * length * (a + b) / 2 - warm;
    return s > 0 ? s : 0;
}

void power_model_advance(struct power_model *m, uint64_t to_ns, double busy)
{
    double s = factor_seconds(m, m->now_ns, to_ns), length = seconds(to_ns - m->now_ns);
    m->busy = busy;
    m->truth.seconds += length;
    m->truth.busy_seconds += busy * length;
    for (unsigned r = 0; r < POWER_RAILS; r++) {
        m->truth.joules[r] += level(m, r, busy) * s;
        if (m->state == POWER_IDLE)
            m->truth.busy_joules[r] += busy * level(m, r, 1) * s;
    }
    m->now_ns = to_ns;
}

void power_model_restart(struct power_model *m)
{
    m->since_ns = m->now_ns;
}

void power_model_mark(struct power_model *m)
{
    m->truth = (struct power_truth){0};
}

// --- the design ---

struct mean {
    double sum;
    unsigned n;
};

static void add_bits(json_t *bits, struct mean *mean)
{
    const char *key;
    json_t *v;
    size_t i;
    json_object_foreach(bits, key, v)
    {
        if (json_is_integer(v) && json_integer_value(v) > 0 && json_integer_value(v) <= 32) {
            mean->sum += (double)json_integer_value(v);
            mean->n++;
        } else if (json_is_array(v)) {
            json_t *layer;
            json_array_foreach(v, i, layer)
            {
                const char *k;
                json_t *b;
                json_object_foreach(layer, k, b)
                {
                    mean->sum += (double)json_integer_value(b);
                    mean->n++;
                }
            }
        }
    }
}

double power_model_activity(const char *package)
{
    char path[1024];
    struct mean mean = {0};
    if (snprintf(path, sizeof path, "%s/manifest.json", package) >= (int)sizeof path)
        return 1;
    json_t *manifest = json_load_file(path, 0, NULL);
    add_bits(json_object_get(manifest, "bits"), &mean);
    json_decref(manifest);
    return mean.n ? 0.4 + 0.6 * (mean.sum / mean.n) / 8 : 1;
}
