// SPDX-License-Identifier: Apache-2.0
// A flattened netlist as yosys writes it (write_json), and the tree of instances it came from:
// which instance each mapped cell belongs to.
//
// Flattening keeps a net's names: the name in the instance that computes it, and those of the ports
// it passes. A cell is at home, in this order: where its own name says; in the deepest instance
// that names its output, unless it is an input there and no output; where most of the cells are
// that it feeds; where one of them is that feed it; in the top. The second rule decides for
// registers and for most of what crosses a port, the third for the inner nodes of ABC, which have
// no names.
#ifndef SEVENCAST_NETLIST_FLAT_H
#define SEVENCAST_NETLIST_FLAT_H

#include "tools/netlist/pool.h"

#include <jansson.h>
#include <stdbool.h>

#define FLAT_NONE ((size_t)-1)

struct flat_instance {
    const char *path;   // "" is the top, else names with dots
    const char *name;   // its last part
    const char *entity; // the module without GHDL's generics and digest
    size_t parent;      // FLAT_NONE of the top; parents stand before their children
    size_t depth;
    json_t *ports; // borrowed from tree
};

struct flat_net {
    const char *name;         // the best of its names, or NULL
    long bit;                 // of that name; -1 when it is one bit wide
    size_t home;              // what the names say, or FLAT_NONE
    size_t driver;            // cell, or FLAT_NONE
    size_t sinks, sink_count; // into sink[]
};

struct flat_cell {
    const char *name, *type;
    size_t home;
    size_t outputs, output_count; // nets, into pin[]
    size_t inputs, input_count;
    int visit;
};

struct flat {
    json_t *tree, *netlist; // owned
    json_t *by_path;        // owned; path to place in instance
    struct flat_instance *instance;
    size_t instance_count;
    struct flat_cell *cell;
    size_t cell_count;
    struct flat_net *net;
    size_t net_count;
    size_t *pin, *sink;
    struct pool *pool; // borrowed
};

// Reads both files. False: *message; flat_fini in any case.
bool flat_read(struct flat *flat, struct pool *pool, const char *top, const char *tree_path,
               const char *netlist_path, const char **message);
void flat_fini(struct flat *flat);

// The cell of that name, or NULL.
const struct flat_cell *flat_find(const struct flat *flat, const char *name);

// The instance that a name with dots lies in: the longest of its beginnings that is one.
size_t flat_instance_of(const struct flat *flat, const char *name);

// An entity's name out of a module's: GHDL puts the generics and a digest behind it.
const char *flat_entity(struct pool *pool, const char *module);

#endif
