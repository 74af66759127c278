// SPDX-License-Identifier: Apache-2.0
// 7-series configuration streams: reading .bit/.bin files, walking packets with the running CRC,
// and writing virtual bitstreams. No I/O beyond bitstream_load. Packet format and CRC:
// docs/bitstream.md.
#ifndef SEVENCAST_BITSTREAM_BITSTREAM_H
#define SEVENCAST_BITSTREAM_BITSTREAM_H

#include <stddef.h>
#include <stdint.h>

enum {
    BITSTREAM_MAX_BYTES = 32 << 20,
    BITSTREAM_TEXT_MAX = 127,
    CONFIG_FRAME_WORDS = 101,
    CONFIG_FIRST_WORDS = 64, // of the first frame that are kept
};
#define CONFIG_SYNC 0xAA995566u

// What the header of a .bit file says; empty texts for a raw stream. Longer texts are cut.
struct bitstream_header {
    char design[BITSTREAM_TEXT_MAX + 1]; // "top;UserID=0XFFFFFFFF;COMPRESS=TRUE;Version=2021.1"
    char part[BITSTREAM_TEXT_MAX + 1];   // e.g. "7s15ftgb196"
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

// The configuration logic: fed with 32-bit words as they leave the JTAG or file, in order, from the
// first word on. The sync word is found at any bit offset; what follows is realigned to it.
// The same walker judges a file in the daemon and drives DONE and INIT in the virtual board. Any
// words may be fed: it never fails, it only never says done.
struct config_logic {
    uint32_t want_idcode;     // compared without the revision nibble; 0 = any device
    uint32_t want_fdri_words; // of the whole device; 0 = any number
    uint32_t crc;             // running
    uint32_t idcode_seen;     // as last written to IDCODE
    uint32_t fdri_words;      // configuration words so far
    uint32_t mfwr_writes;     // frames written by repetition; above 0 in a compressed stream
    uint32_t crc_checks;      // writes to CRC so far
    uint32_t strange_words;   // where a packet header should be and is none

    uint8_t synced;     // packets are understood; not before the sync word, nor after DESYNC
    uint8_t id_ok;      // IDCODE was written and is right
    uint8_t id_error;   // it was wrong
    uint8_t crc_error;  // a CRC word was wrong; stays
    uint8_t start_seen; // START was commanded
    uint8_t desynced;   // DESYNC was commanded
    uint8_t done;       // START, then a good CRC, and no error before: the design runs

    // A read request: set by its header, cleared by the next one. The words come from the caller.
    uint8_t read_register;
    uint32_t read_words;

    uint32_t first_frame[CONFIG_FIRST_WORDS]; // first FDRI words: a virtual bitstream's mark
    uint32_t first_crc; // the first CRC word, a fingerprint of the configuration
    uint8_t first_crc_seen;

    // Inside
    uint32_t previous; // raw word, for realignment
    uint8_t align;     // 0..31, bits of it that belong to the next word
    uint8_t any_word;  // previous is valid
    uint8_t packet_register, packet_op;
    uint32_t packet_left; // words of the packet still to come
};

// With want_fdri_words, a stream that is not compressed gets done only with exactly so many.
void config_logic_reset(struct config_logic *c, uint32_t want_idcode, uint32_t want_fdri_words);
void config_logic_word(struct config_logic *c, uint32_t word);

// The STAT register (UG470 table 5-25) as this state gives it.
enum {
    CONFIG_STAT_CRC_ERROR = 1 << 0,
    CONFIG_STAT_MMCM_LOCK = 1 << 2,
    CONFIG_STAT_DCI_MATCH = 1 << 3,
    CONFIG_STAT_EOS = 1 << 4,
    CONFIG_STAT_GTS_CFG_B = 1 << 5,
    CONFIG_STAT_GWE = 1 << 6,
    CONFIG_STAT_GHIGH_B = 1 << 7,
    CONFIG_STAT_INIT_COMPLETE = 1 << 11,
    CONFIG_STAT_INIT_B = 1 << 12,
    CONFIG_STAT_RELEASE_DONE = 1 << 13,
    CONFIG_STAT_DONE = 1 << 14,
    CONFIG_STAT_ID_ERROR = 1 << 15,
};
uint32_t config_logic_status(const struct config_logic *c);

// CRC step: one 32-bit word written to a register (32 data bits, then 5 address bits, least
// significant first; CRC-32C reflected).
uint32_t config_crc(uint32_t crc, unsigned reg, uint32_t word);

struct device_part {
    const char *name;    // "xc7s15"
    const char *package; // one that it comes in, for headers: "ftgb196"
    uint32_t idcode;     // revision nibble 0
    uint32_t frames;     // in a full stream, pad frames included
};
// NULL when unknown. By idcode the revision nibble is ignored.
const struct device_part *device_part_by_name(const char *name);
const struct device_part *device_part_by_idcode(uint32_t idcode);

// What a virtual bitstream says of itself in its first frame; never present in a real one.
struct virtual_mark {
    uint8_t hash[32]; // of the variant
    char variant[64]; // its name, [a-z0-9][a-z0-9-]*
};
// 0, or -1: no mark, or a damaged one.
int virtual_mark_decode(const uint32_t first_frame[CONFIG_FIRST_WORDS], struct virtual_mark *mark);

enum bitstream_verdict {
    BITSTREAM_OK = 0,
    BITSTREAM_UNREADABLE, // no such file, too large
    BITSTREAM_BAD_HEADER, // .bit header malformed
    BITSTREAM_TRUNCATED,  // shorter than its header or its packets say, or no START and CRC
    BITSTREAM_NO_SYNC,    // no sync word
    BITSTREAM_WRONG_PART, // IDCODE or part of another device, or none
    BITSTREAM_BAD_CRC,    // the data are not what was written
    BITSTREAM_BAD_LENGTH, // number of configuration words is not the device's
    BITSTREAM_BAD_PACKET, // a word between packets that is no packet header
};

struct bitstream_report {
    enum bitstream_verdict verdict;
    char why[256]; // one line with the numbers; "ok" text when all is well
    struct bitstream_header header;
    uint32_t idcode;                // as in the stream, 0 when none
    const struct device_part *part; // by that idcode; NULL when unknown
    uint32_t fdri_words, mfwr_writes, crc_checks;
    uint32_t first_crc; // fingerprint of the configuration
    int compressed, is_virtual;
    struct virtual_mark mark; // when is_virtual
    uint8_t sha256[32];       // of the whole file
};

// Judges a whole file against a part; against the part its IDCODE names when part is NULL. Any
// bytes may be given. Returns the verdict, which is also in r.
enum bitstream_verdict bitstream_check(const uint8_t *file, size_t n,
                                       const struct device_part *part, struct bitstream_report *r);
const char *bitstream_verdict_name(enum bitstream_verdict v); // "OK", "BAD_CRC" ...

// The header alone: 0, or a verdict with why (raw streams have none and are fine).
enum bitstream_verdict bitstream_header_read(const uint8_t *file, size_t n,
                                             struct bitstream_header *h, char *why, size_t whycap);

// Reads a file into a new buffer (free()); NULL with why.
uint8_t *bitstream_load(const char *path, size_t *n, char *why, size_t whycap);

// A full-length virtual .bit for the part: right header ("VIRTUAL" in its design text), IDCODE,
// frames, CRC; the first frame holds the mark, all others are zero. The same arguments give the
// same bytes. New buffer (free()), its size in *n; NULL without memory or with a bad variant name.
uint8_t *bitstream_make_virtual(const struct device_part *part, const struct virtual_mark *mark,
                                size_t *n);

#endif
