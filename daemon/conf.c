// SPDX-License-Identifier: Apache-2.0
#include "daemon/conf.h"
#include "daemon/meter.h"
#include "daemon/route.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static const struct conf_row *const rows = conf_table;

struct parse {
    struct conf *conf;
    const char *path;
    FILE *file; // one of the two
    const char *text;
    int line;
    char *why;
    size_t whycap;
    bool failed;
};

static int fail(struct parse *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Keeps the first error only; returns 0 as inih's handler wants it.
static int fail(struct parse *p, const char *format, ...)
{
    if (p->failed)
        return 0;
    p->failed = true;
    int n = p->line > 0 ? snprintf(p->why, p->whycap, "%s:%d: ", p->path, p->line)
                        : snprintf(p->why, p->whycap, "%s: ", p->path);
    if (n < 0 || (size_t)n >= p->whycap)
        return 0;
    va_list args;
    va_start(args, format);
    vsnprintf(p->why + n, p->whycap - (size_t)n, format, args);
    va_end(args);
    return 0;
}

static bool is_name(const char *text)
{
    if (!*text)
        return false;
    for (const char *c = text; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') ||
              (c > text && (*c == '-' || *c == '_' || *c == '.'))))
            return false;
    return true;
}

static int take_text(struct parse *p, const struct conf_row *row, char *field, const char *value)
{
    size_t n = strlen(value);
    if (n >= row->capacity)
        return fail(p, "%s: %zu characters, at most %zu", row->name, n, row->capacity - 1);
    memcpy(field, value, n + 1);
    return 1;
}

static int take_endpoint(struct parse *p, const struct conf_row *row, char *field, const char *v)
{
    if (strncmp(v, "tcp://", 6) == 0)
        return fail(p,
                    "%s: tcp:// needs CURVE keys, which this version does not have; use ipc:// "
                    "and forward it, e.g. with ssh -L",
                    row->name);
    bool optional = row->fallback && !*row->fallback;
    if (!(optional && !*v) && (strncmp(v, "ipc:///", 7) != 0 || !v[7]))
        return fail(p, "%s: \"%s\" is not of the form ipc:///PATH", row->name, v);
    return take_text(p, row, field, v);
}

static int take_int(struct parse *p, const struct conf_row *row, int *field, const char *value)
{
    char *end;
    errno = 0;
    long n = strtol(value, &end, 10);
    if (end == value || *end || errno || n < row->lo || n > row->hi)
        return fail(p, "%s: \"%s\" is not a number from %d to %d", row->name, value, row->lo,
                    row->hi);
    *field = (int)n;
    return 1;
}

static int take_yes_no(struct parse *p, const struct conf_row *row, bool *field, const char *value)
{
    if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
        return fail(p, "%s: \"%s\" is neither yes nor no", row->name, value);
    *field = value[0] == 'y';
    return 1;
}

static int take_level(struct parse *p, const struct conf_row *row, enum log_level *field,
                      const char *value)
{
    for (int i = 0; i < 4; i++) {
        if (strcmp(value, conf_level_names[i]) == 0) {
            *field = (enum log_level)i;
            return 1;
        }
    }
    return fail(p, "%s: \"%s\" is not one of error, warn, info, debug", row->name, value);
}

static bool is_usb_id(const char *v)
{
    return strlen(v) == 9 && strspn(v, "0123456789abcdefABCDEF") == 4 && v[4] == ':' &&
           strspn(v + 5, "0123456789abcdefABCDEF") == 4;
}

static int take_value(struct parse *p, const struct conf_row *row, void *base, const char *value)
{
    char *field = (char *)base + row->offset;
    bool empty_allowed = row->fallback && !*row->fallback;
    switch (row->kind) {
    case CONF_ENDPOINT:
        return take_endpoint(p, row, field, value);
    case CONF_PATH:
        if (*value != '/' && !(empty_allowed && !*value))
            return fail(p, "%s: \"%s\" is not an absolute path", row->name, value);
        return take_text(p, row, field, value);
    case CONF_NAME:
        if (!is_name(value) && !(empty_allowed && !*value))
            return fail(p, "%s: \"%s\" is not a name (letters, digits, - _ .)", row->name, value);
        return take_text(p, row, field, value);
    case CONF_USB_ID:
        if (!is_usb_id(value))
            return fail(p, "%s: \"%s\" is not of the form 0403:6010", row->name, value);
        return take_text(p, row, field, value);
    case CONF_INT:
        return take_int(p, row, (int *)(void *)field, value);
    case CONF_YES_NO:
        return take_yes_no(p, row, (bool *)(void *)field, value);
    case CONF_LEVEL:
        return take_level(p, row, (enum log_level *)(void *)field, value);
    case CONF_TEXT:
        return take_text(p, row, field, value);
    }
    return 0;
}

