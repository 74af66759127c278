// SPDX-License-Identifier: Apache-2.0
// The comparison: one pair of netlists in the emitter's form, and what changed in one of them alone
// must be refused. (That the repairs are right is the samples' business.)
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tools/netlist/cursor.h"
#include "tools/netlist/repair.h"

static const char verilog[] = "module m\n"
                              "  (input  clk,\n"
                              "   input  en,\n"
                              "   input  [3:0] a,\n"
                              "   output [3:0] y);\n"
                              "  wire [3:0] n1_o;\n"
                              "  wire n2_o;\n"
                              "  wire [3:0] n3_o;\n"
                              "  wire [1:0] n4_o;\n"
                              "  wire [3:0] n5_o;\n"
                              "  reg [3:0] n6_o;\n"
                              "  reg [3:0] n7_q;\n"
                              "  assign y = n7_q;\n"
                              "  assign n1_o = a + 4'b0001;\n"
                              "  assign n2_o = $signed(a) < $signed(4'b0010);\n"
                              "  assign n3_o = n2_o ? n1_o : a;\n"
                              "  assign n4_o = a[2:1];\n"
                              "  assign n5_o = {n4_o, n4_o};\n"
                              "  always @*\n"
                              "    case (n4_o)\n"
                              "      2'b01: n6_o <= n3_o;\n"
                              "      2'b10: n6_o <= n5_o;\n"
                              "    endcase\n"
                              "  always @(posedge clk)\n"
                              "    n7_q <= n6_o;\n"
                              "  initial\n"
                              "    n7_q <= 4'b0011;\n"
                              "endmodule\n";
static const char vhdl[] = "architecture rtl of m is\n"
                           "  signal n1_o : std_logic_vector (3 downto 0);\n"
                           "  signal n2_o : std_logic;\n"
                           "  signal n3_o : std_logic_vector (3 downto 0);\n"
                           "  signal n4_o : std_logic_vector (1 downto 0);\n"
                           "  signal n5_o : std_logic_vector (3 downto 0);\n"
                           "  signal n6_o : std_logic_vector (3 downto 0);\n"
                           "  signal n7_q : std_logic_vector (3 downto 0) := \"0011\";\n"
                           "begin\n"
                           "  y <= n7_q;\n"
                           "  n1_o <= std_logic_vector (unsigned (a) + unsigned'(\"0001\"));\n"
                           "  n2_o <= '1' when signed (a) < signed'(\"0010\") else '0';\n"
                           "  n3_o <= a when n2_o = '0' else n1_o;\n"
                           "  n4_o <= a (2 downto 1);\n"
                           "  n5_o <= n4_o & n4_o;\n"
                           "  with n4_o select n6_o <=\n"
                           "    n3_o when \"01\",\n"
                           "    n5_o when \"10\",\n"
                           "    \"1111\" when others;\n"
                           "  process (clk)\n"
                           "  begin\n"
                           "    if rising_edge (clk) then\n"
                           "      n7_q <= n6_o;\n"
                           "    end if;\n"
                           "  end process;\n"
                           "end rtl;\n";

struct outcome {
    struct pool pool;
    struct netlist verilog, vhdl;
    struct repair_counts counts;
    const char *message;
    bool good;
};

// text with from replaced by to, unless from is NULL
static const char *changed(struct pool *pool, const char *text, const char *from, const char *to)
{
    if (!from)
        return text;
    const char *at = strstr(text, from);
    assert_non_null(at);
    size_t before = (size_t)(at - text);
    char *copy = pool_alloc(pool, strlen(text) + strlen(to) + 1);
    memcpy(copy, text, before);
    memcpy(copy + before, to, strlen(to));
    memcpy(copy + before + strlen(to), at + strlen(from), strlen(at + strlen(from)) + 1);
    return copy;
}

