// SPDX-License-Identifier: Apache-2.0
#include "csv/csv.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char why[512];

static struct csv_table *parse(const char *text, size_t bytes, const char *const *names, int count,
                               const char *time_column)
{
    FILE *in = tmpfile();
    assert_non_null(in);
    assert_int_equal(fwrite(text, 1, bytes, in), bytes);
    rewind(in);
    why[0] = 0;
    struct csv_table *t = csv_read_stream(in, "f.csv", names, count, time_column, why, sizeof why);
    fclose(in);
    return t;
}

static struct csv_table *parse_all(const char *text)
{
    return parse(text, strlen(text), NULL, 0, NULL);
}

static void expect_error(const char *text, const char *message)
{
    assert_null(parse_all(text));
    assert_string_equal(why, message);
}

static void reads_comments_gaps_and_times(void **state)
{
    (void)state;
    const char *text = "# source: a test\n\ntimestamp, load ,\"a \"\"b\"\"\",note\r\n"
                       "2000-01-01 00:00,1.5,NA,x\r\n  # between\n"
                       "2000-01-01 00:30,,-2e3,\"y, z\"\n2000-01-01 01:00,nan,+7 ,\n";
    const char *names[] = {"a \"b\"", "load"};
    struct csv_table *t = parse(text, strlen(text), names, 2, "timestamp");
    assert_non_null(t);
    assert_int_equal(t->columns, 2);
    assert_int_equal(t->rows, 3);
    assert_int_equal(t->gaps, 3);
    assert_string_equal(t->name[0], "a \"b\"");
    assert_int_equal(csv_column(t, "load"), 1);
    assert_int_equal(csv_column(t, "note"), -1);
    assert_true(isnan(t->value[0]) && t->value[1] == 1.5);
    assert_true(t->value[2] == -2000 && isnan(t->value[3]));
    assert_true(t->value[4] == 7 && isnan(t->value[5]));
    assert_string_equal(t->time[1], "2000-01-01 00:30");
    assert_int_equal(t->line[0], 4);
    assert_int_equal(t->line[2], 7);
    csv_free(t);
}

static void takes_all_columns_but_time(void **state)
{
    (void)state;
    const char *text = "\xef\xbb\xbf"
                       "a,when,b\n1,x,2\n3,y,4";
    struct csv_table *t = parse(text, strlen(text), NULL, 0, "when");
    assert_non_null(t);
    assert_int_equal(t->columns, 2);
    assert_int_equal(t->rows, 2);
    assert_string_equal(t->name[1], "b");
    assert_true(t->value[3] == 4);
    assert_string_equal(t->time[0], "x");
    csv_free(t);
}

static void grows_beyond_the_first_block(void **state)
{
    (void)state;
    FILE *in = tmpfile();
    assert_non_null(in);
    fputs("v,t\n", in);
    for (int i = 0; i < 5000; i++)
        fprintf(in, "%d,t%d\n", i, i);
    rewind(in);
    struct csv_table *t = csv_read_stream(in, "f.csv", NULL, 0, "t", why, sizeof why);
    fclose(in);
    assert_non_null(t);
    assert_int_equal(t->rows, 5000);
    for (int i = 0; i < 5000; i++)
        assert_true(t->value[i] == i);
    assert_string_equal(t->time[4999], "t4999");
    csv_free(t);
}

static void names_line_and_column_of_errors(void **state)
{
    (void)state;
    expect_error("", "f.csv: no header line");
    expect_error("# only\n\n", "f.csv: no header line");
    expect_error("a,b,a\n", "f.csv:1: column 'a': appears twice in the header");
    expect_error("a,,b\n", "f.csv:1: field 2 of the header is empty");
    expect_error("a,b\n1,2\n#\n3,4x\n", "f.csv:4: column 'b': '4x' is not a number");
    expect_error("a\n0x10\n", "f.csv:2: column 'a': '0x10' is not a number");
    expect_error("a\ninf\n", "f.csv:2: column 'a': 'inf' is not a number");
    expect_error("a\n1e999\n", "f.csv:2: column 'a': '1e999' is too large");
    expect_error("a,b\n1,2\n3\n", "f.csv:3: 1 fields, the header has 2");
    expect_error("a,b\n1,\"2\n", "f.csv:2: field 2: the quote is not closed");
    expect_error("a,b\n\"1\"0,2\n", "f.csv:2: field 1: text after the closing quote");
    assert_null(parse("a\n1\0002\n", 6, NULL, 0, NULL));
    assert_string_equal(why, "f.csv:2: a zero byte: not a text file");
}

static void names_missing_columns_and_files(void **state)
{
    (void)state;
    const char *names[] = {"b"};
    assert_null(parse("a\n1\n", 4, names, 1, NULL));
    assert_string_equal(why, "f.csv:1: column 'b': not in the header");
    assert_null(parse("a\n1\n", 4, NULL, 0, "time"));
    assert_string_equal(why, "f.csv:1: column 'time': not in the header");
    assert_null(csv_read("/nonexistent/x.csv", NULL, 0, NULL, why, sizeof why));
    assert_string_equal(why, "/nonexistent/x.csv: No such file or directory");
    assert_null(csv_read("/", NULL, 0, NULL, why, sizeof why));
    assert_string_equal(why, "/: reading: Is a directory");
}

static void refuses_lines_and_headers_that_are_too_long(void **state)
{
    (void)state;
    size_t bytes = (size_t)CSV_MAX_LINE_BYTES + 8;
    char *text = malloc(bytes + 1);
    assert_non_null(text);
    memset(text, '1', bytes);
    text[0] = 'a';
    text[1] = '\n';
    text[bytes - 1] = '\n';
    text[bytes] = 0;
    assert_null(parse_all(text));
    assert_string_equal(why, "f.csv:2: line of 1048582 bytes, at most 1048576");
    memset(text, ',', 2 * CSV_MAX_COLUMNS);
    text[2 * CSV_MAX_COLUMNS] = 0;
    assert_null(parse_all(text));
    assert_string_equal(why, "f.csv:1: more than 1024 fields");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_comments_gaps_and_times),
        cmocka_unit_test(takes_all_columns_but_time),
        cmocka_unit_test(grows_beyond_the_first_block),
        cmocka_unit_test(names_line_and_column_of_errors),
        cmocka_unit_test(names_missing_columns_and_files),
        cmocka_unit_test(refuses_lines_and_headers_that_are_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
