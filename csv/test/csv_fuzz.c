// SPDX-License-Identifier: Apache-2.0
#include "csv/test/csv_fuzz.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "csv/csv.h"

static void require(int condition)
{
    if (!condition)
        abort();
}

static void inspect(const struct csv_table *t, int with_time)
{
    size_t gaps = 0;
    for (int i = 0; i < t->columns; i++)
        require(*t->name[i] && csv_column(t, t->name[i]) == i);
    for (int r = 0; r < t->rows; r++) {
        require(t->line[r] > (r ? t->line[r - 1] : 1));
        require(!with_time || t->time[r]);
        for (int c = 0; c < t->columns; c++) {
            double v = t->value[(size_t)r * (size_t)t->columns + (size_t)c];
            require(isfinite(v) || isnan(v));
            gaps += isnan(v) != 0;
        }
    }
    require(gaps == t->gaps);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char why[128] = "";
    if (size == 0)
        return 0;
    FILE *in = fmemopen(NULL, size, "w+");
    require(in && fwrite(data, 1, size, in) == size);
    rewind(in);
    const char *time_column = data[0] & 1 ? "t" : NULL;
    struct csv_table *t = csv_read_stream(in, "f", NULL, 0, time_column, why, sizeof why);
    fclose(in);
    if (t)
        inspect(t, time_column != NULL);
    else
        require(!strncmp(why, "f:", 2) && strlen(why) > 3);
    csv_free(t);
    return 0;
}
