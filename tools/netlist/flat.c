// SPDX-License-Identifier: Apache-2.0
#include "tools/netlist/flat.h"

#include "tools/netlist/files.h"

#include <ctype.h>
#include <string.h>

enum { DIGEST_DIGITS = 40 };

const char *flat_entity(struct pool *pool, const char *module)
{
    size_t length = strlen(module);
    for (size_t i = 0; module[i]; i++) {
        const char *part = module + i + 1;
        bool digest = strspn(part, "0123456789abcdef") == DIGEST_DIGITS && !part[DIGEST_DIGITS];
        if (module[i] == '_' && (isdigit((unsigned char)*part) || digest)) {
            length = i;
            break;
        }
    }
    return pool_intern(pool, module, length);
}

static bool add_instance(struct flat *flat, const char *path, const char *name, const char *type,
                         size_t parent, const char **message)
{
    json_t *module = json_object_get(json_object_get(flat->tree, "modules"), type);
    json_t *ports = json_object_get(module, "ports");
    if (!ports) {
        *message = pool_format(flat->pool, "yosys: module %s of %s is not in the tree", type, path);
        return false;
    }
    flat->instance =
        pool_grow(flat->pool, flat->instance, flat->instance_count, sizeof *flat->instance);
    size_t self = flat->instance_count++;
    flat->instance[self] =
        (struct flat_instance){.path = path,
                               .name = name,
                               .entity = flat_entity(flat->pool, type),
                               .parent = parent,
                               .depth = parent == FLAT_NONE ? 0 : flat->instance[parent].depth + 1,
                               .ports = ports};
    json_object_set_new(flat->by_path, path, json_integer((json_int_t)self));
    const char *child;
    json_t *cell;
    json_object_foreach(json_object_get(module, "cells"), child, cell)
    {
        const char *child_type = json_string_value(json_object_get(cell, "type"));
        const char *below = parent == FLAT_NONE ? pool_text(flat->pool, child)
                                                : pool_format(flat->pool, "%s.%s", path, child);
        if (!child_type ||
            !add_instance(flat, below, pool_text(flat->pool, child), child_type, self, message))
            return false;
    }
    return true;
}

size_t flat_instance_of(const struct flat *flat, const char *name)
{
    for (size_t length = strlen(name); length > 0; length--) {
        if (name[length] && name[length] != '.')
            continue;
        json_t *at = json_object_getn(flat->by_path, name, length);
        if (at)
            return (size_t)json_integer_value(at);
    }
    return 0;
}

static size_t net_of(const json_t *bit)
{
    return json_is_integer(bit) ? (size_t)json_integer_value(bit) : FLAT_NONE; // else a constant
}

// GHDL's own names, n123_o, say less than the names of signals.
static bool is_made_up(const char *name)
{
    const char *dot = strrchr(name, '.');
    const char *last = dot ? dot + 1 : name;
    return last[0] == 'n' && isdigit((unsigned char)last[1]);
}

// The instances that a net enters by a port.
struct entry {
    size_t instance;
    struct entry *next;
};

static bool enters(const struct entry *entry, size_t instance)
{
    while (entry && entry->instance != instance)
        entry = entry->next;
    return entry != NULL;
}

static void name_net(struct flat *flat, size_t at, const char *name, long bit, size_t home)
{
    struct flat_net *net = &flat->net[at];
    bool deeper =
        net->home == FLAT_NONE || flat->instance[home].depth > flat->instance[net->home].depth;
    bool as_deep = !deeper && home == net->home;
    if (deeper || (as_deep && is_made_up(net->name) && !is_made_up(name))) {
        net->name = name;
        net->bit = bit;
        net->home = home;
    }
}

// "input" or "output", or NULL when the name is no port of that instance.
static const char *port_direction(const struct flat *flat, const char *name, size_t home)
{
    size_t used = strlen(flat->instance[home].path);
    const char *port = used ? name + used + 1 : name;
    json_t *direction =
        json_object_get(json_object_get(flat->instance[home].ports, port), "direction");
    return json_string_value(direction);
}

static void read_name(struct flat *flat, const char *key, json_t *bits, struct entry **entries,
                      bool inputs)
{
    const char *name = pool_text(flat->pool, key);
    size_t home = flat_instance_of(flat, name);
    const char *port = home != 0 ? port_direction(flat, name, home) : NULL;
    bool input = port && strcmp(port, "output") != 0, output = port && !input;
    if (inputs && !input)
        return;
    if (!inputs && input)
        home = flat->instance[home].parent; // what computes it is there, or further up
    size_t width = json_array_size(bits);
    for (size_t i = 0; i < width; i++) {
        size_t net = net_of(json_array_get(bits, i));
        if (net >= flat->net_count)
            continue;
        if (inputs) {
            struct entry *entry = pool_alloc(flat->pool, sizeof *entry);
            *entry = (struct entry){home, entries[net]};
            entries[net] = entry;
        } else if (output || !enters(entries[net], home)) { // what leaves may come in again
            name_net(flat, net, name, width > 1 ? (long)i : -1, home);
        }
    }
}

