// SPDX-License-Identifier: Apache-2.0
#define _XOPEN_SOURCE 700 // realpath
// sevencast-build: from a variant to everything a board, or a simulated one, needs of it.
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/build/emit.h"
#include "tools/build/package.h"
#include "tools/build/plan.h"

static const char usage_text[] =
    "usage: sevencast-build VARIANT_DIR --out DIR [--rtl DIR] [--vboard-sim DIR] [--no-sim]\n"
    "       sevencast-build VARIANT_DIR --listing\n"
    "Makes the package DIR/NAME of a variant: VHDL package, simulated board, bitstream, golden\n"
    "windows.\n"
    "  --out DIR         folder of packages\n"
    "  --rtl DIR         VHDL sources (default: share/sevencast/rtl beside this program)\n"
    "  --vboard-sim DIR  the virtual board's bench (default: share/sevencast/sim)\n"
    "  --no-sim          no simulation; the cycle count is the planned one\n"
    "  --listing         print the pass program and where its cycles go, make nothing\n"
    "  --vhdl FILE       write only the VHDL package into FILE\n"
    "  --synthesis       with --vhdl: for synthesis, not for simulation\n"
    "  --vivado          make a routed bitstream with Vivado; a virtual one where Vivado is "
    "absent\n"
    "  --part PART       with --vivado: default xc7s15ftgb196-1\n"
    "  --pins FILE       with --vivado: the board's PORT=SITE lines (default: the generic ones)\n"
    "  --vivado-program PROGRAM   default vivado, from PATH\n"
    "  --vivado-dir DIR           script, logs and reports (default OUT/.NAME.vivado); stays\n"
    "  --vivado-timeout SECONDS   default 3600\n"
    "  --allow-timing-failure     package a bitstream that is too slow; build.json says so\n"
    "Exit status: 0 made, 2 usage, 3 bad variant, 4 beyond the engine's limits, 5 GHDL missing or\n"
    "failing, 6 files, 7 the RTL does not agree with the model, 8 Vivado failed, 9 timing not "
    "met.\n";

struct options {
    const char *variant, *out;
    char rtl[PACKAGE_PATH_MAX], vboard_sim[PACKAGE_PATH_MAX];
    int listing, simulate, synthesis;
    const char *vhdl;
    int use_vivado;
    struct vivado_options vivado;
};

// share/sevencast/WHAT beside the bin/ of this program; absolute, as tools run elsewhere.
static void beside_program(char *path, const char *what)
{
    char self[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    path[0] = '\0';
    if (n < 0)
        return;
    self[n] = '\0';
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(self, '/');
        if (slash)
            *slash = '\0';
    }
    snprintf(path, PACKAGE_PATH_MAX, "%.900s/share/sevencast/%s", self, what);
}

static int absolute(char *path, const char *given)
{
    char *found = realpath(given, NULL);
    if (!found || strlen(found) >= PACKAGE_PATH_MAX) {
        free(found);
        fprintf(stderr, "sevencast-build: %s: no such folder\n", given);
        return -1;
    }
    snprintf(path, PACKAGE_PATH_MAX, "%s", found);
    free(found);
    return 0;
}

static int take_seconds(const char *text, int *seconds)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || *end || value < 1 || value > 7 * 86400) {
        fprintf(stderr, "sevencast-build: --vivado-timeout %s: not in 1..604800 seconds\n", text);
        return -1;
    }
    *seconds = (int)value;
    return 0;
}

