// SPDX-License-Identifier: Apache-2.0
// The configuration: what is accepted, and for every mistake the line and what is wrong with it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/conf.h"

#define BOARD "[board lab0]\nserial = VB0001\n"

static void fallbacks_are_taken(void **state)
{
    static struct conf c;
    char why[256] = "";
    (void)state;
    assert_int_equal(conf_parse(&c, BOARD, "t.conf", why, sizeof why), 0);
    assert_string_equal(c.control, "ipc:///run/sevencast/control.sock");
    assert_string_equal(c.infer, "");
    assert_int_equal(c.queue, 256);
    assert_int_equal(c.log_level, LEVEL_INFO);
    assert_int_equal(c.boards, 1);
    assert_string_equal(c.board[0].part, "xc7s15");
    assert_string_equal(c.board[0].usb_id, "0403:6010");
    assert_false(c.board[0].allow_virtual);
    assert_int_equal(c.board[0].jtag_mhz, 30);
}

static void everything_can_be_given(void **state)
{
    static struct conf c;
    char why[256] = "";
    (void)state;
    const char *text = "; comment\n[daemon]\nqueue = 4096 ; inline\nlog_level = debug\n"
                       "infer = ipc:///tmp/i\n\n[board a]\nserial = A1\nallow_virtual = yes\n"
                       "part = xc7s25\nvariant = demand-w8\n[board b]\nserial=B1\n"
                       "usb_id = 0403:6011\njtag_mhz: 6\n";
    if (conf_parse(&c, text, "t.conf", why, sizeof why) < 0)
        fail_msg("%s", why);
    assert_int_equal(c.queue, 4096);
    assert_int_equal(c.boards, 2);
    assert_true(c.board[0].allow_virtual);
    assert_string_equal(c.board[0].variant, "demand-w8");
    assert_int_equal(c.board[1].jtag_mhz, 6);
}

