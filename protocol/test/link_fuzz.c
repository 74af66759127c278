// SPDX-License-Identifier: Apache-2.0
// Properties of the link parser on any byte stream, for libFuzzer and for the seeded smoke test.
#include "protocol/test/link_fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/link.h"

// Not assert(): the properties hold in release builds as well.
#define HOLDS(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

struct outcome {
    uint64_t digest; // FNV-1a over type, seq, length and payload of every frame
    uint64_t frames, frame_bytes;
};

static void mix(struct outcome *o, const uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        o->digest = (o->digest ^ data[i]) * UINT64_C(0x100000001b3);
}

// Any payload either decodes and encodes to itself (but for reserved bytes), or is refused.
static void take_burst(const struct link_frame *f)
{
    static uint8_t out[LINK_MAX_PAYLOAD];
    struct link_burst b;
    if (link_burst_decode(f->payload, f->n, &b) == 0) {
        link_burst_encode(&b, out);
        HOLDS(memcmp(out, f->payload, LINK_BURST_BYTES - 1) == 0);
        HOLDS(!link_burst_good(f->payload) || link_burst_good(out));
    }
    for (unsigned outputs = 1; outputs <= 4; outputs++) {
        struct link_burst_result r;
        if (link_burst_result_decode(f->payload, f->n, outputs, &r))
            continue;
        HOLDS(r.runs >= 1 && r.busy_cycles <= r.cycles && r.windows >= 1 && r.windows <= 2);
        HOLDS(link_burst_result_encode(&r, outputs, out) == f->n);
        HOLDS(memcmp(out, f->payload, 26) == 0 &&
              memcmp(out + 28, f->payload + 28, f->n - 28) == 0);
        HOLDS((uint16_t)link_burst_y(&r, outputs, r.windows - 1u, outputs - 1) ==
              (f->payload[f->n - 2] | f->payload[f->n - 1] << 8));
    }
}

static void take_frame(struct outcome *o, const struct link_frame *f)
{
    static uint8_t again[LINK_MAX_FRAME];
    size_t n = link_encode(again, f->type, f->seq, f->payload, f->n);
    HOLDS(n == f->n + LINK_HEADER_BYTES + LINK_CRC_BYTES);
    mix(o, again, n);
    o->frames++;
    o->frame_bytes += n;
    take_burst(f);
    struct link_identity id;
    if (link_identity_decode(f->payload, f->n, &id) == 0) {
        uint8_t out[LINK_IDENTITY_BYTES];
        link_identity_encode(&id, out);
        HOLDS(memcmp(out, f->payload, 4 * 10) == 0);
    }
}

static struct outcome run(const uint8_t *data, size_t size, size_t step)
{
    static struct link_parser p;
    struct outcome o = {.digest = UINT64_C(0xcbf29ce484222325)};
    link_parser_init(&p);
    for (size_t at = 0; at < size; at += step) {
        const uint8_t *piece = data + at;
        size_t n = size - at < step ? size - at : step, used;
        struct link_frame f;
        for (; link_parse(&p, piece, n, &used, &f); piece += used, n -= used) {
            HOLDS(used <= n);
            take_frame(&o, &f);
        }
        HOLDS(used == n);
    }
    HOLDS(o.frame_bytes + p.dropped_bytes + p.have == size);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct outcome whole = run(data, size, size ? size : 1);
    struct outcome bytes = run(data, size, 1);
    struct outcome pieces = run(data, size, 7);
    HOLDS(whole.digest == bytes.digest && whole.frames == bytes.frames);
    HOLDS(whole.digest == pieces.digest && whole.frames == pieces.frames);
    return 0;
}
