// SPDX-License-Identifier: Apache-2.0
#include "protocol/link.h"

#include <stdbool.h>
#include <string.h>
#include <zlib.h>

#include "protocol/le.h"

enum { SYNC0 = 0xa5, SYNC1 = 0x37, MAP_VERSION = 1 };

// Offsets inside a frame.
enum { AT_SYNC0 = 0, AT_SYNC1 = 1, AT_VERSION = 2, AT_TYPE = 3, AT_SEQ = 4, AT_LENGTH = 6 };

// Register indices inside an identity.
enum { REG_MAGIC = 0, REG_MAP = 1, REG_HASH = 2, REG_SHAPE = 10, REG_WIDTHS, REG_CLOCK };
enum { REG_BUFFERS = 13, REG_RTL = 14 };

static const uint32_t magic = 0x54534337; // the bytes "7CST"

// The sync bytes are not covered.
static uint32_t frame_crc(const uint8_t *frame, size_t n)
{
    return (uint32_t)crc32_z(0, frame + AT_VERSION, LINK_HEADER_BYTES - AT_VERSION + n);
}

size_t link_encode(uint8_t *out, uint8_t type, uint16_t seq, const void *payload, size_t n)
{
    if (n > LINK_MAX_PAYLOAD)
        return 0;
    out[AT_SYNC0] = SYNC0;
    out[AT_SYNC1] = SYNC1;
    out[AT_VERSION] = LINK_VERSION;
    out[AT_TYPE] = type;
    le_put(out + AT_SEQ, seq, 2);
    le_put(out + AT_LENGTH, n, 2);
    if (n)
        memcpy(out + LINK_HEADER_BYTES, payload, n);
    le_put(out + LINK_HEADER_BYTES + n, frame_crc(out, n), 4);
    return LINK_HEADER_BYTES + n + LINK_CRC_BYTES;
}

void link_parser_init(struct link_parser *p)
{
    memset(p, 0, sizeof *p);
}

static void remove_front(struct link_parser *p, size_t n)
{
    p->have -= n;
    memmove(p->buf, p->buf + n, p->have);
}

// Removes bytes that cannot begin a frame: afterwards buf is empty or begins with the sync bytes,
// as far as it goes.
static void hunt(struct link_parser *p)
{
    size_t at = 0;
    while (at < p->have && (p->buf[at] != SYNC0 || (at + 1 < p->have && p->buf[at + 1] != SYNC1)))
        at++;
    p->dropped_bytes += at;
    if (at)
        remove_front(p, at);
}

enum verdict { INCOMPLETE, BAD, GOOD };

// Judges the frame at the front of buf; *total is the size it must grow to before more can be said.
static enum verdict judge(const struct link_parser *p, size_t *total)
{
    *total = LINK_HEADER_BYTES;
    if (p->have > AT_VERSION && p->buf[AT_VERSION] != LINK_VERSION)
        return BAD;
    if (p->have < LINK_HEADER_BYTES)
        return INCOMPLETE;
    size_t n = le_get(p->buf + AT_LENGTH, 2);
    if (n > LINK_MAX_PAYLOAD)
        return BAD;
    *total = LINK_HEADER_BYTES + n + LINK_CRC_BYTES;
    if (p->have < *total)
        return INCOMPLETE;
    return le_get(p->buf + LINK_HEADER_BYTES + n, 4) == frame_crc(p->buf, n) ? GOOD : BAD;
}

static void describe(const struct link_parser *p, struct link_frame *f)
{
    f->type = p->buf[AT_TYPE];
    f->seq = (uint16_t)le_get(p->buf + AT_SEQ, 2);
    f->n = le_get(p->buf + AT_LENGTH, 2);
    f->payload = p->buf + LINK_HEADER_BYTES;
}

int link_parse(struct link_parser *p, const uint8_t *data, size_t n, size_t *used,
               struct link_frame *f)
{
    *used = 0;
    remove_front(p, p->done);
    p->done = 0;
    for (;;) {
        size_t total;
        hunt(p);
        switch (judge(p, &total)) {
        case GOOD:
            describe(p, f);
            p->done = total;
            return 1;
        case BAD:
            // Only the sync bytes are surely wasted: a good frame may begin right behind them.
            p->bad_frames++;
            p->dropped_bytes += 2;
            remove_front(p, 2);
            continue;
        case INCOMPLETE:
            break;
        }
        size_t take = total - p->have;
        if (take > n - *used)
            take = n - *used;
        if (!take)
            return 0;
        memcpy(p->buf + p->have, data + *used, take);
        p->have += take;
        *used += take;
    }
}