static void mistakes_name_their_line(void **state)
{
    static const struct {
        const char *text, *why;
    } bad[] = {
        {BOARD "meter = adc\n", "meter: \"adc\" is not one of none, pac1934, ina226, ina228"},
        {BOARD "meter = pac1934\n", "needs meter_serial for its meter"},
        {BOARD "meter = pac1934\nmeter_serial = M\n", "needs rails for its meter"},
        {BOARD "meter = pac1934\nmeter_serial = M\nrails = A:x\n", "rails: \"A:x\": the shunt"},
        {BOARD "meter = ina226\nmeter_serial = M\nrails = -, A:1\n", "an ina226 has one channel"},
        {BOARD "meter = ina228\nmeter_serial = M\nrails = -, A:1\n", "an ina228 has one channel"},
        {BOARD "meter = ina226\nmeter_serial = M\nrails = A:1\n[board b]\nserial = M\n",
         "meter_serial: M belongs to board b"},
        {"[board a]\nserial = A\nmeter = ina226\nmeter_serial = M\nrails = A:1\n"
         "[board b]\nserial = B\nmeter = ina226\nmeter_serial = M\nrails = A:1\n",
         "meter_serial: M belongs to board"},
        {BOARD "meter_address = 120\n", "not a number from 0 to 119"},
        {"", "t.conf: no [board NAME] section"},
        {"[daemon]\nquue = 3\n" BOARD, "t.conf:2: unknown directive quue in [daemon]"},
        {"[demon]\n" BOARD, "t.conf:1: unknown section [demon]"},
        {"queue = 3\n" BOARD, "t.conf:1: unknown section []"},
        {"[daemon]\nqueue = 0\n" BOARD, "t.conf:2: queue: \"0\" is not a number from 1 to 4096"},
        {"[daemon]\nqueue = 5000\n" BOARD, "not a number from 1 to 4096"},
        {"[daemon]\nqueue = 12x\n" BOARD, "not a number"},
        {"[daemon]\nqueue = \n" BOARD, "not a number"},
        {"[daemon]\nqueue = 99999999999999999999\n" BOARD, "not a number"},
        {"[daemon]\nqueue = 5\nqueue = 6\n" BOARD, "t.conf:3: queue: given twice in [daemon]"},
        {"[daemon]\nlog_level = loud\n" BOARD, "\"loud\" is not one of error, warn, info, debug"},
        {"[daemon]\ncontrol = tcp://*:5555\n" BOARD, "t.conf:2: control: tcp:// needs CURVE"},
        {"[daemon]\ncontrol = \n" BOARD, "is not of the form ipc:///PATH"},
        {"[daemon]\ncontrol = ipc://relative\n" BOARD, "is not of the form ipc:///PATH"},
        {"[daemon]\ninfer = ipc:///run/sevencast/control.sock\n" BOARD, "the same socket"},
        {"[daemon]\nvariants = here\n" BOARD, "variants: \"here\" is not an absolute path"},
        {"[daemon]\nnonsense\n" BOARD, "t.conf:2: not a section, a directive or a comment"},
        {"[board lab0]\npart = xc7s15\n", "t.conf: [board lab0] needs serial"},
        {"[board ]\nserial = A\n", "t.conf:1: [board ]: a board needs a name"},
        {"[board a b]\nserial = A\n", "a board needs a name"},
        {"[board lab0]\nserial = A\n[board lab1]\nserial = A\nfrobnicate = 1\n",
         "t.conf:5: unknown directive frobnicate in [board lab1]"},
        {"[board lab0]\nserial = a/b\n", "serial: \"a/b\" is not a name"},
        {"[board lab0]\nserial = A\nallow_virtual = maybe\n", "is neither yes nor no"},
        {"[board lab0]\nserial = A\nusb_id = 403:6010\n", "is not of the form 0403:6010"},
        {"[board lab0]\nserial = A\njtag_mhz = 31\n", "not a number from 1 to 30"},
        {"[board a]\nserial = A\n[board b]\nserial = A\n", "boards a and b have the same serial A"},
        {"[board lab0]\nserial = 01234567890123456789012345678901234567890\n", "at most 31"},
        {"[board a]\n", "[board a] needs serial"},
        {BOARD "[route r]\nsticky = no\n", "[route r] needs variants"},
        {BOARD "[route r]\nvariants = a:0\n", "[route r] variants: \"0\": a weight"},
        {BOARD "[route r]\nvariants = a, a\n", "[route r] variants: a is there twice"},
        {BOARD "[route r]\nvariants = a\nboard = b\n", "[route r] board: no board is called b"},
        {BOARD "[route ]\nvariants = a\n", "[route ]: a route needs a name"},
        {BOARD "[route r]\nserial = a\n", "unknown directive serial in [route r]"},
        {BOARD "[routes r]\nvariants = a\n", "unknown section [routes r]"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        static struct conf c;
        char why[256] = "";
        assert_int_equal(conf_parse(&c, bad[i].text, "t.conf", why, sizeof why), -1);
        if (!strstr(why, bad[i].why))
            fail_msg("case %zu: \"%s\" does not say \"%s\"", i, why, bad[i].why);
    }
}

// The help names the power monitors; each of them can be configured.
static void every_power_monitor_is_taken(void **state)
{
    static const char *const chips[] = {"pac1934", "ina226", "ina228"};
    (void)state;
    for (size_t i = 0; i < sizeof chips / sizeof chips[0]; i++) {
        static struct conf c;
        char why[256] = "", text[256];
        snprintf(text, sizeof text, BOARD "meter = %s\nmeter_serial = M\nrails = A:1\n", chips[i]);
        if (conf_parse(&c, text, "t.conf", why, sizeof why) < 0)
            fail_msg("%s", why);
        const struct conf_row *row = conf_table;
        while (strcmp(row->name, "meter") != 0)
            row++;
        assert_non_null(strstr(row->help, chips[i]));
    }
}

static void long_lines_and_many_boards_are_refused(void **state)
{
    static struct conf c;
    char why[256] = "", text[4096] = "[daemon]\nvariants = /";
    (void)state;
    memset(text + strlen(text), 'x', 400);
    assert_int_equal(conf_parse(&c, text, "t.conf", why, sizeof why), -1);
    assert_non_null(strstr(why, "t.conf:2: line too long"));
    size_t n = 0;
    for (int i = 0; i <= CONF_BOARDS; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "[board b%d]\nserial = S%d\n", i, i);
    assert_int_equal(conf_parse(&c, text, "t.conf", why, sizeof why), -1);
    assert_non_null(strstr(why, "at most 16 boards"));
}

static void missing_file_is_named(void **state)
{
    static struct conf c;
    char why[256] = "";
    (void)state;
    assert_int_equal(conf_load(&c, "/nonexistent/x.conf", why, sizeof why), -1);
    assert_string_equal(why, "/nonexistent/x.conf: No such file or directory");
}

static void read_back(const struct conf *c, char *out, size_t cap)
{
    char path[] = "/tmp/conf-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    unlink(path);
    assert_int_equal(conf_print(c, fd), 0);
    lseek(fd, 0, SEEK_SET);
    ssize_t n = read(fd, out, cap - 1);
    assert_true(n > 0);
    out[n] = '\0';
    close(fd);
}

static void print_reads_back_the_same(void **state)
{
    static struct conf a, b;
    static char first[8192], second[8192];
    char why[256] = "";
    (void)state;
    assert_int_equal(conf_parse(&a,
                                "[daemon]\nqueue = 7\nlog_level = warn\n" BOARD
                                "allow_virtual = yes\nvariant = demand-w8\n"
                                "[route r]\nvariants = demand-w8:9, demand-w4\nswap = yes\n",
                                "t.conf", why, sizeof why),
                     0);
    read_back(&a, first, sizeof first);
    if (conf_parse(&b, first, "p.conf", why, sizeof why) < 0)
        fail_msg("%s", why);
    read_back(&b, second, sizeof second);
    assert_string_equal(first, second);
    for (const struct conf_row *row = conf_table; row->section; row++)
        assert_non_null(strstr(first, row->name));
}

static void example_is_valid(void **state)
{
    static struct conf c;
    char why[256] = "";
    (void)state;
    if (conf_load(&c, "daemon/sevencastd.conf.example", why, sizeof why) < 0)
        fail_msg("%s", why);
    assert_false(c.board[0].allow_virtual);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fallbacks_are_taken),
        cmocka_unit_test(everything_can_be_given),
        cmocka_unit_test(mistakes_name_their_line),
        cmocka_unit_test(every_power_monitor_is_taken),
        cmocka_unit_test(long_lines_and_many_boards_are_refused),
        cmocka_unit_test(missing_file_is_named),
        cmocka_unit_test(print_reads_back_the_same),
        cmocka_unit_test(example_is_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
