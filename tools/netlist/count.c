// SPDX-License-Identifier: Apache-2.0
#include "tools/netlist/count.h"

#include "tools/netlist/count_cache.h"
#include "tools/netlist/emit.h"
#include "tools/netlist/files.h"
#include "tools/netlist/flat.h"
#include "tools/netlist/modules.h"
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

struct counts {
    const char *top; // the module that was counted
    const char *part;
    bool by_module;
    json_t *report;         // owned
    struct resources total; // this and the rest: not when the report is from the cache
    struct flat flat;
    struct module_rows rows;
    struct path path;
};

// GHDL loses attributes, so the kind of a memory is in its entity's name and said again here; so is
// that carry chains which share their LUTs with what selects the operands stay modules until they
// are mapped (merged they cost twice as much). After the mapping, sta needs the timing arcs of the
// cells. What stood in what before the flattening is written, and the cells after it. Always,
// though only the report by module needs them: yosys numbers what it names, and another numbering
// is another result (within 2 %).
static bool write_script(const char *path, const char *source, const char *top, bool abc9)
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
    fprintf(file,
            "read_verilog %s.v\nhierarchy -check -top %s\n"
            "design -push-copy\ndelete */p:* */t:$* */m:*\n"
            "write_json %s.count.tree.json\ndesign -pop\nproc\n",
            source, top, top);
    for (size_t i = 0; i < sizeof styles / sizeof *styles; i++)
        fprintf(file, "setattr -set %s \"%s\" %s*/m:*\n", styles[i].attribute, styles[i].value,
                styles[i].entity);
    fprintf(file,
            "setattr -mod -set keep_hierarchy 1 booth_row* accumulator*\n"
            "synth_xilinx -family xc7 -flatten -noiopad -noclkbuf%s -top %s\n"
            "setattr -mod -unset keep_hierarchy *\n"
            "flatten\nclean\n"
            "tee -q -o %s.count.stat stat -tech xilinx\n"
            "json -o %s.count.cells.json %s\n"
            "read_verilog -lib -specify +/xilinx/cells_sim.v\n"
            "tee -q -o %s.count.sta sta\n",
            abc9 ? " -abc9" : "", top, top, top, top, top);
    bool written = !ferror(file);
    return fclose(file) == 0 && written;
}

// The module of the netlist whose entity that is.
static int find_module(struct pool *pool, const char *source, const char *entity,
                       const char **module, const char **message)
{
    size_t length;
    const char *text = file_read(pool, source, &length, message);
    const char *wanted = pool_text(pool, entity), *found = NULL;
    if (!text)
        return EMIT_INPUT;
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, "module ", 7) != 0)
            continue;
        line += 7;
        const char *name = pool_intern(pool, line, strcspn(line, " (\n"));
        if (name != wanted && flat_entity(pool, name) != wanted)
            continue;
        if (found) {
            *message = pool_format(pool, "%s has more than one %s; give one in full, as %s or %s",
                                   source, entity, found, name);
            return EMIT_INPUT;
        }
        found = name;
    }
    if (!found)
        *message = pool_format(pool, "%s has no module %s", source, entity);
    *module = found;
    return found ? 0 : EMIT_INPUT;
}

static int run_yosys(struct pool *pool, const char *folder, const char *top, const char **message)
{
    const char *argv[] = {"yosys", "-q", "-s", pool_format(pool, "%s.count.ys", top), NULL};
    const char *log = path_absolute(pool, pool_format(pool, "%s/%s.count.log", folder, top));
    int status = run_tool(argv, folder, NULL, log, COUNT_TIMEOUT_NS);
    if (status == RUN_NOT_FOUND) {
        *message = "yosys is not installed";
        return EMIT_NO_TOOL;
    }
    if (status != 0)
        *message = pool_format(pool, "yosys %s; see %s",
                               status == RUN_TIMED_OUT ? "took too long" : "failed", log);
    return status == 0 ? 0 : EMIT_INPUT;
}

// What yosys wrote under that name.
static bool read_counts(struct pool *pool, const char *name, struct counts *counts,
                        const char **message)
{
    size_t length;
    const char *top = counts->top;
    const char *stat = file_read(pool, pool_format(pool, "%s.stat", name), &length, message);
    const char *sta = file_read(pool, pool_format(pool, "%s.sta", name), &length, message);
    return stat && sta && count_parse(pool, top, stat, sta, &counts->total, message) &&
           (!counts->by_module ||
            (flat_read(&counts->flat, pool, top, pool_format(pool, "%s.tree.json", name),
                       pool_format(pool, "%s.cells.json", name), message) &&
             modules_sum(&counts->flat, &counts->total, &counts->rows, message) &&
             path_read(pool, &counts->flat, top, sta, &counts->path, message)));
}

