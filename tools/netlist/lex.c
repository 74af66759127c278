// SPDX-License-Identifier: Apache-2.0
#include "tools/netlist/lex.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BITS = 1 << 20 };

struct scanner {
    struct pool *pool;
    enum language language;
    const char *at, *end;
    unsigned line;
    struct words *out;
    const char **message;
    unsigned last_line; // of the word before
};

__attribute__((format(printf, 2, 3))) static bool fail(struct scanner *s, const char *format, ...)
{
    char text[256];
    int used = snprintf(text, sizeof text, "%s:%u: ", s->out->file, s->line);
    va_list args;
    va_start(args, format);
    if (used >= 0 && (size_t)used < sizeof text)
        vsnprintf(text + used, sizeof text - (size_t)used, format, args);
    va_end(args);
    *s->message = pool_text(s->pool, text);
    return false;
}

static void add(struct scanner *s, enum word_kind kind, const char *text, size_t length)
{
    struct words *out = s->out;
    out->word = pool_grow(s->pool, out->word, out->count, sizeof *out->word);
    out->word[out->count++] = (struct word){.kind = kind,
                                            .text = pool_intern(s->pool, text, length),
                                            .line = s->line,
                                            .first_on_line = s->line != s->last_line};
    s->last_line = s->line;
}

static bool starts(const struct scanner *s, const char *text)
{
    size_t length = strlen(text);
    return (size_t)(s->end - s->at) >= length && memcmp(s->at, text, length) == 0;
}

static void skip_line(struct scanner *s)
{
    while (s->at < s->end && *s->at != '\n')
        s->at++;
}

// Moves over white space and comments.
static bool skip_blank(struct scanner *s)
{
    while (s->at < s->end) {
        if (*s->at == '\n') {
            s->line++;
            s->at++;
        } else if (isspace((unsigned char)*s->at)) {
            s->at++;
        } else if (starts(s, s->language == LANGUAGE_VERILOG ? "//" : "--")) {
            skip_line(s);
        } else if (starts(s, "/*")) {
            for (s->at += 2; !starts(s, "*/"); s->at++) {
                if (s->at >= s->end)
                    return fail(s, "comment without an end");
                s->line += *s->at == '\n';
            }
            s->at += 2;
        } else {
            break;
        }
    }
    return true;
}

static bool name_char(const struct scanner *s, char c)
{
    return isalnum((unsigned char)c) || c == '_' || (c == '$' && s->language == LANGUAGE_VERILOG);
}

static bool lex_name(struct scanner *s)
{
    const char *start = s->at;
    while (s->at < s->end && name_char(s, *s->at))
        s->at++;
    size_t length = (size_t)(s->at - start);
    if (s->language == LANGUAGE_VERILOG) {
        add(s, WORD_NAME, start, length);
        return true;
    }
    char lower[256];
    if (length >= sizeof lower)
        return fail(s, "name of %zu characters", length);
    for (size_t i = 0; i < length; i++)
        lower[i] = (char)tolower((unsigned char)start[i]);
    add(s, WORD_NAME, lower, length);
    return true;
}

// An escaped name: a backslash, the name, a space or another backslash.
static bool lex_escaped(struct scanner *s)
{
    const char *start = ++s->at;
    while (s->at < s->end && *s->at != '\\' && !isspace((unsigned char)*s->at))
        s->at++;
    if (s->at == start)
        return fail(s, "empty escaped name");
    add(s, WORD_NAME, start, (size_t)(s->at - start));
    if (s->at < s->end && *s->at == '\\') // GHDL writes them the VHDL way in its Verilog, too
        s->at++;
    return true;
}

static bool bit_chars(const char *text, size_t length, const char *allowed)
{
    for (size_t i = 0; i < length; i++)
        if (!strchr(allowed, text[i]) || !text[i])
            return false;
    return length > 0;
}

static void add_bits(struct scanner *s, const char *text, size_t length)
{
    char *bits = pool_alloc(s->pool, length + 1);
    for (size_t i = 0; i < length; i++) {
        char c = (char)tolower((unsigned char)text[i]);
        bits[i] = c == '0' || c == '1' || c == 'z' ? c : 'x';
    }
    add(s, WORD_BITS, bits, length);
}

// 4'b01x0 with s->at behind the decimal width
static bool lex_sized(struct scanner *s, size_t width)
{
    if (s->end - s->at < 3 || s->at[1] != 'b')
        return fail(s, "a based number that is not binary");
    s->at += 2;
    const char *start = s->at;
    while (s->at < s->end && name_char(s, *s->at))
        s->at++;
    size_t length = (size_t)(s->at - start);
    if (width == 0 && length == 0) { // a constant of no bits; its port is printed as one bit
        add_bits(s, "0", 1);
        return true;
    }
    if (!bit_chars(start, length, "01xXzZ") || width == 0 || width > MAX_BITS || length > width)
        return fail(s, "malformed number of %zu bits", width);
    char *bits = pool_alloc(s->pool, width + 1);
    // A number shorter than its width: zeros in front, or its leading x or z (IEEE 1364, 3.5.1).
    memset(bits, start[0] == '0' || start[0] == '1' ? '0' : start[0], width - length);
    memcpy(bits + width - length, start, length);
    add_bits(s, bits, width);
    return true;
}

