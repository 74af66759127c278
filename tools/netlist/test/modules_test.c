// SPDX-License-Identifier: Apache-2.0
// Which module a mapped cell belongs to: a small netlist in yosys' format, written for the test.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/netlist/modules.h"

// top: two workers (generated) whose result goes into a store, which keeps it in a memory below.
static const char tree[] =
    "{'modules': {"
    "'top': {'ports': {'a': {'direction': 'input'}, 'y': {'direction': 'output'}}, 'cells': {"
    " 'all_n0_work': {'type': 'worker_4_8'}, 'all_n1_work': {'type': 'worker_4_8'},"
    " 'keep': {'type': 'store_0123456789012345678901234567890123456789'}}},"
    "'worker_4_8': {'ports': {'in': {'direction': 'input'}, 'out': {'direction': 'output'}},"
    " 'cells': {}},"
    "'store_0123456789012345678901234567890123456789': {"
    " 'ports': {'data': {'direction': 'input'}, 'q': {'direction': 'output'}},"
    " 'cells': {'memory': {'type': 'ram_dist_2'}}},"
    "'ram_dist_2': {'ports': {'data': {'direction': 'input'}, 'q': {'direction': 'output'}},"
    " 'cells': {}}}}";

// Net 2: the clock. 10 leaves worker 0 and enters store and memory: the LUT that drives it is the
// worker's. 11 has no name and feeds 10's LUT. 12 is the register of worker 1, with one of GHDL's
// names beside it. 13 feeds nothing but 14, the top's own. 20 comes out of the memory.
static const char netlist[] =
    "{'modules': {'top': {'cells': {"
    " '$abc$1': {'type': 'LUT6', 'port_directions': {'I0': 'input', 'O': 'output'},"
    "  'connections': {'I0': [11], 'O': [10]}},"
    " '$abc$2': {'type': 'LUT2', 'port_directions': {'I0': 'input', 'O': 'output'},"
    "  'connections': {'I0': [12], 'O': [11]}},"
    " '$auto$3': {'type': 'FDRE', 'port_directions': {'C': 'input', 'D': 'input', 'Q': 'output'},"
    "  'connections': {'C': [2], 'D': ['0'], 'Q': [12]}},"
    " '$flatten\\\\keep.\\\\memory.$lt$4': {'type': 'RAM32M',"
    "  'port_directions': {'D': 'input', 'Q': 'output'}, 'connections': {'D': [10], 'Q': [20]}},"
    " '$abc$5': {'type': 'LUT1', 'port_directions': {'I0': 'input', 'O': 'output'},"
    "  'connections': {'I0': [20], 'O': [13]}},"
    " '$abc$6': {'type': 'LUT3', 'port_directions': {'I0': 'input', 'O': 'output'},"
    "  'connections': {'I0': [13], 'O': [14]}}},"
    "'netnames': {"
    " 'a': {'hide_name': 0, 'bits': [2]}, 'y': {'hide_name': 0, 'bits': [14]},"
    " 'keep.memory.data': {'hide_name': 0, 'bits': [10]},"
    " 'keep.data': {'hide_name': 0, 'bits': [10]},"
    " 'all_n0_work.out': {'hide_name': 0, 'bits': [10]},"
    " 'all_n1_work.n5_q': {'hide_name': 0, 'bits': ['0', 12]},"
    " 'all_n1_work.phase': {'hide_name': 0, 'bits': ['0', '0', 12]},"
    " '$hidden': {'hide_name': 1, 'bits': [13]},"
    " 'keep.memory.q': {'hide_name': 0, 'bits': [20]}}}}}";

static const char sta[] = "Latest arrival time in 'top' is 1500:\n"
                          "    1500 $flatten\\keep.\\memory.$lt$4 (RAM32M.D)\n"
                          "           \\all_n0_work.out\n"
                          "    1500 $abc$1 (LUT6.I0->O)\n"
                          "           $abc$net [3]\n"
                          "     900 $abc$2 (LUT2.I0->O)\n"
                          "           \\all_n1_work.n5_q [1]\n"
                          "     300 $auto$3 (FDRE.C->Q)\n"
                          "       0   \\a (<primary input>)\n"
                          "\nArrival histogram:\n";

struct fixture {
    struct pool pool;
    char folder[64];
    const char *tree, *netlist;
};

