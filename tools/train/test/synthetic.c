// SPDX-License-Identifier: Apache-2.0
#include "tools/train/test/synthetic.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tools/train/dice.h"

static double value(int row, int column, double noise, struct dice *dice)
{
    double wave = sin(row * 0.52 + column) + 0.4 * sin(row * 1.37 - column);
    double error = dice_unit(dice) + dice_unit(dice) + dice_unit(dice) - 1.5;
    return 100.0 * (column + 1) + 10.0 * (column + 1) * (wave + noise * error);
}

struct csv_table *synthetic_table(int rows, int columns, double noise, uint64_t seed)
{
    struct dice dice = {seed};
    struct csv_table *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    t->name = calloc((size_t)columns, sizeof *t->name);
    t->value = calloc((size_t)rows * (size_t)columns, sizeof *t->value);
    if (!t->name || !t->value) {
        csv_free(t);
        return NULL;
    }
    t->rows = rows;
    for (; t->columns < columns; t->columns++) {
        char name[8] = {'c', (char)('0' + t->columns)};
        t->name[t->columns] = strdup(name);
        if (!t->name[t->columns]) {
            csv_free(t);
            return NULL;
        }
    }
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < columns; c++)
            t->value[r * columns + c] = value(r, c, noise, &dice);
    return t;
}