static json_t *make_report(const struct counts *counts)
{
    const struct resources *found = &counts->total, *has = &part_find(counts->part)->has;
    bool fits = found->lut <= has->lut && found->lutram <= has->lutram && found->ff <= has->ff &&
                found->dsp <= has->dsp && found->ramb18 <= has->ramb18;
    json_t *report = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:b}", "top",
                               counts->top, "part", counts->part, "origin", "yosys estimate", "lut",
                               (json_int_t)found->lut, "lutram", (json_int_t)found->lutram, "ff",
                               (json_int_t)found->ff, "dsp", (json_int_t)found->dsp, "ramb18",
                               (json_int_t)found->ramb18, "inverters", (json_int_t)found->inverters,
                               "critical_ns", (double)found->critical_ps / 1000, "fits", fits);
    if (counts->by_module) {
        json_object_set_new(report, "modules", modules_json(&counts->rows));
        json_object_set_new(report, "critical_path", path_json(&counts->flat, &counts->path));
    }
    return report;
}

int count_resources(struct pool *pool, const struct count_request *request, struct counts **found,
                    const char **message)
{
    struct counts *counts = *found = pool_alloc(pool, sizeof *counts);
    const char *netlist = pool_format(pool, "%s/%s.v", request->folder, request->top);
    counts->top = request->top;
    counts->part = request->part;
    counts->by_module = request->by_module || request->cache;
    if (!part_find(request->part)) {
        *message = pool_format(pool, "unknown part %s; known: xc7s15", request->part);
        return EMIT_INPUT;
    }
    int status = 0;
    if (request->module)
        status = find_module(pool, netlist, request->module, &counts->top, message);
    if (status != 0)
        return status;
    const char *name = pool_format(pool, "%s/%s.count", request->folder, counts->top);
    const char *script = pool_format(pool, "%s.ys", name), *cached = NULL;
    if (!write_script(script, request->top, counts->top, request->abc9)) {
        *message = pool_format(pool, "%s: cannot be written: %s", script, strerror(errno));
        return EMIT_INPUT;
    }
    if (request->cache) {
        cached = cache_path(pool, request->cache, netlist, script, message);
        if (!cached)
            return strstr(*message, "not installed") ? EMIT_NO_TOOL : EMIT_INPUT;
        counts->report = cache_get(cached);
        if (counts->report)
            return 0;
    }
    status = run_yosys(pool, request->folder, counts->top, message);
    if (status != 0)
        return status;
    if (!read_counts(pool, name, counts, message))
        return EMIT_INPUT;
    counts->report = make_report(counts);
    return cached && !cache_put(pool, cached, counts->report, message) ? EMIT_INPUT : 0;
}

void counts_free(struct counts *found)
{
    if (!found)
        return;
    flat_fini(&found->flat);
    json_decref(found->report);
}

static void print_text(FILE *out, const struct counts *counts)
{
    const struct resources *found = &counts->total, *has = &part_find(counts->part)->has;
    const struct {
        const char *name;
        size_t found, has;
    } rows[] = {{"lut", found->lut, has->lut},
                {"lutram", found->lutram, has->lutram},
                {"ff", found->ff, has->ff},
                {"dsp", found->dsp, has->dsp},
                {"ramb18", found->ramb18, has->ramb18}};
    fprintf(out, "%s in %s, yosys estimate\n", counts->top, counts->part);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        fprintf(out, "  %-12s %6zu of %6zu  %3zu %%%s\n", rows[i].name, rows[i].found, rows[i].has,
                (100 * rows[i].found + rows[i].has - 1) / rows[i].has,
                rows[i].found > rows[i].has ? "  TOO MUCH" : "");
    fprintf(out, "  %-12s %6.3f   logic only, no wires%s\n", "critical_ns",
            (double)found->critical_ps / 1000,
            found->critical_ps > has->critical_ps ? "  (100 MHz is not credible)" : "");
    if (counts->by_module)
        modules_print(out, &counts->flat, &counts->rows, &counts->path);
}

bool count_print(FILE *out, const struct counts *counts, bool json)
{
    if (json) {
        json_dumpf(counts->report, out, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
        fputc('\n', out);
    } else {
        print_text(out, counts);
    }
    return json_is_true(json_object_get(counts->report, "fits"));
}