static bool lex_number(struct scanner *s)
{
    const char *start = s->at;
    while (s->at < s->end && (isdigit((unsigned char)*s->at) || *s->at == '_'))
        s->at++;
    if (s->language == LANGUAGE_VERILOG && s->at < s->end && *s->at == '\'')
        return lex_sized(s, strtoul(start, NULL, 10));
    if (s->language == LANGUAGE_VHDL) // 16#ff#, 1.5e3: lint needs to get over them, no more
        while (s->at < s->end &&
               (isalnum((unsigned char)*s->at) || *s->at == '_' || *s->at == '#' ||
                (*s->at == '.' && s->end - s->at > 1 && isdigit((unsigned char)s->at[1]))))
            s->at++;
    add(s, WORD_NUMBER, start, (size_t)(s->at - start));
    return true;
}

static bool lex_string(struct scanner *s)
{
    const char *start = ++s->at;
    while (s->at < s->end && *s->at != '"' && *s->at != '\n')
        s->at++;
    if (s->at >= s->end || *s->at != '"')
        return fail(s, "string without an end");
    size_t length = (size_t)(s->at++ - start);
    if (s->language == LANGUAGE_VHDL && bit_chars(start, length, "01XZUWLH-"))
        add_bits(s, start, length);
    else if (length == 0)
        add_bits(s, "0", 1); // as lex_sized
    else
        add(s, WORD_STRING, start, length);
    return true;
}

// In VHDL a tick behind a name or a parenthesis is an attribute or a qualification, else a
// character.
static bool is_character(const struct scanner *s)
{
    if (s->language != LANGUAGE_VHDL || s->end - s->at < 3 || s->at[2] != '\'')
        return false;
    const struct words *out = s->out;
    if (out->count == 0)
        return true;
    const struct word *before = &out->word[out->count - 1];
    return before->kind != WORD_NAME || strcmp(before->text, "when") == 0 ||
           strcmp(before->text, "else") == 0 || strcmp(before->text, "return") == 0 ||
           strcmp(before->text, "and") == 0 || strcmp(before->text, "or") == 0 ||
           strcmp(before->text, "xor") == 0 || strcmp(before->text, "nand") == 0 ||
           strcmp(before->text, "nor") == 0 || strcmp(before->text, "xnor") == 0 ||
           strcmp(before->text, "not") == 0;
}

static void lex_character(struct scanner *s)
{
    if (bit_chars(s->at + 1, 1, "01XZUWLH-"))
        add_bits(s, s->at + 1, 1);
    else
        add(s, WORD_STRING, s->at + 1, 1);
    s->at += 3;
}

static bool lex_symbol(struct scanner *s)
{
    static const char *const verilog[] = {"<=", ">=", "==", "!=", "<<", ">>", "&&", "||"};
    static const char *const vhdl[] = {"<=", ">=", "/=",  ":=", "=>", "**",
                                       "<<", ">>", "?/=", "?=", "??", "<>"};
    const char *const *list = s->language == LANGUAGE_VERILOG ? verilog : vhdl;
    size_t count = s->language == LANGUAGE_VERILOG ? sizeof verilog / sizeof *verilog
                                                   : sizeof vhdl / sizeof *vhdl;
    size_t length = 1;
    for (size_t i = 0; i < count; i++)
        if (starts(s, list[i]) && strlen(list[i]) > length)
            length = strlen(list[i]);
    if (!isprint((unsigned char)*s->at))
        return fail(s, "character code %d", (unsigned char)*s->at);
    add(s, WORD_SYMBOL, s->at, length);
    s->at += length;
    return true;
}

static bool lex_word(struct scanner *s)
{
    char c = *s->at;
    if (isalpha((unsigned char)c) || c == '_' || (c == '$' && s->language == LANGUAGE_VERILOG))
        return lex_name(s);
    if (isdigit((unsigned char)c))
        return lex_number(s);
    if (c == '\\')
        return lex_escaped(s);
    if (c == '"')
        return lex_string(s);
    if (c == '\'' && is_character(s)) {
        lex_character(s);
        return true;
    }
    return lex_symbol(s);
}

bool lex(struct pool *pool, enum language language, const char *file, const char *text,
         size_t length, struct words *words, const char **message)
{
    *words = (struct words){.file = file};
    struct scanner s = {.pool = pool,
                        .language = language,
                        .at = text,
                        .end = text + length,
                        .line = 1,
                        .out = words,
                        .message = message};
    for (;;) {
        if (!skip_blank(&s))
            return false;
        if (s.at >= s.end)
            break;
        if (!lex_word(&s))
            return false;
    }
    add(&s, WORD_END, "", 0);
    words->count--;
    return true;
}
