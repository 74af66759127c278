// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/power.h"
#include "measure/design.h"

// After the meter's reading was switched, before latency counts.
#define SETTLE_S 0.1

enum { MIN_LATENCIES = 8, MOST_LATENCIES = 20000 }; // of a segment

struct run {
    struct power_session *s;
    struct power_source *from;
    struct power_sink *to;
};

const char *power_kind_name(enum power_kind kind)
{
    static const char *const names[POWER_KINDS] = {"swap",   "warm-up",    "idle",
                                                   "window", "latency-on", "latency-off"};
    return names[kind];
}

// Room for one more item, or false.
static bool grow(struct power_session *s, void *items, size_t n, size_t *room, size_t bytes)
{
    void *old, *more;
    if (n < *room)
        return true;
    size_t want = *room ? 2 * *room : 64;
    memcpy(&old, items, sizeof old);
    more = realloc(old, want * bytes);
    if (!more) {
        s->memory_short = true;
        return false;
    }
    memcpy(items, &more, sizeof more);
    *room = want;
    return true;
}

void power_session_free(struct power_session *s)
{
    free(s->window);
    free(s->mark);
    free(s->sample);
    s->window = NULL;
    s->mark = NULL;
    s->sample = NULL;
}

const struct power_mark *power_mark_now(const struct power_session *s)
{
    const struct power_mark *m = s->marks ? &s->mark[s->marks - 1] : NULL;
    return m && isinf(m->end_s) ? m : NULL;
}

// The stretch that most of it lies in.
static void place(const struct power_session *s, struct power_sample *p)
{
    double most = 0;
    p->mark = -1;
    p->edge = false;
    for (size_t i = s->marks; i-- > 0;) {
        const struct power_mark *m = &s->mark[i];
        double overlap = fmin(m->end_s, p->end_s) - fmax(m->begin_s, p->begin_s);
        if (overlap > most) {
            most = overlap;
            p->mark = (int)i;
            p->edge = m->begin_s > p->begin_s || m->end_s < p->end_s;
        }
        if (m->end_s < p->begin_s)
            break;
    }
}

void power_take(struct power_session *s, const struct sc_power_row *row, double clock_zero,
                struct power_sink *to)
{
    for (uint32_t r = 0; r < row->power.rails && r < SC_RAILS; r++) {
        struct power_sample p = {.seq = row->seq,
                                 .begin_s = row->begin_s - clock_zero,
                                 .end_s = row->end_s - clock_zero,
                                 .origin = row->power.origin,
                                 .rail = row->power.rail[r]};
        if (!grow(s, &s->sample, s->samples, &s->sample_room, sizeof *s->sample))
            return;
        place(s, &p);
        s->sample[s->samples++] = p;
        to->sample(to->arg, s, &p);
    }
}

static int begin(struct run *r, enum power_kind kind, int variant, int index)
{
    struct power_session *s = r->s;
    double now = r->from->now(r->from->arg);
    if (!grow(s, &s->mark, s->marks, &s->mark_room, sizeof *s->mark))
        return SC_NO_MEMORY;
    s->mark[s->marks++] = (struct power_mark){kind, variant, index, now, INFINITY};
    r->to->live(r->to->arg, s);
    return SC_OK;
}

static double end(struct run *r)
{
    struct power_mark *m = &r->s->mark[r->s->marks - 1];
    m->end_s = r->from->now(r->from->arg);
    r->s->seconds = m->end_s;
    return m->end_s;
}

static int swap(struct run *r, int variant)
{
    struct power_variant *v = &r->s->variant[variant];
    int code = begin(r, POWER_SWAP, variant, 0);
    if (!code)
        code = r->from->swap(r->from->arg, v->name, v->hash, &v->swap_s);
    end(r);
    r->to->changed(r->to->arg, r->s);
    return code;
}

static int idle(struct run *r, int variant, int which, struct power_idle *out)
{
    if (!(r->s->plan.idle_s > 0))
        return SC_OK;
    int code = begin(r, POWER_IDLE, variant, which);
    if (!code)
        code = r->from->idle(r->from->arg, r->s->plan.idle_s);
    int sampled = r->from->samples(r->from->arg, r->s);
    double until = end(r);
    power_idle_mean(r->s, r->s->mark[r->s->marks - 1].begin_s, until, out);
    r->to->changed(r->to->arg, r->s);
    return code ? code : sampled;
}

static int window(struct run *r, int variant, int index)
{
    struct power_session *s = r->s;
    struct power_window w = {.variant = variant, .index = index};
    int code = begin(r, index < 0 ? POWER_WARMUP : POWER_WINDOW, variant, index);
    if (!code)
        code = r->from->burst(r->from->arg, s->variant[variant].name, s->plan.seconds, &w);
    if (!code)
        code = r->from->samples(r->from->arg, s);
    end(r);
    if (code)
        return code;
    w.variant = variant;
    w.index = index;
    w.begin_s = s->mark[s->marks - 1].begin_s;
    w.end_s = s->mark[s->marks - 1].end_s;
    if (!grow(s, &s->window, s->windows, &s->window_room, sizeof *s->window))
        return SC_NO_MEMORY;
    s->window[s->windows++] = w;
    power_variant_stat(s, variant);
    r->to->changed(r->to->arg, s);
    return SC_OK;
}

