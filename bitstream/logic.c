// SPDX-License-Identifier: Apache-2.0
// The configuration logic of a 7-series device, as far as it can be told from the stream.
#include <string.h>

#include "bitstream/bitstream.h"

enum { OP_NOOP = 0, OP_READ = 1, OP_WRITE = 2 };

uint32_t config_crc(uint32_t crc, unsigned reg, uint32_t word)
{
    // CRC-32C, polynomial 0x82F63B78 reflected, four bits at a time.
    static const uint32_t step[16] = {0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
                                      0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
                                      0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
                                      0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75};

    crc ^= word;
    for (int i = 0; i < 8; i++)
        crc = (crc >> 4) ^ step[crc & 15];
    for (int i = 0; i < 5; i++, reg >>= 1)
        crc = (crc >> 1) ^ ((crc ^ reg) & 1 ? step[8] : 0);
    return crc;
}

void config_logic_reset(struct config_logic *c, uint32_t want_idcode, uint32_t want_fdri_words)
{
    memset(c, 0, sizeof *c);
    c->want_idcode = want_idcode;
    c->want_fdri_words = want_fdri_words;
}

// Looks for the sync word at every bit offset of the last two words.
static void hunt(struct config_logic *c, uint64_t both)
{
    for (uint8_t shift = 0; shift < 32; shift++) {
        if (shift > 0 && !c->any_word)
            return; // there is no earlier word it could have begun in
        if ((uint32_t)(both >> shift) == CONFIG_SYNC) {
            c->synced = 1;
            c->align = shift;
            c->packet_left = 0;
            c->packet_op = OP_NOOP;
            c->read_words = 0;
            return;
        }
    }
}

static void header(struct config_logic *c, uint32_t word)
{
    unsigned type = word >> 29;

    c->read_words = 0;
    if (type != 1 && type != 2) {
        c->strange_words++;
        return;
    }
    c->packet_op = (word >> 27) & 3;
    if (type == 1)
        c->packet_register = (word >> 13) & 31; // a type 2 packet goes on with the same register
    c->packet_left = 0;
    if (c->packet_op == OP_WRITE) {
        c->packet_left = type == 1 ? word & 0x7ff : word & 0x7ffffff;
    } else if (c->packet_op == OP_READ) {
        c->read_register = c->packet_register;
        c->read_words = type == 1 ? word & 0x7ff : word & 0x7ffffff;
    } else if (c->packet_op != OP_NOOP) {
        c->strange_words++;
    }
}

static void command(struct config_logic *c, uint32_t word)
{
    switch (word & 31) {
    case CONFIG_RCRC:
        c->crc = 0;
        break;
    case CONFIG_START:
        c->start_seen = 1;
        break;
    case CONFIG_DESYNC:
        c->synced = 0;
        c->desynced = 1;
        break;
    default:
        break;
    }
}

static void check_crc(struct config_logic *c, uint32_t word)
{
    int full = c->want_fdri_words == 0 || c->mfwr_writes > 0 || c->fdri_words == c->want_fdri_words;

    c->crc_checks++;
    if (!c->first_crc_seen) {
        c->first_crc_seen = 1;
        c->first_crc = word;
    }
    if (word != c->crc)
        c->crc_error = 1;
    c->crc = 0;
    // START comes before the last CRC word in every stream, so the start waits for it.
    if (c->start_seen && c->id_ok && !c->id_error && !c->crc_error && full)
        c->done = 1;
}

static void check_id(struct config_logic *c, uint32_t word)
{
    c->idcode_seen = word;
    if (c->want_idcode == 0 || ((word ^ c->want_idcode) & 0x0fffffff) == 0)
        c->id_ok = 1;
    else
        c->id_error = 1;
}

static void write_register(struct config_logic *c, uint32_t word)
{
    if (c->packet_register == CONFIG_CRC) {
        check_crc(c, word);
        return;
    }
    c->crc = config_crc(c->crc, c->packet_register, word);
    switch (c->packet_register) {
    case CONFIG_CMD:
        command(c, word);
        break;
    case CONFIG_IDCODE:
        check_id(c, word);
        break;
    case CONFIG_FDRI:
        if (c->fdri_words < CONFIG_FIRST_WORDS)
            c->first_frame[c->fdri_words] = word;
        if (c->fdri_words < UINT32_MAX)
            c->fdri_words++;
        break;
    case CONFIG_MFWR:
        // The words of one packet are padding; the packet writes one frame.
        if (c->packet_left == 0)
            c->mfwr_writes++;
        break;
    default:
        break;
    }
}

void config_logic_word(struct config_logic *c, uint32_t raw)
{
    uint64_t both = (uint64_t)c->previous << 32 | raw;
    uint32_t word = (uint32_t)(both >> c->align);

    c->previous = raw;
    if (!c->synced) {
        hunt(c, both);
        c->any_word = 1;
        return;
    }
    if (c->packet_left == 0) {
        header(c, word);
        return;
    }
    c->packet_left--;
    write_register(c, word);
}

uint32_t config_logic_status(const struct config_logic *c)
{
    uint32_t stat = CONFIG_STAT_MMCM_LOCK | CONFIG_STAT_DCI_MATCH | CONFIG_STAT_INIT_COMPLETE;

    if (c->crc_error)
        stat |= CONFIG_STAT_CRC_ERROR;
    if (c->id_error)
        stat |= CONFIG_STAT_ID_ERROR;
    if (!c->crc_error && !c->id_error)
        stat |= CONFIG_STAT_INIT_B;
    if (c->done)
        stat |= CONFIG_STAT_EOS | CONFIG_STAT_GTS_CFG_B | CONFIG_STAT_GWE | CONFIG_STAT_GHIGH_B |
                CONFIG_STAT_RELEASE_DONE | CONFIG_STAT_DONE;
    return stat;
}
