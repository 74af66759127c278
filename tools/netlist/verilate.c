// SPDX-License-Identifier: Apache-2.0
#include "tools/netlist/verilate.h"

#include "tools/netlist/files.h"
#include "tools/netlist/gate.h"
#include "tools/netlist/lex.h"
#include "tools/netlist/run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUILD_TIMEOUT_NS (1800 * UINT64_C(1000000000))

const char *share_folder(struct pool *pool, const char *what)
{
    char self[1024];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n <= 0)
        return NULL;
    self[n] = 0;
    for (int i = 0; i < 2; i++) { // the program's name, then bin
        char *slash = strrchr(self, '/');
        if (!slash)
            return NULL;
        *slash = 0;
    }
    return pool_format(pool, "%s/share/sevencast/%s", self, what);
}

// The word behind `constant NAME : TYPE :=` in the variant's package.
static const struct word *constant_value(const struct words *words, const char *name)
{
    for (size_t i = 0; i + 6 < words->count; i++)
        if (strcmp(words->word[i].text, "constant") == 0 &&
            strcmp(words->word[i + 1].text, name) == 0 &&
            strcmp(words->word[i + 4].text, ":=") == 0)
            return &words->word[i + 5];
    return NULL;
}

static bool variant_words(struct pool *pool, const char *path, const char **text, size_t *length,
                          struct words *words, const char **message)
{
    *text = file_read(pool, path, length, message);
    return *text && lex(pool, LANGUAGE_VHDL, path, *text, *length, words, message);
}

// Copies text into out up to the constant's value, says false there; returns what is left, or NULL.
static const char *put_false(FILE *out, const char *text, const struct words *words,
                             const char *constant)
{
    const struct word *value = constant_value(words, constant);
    const char *name = strstr(text, constant),
               *at = value && name ? strstr(name, value->text) : NULL;
    if (!at)
        return NULL;
    fwrite(text, 1, (size_t)(at - text), out);
    fputs("false", out);
    return at + strlen(value->text);
}

// The variant's package with fast_c false, and fast_tile_c too unless fast_tile.
static bool write_synthesised(struct pool *pool, const char *from, const char *to, bool fast_tile,
                              const char **message)
{
    const char *text;
    size_t length;
    struct words words;
    if (!variant_words(pool, from, &text, &length, &words, message))
        return false;
    FILE *out = fopen(to, "w");
    if (!out) {
        *message = pool_format(pool, "%s: cannot be written: %s", to, strerror(errno));
        return false;
    }
    text = put_false(out, text, &words, "fast_c");
    if (text && !fast_tile)
        text = put_false(out, text, &words, "fast_tile_c");
    bool written = text && fputs(text, out) >= 0;
    if (fclose(out) != 0 || !written) {
        *message = text ? pool_format(pool, "%s: cannot be written", to)
                        : pool_format(pool, "%s: no constants fast_c and fast_tile_c", from);
        return false;
    }
    return true;
}

static bool append_list(struct pool *pool, const char *rtl, const char *list, const char ***files,
                        size_t *count, const char **message)
{
    size_t listed;
    const char **more =
        file_list(pool, pool_format(pool, "%s/%s", rtl, list), rtl, &listed, message);
    for (size_t i = 0; more && i < listed; i++) {
        *files = pool_grow(pool, *files, *count, sizeof **files);
        (*files)[(*count)++] = more[i];
    }
    return more != NULL;
}

