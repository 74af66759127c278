// SPDX-License-Identifier: Apache-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/cli.h"

enum { CELL = 256 };

struct cell {
    enum colour colour;
    char text[CELL];
};

struct table {
    const struct table_column *column;
    size_t columns, cells, capacity;
    struct cell *cell;
};

struct table *table_new(const struct table_column *columns, size_t n)
{
    struct table *t = calloc(1, sizeof *t);
    if (t)
        *t = (struct table){.column = columns, .columns = n};
    return t;
}

void table_cell(struct table *t, enum colour colour, const char *format, ...)
{
    va_list args;
    if (!t)
        return;
    if (t->cells == t->capacity) {
        size_t capacity = t->capacity ? 2 * t->capacity : 64;
        struct cell *cell = realloc(t->cell, capacity * sizeof *cell);
        if (!cell)
            return;
        t->cell = cell;
        t->capacity = capacity;
    }
    struct cell *cell = &t->cell[t->cells++];
    cell->colour = colour;
    va_start(args, format);
    vsnprintf(cell->text, sizeof cell->text, format, args);
    va_end(args);
}

// Columns that a terminal shows for UTF-8 text, to the accuracy of one per character.
static size_t width_of(const char *text)
{
    size_t n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

static size_t column_width(const struct table *t, size_t column)
{
    size_t width = width_of(t->column[column].head);
    for (size_t i = column; i < t->cells; i += t->columns)
        if (width_of(t->cell[i].text) > width)
            width = width_of(t->cell[i].text);
    return width;
}

static void print_cell(const char *text, const char *code, size_t width, bool right, bool last)
{
    int pad = (int)(width - width_of(text));
    printf("%*s%s%s%s", right ? pad : 0, "", code, text, code[0] ? "\033[0m" : "");
    if (last)
        putchar('\n');
    else
        printf("%*s", (right ? 0 : pad) + 2, "");
}

int table_print(struct table *t, bool colour)
{
    static const char *const codes[] = {"", "\033[32m", "\033[33m", "\033[31m"};
    size_t width[16] = {0};
    if (!t)
        return EXIT_OTHER;
    for (size_t c = 0; c < t->columns && c < 16; c++)
        width[c] = column_width(t, c);
    for (size_t c = 0; c < t->columns; c++)
        print_cell(t->column[c].head, colour ? "\033[1m" : "", width[c], t->column[c].right,
                   c + 1 == t->columns);
    for (size_t i = 0; i < t->cells; i++) {
        size_t c = i % t->columns;
        print_cell(t->cell[i].text, colour ? codes[t->cell[i].colour] : "", width[c],
                   t->column[c].right, c + 1 == t->columns);
    }
    free(t->cell);
    free(t);
    return EXIT_OK;
}

enum colour colour_of_state(const char *state)
{
    if (strcmp(state, "READY") == 0)
        return COLOUR_GOOD;
    if (strcmp(state, "FAULT") == 0 || strcmp(state, "UNAVAILABLE") == 0)
        return COLOUR_BAD;
    return strcmp(state, "ABSENT") == 0 || strcmp(state, "PROGRAMMING") == 0 ? COLOUR_WARN
                                                                             : COLOUR_NONE;
}

const char *format_ns(char out[16], uint64_t ns)
{
    double value = (double)ns / 1e3;
    const char *unit = "us";
    if (value >= 1e6) {
        value /= 1e6;
        unit = "s";
    } else if (value >= 1e3) {
        value /= 1e3;
        unit = "ms";
    }
    snprintf(out, 16, "%.*f %s", value < 10 ? 2 : value < 1000 ? 1 : 0, value, unit);
    return out;
}

const char *format_si(char out[24], double value, const char *unit)
{
    static const char *const prefix[] = {"n", "u", "m", "", "k"};
    double size = value < 0 ? -value : value, scale = 1e-9;
    int i = 0;
    while (i < 4 && size >= scale * 999.5) {
        scale *= 1e3;
        i++;
    }
    snprintf(out, 24, "%.3g %s%s", value / scale, prefix[i], unit);
    return out;
}
