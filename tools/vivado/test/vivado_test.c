// SPDX-License-Identifier: Apache-2.0
// The report parser on texts in the shapes of three versions, whole and damaged; pins files; the
// script and the constraints, letter by letter.
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/random.h"
#include "tools/vivado/report.h"
#include "tools/vivado/script.h"
#include "tools/vivado/vivado.h"

#define REPORTS "tools/vivado/test/reports/"

enum { TEXT_MAX = 16384 };
static const char *const versions[] = {"2018.3", "2021.2", "2024.1"};
static const struct vivado_subject subject = {"top_xc7s15", "xc7s15ftgb196-1"};

static void load(const char *version, const char *name, char text[TEXT_MAX])
{
    char path[256];
    snprintf(path, sizeof path, REPORTS "%s/%s.rpt", version, name);
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    size_t n = fread(text, 1, TEXT_MAX - 1, in);
    assert_in_range(n, 100, TEXT_MAX - 2);
    text[n] = '\0';
    fclose(in);
}

static int read_any(const char *name, const char *text, size_t n, struct vivado_figures *f,
                    char *why, size_t whycap)
{
    if (strcmp(name, "utilization") == 0)
        return vivado_read_utilization(text, n, &subject, f, why, whycap);
    if (strcmp(name, "timing") == 0)
        return vivado_read_timing(text, n, &subject, f, why, whycap);
    if (strcmp(name, "power") == 0)
        return vivado_read_power(text, n, &subject, f, why, whycap);
    return vivado_read_route(text, n, why, whycap);
}

static void test_shapes(void **state)
{
    (void)state;
    for (size_t v = 0; v < sizeof versions / sizeof versions[0]; v++) {
        static const char *const names[] = {"utilization", "timing", "power", "route_status"};
        struct vivado_figures f = {0};
        char text[TEXT_MAX], why[256] = "";
        for (size_t i = 0; i < 4; i++) {
            load(versions[v], names[i], text);
            int bad = read_any(names[i], text, strlen(text), &f, why, sizeof why);
            if (bad)
                fail_msg("%s %s", versions[v], why);
        }
        assert_string_equal(f.version, versions[v]);
        assert_int_equal(f.luts, 5120);
        assert_int_equal(f.luts_available, 8000);
        assert_int_equal(f.luts_memory, 416);
        assert_int_equal(f.ffs, 6035);
        assert_int_equal(f.dsps, 20);
        assert_int_equal(f.ramb36, 8);
        assert_int_equal(f.ramb18, 1);
        assert_int_equal(f.setup_slack_ps, 412);
        assert_int_equal(f.hold_slack_ps, 51);
        assert_int_equal(f.pulse_slack_ps, 3750);
        assert_int_equal(f.failing_endpoints, 0);
        assert_true(f.timing_met);
        assert_int_equal(f.power_mw, 198);
        assert_int_equal(f.dynamic_mw, 165);
        assert_int_equal(f.static_mw, 33);
        assert_string_equal(f.power_confidence, "Low");
    }
}

// Replaces the first occurrence of from; every edit must change something.
static void edit(char text[TEXT_MAX], const char *from, const char *to)
{
    char *at = strstr(text, from);
    if (!at)
        fail_msg("\"%s\" is not in the text", from);
    size_t tail = strlen(at + strlen(from)) + 1;
    assert_true(strlen(text) + strlen(to) < TEXT_MAX - 1);
    memmove(at + strlen(to), at + strlen(from), tail);
    memcpy(at, to, strlen(to));
}

// Drops every line that holds a text.
static void drop(char text[TEXT_MAX], const char *what)
{
    int dropped = 0;
    for (char *at; (at = strstr(text, what)); dropped++) {
        char *start = at, *end = strchr(at, '\n');
        while (start > text && start[-1] != '\n')
            start--;
        end = end ? end + 1 : at + strlen(at);
        memmove(start, end, strlen(end) + 1);
    }
    assert_true(dropped > 0);
}

