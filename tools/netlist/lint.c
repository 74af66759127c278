// SPDX-License-Identifier: Apache-2.0
#include "tools/netlist/lint.h"

#include "tools/netlist/files.h"

#include <stdlib.h>
#include <string.h>

enum rule {
    RULE_OTHERS,
    RULE_SIGNED_SHIFT,
    RULE_ROTATION,
    RULE_EXTREME,
    RULE_DIVISION,
    RULE_WIDE_CONSTANT,
    RULE_CASE_MATCH,
    RULE_CASE_GENERATE,
    RULE_BLACK_BOX,
    RULE_SHARED,
    RULE_INOUT,
    RULE_VARIABLE_MEMORY,
    RULE_ALLOW,
};

const struct lint_rule lint_rules[] = {
    [RULE_OTHERS] = {"when-others", "the emitter drops this arm of a case or select over an "
                                    "enumeration; enumerate the choices"},
    [RULE_SIGNED_SHIFT] = {"signed-shift", "shifts of signed are emitted as logical shifts; slice "
                                           "and resize"},
    [RULE_ROTATION] = {"rotation", "rotations are emitted for widths that are powers of two only; "
                                   "write the concatenation"},
    [RULE_EXTREME] = {"abs-min-max", "emitted as VHDL text; write the comparison"},
    [RULE_DIVISION] = {"division", "emitted without its sign, and a divider in the fabric; use a "
                                   "slice, a counter or a pipelined divider"},
    [RULE_WIDE_CONSTANT] = {"wide-constant", "a negative integer beside a vector of more than 32 "
                                             "bits loses its sign"},
    [RULE_CASE_MATCH] = {"case-match", "don't-care choices are ignored"},
    [RULE_CASE_GENERATE] = {"case-generate", "GHDL 2.0 cannot synthesise it"},
    [RULE_BLACK_BOX] = {"black-box", "a component without an entity becomes an empty module"},
    [RULE_SHARED] = {"shared-variable", "GHDL 2.0 crashes or infers no memory"},
    [RULE_INOUT] = {"inout", "the repair refuses inout ports"},
    [RULE_VARIABLE_MEMORY] =
        {"variable-memory", "an array variable written at a computed place in a process becomes a "
                            "memory that a read in the same cycle sees without the write; use a "
                            "signal, or compare each index"},
    [RULE_ALLOW] = {"allow",
                    "an exemption is `-- lint: allow RULE because REASON` with a known rule "
                    "and a reason, and must be needed"},
};
const size_t lint_rule_count = sizeof lint_rules / sizeof *lint_rules;

enum { MAX_WORDS_BACK = 64, INTEGER_BITS = 32 };

struct linter {
    struct pool *pool;
    const struct words *words;
    struct findings *findings;
};

static bool is(const struct linter *l, size_t at, const char *text)
{
    const struct word *word = at < l->words->count ? &l->words->word[at] : NULL;
    return word && (word->kind == WORD_NAME || word->kind == WORD_SYMBOL) &&
           strcmp(word->text, text) == 0;
}

static void found(struct linter *l, size_t at, enum rule rule)
{
    struct findings *f = l->findings;
    unsigned line = l->words->word[at].line;
    for (size_t i = 0; i < f->count; i++)
        if (f->list[i].line == line && f->list[i].rule == &lint_rules[rule])
            return;
    f->list = pool_grow(l->pool, f->list, f->count, sizeof *f->list);
    f->list[f->count++] = (struct finding){line, &lint_rules[rule]};
}

// Is `when others` at this word an arm of a case over bits or numbers, which the emitter keeps? All
// the choices before it, back to `case` or `select`, must be literals then, and there must be one.
static bool over_literals(const struct linter *l, size_t at)
{
    size_t depth = 0, literals = 0;
    for (size_t i = at; i-- > 0;) {
        if (is(l, i, "case") && is(l, i - 1, "end")) {
            depth++;
            i--;
        } else if (is(l, i, "case") || (is(l, i, "select") && depth == 0)) {
            if (depth == 0)
                break;
            depth--;
        } else if (depth == 0 && is(l, i, "when") && i + 1 < l->words->count) {
            enum word_kind kind = l->words->word[i + 1].kind;
            if (kind != WORD_BITS && kind != WORD_NUMBER)
                return false;
            literals++;
        }
    }
    return literals > 0;
}

static void lint_case(struct linter *l, size_t at)
{
    if (is(l, at, "when") && is(l, at + 1, "others") && !over_literals(l, at))
        found(l, at, RULE_OTHERS);
    if (is(l, at, "case") && is(l, at + 1, "?"))
        found(l, at, RULE_CASE_MATCH);
    if (is(l, at, "select") && is(l, at + 1, "?"))
        found(l, at, RULE_CASE_MATCH);
    if (is(l, at, "case"))
        for (size_t i = at + 1; i < at + MAX_WORDS_BACK && !is(l, i, "is") && !is(l, i, ";"); i++)
            if (is(l, i, "generate"))
                found(l, at, RULE_CASE_GENERATE);
}