static int measure(struct run *r, int variant)
{
    struct power_session *s = r->s;
    struct power_variant *v = &s->variant[variant];
    memcpy(v->name, s->plan.variant[variant], sizeof v->name);
    s->measured = variant + 1;
    power_variant_stat(s, variant);
    int code = swap(r, variant);
    for (int i = 0; i < s->plan.warmup && !code; i++)
        code = window(r, variant, -1);
    if (!code)
        code = idle(r, variant, 0, &v->before);
    while (!code) {
        int due = power_windows_due(s, variant);
        v->next_look = due;
        if (due <= v->good || v->windows >= s->plan.most)
            break;
        code = window(r, variant, v->windows);
    }
    if (!code)
        code = idle(r, variant, 1, &v->after);
    power_variant_stat(s, variant);
    r->to->changed(r->to->arg, s);
    return code;
}

struct latencies {
    double one[MOST_LATENCIES]; // the first of the segment
    double mean_s, p50_s;
};

// Inferences one after the other for so long.
static int segment(struct run *r, const char *variant, bool on, double seconds, int index,
                   struct latencies *l)
{
    double sum = 0, one = 0, until;
    int n = 0, code = r->from->read_meter(r->from->arg, on);
    if (!code)
        code = r->from->idle(r->from->arg, SETTLE_S);
    int begun = begin(r, on ? POWER_LATENCY_ON : POWER_LATENCY_OFF, r->s->measured - 1, index);
    if (begun)
        return begun;
    until = r->from->now(r->from->arg) + seconds;
    while (!code && (n < MIN_LATENCIES || r->from->now(r->from->arg) < until)) {
        code = r->from->latency(r->from->arg, variant, &one);
        if (code)
            break;
        if (n < MOST_LATENCIES)
            l->one[n] = one;
        sum += one;
        n++;
    }
    end(r);
    if (!code)
        code = r->from->samples(r->from->arg, r->s);
    if (code)
        return code;
    int kept = n < MOST_LATENCIES ? n : MOST_LATENCIES;
    sample_sort(l->one, kept);
    l->mean_s = sum / n;
    l->p50_s = sample_quantile(l->one, kept, 0.5);
    r->s->perturbation.inferences[on] += (uint64_t)n;
    return SC_OK;
}

static int perturbation(struct run *r)
{
    struct power_perturbation *p = &r->s->perturbation;
    const struct power_plan *plan = &r->s->plan;
    struct design d = {
        .kind = DESIGN_ABBA, .variants = 2, .blocks = plan->blocks, .seed = plan->seed};
    static struct latencies l; // 160 kB
    double seconds = fmin(1, plan->seconds);
    int code = SC_OK, seen[2] = {0, 0};
    power_perturbation_stat(r->s);
    if (!plan->blocks)
        return SC_OK;
    memcpy(p->variant, plan->variant[plan->variants - 1], sizeof p->variant);
    for (int i = 0; i < design_steps(&d) && !code; i++) {
        struct design_step step = design_step(&d, i);
        int on = step.variant;
        code = segment(r, p->variant, on, seconds, i, &l);
        if (code)
            break;
        p->mean.segment_s[on][seen[on]] = l.mean_s;
        p->p50.segment_s[on][seen[on]++] = l.p50_s;
        p->blocks = design_complete_blocks(&d, i + 1);
        power_perturbation_stat(r->s);
        if ((i + 1) % design_block_steps(&d) == 0)
            r->to->changed(r->to->arg, r->s);
    }
    int back = r->from->read_meter(r->from->arg, true);
    return code ? code : back;
}

int power_session_run(struct power_session *s, struct power_source *from, struct power_sink *to)
{
    struct run r = {s, from, to};
    int code = SC_OK;
    s->state = POWER_RUNNING;
    power_perturbation_stat(s);
    for (int v = 0; v < s->plan.variants && !code; v++)
        code = measure(&r, v);
    if (!code)
        code = perturbation(&r);
    // What the monitor told last, also when the session ends early.
    int last = from->samples(from->arg, s);
    code = code ? code : last;
    s->seconds = from->now(from->arg);
    s->state = code ? POWER_PARTIAL : POWER_COMPLETE;
    if (code == SC_CANCELED)
        snprintf(s->reason, sizeof s->reason, "interrupted");
    else if (code)
        snprintf(s->reason, sizeof s->reason, "%.200s", from->error(from->arg));
    to->changed(to->arg, s);
    return code;
}
