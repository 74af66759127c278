// SPDX-License-Identifier: Apache-2.0
// Each rule of the lint on the smallest text that breaks it, and on its nearest innocent neighbour.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tools/netlist/lint.h"

struct example {
    const char *rule; // NULL: nothing is found
    const char *text;
};

static const struct example examples[] = {
    {"when-others", "case state is when idle => a; when others => b; end case;"},
    {NULL, "case byte is when \"00\" => a; when others => b; end case;"},
    {NULL, "case number is when 1 | 2 => a; when others => b; end case;"},
    {"when-others", "with state select y <= a when idle, b when others;"},
    {NULL, "with bits select y <= a when \"01\", b when others;"},
    {"when-others", "case x is when 1 => case s is when idle => a; when others => b; end case; "
                    "when others => c; end case;"},
    {"signed-shift", "y <= shift_right(a, 3);"},
    {NULL, "y <= shift_right(unsigned(a), 3);"},
    {"signed-shift", "y <= a sra 2;"},
    {"rotation", "y <= rotate_left(a, n);"},
    {"abs-min-max", "y <= abs a;"},
    {"abs-min-max", "y <= maximum(a, b);"},
    {NULL, "signal maximum : integer; y <= maximum;"},
    {"division", "y <= a / b;"},
    {"division", "y <= a mod 23;"},
    {NULL, "y <= a / 16;"},
    {NULL, "y <= a mod 2**k;"},
    {NULL, "y <= a mod layers_c;"},
    {NULL, "constant depth : natural := 3; y <= a mod depth;"},
    {"wide-constant", "signal s : signed(47 downto 0); y <= s + (-3);"},
    {"wide-constant", "variable v, w : signed(39 downto 0); if v < -1 then"},
    {NULL, "signal s : signed(31 downto 0); y <= s + (-3);"},
    {NULL, "signal s : signed(47 downto 0); y <= s + 3;"},
    {"case-match", "case? x is when \"1-\" => a; end case?;"},
    {"case-generate", "g : case kind_g generate when 1 => end generate;"},
    {"black-box", "component part is port (a : in bit); end component;"},
    {"shared-variable", "shared variable v : natural;"},
    {"inout", "port (pin : inout std_logic);"},
    {"variable-memory", "p : process (clk) variable m : m_t; begin m(place) := 1; end process;"},
    {NULL, "p : process (clk) variable m : m_t; begin for i in m'range loop m(i) := 1; end loop;"},
    {NULL, "p : process (clk) begin m(place) <= 1; end process;"},
    {NULL, "y <= a / b; -- lint: allow division because both are constants of the elaboration"},
    {NULL, "-- lint: allow division because both are constants of the elaboration\ny <= a / b;"},
    {"allow", "-- lint: allow division because there is none\ny <= a;"},
    {"division", "y <= a / b; -- lint: allow division"},
    {"division", "y <= a / b; -- lint: allow when-others because of something else"},
    {NULL, "-- case s is when idle => a; when others => b; abs shared variable\ny <= '1';"},
};

static bool has(const struct findings *findings, const char *rule)
{
    for (size_t i = 0; i < findings->count; i++)
        if (strcmp(findings->list[i].rule->name, rule) == 0)
            return true;
    return false;
}

static void test_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        const struct example *e = &examples[i];
        struct pool pool;
        struct findings findings;
        const char *message = NULL;
        pool_init(&pool);
        assert_true(lint_text(&pool, "text", e->text, strlen(e->text), &findings, &message));
        if (e->rule ? !has(&findings, e->rule) : findings.count != 0)
            fail_msg("%s: %s", e->rule ? e->rule : "innocent", e->text);
        pool_fini(&pool);
    }
}

static void test_every_rule_has_an_example(void **state)
{
    (void)state;
    for (size_t r = 0; r < lint_rule_count; r++) {
        bool seen = false;
        for (size_t i = 0; i < sizeof examples / sizeof *examples; i++)
            seen |= examples[i].rule && strcmp(examples[i].rule, lint_rules[r].name) == 0;
        if (!seen)
            fail_msg("rule %s has no example", lint_rules[r].name);
    }
}

static void test_line_numbers(void **state)
{
    (void)state;
    static const char text[] = "a <= b;\n-- comment\ny <= abs a;\nz <= x / y;\n";
    struct pool pool;
    struct findings findings;
    const char *message = NULL;
    pool_init(&pool);
    assert_true(lint_text(&pool, "text", text, sizeof text - 1, &findings, &message));
    assert_int_equal(findings.count, 2);
    assert_int_equal(findings.list[0].line, 3);
    assert_int_equal(findings.list[1].line, 4);
    pool_fini(&pool);
}

static void test_no_vhdl(void **state)
{
    (void)state;
    struct pool pool;
    struct findings findings;
    const char *message = NULL;
    pool_init(&pool);
    assert_false(lint_text(&pool, "text", "a <= \"0\n", 8, &findings, &message));
    assert_string_equal(message, "text:1: string without an end");
    pool_fini(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_every_rule_has_an_example),
        cmocka_unit_test(test_line_numbers),
        cmocka_unit_test(test_no_vhdl),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
