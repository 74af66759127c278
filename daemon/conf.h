// SPDX-License-Identifier: Apache-2.0
// sevencastd.conf: INI sections [daemon], [board NAME] and [route NAME]. One table row per
// directive feeds the parser, sevencastd -p, sevencastd --help-conf and the test that compares it
// with the man page. Anything unknown, given twice or out of range is an error with file:line.
#ifndef SEVENCAST_DAEMON_CONF_H
#define SEVENCAST_DAEMON_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/log.h"

enum {
    CONF_BOARDS = 16,
    CONF_ROUTES = 16,
    CONF_NAME_MAX = 31,
    CONF_TEXT_MAX = 103,
    CONF_PATH_MAX = 255
};

struct conf_board {
    char name[CONF_NAME_MAX + 1];
    char serial[CONF_NAME_MAX + 1];
    char usb_id[16];
    char part[CONF_NAME_MAX + 1];
    char variant[64];
    char cable[CONF_NAME_MAX + 1];
    int jtag_mhz;
    bool allow_virtual;
    int answer_timeout_ms;
    int program_timeout_ms;
    int burst_max_s;
    char meter[16]; // chip of the power monitor; "none"
    char meter_serial[CONF_NAME_MAX + 1];
    char meter_usb_id[16];
    int meter_address; // 0: the chip's usual one
    char rails[CONF_TEXT_MAX + 1];
    uint64_t given; // bit i: row i of the table was given
};

struct conf_route {
    char name[CONF_NAME_MAX + 1];
    char variants[CONF_PATH_MAX + 1]; // see route.h
    char mirror[64];
    char board[CONF_NAME_MAX + 1];
    bool sticky, swap;
    int dwell_ms, mirror_swap_s;
    uint64_t given;
};

struct conf {
    char control[CONF_TEXT_MAX + 1];
    char infer[CONF_TEXT_MAX + 1];
    char variants[CONF_PATH_MAX + 1];
    char run_dir[CONF_PATH_MAX + 1];
    char state_dir[CONF_PATH_MAX + 1];
    char loader[CONF_PATH_MAX + 1];
    char worker[CONF_PATH_MAX + 1];
    enum log_level log_level;
    int queue;
    int stop_timeout_ms;
    int return_grace_ms;
    int experiments;
    uint64_t given;
    struct conf_board board[CONF_BOARDS];
    int boards;
    struct conf_route route[CONF_ROUTES];
    int routes;
};

enum conf_kind {
    CONF_TEXT,
    CONF_PATH,
    CONF_ENDPOINT,
    CONF_NAME,
    CONF_USB_ID,
    CONF_INT,
    CONF_YES_NO,
    CONF_LEVEL
};

// One directive. section is "daemon", "board" or "route".
struct conf_row {
    const char *section, *name;
    enum conf_kind kind;
    size_t offset, capacity; // where its value lies in struct conf, conf_board or conf_route
    int lo, hi;              // CONF_INT
    const char *fallback;    // as written in a file; NULL: must be given
    const char *help;        // one line
};

// A kind of section that comes once for each name: an array in struct conf, whose members begin
// with their name.
struct conf_section {
    const char *kind;    // "board", "route"
    size_t items, count; // where the array and its int lie in struct conf
    size_t bytes, given; // of a member; where its bits lie in it
    int most;
};

extern const struct conf_section conf_sections[]; // ends with kind NULL

// The whole table; ends with section NULL.
extern const struct conf_row conf_table[];

extern const char *const conf_level_names[]; // by enum log_level

// Reads a file; 0, or -1 with "file:line: message" in why. c is meaningful only on success.
int conf_load(struct conf *c, const char *path, char *why, size_t whycap);
int conf_parse(struct conf *c, const char *text, const char *path, char *why, size_t whycap);

// Writes c as a file that conf_load reads back to the same (-p), or every directive with its help
// (--help-conf), to a descriptor. 0, or -1 when writing fails.
int conf_print(const struct conf *c, int fd);
int conf_print_help(int fd);

#endif
