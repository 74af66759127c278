// SPDX-License-Identifier: Apache-2.0
// The inferences that are on the board.
#include <stddef.h>
#include <string.h>

#include "daemon/board_inside.h"

enum { LEAD_MIN_MS = 250, LEAD_MAX_MS = 1000 };
#define DEADLINE_MARGIN_NS (300 * NS_PER_MS)

struct board_inflight *board_find_tag(struct board *b, uint32_t tag)
{
    for (int i = 0; i < WIRE_INFLIGHT; i++)
        if (b->inflight[i].used && b->inflight[i].tag == tag)
            return &b->inflight[i];
    return NULL;
}

void board_release(struct board *b, struct board_inflight *f)
{
    package_unref(f->package);
    memset(f, 0, sizeof *f);
    b->running--;
}

bool board_has_room(const struct board *b)
{
    return b->phase == BOARD_READY && b->running < b->depth && !board_burst(b);
}

const struct board_inflight *board_burst(const struct board *b)
{
    for (int i = 0; i < WIRE_INFLIGHT; i++)
        if (b->inflight[i].used && b->inflight[i].burst)
            return &b->inflight[i];
    return NULL;
}

void board_stop_burst(struct board *b, enum service_burst_end why)
{
    struct wire_stop m;
    for (int i = 0; i < WIRE_INFLIGHT; i++) {
        struct board_inflight *f = &b->inflight[i];
        if (!f->used || !f->burst || f->stopping)
            continue;
        f->stop = why;
        f->stopping = true;
        supervise_send(&b->worker, &m, WIRE_STOP, f->tag, sizeof m);
        return; // inflight may be released already: see on_gone
    }
}

// Rest before the burst for its power at idle: a tenth of the burst, within what is worth it.
static uint32_t lead_ms(const struct board *b, const struct service_request *r)
{
    double seconds = r->burst_s > 0 ? r->burst_s : 1;
    if (strcmp(b->conf->meter, "none") == 0)
        return 0;
    return seconds >= LEAD_MAX_MS / 100.0   ? LEAD_MAX_MS
           : seconds <= LEAD_MIN_MS / 100.0 ? LEAD_MIN_MS
                                            : (uint32_t)(seconds * 100);
}

// The burst ends by itself a little before the request's deadline: what was measured is not lost.
static void fill_burst(const struct board *b, const struct queue_slot *s, struct wire_infer *m,
                       struct board_inflight *f)
{
    uint64_t now = now_ns();
    uint64_t left = s->deadline_ns > now ? s->deadline_ns - now : 0;
    uint64_t margin = left / 4 < DEADLINE_MARGIN_NS ? left / 4 : DEADLINE_MARGIN_NS;
    uint64_t most = (uint64_t)b->conf->burst_max_s * NS_PER_S + LEAD_MAX_MS * NS_PER_MS;
    m->repeat = s->request.repeat;
    m->burst_s = b->conf->burst_max_s;
    if (s->request.burst_s > 0 && s->request.burst_s < m->burst_s)
        m->burst_s = s->request.burst_s;
    m->lead_ms = lead_ms(b, &s->request);
    f->least_runs = s->request.burst_s > 0 ? 1 : s->request.repeat;
    f->stop = left - margin < most ? SERVICE_BURST_DEADLINE : SERVICE_BURST_LIMIT;
    m->until_ns = now + (left - margin < most ? left - margin : most);
}

int board_send_window(struct board *b, struct queue_slot *s, int golden, struct package *p,
                      const int8_t *codes)
{
    struct wire_infer m;
    memset(&m, 0, offsetof(struct wire_infer, window));
    m.window_bytes = (uint32_t)package_window_bytes(p);
    m.outputs = (uint32_t)p->variant->model->shape.outputs;
    memcpy(m.window, codes, m.window_bytes);
    struct board_inflight *f = b->inflight;
    while (f->used) // room was checked: running < depth <= WIRE_INFLIGHT
        f++;
    *f = (struct board_inflight){
        .used = true, .tag = b->next_tag++, .golden = golden, .package = package_ref(p)};
    if (s && queue_is_burst(s)) {
        f->burst = true;
        fill_burst(b, s, &m, f);
    }
    b->running++;
    if (supervise_send(&b->worker, &m, WIRE_INFER, f->tag, wire_infer_bytes(&m)) < 0)
        return -1; // all of inflight is already released: see on_gone
    f->slot = s;
    return 0;
}

int board_infer(struct board *b, struct queue_slot *s, const int8_t *codes)
{
    return board_send_window(b, s, -1, b->active, codes);
}

void board_abandon(struct board *b, const struct queue_slot *s)
{
    for (int i = 0; i < WIRE_INFLIGHT; i++)
        if (b->inflight[i].used && b->inflight[i].slot == s) {
            b->inflight[i].slot = NULL;
            if (b->inflight[i].burst)
                board_stop_burst(b, SERVICE_BURST_DEADLINE);
        }
    if (b->load == s)
        b->load = NULL;
}

// Takes every inference back from the board: it will not answer them.
void board_take_back(struct board *b, const char *reason)
{
    for (int i = 0; i < WIRE_INFLIGHT; i++) {
        struct board_inflight *f = &b->inflight[i];
        if (!f->used)
            continue;
        struct queue_slot *s = f->slot;
        board_release(b, f);
        if (s)
            b->calls->unanswered(b->arg, b, s, SERVICE_DEVICE_LOST, reason);
    }
}
