// SPDX-License-Identifier: Apache-2.0
// A burst on the board: its window was loaded by an INFER, which is answered. Around it the meter
// is made to cut its windows: one of rest (the lead), then one that holds the burst and little
// more.
//
//   LOADED -> CUT -> LEAD -> CUT -> RUN -> CUT -> told        CUT and LEAD only with a meter
//
// While it runs nothing else is sent but IDENTIFY, once a second, and STOP.
#include <stdio.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/worker_state.h"

#define CUT_WAIT_NS NS_PER_S
#define LIVE_NS     NS_PER_S
#define MIN_METER_S 0.1 // a shorter burst has no energy: the meter is left alone

static void step(struct worker *w);

// Frames are sent by worker_burst_turn, outside of libusb's callbacks.
static void begin_run(struct worker *w)
{
    w->burst.phase = BURST_RUN;
    w->burst.waiting = false;
}

static void on_timer(void *arg)
{
    struct worker *w = arg;
    if (w->burst.phase == BURST_CUT_LEAD || w->burst.phase == BURST_CUT_BEGIN ||
        w->burst.phase == BURST_CUT_END)
        log_warn("meter", "no window in %llu ms", (unsigned long long)(CUT_WAIT_NS / NS_PER_MS));
    step(w);
}

static void cut(struct worker *w, enum burst_phase phase, enum wire_window window, bool hold,
                int64_t adjust_ns)
{
    struct worker_burst *x = &w->burst;
    x->phase = phase;
    x->held = hold;
    x->cut = meter_thread_cut(w->meter, window, x->job->infer.head.tag, hold, adjust_ns);
    sched_timer_set(&w->sched, &x->timer, now_ns() + CUT_WAIT_NS, on_timer, w);
}

// Board time minus ours while it computed; on a real board there is no difference.
static int64_t adjustment(const struct worker *w)
{
    const struct burst *b = &w->burst.burst;
    if (w->identity.origin == LINK_ORIGIN_BOARD)
        return 0;
    return (int64_t)((double)b->cycles / b->clock_hz * 1e9) -
           (int64_t)w->burst.result.burst.wall_ns;
}

static void over(struct worker *w)
{
    struct worker_burst *x = &w->burst;
    struct job *j = x->job;
    x->result.burst.runs = x->burst.runs;
    x->result.burst.chunks = x->burst.chunks;
    x->result.burst.stopped = x->burst.left > 0;
    x->result.burst.cycles = x->burst.cycles;
    x->result.burst.busy_cycles = x->burst.busy_cycles;
    worker_burst_reset(w);
    worker_end_job(w, j, &x->result);
}

static void after_run(struct worker *w)
{
    if (w->burst.metered)
        cut(w, BURST_CUT_END, WIRE_WINDOW_BURST, false, adjustment(w));
    else
        over(w);
}

// Sends the next frame, or goes on to the end.
static void run(struct worker *w)
{
    struct worker_burst *x = &w->burst;
    struct link_burst frame;
    uint8_t payload[LINK_BURST_BYTES], bytes[LINK_HEADER_BYTES + LINK_BURST_BYTES + LINK_CRC_BYTES];
    if (!burst_next(&x->burst, &frame)) {
        after_run(w);
        return;
    }
    link_burst_encode(&frame, payload);
    x->seq = w->next_seq++;
    size_t n = link_encode(bytes, LINK_BURST, x->seq, payload, sizeof payload);
    if (channel_send(&w->channel, TAG_BURST, bytes, n) < 0)
        return; // all writes are under way: worker_burst_turn comes back
    x->waiting = true;
    x->sent_ns = now_ns();
    if (!x->result.burst.begin_ns)
        x->result.burst.begin_ns = x->sent_ns;
}

static void step(struct worker *w)
{
    struct worker_burst *x = &w->burst;
    sched_timer_clear(&w->sched, &x->timer);
    switch (x->phase) {
    case BURST_CUT_LEAD:
        x->phase = BURST_LEAD;
        sched_timer_set(&w->sched, &x->timer,
                        now_ns() + (uint64_t)x->job->infer.lead_ms * NS_PER_MS, on_timer, w);
        break;
    case BURST_LEAD:
        cut(w, BURST_CUT_BEGIN, WIRE_WINDOW_LEAD, true, 0);
        break;
    case BURST_CUT_BEGIN:
        begin_run(w);
        break;
    case BURST_CUT_END:
        over(w);
        break;
    case BURST_OFF:
    case BURST_RUN:
        break;
    }
}

void worker_burst_cut_done(struct worker *w, uint64_t cut)
{
    struct worker_burst *x = &w->burst;
    if (cut == x->cut && x->phase != BURST_OFF && x->phase != BURST_RUN && x->phase != BURST_LEAD)
        step(w);
}

