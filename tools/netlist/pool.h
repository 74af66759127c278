// SPDX-License-Identifier: Apache-2.0
// Memory of one run of the tool: everything that is read lives in a pool and goes with it. Texts
// are interned, so that two equal texts of one pool are one pointer and compare with ==.
#ifndef SEVENCAST_NETLIST_POOL_H
#define SEVENCAST_NETLIST_POOL_H

#include <stddef.h>

struct pool_block;

struct pool {
    struct pool_block *blocks; // owned
    const char **table;        // owned; open addressing over the interned texts
    size_t table_size, table_used;
};

void pool_init(struct pool *pool);
void pool_fini(struct pool *pool);

// bytes of zeroed memory, never NULL (ends the process when there is none: a build tool has no plan
// B).
void *pool_alloc(struct pool *pool, size_t bytes);

// The interned copy of text[0..length).
const char *pool_intern(struct pool *pool, const char *text, size_t length);
const char *pool_text(struct pool *pool, const char *text); // the same for a whole text

// One character repeated, interned.
const char *pool_repeat(struct pool *pool, char c, size_t count);

// Makes room for one more element behind *array, which has count elements of size bytes; doubles.
void *pool_grow(struct pool *pool, void *array, size_t count, size_t size);

#endif
