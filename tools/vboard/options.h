// SPDX-License-Identifier: Apache-2.0
// The command line of vboard.
#ifndef SEVENCAST_VBOARD_OPTIONS_H
#define SEVENCAST_VBOARD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/vboard/board.h"
#include "tools/vboard/log.h"

enum options_verb { VERB_RUN, VERB_SERVE, VERB_EXEC, VERB_CTL };

// Exit codes of vboard itself; COMMAND's own come through.
enum { EXIT_VBOARD = 125, EXIT_CANNOT_RUN = 126, EXIT_NOT_FOUND = 127 };

enum { OPTIONS_POWER_MAX = 32 };

struct options {
    enum options_verb verb;
    const char *world;    // NULL: a temporary folder
    const char *packages; // NULL: no designs
    enum fpga_engine engine;
    const struct device_part *part;
    const char *serials[BOARD_MAX];
    size_t serial_count;
    const char *power[OPTIONS_POWER_MAX]; // words of "ctl power", for every board
    size_t power_count;
    const char *log_path;
    enum log_level log_level;
    bool background;
    char **rest; // COMMAND or control words, NULL-terminated
};

// 0 go on; 1 help or version was printed; -1 usage error, printed.
int options_parse(struct options *o, int argc, char **argv);

#endif
