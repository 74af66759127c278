// SPDX-License-Identifier: Apache-2.0
#include "protocol/service_json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool service_json_bad(struct service_error *e, const char *path, const char *key,
                      const char *format, ...)
{
    char message[SERVICE_TEXT_MAX + 1], field[sizeof e->field];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    snprintf(field, sizeof field, "%s%s%s", path, path[0] && key ? "." : "", key ? key : "");
    // A key may be empty; a refusal always says where.
    service_error_set(e, SERVICE_BAD_REQUEST, field[0] ? field : "header", "%s", message);
    return false;
}

// Deepest nesting of brackets outside strings; exact for valid JSON, and an upper bound on the
// recursion of the parser for any other.
static int depth_of(const char *text, size_t n)
{
    int depth = 0, deepest = 0;
    bool quoted = false;
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        if (quoted) {
            if (c == '\\')
                i++;
            else if (c == '"')
                quoted = false;
        } else if (c == '"') {
            quoted = true;
        } else if (c == '[' || c == '{') {
            if (++depth > deepest)
                deepest = depth;
        } else if (c == ']' || c == '}') {
            depth--;
        }
    }
    return deepest;
}

json_t *service_json_parse(const struct service_frame *header, struct service_error *e)
{
    json_error_t why;
    if (header->n == 0 || header->n > SERVICE_HEADER_MAX) {
        service_json_bad(e, "header", NULL, "header of %zu bytes, allowed are 1 to %d", header->n,
                         SERVICE_HEADER_MAX);
        return NULL;
    }
    if (depth_of(header->data, header->n) > SERVICE_DEPTH_MAX) {
        service_json_bad(e, "header", NULL, "header nests deeper than %d", SERVICE_DEPTH_MAX);
        return NULL;
    }
    json_t *root = json_loadb(header->data, header->n, JSON_REJECT_DUPLICATES, &why);
    if (!root) {
        service_json_bad(e, "header", NULL, "header is not JSON: %s (byte %d)", why.text,
                         why.position);
        return NULL;
    }
    if (!json_is_object(root)) {
        service_json_bad(e, "header", NULL, "header is not an object");
        json_decref(root);
        return NULL;
    }
    return root;
}

static const char *type_name(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "text";
    case JSON_INTEGER:
    case JSON_REAL:
        return "a number";
    case JSON_NULL:
        return "null";
    default:
        return "a boolean";
    }
}

// The value at key; NULL with *missing_is_fine set when an optional one is absent.
static json_t *value_at(json_t *object, const char *path, const char *key,
                        enum service_presence presence, bool *fine, struct service_error *e)
{
    json_t *value = json_object_get(object, key);
    *fine = value || presence == SERVICE_OPTIONAL;
    if (!*fine)
        service_json_bad(e, path, key, "missing");
    return value;
}

bool service_json_text(json_t *object, const char *path, const char *key,
                       enum service_presence presence, char *out, size_t capacity,
                       struct service_error *e)
{
    bool fine;
    json_t *value = value_at(object, path, key, presence, &fine, e);
    if (!value)
        return fine;
    if (!json_is_string(value))
        return service_json_bad(e, path, key, "%s where text is due", type_name(value));
    size_t n = json_string_length(value);
    if (n >= capacity)
        return service_json_bad(e, path, key, "%zu bytes, at most %zu are allowed", n,
                                capacity - 1);
    memcpy(out, json_string_value(value), n + 1);
    return true;
}

static bool is_name(const char *text)
{
    static const char bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    size_t n = strlen(text);
    return n > 0 && n <= SERVICE_NAME_MAX && strspn(text, bytes) == n;
}

bool service_json_name(json_t *object, const char *path, const char *key,
                       enum service_presence presence, char *out, struct service_error *e)
{
    if (!service_json_text(object, path, key, presence, out, SERVICE_NAME_MAX + 1, e))
        return false;
    if (json_object_get(object, key) && !out[0])
        return service_json_bad(e, path, key, "empty");
    if (out[0] && !is_name(out))
        return service_json_bad(e, path, key,
                                "a name is made of letters, digits, '-', '_' and '.'");
    return true;
}

bool service_json_integer(json_t *object, const char *path, const char *key,
                          enum service_presence presence, int64_t low, int64_t high, int64_t *out,
                          struct service_error *e)
{
    bool fine;
    json_t *value = value_at(object, path, key, presence, &fine, e);
    if (!value)
        return fine;
    if (!json_is_integer(value))
        return service_json_bad(e, path, key, "%s where a whole number is due",
                                json_is_real(value) ? "a fraction" : type_name(value));
    int64_t v = json_integer_value(value);
    if (v < low || v > high)
        return service_json_bad(e, path, key, "%" PRId64 " is outside %" PRId64 " to %" PRId64, v,
                                low, high);
    *out = v;
    return true;
}

bool service_json_u32(json_t *object, const char *path, const char *key, uint32_t *out,
                      struct service_error *e)
{
    int64_t value = 0;
    if (!service_json_integer(object, path, key, SERVICE_REQUIRED, 0, UINT32_MAX, &value, e))
        return false;
    *out = (uint32_t)value;
    return true;
}

