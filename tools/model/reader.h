// SPDX-License-Identifier: Apache-2.0
// Reading JSON with the path of the value at hand, so that every refusal is "file: field: reason".
// All readers return 0, or -1 with the message written.
#ifndef SEVENCAST_MODEL_READER_H
#define SEVENCAST_MODEL_READER_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct reader {
    const char *file;
    char *why;
    size_t whycap;
    char path[160]; // of the object being read: "layers[0].q."; empty at the top
};

// Parses n bytes as one JSON object without double keys; NULL when they are not (new reference).
json_t *reader_parse(struct reader *r, const char *bytes, size_t n);

// Writes "file: path+field: reason".
int reader_refuse(struct reader *r, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Refuses keys of obj that are not in known (NULL-terminated).
int reader_known(struct reader *r, json_t *obj, const char *const *known);

// A member that must be there and of that type; NULL after a refusal (borrowed).
json_t *reader_object(struct reader *r, json_t *obj, const char *field);
json_t *reader_array(struct reader *r, json_t *obj, const char *field, size_t count);
int reader_int(struct reader *r, json_t *obj, const char *field, int64_t lo, int64_t hi,
               int64_t *value);
int reader_small(struct reader *r, json_t *obj, const char *field, int *value); // any int
int reader_double(struct reader *r, json_t *obj, const char *field, double *value);
// Text of 1..cap-1 bytes without control characters; may be empty when empty_ok.
int reader_text(struct reader *r, json_t *obj, const char *field, char *text, size_t cap,
                int empty_ok);

// Element i of an array as an integer in lo..hi; field is the array's name.
int reader_element(struct reader *r, json_t *array, const char *field, size_t i, int64_t lo,
                   int64_t hi, int64_t *value);

// Goes into member field (or its element i, when i >= 0) and back: push returns what pop needs.
size_t reader_push(struct reader *r, const char *field, int i);
void reader_pop(struct reader *r, size_t mark);

#endif
