// SPDX-License-Identifier: Apache-2.0
// Inside the service codec: writes JSON straight into the caller's buffer, because every inference
// does so twice: no allocation, a tenth of the time of building a tree first.
//
// key is NULL inside arrays. What does not fit, or is no number, makes the writer fail for good;
// service_write_end tells.
#ifndef SEVENCAST_PROTOCOL_SERVICE_WRITE_H
#define SEVENCAST_PROTOCOL_SERVICE_WRITE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct service_writer {
    char *out;
    size_t n, capacity;
    bool comma;  // a value stands before
    bool failed; // the rest is nothing
};

void service_write_begin(struct service_writer *w, char *out, size_t capacity);
// Bytes written, 0 when the writer failed.
size_t service_write_end(const struct service_writer *w);

void service_write_open(struct service_writer *w, const char *key, char bracket);
void service_write_close(struct service_writer *w, char bracket);
// Text that is not UTF-8 is written with '?' for each of its bytes beyond ASCII.
void service_write_text(struct service_writer *w, const char *key, const char *text);
// Nothing when the text is empty.
void service_write_text_if(struct service_writer *w, const char *key, const char *text);
void service_write_integer(struct service_writer *w, const char *key, uint64_t value);
void service_write_real(struct service_writer *w, const char *key, double value);
void service_write_flag(struct service_writer *w, const char *key, bool value);
void service_write_json(struct service_writer *w, const char *key, const json_t *value);

#endif
