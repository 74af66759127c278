// SPDX-License-Identifier: Apache-2.0
#include "tools/netlist/emit.h"

#include "tools/netlist/cursor.h"
#include "tools/netlist/files.h"
#include "tools/netlist/run.h"
#include "tools/netlist/verilog_write.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SYNTHESIS_TIMEOUT_NS (600 * UINT64_C(1000000000))

// Warnings of GHDL behind which both of its netlists are wrong.
static enum emit_result judge_warnings(struct pool *pool, const char *path, const char **message)
{
    static const char *const fatal[] = {"choice with meta-value is ignored"};
    size_t length;
    const char *text = file_read(pool, path, &length, message);
    if (!text)
        return EMIT_INPUT;
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) {
        const char *at = strstr(text, fatal[i]);
        const char *line = at;
        while (line && line > text && line[-1] != '\n')
            line--;
        if (at) {
            *message = pool_format(pool, "%.*s", (int)strcspn(line, "\n"), line);
            return EMIT_REFUSED;
        }
    }
    return EMIT_DONE;
}

// The line of GHDL's that says what went wrong, among its notes; "" when there is none.
static const char *first_error(struct pool *pool, const char *path)
{
    size_t length;
    const char *ignored, *line = file_read(pool, path, &length, &ignored);
    while (line && *line) {
        size_t size = strcspn(line, "\n");
        const char *text = pool_intern(pool, line, size);
        bool noise = strstr(text, ":note:") || strstr(text, ":warning:");
        if (!noise && (strstr(text, ".vhd:") || strncmp(text, "raised ", 7) == 0))
            return text;
        line += size + (line[size] != 0);
    }
    return "";
}

// Runs ghdl --synth once, into path.
static enum emit_result synthesise(struct pool *pool, const struct emit_request *request,
                                   const char *language, const char *path, const char **message)
{
    const char **argv = NULL;
    size_t count = 0;
    const char *fixed[] = {request->ghdl, "--synth", "--std=08", language};
    size_t total = 4 + request->generic_count + request->file_count + 2;
    argv = pool_alloc(pool, (total + 1) * sizeof *argv);
    for (size_t i = 0; i < 4; i++)
        argv[count++] = fixed[i];
    for (size_t i = 0; i < request->generic_count; i++)
        argv[count++] = request->generics[i];
    for (size_t i = 0; i < request->file_count; i++)
        argv[count++] = path_absolute(pool, request->files[i]);
    argv[count++] = "-e";
    argv[count++] = request->top;
    const char *errors = pool_format(pool, "%s.err", path);
    int status = run_tool(argv, request->out, path, errors, SYNTHESIS_TIMEOUT_NS);
    if (status == 0)
        return judge_warnings(pool, errors, message);
    if (status == RUN_NOT_FOUND) {
        *message = pool_format(pool, "%s is not installed", request->ghdl);
        return EMIT_NO_TOOL;
    }
    *message = pool_format(pool, "%s --synth of %s %s; see %s: %s", request->ghdl, request->top,
                           status == RUN_TIMED_OUT ? "took too long" : "failed", errors,
                           first_error(pool, errors));
    return EMIT_INPUT;
}

static bool read_words(struct pool *pool, enum language language, const char *path,
                       struct words *words, const char **message)
{
    size_t length;
    const char *text = file_read(pool, path, &length, message);
    return text && lex(pool, language, path, text, length, words, message);
}

// stem_HASH without the hash; the name itself when it has none.
static const char *stem(struct pool *pool, const char *name)
{
    enum { HASH_DIGITS = 40 };
    const char *hash = strrchr(name, '_');
    if (!hash || strlen(hash + 1) != HASH_DIGITS ||
        strspn(hash + 1, "0123456789abcdef") != HASH_DIGITS)
        return name;
    return pool_intern(pool, name, (size_t)(hash - name));
}

// The hash of a module's generics is not always the same in two runs: GHDL hashes bytes that it
// never set. The order of the modules is. So the n-th of the VHDL takes the name of the n-th of the
// Verilog, if they differ in the hash only; that they are the same is for the comparison to say.
static void rename_modules(struct pool *pool, const struct netlist *verilog, struct words *vhdl)
{
    size_t *at = pool_alloc(pool, verilog->module_count * sizeof *at + 1), count = 0;
    for (size_t i = 0; i + 2 < vhdl->count; i++)
        if (strcmp(vhdl->word[i].text, "architecture") == 0 &&
            strcmp(vhdl->word[i + 1].text, "rtl") == 0) {
            if (count == verilog->module_count)
                return;
            at[count++] = i + 3;
        }
    if (count != verilog->module_count)
        return;
    for (size_t i = 0; i < count; i++) {
        const char *from = vhdl->word[at[i]].text, *to = verilog->modules[i]->name;
        if (from == to || stem(pool, from) != stem(pool, to))
            continue;
        for (size_t k = 0; k < vhdl->count; k++)
            if (vhdl->word[k].text == from)
                vhdl->word[k].text = to;
    }
}

