// SPDX-License-Identifier: Apache-2.0
// Virtual bitstreams: for the virtual board, which reads in the first frame what to simulate.
#include <stdlib.h>
#include <string.h>

#include "bitstream/bitstream.h"

// The mark: two magic words, a version, the hash, the name, a check word.
enum {
    MARK_VERSION = 1,
    MARK_HASH = 3,  // word
    MARK_NAME = 11, // word
    MARK_CHECK = 27,
    STREAM_NOOPS = 400,
    STREAM_WORDS_MAX = 1200, // all but the frames
};
static const uint32_t mark_magic[2] = {0x37435354, 0x56495254}; // "7CST" "VIRT"

static uint32_t mark_check(const uint32_t *frame)
{
    uint32_t crc = 0;

    for (int i = 0; i < MARK_CHECK; i++)
        crc = config_crc(crc, CONFIG_FDRI, frame[i]);
    return crc;
}

static uint32_t get_word(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put_word(uint8_t *p, uint32_t word)
{
    p[0] = (uint8_t)(word >> 24);
    p[1] = (uint8_t)(word >> 16);
    p[2] = (uint8_t)(word >> 8);
    p[3] = (uint8_t)word;
}

// Names become paths on the other side, so they are judged when written and when read.
static int name_ok(const char *name, size_t cap)
{
    size_t n = 0;

    while (n < cap && name[n] != '\0') {
        char ch = name[n++];
        if (!((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || (ch == '-' && n > 1)))
            return 0;
    }
    return n > 0 && n < cap;
}

static int mark_encode(const struct virtual_mark *mark, uint32_t *frame)
{
    uint8_t name[sizeof mark->variant] = {0};

    if (!name_ok(mark->variant, sizeof mark->variant))
        return -1;
    memcpy(name, mark->variant, strlen(mark->variant));
    frame[0] = mark_magic[0];
    frame[1] = mark_magic[1];
    frame[2] = MARK_VERSION;
    for (int i = 0; i < 8; i++)
        frame[MARK_HASH + i] = get_word(mark->hash + 4 * i);
    for (int i = 0; i < 16; i++)
        frame[MARK_NAME + i] = get_word(name + 4 * i);
    frame[MARK_CHECK] = mark_check(frame);
    return 0;
}

int virtual_mark_decode(const uint32_t first_frame[CONFIG_FIRST_WORDS], struct virtual_mark *mark)
{
    uint8_t name[sizeof mark->variant];

    if (first_frame[0] != mark_magic[0] || first_frame[1] != mark_magic[1] ||
        first_frame[2] != MARK_VERSION || first_frame[MARK_CHECK] != mark_check(first_frame))
        return -1;
    for (int i = 0; i < 8; i++)
        put_word(mark->hash + 4 * i, first_frame[MARK_HASH + i]);
    for (int i = 0; i < 16; i++)
        put_word(name + 4 * i, first_frame[MARK_NAME + i]);
    memcpy(mark->variant, name, sizeof name);
    return name_ok(mark->variant, sizeof mark->variant) ? 0 : -1;
}

// A stream as it grows, with its CRC.
struct stream {
    uint8_t *bytes;
    size_t n;
    uint32_t crc;
};

static void raw(struct stream *s, uint32_t word)
{
    put_word(s->bytes + s->n, word);
    s->n += 4;
}

static void repeat(struct stream *s, uint32_t word, int count)
{
    for (int i = 0; i < count; i++)
        raw(s, word);
}

static void noop(struct stream *s, int count)
{
    repeat(s, 0x20000000, count);
}

static uint32_t write_header(unsigned reg, unsigned words)
{
    return 0x30000000u | reg << 13 | words;
}

static void set(struct stream *s, unsigned reg, uint32_t value)
{
    raw(s, write_header(reg, 1));
    raw(s, value);
    s->crc = config_crc(s->crc, reg, value);
    if (reg == CONFIG_CMD && value == CONFIG_RCRC)
        s->crc = 0;
}

static void check(struct stream *s)
{
    raw(s, write_header(CONFIG_CRC, 1));
    raw(s, s->crc);
    s->crc = 0;
}

static void data(struct stream *s, uint32_t word)
{
    raw(s, word);
    s->crc = config_crc(s->crc, CONFIG_FDRI, word);
}

static void frames(struct stream *s, const struct device_part *part, const uint32_t *first)
{
    const uint32_t words = part->frames * CONFIG_FRAME_WORDS;

    raw(s, write_header(CONFIG_FDRI, 0));
    raw(s, 0x50000000u | words);
    for (uint32_t i = 0; i < words; i++)
        data(s, i < CONFIG_FIRST_WORDS ? first[i] : 0);
}

// The order in which the vendor's tool writes an uncompressed stream (docs/bitstream.md).
static void write_stream(struct stream *s, const struct device_part *part, const uint32_t *first)
{
    repeat(s, 0xffffffff, 8);
    raw(s, 0x000000bb);
    raw(s, 0x11220044);
    repeat(s, 0xffffffff, 2);
    raw(s, CONFIG_SYNC);
    noop(s, 1);
    set(s, CONFIG_TIMER, 0);
    set(s, CONFIG_WBSTAR, 0);
    set(s, CONFIG_CMD, CONFIG_NULL);
    noop(s, 1);
    set(s, CONFIG_CMD, CONFIG_RCRC);
    noop(s, 2);
    set(s, CONFIG_COR0, 0x02003fe5);
    set(s, CONFIG_COR1, 0);
    set(s, CONFIG_IDCODE, part->idcode);
    set(s, CONFIG_CMD, CONFIG_SWITCH);
    noop(s, 1);
    set(s, CONFIG_MASK, 0x00000401);
    set(s, CONFIG_CTL0, 0x00000501);
    noop(s, 8);
    set(s, CONFIG_FAR, 0);
    set(s, CONFIG_CMD, CONFIG_WCFG);
    noop(s, 1);
    frames(s, part, first);
    check(s);
    noop(s, 2);
    set(s, CONFIG_CMD, CONFIG_GRESTORE);
    noop(s, 1);
    set(s, CONFIG_CMD, CONFIG_LFRM);
    noop(s, 100);
    set(s, CONFIG_CMD, CONFIG_START);
    noop(s, 1);
    set(s, CONFIG_FAR, 0x03be0000);
    set(s, CONFIG_MASK, 0x00000501);
    set(s, CONFIG_CTL0, 0x00000501);
    check(s);
    noop(s, 2);
    set(s, CONFIG_CMD, CONFIG_DESYNC);
    noop(s, STREAM_NOOPS);
}

static size_t put_text(uint8_t *p, char field, const char *text)
{
    size_t n = strlen(text) + 1;

    p[0] = (uint8_t)field;
    p[1] = (uint8_t)(n >> 8);
    p[2] = (uint8_t)n;
    memcpy(p + 3, text, n);
    return n + 3;
}

// Returns the header's size. Date and time are fixed: the same mark gives the same file.
static size_t write_header_fields(uint8_t *p, const struct device_part *part, size_t data_bytes)
{
    static const uint8_t magic[13] = {0x00, 0x09, 0x0f, 0xf0, 0x0f, 0xf0, 0x0f,
                                      0xf0, 0x0f, 0xf0, 0x00, 0x00, 0x01};
    char text[64] = {0};
    size_t at = sizeof magic, name = strlen(part->name + 2);

    memcpy(p, magic, sizeof magic);
    at += put_text(p + at, 'a', "sevencast;VIRTUAL;UserID=0XFFFFFFFF;Version=sevencast");
    memcpy(text, part->name + 2, name);
    memcpy(text + name, part->package, strlen(part->package));
    at += put_text(p + at, 'b', text);
    at += put_text(p + at, 'c', "2000/01/01");
    at += put_text(p + at, 'd', "00:00:00");
    p[at++] = 'e';
    put_word(p + at, (uint32_t)data_bytes);
    return at + 4;
}

uint8_t *bitstream_make_virtual(const struct device_part *part, const struct virtual_mark *mark,
                                size_t *n)
{
    uint32_t first[CONFIG_FIRST_WORDS] = {0};
    struct stream s = {NULL, 0, 0};
    uint8_t header[256];
    uint8_t *file;
    size_t header_bytes;

    if (mark_encode(mark, first) < 0)
        return NULL;
    file =
        malloc(sizeof header + 4 * (STREAM_WORDS_MAX + (size_t)part->frames * CONFIG_FRAME_WORDS));
    if (file == NULL)
        return NULL;
    s.bytes = file + sizeof header;
    write_stream(&s, part, first);
    header_bytes = write_header_fields(header, part, s.n);
    memcpy(file, header, header_bytes);
    memmove(file + header_bytes, s.bytes, s.n);
    *n = header_bytes + s.n;
    return file;
}
