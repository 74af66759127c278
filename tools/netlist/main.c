// SPDX-License-Identifier: Apache-2.0
#include "tools/netlist/count.h"
#include "tools/netlist/emit.h"
#include "tools/netlist/files.h"
#include "tools/netlist/lint.h"
#include "tools/netlist/options.h"
#include "tools/netlist/verilate.h"

#include <stdio.h>
#include <string.h>

enum { EXIT_USE = 2 };

static int complain(const char *message, int status)
{
    fprintf(stderr, "sevencast-netlist: %s\n", message);
    return status;
}

static void say_counts(const struct repair_counts *counts)
{
    printf(
        "repaired: %zu case defaults, %zu text constants, %zu signed shifts, %zu signed products, "
        "%zu signed quotients, %zu VHDL texts, %zu initial values, %zu loop registers, %zu doubled "
        "names\n",
        counts->case_defaults, counts->text_constants, counts->signed_shifts,
        counts->signed_products, counts->signed_quotients, counts->foreign_texts,
        counts->initial_values, counts->loop_registers, counts->merged_names);
}

// The files of the analysis: those on the command line, then the list's.
static bool collect_files(struct pool *pool, const struct options *o, struct emit_request *request,
                          const char **message)
{
    const char **files = o->rest;
    size_t count = o->rest_count;
    if (o->files) {
        const char *slash = strrchr(o->files, '/');
        const char *root = o->root ? o->root
                           : slash ? pool_intern(pool, o->files, (size_t)(slash - o->files))
                                   : ".";
        size_t listed;
        const char **list = file_list(pool, o->files, root, &listed, message);
        if (!list)
            return false;
        for (size_t i = 0; i < listed; i++) {
            files = pool_grow(pool, files, count, sizeof *files);
            files[count++] = list[i];
        }
    }
    request->files = files;
    request->file_count = count;
    return true;
}

static int run_emit(struct pool *pool, const struct options *o)
{
    struct emit_request request = {.top = o->top,
                                   .generics = o->generics,
                                   .generic_count = o->generic_count,
                                   .out = o->out,
                                   .ghdl = o->ghdl};
    struct repair_counts counts = {0};
    const char *message = NULL;
    if (!collect_files(pool, o, &request, &message))
        return complain(message, EXIT_USE);
    enum emit_result result = emit(pool, &request, &counts, &message);
    if (result != EMIT_DONE)
        return complain(message, result);
    say_counts(&counts);
    return 0;
}

static int run_repair(struct pool *pool, const struct options *o)
{
    struct repair_counts counts = {0};
    size_t modules;
    const char *message = NULL;
    enum emit_result result =
        emit_texts(pool, o->rest[0], o->rest[1], o->rest[2], &counts, &modules, &message);
    if (result != EMIT_DONE)
        return complain(message, result);
    say_counts(&counts);
    return 0;
}

static int run_lint(struct pool *pool, const struct options *o)
{
    size_t count = 0, allowed = 0;
    for (size_t i = 0; i < o->rest_count; i++) {
        const char *message = NULL;
        size_t length;
        const char *text = file_read(pool, o->rest[i], &length, &message);
        struct findings findings;
        if (!text || !lint_text(pool, o->rest[i], text, length, &findings, &message))
            return complain(message, EXIT_USE);
        for (size_t k = 0; k < findings.count; k++)
            printf("%s:%u: %s: %s\n", o->rest[i], findings.list[k].line,
                   findings.list[k].rule->name, findings.list[k].rule->why);
        count += findings.count;
        allowed += findings.allowed;
    }
    printf("lint: %zu files, %zu findings, %zu allowed\n", o->rest_count, count, allowed);
    return count ? 1 : 0;
}

static int run_count(struct pool *pool, const struct options *o)
{
    struct count_request request = {.folder = o->rest[0],
                                    .top = o->top,
                                    .module = o->module,
                                    .part = o->part,
                                    .by_module = o->by_module,
                                    .abc9 = o->abc9,
                                    .cache = o->cache};
    struct counts *found = NULL;
    const char *message = NULL;
    int status = count_resources(pool, &request, &found, &message);
    if (status != 0)
        complain(message, status);
    else
        status = count_print(stdout, found, o->json) ? 0 : 1;
    counts_free(found);
    return status;
}

// package and verilate
static int run_package(struct pool *pool, const struct options *o)
{
    struct design design = {
        .package = o->rest[0], .rtl = o->rtl ? o->rtl : share_folder(pool, "rtl"), .ghdl = o->ghdl};
    const char *sim = o->sim ? o->sim : share_folder(pool, "sim");
    struct repair_counts counts = {0};
    const char *message = NULL;
    if (!design.rtl || !sim)
        return complain("cannot tell where this program is; give --rtl and --vboard-sim", EXIT_USE);
    enum emit_result result =
        o->command == COMMAND_VERILATE
            ? verilate(pool, &design, sim, &counts, &message)
            : emit_package(pool, &design, o->top ? o->top : "top", &counts, &message);
    if (result != EMIT_DONE)
        return complain(message, result);
    say_counts(&counts);
    return 0;
}

int main(int argc, char *argv[])
{
    struct pool pool;
    pool_init(&pool);
    struct options options;
    const char *message;
    int status = 0;
    if (!options_read(&pool, argc, argv, &options, &message)) {
        status = complain(pool_format(&pool, "%s; try --help", message), EXIT_USE);
    } else {
        switch (options.command) {
        case COMMAND_HELP:
            fputs(options_help, stdout);
            break;
        case COMMAND_EMIT:
            status = run_emit(&pool, &options);
            break;
        case COMMAND_REPAIR:
            status = run_repair(&pool, &options);
            break;
        case COMMAND_LINT:
            status = run_lint(&pool, &options);
            break;
        case COMMAND_COUNT:
            status = run_count(&pool, &options);
            break;
        case COMMAND_VERILATE:
        case COMMAND_PACKAGE:
            status = run_package(&pool, &options);
            break;
        }
    }
    pool_fini(&pool);
    if (fflush(stdout) != 0 && status == 0)
        status = complain("cannot write to standard output", EXIT_USE);
    return status;
}
