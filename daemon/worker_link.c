// SPDX-License-Identifier: Apache-2.0
// Inferences in flight, frames, and the guard against other designs.
#include <stdio.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/worker_state.h"

#define GUARD_NS      (20 * NS_PER_MS)
#define GUARD_WAIT_NS NS_PER_S

// ---- jobs

void worker_end_job(struct worker *w, struct job *j, struct wire_result *m)
{
    m->outputs = j->infer.outputs;
    m->sent_ns = j->sent_ns;
    m->written_ns = j->written_ns;
    j->state = JOB_FREE;
    worker_send(w, m, WIRE_RESULT, j->infer.head.tag, sizeof *m);
}

void worker_fail_job(struct worker *w, struct job *j, enum wire_result_status status,
                     const char *reason)
{
    struct wire_result m;
    memset(&m, 0, sizeof m);
    m.status = status;
    snprintf(m.reason, sizeof m.reason, "%s", reason);
    worker_end_job(w, j, &m);
}

static bool on_board(const struct job *j)
{
    return j->state == JOB_SENT || j->state == JOB_HELD || j->state == JOB_BURST;
}

static bool is_burst(const struct job *j)
{
    return j->infer.repeat || j->infer.burst_s > 0;
}

// Answered for good: a burst begins, anything else ends.
static void answered(struct worker *w, struct job *j, struct wire_result *m)
{
    if (!is_burst(j)) {
        worker_end_job(w, j, m);
        return;
    }
    m->sent_ns = j->sent_ns;
    m->written_ns = j->written_ns;
    worker_burst_begin(w, j, m);
}

void worker_end_jobs(struct worker *w, enum wire_result_status status, const char *reason)
{
    worker_burst_reset(w);
    for (int i = 0; i < WIRE_INFLIGHT; i++)
        if (on_board(&w->jobs[i]))
            worker_fail_job(w, &w->jobs[i], status, reason);
}

void worker_return_jobs(struct worker *w, const char *reason)
{
    for (int i = 0; i < WIRE_INFLIGHT; i++)
        if (w->jobs[i].state == JOB_QUEUED)
            worker_fail_job(w, &w->jobs[i], WIRE_RETURNED, reason);
}

void worker_take_infer(struct worker *w, const struct wire_infer *m)
{
    struct job *j = w->jobs;
    while (j < w->jobs + WIRE_INFLIGHT && j->state != JOB_FREE)
        j++;
    if (j == w->jobs + WIRE_INFLIGHT) {
        log_error("link", "front end sends more than %d inferences", WIRE_INFLIGHT);
        return;
    }
    j->infer.head = m->head;
    j->infer.window_bytes = m->window_bytes;
    j->infer.outputs = m->outputs;
    j->infer.repeat = m->repeat;
    j->infer.lead_ms = m->lead_ms;
    j->infer.burst_s = m->burst_s;
    j->infer.until_ns = m->until_ns;
    memcpy(j->infer.window, m->window, m->window_bytes);
    j->state = JOB_QUEUED;
    j->order = w->next_order++;
    j->sent_ns = j->written_ns = 0;
    if (!w->identified)
        worker_fail_job(w, j, WIRE_RETURNED, "the board is not there");
}

static struct job *oldest_queued(struct worker *w)
{
    struct job *oldest = NULL;
    for (int i = 0; i < WIRE_INFLIGHT; i++) {
        struct job *j = &w->jobs[i];
        if (j->state == JOB_QUEUED && (!oldest || (int32_t)(j->order - oldest->order) < 0))
            oldest = j;
    }
    return oldest;
}

static int count_sent(const struct worker *w)
{
    int n = 0;
    for (int i = 0; i < WIRE_INFLIGHT; i++)
        n += w->jobs[i].state == JOB_SENT;
    return n;
}

// An IDENTIFY frame into out, when one is due.
static size_t put_guard(struct worker *w, uint8_t *out, uint64_t now)
{
    bool due = w->guard_wanted || now - w->vouched_ns > GUARD_NS;
    if (!due || w->guard_sent)
        return 0;
    w->guard_wanted = false;
    w->guard_sent = true;
    w->guard_sent_ns = now;
    w->guard_seq = w->next_seq++;
    return link_encode(out, LINK_IDENTIFY, w->guard_seq, NULL, 0);
}

