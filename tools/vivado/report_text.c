// SPDX-License-Identifier: Apache-2.0
#include "tools/vivado/report_text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MAX_DIGITS = 12 };

int report_error(const struct report *r, const char *format, ...)
{
    va_list args;
    int n = snprintf(r->why, r->whycap, "%s report: ", r->name);
    if (n < 0 || (size_t)n >= r->whycap)
        return -1;
    va_start(args, format);
    vsnprintf(r->why + n, r->whycap - (size_t)n, format, args);
    va_end(args);
    return -1;
}

bool report_line(const struct report *r, size_t *at, struct span *line)
{
    if (*at >= r->bytes)
        return false;
    const char *start = r->text + *at;
    const char *end = memchr(start, '\n', r->bytes - *at);
    size_t n = end ? (size_t)(end - start) : r->bytes - *at;
    *at += n + (end ? 1 : 0);
    if (n && start[n - 1] == '\r')
        n--;
    *line = (struct span){start, n};
    return true;
}

struct span span_trim(struct span s)
{
    while (s.n && isspace((unsigned char)s.at[0])) {
        s.at++;
        s.n--;
    }
    while (s.n && isspace((unsigned char)s.at[s.n - 1]))
        s.n--;
    return s;
}

bool span_is(struct span s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.at, text, s.n) == 0;
}

bool span_starts(struct span s, const char *text)
{
    size_t n = strlen(text);
    return s.n >= n && memcmp(s.at, text, n) == 0;
}

bool span_has(struct span s, const char *text)
{
    for (; s.n; s.at++, s.n--)
        if (span_starts(s, text))
            return true;
    return false;
}

bool report_cell(struct span line, int i, struct span *cell)
{
    line = span_trim(line);
    if (line.n < 2 || line.at[0] != '|' || line.at[line.n - 1] != '|')
        return false;
    const char *at = line.at + 1, *end = line.at + line.n;
    for (;; i--) {
        const char *bar = at < end ? memchr(at, '|', (size_t)(end - at)) : NULL;
        if (!bar)
            return false;
        if (i == 0) {
            *cell = span_trim((struct span){at, (size_t)(bar - at)});
            return true;
        }
        at = bar + 1;
    }
}

bool span_number(struct span s, bool fraction, long *value)
{
    bool minus = s.n && s.at[0] == '-';
    int digits = 0, decimals = -1;
    long v = 0;
    for (size_t i = minus ? 1 : 0; i < s.n; i++) {
        if (s.at[i] == '.' && fraction && decimals < 0 && digits) {
            decimals = 0;
            continue;
        }
        if (!isdigit((unsigned char)s.at[i]) || decimals == 3 || ++digits > MAX_DIGITS)
            return false;
        v = 10 * v + (s.at[i] - '0');
        if (decimals >= 0)
            decimals++;
    }
    if (!digits || decimals == 0 || (minus && !fraction))
        return false;
    for (int d = decimals < 0 ? 0 : decimals; fraction && d < 3; d++)
        v *= 10;
    *value = minus ? -v : v;
    return true;
}

// "| Design       : top_xc7s15": what stands after the colon.
static bool header_field(const struct report *r, const char *key, struct span *value)
{
    struct span line;
    for (size_t at = 0; report_line(r, &at, &line);) {
        if (!span_starts(line, "| "))
            continue;
        const char *colon = memchr(line.at, ':', line.n);
        if (!colon)
            continue;
        struct span name = span_trim((struct span){line.at + 2, (size_t)(colon - line.at - 2)});
        if (!span_is(name, key))
            continue;
        *value = span_trim((struct span){colon + 1, line.n - (size_t)(colon + 1 - line.at)});
        return true;
    }
    return false;
}

// The reports spell one part "xc7s15ftgb196-1", "7s15ftgb196" or "7s15-ftgb196". The speed grade
// may be absent, device and package not.
static bool same_part(struct span said, const char *part)
{
    const char *want = part;
    const char *grade = strrchr(part, '-');
    if (strncmp(want, "xc", 2) == 0)
        want += 2;
    if (span_starts(said, "xc")) {
        said.at += 2;
        said.n -= 2;
    }
    for (; said.n; said.at++, said.n--) {
        if (*said.at == '-' && *want != '-')
            continue; // between device and package
        if (*said.at != *want)
            return false;
        want++;
    }
    return !*want || want == grade;
}

static int check_state(const struct report *r, bool must_say)
{
    struct span state;
    if (!header_field(r, "Design State", &state))
        return must_say ? report_error(r, "no \"Design State\" in its header") : 0;
    if (state.n > 6 && strncasecmp(state.at, "fully ", 6) == 0) {
        state.at += 6;
        state.n -= 6;
    }
    if (state.n != 6 || strncasecmp(state.at, "routed", 6) != 0)
        return report_error(r, "of a design that is \"%.*s\", not routed", (int)state.n, state.at);
    return 0;
}

int report_header(const struct report *r, const struct vivado_subject *of, bool must_say,
                  char version[32])
{
    struct span field;
    if (!header_field(r, "Tool Version", &field) || !span_starts(field, "Vivado v."))
        return report_error(r, "no \"Tool Version : Vivado v.\" in its header");
    struct span number = {field.at + 9, 0};
    while (number.n < field.n - 9 && number.at[number.n] != ' ')
        number.n++;
    if (number.n == 0 || number.n >= 32)
        return report_error(r, "tool version is not one");
    if (*version && !span_is(number, version))
        return report_error(r, "by Vivado %.*s, another one by %s", (int)number.n, number.at,
                            version);
    snprintf(version, 32, "%.*s", (int)number.n, number.at);
    if (!header_field(r, "Design", &field))
        return report_error(r, "no \"Design\" in its header");
    if (!span_is(field, of->design))
        return report_error(r, "of design %.*s, not %s", (int)field.n, field.at, of->design);
    if (!header_field(r, "Device", &field))
        return report_error(r, "no \"Device\" in its header");
    if (!same_part(field, of->part))
        return report_error(r, "of device %.*s, not %s", (int)field.n, field.at, of->part);
    return check_state(r, must_say);
}