static uint32_t get_register(const uint8_t *payload, unsigned index)
{
    return (uint32_t)le_get(payload + 4 * (size_t)index, 4);
}

int link_identity_decode(const uint8_t *payload, size_t n, struct link_identity *id)
{
    if (n != LINK_IDENTITY_BYTES || get_register(payload, REG_MAGIC) != magic)
        return -1;
    uint32_t map = get_register(payload, REG_MAP);
    if ((map & 0xffff) != MAP_VERSION || (map >> 16 & 3) > LINK_ORIGIN_MODEL)
        return -1;
    const uint8_t *widths = payload + 4 * REG_WIDTHS;
    const uint8_t *buffers = payload + 4 * REG_BUFFERS;
    *id = (struct link_identity){
        .map_version = (uint16_t)map,
        .flags = (uint16_t)(map >> 16),
        .origin = (enum link_origin)(map >> 16 & 3),
        .window = (uint16_t)le_get(payload + 4 * REG_SHAPE, 2),
        .features = (uint16_t)le_get(payload + 4 * REG_SHAPE + 2, 2),
        .outputs = (uint16_t)le_get(widths, 2),
        .x_bits = widths[2],
        .y_bits = widths[3],
        .window_buffers = buffers[0],
        .layers = buffers[1],
        .heads = buffers[2],
        .clock_hz = get_register(payload, REG_CLOCK),
        .rtl_version = get_register(payload, REG_RTL),
    };
    memcpy(id->hash, payload + 4 * REG_HASH, sizeof id->hash);
    return 0;
}

void link_identity_encode(const struct link_identity *id, uint8_t out[LINK_IDENTITY_BYTES])
{
    uint32_t flags = (id->flags & 0xfffcU) | (uint32_t)id->origin;
    memset(out, 0, LINK_IDENTITY_BYTES);
    le_put(out + 4 * REG_MAGIC, magic, 4);
    le_put(out + 4 * REG_MAP, id->map_version | flags << 16, 4);
    memcpy(out + 4 * REG_HASH, id->hash, sizeof id->hash);
    le_put(out + 4 * REG_SHAPE, id->window, 2);
    le_put(out + 4 * REG_SHAPE + 2, id->features, 2);
    le_put(out + 4 * REG_WIDTHS, id->outputs, 2);
    out[4 * REG_WIDTHS + 2] = id->x_bits;
    out[4 * REG_WIDTHS + 3] = id->y_bits;
    le_put(out + 4 * REG_CLOCK, id->clock_hz, 4);
    out[4 * REG_BUFFERS] = id->window_buffers;
    out[4 * REG_BUFFERS + 1] = id->layers;
    out[4 * REG_BUFFERS + 2] = id->heads;
    le_put(out + 4 * REG_RTL, id->rtl_version, 4);
}

int link_inference_decode(const uint8_t *payload, size_t n, unsigned outputs,
                          struct link_inference *r, int16_t *y)
{
    if (n != LINK_INFERENCE_HEAD_BYTES + 2 * (size_t)outputs)
        return -1;
    *r = (struct link_inference){.cycles = (uint32_t)le_get(payload, 4),
                                 .wait_cycles = (uint32_t)le_get(payload + 4, 4)};
    for (unsigned k = 0; k < outputs; k++)
        y[k] = (int16_t)le_get(payload + LINK_INFERENCE_HEAD_BYTES + 2 * (size_t)k, 2);
    return 0;
}

int link_fault_decode(const uint8_t *payload, size_t n, struct link_fault *f)
{
    if (n != LINK_FAULT_BYTES)
        return -1;
    *f = (struct link_fault){
        .code = payload[0], .type = payload[1], .detail = (uint16_t)le_get(payload + 2, 2)};
    return 0;
}

const char *link_error_name(unsigned code)
{
    static const char *const names[] = {
        [LINK_BAD_CRC] = "BAD_CRC",     [LINK_BAD_VERSION] = "BAD_VERSION",
        [LINK_BAD_TYPE] = "BAD_TYPE",   [LINK_BAD_LENGTH] = "BAD_LENGTH",
        [LINK_BUSY] = "BUSY",           [LINK_BAD_VALUE] = "BAD_VALUE",
        [LINK_NO_WINDOW] = "NO_WINDOW", [LINK_BAD_ARGUMENT] = "BAD_ARGUMENT",
    };
    bool known = code >= LINK_BAD_CRC && code <= LINK_BAD_ARGUMENT;
    return known ? names[code] : "UNKNOWN";
}