// The board runs another design: all that it was asked, and what it answered, is void.
static void on_betrayal(struct worker *w)
{
    w->betrayed = w->identified = false;
    worker_burst_reset(w);
    log_error("link", "the board was programmed behind our back");
    for (int i = 0; i < WIRE_INFLIGHT; i++)
        if (on_board(&w->jobs[i]))
            worker_fail_job(w, &w->jobs[i], WIRE_RETURNED, "answered by another design");
    worker_return_jobs(w, "the board runs another design");
    worker_tell_state(w, WIRE_IDENTIFIED, "programmed behind our back");
}

static void send_guard(struct worker *w)
{
    uint8_t frame[LINK_HEADER_BYTES + LINK_CRC_BYTES];
    size_t n = w->guard_wanted ? put_guard(w, frame, now_ns()) : 0;
    if (n && channel_send(&w->channel, TAG_GUARD, frame, n) < 0) {
        w->guard_sent = false;
        w->guard_wanted = true; // again on the next turn
    }
}

// A burst has the board for itself.
static bool may_go(const struct worker *w, const struct job *j)
{
    for (int i = 0; i < WIRE_INFLIGHT; i++)
        if (on_board(&w->jobs[i]) && (is_burst(j) || is_burst(&w->jobs[i])))
            return false;
    return true;
}

void worker_run_jobs(struct worker *w)
{
    struct job *j;
    if (w->betrayed)
        on_betrayal(w);
    worker_burst_turn(w);
    while (w->identified && !w->channel.dead && count_sent(w) < w->identity.window_buffers &&
           (j = oldest_queued(w)) && may_go(w, j)) {
        uint8_t frame[CHANNEL_WRITE_BYTES];
        j->sent_ns = now_ns();
        bool guarded = w->guard_sent;
        size_t n = put_guard(w, frame, j->sent_ns);
        j->seq = w->next_seq++;
        n += link_encode(frame + n, LINK_INFER, j->seq, j->infer.window, j->infer.window_bytes);
        if (channel_send(&w->channel, (uint32_t)(j - w->jobs), frame, n) < 0) {
            w->guard_sent = guarded;
            return; // all writes under way: when one ends we are called again
        }
        j->state = JOB_SENT;
    }
    send_guard(w);
}

uint64_t worker_next_check(const struct worker *w)
{
    uint64_t next = worker_burst_next_check(w),
             limit = (uint64_t)w->conf.answer_timeout_ms * NS_PER_MS;
    for (int i = 0; i < WIRE_INFLIGHT; i++)
        if (w->jobs[i].state == JOB_SENT && w->jobs[i].sent_ns + limit < next)
            next = w->jobs[i].sent_ns + limit;
    if (w->guard_sent && w->guard_sent_ns + GUARD_WAIT_NS < next)
        next = w->guard_sent_ns + GUARD_WAIT_NS;
    return next;
}

static bool answer_late(const struct worker *w)
{
    uint64_t limit = (uint64_t)w->conf.answer_timeout_ms * NS_PER_MS, now = now_ns();
    for (int i = 0; i < WIRE_INFLIGHT; i++)
        if (w->jobs[i].state == JOB_SENT && now >= w->jobs[i].sent_ns + limit)
            return true;
    return false;
}

void worker_check_jobs(struct worker *w)
{
    char reason[WIRE_REASON];
    bool guard_late = w->guard_sent && now_ns() >= w->guard_sent_ns + GUARD_WAIT_NS;
    if (!guard_late && !answer_late(w) && !worker_burst_overdue(w))
        return;
    if (guard_late)
        snprintf(reason, sizeof reason, "no identity in 1 s");
    else
        snprintf(reason, sizeof reason, "no answer in %u ms", w->conf.answer_timeout_ms);
    log_warn("link", "%s, recovering dropped_bytes=%llu bad_frames=%u", reason,
             (unsigned long long)w->parser.dropped_bytes, w->parser.bad_frames);
    worker_end_jobs(w, WIRE_TIMEOUT, reason);
    uint8_t hash[sizeof w->identity.hash];
    memcpy(hash, w->identity.hash, sizeof hash);
    if (worker_recover(w) == 0 && memcmp(hash, w->identity.hash, sizeof hash) != 0)
        on_betrayal(w); // it was being programmed, therefore the silence
    else if (w->identified)
        log_info("link", "recovered");
    else if (!w->channel.dead) {
        worker_return_jobs(w, reason);
        worker_tell_state(w, WIRE_SILENT, "no identity after an inference timed out");
    }
}

// ---- frames

static struct job *job_of(struct worker *w, uint16_t seq)
{
    for (int i = 0; i < WIRE_INFLIGHT; i++)
        if (w->jobs[i].state == JOB_SENT && w->jobs[i].seq == seq)
            return &w->jobs[i];
    return NULL;
}

