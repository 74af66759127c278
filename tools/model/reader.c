// SPDX-License-Identifier: Apache-2.0
#include "tools/model/reader.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int reader_refuse(struct reader *r, const char *field, const char *format, ...)
{
    char reason[200];
    va_list args;

    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    if (r->whycap > 0)
        snprintf(r->why, r->whycap, "%s: %s%s: %s", r->file, r->path, field, reason);
    return -1;
}

json_t *reader_parse(struct reader *r, const char *bytes, size_t n)
{
    json_error_t error;
    json_t *root = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, &error);

    if (root == NULL) {
        if (r->whycap > 0)
            snprintf(r->why, r->whycap, "%s: line %d, column %d: %s", r->file, error.line,
                     error.column, error.text);
        return NULL;
    }
    if (!json_is_object(root)) {
        reader_refuse(r, "", "not a JSON object");
        json_decref(root);
        return NULL;
    }
    return root;
}

// A key that is not ours may hold anything: shown short and without control characters.
static void printable(char *out, size_t cap, const char *key)
{
    size_t i = 0;

    for (; key[i] != '\0' && i + 1 < cap; i++)
        out[i] = (unsigned char)key[i] < 0x20 || (unsigned char)key[i] >= 0x7f ? '?' : key[i];
    out[i] = '\0';
}

int reader_known(struct reader *r, json_t *obj, const char *const *known)
{
    const char *key;
    json_t *value;

    json_object_foreach(obj, key, value)
    {
        const char *const *k = known;
        while (*k != NULL && strcmp(*k, key) != 0)
            k++;
        if (*k == NULL) {
            char shown[64];
            printable(shown, sizeof shown, key);
            return reader_refuse(r, shown, "unknown field");
        }
    }
    return 0;
}

static json_t *member(struct reader *r, json_t *obj, const char *field)
{
    json_t *value = json_object_get(obj, field);

    if (value == NULL)
        reader_refuse(r, field, "missing");
    return value;
}

json_t *reader_object(struct reader *r, json_t *obj, const char *field)
{
    json_t *value = member(r, obj, field);

    if (value != NULL && !json_is_object(value)) {
        reader_refuse(r, field, "not an object");
        return NULL;
    }
    return value;
}

json_t *reader_array(struct reader *r, json_t *obj, const char *field, size_t count)
{
    json_t *value = member(r, obj, field);

    if (value == NULL)
        return NULL;
    if (!json_is_array(value)) {
        reader_refuse(r, field, "not an array");
        return NULL;
    }
    if (json_array_size(value) != count) {
        reader_refuse(r, field, "%zu elements, %zu expected", json_array_size(value), count);
        return NULL;
    }
    return value;
}

static int integer(struct reader *r, json_t *value, const char *field, int64_t lo, int64_t hi,
                   int64_t *out)
{
    if (!json_is_integer(value))
        return reader_refuse(r, field, "not an integer");
    *out = json_integer_value(value);
    if (*out < lo || *out > hi)
        return reader_refuse(r, field, "%lld is not in %lld..%lld", (long long)*out, (long long)lo,
                             (long long)hi);
    return 0;
}

int reader_int(struct reader *r, json_t *obj, const char *field, int64_t lo, int64_t hi,
               int64_t *value)
{
    json_t *v = member(r, obj, field);

    return v == NULL ? -1 : integer(r, v, field, lo, hi, value);
}

int reader_small(struct reader *r, json_t *obj, const char *field, int *value)
{
    int64_t v;

    if (reader_int(r, obj, field, INT32_MIN, INT32_MAX, &v) < 0)
        return -1;
    *value = (int)v;
    return 0;
}

int reader_double(struct reader *r, json_t *obj, const char *field, double *value)
{
    json_t *v = member(r, obj, field);

    if (v == NULL)
        return -1;
    if (!json_is_number(v))
        return reader_refuse(r, field, "not a number");
    *value = json_number_value(v);
    if (!isfinite(*value))
        return reader_refuse(r, field, "not finite");
    return 0;
}

int reader_text(struct reader *r, json_t *obj, const char *field, char *text, size_t cap,
                int empty_ok)
{
    json_t *v = member(r, obj, field);
    const char *s;
    size_t n;

    if (v == NULL)
        return -1;
    if (!json_is_string(v))
        return reader_refuse(r, field, "not a string");
    s = json_string_value(v);
    n = json_string_length(v);
    if (n >= cap)
        return reader_refuse(r, field, "%zu bytes, at most %zu", n, cap - 1);
    if (n == 0 && !empty_ok)
        return reader_refuse(r, field, "empty");
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
            return reader_refuse(r, field, "a control character at byte %zu", i);
    memcpy(text, s, n + 1);
    return 0;
}

int reader_element(struct reader *r, json_t *array, const char *field, size_t i, int64_t lo,
                   int64_t hi, int64_t *value)
{
    json_t *v = json_array_get(array, i);
    char name[64];

    // The name is made for refusals only: this runs once for every weight.
    if (json_is_integer(v) && json_integer_value(v) >= lo && json_integer_value(v) <= hi) {
        *value = json_integer_value(v);
        return 0;
    }
    snprintf(name, sizeof name, "%s[%zu]", field, i);
    return integer(r, v, name, lo, hi, value);
}

size_t reader_push(struct reader *r, const char *field, int i)
{
    size_t mark = strlen(r->path);

    if (i >= 0)
        snprintf(r->path + mark, sizeof r->path - mark, "%s[%d].", field, i);
    else
        snprintf(r->path + mark, sizeof r->path - mark, "%s.", field);
    return mark;
}

void reader_pop(struct reader *r, size_t mark)
{
    r->path[mark] = '\0';
}
