// SPDX-License-Identifier: Apache-2.0
// 7-series configuration streams: reading .bit/.bin files, walking packets with the running CRC,
// and writing virtual bitstreams. No I/O beyond bitstream_load. Packet format and CRC:
// docs/bitstream.md.
#ifndef SEVENCAST_BITSTREAM_BITSTREAM_H
#define SEVENCAST_BITSTREAM_BITSTREAM_H

#include <stddef.h>
#include <stdint.h>

enum { BITSTREAM_MAX_BYTES = 4 << 20, BITSTREAM_TEXT_MAX = 127 };

// What the header of a .bit file says; empty texts for a raw stream.
struct bitstream_header {
    char
        design[BITSTREAM_TEXT_MAX + 1]; // e.g. "top;UserID=0XFFFFFFFF;COMPRESS=TRUE;Version=2021.1"
    char part[BITSTREAM_TEXT_MAX + 1];  // e.g. "7s15ftgb196"
    char date[32], time[32];
    size_t data_offset, data_bytes; // the configuration data inside the file
};

// Configuration registers that matter here (UG470 table 5-23).
enum config_register {
    CONFIG_CRC = 0,
    CONFIG_FAR = 1,
    CONFIG_FDRI = 2,
    CONFIG_FDRO = 3,
    CONFIG_CMD = 4,
    CONFIG_CTL0 = 5,
    CONFIG_MASK = 6,
    CONFIG_STAT = 7,
    CONFIG_LOUT = 8,
    CONFIG_COR0 = 9,
    CONFIG_MFWR = 10,
    CONFIG_IDCODE = 12,
    CONFIG_AXSS = 13,
    CONFIG_COR1 = 14,
    CONFIG_WBSTAR = 16,
    CONFIG_TIMER = 17,
    CONFIG_BSPI = 31,
};
enum config_command {
    CONFIG_NULL = 0,
    CONFIG_WCFG = 1,
    CONFIG_MFW = 2,
    CONFIG_LFRM = 3,
    CONFIG_RCFG = 4,
    CONFIG_START = 5,
    CONFIG_RCRC = 7,
    CONFIG_SWITCH = 9,
    CONFIG_GRESTORE = 10,
    CONFIG_DESYNC = 13,
};

// The configuration logic: fed with 32-bit words as they leave the JTAG or file, in order.
// The same walker judges a file in the daemon and drives DONE and INIT in the virtual board.
struct config_logic {
    uint32_t want_idcode;     // compared without the revision nibble
    uint32_t want_fdri_words; // frames of the device; 0 = do not check
    uint32_t crc, idcode_seen;
    uint32_t fdri_words, mfwr_writes, crc_checks;
    uint32_t preamble; // last word while hunting for sync
    uint8_t synced, id_ok, id_error, crc_error, start_seen, desynced, done;
    uint8_t packet_register, packet_op;
    uint32_t packet_left;
    uint8_t last_register;
    uint32_t first_frame[64]; // the first FDRI words: where a virtual bitstream names its variant
    uint32_t first_crc;       // the first CRC word, a fingerprint of the configuration
    uint8_t first_crc_seen;
};

void config_logic_reset(struct config_logic *c, uint32_t want_idcode, uint32_t want_fdri_words);
void config_logic_word(struct config_logic *c, uint32_t word);

// CRC step: one 32-bit word written to a register (32 data bits, then 5 address bits; CRC-32C
// reflected).
uint32_t config_crc(uint32_t crc, unsigned reg, uint32_t word);

struct device_part {
    const char *name; // "xc7s15"
    uint32_t idcode;  // revision nibble 0
    uint32_t frames;  // including pad frames; 0 = unknown
};
// NULL when unknown. By idcode the revision nibble is ignored.
const struct device_part *device_part_by_name(const char *name);
const struct device_part *device_part_by_idcode(uint32_t idcode);

// What a virtual bitstream says of itself in its first frame; never present in a real one.
struct virtual_mark {
    uint8_t hash[32];
    char variant[64];
};

enum bitstream_verdict {
    BITSTREAM_OK = 0,
    BITSTREAM_UNREADABLE, // no such file, too large
    BITSTREAM_BAD_HEADER, // .bit header malformed
    BITSTREAM_TRUNCATED,  // shorter than its header or its packets say, or no START/final CRC
    BITSTREAM_NO_SYNC,
    BITSTREAM_WRONG_PART, // IDCODE or part of another device
    BITSTREAM_BAD_CRC,
    BITSTREAM_BAD_LENGTH, // number of configuration words is not the device's
};

struct bitstream_report {
    enum bitstream_verdict verdict;
    char why[256]; // one line with the numbers
    struct bitstream_header header;
    uint32_t idcode;
    int compressed, is_virtual;
    struct virtual_mark mark;
    uint8_t sha256[32];
};

// Judges a whole file against a part. Returns the verdict, which is also in r.
enum bitstream_verdict bitstream_check(const uint8_t *file, size_t n,
                                       const struct device_part *part, struct bitstream_report *r);
const char *bitstream_verdict_name(enum bitstream_verdict v);

// Reads a file into a new buffer (free()); NULL with why.
uint8_t *bitstream_load(const char *path, size_t *n, char *why, size_t whycap);

// A full-length virtual .bit for the part: right header ("VIRTUAL" in its design text), IDCODE,
// frames, CRC; the first frame holds the mark. New buffer (free()), its size in *n; NULL without
// memory.
uint8_t *bitstream_make_virtual(const struct device_part *part, const struct virtual_mark *mark,
                                size_t *n);
int virtual_mark_decode(const uint32_t first_frame[64],
                        struct virtual_mark *mark); // 0, or -1: no mark

#endif