static const struct {
    const char *report, *from, *to; // to NULL: drop the lines with from
    const char *message;
} damaged[] = {
    {"utilization", "| Slice LUTs", NULL, "no row \"Slice LUTs\""},
    {"utilization", "LUT as Memory", NULL, "no row \"LUT as Memory\""},
    {"utilization", "| Slice Registers", NULL, "no row \"Slice Registers\""},
    {"utilization", "RAMB36/FIFO", NULL, "no row \"RAMB36/FIFO\""},
    {"utilization", "RAMB18  ", NULL, "no row \"RAMB18\""},
    {"utilization", "| DSPs", NULL, "no row \"DSPs\""},
    {"utilization", "Site Type", NULL, "no row \"Slice LUTs\""},
    {"utilization", "| Used |", "| Size |", "has no column \"Used\""},
    {"utilization", "| 5120 |", "| 8001 |", "row \"Slice LUTs\": 8001 used of 8000"},
    {"utilization", "| 5120 |", "| many |", "Used is \"many\", not a number"},
    {"utilization", "| 5120 |", "| -120 |", "not a number"},
    {"utilization", "| 5120 |", "| 5,120 |", "not a number"},
    {"utilization", "| 5120 |", "| 51200000000000000000 |", "not a number"},
    {"utilization", "| 5120 |", "| 0x12 |", "not a number"},
    {"utilization", "| 5120 |", "|      |", "not a number"},
    {"utilization", "| 5120 |", "| 0400 |", "416 LUTs as memory of 400 in all"},
    {"utilization", "|  416 |", "|  415 |", "\"LUT as Memory\" is there with 415 and with 416"},
    {"utilization", "outed", "nplaced", "not routed"},
    {"utilization", "Design State", NULL, "no \"Design State\""},
    {"utilization", "Tool Version", NULL, "no \"Tool Version"},
    {"utilization", "top_xc7s15", "top", "of design top, not top_xc7s15"},
    {"utilization", "7s15ftgb196", "7s25ftgb196", "not xc7s15ftgb196-1"},
    {"utilization", "7s15ftgb196-1", "7s15ftgb196-2", "not xc7s15ftgb196-1"},
    {"timing", "7s15-ftgb196", "7s15", "not xc7s15ftgb196-1"},
    {"timing", "WNS(ns)", NULL, "no line of headings"},
    {"timing", "WHS(ns)", "WXS(ns)", "no line of headings"},
    {"timing", "0.412", "NA", "no path is timed"},
    {"timing", "0.412", "0.4121", "\"WNS(ns)\" is \"0.4121\""},
    {"timing", "0.412", "inf", "\"WNS(ns)\" is \"inf\""},
    {"timing", "0.412", "", "\"TNS Total Endpoints\" is \"0.051\""},
    {"timing", "0.412", "0.412 0.412", "\"TNS Failing Endpoints\" is \"0.000\""},
    {"timing", "17204", "0", "\"TNS Total Endpoints\" is \"0\""},
    {"timing", "0.412", "-0.412", "-412, 51 and 3750 ps, but it says that timing is met"},
    {"timing", "0.051", "-0.051", "but it says that timing is met"},
    {"timing", "3.750", "-0.001", "but it says that timing is met"},
    {"timing", "      0                17188", "      3                17188",
     "says that timing is met"},
    {"timing", "All user specified", "Timing constraints are not met. X",
     "but it says that timing is not met"},
    {"timing", "All user specified", NULL, "nowhere whether timing is met"},
    {"timing", "There are 0 register/latch pins with no clock",
     "There are 12 register/latch pins with no clock", "There are 12 register"},
    {"timing", "register/latch pins with no clock", NULL, "no count of registers with no clock"},
    {"power", "Total On-Chip", NULL, "no row \"Total On-Chip Power (W)\""},
    {"power", "0.198 ", "8.198 (Junction temp exceeded!)", "not a power"},
    {"power", "0.198", "-0.198", "not a power"},
    {"power", "Dynamic (W)", NULL, "no row \"Dynamic (W)\""},
    {"power", "Confidence", NULL, "no row \"Confidence Level\""},
    {"power", ": routed", ": synthesized", "\"synthesized\", not routed"},
    {"route_status", "# of routable nets", NULL, "no line \"# of routable nets\""},
    {"route_status", "fully routed nets............. :        9105",
     "fully routed nets............. :        9104", "9104 of 9105 nets routed, 0 with errors"},
    {"route_status", ":           0 :", ":           2 :", "2 with errors"},
    {"route_status", "# of nets with routing errors", NULL,
     "no line \"# of nets with routing errors\""},
};

