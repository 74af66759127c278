// SPDX-License-Identifier: Apache-2.0
// Reads a time series from a CSV file: a header line with column names, one row per time step.
//
// Lines that are blank or begin with '#' are skipped. Fields are separated by commas and may be
// quoted as in RFC 4180 (a quoted field does not span lines); spaces around a field do not count;
// CRLF and a UTF-8 byte order mark are accepted. A number is a finite decimal as strtod(3) reads it
// in the C locale. A field that is empty, NA or NaN (any case) is a gap and read as NaN.
// Only the columns asked for are converted, so other columns may hold anything.
#ifndef SEVENCAST_CSV_CSV_H
#define SEVENCAST_CSV_CSV_H

#include <stddef.h>
#include <stdio.h>

enum {
    CSV_MAX_COLUMNS = 1024,
    CSV_MAX_LINE_BYTES = 1 << 20,
    CSV_MAX_ROWS = 50 * 1000 * 1000,
};

struct csv_table {
    int columns, rows;
    char **name;   // [columns], in the order asked for; in the file's order when all were taken
    double *value; // [rows][columns], NaN where there is a gap
    char **time;   // [rows], the time column as text; NULL when none was asked for
    int *line;     // [rows], line in the file, from 1
    size_t gaps;   // how many values are NaN
};

// Reads path ("-" is standard input). names: the columns wanted, count of them; NULL takes every
// column but the time column. time_column: name of a column kept as text, or NULL.
// Returns NULL on failure, and why (whycap bytes, always terminated) says
// "file:line: column 'x': reason", as far as line and column apply. Free with csv_free.
struct csv_table *csv_read(const char *path, const char *const *names, int count,
                           const char *time_column, char *why, size_t whycap);

// The same from an open stream, which stays open; label stands for the file in messages.
struct csv_table *csv_read_stream(FILE *in, const char *label, const char *const *names, int count,
                                  const char *time_column, char *why, size_t whycap);

// Index of a column by name, or -1.
int csv_column(const struct csv_table *t, const char *name);

void csv_free(struct csv_table *t); // NULL allowed

#endif
