// SPDX-License-Identifier: Apache-2.0
#define _XOPEN_SOURCE 700 // realpath
// The routed bitstream of a package: tools/vivado does it, here is what it needs of the variant.
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bitstream/bitstream.h"
#include "tools/build/emit.h"
#include "tools/build/package.h"

static enum package_result complain(enum package_result result, const char *what)
{
    fprintf(stderr, "sevencast-build: %s: %s\n", what, strerror(errno));
    return result;
}

// The absolute folder that script, logs and reports go to.
static int work_folder(const struct package_request *r, char work[PACKAGE_PATH_MAX])
{
    char path[PACKAGE_PATH_MAX];
    int n = r->vivado->work
                ? snprintf(path, sizeof path, "%s", r->vivado->work)
                : snprintf(path, sizeof path, "%s/.%s.vivado", r->out, r->variant->name);
    if (n < 0 || n >= PACKAGE_PATH_MAX || (mkdir(path, 0755) != 0 && errno != EEXIST))
        return -1;
    char *found = realpath(path, NULL);
    if (!found || strlen(found) >= PACKAGE_PATH_MAX - 32) {
        free(found);
        return -1;
    }
    snprintf(work, PACKAGE_PATH_MAX, "%s", found);
    free(found);
    return 0;
}

// The body that synthesises, and register 1 says that this is a board.
static int write_vhdl(const struct package_request *r, const char *path)
{
    FILE *out = fopen(path, "w");
    int bad = !out || emit_package(out, r->plan, r->variant, EMIT_BOARD, 0) != 0;
    if (out && fclose(out) != 0)
        bad = 1;
    return bad ? -1 : 0;
}

static enum package_result copy_bitstream(const char *from, const char *to)
{
    char why[256];
    size_t n;
    uint8_t *bit = bitstream_load(from, &n, why, sizeof why);
    FILE *out = bit ? fopen(to, "wb") : NULL;
    int bad = !out || fwrite(bit, 1, n, out) != n;
    if (out && fclose(out) != 0)
        bad = 1;
    free(bit);
    return bad ? complain(PACKAGE_FILES, to) : PACKAGE_OK;
}

static enum package_result refused(const struct vivado_result *result)
{
    fprintf(stderr, "sevencast-build: vivado: %s\n", result->why);
    if (result->outcome == VIVADO_USAGE)
        return PACKAGE_USAGE;
    if (result->outcome == VIVADO_FILES)
        return PACKAGE_FILES;
    return result->outcome == VIVADO_TIMING ? PACKAGE_TIMING : PACKAGE_VIVADO;
}

enum package_result silicon_build(const struct package_request *r, const char *path,
                                  json_t **implementation)
{
    char work[PACKAGE_PATH_MAX], vhdl[PACKAGE_PATH_MAX];
    struct vivado_result result;
    *implementation = NULL;
    if (!vivado_present(r->vivado->program)) {
        fprintf(stderr,
                "sevencast-build: Vivado (%s) is absent; the bitstream is a virtual one, nothing "
                "was routed\n",
                r->vivado->program);
        return PACKAGE_OK;
    }
    if (work_folder(r, work) != 0)
        return complain(PACKAGE_FILES, r->vivado->work ? r->vivado->work : r->out);
    snprintf(vhdl, sizeof vhdl, "%.990s/variant_pkg.vhd", work);
    if (write_vhdl(r, vhdl) != 0)
        return complain(PACKAGE_FILES, vhdl);
    const struct vivado_request request = {
        r->vivado, work, r->rtl, vhdl, r->variant->name, r->variant->hash, BUILD_CLOCK_HZ};
    if (vivado_implement(&request, &result) != VIVADO_OK)
        return refused(&result);
    if (result.timing_failure_allowed)
        fprintf(stderr,
                "sevencast-build: warning: timing is not met (worst setup slack %ld ps); packaged "
                "all the same\n",
                result.figures.setup_slack_ps);
    *implementation = vivado_json(&result);
    if (!*implementation)
        return complain(PACKAGE_FILES, "build.json");
    return copy_bitstream(result.bitstream, path);
}
