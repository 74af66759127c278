// SPDX-License-Identifier: Apache-2.0
// Inside the service codec: a header's JSON and typed reads from it. Each reader returns false with
// *e filled (BAD_REQUEST and the field's path) and is handed the path of the object it reads from.
#ifndef SEVENCAST_PROTOCOL_SERVICE_JSON_H
#define SEVENCAST_PROTOCOL_SERVICE_JSON_H

#include "protocol/service.h"

// The words of enums on the wire, in the enum's order, ended by NULL. Defined in service.c.
extern const char *const service_origin_words[], *const service_model_state_words[],
                                                     *const service_board_state_words[],
                                                         *const service_experiment_state_words[],
                                                             *const service_burst_end_words[],
                                                                 *const service_metric_words[],
                                                                     *const service_design_words[];

// Parses one header: UTF-8, an object, no duplicate keys, limits of size and depth. NULL on
// failure.
json_t *service_json_parse(const struct service_frame *header, struct service_error *e);

// BAD_REQUEST at path.key (key may be NULL); always false.
bool service_json_bad(struct service_error *e, const char *path, const char *key,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));

enum service_presence { SERVICE_OPTIONAL, SERVICE_REQUIRED };

// An absent optional key leaves *out as it was.
bool service_json_text(json_t *object, const char *path, const char *key,
                       enum service_presence presence, char *out, size_t capacity,
                       struct service_error *e);
// A name: 1 to SERVICE_NAME_MAX bytes of A-Z a-z 0-9 - _ . ; out takes SERVICE_NAME_MAX + 1.
bool service_json_name(json_t *object, const char *path, const char *key,
                       enum service_presence presence, char *out, struct service_error *e);
// A required text into an array.
#define service_json_fill(object, path, key, array, e)                                             \
    service_json_text(object, path, key, SERVICE_REQUIRED, array, sizeof(array), e)
bool service_json_integer(json_t *object, const char *path, const char *key,
                          enum service_presence presence, int64_t low, int64_t high, int64_t *out,
                          struct service_error *e);
// Required whole numbers from 0 on, as far as out goes; a u64 to INT64_MAX, as JSON readers go.
bool service_json_u32(json_t *object, const char *path, const char *key, uint32_t *out,
                      struct service_error *e);
bool service_json_u64(json_t *object, const char *path, const char *key, uint64_t *out,
                      struct service_error *e);
// Finite: the parser refuses what no double holds.
bool service_json_number(json_t *object, const char *path, const char *key, double *out,
                         struct service_error *e);
bool service_json_flag(json_t *object, const char *path, const char *key, bool *out,
                       struct service_error *e);
// One of words (ended by NULL); *out is its index.
bool service_json_word(json_t *object, const char *path, const char *key,
                       enum service_presence presence, const char *const *words, unsigned *out,
                       struct service_error *e);
bool service_json_origin(json_t *object, const char *path, enum service_origin *out,
                         struct service_error *e); // key "origin"
// *out is borrowed; NULL when an optional one is absent.
bool service_json_object(json_t *object, const char *path, const char *key,
                         enum service_presence presence, json_t **out, struct service_error *e);
bool service_json_array(json_t *object, const char *path, const char *key, size_t low, size_t high,
                        json_t **out, struct service_error *e);
// The index-th member, which must be an object; its path goes to out_path (96 bytes).
bool service_json_member(json_t *array, size_t index, const char *path, const char *key,
                         json_t **out, char *out_path, struct service_error *e);

// low to high names, as of service_json_name; *n of them are in out.
bool service_json_names(json_t *object, const char *path, const char *key, size_t low, size_t high,
                        char (*out)[SERVICE_NAME_MAX + 1], uint16_t *n, struct service_error *e);
// Key "shape": rank whole numbers, each from 1 to its limit.
bool service_json_shape(json_t *object, const char *path, size_t rank, const int *limit, int *out,
                        struct service_error *e);

// path.key, for what is inside; out has 96 bytes.
void service_json_path(char *out, const char *path, const char *key);

// Refuses keys that are not in allowed (ended by NULL).
bool service_json_only(json_t *object, const char *path, const char *const *allowed,
                       struct service_error *e);

#endif
