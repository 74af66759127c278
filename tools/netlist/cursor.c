// SPDX-License-Identifier: Apache-2.0
#include "tools/netlist/cursor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct word *cursor_ahead(const struct cursor *c, size_t count)
{
    size_t at = c->at + count;
    return &c->words->word[c->message || at > c->words->count ? c->words->count : at];
}

const struct word *cursor_word(const struct cursor *c)
{
    return cursor_ahead(c, 0);
}

void cursor_fail(struct cursor *c, const char *format, ...)
{
    if (c->message)
        return;
    char text[512];
    const struct word *word = cursor_word(c);
    int used = snprintf(text, sizeof text, "%s:%u: ", c->words->file, word->line);
    va_list args;
    va_start(args, format);
    if (used >= 0 && (size_t)used < sizeof text)
        vsnprintf(text + used, sizeof text - (size_t)used, format, args);
    va_end(args);
    c->message = pool_text(c->netlist->pool, text);
}

bool cursor_ahead_is(const struct cursor *c, size_t count, const char *text)
{
    const struct word *word = cursor_ahead(c, count);
    return (word->kind == WORD_SYMBOL || word->kind == WORD_NAME) && strcmp(word->text, text) == 0;
}

bool cursor_is(const struct cursor *c, const char *text)
{
    return cursor_ahead_is(c, 0, text);
}

bool cursor_take(struct cursor *c, const char *text)
{
    if (!cursor_is(c, text))
        return false;
    c->at++;
    return true;
}

void cursor_need(struct cursor *c, const char *text)
{
    if (!cursor_take(c, text))
        cursor_fail(c, "'%s' where '%s' was expected", cursor_word(c)->text, text);
}

const char *cursor_name(struct cursor *c)
{
    const struct word *word = cursor_word(c);
    if (word->kind != WORD_NAME) {
        cursor_fail(c, "'%s' where a name was expected", word->text);
        return "";
    }
    c->at++;
    return word->text;
}

size_t cursor_number(struct cursor *c)
{
    const struct word *word = cursor_word(c);
    if (word->kind != WORD_NUMBER || strlen(word->text) > 9 ||
        strspn(word->text, "0123456789") != strlen(word->text)) {
        cursor_fail(c, "'%s' where a number was expected", word->text);
        return 0;
    }
    c->at++;
    return strtoul(word->text, NULL, 10);
}

const char *cursor_bits(struct cursor *c)
{
    const struct word *word = cursor_word(c);
    bool string =
        word->kind == WORD_STRING && strspn(word->text, "01") == strlen(word->text) && *word->text;
    if (word->kind != WORD_BITS && !string) {
        cursor_fail(c, "'%s' where bits were expected", word->text);
        return "0";
    }
    c->at++;
    return word->text;
}

struct item *cursor_item(struct cursor *c, struct module *module, enum item_kind kind,
                         const char *out, unsigned line, size_t inputs)
{
    bool duplicate;
    struct item *item =
        module_add_item(c->netlist->pool, module, kind, out, line, inputs, &duplicate);
    if (duplicate)
        cursor_fail(c, "module %s: %s is driven twice", module->name, out);
    return item;
}
