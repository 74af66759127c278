// SPDX-License-Identifier: Apache-2.0
#include "tools/netlist/count.h"

#include "tools/netlist/emit.h"
#include "tools/netlist/files.h"
#include "tools/netlist/run.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#define COUNT_TIMEOUT_NS (1800 * UINT64_C(1000000000))

// DS180: Spartan-7 family. 5.5 ns of logic leaves 4.5 of the 10 ns of 100 MHz for wires.
static const struct part parts[] = {
    {"xc7s15",
     {.lut = 8000, .lutram = 2400, .ff = 16000, .dsp = 20, .ramb18 = 20, .critical_ps = 5500}},
};

const struct part *part_find(const char *name)
{
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcmp(parts[i].name, name) == 0)
            return &parts[i];
    return NULL;
}

// GHDL loses attributes, so the kind of a memory is in its entity's name and said again here; so is
// that carry chains which share their LUTs with what selects the operands stay modules until they
// are mapped (merged they cost twice as much). After the mapping, sta needs the timing arcs of the
// cells.
static bool write_script(const char *path, const char *top)
{
    static const struct {
        const char *entity, *attribute, *value;
    } styles[] = {{"ram_block", "ram_style", "block"},
                  {"ram_dist", "ram_style", "distributed"},
                  {"rom_block", "rom_style", "block"},
                  {"rom_logic", "rom_style", "logic"}};
    FILE *file = fopen(path, "w");
    if (!file)
        return false;
    fprintf(file, "read_verilog %s.v\nhierarchy -check -top %s\nproc\n", top, top);
    for (size_t i = 0; i < sizeof styles / sizeof *styles; i++)
        fprintf(file, "setattr -set %s \"%s\" %s*/m:*\n", styles[i].attribute, styles[i].value,
                styles[i].entity);
    fprintf(file,
            "setattr -mod -set keep_hierarchy 1 booth_row* accumulator*\n"
            "synth_xilinx -family xc7 -flatten -noiopad -noclkbuf -top %s\n"
            "setattr -mod -unset keep_hierarchy *\n"
            "flatten\nclean\n"
            "tee -q -o %s.count.stat stat -tech xilinx\n"
            "read_verilog -lib -specify +/xilinx/cells_sim.v\n"
            "tee -q -o %s.count.sta sta\n",
            top, top, top);
    bool written = !ferror(file);
    return fclose(file) == 0 && written;
}

int count_resources(struct pool *pool, const char *folder, const char *top, const char *part,
                    struct resources *found, const char **message)
{
    if (!part_find(part)) {
        *message = pool_format(pool, "unknown part %s; known: xc7s15", part);
        return EMIT_INPUT;
    }
    const char *name = pool_format(pool, "%s/%s.count", folder, top);
    const char *script = pool_format(pool, "%s.ys", name);
    if (!write_script(script, top)) {
        *message = pool_format(pool, "%s: cannot be written: %s", script, strerror(errno));
        return EMIT_INPUT;
    }
    const char *local = pool_format(pool, "%s.count.ys", top);
    const char *argv[] = {"yosys", "-q", "-s", local, NULL};
    const char *log = path_absolute(pool, pool_format(pool, "%s.log", name));
    int status = run_tool(argv, folder, NULL, log, COUNT_TIMEOUT_NS);
    if (status == RUN_NOT_FOUND) {
        *message = "yosys is not installed";
        return EMIT_NO_TOOL;
    }
    if (status != 0) {
        *message = pool_format(pool, "yosys %s; see %s",
                               status == RUN_TIMED_OUT ? "took too long" : "failed", log);
        return EMIT_INPUT;
    }
    size_t length;
    const char *stat = file_read(pool, pool_format(pool, "%s.stat", name), &length, message);
    const char *sta = file_read(pool, pool_format(pool, "%s.sta", name), &length, message);
    if (!stat || !sta || !count_parse(pool, top, stat, sta, found, message))
        return EMIT_INPUT;
    return 0;
}

bool count_print(FILE *out, const char *top, const char *part, const struct resources *found,
                 bool json)
{
    const struct resources *has = &part_find(part)->has;
    bool fits = found->lut <= has->lut && found->lutram <= has->lutram && found->ff <= has->ff &&
                found->dsp <= has->dsp && found->ramb18 <= has->ramb18;
    if (json) {
        json_t *report = json_pack(
            "{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:b}", "top", top, "part", part,
            "origin", "yosys estimate", "lut", (json_int_t)found->lut, "lutram",
            (json_int_t)found->lutram, "ff", (json_int_t)found->ff, "dsp", (json_int_t)found->dsp,
            "ramb18", (json_int_t)found->ramb18, "inverters", (json_int_t)found->inverters,
            "critical_ns", (double)found->critical_ps / 1000, "fits", fits);
        json_dumpf(report, out, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
        fputc('\n', out);
        json_decref(report);
        return fits;
    }
    const struct {
        const char *name;
        size_t found, has;
    } rows[] = {{"lut", found->lut, has->lut},
                {"lutram", found->lutram, has->lutram},
                {"ff", found->ff, has->ff},
                {"dsp", found->dsp, has->dsp},
                {"ramb18", found->ramb18, has->ramb18}};
    fprintf(out, "%s in %s, yosys estimate\n", top, part);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        fprintf(out, "  %-12s %6zu of %6zu  %3zu %%%s\n", rows[i].name, rows[i].found, rows[i].has,
                (100 * rows[i].found + rows[i].has - 1) / rows[i].has,
                rows[i].found > rows[i].has ? "  TOO MUCH" : "");
    fprintf(out, "  %-12s %6.3f   logic only, no wires%s\n", "critical_ns",
            (double)found->critical_ps / 1000,
            found->critical_ps > has->critical_ps ? "  (100 MHz is not credible)" : "");
    return fits;
}