static int parse(struct options *o, int argc, char **argv)
{
    enum {
        OUT = 256,
        RTL,
        SIM,
        NO_SIM,
        LISTING,
        VHDL,
        SYNTHESIS,
        VIVADO,
        PART,
        PINS,
        PROGRAM,
        VIVADO_DIR,
        VIVADO_TIME,
        ALLOW_TIMING
    };
    static const struct option longs[] = {
        {"out", required_argument, NULL, OUT},
        {"rtl", required_argument, NULL, RTL},
        {"vboard-sim", required_argument, NULL, SIM},
        {"no-sim", no_argument, NULL, NO_SIM},
        {"listing", no_argument, NULL, LISTING},
        {"vivado", no_argument, NULL, VIVADO},
        {"part", required_argument, NULL, PART},
        {"pins", required_argument, NULL, PINS},
        {"vivado-program", required_argument, NULL, PROGRAM},
        {"vivado-dir", required_argument, NULL, VIVADO_DIR},
        {"vivado-timeout", required_argument, NULL, VIVADO_TIME},
        {"allow-timing-failure", no_argument, NULL, ALLOW_TIMING},
        {"vhdl", required_argument, NULL, VHDL},
        {"synthesis", no_argument, NULL, SYNTHESIS},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    beside_program(o->rtl, "rtl");
    beside_program(o->vboard_sim, "sim");
    o->simulate = 1;
    vivado_options_init(&o->vivado);
    for (int c; (c = getopt_long(argc, argv, "h", longs, NULL)) != -1;)
        switch (c) {
        case OUT:
            o->out = optarg;
            break;
        case RTL:
            if (absolute(o->rtl, optarg) != 0)
                return -1;
            break;
        case SIM:
            if (absolute(o->vboard_sim, optarg) != 0)
                return -1;
            break;
        case NO_SIM:
            o->simulate = 0;
            break;
        case LISTING:
            o->listing = 1;
            break;
        case VHDL:
            o->vhdl = optarg;
            break;
        case SYNTHESIS:
            o->synthesis = 1;
            break;
        case VIVADO:
            o->use_vivado = 1;
            break;
        case PART:
            o->vivado.part = optarg;
            break;
        case PINS:
            o->vivado.pins = optarg;
            break;
        case PROGRAM:
            o->vivado.program = optarg;
            break;
        case VIVADO_DIR:
            o->vivado.work = optarg;
            break;
        case VIVADO_TIME:
            if (take_seconds(optarg, &o->vivado.timeout_s) != 0)
                return -1;
            break;
        case ALLOW_TIMING:
            o->vivado.allow_timing_failure = true;
            break;
        case 'h':
            fputs(usage_text, stdout);
            exit(PACKAGE_OK);
        case 'V':
            puts("sevencast-build " SEVENCAST_VERSION);
            exit(PACKAGE_OK);
        default:
            fputs(usage_text, stderr);
            return -1;
        }
    if (optind != argc - 1 || (!o->listing && !o->vhdl && !o->out)) {
        fputs(usage_text, stderr);
        return -1;
    }
    o->variant = argv[optind];
    return 0;
}

static enum package_result write_vhdl(const struct options *o, const struct plan *plan,
                                      const struct variant *v)
{
    FILE *out = fopen(o->vhdl, "w");
    int bad = !out || emit_package(out, plan, v, EMIT_VIRTUAL, !o->synthesis) != 0;
    if (out && fclose(out) != 0)
        bad = 1;
    if (bad)
        fprintf(stderr, "sevencast-build: %s: cannot be written\n", o->vhdl);
    return bad ? PACKAGE_FILES : PACKAGE_OK;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    struct hardware hw;
    struct plan *plan = NULL;
    char why[512];
    if (parse(&o, argc, argv) != 0)
        return PACKAGE_USAGE;
    if (sodium_init() < 0) {
        fprintf(stderr, "sevencast-build: libsodium does not start\n");
        return PACKAGE_FILES;
    }
    enum package_result result = PACKAGE_BAD_VARIANT;
    struct variant *v = variant_load(o.variant, why, sizeof why);
    if (!v)
        goto fail;
    if (hardware_choose(&hw, v->model, v->hardware, why, sizeof why) != 0)
        goto fail;
    result = PACKAGE_LIMIT;
    plan = plan_new(v->model, &hw, why, sizeof why);
    if (!plan)
        goto fail;
    if (o.listing) {
        plan_list(plan, stdout);
        result = PACKAGE_OK;
    } else if (o.vhdl) {
        result = write_vhdl(&o, plan, v);
    } else {
        const struct package_request request = {
            o.variant,  o.out, o.rtl, o.vboard_sim,
            o.simulate, v,     plan,  o.use_vivado ? &o.vivado : NULL};
        result = package_make(&request);
    }
    goto done;
fail:
    fprintf(stderr, "sevencast-build: %s\n", why);
done:
    plan_free(plan);
    variant_free(v);
    return result;
}