void worker_burst_begin(struct worker *w, struct job *j, const struct wire_result *answer)
{
    struct worker_burst *x = &w->burst;
    const struct wire_infer *m = &j->infer;
    j->state = JOB_BURST;
    *x = (struct worker_burst){.job = j, .result = *answer, .until_ns = m->until_ns};
    x->result.burst.round_trip_ns = answer->last_ns - j->sent_ns;
    if (!burst_begin(&x->burst, m->repeat, m->burst_s, answer->cycles, w->identity.clock_hz,
                     answer->y, m->outputs)) {
        worker_burst_reset(w);
        worker_fail_job(w, j, WIRE_REFUSED, "a burst of that length cannot be run");
        return;
    }
    double seconds = (double)x->burst.left * answer->cycles / w->identity.clock_hz;
    x->metered = w->meter && seconds >= MIN_METER_S;
    if (!x->metered)
        begin_run(w);
    else if (m->lead_ms)
        cut(w, BURST_CUT_LEAD, WIRE_WINDOW_ANY, true, 0);
    else
        cut(w, BURST_CUT_BEGIN, WIRE_WINDOW_ANY, true, 0);
}

void worker_burst_reset(struct worker *w)
{
    struct worker_burst *x = &w->burst;
    sched_timer_clear(&w->sched, &x->timer);
    x->phase = BURST_OFF;
    x->waiting = false;
    if (x->held) // or the meter would wait for another hour
        meter_thread_cut(w->meter, WIRE_WINDOW_ANY, 0, false, 0);
    x->held = false;
}

bool worker_burst_answers(const struct worker *w, uint16_t seq)
{
    return w->burst.phase == BURST_RUN && w->burst.waiting && w->burst.seq == seq;
}

void worker_burst_on_answer(struct worker *w, const struct link_frame *f, uint64_t at_ns)
{
    struct worker_burst *x = &w->burst;
    char why[BURST_WHY];
    struct job *j = x->job;
    enum burst_verdict verdict = burst_answer(&x->burst, f->type, f->payload, f->n, why);
    x->waiting = false;
    if (verdict != BURST_GOOD) {
        worker_burst_reset(w);
        worker_fail_job(w, j, verdict == BURST_UNKNOWN ? WIRE_REFUSED : WIRE_FAULT, why);
        return;
    }
    x->result.burst.wall_ns += at_ns - x->sent_ns;
    x->result.burst.end_ns = at_ns;
}

// STOP ends the run under way; without a run there is nothing to wait for.
static void stop(struct worker *w)
{
    struct worker_burst *x = &w->burst;
    uint8_t bytes[LINK_HEADER_BYTES + LINK_CRC_BYTES];
    burst_stop(&x->burst);
    size_t n = link_encode(bytes, LINK_STOP, w->next_seq++, NULL, 0);
    if (!x->waiting || channel_send(&w->channel, TAG_BURST, bytes, n) == 0)
        x->stop_ns = now_ns();
}

void worker_burst_stop(struct worker *w, uint32_t tag)
{
    if (w->burst.phase != BURST_OFF && w->burst.job->infer.head.tag == tag)
        w->burst.until_ns = 1;
}

void worker_burst_turn(struct worker *w)
{
    struct worker_burst *x = &w->burst;
    uint64_t now = now_ns();
    if (x->phase == BURST_OFF || x->phase == BURST_CUT_END)
        return;
    if (x->until_ns && now >= x->until_ns && !x->stop_ns && x->phase == BURST_RUN)
        stop(w);
    if (x->phase != BURST_RUN)
        return;
    if (!x->waiting) {
        run(w);
        return;
    }
    if (now - w->vouched_ns > LIVE_NS && !w->guard_sent)
        w->guard_wanted = true;
}

// When an answer is overdue. A real board's time is ours; a simulated one takes as long as it
// takes, until it is told to stop.
static uint64_t overdue_ns(const struct worker *w)
{
    const struct worker_burst *x = &w->burst;
    uint64_t patience = (uint64_t)w->conf.answer_timeout_ms * NS_PER_MS;
    if (x->stop_ns)
        return x->stop_ns + patience;
    if (w->identity.origin != LINK_ORIGIN_BOARD)
        return UINT64_MAX;
    double expected = (double)x->burst.chunk_runs * x->burst.run_cycles / x->burst.clock_hz;
    return x->sent_ns + patience + (uint64_t)(expected * 1.5e9);
}

uint64_t worker_burst_next_check(const struct worker *w)
{
    const struct worker_burst *x = &w->burst;
    if (x->phase != BURST_RUN)
        return UINT64_MAX;
    if (!x->waiting)
        return 0;
    uint64_t next = overdue_ns(w);
    if (x->until_ns && !x->stop_ns && x->until_ns < next)
        next = x->until_ns;
    if (!w->guard_sent && w->vouched_ns + LIVE_NS + NS_PER_MS < next)
        next = w->vouched_ns + LIVE_NS + NS_PER_MS;
    return next;
}

bool worker_burst_overdue(const struct worker *w)
{
    return w->burst.phase == BURST_RUN && w->burst.waiting && now_ns() >= overdue_ns(w);
}