static void test_damaged(void **state)
{
    (void)state;
    for (size_t v = 0; v < sizeof versions / sizeof versions[0]; v++)
        for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
            char text[TEXT_MAX], why[256] = "";
            struct vivado_figures f = {0};
            load(versions[v], damaged[i].report, text);
            if (damaged[i].to)
                edit(text, damaged[i].from, damaged[i].to);
            else
                drop(text, damaged[i].from);
            int bad = read_any(damaged[i].report, text, strlen(text), &f, why, sizeof why);
            if (!bad || !strstr(why, damaged[i].message))
                fail_msg("%s, \"%s\" -> \"%s\": %s \"%s\"", versions[v], damaged[i].from,
                         damaged[i].to ? damaged[i].to : "(dropped)",
                         bad ? "the message is" : "accepted", why);
        }
}

static void test_not_met(void **state)
{
    (void)state;
    char text[TEXT_MAX], why[256] = "";
    struct vivado_figures f = {0};
    load("2021.2", "timing", text);
    edit(text, "      0.412        0.000                      0",
         "     -1.204     -208.636                   1141");
    edit(text, "All user specified timing constraints are met.", "Timing constraints are not met.");
    assert_int_equal(vivado_read_timing(text, strlen(text), &subject, &f, why, sizeof why), 0);
    assert_false(f.timing_met);
    assert_int_equal(f.setup_slack_ps, -1204);
    assert_int_equal(f.failing_endpoints, 1141);
}

static void test_versions_mixed(void **state)
{
    (void)state;
    char text[TEXT_MAX], why[256] = "";
    struct vivado_figures f = {0};
    load("2021.2", "timing", text);
    assert_int_equal(read_any("timing", text, strlen(text), &f, why, sizeof why), 0);
    load("2018.3", "power", text);
    assert_int_equal(read_any("power", text, strlen(text), &f, why, sizeof why), -1);
    assert_non_null(strstr(why, "another one by 2021.2"));
}

// Any cut of a report is refused or gives the same figures; flipped bytes crash nothing.
static void test_cuts_and_flips(void **state)
{
    (void)state;
    static const char *const names[] = {"utilization", "timing", "power", "route_status"};
    struct rng rng;
    int refused = 0;
    rng_init(&rng, 21);
    for (size_t i = 0; i < 4; i++) {
        char text[TEXT_MAX], why[256];
        load("2024.1", names[i], text);
        size_t n = strlen(text);
        for (size_t cut = 0; cut < n; cut++) {
            struct vivado_figures f = {0};
            char *exact = malloc(cut + 1); // so that a sanitizer sees a read behind the end
            assert_non_null(exact);
            memcpy(exact, text, cut);
            if (read_any(names[i], exact, cut, &f, why, sizeof why) != 0)
                refused++;
            free(exact);
        }
        for (int k = 0; k < 500; k++) {
            struct vivado_figures f = {0};
            char copy[TEXT_MAX];
            memcpy(copy, text, n);
            for (int64_t flips = rng_range(&rng, 1, 8); flips; flips--)
                copy[rng_range(&rng, 0, (int64_t)n - 1)] = (char)rng_u64(&rng);
            read_any(names[i], copy, n, &f, why, sizeof why);
        }
    }
    assert_true(refused > 3000);
}

