// SPDX-License-Identifier: Apache-2.0
#include "tools/netlist/pool.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_BYTES = 1 << 16, ALIGN_BYTES = 16 };

struct pool_block {
    struct pool_block *next;
    size_t used, bytes;
    _Alignas(16) unsigned char data[];
};

static void *must(void *memory)
{
    if (!memory) {
        fputs("sevencast-netlist: out of memory\n", stderr);
        exit(70);
    }
    return memory;
}

void pool_init(struct pool *pool)
{
    *pool = (struct pool){.table_size = 1024};
    pool->table = must(calloc(pool->table_size, sizeof *pool->table));
}

void pool_fini(struct pool *pool)
{
    while (pool->blocks) {
        struct pool_block *next = pool->blocks->next;
        free(pool->blocks);
        pool->blocks = next;
    }
    free(pool->table);
    *pool = (struct pool){0};
}

void *pool_alloc(struct pool *pool, size_t bytes)
{
    bytes = (bytes + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
    struct pool_block *block = pool->blocks;
    if (!block || block->bytes - block->used < bytes) {
        size_t room = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
        block = must(calloc(1, sizeof *block + room));
        block->bytes = room;
        block->next = pool->blocks;
        pool->blocks = block;
    }
    void *memory = block->data + block->used;
    block->used += bytes;
    return memory;
}

static uint64_t hash_of(const char *text, size_t length)
{
    uint64_t hash = 14695981039346656037u; // FNV-1a
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)text[i]) * 1099511628211u;
    return hash;
}

static size_t slot_of(const struct pool *pool, const char *text, size_t length)
{
    size_t slot = hash_of(text, length) & (pool->table_size - 1);
    while (pool->table[slot] &&
           (strncmp(pool->table[slot], text, length) != 0 || pool->table[slot][length]))
        slot = (slot + 1) & (pool->table_size - 1);
    return slot;
}

static void grow_table(struct pool *pool)
{
    const char **old = pool->table;
    size_t old_size = pool->table_size;
    pool->table_size *= 2;
    pool->table = must(calloc(pool->table_size, sizeof *pool->table));
    for (size_t i = 0; i < old_size; i++)
        if (old[i])
            pool->table[slot_of(pool, old[i], strlen(old[i]))] = old[i];
    free(old);
}

const char *pool_intern(struct pool *pool, const char *text, size_t length)
{
    size_t slot = slot_of(pool, text, length);
    if (pool->table[slot])
        return pool->table[slot];
    char *copy = pool_alloc(pool, length + 1);
    memcpy(copy, text, length);
    pool->table[slot] = copy;
    if (++pool->table_used * 2 > pool->table_size)
        grow_table(pool);
    return copy;
}

const char *pool_text(struct pool *pool, const char *text)
{
    return pool_intern(pool, text, strlen(text));
}

const char *pool_repeat(struct pool *pool, char c, size_t count)
{
    char *text = pool_alloc(pool, count + 1);
    memset(text, c, count);
    return pool_intern(pool, text, count);
}

void *pool_grow(struct pool *pool, void *array, size_t count, size_t size)
{
    if (count & (count - 1)) // grown whenever the count is 0 or a power of two
        return array;
    size_t room = count ? 2 * count : 1;
    void *larger = pool_alloc(pool, room * size);
    if (count)
        memcpy(larger, array, count * size);
    return larger;
}
