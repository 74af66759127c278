// SPDX-License-Identifier: Apache-2.0
#include "tools/netlist/modules.h"

#include <string.h>

static const char *place(const struct flat *flat, size_t home)
{
    const char *path = flat->instance[home].path;
    return *path ? path : flat->instance[home].entity;
}

static size_t delay_ps(const struct path *path, size_t i)
{
    return path->step[i].arrival_ps - (i + 1 < path->count ? path->step[i + 1].arrival_ps : 0);
}

static void print_path(FILE *out, const struct flat *flat, const struct path *path)
{
    fprintf(out, "\ncritical path, %.3f ns of logic\n  from %s\n  to   %s\n",
            (double)path->step[0].arrival_ps / 1000, path->from, path->to);
    fprintf(out, "  %7s %7s  %-16s in, and the net it reads\n", "at ps", "takes", "cell");
    for (size_t i = path->count; i-- > 0;)
        fprintf(out, "  %7zu %7zu  %-16s %s%s%s\n", path->step[i].arrival_ps, delay_ps(path, i),
                path->step[i].type, place(flat, path->step[i].home), path->step[i].net ? "  " : "",
                path->step[i].net ? path->step[i].net : "");
}

void modules_print(FILE *out, const struct flat *flat, const struct module_rows *rows,
                   const struct path *path)
{
    fprintf(out,
            "\nby module: of the flattened netlist, so the rows add up to the whole\n"
            "  %6s %6s %6s %6s %4s %6s\n",
            "lut", "own", "lutram", "ff", "dsp", "ramb18");
    for (size_t i = 0; i < rows->count; i++) {
        const struct module_row *row = &rows->row[i];
        fprintf(out, "  %6zu %6zu %6zu %6zu %4zu %6zu  %*s%s", row->all.lut, row->own.lut,
                row->all.lutram, row->all.ff, row->all.dsp, row->all.ramb18, 2 * (int)row->depth,
                "", row->name);
        if (strcmp(row->name, row->entity) != 0)
            fprintf(out, ": %s", row->entity);
        if (row->instances > 1)
            fprintf(out, " x%zu", row->instances);
        fputc('\n', out);
    }
    print_path(out, flat, path);
}

json_t *modules_json(const struct module_rows *rows)
{
    json_t *list = json_array();
    for (size_t i = 0; i < rows->count; i++) {
        const struct module_row *row = &rows->row[i];
        json_array_append_new(
            list, json_pack("{s:s, s:s, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I}", "name", row->name,
                            "entity", row->entity, "depth", (int)row->depth, "instances",
                            (int)row->instances, "lut", (json_int_t)row->all.lut, "own_lut",
                            (json_int_t)row->own.lut, "lutram", (json_int_t)row->all.lutram, "ff",
                            (json_int_t)row->all.ff, "dsp", (json_int_t)row->all.dsp, "ramb18",
                            (json_int_t)row->all.ramb18));
    }
    return list;
}

json_t *path_json(const struct flat *flat, const struct path *path)
{
    json_t *cells = json_array();
    for (size_t i = path->count; i-- > 0;)
        json_array_append_new(
            cells, json_pack("{s:I, s:s, s:s, s:s?}", "arrival_ps",
                             (json_int_t)path->step[i].arrival_ps, "cell", path->step[i].type, "in",
                             place(flat, path->step[i].home), "reads", path->step[i].net));
    json_t *passes = json_array();
    for (size_t i = path->count; i-- > 0;)
        if (i + 1 == path->count || path->step[i].home != path->step[i + 1].home)
            json_array_append_new(passes, json_string(place(flat, path->step[i].home)));
    return json_pack("{s:s, s:s, s:o, s:o}", "from", path->from, "to", path->to, "passes", passes,
                     "cells", cells);
}
