// SPDX-License-Identifier: Apache-2.0
// A routed bitstream by Vivado in batch mode: writes its script, runs it as a supervised child,
// reads its reports and judges them. Nothing here claims a result that was not routed: a figure
// that is not in the reports is an error.
#ifndef SEVENCAST_VIVADO_VIVADO_H
#define SEVENCAST_VIVADO_VIVADO_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/vivado/report.h"

enum { VIVADO_PATH_MAX = 1024, VIVADO_WHY_MAX = 512, VIVADO_TIMEOUT_S = 3600 };

enum vivado_outcome {
    VIVADO_OK = 0,
    VIVADO_ABSENT,      // no such program: make a virtual bitstream instead
    VIVADO_USAGE,       // part, pins file or a path that cannot be used
    VIVADO_FILES,       // cannot read or write
    VIVADO_FAILED,      // the child ended with an error or by a signal
    VIVADO_TIMEOUT,     // it was killed
    VIVADO_INTERRUPTED, // we were, by SIGINT or SIGTERM; it was killed
    VIVADO_REPORTS,     // a report lacks a figure or contradicts another
    VIVADO_TIMING,      // routed, but too slow for the clock
    VIVADO_BITSTREAM,   // the file is not a bitstream of this part and variant
};

struct vivado_options {
    const char *program; // "vivado", looked up in PATH; or a path
    const char *part;    // e.g. "xc7s15ftgb196-1"
    const char *pins;    // NULL: board/generic-ftgb196.pins of the RTL
    const char *work; // folder for script, logs and reports, which stays; NULL: the caller's choice
    int timeout_s;
    bool allow_timing_failure;
};
// The defaults of every field.
void vivado_options_init(struct vivado_options *o);

struct vivado_request {
    const struct vivado_options *options;
    const char *work;        // made when absent; reports of an earlier run in it are removed
    const char *rtl;         // absolute, with core/, sys/ and board/
    const char *package_vhd; // absolute: the variant's VHDL package, for synthesis, origin board
    const char *variant;     // its name
    const uint8_t *hash;     // its 32 bytes; the first four become USERCODE
    long clock_hz;
};

struct vivado_result {
    enum vivado_outcome outcome;
    char why[VIVADO_WHY_MAX]; // one line, when the outcome is not OK
    char device[16];          // "xc7s15"
    char part[32];
    char bitstream[VIVADO_PATH_MAX]; // the file, inside work
    struct vivado_figures figures;
    bool timing_failure_allowed; // it was not met, and the caller had said that this is all right
};

// Whether the program can be run at all; looks, runs nothing.
bool vivado_present(const char *program);

// The whole flow. Progress goes to stderr, one line a step.
enum vivado_outcome vivado_implement(const struct vivado_request *r, struct vivado_result *result);

// "implementation" of build.json; a new reference, NULL without memory. Only for an outcome of OK.
json_t *vivado_json(const struct vivado_result *result);

// Splits "xc7s15ftgb196-1" into device and package; false when it is no such name.
bool vivado_part_split(const char *part, char device[16], char package[16]);

#endif
