// SPDX-License-Identifier: Apache-2.0
#include "tools/vboard/bytes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

uint8_t *bytes_reserve(struct bytes *b, size_t n)
{
    if (b->capacity - b->tail < n && b->head) {
        memmove(b->data, b->data + b->head, b->tail - b->head);
        b->tail -= b->head;
        b->head = 0;
    }
    if (b->capacity - b->tail < n) {
        size_t want = b->capacity ? b->capacity : 4096;
        while (want - b->tail < n)
            want *= 2;
        uint8_t *grown = realloc(b->data, want);
        if (!grown)
            abort();
        b->data = grown;
        b->capacity = want;
    }
    return b->data + b->tail;
}

void bytes_added(struct bytes *b, size_t n)
{
    assert(n <= b->capacity - b->tail);
    b->tail += n;
}

void bytes_append(struct bytes *b, const void *data, size_t n)
{
    if (!n)
        return;
    memcpy(bytes_reserve(b, n), data, n);
    b->tail += n;
}

void bytes_drop(struct bytes *b, size_t n)
{
    assert(n <= bytes_length(b));
    b->head += n;
    if (b->head == b->tail)
        b->head = b->tail = 0;
}

void bytes_take(struct bytes *b, void *out, size_t n)
{
    assert(n <= bytes_length(b));
    if (n)
        memcpy(out, b->data + b->head, n);
    bytes_drop(b, n);
}

void bytes_clear(struct bytes *b)
{
    b->head = b->tail = 0;
}

void bytes_fini(struct bytes *b)
{
    free(b->data);
    *b = (struct bytes){0};
}
