// SPDX-License-Identifier: Apache-2.0
// A growing byte queue: append at the end, take from the front.
#ifndef SEVENCAST_VBOARD_BYTES_H
#define SEVENCAST_VBOARD_BYTES_H

#include <stddef.h>
#include <stdint.h>

struct bytes {
    uint8_t *data; // owned
    size_t head, tail, capacity;
};

static inline size_t bytes_length(const struct bytes *b)
{
    return b->tail - b->head;
}
static inline const uint8_t *bytes_front(const struct bytes *b)
{
    return b->data + b->head;
}
// Room for n more bytes at the end; commit what was written with bytes_added. Aborts without
// memory: the board cannot go on in a defined state.
uint8_t *bytes_reserve(struct bytes *b, size_t n);
void bytes_added(struct bytes *b, size_t n);
void bytes_append(struct bytes *b, const void *data, size_t n);
void bytes_drop(struct bytes *b, size_t n);            // from the front, n <= length
void bytes_take(struct bytes *b, void *out, size_t n); // copies, then drops
void bytes_clear(struct bytes *b);
void bytes_fini(struct bytes *b);

#endif
