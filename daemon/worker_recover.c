// SPDX-License-Identifier: Apache-2.0
// The recovery of the link: to a known state, whatever was on it.
#include <string.h>

#include "daemon/worker_state.h"

// A purge empties the chip's buffers but not the FPGA: it may hold half a frame of ours, and
// answers on their way. Zeros end any frame, silence ends the answers.
enum { ZEROS = LINK_MAX_FRAME, RECOVER_TRIES = 2 };
#define SILENCE_NS       (20 * NS_PER_MS)
#define DRAIN_MAX_NS     (300 * NS_PER_MS)
#define IDENTIFY_WAIT_NS NS_PER_S

static bool go_on(struct worker *w)
{
    return !w->channel.dead && worker_breathe(w);
}

static void drain(struct worker *w)
{
    uint64_t begin = now_ns();
    uint64_t bytes = w->received_bytes;
    for (uint64_t quiet_since = begin, now = begin;
         go_on(w) && now - quiet_since < SILENCE_NS && now - begin < DRAIN_MAX_NS; now = now_ns()) {
        channel_pump(&w->channel, 5 * NS_PER_MS);
        if (w->received_bytes != bytes) {
            bytes = w->received_bytes;
            quiet_since = now_ns();
        }
    }
}

static int ask(struct worker *w, uint8_t type, uint64_t wait_ns)
{
    uint8_t frame[LINK_HEADER_BYTES + LINK_CRC_BYTES];
    struct exchange *x = &w->exchange;
    x->seq = w->next_seq++;
    x->answered = false;
    x->waiting = true;
    size_t n = link_encode(frame, type, x->seq, NULL, 0);
    uint64_t until = now_ns() + wait_ns;
    if (channel_send(&w->channel, TAG_EXCHANGE, frame, n) == 0)
        while (!x->answered && go_on(w) && now_ns() < until)
            channel_pump(&w->channel, 10 * NS_PER_MS);
    x->waiting = false;
    return x->answered && x->type == (type | LINK_ANSWER) ? 0 : -1;
}

static int send_zeros(struct worker *w)
{
    static const uint8_t zeros[ZEROS];
    return channel_send(&w->channel, TAG_ZEROS, zeros, sizeof zeros);
}

// One attempt: purge, silence, zeros, silence, RESET, IDENTIFY.
static int recover_once(struct worker *w)
{
    channel_hush(&w->channel); // also takes back what could not be written
    if (w->channel.dead || channel_purge(&w->channel) < 0 || channel_listen(&w->channel) < 0)
        return -1;
    link_parser_init(&w->parser);
    drain(w);
    if (send_zeros(w) < 0)
        return -1;
    drain(w);
    if (ask(w, LINK_RESET, IDENTIFY_WAIT_NS) < 0)
        return -1;
    w->vouched_ns = now_ns();
    if (ask(w, LINK_IDENTIFY, IDENTIFY_WAIT_NS) < 0)
        return -1;
    return link_identity_decode(w->exchange.payload, w->exchange.n, &w->identity);
}

int worker_recover(struct worker *w)
{
    w->identified = w->guard_wanted = w->guard_sent = w->betrayed = false;
    for (int i = 0; i < RECOVER_TRIES && go_on(w); i++) {
        if (recover_once(w) < 0)
            continue;
        memcpy(w->identity_bytes, w->exchange.payload, sizeof w->identity_bytes);
        w->identified = true;
        return 0;
    }
    return -1;
}
