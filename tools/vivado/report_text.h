// SPDX-License-Identifier: Apache-2.0
// The lines and tables that all reports are made of.
#ifndef SEVENCAST_VIVADO_REPORT_TEXT_H
#define SEVENCAST_VIVADO_REPORT_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/vivado/report.h"

struct report {
    const char *name; // in messages
    const char *text;
    size_t bytes;
    char *why;
    size_t whycap;
};

struct span {
    const char *at;
    size_t n;
};

// Writes the message (the first one stays) and returns -1.
int report_error(const struct report *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// Line by line: *at starts at 0; false at the end. The line has no end-of-line characters.
bool report_line(const struct report *r, size_t *at, struct span *line);
struct span span_trim(struct span s);
bool span_is(struct span s, const char *text);
bool span_has(struct span s, const char *text);
bool span_starts(struct span s, const char *text);

// Cell number i of a table line "| a | b |", trimmed; false when there are fewer.
bool report_cell(struct span line, int i, struct span *cell);

// "12", "-0.501" as thousandths; false when it is anything else, or beyond 10^12.
bool span_number(struct span s, bool fraction, long *value);

// The header of a report: tool version, design, device, and that it is of a routed design where it
// says (must_say: it has to say).
int report_header(const struct report *r, const struct vivado_subject *of, bool must_say,
                  char version[32]);

#endif