static void set_fallbacks(struct parse *p, const char *section, void *base)
{
    for (const struct conf_row *row = rows; row->section; row++)
        if (strcmp(row->section, section) == 0 && row->fallback)
            take_value(p, row, base, row->fallback);
}

// The name that a section "board NAME" or "route NAME" gives; NULL after fail().
static const char *name_of_section(struct parse *p, const char *section, const char *kind)
{
    const char *name = section + strlen(kind);
    while (*name == ' ' || *name == '\t')
        name++;
    if (is_name(name) && strlen(name) <= CONF_NAME_MAX)
        return name;
    fail(p, "[%s]: a %s needs a name of 1 to %d letters, digits, - _ .", section, kind,
         CONF_NAME_MAX);
    return NULL;
}

static bool is_section(const char *section, const char *kind)
{
    size_t n = strlen(kind);
    return strncmp(section, kind, n) == 0 &&
           (!section[n] || section[n] == ' ' || section[n] == '\t');
}

// Where the values of a section go.
struct place {
    const char *kind;
    void *base;
    uint64_t *given;
};

// The member that a section names, new if needed; false after fail().
static bool find_member(struct parse *p, const struct conf_section *k, const char *section,
                        struct place *out)
{
    const char *name = name_of_section(p, section, k->kind);
    int *count = (int *)(void *)((char *)p->conf + k->count), i = 0;
    char *item = (char *)p->conf + k->items;
    if (!name)
        return false;
    for (; i < *count && strcmp(item, name) != 0; i++)
        item += k->bytes;
    if (i == k->most) {
        fail(p, "[%s]: at most %d %ss", section, k->most, k->kind);
        return false;
    }
    if (i == *count) {
        ++*count;
        snprintf(item, CONF_NAME_MAX + 1, "%s", name);
        set_fallbacks(p, k->kind, item);
    }
    *out = (struct place){k->kind, item, (uint64_t *)(void *)(item + k->given)};
    return true;
}

// False after fail().
static bool find_section(struct parse *p, const char *section, struct place *out)
{
    *out = (struct place){"daemon", p->conf, &p->conf->given};
    if (strcmp(section, "daemon") == 0)
        return true;
    for (const struct conf_section *k = conf_sections; k->kind; k++)
        if (is_section(section, k->kind))
            return find_member(p, k, section, out);
    fail(p, "unknown section [%s]; there are [daemon], [board NAME] and [route NAME]", section);
    return false;
}

static int on_value(void *user, const char *section, const char *name, const char *value)
{
    struct parse *p = user;
    struct place to;
    if (p->failed || !find_section(p, section, &to))
        return 0;
    for (const struct conf_row *row = rows; row->section; row++) {
        if (strcmp(row->section, to.kind) != 0 || strcmp(row->name, name) != 0)
            continue;
        uint64_t bit = UINT64_C(1) << (row - rows);
        if (*to.given & bit)
            return fail(p, "%s: given twice in [%s]", name, section);
        *to.given |= bit;
        return take_value(p, row, to.base, value);
    }
    return fail(p, "unknown directive %s in [%s]", name, section);
}

// inih hands the handler no line numbers and says nothing of empty sections, so the lines are
// counted, and section headers checked, where they are read.
static void check_line(struct parse *p, const char *line)
{
    size_t n = strlen(line);
    bool more = p->file ? !feof(p->file) : *p->text != '\0';
    if (n && line[n - 1] != '\n' && more) {
        fail(p, "line too long");
        return;
    }
    line += strspn(line, " \t");
    const char *end = strchr(line, ']');
    char section[64];
    if (*line != '[' || !end || (size_t)(end - line) > sizeof section)
        return;
    memcpy(section, line + 1, (size_t)(end - line) - 1);
    section[end - line - 1] = '\0';
    struct place to;
    find_section(p, section, &to);
}

static char *read_line(char *out, int cap, void *stream)
{
    struct parse *p = stream;
    if (p->failed)
        return NULL;
    if (p->file) {
        if (!fgets(out, cap, p->file))
            return NULL;
    } else {
        size_t n = strcspn(p->text, "\n");
        n += p->text[n] == '\n';
        if (!n)
            return NULL;
        n = n < (size_t)cap - 1 ? n : (size_t)cap - 1;
        memcpy(out, p->text, n);
        out[n] = '\0';
        p->text += n;
    }
    p->line++;
    check_line(p, out);
    if (p->failed) // blank it: inih must not make a second error of it
        out[0] = '\0';
    return out;
}

