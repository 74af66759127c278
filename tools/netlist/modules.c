// SPDX-License-Identifier: Apache-2.0
#include "tools/netlist/modules.h"

#include "tools/netlist/files.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

// lanes_outputs_n0_tokens_of_n3_lane without the numbers of generate.
static const char *plain_name(struct pool *pool, const char *name)
{
    char *plain = pool_alloc(pool, strlen(name) + 1);
    size_t used = 0;
    while (*name) {
        size_t digits = name[0] == '_' && name[1] == 'n' ? strspn(name + 2, "0123456789") : 0;
        if (digits && (name[2 + digits] == '_' || !name[2 + digits]))
            name += 2 + digits;
        else
            plain[used++] = *name++;
    }
    return pool_text(pool, plain);
}

static size_t row_of(struct pool *pool, struct module_rows *rows, const char *name,
                     const char *entity, size_t parent)
{
    for (size_t i = 0; i < rows->count; i++) // texts are interned
        if (rows->row[i].parent == parent && rows->row[i].name == name &&
            rows->row[i].entity == entity)
            return i;
    rows->row = pool_grow(pool, rows->row, rows->count, sizeof *rows->row);
    rows->row[rows->count] =
        (struct module_row){.name = name,
                            .entity = entity,
                            .parent = parent,
                            .depth = parent == FLAT_NONE ? 0 : rows->row[parent].depth + 1};
    return rows->count++;
}

static void add(struct resources *sum, const struct resources *more)
{
    sum->lut += more->lut;
    sum->lutram += more->lutram;
    sum->ff += more->ff;
    sum->dsp += more->dsp;
    sum->ramb18 += more->ramb18;
    sum->inverters += more->inverters;
}

static void append_below(struct pool *pool, const struct module_rows *from, size_t parent,
                         size_t new_parent, struct module_rows *sorted)
{
    bool *done = pool_alloc(pool, from->count * sizeof *done);
    for (;;) {
        size_t best = FLAT_NONE;
        for (size_t i = 0; i < from->count; i++)
            if (from->row[i].parent == parent && !done[i] &&
                (best == FLAT_NONE || from->row[i].all.lut > from->row[best].all.lut))
                best = i;
        if (best == FLAT_NONE)
            return;
        done[best] = true;
        size_t at = sorted->count++;
        sorted->row[at] = from->row[best];
        sorted->row[at].parent = new_parent;
        append_below(pool, from, best, at, sorted);
    }
}

bool modules_sum(const struct flat *flat, const struct resources *whole, struct module_rows *rows,
                 const char **message)
{
    struct pool *pool = flat->pool;
    size_t *row_at = pool_alloc(pool, flat->instance_count * sizeof *row_at);
    *rows = (struct module_rows){0};
    for (size_t i = 0; i < flat->instance_count; i++) {
        const struct flat_instance *instance = &flat->instance[i];
        size_t parent = instance->parent == FLAT_NONE ? FLAT_NONE : row_at[instance->parent];
        row_at[i] = row_of(pool, rows, plain_name(pool, instance->name), instance->entity, parent);
        rows->row[row_at[i]].instances++;
    }
    for (size_t c = 0; c < flat->cell_count; c++) {
        const struct flat_cell *cell = &flat->cell[c];
        if (!count_add_cell(&rows->row[row_at[cell->home]].own, cell->type, strlen(cell->type),
                            1)) {
            *message = pool_format(pool, "cell %s is of no known kind", cell->type);
            return false;
        }
    }
    for (size_t i = rows->count; i-- > 0;) {
        add(&rows->row[i].all, &rows->row[i].own);
        if (rows->row[i].parent != FLAT_NONE)
            add(&rows->row[rows->row[i].parent].all, &rows->row[i].all);
    }
    const struct resources *sum = &rows->row[0].all;
    if (sum->lut != whole->lut || sum->lutram != whole->lutram || sum->ff != whole->ff ||
        sum->dsp != whole->dsp || sum->ramb18 != whole->ramb18) {
        *message = pool_format(pool, "%zu LUT and %zu FF in the modules, %zu and %zu in all",
                               sum->lut, sum->ff, whole->lut, whole->ff);
        return false;
    }
    struct module_rows sorted = {.row = pool_alloc(pool, rows->count * sizeof *rows->row)};
    append_below(pool, rows, FLAT_NONE, FLAT_NONE, &sorted);
    *rows = sorted;
    return true;
}

