// SPDX-License-Identifier: Apache-2.0
#include "tools/vivado/report.h"

#include <stdio.h>
#include <string.h>

#include "tools/vivado/report_text.h"

enum { MAX_COLUMNS = 16 };

// Which column of the table whose heading is this line holds "Used" and "Available".
struct columns {
    int used, available;
};

static bool heading(struct span line, struct columns *c)
{
    struct span cell;
    if (!report_cell(line, 0, &cell) || !span_is(cell, "Site Type"))
        return false;
    *c = (struct columns){-1, -1};
    for (int i = 1; i < MAX_COLUMNS && report_cell(line, i, &cell); i++) {
        if (span_is(cell, "Used"))
            c->used = i;
        if (span_is(cell, "Available"))
            c->available = i;
    }
    return true;
}

// A row's name may carry a footnote's asterisk.
static bool row_is(struct span line, const char *name)
{
    struct span cell;
    if (!report_cell(line, 0, &cell))
        return false;
    if (cell.n && cell.at[cell.n - 1] == '*')
        cell.n--;
    return span_is(span_trim(cell), name);
}

static int read_cell(const struct report *r, struct span line, const char *row, int column,
                     const char *what, long *value)
{
    struct span cell;
    if (column < 0 || !report_cell(line, column, &cell))
        return report_error(r, "row \"%s\" has no column \"%s\"", row, what);
    if (!span_number(cell, false, value))
        return report_error(r, "row \"%s\": %s is \"%.*s\", not a number", row, what, (int)cell.n,
                            cell.at);
    return 0;
}

// Some rows stand in two tables; then with the same figure.
static int used(const struct report *r, const char *row, long *value, long *available)
{
    struct columns c = {-1, -1};
    struct span line;
    bool headed = false, seen = false;
    for (size_t at = 0; report_line(r, &at, &line);) {
        long u, a;
        if (heading(line, &c))
            headed = true;
        if (!headed || !row_is(line, row))
            continue;
        if (read_cell(r, line, row, c.used, "Used", &u) != 0)
            return -1;
        if (seen && u != *value)
            return report_error(r, "row \"%s\" is there with %ld and with %ld", row, *value, u);
        *value = u;
        if (seen)
            continue;
        seen = true;
        if (read_cell(r, line, row, c.available, "Available", &a) != 0)
            return -1;
        if (u > a)
            return report_error(r, "row \"%s\": %ld used of %ld", row, u, a);
        if (available)
            *available = a;
    }
    return seen ? 0 : report_error(r, "no row \"%s\"", row);
}

int vivado_read_utilization(const char *text, size_t n, const struct vivado_subject *of,
                            struct vivado_figures *f, char *why, size_t whycap)
{
    const struct report r = {"utilization", text, n, why, whycap};
    if (report_header(&r, of, true, f->version) != 0 ||
        used(&r, "Slice LUTs", &f->luts, &f->luts_available) != 0 ||
        used(&r, "LUT as Memory", &f->luts_memory, NULL) != 0 ||
        used(&r, "Slice Registers", &f->ffs, NULL) != 0 ||
        used(&r, "RAMB36/FIFO", &f->ramb36, NULL) != 0 ||
        used(&r, "RAMB18", &f->ramb18, NULL) != 0 || used(&r, "DSPs", &f->dsps, NULL) != 0)
        return -1;
    if (f->luts_memory > f->luts)
        return report_error(&r, "%ld LUTs as memory of %ld in all", f->luts_memory, f->luts);
    return 0;
}

// "|   Total On-Chip Power (W)  | 0.089 |"; the first table that has it is the summary.
static int watts(const struct report *r, const char *row, long *mw)
{
    struct span line, cell;
    for (size_t at = 0; report_line(r, &at, &line);) {
        if (!row_is(line, row))
            continue;
        if (!report_cell(line, 1, &cell) || !span_number(cell, true, mw) || *mw < 0)
            return report_error(r, "row \"%s\" is \"%.*s\", not a power", row, (int)cell.n,
                                cell.at);
        return 0;
    }
    return report_error(r, "no row \"%s\"", row);
}

int vivado_read_power(const char *text, size_t n, const struct vivado_subject *of,
                      struct vivado_figures *f, char *why, size_t whycap)
{
    const struct report r = {"power", text, n, why, whycap};
    struct span line, cell;
    if (report_header(&r, of, true, f->version) != 0 ||
        watts(&r, "Total On-Chip Power (W)", &f->power_mw) != 0 ||
        watts(&r, "Dynamic (W)", &f->dynamic_mw) != 0 ||
        watts(&r, "Device Static (W)", &f->static_mw) != 0)
        return -1;
    for (size_t at = 0; report_line(&r, &at, &line);)
        if (row_is(line, "Confidence Level") && report_cell(line, 1, &cell) && cell.n &&
            cell.n < sizeof f->power_confidence) {
            snprintf(f->power_confidence, sizeof f->power_confidence, "%.*s", (int)cell.n, cell.at);
            return 0;
        }
    return report_error(&r, "no row \"Confidence Level\"");
}

// "# of routable nets..................... :        4567 :"
static int nets(const struct report *r, const char *row, long *value)
{
    struct span line;
    for (size_t at = 0; report_line(r, &at, &line);) {
        struct span s = span_trim(line);
        size_t n = strlen(row);
        if (!span_starts(s, row) || s.n <= n || (s.at[n] != '.' && s.at[n] != ' '))
            continue;
        const char *colon = memchr(s.at, ':', s.n);
        if (!colon)
            continue;
        struct span number = {colon + 1, s.n - (size_t)(colon + 1 - s.at)};
        const char *end = memchr(number.at, ':', number.n);
        if (end)
            number.n = (size_t)(end - number.at);
        number = span_trim(number);
        if (!span_number(number, false, value))
            return report_error(r, "\"%s\" is \"%.*s\", not a number", row, (int)number.n,
                                number.at);
        return 0;
    }
    return report_error(r, "no line \"%s\"", row);
}

int vivado_read_route(const char *text, size_t n, char *why, size_t whycap)
{
    const struct report r = {"route status", text, n, why, whycap};
    long routable, routed, wrong;
    if (nets(&r, "# of routable nets", &routable) != 0 ||
        nets(&r, "# of fully routed nets", &routed) != 0 ||
        nets(&r, "# of nets with routing errors", &wrong) != 0)
        return -1;
    if (routable == 0 || routed != routable || wrong != 0)
        return report_error(&r, "%ld of %ld nets routed, %ld with errors", routed, routable, wrong);
    return 0;
}