enum emit_result emit_package(struct pool *pool, const struct design *design, const char *top,
                              struct repair_counts *counts, const char **message)
{
    const char *out = pool_format(pool, "%s/netlist", design->package);
    const char *variant = pool_format(pool, "%s/variant_pkg.vhd", design->package);
    const char *synthesised = pool_format(pool, "%s/variant_pkg.vhd", out);
    const char **files = NULL;
    size_t count = 0;
    if (!folder_make(pool, out, message) ||
        !write_synthesised(pool, variant, synthesised, design->fast_tile, message) ||
        !append_list(pool, design->rtl, "core/packages.f", &files, &count, message))
        return EMIT_INPUT;
    files = pool_grow(pool, files, count, sizeof *files);
    files[count++] = synthesised;
    if (!append_list(pool, design->rtl, "core/files.f", &files, &count, message) ||
        !append_list(pool, design->rtl, "sys/files.f", &files, &count, message))
        return EMIT_INPUT;
    struct emit_request request = {
        .top = top, .files = files, .file_count = count, .out = out, .ghdl = design->ghdl};
    return emit(pool, &request, counts, message);
}

static const char *clock_option(struct pool *pool, const struct design *design,
                                const char **message)
{
    const char *path = pool_format(pool, "%s/variant_pkg.vhd", design->package), *text;
    size_t length;
    struct words words;
    if (!variant_words(pool, path, &text, &length, &words, message))
        return NULL;
    const struct word *clock = constant_value(&words, "clock_hz_c");
    if (!clock || clock->kind != WORD_NUMBER) {
        *message = pool_format(pool, "%s: no constant clock_hz_c", path);
        return NULL;
    }
    // Underscores may stand in VHDL's numbers.
    char digits[32];
    size_t used = 0;
    for (const char *c = clock->text; *c && used + 1 < sizeof digits; c++)
        if (*c != '_')
            digits[used++] = *c;
    digits[used] = 0;
    return pool_format(pool, "-DCLOCK_HZ=%s", digits);
}

enum emit_result verilate(struct pool *pool, const struct design *given, const char *sim,
                          struct repair_counts *counts, const char **message)
{
    struct design fast = *given;
    fast.fast_tile = true;
    const struct design *design = &fast;
    enum emit_result result = emit_package(pool, design, "top", counts, message);
    if (result != EMIT_DONE)
        return result;
    const char *flags = clock_option(pool, design, message);
    if (!flags)
        return EMIT_INPUT;
    sim = path_absolute(pool, sim);
    const char *folder = pool_format(pool, "%s/netlist", path_absolute(pool, design->package));
    const char *program = pool_format(pool, "%s/../sim-verilator", folder);
    if (!gate_netlist(pool, pool_format(pool, "%s/top.v", folder),
                      pool_format(pool, "%s/top.gated.v", folder), message))
        return EMIT_INPUT;
    unlink(program);
    const char *argv[] = {"verilator",
                          "--cc",
                          "--exe",
                          "--build",
                          "-O3",
                          "--x-assign", // x is what cannot be reached
                          "fast",
                          "--x-initial",
                          "fast",
                          "-Wno-lint", // a netlist has no style
                          "-Wno-style",
                          "-Wno-fatal",
                          "--top-module",
                          "top",
                          "--Mdir",
                          "verilator",
                          "-CFLAGS",
                          flags,
                          "-MAKEFLAGS", // Verilator's own default is -Os, half as fast
                          "OPT_FAST=-O2 OPT_SLOW=-O1 OPT_GLOBAL=-O2",
                          "-LDFLAGS",
                          pool_format(pool, "%s/libvboard_sim_host.a", sim),
                          "-o",
                          program,
                          "top.gated.v",
                          pool_format(pool, "%s/sim_verilator.cpp", sim),
                          NULL};
    const char *log = pool_format(pool, "%s/verilator.log", folder);
    int status = run_tool(argv, folder, log, log, BUILD_TIMEOUT_NS);
    if (status == RUN_NOT_FOUND) {
        *message = "verilator is not installed";
        return EMIT_NO_TOOL;
    }
    if (status != 0 || access(program, X_OK) != 0) {
        *message = pool_format(pool, "verilator %s; see %s",
                               status == RUN_TIMED_OUT ? "took too long" : "failed", log);
        return EMIT_INPUT;
    }
    return EMIT_DONE;
}