static void check_meter(struct parse *p, int board)
{
    const struct conf_board *b = &p->conf->board[board];
    struct meter_rails rails;
    char why[128];
    const struct meter_driver *driver = meter_driver(b->meter);
    if (strcmp(b->meter, "none") == 0)
        return;
    if (!driver)
        fail(p, "[board %s] meter: \"%s\" is not one of none, pac1934, ina226, ina228", b->name,
             b->meter);
    if (!*b->meter_serial)
        fail(p, "[board %s] needs meter_serial for its meter", b->name);
    if (!*b->rails)
        fail(p, "[board %s] needs rails for its meter", b->name);
    else if (meter_rails_parse(&rails, b->rails, why, sizeof why) < 0)
        fail(p, "[board %s] rails: %s", b->name, why);
    else if (driver && rails.rail[rails.n - 1].channel >= driver->channels)
        fail(p, "[board %s] rails: an %s has one channel", b->name, b->meter);
    for (int k = 0; k < p->conf->boards; k++) {
        const struct conf_board *other = &p->conf->board[k];
        if (strcmp(other->serial, b->meter_serial) == 0 ||
            (k != board && strcmp(other->meter, "none") != 0 &&
             strcmp(other->meter_serial, b->meter_serial) == 0))
            fail(p, "[board %s] meter_serial: %s belongs to board %s", b->name, b->meter_serial,
                 other->name);
    }
}

static void check_route(struct parse *p, const struct conf_route *r)
{
    struct route_arms arms;
    char why[192];
    bool board = !*r->board;
    if (!*r->variants)
        fail(p, "[route %s] needs variants", r->name);
    else if (route_arms_parse(&arms, r->variants, why, sizeof why) < 0)
        fail(p, "[route %s] variants: %s", r->name, why);
    for (int i = 0; i < p->conf->boards; i++)
        board = board || strcmp(p->conf->board[i].name, r->board) == 0;
    if (!board)
        fail(p, "[route %s] board: no board is called %s", r->name, r->board);
}

static void check_whole(struct parse *p)
{
    p->line = 0;
    for (int i = 0; i < p->conf->routes; i++)
        check_route(p, &p->conf->route[i]);
    for (int i = 0; i < p->conf->boards; i++) {
        struct conf_board *b = &p->conf->board[i];
        for (const struct conf_row *row = rows; row->section; row++)
            if (!row->fallback && strcmp(row->section, "board") == 0 &&
                !(b->given & UINT64_C(1) << (row - rows)))
                fail(p, "[board %s] needs %s", b->name, row->name);
        check_meter(p, i);
        for (int k = 0; k < i; k++)
            if (strcmp(p->conf->board[k].serial, b->serial) == 0)
                fail(p, "boards %s and %s have the same serial %s", p->conf->board[k].name, b->name,
                     b->serial);
    }
    if (!p->conf->boards)
        fail(p, "no [board NAME] section");
    if (strcmp(p->conf->control, p->conf->infer) == 0)
        fail(p, "control and infer are the same socket");
}

static int parse(struct parse *p)
{
    memset(p->conf, 0, sizeof *p->conf);
    set_fallbacks(p, "daemon", p->conf);
    int line = ini_parse_stream(read_line, p, on_value, p);
    if (line > 0 && !p->failed) {
        p->line = line;
        fail(p, "not a section, a directive or a comment");
    } else if (line < 0) {
        fail(p, "out of memory");
    }
    if (!p->failed)
        check_whole(p);
    return p->failed ? -1 : 0;
}

int conf_parse(struct conf *c, const char *text, const char *path, char *why, size_t whycap)
{
    struct parse p = {.conf = c, .path = path, .text = text, .why = why, .whycap = whycap};
    return parse(&p);
}

int conf_load(struct conf *c, const char *path, char *why, size_t whycap)
{
    struct parse p = {.conf = c, .path = path, .why = why, .whycap = whycap};
    p.file = fopen(path, "re");
    if (!p.file) {
        fail(&p, "%s", strerror(errno));
        return -1;
    }
    int result = parse(&p);
    if (ferror(p.file)) {
        fail(&p, "cannot be read");
        result = -1;
    }
    fclose(p.file);
    return result;
}