// The modules and their ports, which the VHDL's entities would only repeat.
static void copy_ports(struct netlist *to, const struct netlist *from)
{
    for (size_t i = 0; i < from->module_count; i++) {
        const struct module *source = from->modules[i];
        struct module *module = netlist_add(to, source->name, source->line);
        for (size_t k = 0; k < source->net_count; k++)
            if (source->nets[k].direction != DIRECTION_NONE)
                module_add_net(to->pool, module, source->nets[k].name, source->nets[k].width,
                               source->nets[k].direction);
    }
}

enum emit_result emit_texts(struct pool *pool, const char *verilog_path, const char *vhdl_path,
                            const char *out_path, struct repair_counts *counts, size_t *modules,
                            const char **message)
{
    struct netlist verilog = {.pool = pool}, vhdl = {.pool = pool};
    struct words verilog_words, vhdl_words;
    if (!read_words(pool, LANGUAGE_VERILOG, verilog_path, &verilog_words, message) ||
        !read_words(pool, LANGUAGE_VHDL, vhdl_path, &vhdl_words, message) ||
        !read_verilog(&verilog, &verilog_words, message))
        return EMIT_REFUSED;
    rename_modules(pool, &verilog, &vhdl_words);
    copy_ports(&vhdl, &verilog);
    if (!read_vhdl(&vhdl, &vhdl_words, message) ||
        !repair_netlist(&verilog, &vhdl, counts, message))
        return EMIT_REFUSED;
    *modules = verilog.module_count;
    FILE *out = fopen(out_path, "w");
    bool written = out != NULL;
    if (out) {
        verilog_write(&verilog, out);
        written = !ferror(out);
        written &= fclose(out) == 0;
    }
    if (!written) {
        *message = pool_format(pool, "%s: cannot be written: %s", out_path, strerror(errno));
        return EMIT_INPUT;
    }
    return EMIT_DONE;
}

static bool write_report(struct pool *pool, const struct emit_request *request,
                         const struct repair_counts *counts, size_t modules, const char **message)
{
    const char *path = pool_format(pool, "%s/%s.netlist.json", request->out, request->top);
    json_t *report = json_pack(
        "{s:s, s:s, s:I, s:{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}}", "top", request->top,
        "ghdl", request->ghdl, "modules", (json_int_t)modules, "repairs", "case_defaults",
        (json_int_t)counts->case_defaults, "text_constants", (json_int_t)counts->text_constants,
        "signed_shifts", (json_int_t)counts->signed_shifts, "signed_products",
        (json_int_t)counts->signed_products, "signed_quotients",
        (json_int_t)counts->signed_quotients, "foreign_texts", (json_int_t)counts->foreign_texts,
        "initial_values", (json_int_t)counts->initial_values, "loop_registers",
        (json_int_t)counts->loop_registers, "merged_names", (json_int_t)counts->merged_names);
    bool written = report && json_dump_file(report, path, JSON_INDENT(2)) == 0;
    json_decref(report);
    if (!written)
        *message = pool_format(pool, "%s: cannot be written", path);
    return written;
}

enum emit_result emit(struct pool *pool, const struct emit_request *given,
                      struct repair_counts *counts, const char **message)
{
    struct emit_request request = *given;
    request.out = path_absolute(pool, given->out);
    if (!request.ghdl)
        request.ghdl = "ghdl-llvm";
    const char *raw = pool_format(pool, "%s/raw", request.out);
    if (!folder_make(pool, request.out, message) || !folder_make(pool, raw, message))
        return EMIT_INPUT;
    const char *verilog = pool_format(pool, "%s/%s.v", raw, request.top);
    const char *vhdl = pool_format(pool, "%s/%s.vhdl", raw, request.top);
    const char *out = pool_format(pool, "%s/%s.v", request.out, request.top);
    unlink(out); // never leave an old one behind a refusal
    enum emit_result result = synthesise(pool, &request, "--out=verilog", verilog, message);
    if (result == EMIT_DONE)
        result = synthesise(pool, &request, "--out=vhdl", vhdl, message);
    size_t modules = 0;
    if (result == EMIT_DONE)
        result = emit_texts(pool, verilog, vhdl, out, counts, &modules, message);
    if (result == EMIT_DONE && !write_report(pool, &request, counts, modules, message))
        result = EMIT_INPUT;
    return result;
}
