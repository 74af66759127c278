// SPDX-License-Identifier: Apache-2.0
// Plots: what is drawn lies inside the drawing, whatever the data, and text is escaped.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/svg.h"

static char text[1 << 20];

// Draws points of the range, ticks and labels, into text.
static void draw(double x_low, double x_high, double y_low, double y_high)
{
    struct svg s;
    FILE *f = fmemopen(text, sizeof text, "w");
    assert_non_null(f);
    svg_begin(&s, f, 640, 200, x_low, x_high, y_low, y_high, "a < b & \"c\"", "y");
    svg_x_ticks(&s);
    svg_y_ticks(&s);
    svg_point(&s, x_low, y_low, 0, "<here>");
    svg_point(&s, x_high, y_high, 9, "");
    svg_point(&s, NAN, y_high, 1, "");
    svg_line(&s, x_low, y_low, x_high, y_high, 2);
    svg_line(&s, x_low, INFINITY, x_high, y_high, 2);
    svg_end(&s);
    fclose(f);
}

static int count(const char *what)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, what)); at++)
        n++;
    return n;
}

// Every number that follows key="... lies within 0..high.
static void within(const char *key, double high)
{
    int seen = 0;
    for (const char *at = text; (at = strstr(at, key)); seen++) {
        char *end;
        double value = strtod(at + strlen(key), &end);
        assert_ptr_not_equal(end, at + strlen(key));
        if (!(value >= 0 && value <= high))
            fail_msg("%s%g is outside", key, value);
        at = end;
    }
    assert_true(seen > 0);
}

static void ranges_of_all_kinds(void **state)
{
    (void)state;
    static const double range[][4] = {
        {0, 1, 0, 1},           {5, 5, 0, 0},           {-1e-9, 1e-9, 1e12, 1.0000001e12},
        {0, 0, 1086, 1086},     {-300, 20, -5e-7, 4},   {0, 604800, 1e-30, 1e-29},
        {1e15, 1e15 + 4, 0, 1}, {1e17, 1e17 + 32, 0, 1}};
    for (size_t i = 0; i < sizeof range / sizeof range[0]; i++) {
        draw(range[i][0], range[i][1], range[i][2], range[i][3]);
        assert_null(strstr(text, "nan"));
        assert_null(strstr(text, "inf"));
        within("cx=\"", 640);
        within("cy=\"", 200);
        within(" x1=\"", 640);
        within(" y2=\"", 200);
        assert_int_equal(count("<circle"), 2); // what is no number is not drawn
        assert_in_range(count("<line"), 1, 40);
        assert_int_equal(count("<svg"), 1);
        assert_int_equal(count("</svg>"), 1);
    }
}

static void text_is_escaped(void **state)
{
    (void)state;
    draw(0, 1, 0, 1);
    assert_non_null(strstr(text, "a &lt; b &amp; &quot;c&quot;"));
    assert_non_null(strstr(text, "<title>&lt;here&gt;</title>"));
}

static void ticks_are_round(void **state)
{
    (void)state;
    draw(0, 10, 0, 0.001);
    assert_non_null(strstr(text, ">2<"));
    assert_non_null(strstr(text, ">0.0002<"));
    assert_null(strstr(text, ">-0<"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_of_all_kinds),
        cmocka_unit_test(text_is_escaped),
        cmocka_unit_test(ticks_are_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