static const char *put(struct fixture *f, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", f->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (; *text; text++)
        fputc(*text == '\'' ? '"' : *text, file);
    assert_int_equal(fclose(file), 0);
    return pool_text(&f->pool, path);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (!f)
        return -1;
    pool_init(&f->pool);
    snprintf(f->folder, sizeof f->folder, "/tmp/modules_test.XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    f->tree = put(f, "tree.json", tree);
    f->netlist = put(f, "netlist.json", netlist);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    unlink(f->tree);
    unlink(f->netlist);
    rmdir(f->folder);
    pool_fini(&f->pool);
    free(f);
    return 0;
}

static const struct module_row *row(const struct module_rows *rows, const char *name)
{
    for (size_t i = 0; i < rows->count; i++)
        if (strcmp(rows->row[i].name, name) == 0)
            return &rows->row[i];
    fail_msg("no row %s", name);
    return NULL;
}

static const struct resources whole = {.lut = 8, .lutram = 4, .ff = 1};

static void test_homes(void **state)
{
    struct fixture *f = *state;
    struct flat flat;
    struct module_rows rows;
    const char *message = NULL;
    assert_true(flat_read(&flat, &f->pool, "top", f->tree, f->netlist, &message));
    assert_true(modules_sum(&flat, &whole, &rows, &message));
    assert_int_equal(rows.count, 4); // the workers are one
    const struct module_row *worker = row(&rows, "all_work");
    assert_string_equal(worker->entity, "worker");
    assert_int_equal(worker->instances, 2);
    assert_int_equal(worker->own.lut, 2);
    assert_int_equal(worker->own.ff, 1);
    assert_string_equal(row(&rows, "keep")->entity, "store");
    assert_int_equal(row(&rows, "keep")->own.lut, 0);
    assert_int_equal(row(&rows, "keep")->all.lut, 4);
    assert_int_equal(row(&rows, "memory")->own.lutram, 4);
    assert_int_equal(row(&rows, "memory")->depth, 2);
    assert_int_equal(row(&rows, "top")->own.lut, 2);
    assert_int_equal(row(&rows, "top")->all.lut, 8);
    assert_string_equal(rows.row[1].name, "keep"); // by falling LUTs
    flat_fini(&flat);
}

static void test_path(void **state)
{
    struct fixture *f = *state;
    struct flat flat;
    struct path path;
    const char *message = NULL;
    assert_true(flat_read(&flat, &f->pool, "top", f->tree, f->netlist, &message));
    assert_true(path_read(&f->pool, &flat, "top", sta, &path, &message));
    assert_int_equal(path.count, 4);
    assert_string_equal(path.from, "all_n1_work.phase[2]");
    assert_string_equal(path.to, "keep.memory.q");
    assert_string_equal(path.step[1].type, "LUT6.I0->O");
    assert_int_equal(path.step[1].arrival_ps, 1500);
    assert_null(path.step[1].net);
    assert_string_equal(flat.instance[path.step[2].home].path, "all_n0_work");
    assert_false(path_read(&f->pool, &flat, "top", "nothing", &path, &message));
    assert_non_null(strstr(message, "cannot be read"));
    flat_fini(&flat);
}

// A sum that is not the whole is refused, and so is a netlist without cells.
static void test_wrong(void **state)
{
    struct fixture *f = *state;
    struct flat flat;
    struct module_rows rows;
    struct resources other = whole;
    const char *message = NULL;
    other.lut++;
    assert_true(flat_read(&flat, &f->pool, "top", f->tree, f->netlist, &message));
    assert_false(modules_sum(&flat, &other, &rows, &message));
    assert_non_null(strstr(message, "8 LUT"));
    flat_fini(&flat);
    const char *empty = put(f, "empty.json", "{'modules': {'top': {'cells': {}, 'netnames': {}}}}");
    assert_false(flat_read(&flat, &f->pool, "top", f->tree, empty, &message));
    assert_non_null(strstr(message, "no cells"));
    flat_fini(&flat);
    unlink(empty);
    assert_false(flat_read(&flat, &f->pool, "top", f->tree, empty, &message));
    flat_fini(&flat);
}

static void test_entities(void **state)
{
    struct fixture *f = *state;
    static const char *const cases[][2] = {
        {"writer_6_3_de44b2812a7ec9658ee8d9d4212cf04b8397ea7a", "writer"},
        {"ram_dist_sys_64_16", "ram_dist_sys"},
        {"rom_logic_41d79feca340de2efbf3811a04489389a188dc16", "rom_logic"},
        {"issuer_cafe", "issuer_cafe"},
        {"ft245_4_4", "ft245"},
        {"link_rx", "link_rx"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(flat_entity(&f->pool, cases[i][0]), cases[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_homes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_wrong, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_entities, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