// A net's name, with its bit.
static const char *net_text(struct pool *pool, const struct flat_net *net)
{
    if (!net->name)
        return NULL;
    return net->bit < 0 ? net->name : pool_format(pool, "%s[%ld]", net->name, net->bit);
}

// The best name of what a cell drives, if that is one net; else, or if it has no name, sta's.
static const char *output_text(const struct flat *flat, const char *name, const char *said)
{
    const struct flat_cell *cell = flat_find(flat, name);
    const char *best = cell && cell->output_count == 1
                           ? net_text(flat->pool, &flat->net[flat->pin[cell->outputs]])
                           : NULL;
    return best ? best : said;
}

// "   8538 CELL (TYPE.PIN)": false when the line is no such one.
static bool read_step(struct pool *pool, const struct flat *flat, const char *line, size_t length,
                      struct path_step *step)
{
    char *end;
    step->arrival_ps = strtoul(line, &end, 10);
    if (end == line || *end != ' ')
        return false;
    const char *cell = end + 1, *stop = line + length;
    const char *open = stop;
    while (open > cell && *open != '(')
        open--;
    if (open <= cell + 1 || stop[-1] != ')')
        return false;
    if (*cell == '\\')
        cell++;
    while (cell < open && *cell == ' ')
        cell++;
    step->cell = pool_intern(pool, cell, (size_t)(open - 1 - cell));
    step->type = pool_intern(pool, open + 1, (size_t)(stop - 1 - open - 1));
    const struct flat_cell *found = flat_find(flat, step->cell);
    step->home = found ? found->home : 0;
    step->net = NULL;
    return true;
}

// "   \engine.writeback.n8937_o [12]"
static const char *read_net(struct pool *pool, const char *line, size_t length)
{
    const char *stop = line + length;
    if (*line != '\\')
        return NULL;
    const char *space = memchr(line, ' ', (size_t)(stop - line));
    const char *bit = space ? strchr(space, '[') : NULL;
    if (!space)
        space = stop;
    const char *name = pool_intern(pool, line + 1, (size_t)(space - line - 1));
    return bit && bit < stop ? pool_format(pool, "%s%.*s", name, (int)(stop - bit), bit) : name;
}

bool path_read(struct pool *pool, const struct flat *flat, const char *top, const char *sta,
               struct path *path, const char **message)
{
    *path = (struct path){0};
    const char *at = strstr(sta, pool_format(pool, "Latest arrival time in '%s' is ", top));
    at = at ? strchr(at, '\n') : NULL;
    for (bool net_next = false; at && at[1] && at[1] != '\n'; net_next = !net_next) {
        const char *line = at + 1 + strspn(at + 1, " ");
        size_t length = strcspn(line, "\n");
        struct path_step step;
        if (net_next)
            path->step[path->count - 1].net = read_net(pool, line, length);
        else if (strncmp(line, "0 ", 2) == 0 || !read_step(pool, flat, line, length, &step))
            break; // the clock, or what follows
        else {
            path->step = pool_grow(pool, path->step, path->count, sizeof *path->step);
            path->step[path->count++] = step;
        }
        at = strchr(line, '\n');
    }
    if (path->count < 2) {
        *message = "yosys sta: its path cannot be read";
        return false;
    }
    for (size_t i = 0; i + 1 < path->count; i++)
        path->step[i].net = output_text(flat, path->step[i + 1].cell, path->step[i].net);
    const struct path_step *last = &path->step[path->count - 1];
    path->to = output_text(flat, path->step[0].cell, path->step[0].cell);
    path->from = path->step[path->count - 2].net ? path->step[path->count - 2].net : last->cell;
    return true;
}
