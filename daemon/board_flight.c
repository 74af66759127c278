// SPDX-License-Identifier: Apache-2.0
// The inferences that are on the board.
#include <string.h>

#include "daemon/board_inside.h"

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
    return b->phase == BOARD_READY && b->running < b->depth;
}

int board_send_window(struct board *b, struct queue_slot *s, int golden, struct package *p,
                      const int8_t *codes)
{
    struct wire_infer m;
    m.window_bytes = (uint32_t)package_window_bytes(p);
    m.outputs = (uint32_t)p->variant->model->shape.outputs;
    memcpy(m.window, codes, m.window_bytes);
    struct board_inflight *f = b->inflight;
    while (f->used) // room was checked: running < depth <= WIRE_INFLIGHT
        f++;
    *f = (struct board_inflight){
        .used = true, .tag = b->next_tag++, .golden = golden, .package = package_ref(p)};
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
        if (b->inflight[i].used && b->inflight[i].slot == s)
            b->inflight[i].slot = NULL;
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
