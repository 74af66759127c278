// SPDX-License-Identifier: Apache-2.0
#include "tools/train/calibrate.h"

#include <stdlib.h>

#include "tools/train/dice.h"

enum { WINDOWS = 256, SAMPLE = 32768 };
// A wide output costs nothing, so it keeps room for values that training did not show.
enum { WIDE_BITS = 12, FINEST_Y = 256 };
static const double wide_headroom = 1.5;

double calibrate_step(const real *sample, size_t count, struct quant_range range)
{
    double largest = 0, best_step = 0, best_error = INFINITY;
    for (size_t i = 0; i < count; i++) {
        // What lies on the side that the range cuts off anyway says nothing about the step.
        double v = (double)sample[i], size = v < 0 ? (range.lo < 0 ? -v : 0) : v;
        largest = size > largest ? size : largest;
    }
    if (!(largest > 1e-8))
        return 1e-4;
    for (double part = 0.06; part < 1.05; part += 0.02) {
        double step = largest * part / (double)range.hi, error = 0;
        for (size_t i = 0; i < count; i++) {
            double code = (double)sample[i] / step;
            code = code < (double)range.lo ? (double)range.lo : code;
            code = code > (double)range.hi ? (double)range.hi : code;
            double d = floor(code + 0.5) * step - (double)sample[i];
            error += d * d;
        }
        if (error < best_error) {
            best_error = error;
            best_step = step;
        }
    }
    return best_step;
}

// A uniform random sample of a stream of unknown length (Vitter's algorithm R).
struct reservoir {
    real *value; // [SAMPLE]
    uint64_t seen;
};

static void pour(struct reservoir *r, struct dice *dice, const real *value, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t at = r->seen < SAMPLE ? r->seen : dice_below(dice, r->seen + 1);
        r->seen++;
        if (at < SAMPLE)
            r->value[at] = value[i];
    }
}

static void sample_windows(struct net *n, const struct task *t, struct reservoir *r,
                           struct dice *dice)
{
    net_quantise(n, NULL);
    net_begin(n);
    for (int i = 0; i < WINDOWS; i += LANES) {
        int start[LANES];
        for (int lane = 0; lane < LANES; lane++)
            start[lane] = t->start[TASK_TRAIN][dice_below(dice, (uint64_t)t->count[TASK_TRAIN])];
        task_gather(t, start, net_input(n));
        net_forward(n);
        for (int a = 0; a < n->layout.acts; a++)
            pour(&r[a], dice, n->act[a].pre, n->layout.act_size[a] * LANES);
    }
}

static int is_table(const struct net *n, int act)
{
    for (int layer = 0; layer < n->layout.shape.layers; layer++)
        if (act == net_act_index(&n->layout.shape, MODEL_E, layer))
            return 1;
    return 0;
}

// A wide output's step: the grid would choose no headroom.
static double wide_step(const real *sample, size_t count, struct quant_range range)
{
    double largest = 1e-3;
    for (size_t i = 0; i < count; i++)
        largest = fmax(largest, fabs((double)sample[i]));
    return largest * wide_headroom / (double)range.hi;
}

static void set_weight_steps(struct net *n)
{
    for (int i = 0; i < n->layout.linears; i++) {
        const struct net_linear *lin = &n->layout.linear[i];
        n->param[lin->step] = (real)log(
            calibrate_step(n->param + lin->w, (size_t)(lin->in * lin->out), n->weight_range[i]));
    }
}

// One step for both parts of the collapsed form's output weights: r's part is judged as it looks in
// f's steps. The steps of r and f are set. -1 when memory is short.
static int set_shared_step(struct net *n)
{
    const int out = net_linear_index(&n->layout.shape, MODEL_OUT, 0);
    struct net_part part[2];
    if (net_weight_parts(n, out, part) == 1)
        return 0;
    const size_t count = part[0].count + part[1].count;
    real *sample = malloc(count * sizeof *sample);
    if (!sample)
        return -1;
    for (size_t i = 0; i < count; i++)
        sample[i] =
            n->param[part[0].at + i] * (i < part[0].count ? part[1].step / part[0].step : (real)1);
    n->param[n->layout.linear[out].step] =
        (real)log(calibrate_step(sample, count, n->weight_range[out]));
    free(sample);
    return 0;
}

static void set_act_steps(struct net *n, struct reservoir *r)
{
    for (int a = 0; a < n->layout.acts; a++) {
        size_t count = r[a].seen < SAMPLE ? (size_t)r[a].seen : SAMPLE;
        // a table's step is fixed, see net_quantise; what is never quantised has no range
        if (!is_table(n, a) && n->act[a].range.hi > 0)
            n->param[n->layout.act_step[a]] =
                (real)log(calibrate_step(r[a].value, count, n->act[a].range));
    }
}

// The step of a product that y is a sum of.
static double product_step(const struct net *n)
{
    const struct model_shape *s = &n->layout.shape;
    const double w = (double)net_weight_step(n, net_linear_index(s, MODEL_OUT, 0));
    if (s->form == MODEL_COLLAPSED)
        return (double)net_act_step(n, net_act_index(s, MODEL_F, 0)) * w / s->window;
    return (double)net_act_step(n, net_act_index(s, MODEL_O, 0)) * w;
}

static void set_output_step(struct net *n, const struct reservoir *r)
{
    const int y = net_act_index(&n->layout.shape, MODEL_Y, 0);
    if (n->bits.y < WIDE_BITS)
        return;
    size_t count = r[y].seen < SAMPLE ? (size_t)r[y].seen : SAMPLE;
    double wide = wide_step(r[y].value, count, n->act[y].range);
    // Far finer than one product, the multiplier would fit no shift and say nothing more.
    n->param[n->layout.act_step[y]] = (real)log(fmax(wide, product_step(n) / FINEST_Y));
}

int calibrate(struct net *n, const struct task *t, const struct model_bits *bits, uint64_t seed)
{
    struct reservoir r[NET_ACTS] = {{0}};
    struct dice dice = {seed};
    real *memory = malloc((size_t)n->layout.acts * SAMPLE * sizeof *memory);
    if (!memory)
        return -1;
    for (int a = 0; a < n->layout.acts; a++)
        r[a].value = memory + (size_t)a * SAMPLE;
    sample_windows(n, t, r, &dice);
    net_quantise(n, bits);
    set_weight_steps(n);
    set_act_steps(n, r);
    int rc = set_shared_step(n);
    if (!rc)
        set_output_step(n, r);
    free(memory);
    return rc;
}
