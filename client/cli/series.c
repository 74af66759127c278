// SPDX-License-Identifier: Apache-2.0
#include "client/cli/series.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WANTED = SC_MAX_FEATURES + SC_MAX_OUTPUTS };

int series_target(const struct sc_metadata *m, int output, char base[SC_NAME_BYTES])
{
    int same = 1;
    snprintf(base, SC_NAME_BYTES, "%s", m->target[output].name);
    char *plus = strrchr(base, '+');
    if (plus && plus != base) {
        char *end;
        long step = strtol(plus + 1, &end, 10);
        if (end != plus + 1 && !*end && step >= 1 && step <= 1000000) {
            *plus = '\0';
            return (int)step;
        }
    }
    for (int k = 0; k < output; k++)
        same += strcmp(m->target[k].name, m->target[output].name) == 0;
    return same;
}

// Splits a comma-separated list in place into names; -1 when there are not exactly n.
static int split(char *list, const char **names, int n)
{
    int found = 0;
    for (char *at = list; at; found++) {
        char *comma = strchr(at, ',');
        if (comma)
            *comma = '\0';
        if (found == n || !*at)
            return -1;
        names[found] = at;
        at = comma ? comma + 1 : NULL;
    }
    return found == n ? 0 : -1;
}

static int index_of(const char *const *names, int n, const char *name)
{
    for (int i = 0; i < n; i++)
        if (strcmp(names[i], name) == 0)
            return i;
    return -1;
}

// Reads the columns, with a time column where there is one. The usual names are only tried on
// files, which can be read again.
static struct csv_table *read_timed(const char *path, const char *const *names, int n,
                                    const char *time, char *why, size_t whycap)
{
    static const char *const usual[] = {"timestamp", "time", "date"};
    if (time || strcmp(path, "-") == 0)
        return csv_read(path, names, n, time, why, whycap);
    struct csv_table *table = csv_read(path, names, n, NULL, why, whycap);
    for (int i = 0; table && i < 3; i++) {
        char unused[SC_TEXT_BYTES];
        struct csv_table *timed = csv_read(path, names, n, usual[i], unused, sizeof unused);
        if (timed) {
            csv_free(table);
            return timed;
        }
    }
    return table;
}

// Reads features and, where the file has them, targets that are no features.
static bool read_table(struct series *s, const char **names, const struct sc_metadata *m,
                       const char *path, const char *time, char *why, size_t whycap)
{
    int n = s->features;
    for (int k = 0; k < s->outputs; k++) {
        // A target that is a feature too is the column which that feature is taken from.
        for (int i = 0; s->target[k] < 0 && i < s->features; i++)
            if (strcmp(m->feature[i].name, s->base[k]) == 0)
                s->target[k] = s->feature[i];
        if (s->target[k] < 0)
            s->target[k] = index_of(names, n, s->base[k]);
        if (s->target[k] < 0) {
            names[n] = s->base[k];
            s->target[k] = n++;
        }
    }
    s->table = read_timed(path, names, n, time, why, whycap);
    if (s->table || n == s->features || strcmp(path, "-") == 0)
        return s->table != NULL;
    for (int k = 0; k < s->outputs; k++) // without the truth, then
        if (s->target[k] >= s->features)
            s->target[k] = -1;
    s->table = read_timed(path, names, s->features, time, why, whycap);
    return s->table != NULL;
}

bool series_open(struct series *s, const struct sc_metadata *m, const char *path,
                 const char *columns, const char *time, char *why, size_t whycap)
{
    const char *names[WANTED];
    char list[SC_MAX_FEATURES * SC_NAME_BYTES];
    *s = (struct series){
        .window = (int)m->window, .features = (int)m->features, .outputs = (int)m->outputs};
    for (int i = 0; i < s->features; i++)
        names[i] = m->feature[i].name;
    if (columns && ((size_t)snprintf(list, sizeof list, "%s", columns) >= sizeof list ||
                    split(list, names, s->features) != 0)) {
        snprintf(why, whycap, "--column %s: %s has %d features, so it takes %d names", columns,
                 m->name, s->features, s->features);
        return false;
    }
    for (int i = 0; i < s->features; i++)
        s->feature[i] = i;
    for (int k = 0; k < s->outputs; k++) {
        s->ahead[k] = series_target(m, k, s->base[k]);
        s->target[k] = -1;
    }
    return read_table(s, names, m, path, time, why, whycap);
}

void series_close(struct series *s)
{
    csv_free(s->table);
    s->table = NULL;
}

static double value_at(const struct series *s, int row, int column)
{
    if (column < 0 || row < 0 || row >= s->table->rows)
        return NAN;
    return s->table->value[(size_t)row * (size_t)s->table->columns + (size_t)column];
}

bool series_window(const struct series *s, int row, double *out)
{
    bool whole = true;
    for (int t = 0; t < s->window; t++)
        for (int i = 0; i < s->features; i++) {
            double value = value_at(s, row + t, s->feature[i]);
            whole = whole && isfinite(value);
            out[t * s->features + i] = value;
        }
    return whole;
}

double series_truth(const struct series *s, int row, int output)
{
    return value_at(s, row + s->window - 1 + s->ahead[output], s->target[output]);
}

double series_last(const struct series *s, int row, int output)
{
    return value_at(s, row + s->window - 1, s->target[output]);
}

void series_label(const struct series *s, int row, int output, char *out, size_t capacity)
{
    int at = row + s->window - 1 + s->ahead[output];
    if (at >= s->table->rows)
        snprintf(out, capacity, "end+%d", at - s->table->rows + 1);
    else if (s->table->time)
        snprintf(out, capacity, "%s", s->table->time[at]);
    else
        snprintf(out, capacity, "row %d", at);
}
