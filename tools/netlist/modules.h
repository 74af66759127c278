// SPDX-License-Identifier: Apache-2.0
// Where the cells of a flattened netlist are: resources by instance, and the critical path by name.
#ifndef SEVENCAST_NETLIST_MODULES_H
#define SEVENCAST_NETLIST_MODULES_H

#include "tools/netlist/count.h"
#include "tools/netlist/flat.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

// Instances of one entity that one place generates are one row.
struct module_row {
    const char *name; // the instance's, without the numbers of generate
    const char *entity;
    size_t parent, depth; // parent is a row; FLAT_NONE of the top
    size_t instances;
    struct resources own, all; // all: with the rows below
};

struct module_rows {
    struct module_row *row; // a row's parent stands before it; by falling LUTs below each parent
    size_t count;
};

// False when the cells' sum is not `whole`, or a cell is unknown: *message.
bool modules_sum(const struct flat *flat, const struct resources *whole, struct module_rows *rows,
                 const char **message);

// One cell of the longest path, from its end to its start.
struct path_step {
    size_t arrival_ps;
    const char *cell, *type; // type as sta says it: LUT6.I1->O
    const char *net;         // what it reads: a name, or NULL
    size_t home;
};

struct path {
    struct path_step *step; // step[0] is the register or pin where it ends
    size_t count;
    const char *from, *to; // registers
};

// The path out of the text of `sta`. False: *message.
bool path_read(struct pool *pool, const struct flat *flat, const char *top, const char *sta,
               struct path *path, const char **message);

void modules_print(FILE *out, const struct flat *flat, const struct module_rows *rows,
                   const struct path *path);
json_t *modules_json(const struct module_rows *rows);
json_t *path_json(const struct flat *flat, const struct path *path);

#endif