static void read_names(struct flat *flat, json_t *names)
{
    struct entry **entries = pool_alloc(flat->pool, (flat->net_count + 1) * sizeof(*entries));
    const char *key;
    json_t *value;
    for (int inputs = 1; inputs >= 0; inputs--)
        json_object_foreach(names, key,
                            value) if (json_integer_value(json_object_get(value, "hide_name")) == 0)
            read_name(flat, key, json_object_get(value, "bits"), entries, inputs);
}

// How many nets and pins there are.
static void measure(json_t *cells, size_t *nets, size_t *pins)
{
    const char *name, *port;
    json_t *cell, *bits;
    json_object_foreach(cells, name, cell)
    {
        json_object_foreach(json_object_get(cell, "connections"), port, bits)
        {
            for (size_t i = 0; i < json_array_size(bits); i++) {
                size_t net = net_of(json_array_get(bits, i));
                if (net == FLAT_NONE)
                    continue;
                ++*pins;
                if (net >= *nets)
                    *nets = net + 1;
            }
        }
    }
}

static size_t read_pins(struct flat *flat, json_t *cell, bool outputs, size_t used)
{
    const char *port;
    json_t *bits, *directions = json_object_get(cell, "port_directions");
    json_object_foreach(json_object_get(cell, "connections"), port, bits)
    {
        const char *direction = json_string_value(json_object_get(directions, port));
        if ((direction && strcmp(direction, "output") == 0) != outputs)
            continue;
        for (size_t i = 0; i < json_array_size(bits); i++) {
            size_t net = net_of(json_array_get(bits, i));
            if (net != FLAT_NONE)
                flat->pin[used++] = net;
        }
    }
    return used;
}

static void read_cells(struct flat *flat, json_t *cells)
{
    size_t pins = 0, used = 0;
    measure(cells, &flat->net_count, &pins);
    flat->net = pool_alloc(flat->pool, (flat->net_count + 1) * sizeof *flat->net);
    flat->pin = pool_alloc(flat->pool, (pins + 1) * sizeof *flat->pin);
    flat->sink = pool_alloc(flat->pool, (pins + 1) * sizeof *flat->sink);
    flat->cell = pool_alloc(flat->pool, (json_object_size(cells) + 1) * sizeof *flat->cell);
    for (size_t i = 0; i < flat->net_count; i++)
        flat->net[i] = (struct flat_net){.home = FLAT_NONE, .driver = FLAT_NONE};
    const char *name;
    json_t *value;
    json_object_foreach(cells, name, value)
    {
        struct flat_cell *cell = &flat->cell[flat->cell_count];
        const char *type = json_string_value(json_object_get(value, "type"));
        cell->name = pool_text(flat->pool, name);
        cell->type = pool_text(flat->pool, type ? type : "?");
        cell->home = FLAT_NONE;
        cell->outputs = used;
        used = read_pins(flat, value, true, used);
        cell->output_count = used - cell->outputs;
        cell->inputs = used;
        used = read_pins(flat, value, false, used);
        cell->input_count = used - cell->inputs;
        for (size_t i = 0; i < cell->output_count; i++)
            flat->net[flat->pin[cell->outputs + i]].driver = flat->cell_count;
        for (size_t i = 0; i < cell->input_count; i++)
            flat->net[flat->pin[cell->inputs + i]].sink_count++;
        flat->cell_count++;
    }
    size_t place = 0;
    for (size_t i = 0; i < flat->net_count; i++) {
        flat->net[i].sinks = place;
        place += flat->net[i].sink_count;
        flat->net[i].sink_count = 0;
    }
    for (size_t c = 0; c < flat->cell_count; c++)
        for (size_t i = 0; i < flat->cell[c].input_count; i++) {
            struct flat_net *net = &flat->net[flat->pin[flat->cell[c].inputs + i]];
            flat->sink[net->sinks + net->sink_count++] = c;
        }
}