static void run(struct outcome *o, const char *v_from, const char *v_to, const char *h_from,
                const char *h_to)
{
    *o = (struct outcome){0};
    pool_init(&o->pool);
    const char *v = changed(&o->pool, verilog, v_from, v_to);
    const char *h = changed(&o->pool, vhdl, h_from, h_to);
    struct words words;
    o->verilog.pool = o->vhdl.pool = &o->pool;
    assert_true(lex(&o->pool, LANGUAGE_VERILOG, "m.v", v, strlen(v), &words, &o->message));
    if (!read_verilog(&o->verilog, &words, &o->message))
        return;
    struct module *from = o->verilog.modules[0];
    struct module *to = netlist_add(&o->vhdl, from->name, 1);
    for (size_t i = 0; i < from->net_count; i++)
        if (from->nets[i].direction != DIRECTION_NONE)
            module_add_net(&o->pool, to, from->nets[i].name, from->nets[i].width,
                           from->nets[i].direction);
    assert_true(lex(&o->pool, LANGUAGE_VHDL, "m.vhdl", h, strlen(h), &words, &o->message));
    o->good = read_vhdl(&o->vhdl, &words, &o->message) &&
              repair_netlist(&o->verilog, &o->vhdl, &o->counts, &o->message);
}

static void test_good(void **state)
{
    (void)state;
    struct outcome o;
    run(&o, NULL, NULL, NULL, NULL);
    if (!o.good)
        fail_msg("%s", o.message);
    assert_int_equal(o.counts.case_defaults, 1);
    const struct item *item = module_item(o.verilog.modules[0], pool_text(&o.pool, "n6_o"));
    assert_true(item->has_other);
    assert_string_equal(item->other.bits, "1111");
    pool_fini(&o.pool);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *v_from, *v_to, *h_from, *h_to, *says;
    } cases[] = {
        {"a + 4'b0001", "a - 4'b0001", NULL, NULL, "n1_o: subtraction, but addition"},
        {"4'b0001", "4'b0101", NULL, NULL, "n1_o: other inputs"},
        {"$signed(a) < $signed(", "$unsigned(a) < $unsigned(", NULL, NULL, "n2_o: unsigned <"},
        {"n2_o ? n1_o : a", "n2_o ? a : n1_o", NULL, NULL, "n3_o: other inputs"},
        {"a[2:1]", "a[3:2]", NULL, NULL, "n4_o: another slice"},
        {"2'b10: n6_o", "2'b11: n6_o", NULL, NULL, "n6_o: other choices"},
        {"posedge", "negedge", NULL, NULL, "n7_q: another clock"},
        {"4'b0011", "4'b0111", NULL, NULL, "n7_q: another initial value"},
        {"wire [3:0] n5_o", "wire [4:0] n5_o", NULL, NULL, "n5_o: another width"},
        {"  assign n1_o = a + 4'b0001;\n", "", NULL, NULL, "7 items, but 8"},
        {"assign n4_o", "assign n5_o", NULL, NULL, "n5_o is driven twice"},
        {"assign y = n7_q;", "assign y = n7_q ^^ a;", NULL, NULL, "m.v:13:"},
        {"n2_o ? n1_o : a", "n2_o ? n1_o : b", "n3_o <= a when", "n3_o <= b when", "b is not"},
        {NULL, NULL, "\"1111\" when others", "n5_o when \"11\"", "m.vhdl:"},
        {NULL, NULL, "signed (a) < signed'", "unsigned (a) < signed'", "unknown comparison"},
        {NULL, NULL, "of m is", "of other is", "architecture of other"},
        {NULL, NULL, "a (2 downto 1)", "a (3 downto 1)", "another slice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct outcome o;
        run(&o, cases[i].v_from, cases[i].v_to, cases[i].h_from, cases[i].h_to);
        if (o.good || !o.message || !strstr(o.message, cases[i].says))
            fail_msg("case %zu: '%s' instead of '%s'", i, o.good ? "accepted" : o.message,
                     cases[i].says);
        pool_fini(&o.pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