static void on_answer(struct worker *w, struct job *j, const struct link_frame *f, uint64_t at_ns)
{
    struct wire_result m;
    struct link_inference r;
    struct link_fault fault;
    char reason[WIRE_REASON];
    memset(&m, 0, sizeof m);
    if (f->type != (LINK_INFER | LINK_ANSWER) ||
        link_inference_decode(f->payload, f->n, j->infer.outputs, &r, m.y) < 0) {
        if (f->type == LINK_ERROR && link_fault_decode(f->payload, f->n, &fault) == 0)
            snprintf(reason, sizeof reason, "the device answers %s, detail %u",
                     link_error_name(fault.code), fault.detail);
        else
            snprintf(reason, sizeof reason, "answer of type 0x%02x, %zu bytes", f->type, f->n);
        worker_fail_job(w, j, WIRE_FAULT, reason);
        return;
    }
    m.status = WIRE_OK;
    m.cycles = r.cycles;
    m.wait_cycles = r.wait_cycles;
    m.first_ns = w->frame_begin_ns;
    m.last_ns = at_ns;
    if (!j->written_ns || j->written_ns > m.first_ns)
        j->written_ns = m.first_ns; // its completion is reported after the answer's, at times
    // An answer may be read long after it was given, so what it vouches for is the moment of its
    // request; measured from there, no programming fits in between.
    if (at_ns - w->vouched_ns <= GUARD_NS) {
        w->vouched_ns = j->sent_ns;
        answered(w, j, &m);
    } else {
        j->result = m;
        j->state = JOB_HELD;
        w->guard_wanted = true;
    }
}

static void on_guard(struct worker *w, const struct link_frame *f)
{
    struct link_identity id;
    w->guard_sent = false;
    if (f->type != (LINK_IDENTIFY | LINK_ANSWER) ||
        link_identity_decode(f->payload, f->n, &id) < 0) {
        w->guard_wanted = true; // noise on the link
        return;
    }
    if (memcmp(id.hash, w->identity.hash, sizeof id.hash) != 0) {
        memcpy(w->identity_bytes, f->payload, sizeof w->identity_bytes);
        w->betrayed = true;
        return;
    }
    w->vouched_ns = w->guard_sent_ns;
    for (int i = 0; i < WIRE_INFLIGHT; i++)
        if (w->jobs[i].state == JOB_HELD)
            answered(w, &w->jobs[i], &w->jobs[i].result);
    w->guard_wanted = false;
}

static void on_frame(struct worker *w, const struct link_frame *f, uint64_t at_ns)
{
    struct exchange *x = &w->exchange;
    struct job *j = job_of(w, f->seq);
    if (w->betrayed || (w->guard_sent && f->seq == w->guard_seq)) {
        if (!w->betrayed)
            on_guard(w, f);
    } else if (j) {
        on_answer(w, j, f, at_ns);
    } else if (worker_burst_answers(w, f->seq)) {
        worker_burst_on_answer(w, f, at_ns);
    } else if (x->waiting && f->seq == x->seq) {
        x->answered = true;
        x->type = f->type;
        x->n = f->n;
        memcpy(x->payload, f->payload, f->n);
    } else {
        log_debug("link", "stale answer type=0x%02x seq=%u", f->type, f->seq);
    }
}

static void on_received(void *arg, const uint8_t *data, size_t n, uint64_t at_ns)
{
    struct worker *w = arg;
    struct link_frame f;
    size_t used;
    w->received_bytes += n;
    if (w->parser.have == w->parser.done)
        w->frame_begin_ns = at_ns;
    while (link_parse(&w->parser, data, n, &used, &f)) {
        on_frame(w, &f, at_ns);
        w->frame_begin_ns = at_ns;
        data += used;
        n -= used;
    }
}

static void on_written(void *arg, uint32_t tag, uint64_t at_ns)
{
    struct worker *w = arg;
    if (tag < WIRE_INFLIGHT && w->jobs[tag].state == JOB_SENT && !w->jobs[tag].written_ns)
        w->jobs[tag].written_ns = at_ns;
}

const struct channel_calls worker_channel_calls = {on_received, on_written};

void worker_link_reset(struct worker *w)
{
    link_parser_init(&w->parser);
    w->identified = false;
    w->exchange.waiting = w->guard_wanted = w->guard_sent = w->betrayed = false;
    w->next_seq = (uint16_t)(now_ns() / 1000); // answers to an earlier worker must not fit
}
