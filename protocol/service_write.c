// SPDX-License-Identifier: Apache-2.0
#include "protocol/service_write.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void service_write_begin(struct service_writer *w, char *out, size_t capacity)
{
    *w = (struct service_writer){.out = out, .capacity = capacity};
}

size_t service_write_end(const struct service_writer *w)
{
    return w->failed ? 0 : w->n;
}

static void put(struct service_writer *w, const char *bytes, size_t n)
{
    if (w->failed || n > w->capacity - w->n) {
        w->failed = true;
        return;
    }
    memcpy(w->out + w->n, bytes, n);
    w->n += n;
}

// Length of the UTF-8 sequence at s: 1 to 4, 0 for none (overlong, surrogate, beyond U+10FFFF,
// cut).
static size_t sequence(const unsigned char *s)
{
    static const struct {
        unsigned char first, last, second_low, second_high;
        size_t n;
    } forms[] = {
        {0x01, 0x7f, 0, 0, 1},       {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
        if (s[0] < forms[f].first || s[0] > forms[f].last)
            continue;
        if (forms[f].n > 1 && (s[1] < forms[f].second_low || s[1] > forms[f].second_high))
            return 0;
        for (size_t i = 2; i < forms[f].n; i++)
            if ((s[i] & 0xc0) != 0x80)
                return 0;
        return forms[f].n;
    }
    return 0;
}

static bool is_utf8(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    while (*s) {
        size_t n = *s < 0x80 ? 1 : sequence(s);
        if (n == 0)
            return false;
        s += n;
    }
    return true;
}

static void put_escaped(struct service_writer *w, char c)
{
    char escape[8] = {'\\', c};
    if (c == '"' || c == '\\')
        put(w, escape, 2);
    else
        put(w, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04X", (unsigned)c & 0xff));
}

static void put_string(struct service_writer *w, const char *text)
{
    bool clean = is_utf8(text);
    const char *from = text, *at;
    put(w, "\"", 1);
    for (at = text; *at; at++) {
        bool bad = !clean && (unsigned char)*at >= 0x80;
        if (!bad && (unsigned char)*at >= 0x20 && *at != '"' && *at != '\\')
            continue;
        put(w, from, (size_t)(at - from));
        if (bad)
            put(w, "?", 1);
        else
            put_escaped(w, *at);
        from = at + 1;
    }
    put(w, from, (size_t)(at - from));
    put(w, "\"", 1);
}

static void begin_value(struct service_writer *w, const char *key)
{
    if (w->comma)
        put(w, ",", 1);
    w->comma = true;
    if (!key)
        return;
    put_string(w, key);
    put(w, ":", 1);
}

void service_write_open(struct service_writer *w, const char *key, char bracket)
{
    begin_value(w, key);
    put(w, &bracket, 1);
    w->comma = false;
}

void service_write_close(struct service_writer *w, char bracket)
{
    put(w, &bracket, 1);
    w->comma = true;
}

void service_write_text(struct service_writer *w, const char *key, const char *text)
{
    begin_value(w, key);
    put_string(w, text);
}

void service_write_text_if(struct service_writer *w, const char *key, const char *text)
{
    if (text[0])
        service_write_text(w, key, text);
}

void service_write_integer(struct service_writer *w, const char *key, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    if (value > INT64_MAX) // readers' integers are signed
        value = INT64_MAX;
    do
        digits[--at] = (char)('0' + value % 10);
    while (value /= 10);
    begin_value(w, key);
    put(w, digits + at, sizeof digits - at);
}

void service_write_real(struct service_writer *w, const char *key, double value)
{
    char text[40];
    bool whole = true;
    if (!isfinite(value)) {
        w->failed = true;
        return;
    }
    int n = snprintf(text, sizeof text - 2, "%.17g", value);
    for (int i = 0; i < n; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        if (!digit && text[i] != '-' && text[i] != '+' && text[i] != 'e')
            text[i] = '.'; // the locale may have another point
        whole = whole && (digit || text[i] == '-');
    }
    begin_value(w, key);
    put(w, text, (size_t)n);
    if (whole) // stays a real number for readers that tell them apart
        put(w, ".0", 2);
}

void service_write_flag(struct service_writer *w, const char *key, bool value)
{
    begin_value(w, key);
    put(w, value ? "true" : "false", value ? 4 : 5);
}

void service_write_json(struct service_writer *w, const char *key, const json_t *value)
{
    begin_value(w, key);
    if (w->failed)
        return;
    size_t left = w->capacity - w->n;
    size_t n = json_dumpb(value, w->out + w->n, left, JSON_COMPACT | JSON_ENCODE_ANY);
    if (n == 0 || n > left)
        w->failed = true;
    else
        w->n += n;
}
