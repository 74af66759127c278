// SPDX-License-Identifier: Apache-2.0
// The numbers out of yosys' texts; these were written for the test, in yosys 0.23's format.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tools/netlist/count.h"

static const char stat[] = "\n3. Printing statistics.\n\n"
                           "=== top ===\n\n"
                           "   Number of wires:               4580\n"
                           "   Number of cells:                130\n"
                           "     CARRY4                         10\n"
                           "     DSP48E1                         6\n"
                           "     FDRE                           40\n"
                           "     FDSE                            2\n"
                           "     INV                             3\n"
                           "     LUT1                            1\n"
                           "     LUT2                           20\n"
                           "     LUT6                           30\n"
                           "     MUXF7                           4\n"
                           "     RAM32M                          2\n"
                           "     RAM64M                          5\n"
                           "     RAMB18E1                        1\n"
                           "     RAMB36E1                        4\n"
                           "     SRL16E                          2\n"
                           "\n"
                           "   Estimated number of LCs:        99\n";
static const char sta[] = "7. Executing STA pass (static timing analysis).\n"
                          "Latest arrival time in 'top' is 4321:\n"
                          "    4321 $auto$ff.cc:266:slice$11850 (FDRE.D)\n";

static bool parse(const char *stat_text, const char *sta_text, struct resources *found,
                  const char **message, struct pool *pool)
{
    *message = NULL;
    return count_parse(pool, "top", stat_text, sta_text, found, message);
}

static void test_good(void **state)
{
    (void)state;
    struct pool pool;
    struct resources found;
    const char *message;
    pool_init(&pool);
    assert_true(parse(stat, sta, &found, &message, &pool));
    assert_int_equal(found.lut, 1 + 20 + 30 + 4 * (2 + 5) + 2);
    assert_int_equal(found.lutram, 4 * (2 + 5) + 2);
    assert_int_equal(found.ff, 42);
    assert_int_equal(found.dsp, 6);
    assert_int_equal(found.ramb18, 1 + 2 * 4);
    assert_int_equal(found.inverters, 3);
    assert_int_equal(found.critical_ps, 4321);
    pool_fini(&pool);
}

// text with its first occurrence of from replaced, in the pool
static char *changed(struct pool *pool, const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    assert_non_null(at);
    size_t before = (size_t)(at - text);
    char *copy = pool_alloc(pool, strlen(text) + strlen(to) + 1);
    memcpy(copy, text, before);
    memcpy(copy + before, to, strlen(to));
    memcpy(copy + before + strlen(to), at + strlen(from), strlen(at + strlen(from)) + 1);
    return copy;
}

static void test_bad(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *says;
    } cases[] = {{"=== top", "=== pot", "no cells of top"},
                 {"LUT6 ", "LDCE ", "of no known kind"}, // a latch: the netlist is wrong
                 {"LUT6 ", "FOO  ", "of no known kind"},
                 {"30\n     MUXF7", "x\n     MUXF7", "of no known kind"},
                 {"     LUT2                           20\n", "", "cells listed of 130"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct pool pool;
        struct resources found;
        const char *message;
        pool_init(&pool);
        assert_false(
            parse(changed(&pool, stat, cases[i].from, cases[i].to), sta, &found, &message, &pool));
        assert_non_null(strstr(message, cases[i].says));
        pool_fini(&pool);
    }
}

static void test_bad_timing(void **state)
{
    (void)state;
    struct pool pool;
    struct resources found;
    const char *message;
    pool_init(&pool);
    assert_false(parse(stat, changed(&pool, sta, "'top'", "'pot'"), &found, &message, &pool));
    assert_false(parse(stat, changed(&pool, sta, "4321:", "soon:"), &found, &message, &pool));
    assert_false(parse(stat, "", &found, &message, &pool));
    assert_non_null(strstr(message, "no arrival time"));
    pool_fini(&pool);
}

static void test_part(void **state)
{
    (void)state;
    assert_int_equal(part_find("xc7s15")->has.lut, 8000);
    assert_int_equal(part_find("xc7s15")->has.ramb18, 20);
    assert_null(part_find("xc7s999"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_bad_timing),
        cmocka_unit_test(test_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
