// SPDX-License-Identifier: Apache-2.0
#include "tools/vboard/golden/frames.h"

#include <zlib.h>

enum { SYNC_1 = 0xa5, SYNC_2 = 0x37, CRC_FROM = 2 };

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static enum frames_event bad(struct frames *f, enum link_error error, uint16_t detail,
                             struct frames_result *r)
{
    f->have = 0;
    r->error = error;
    r->detail = detail;
    return FRAMES_BAD;
}

// The first two bytes. A first sync byte that follows another is again a first one.
static void hunt(struct frames *f, uint8_t byte)
{
    if (f->have == 1 && byte == SYNC_2)
        f->buf[f->have++] = byte;
    else
        f->have = byte == SYNC_1;
    f->buf[0] = SYNC_1;
}

enum frames_event frames_byte(struct frames *f, uint8_t byte, struct frames_result *r)
{
    if (f->have < CRC_FROM) {
        hunt(f, byte);
        return FRAMES_NONE;
    }
    f->buf[f->have++] = byte;
    if (f->have < LINK_HEADER_BYTES)
        return FRAMES_NONE;
    size_t n = get16(f->buf + 6), total = LINK_HEADER_BYTES + n + LINK_CRC_BYTES;
    r->frame = (struct link_frame){
        .type = f->buf[3], .seq = get16(f->buf + 4), .payload = f->buf + LINK_HEADER_BYTES, .n = n};
    if (f->have == LINK_HEADER_BYTES) {
        if (f->buf[2] != LINK_VERSION)
            return bad(f, LINK_BAD_VERSION, f->buf[2], r);
        if (n > LINK_MAX_PAYLOAD)
            return bad(f, LINK_BAD_LENGTH, (uint16_t)n, r);
    }
    if (f->have < total)
        return FRAMES_NONE;
    uint32_t crc = (uint32_t)crc32(0, f->buf + CRC_FROM, (uInt)(LINK_HEADER_BYTES - CRC_FROM + n));
    if (crc != get32(f->buf + LINK_HEADER_BYTES + n))
        return bad(f, LINK_BAD_CRC, 0, r);
    f->have = 0;
    return FRAMES_GOOD;
}