static void write_pins(const char *text, char path[64])
{
    snprintf(path, 64, "pins-test-XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

static const char good_pins[] =
    "# a board\nclk = H11 # oscillator\n\nft_data[0]=A1\nft_data[1]=A2\nft_data[2]=A3\n"
    "ft_data[3]=A4\nft_data[4]=A5\nft_data[5]=B1\nft_data[6]=B2\nft_data[7]=B3\nft_rxf_n=C1\n"
    "ft_txe_n=C2\nft_rd_n=C3\nft_wr_n=C4\nft_siwu_n=C5\nbusy=D1\nled[0]=D2\nled[1]=D14\n";

static void test_pins(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *message;
    } wrong[] = {
        {"busy=D1\n", "", "no site for busy"},
        {"busy=D1", "busy", ":17: not PORT=SITE"},
        {"busy=D1", "trigger=D1", "no port \"trigger\""},
        {"busy=D1", "busy=", "\"\" is no site"},
        {"busy=D1", "busy=A1;exit", "\"A1;exit\" is no site"},
        {"busy=D1", "busy=D1]", "no site of a package"},
        {"busy=D1", "busy=C5", "site C5 is taken by ft_siwu_n"},
        {"busy=D1", "busy=D1\nbusy=D3", ":18: busy is there twice"},
    };
    char path[64], why[256] = "";
    struct pins p;
    write_pins(good_pins, path);
    int bad = pins_read(path, &p, why, sizeof why);
    unlink(path);
    assert_int_equal(bad, 0);
    assert_string_equal(p.site[0], "H11");
    assert_string_equal(p.site[PIN_COUNT - 1], "D14");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char text[TEXT_MAX];
        snprintf(text, sizeof text, "%s", good_pins);
        edit(text, wrong[i].from, wrong[i].to);
        write_pins(text, path);
        bad = pins_read(path, &p, why, sizeof why);
        unlink(path);
        if (!bad || !strstr(why, wrong[i].message))
            fail_msg("\"%s\": %d \"%s\"", wrong[i].to, bad, why);
    }
    assert_int_equal(pins_read("no/such.pins", &p, why, sizeof why), -1);
}

static void compare_with(const char *golden, const struct script *s,
                         int (*write)(FILE *, const struct script *))
{
    char path[256], want[TEXT_MAX] = "";
    char *got = NULL;
    size_t n;
    FILE *out = open_memstream(&got, &n);
    assert_non_null(out);
    assert_int_equal(write(out, s), 0);
    fclose(out);
    snprintf(path, sizeof path, "tools/vivado/test/%s", golden);
    if (getenv("SEVENCAST_REGENERATE")) { // the explicit command
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fputs(got, file);
        fclose(file);
    }
    FILE *in = fopen(path, "r");
    assert_non_null(in);
    want[fread(want, 1, sizeof want - 1, in)] = '\0';
    fclose(in);
    assert_string_equal(got, want);
    free(got);
}

static void test_script(void **state)
{
    (void)state;
    static const char *const vhdl[] = {"/rtl/core/arithmetic_pkg.vhd", "/out/variant_pkg.vhd",
                                       "/a folder/top_xc7s15.vhd"};
    char why[256];
    struct pins pins;
    assert_int_equal(pins_read("rtl/board/generic-ftgb196.pins", &pins, why, sizeof why), 0);
    const struct script s = {.variant = "demand-w8",
                             .hash_hex =
                                 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                             .usercode = 0x01234567,
                             .part = "xc7s15ftgb196-1",
                             .clock_hz = 100000000,
                             .vhdl = vhdl,
                             .vhdl_count = 3,
                             .constraints = "/rtl/board/xc7s15.xdc",
                             .pins = &pins};
    compare_with("golden.tcl", &s, script_tcl);
    compare_with("golden.xdc", &s, script_board_xdc);
    assert_false(script_path_ok("/a/{b}"));
    assert_false(script_path_ok("/a\\b"));
    assert_false(script_path_ok("/a\nb"));
    assert_true(script_path_ok("/a [b] $c"));
}

static void test_parts(void **state)
{
    (void)state;
    char device[16], package[16];
    assert_true(vivado_part_split("xc7s15ftgb196-1", device, package));
    assert_string_equal(device, "xc7s15");
    assert_string_equal(package, "ftgb196");
    assert_true(vivado_part_split("xc7s15csga225-1IL", device, package));
    assert_string_equal(package, "csga225");
    static const char *const wrong[] = {"",
                                        "xc7s15",
                                        "xc7s15ftgb196",
                                        "xc7s15ftgb196-",
                                        "xc7s-1",
                                        "7s15ftgb196-1",
                                        "xc7s15ftgb196-1; exit",
                                        "xc7s15ftgb-1",
                                        "xc7s15ftgb196-x"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(vivado_part_split(wrong[i], device, package));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),         cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_not_met),        cmocka_unit_test(test_versions_mixed),
        cmocka_unit_test(test_cuts_and_flips), cmocka_unit_test(test_pins),
        cmocka_unit_test(test_script),         cmocka_unit_test(test_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
