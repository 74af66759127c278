// SPDX-License-Identifier: Apache-2.0
#include "csv/csv.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>

struct reader {
    FILE *in;
    const char *label;
    int line; // of text, from 1
    char *text;
    size_t text_bytes;
    char *field[CSV_MAX_COLUMNS]; // borrowed from text
    int fields;
    char *header; // owned copy of the header line's fields, see column
    char *column[CSV_MAX_COLUMNS];
    int columns;
    int time_index; // column of the time text, -1: none
    int *index;     // owned; file column of each column of the table
    int row_room;
    char *why;
    size_t whycap;
};

__attribute__((format(printf, 3, 4))) static int fail(const struct reader *r, const char *column,
                                                      const char *format, ...)
{
    char reason[256], where[32] = "";
    va_list ap;
    va_start(ap, format);
    vsnprintf(reason, sizeof reason, format, ap);
    va_end(ap);
    if (r->line)
        snprintf(where, sizeof where, ":%d", r->line);
    if (column)
        snprintf(r->why, r->whycap, "%s%s: column '%s': %s", r->label, where, column, reason);
    else
        snprintf(r->why, r->whycap, "%s%s: %s", r->label, where, reason);
    return -1;
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

// Takes the quoted field that starts at p[1], in place. Returns what follows the closing quote, or
// NULL when there is none.
static char *take_quoted(char *p, char **field)
{
    char *to = p;
    *field = p;
    for (p++; *p; p++) {
        if (*p == '"' && p[1] == '"')
            p++;
        else if (*p == '"')
            break;
        *to++ = *p;
    }
    if (!*p)
        return NULL;
    p++;
    *to = 0;
    return p;
}

static char *take_plain(char *p, char **field)
{
    char *end = p + strcspn(p, ",");
    char *last = end;
    while (last > p && is_blank(last[-1]))
        last--;
    *field = p;
    if (last < end)
        *last = 0;
    return end;
}

static int split(struct reader *r)
{
    char *p = r->text;
    for (r->fields = 0;;) {
        if (r->fields == CSV_MAX_COLUMNS)
            return fail(r, NULL, "more than %d fields", CSV_MAX_COLUMNS);
        while (is_blank(*p))
            p++;
        char **field = &r->field[r->fields++];
        p = *p == '"' ? take_quoted(p, field) : take_plain(p, field);
        if (!p)
            return fail(r, NULL, "field %d: the quote is not closed", r->fields);
        while (is_blank(*p))
            p++;
        if (*p && *p != ',')
            return fail(r, NULL, "field %d: text after the closing quote", r->fields);
        if (!*p)
            return 0;
        *p++ = 0;
    }
}

// Next line that is neither blank nor a comment, split into fields: 1; end of file: 0; or -1.
static int next_line(struct reader *r)
{
    for (;;) {
        ssize_t n = getline(&r->text, &r->text_bytes, r->in);
        if (n < 0) {
            if (ferror(r->in) || !feof(r->in))
                return fail(r, NULL, "reading: %s", strerror(errno));
            return 0;
        }
        r->line++;
        if (n > CSV_MAX_LINE_BYTES)
            return fail(r, NULL, "line of %zd bytes, at most %d", n, (int)CSV_MAX_LINE_BYTES);
        if (strlen(r->text) != (size_t)n)
            return fail(r, NULL, "a zero byte: not a text file");
        if (r->line == 1 && !strncmp(r->text, "\xef\xbb\xbf", 3))
            memmove(r->text, r->text + 3, strlen(r->text) - 2);
        r->text[strcspn(r->text, "\r\n")] = 0;
        const char *start = r->text + strspn(r->text, " \t");
        if (*start && *start != '#')
            return split(r) ? -1 : 1;
    }
}

static int find(const struct reader *r, const char *name)
{
    for (int i = 0; i < r->columns; i++)
        if (!strcmp(r->column[i], name))
            return i;
    return -1;
}

static int read_header(struct reader *r)
{
    int rc = next_line(r);
    if (rc == 0) {
        r->line = 0;
        return fail(r, NULL, "no header line");
    }
    if (rc < 0)
        return -1;
    for (int i = 0; i < r->fields; i++) {
        if (!*r->field[i])
            return fail(r, NULL, "field %d of the header is empty", i + 1);
        if (find(r, r->field[i]) >= 0)
            return fail(r, r->field[i], "appears twice in the header");
        r->column[r->columns++] = r->field[i];
    }
    // The names live on in this buffer; the next line gets a new one.
    r->header = r->text;
    r->text = NULL;
    r->text_bytes = 0;
    return 0;
}

// Decides which columns of the file become columns of the table.
static int choose(struct reader *r, struct csv_table *t, const char *const *names, int count,
                  const char *time_column)
{
    r->time_index = time_column ? find(r, time_column) : -1;
    if (time_column && r->time_index < 0)
        return fail(r, time_column, "not in the header");
    int most = names ? count : r->columns;
    r->index = calloc((size_t)most + 1, sizeof *r->index);
    t->name = calloc((size_t)most + 1, sizeof *t->name);
    if (!r->index || !t->name)
        return fail(r, NULL, "out of memory");
    for (int i = 0; i < most; i++) {
        int at = names ? find(r, names[i]) : i;
        if (at < 0)
            return fail(r, names[i], "not in the header");
        if (!names && at == r->time_index)
            continue;
        t->name[t->columns] = strdup(r->column[at]);
        if (!t->name[t->columns])
            return fail(r, NULL, "out of memory");
        r->index[t->columns++] = at;
    }
    return 0;
}

static int to_number(const struct reader *r, int column, double *value)
{
    const char *text = r->field[column];
    const char *name = r->column[column];
    if (!*text || !strcasecmp(text, "na") || !strcasecmp(text, "nan")) {
        *value = NAN;
        return 0;
    }
    char *end;
    *value = strtod(text, &end);
    // strtod also knows hexadecimal and infinity, which in a series are typing errors.
    if (*end || strspn(text, "0123456789+-.eE") != strlen(text))
        return fail(r, name, "'%.40s' is not a number", text);
    if (!isfinite(*value))
        return fail(r, name, "'%.40s' is too large", text);
    return 0;
}

static int grow(struct reader *r, struct csv_table *t)
{
    if (t->rows < r->row_room)
        return 0;
    if (t->rows >= CSV_MAX_ROWS)
        return fail(r, NULL, "more than %d rows", (int)CSV_MAX_ROWS);
    size_t room = r->row_room ? 2 * (size_t)r->row_room : 1024;
    size_t width = t->columns > 0 ? (size_t)t->columns : 1;
    double *value = realloc(t->value, room * width * sizeof *value);
    if (value)
        t->value = value;
    int *line = realloc(t->line, room * sizeof *line);
    if (line)
        t->line = line;
    char **time = r->time_index >= 0 ? realloc(t->time, room * sizeof *time) : NULL;
    if (time)
        t->time = time;
    if (!value || !line || (r->time_index >= 0 && !time))
        return fail(r, NULL, "out of memory");
    r->row_room = (int)room;
    return 0;
}

static int read_row(struct reader *r, struct csv_table *t)
{
    if (r->fields != r->columns)
        return fail(r, NULL, "%d fields, the header has %d", r->fields, r->columns);
    if (grow(r, t))
        return -1;
    double *value = t->value + (size_t)t->rows * (size_t)t->columns;
    for (int i = 0; i < t->columns; i++) {
        if (to_number(r, r->index[i], &value[i]))
            return -1;
        t->gaps += isnan(value[i]) != 0;
    }
    if (r->time_index >= 0) {
        t->time[t->rows] = strdup(r->field[r->time_index]);
        if (!t->time[t->rows])
            return fail(r, NULL, "out of memory");
    }
    t->line[t->rows++] = r->line;
    return 0;
}

struct csv_table *csv_read_stream(FILE *in, const char *label, const char *const *names, int count,
                                  const char *time_column, char *why, size_t whycap)
{
    struct csv_table *t = calloc(1, sizeof *t);
    struct reader *r = calloc(1, sizeof *r);
    int rc = -1;
    if (!t || !r) {
        snprintf(why, whycap, "%s: out of memory", label);
        goto done;
    }
    *r = (struct reader){.in = in, .label = label, .why = why, .whycap = whycap};
    if (read_header(r) || choose(r, t, names, count, time_column))
        goto done;
    while ((rc = next_line(r)) > 0)
        if (read_row(r, t)) {
            rc = -1;
            break;
        }
done:
    if (r) {
        free(r->text);
        free(r->header);
        free(r->index);
        free(r);
    }
    if (rc < 0) {
        csv_free(t);
        return NULL;
    }
    return t;
}

struct csv_table *csv_read(const char *path, const char *const *names, int count,
                           const char *time_column, char *why, size_t whycap)
{
    if (!strcmp(path, "-"))
        return csv_read_stream(stdin, "standard input", names, count, time_column, why, whycap);
    FILE *in = fopen(path, "r");
    if (!in) {
        snprintf(why, whycap, "%s: %s", path, strerror(errno));
        return NULL;
    }
    struct csv_table *t = csv_read_stream(in, path, names, count, time_column, why, whycap);
    fclose(in);
    return t;
}

int csv_column(const struct csv_table *t, const char *name)
{
    for (int i = 0; i < t->columns; i++)
        if (!strcmp(t->name[i], name))
            return i;
    return -1;
}

void csv_free(struct csv_table *t)
{
    if (!t)
        return;
    for (int i = 0; t->name && i < t->columns; i++)
        free(t->name[i]);
    for (int i = 0; t->time && i < t->rows; i++)
        free(t->time[i]);
    free(t->name);
    free(t->value);
    free(t->time);
    free(t->line);
    free(t);
}