static void lint_shift(struct linter *l, size_t at)
{
    if (is(l, at, "sra") || is(l, at, "sla"))
        found(l, at, RULE_SIGNED_SHIFT);
    if (is(l, at, "rol") || is(l, at, "ror") || is(l, at, "rotate_left") ||
        is(l, at, "rotate_right"))
        found(l, at, RULE_ROTATION);
    if (!is(l, at, "shift_right") || !is(l, at + 1, "("))
        return;
    if (!is(l, at + 2, "unsigned")) // shift_right(unsigned(x), n) says itself that it is harmless
        found(l, at, RULE_SIGNED_SHIFT);
}

static bool power_of_two(const char *text)
{
    unsigned long value = strtoul(text, NULL, 10);
    return value && (value & (value - 1)) == 0;
}

// x / 4, x mod 2**k: wires when x is a natural. x mod lanes_c: a constant by our naming, or one
// that the file declares; the repair looks at its value. Anything else is a divider in the fabric.
static bool harmless_divisor(const struct linter *l, size_t at)
{
    if (at >= l->words->count)
        return false;
    const struct word *word = &l->words->word[at];
    if (is(l, at, "(")) { // (2 * banks_c)
        bool harmless = true;
        for (at++; at < l->words->count && !is(l, at, ")"); at++)
            harmless &= l->words->word[at].kind != WORD_NAME || harmless_divisor(l, at);
        return harmless;
    }
    if (word->kind == WORD_NUMBER)
        return power_of_two(word->text);
    if (word->kind != WORD_NAME)
        return false;
    size_t length = strlen(word->text);
    if (is(l, at + 1, "'") && is(l, at + 2, "length"))
        return true;
    if (length > 2 && word->text[length - 2] == '_' && strchr("cg", word->text[length - 1]))
        return true;
    for (size_t i = 0; i + 1 < l->words->count; i++)
        if (is(l, i, "constant") && l->words->word[i + 1].text == word->text)
            return true;
    return false;
}

static void lint_division(struct linter *l, size_t at)
{
    bool quotient = is(l, at, "/") || is(l, at, "mod") || is(l, at, "rem");
    if (quotient && !harmless_divisor(l, at + 1))
        found(l, at, RULE_DIVISION);
}

// (47 downto 0) of a vector's declaration; remembers names of more than 32 bits.
struct wide_names {
    const char **names;
    size_t count;
};

static bool is_wide(const struct wide_names *wide, const char *name)
{
    for (size_t i = 0; i < wide->count; i++)
        if (wide->names[i] == name)
            return true;
    return false;
}

static void collect_wide(struct linter *l, size_t at, struct wide_names *wide)
{
    const struct word *word = l->words->word;
    if (!is(l, at, "downto") || at < 3 || word[at - 1].kind != WORD_NUMBER ||
        strtoul(word[at - 1].text, NULL, 10) < INTEGER_BITS || !is(l, at - 2, "("))
        return;
    size_t i = at - 3; // the type; before it `names :` and perhaps a direction
    if (!is(l, i, "signed") && !is(l, i, "unsigned") && !is(l, i, "std_logic_vector"))
        return;
    while (i > 0 && !is(l, i, ":"))
        i--;
    while (i > 0 && (word[i - 1].kind == WORD_NAME || is(l, i - 1, ","))) {
        i--;
        if (word[i].kind != WORD_NAME || is(l, i, "signal") || is(l, i, "variable") ||
            is(l, i, "constant"))
            continue;
        wide->names = pool_grow(l->pool, wide->names, wide->count, sizeof(char *));
        wide->names[wide->count++] = word[i].text;
    }
}

// wide + (-3), wide < -3, wide - negative_c: only a literal minus can be seen by words
static void lint_wide(struct linter *l, size_t at, const struct wide_names *wide)
{
    static const char *const operators[] = {"+", "-", "*", "<", ">", "<=", ">=", "=", "/="};
    const struct word *word = &l->words->word[at];
    if (word->kind != WORD_NAME || !is_wide(wide, word->text))
        return;
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
        if (!is(l, at + 1, operators[i]))
            continue;
        size_t next = at + 2;
        next += is(l, next, "(");
        if (is(l, next, "-") && next + 1 < l->words->count &&
            l->words->word[next + 1].kind == WORD_NUMBER)
            found(l, at, RULE_WIDE_CONSTANT);
    }
}

static void lint_declaration(struct linter *l, size_t at)
{
    if (is(l, at, "shared") && is(l, at + 1, "variable"))
        found(l, at, RULE_SHARED);
    if (is(l, at, "inout") && is(l, at - 1, ":"))
        found(l, at, RULE_INOUT);
    if (is(l, at, "component") && !(at && is(l, at - 1, "end")))
        found(l, at, RULE_BLACK_BOX);
    if (is(l, at, "abs") || ((is(l, at, "maximum") || is(l, at, "minimum")) && is(l, at + 1, "(")))
        found(l, at, RULE_EXTREME);
}