// $flatten\engine.\drainage.$lt...: the path without its marks; NULL when the name has none.
static const char *own_path(struct pool *pool, const char *name)
{
    static const char mark[] = "$flatten\\";
    if (name[0] == '$') {
        if (strncmp(name, mark, sizeof mark - 1) != 0)
            return NULL;
        name += sizeof mark - 1;
    }
    char *clean = pool_alloc(pool, strlen(name) + 1);
    size_t used = 0;
    for (; *name && *name != '$'; name++)
        if (*name != '\\')
            clean[used++] = *name;
    if (used && clean[used - 1] == '.')
        clean[used - 1] = 0;
    return clean;
}

static void find_named_homes(struct flat *flat)
{
    for (size_t c = 0; c < flat->cell_count; c++) {
        struct flat_cell *cell = &flat->cell[c];
        const char *path = own_path(flat->pool, cell->name);
        if (path && flat_instance_of(flat, path) != 0) {
            cell->home = flat_instance_of(flat, path);
            continue;
        }
        for (size_t i = 0; i < cell->output_count; i++) {
            size_t home = flat->net[flat->pin[cell->outputs + i]].home;
            if (home != FLAT_NONE &&
                (cell->home == FLAT_NONE ||
                 flat->instance[home].depth > flat->instance[cell->home].depth))
                cell->home = home;
        }
    }
}

static size_t home_by_sinks(struct flat *flat, struct flat_cell *cell, size_t *votes)
{
    if (cell->home != FLAT_NONE || cell->visit)
        return cell->home;
    cell->visit = 1;
    // Two passes, because the votes of what is visited below stand in the same array.
    for (size_t i = 0; i < cell->output_count; i++) {
        struct flat_net *net = &flat->net[flat->pin[cell->outputs + i]];
        for (size_t k = 0; k < net->sink_count; k++)
            home_by_sinks(flat, &flat->cell[flat->sink[net->sinks + k]], votes);
    }
    size_t best = FLAT_NONE;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < cell->output_count; i++) {
            struct flat_net *net = &flat->net[flat->pin[cell->outputs + i]];
            for (size_t k = 0; k < net->sink_count; k++) {
                size_t home = flat->cell[flat->sink[net->sinks + k]].home;
                if (home == FLAT_NONE)
                    continue;
                if (pass)
                    votes[home] = 0;
                else if (++votes[home] > (best == FLAT_NONE ? 0 : votes[best]))
                    best = home;
            }
        }
    cell->home = best;
    return best;
}

static void find_homes(struct flat *flat)
{
    size_t *votes = pool_alloc(flat->pool, flat->instance_count * sizeof *votes);
    find_named_homes(flat);
    for (size_t c = 0; c < flat->cell_count; c++)
        home_by_sinks(flat, &flat->cell[c], votes);
    for (size_t c = 0; c < flat->cell_count; c++) {
        struct flat_cell *cell = &flat->cell[c];
        for (size_t i = 0; cell->home == FLAT_NONE && i < cell->input_count; i++) {
            size_t driver = flat->net[flat->pin[cell->inputs + i]].driver;
            if (driver != FLAT_NONE)
                cell->home = flat->cell[driver].home;
        }
        if (cell->home == FLAT_NONE)
            cell->home = 0;
    }
}

bool flat_read(struct flat *flat, struct pool *pool, const char *top, const char *tree_path,
               const char *netlist_path, const char **message)
{
    json_error_t error;
    *flat = (struct flat){.pool = pool, .by_path = json_object()};
    flat->tree = json_load_file(tree_path, 0, &error);
    if (!flat->tree) {
        *message = pool_format(pool, "%s: %s", tree_path, error.text);
        return false;
    }
    flat->netlist = json_load_file(netlist_path, 0, &error);
    json_t *module = json_object_get(json_object_get(flat->netlist, "modules"), top);
    if (!module) {
        *message = pool_format(pool, "%s: no module %s", netlist_path, top);
        return false;
    }
    if (!add_instance(flat, "", top, top, FLAT_NONE, message))
        return false;
    read_cells(flat, json_object_get(module, "cells"));
    read_names(flat, json_object_get(module, "netnames"));
    find_homes(flat);
    if (flat->cell_count == 0)
        *message = pool_format(pool, "%s: no cells", netlist_path);
    return flat->cell_count > 0;
}

void flat_fini(struct flat *flat)
{
    json_decref(flat->tree);
    json_decref(flat->netlist);
    json_decref(flat->by_path);
}

const struct flat_cell *flat_find(const struct flat *flat, const char *name)
{
    for (size_t c = 0; c < flat->cell_count; c++)
        if (strcmp(flat->cell[c].name, name) == 0)
            return &flat->cell[c];
    return NULL;
}
