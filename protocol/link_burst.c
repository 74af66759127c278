// SPDX-License-Identifier: Apache-2.0
// Payloads of BURST and of its answer (PROTOCOL.md 1.2).
#include <string.h>

#include "protocol/le.h"
#include "protocol/link.h"

// Offsets inside the request and the answer.
enum { AT_RUNS = 0, AT_LIMIT = 4, AT_WINDOWS = 6, AT_RESERVED = 7 };
enum { AT_DONE_RUNS = 0, AT_MISMATCHES = 4, AT_BUSY_CYCLES = 8, AT_CYCLES = 16 };
enum { AT_END = 24, AT_DONE_WINDOWS = 25 };

static size_t answer_bytes(unsigned windows, unsigned outputs)
{
    return LINK_BURST_HEAD_BYTES + 2 * (size_t)windows * outputs;
}

int link_burst_decode(const uint8_t *payload, size_t n, struct link_burst *b)
{
    if (n != LINK_BURST_BYTES)
        return -1;
    *b = (struct link_burst){.runs = (uint32_t)le_get(payload + AT_RUNS, 4),
                             .limit = (uint16_t)le_get(payload + AT_LIMIT, 2),
                             .windows = payload[AT_WINDOWS]};
    return 0;
}

int link_burst_good(const uint8_t payload[LINK_BURST_BYTES])
{
    struct link_burst b;
    link_burst_decode(payload, LINK_BURST_BYTES, &b);
    return b.windows >= 1 && b.windows <= LINK_MAX_BURST_WINDOWS && payload[AT_RESERVED] == 0;
}

void link_burst_encode(const struct link_burst *b, uint8_t out[LINK_BURST_BYTES])
{
    le_put(out + AT_RUNS, b->runs, 4);
    le_put(out + AT_LIMIT, b->limit, 2);
    out[AT_WINDOWS] = b->windows;
    out[AT_RESERVED] = 0;
}

int link_burst_result_decode(const uint8_t *payload, size_t n, unsigned outputs,
                             struct link_burst_result *r)
{
    if (n < LINK_BURST_HEAD_BYTES)
        return -1;
    unsigned end = payload[AT_END], windows = payload[AT_DONE_WINDOWS];
    if (end > LINK_BURST_LIMIT || windows < 1 || windows > LINK_MAX_BURST_WINDOWS ||
        n != answer_bytes(windows, outputs))
        return -1;
    *r = (struct link_burst_result){
        .end = (enum link_burst_end)end,
        .windows = (uint8_t)windows,
        .mismatches = (uint32_t)le_get(payload + AT_MISMATCHES, 4),
        .runs = (uint32_t)le_get(payload + AT_DONE_RUNS, 4),
        .cycles = le_get(payload + AT_CYCLES, 8),
        .busy_cycles = le_get(payload + AT_BUSY_CYCLES, 8),
        .y = payload + LINK_BURST_HEAD_BYTES,
    };
    return r->runs >= 1 && r->mismatches <= r->runs && r->busy_cycles <= r->cycles ? 0 : -1;
}

size_t link_burst_result_encode(const struct link_burst_result *r, unsigned outputs, uint8_t *out)
{
    size_t n = answer_bytes(r->windows, outputs);
    if (n > LINK_MAX_PAYLOAD)
        return 0;
    memset(out, 0, LINK_BURST_HEAD_BYTES);
    out[AT_END] = (uint8_t)r->end;
    out[AT_DONE_WINDOWS] = r->windows;
    le_put(out + AT_MISMATCHES, r->mismatches, 4);
    le_put(out + AT_DONE_RUNS, r->runs, 4);
    le_put(out + AT_CYCLES, r->cycles, 8);
    le_put(out + AT_BUSY_CYCLES, r->busy_cycles, 8);
    memmove(out + LINK_BURST_HEAD_BYTES, r->y, n - LINK_BURST_HEAD_BYTES);
    return n;
}

int16_t link_burst_y(const struct link_burst_result *r, unsigned outputs, unsigned window,
                     unsigned k)
{
    return (int16_t)le_get(r->y + 2 * ((size_t)window * outputs + k), 2);
}