// The innermost process round a word begins here; 0 when there is none.
static size_t process_start(const struct linter *l, size_t at)
{
    for (size_t i = at; i-- > 0;) {
        if (is(l, i, "process") && i && is(l, i - 1, "end"))
            return 0;
        if (is(l, i, "process"))
            return i;
    }
    return 0;
}

// Is the name a loop's, or declared constant, or ours for constants (_c, _g)?
static bool static_index(const struct linter *l, size_t at, size_t start)
{
    const struct word *word = &l->words->word[at];
    if (word->kind != WORD_NAME)
        return true;
    for (size_t i = start; i < at; i++)
        if (is(l, i, "for") && l->words->word[i + 1].text == word->text)
            return true;
    return harmless_divisor(l, at) || is(l, at, "downto") || is(l, at, "to") || is(l, at, "mod");
}

// name (... signal or variable ...) := in a process, name being a variable of it
static void lint_variable(struct linter *l, size_t at)
{
    const struct word *word = &l->words->word[at];
    size_t start = word->kind == WORD_NAME && is(l, at + 1, "(") ? process_start(l, at) : 0;
    bool variable = false;
    for (size_t i = start; start && i < at; i++)
        variable |= is(l, i, "variable") && l->words->word[i + 1].text == word->text;
    if (!variable)
        return;
    bool computed = false;
    size_t depth = 1, i = at + 2;
    for (; i < l->words->count && depth; i++) {
        depth += is(l, i, "(");
        depth -= is(l, i, ")");
        computed |= !static_index(l, i, start);
    }
    if (computed && is(l, i, ":="))
        found(l, at, RULE_VARIABLE_MEMORY);
}

static int by_line(const void *a, const void *b)
{
    const struct finding *x = a, *y = b;
    return x->line < y->line ? -1 : x->line > y->line;
}

struct exemption {
    unsigned line;
    const struct lint_rule *rule;
    bool used;
};

// Reads `-- lint: allow RULE because REASON`; *rule is NULL when it is malformed.
static bool parse_exemption(const char *line, size_t length, const struct lint_rule **rule)
{
    static const char opening[] = "-- lint: allow ";
    const char *end = line + length;
    const char *at = NULL;
    for (const char *p = line; p + sizeof opening - 1 <= end && !at; p++)
        if (memcmp(p, opening, sizeof opening - 1) == 0)
            at = p + sizeof opening - 1;
    if (!at)
        return false;
    *rule = NULL;
    for (size_t i = 0; i < lint_rule_count; i++) {
        size_t size = strlen(lint_rules[i].name);
        static const char because[] = " because ";
        if ((size_t)(end - at) > size + sizeof because - 1 &&
            memcmp(at, lint_rules[i].name, size) == 0 &&
            memcmp(at + size, because, sizeof because - 1) == 0)
            *rule = &lint_rules[i];
    }
    return true;
}

// Takes the exempted findings out; an exemption that is malformed or not needed is a finding
// itself.
static void exempt(struct linter *l, const char *text, size_t length)
{
    struct findings *f = l->findings;
    unsigned line = 1;
    for (size_t at = 0; at < length; line++) {
        size_t size = strcspn(text + at, "\n");
        const struct lint_rule *rule;
        if (parse_exemption(text + at, size, &rule)) {
            size_t kept = 0;
            for (size_t i = 0; i < f->count; i++)
                if (f->list[i].rule != rule || f->list[i].line < line || f->list[i].line > line + 1)
                    f->list[kept++] = f->list[i];
            bool used = kept < f->count;
            f->allowed += f->count - kept;
            f->count = kept;
            if (!used) {
                f->list = pool_grow(l->pool, f->list, f->count, sizeof *f->list);
                f->list[f->count++] = (struct finding){line, &lint_rules[RULE_ALLOW]};
            }
        }
        at += size + 1;
    }
}

bool lint_text(struct pool *pool, const char *file, const char *text, size_t length,
               struct findings *findings, const char **message)
{
    struct words words;
    *findings = (struct findings){0};
    if (!lex(pool, LANGUAGE_VHDL, file, text, length, &words, message))
        return false;
    struct linter l = {.pool = pool, .words = &words, .findings = findings};
    struct wide_names wide = {0};
    for (size_t i = 0; i < words.count; i++)
        collect_wide(&l, i, &wide);
    for (size_t i = 0; i < words.count; i++) {
        lint_case(&l, i);
        lint_shift(&l, i);
        if (i)
            lint_division(&l, i);
        lint_wide(&l, i, &wide);
        lint_declaration(&l, i);
        lint_variable(&l, i);
    }
    if (findings->count)
        qsort(findings->list, findings->count, sizeof *findings->list, by_line);
    exempt(&l, text, length);
    if (findings->count)
        qsort(findings->list, findings->count, sizeof *findings->list, by_line);
    return true;
}