bool service_json_u64(json_t *object, const char *path, const char *key, uint64_t *out,
                      struct service_error *e)
{
    int64_t value = 0;
    if (!service_json_integer(object, path, key, SERVICE_REQUIRED, 0, INT64_MAX, &value, e))
        return false;
    *out = (uint64_t)value;
    return true;
}

bool service_json_number(json_t *object, const char *path, const char *key, double *out,
                         struct service_error *e)
{
    bool fine;
    json_t *value = value_at(object, path, key, SERVICE_REQUIRED, &fine, e);
    if (!value)
        return false;
    if (!json_is_number(value))
        return service_json_bad(e, path, key, "%s where a number is due", type_name(value));
    *out = json_number_value(value);
    return true;
}

bool service_json_flag(json_t *object, const char *path, const char *key, bool *out,
                       struct service_error *e)
{
    bool fine;
    json_t *value = value_at(object, path, key, SERVICE_REQUIRED, &fine, e);
    if (!value)
        return false;
    if (!json_is_boolean(value))
        return service_json_bad(e, path, key, "%s where true or false is due", type_name(value));
    *out = json_is_true(value);
    return true;
}

bool service_json_word(json_t *object, const char *path, const char *key,
                       enum service_presence presence, const char *const *words, unsigned *out,
                       struct service_error *e)
{
    bool fine;
    char list[160] = "";
    json_t *value = value_at(object, path, key, presence, &fine, e);
    if (!value)
        return fine;
    const char *text = json_string_value(value);
    for (unsigned i = 0; words[i]; i++) {
        size_t n = strlen(list);
        if (text && strcmp(words[i], text) == 0) {
            *out = i;
            return true;
        }
        snprintf(list + n, sizeof list - n, "%s%s", n ? ", " : "", words[i]);
    }
    return service_json_bad(e, path, key, "not one of %s", list);
}

bool service_json_origin(json_t *object, const char *path, enum service_origin *out,
                         struct service_error *e)
{
    unsigned i = SERVICE_BOARD;
    bool good =
        service_json_word(object, path, "origin", SERVICE_REQUIRED, service_origin_words, &i, e);
    *out = (enum service_origin)i;
    return good;
}

bool service_json_object(json_t *object, const char *path, const char *key,
                         enum service_presence presence, json_t **out, struct service_error *e)
{
    bool fine;
    *out = value_at(object, path, key, presence, &fine, e);
    if (!*out)
        return fine;
    if (!json_is_object(*out))
        return service_json_bad(e, path, key, "%s where an object is due", type_name(*out));
    return true;
}

bool service_json_array(json_t *object, const char *path, const char *key, size_t low, size_t high,
                        json_t **out, struct service_error *e)
{
    bool fine;
    *out = value_at(object, path, key, SERVICE_REQUIRED, &fine, e);
    if (!*out)
        return false;
    if (!json_is_array(*out))
        return service_json_bad(e, path, key, "%s where an array is due", type_name(*out));
    size_t n = json_array_size(*out);
    if (n < low || n > high)
        return service_json_bad(e, path, key, "%zu members, allowed are %zu to %zu", n, low, high);
    return true;
}

bool service_json_member(json_t *array, size_t index, const char *path, const char *key,
                         json_t **out, char *out_path, struct service_error *e)
{
    snprintf(out_path, sizeof e->field, "%s%s%s[%zu]", path, path[0] ? "." : "", key, index);
    *out = json_array_get(array, index);
    if (!json_is_object(*out))
        return service_json_bad(e, out_path, NULL, "%s where an object is due", type_name(*out));
    return true;
}

bool service_json_names(json_t *object, const char *path, const char *key, size_t low, size_t high,
                        char (*out)[SERVICE_NAME_MAX + 1], uint16_t *n, struct service_error *e)
{
    json_t *array;
    if (!service_json_array(object, path, key, low, high, &array, e))
        return false;
    size_t count = json_array_size(array);
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(array, i));
        if (!name || !is_name(name))
            return service_json_bad(e, path, key, "member %zu is no name", i);
        memcpy(out[i], name, strlen(name) + 1);
    }
    *n = (uint16_t)count;
    return true;
}

bool service_json_shape(json_t *object, const char *path, size_t rank, const int *limit, int *out,
                        struct service_error *e)
{
    json_t *shape;
    if (!service_json_array(object, path, "shape", rank, rank, &shape, e))
        return false;
    for (size_t i = 0; i < rank; i++) {
        json_int_t size = json_integer_value(json_array_get(shape, i)); // 0 for what is none
        char key[24];
        snprintf(key, sizeof key, "shape[%zu]", i);
        if (size < 1 || size > limit[i])
            return service_json_bad(e, path, key, "not a whole number from 1 to %d", limit[i]);
        out[i] = (int)size;
    }
    return true;
}

void service_json_path(char *out, const char *path, const char *key)
{
    snprintf(out, sizeof((struct service_error *)0)->field, "%s%s%s", path, path[0] ? "." : "",
             key);
}

bool service_json_only(json_t *object, const char *path, const char *const *allowed,
                       struct service_error *e)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        size_t i = 0;
        while (allowed[i] && strcmp(allowed[i], key) != 0)
            i++;
        if (!allowed[i])
            return service_json_bad(e, path, key, "unknown key");
    }
    return true;
}
