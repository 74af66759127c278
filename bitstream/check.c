// SPDX-License-Identifier: Apache-2.0
// Judging a whole file before it goes anywhere near a device.
#include <ctype.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bitstream/bitstream.h"

const char *bitstream_verdict_name(enum bitstream_verdict v)
{
    switch (v) {
    case BITSTREAM_OK:
        return "OK";
    case BITSTREAM_UNREADABLE:
        return "UNREADABLE";
    case BITSTREAM_BAD_HEADER:
        return "BAD_HEADER";
    case BITSTREAM_TRUNCATED:
        return "TRUNCATED";
    case BITSTREAM_NO_SYNC:
        return "NO_SYNC";
    case BITSTREAM_WRONG_PART:
        return "WRONG_PART";
    case BITSTREAM_BAD_CRC:
        return "BAD_CRC";
    case BITSTREAM_BAD_LENGTH:
        return "BAD_LENGTH";
    case BITSTREAM_BAD_PACKET:
        return "BAD_PACKET";
    }
    return "?";
}

static enum bitstream_verdict judge(struct bitstream_report *r, enum bitstream_verdict v,
                                    const char *format, ...) __attribute__((format(printf, 3, 4)));

static enum bitstream_verdict judge(struct bitstream_report *r, enum bitstream_verdict v,
                                    const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(r->why, sizeof r->why, format, args);
    va_end(args);
    r->verdict = v;
    return v;
}

// "7s15ftgb196" is an xc7s15: its name without xc, then the package, which begins with a letter.
static int header_names_part(const char *text, const struct device_part *part)
{
    const char *name = part->name + 2;
    size_t n = strlen(name);

    if (strncmp(text, "xc", 2) == 0)
        text += 2;
    return strncmp(text, name, n) == 0 && (text[n] == '\0' || isalpha((unsigned char)text[n]));
}

// Feeds the data; a last word that is not whole is filled up with zeros. Returns whether a sync
// word was ever seen.
static int walk(struct config_logic *c, const uint8_t *data, size_t n)
{
    int synced = 0;

    for (size_t i = 0; i < n; i += 4) {
        uint32_t word = 0;
        for (size_t k = 0; k < 4; k++)
            word = word << 8 | (i + k < n ? data[i + k] : 0u);
        config_logic_word(c, word);
        synced |= c->synced;
    }
    return synced;
}

static void fill_in(struct bitstream_report *r, const struct config_logic *c)
{
    r->idcode = c->idcode_seen;
    r->part = device_part_by_idcode(c->idcode_seen);
    r->fdri_words = c->fdri_words;
    r->mfwr_writes = c->mfwr_writes;
    r->crc_checks = c->crc_checks;
    r->first_crc = c->first_crc;
    r->compressed = c->mfwr_writes > 0;
    r->is_virtual = virtual_mark_decode(c->first_frame, &r->mark) == 0;
}

static enum bitstream_verdict judge_length(struct bitstream_report *r,
                                           const struct device_part *part)
{
    uint32_t want = part->frames * CONFIG_FRAME_WORDS;

    if (!r->compressed && r->fdri_words != want)
        return judge(r, BITSTREAM_BAD_LENGTH,
                     "%lu configuration words, %s has %lu (%lu frames of %d)",
                     (unsigned long)r->fdri_words, part->name, (unsigned long)want,
                     (unsigned long)part->frames, CONFIG_FRAME_WORDS);
    if (r->compressed && (r->fdri_words % CONFIG_FRAME_WORDS != 0 || r->fdri_words > want))
        return judge(r, BITSTREAM_BAD_LENGTH,
                     "%lu configuration words in a compressed stream: not whole frames, or more "
                     "than the %lu of %s",
                     (unsigned long)r->fdri_words, (unsigned long)want, part->name);
    return BITSTREAM_OK;
}

// What the walk says, the most telling fault first.
static enum bitstream_verdict judge_walk(struct bitstream_report *r, const struct config_logic *c,
                                         const struct device_part *part, int synced)
{
    if (!synced)
        return judge(r, BITSTREAM_NO_SYNC, "no sync word %08lX in %zu bytes",
                     (unsigned long)CONFIG_SYNC, r->header.data_bytes);
    if (c->id_error)
        return judge(r, BITSTREAM_WRONG_PART, "IDCODE %08lX (%s), %s has %08lX",
                     (unsigned long)r->idcode, r->part != NULL ? r->part->name : "unknown",
                     part->name, (unsigned long)part->idcode);
    if (c->crc_error)
        return judge(r, BITSTREAM_BAD_CRC, "wrong CRC in one of %lu checks",
                     (unsigned long)c->crc_checks);
    if (c->strange_words > 0)
        return judge(r, BITSTREAM_BAD_PACKET, "%lu words that are no packet",
                     (unsigned long)c->strange_words);
    if (c->packet_left > 0)
        return judge(r, BITSTREAM_TRUNCATED, "ends %lu words before its last packet",
                     (unsigned long)c->packet_left);
    if (!c->start_seen || c->crc_checks == 0)
        return judge(r, BITSTREAM_TRUNCATED, "%s", c->start_seen ? "no CRC word" : "no START");
    if (!c->id_ok)
        return judge(r, BITSTREAM_WRONG_PART, "names no device: no IDCODE in it");
    if (!c->done)
        return judge(r, BITSTREAM_TRUNCATED, "no CRC word after START");
    if (!c->desynced)
        return judge(r, BITSTREAM_TRUNCATED, "no DESYNC at its end");
    return BITSTREAM_OK;
}

enum bitstream_verdict bitstream_check(const uint8_t *file, size_t n,
                                       const struct device_part *part, struct bitstream_report *r)
{
    struct config_logic c;
    enum bitstream_verdict v;
    int synced;

    memset(r, 0, sizeof *r);
    crypto_hash_sha256(r->sha256, file, n);
    if (n > BITSTREAM_MAX_BYTES)
        return judge(r, BITSTREAM_UNREADABLE, "%zu bytes, at most %d", n, BITSTREAM_MAX_BYTES);
    v = bitstream_header_read(file, n, &r->header, r->why, sizeof r->why);
    if (v != BITSTREAM_OK)
        return r->verdict = v;

    config_logic_reset(&c, part != NULL ? part->idcode : 0, 0);
    synced = walk(&c, file + r->header.data_offset, r->header.data_bytes);
    fill_in(r, &c);
    if (part == NULL)
        part = r->part;
    if (part != NULL && r->header.part[0] != '\0' && !header_names_part(r->header.part, part))
        return judge(r, BITSTREAM_WRONG_PART, "header: made for %s, not for %s", r->header.part,
                     part->name);
    v = judge_walk(r, &c, part, synced);
    if (v != BITSTREAM_OK)
        return v;
    if (part != NULL && judge_length(r, part) != BITSTREAM_OK)
        return r->verdict;
    return judge(r, BITSTREAM_OK, "%s%s, %lu configuration words, %lu CRC checks good",
                 part != NULL ? part->name : "unknown device",
                 r->is_virtual   ? ", VIRTUAL"
                 : r->compressed ? ", compressed"
                                 : "",
                 (unsigned long)r->fdri_words, (unsigned long)r->crc_checks);
}
