// SPDX-License-Identifier: Apache-2.0
// Counts that were made before: a file for each netlist, script and yosys, named by their SHA-256.
// A report of the same name is the same, so nothing has to be told apart by age.
#ifndef SEVENCAST_NETLIST_COUNT_CACHE_H
#define SEVENCAST_NETLIST_COUNT_CACHE_H

#include "tools/netlist/pool.h"

#include <jansson.h>
#include <stdbool.h>

// The path in the cache's folder for the counts of those two files. NULL: *message.
const char *cache_path(struct pool *pool, const char *folder, const char *netlist,
                       const char *script, const char **message);

// A new reference, or NULL when there is none yet or it cannot be read.
json_t *cache_get(const char *path);

// Whole or not at all, whoever else writes it. False: *message.
bool cache_put(struct pool *pool, const char *path, const json_t *report, const char **message);

#endif
