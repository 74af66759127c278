// SPDX-License-Identifier: Apache-2.0
#include "tools/build/package.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bitstream/bitstream.h"
#include "tools/build/emit.h"

static const char part_name[] = "xc7s15";

static enum package_result file_error(const char *path)
{
    fprintf(stderr, "sevencast-build: %s: %s\n", path, strerror(errno));
    return PACKAGE_FILES;
}

static int join(char *path, const char *dir, const char *name)
{
    int n = snprintf(path, PACKAGE_PATH_MAX, "%s/%s", dir, name);
    return n < 0 || n >= PACKAGE_PATH_MAX ? -1 : 0;
}

static int write_bytes(const char *path, const void *data, size_t n)
{
    FILE *out = fopen(path, "wb");
    if (!out)
        return -1;
    int bad = fwrite(data, 1, n, out) != n;
    return fclose(out) != 0 || bad ? -1 : 0;
}

static enum package_result copy_file(const char *from_dir, const char *to_dir, const char *name)
{
    char from[PACKAGE_PATH_MAX], to[PACKAGE_PATH_MAX], buffer[16384];
    if (join(from, from_dir, name) != 0 || join(to, to_dir, name) != 0)
        return PACKAGE_FILES;
    FILE *in = fopen(from, "rb");
    if (!in)
        return file_error(from);
    FILE *out = fopen(to, "wb");
    size_t n;
    int bad = !out;
    while (!bad && (n = fread(buffer, 1, sizeof buffer, in)) > 0)
        bad = fwrite(buffer, 1, n, out) != n;
    bad = bad || ferror(in);
    fclose(in);
    if (out && fclose(out) != 0)
        bad = 1;
    return bad ? file_error(to) : PACKAGE_OK;
}

// Removes a folder of plain files.
static void remove_folder(const char *dir)
{
    char path[PACKAGE_PATH_MAX];
    DIR *d = opendir(dir);
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
            join(path, dir, e->d_name) == 0)
            unlink(path);
    closedir(d);
    rmdir(dir);
}

// What the tools leave behind is not part of the package.
static void remove_leftovers(const char *dir)
{
    static const char *const kept[] = {"manifest.json",
                                       "integers.json",
                                       "manifest.sha256",
                                       "variant_pkg.vhd",
                                       "golden.json",
                                       "build.json",
                                       "sim"};
    char path[PACKAGE_PATH_MAX];
    DIR *d = opendir(dir);
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));) {
        const char *dot = strrchr(e->d_name, '.');
        int keep = e->d_name[0] == '.' || (dot && strcmp(dot, ".bit") == 0);
        for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
            keep = keep || strcmp(e->d_name, kept[i]) == 0;
        if (!keep && join(path, dir, e->d_name) == 0)
            unlink(path);
    }
    closedir(d);
}

static enum package_result write_package_vhd(const struct package_request *r, const char *dir)
{
    char path[PACKAGE_PATH_MAX];
    if (join(path, dir, "variant_pkg.vhd") != 0)
        return PACKAGE_FILES;
    FILE *out = fopen(path, "w");
    int bad = !out || emit_package(out, r->plan, r->variant, EMIT_VIRTUAL, 1) != 0;
    if (out && fclose(out) != 0)
        bad = 1;
    return bad ? file_error(path) : PACKAGE_OK;
}

void golden_window(const struct variant *v, int index, int8_t *x)
{
    const struct model *m = v->model;
    int low = -(1 << (m->bits.x - 1)), high = (1 << (m->bits.x - 1)) - 1;
    uint64_t state = (uint64_t)index * 0x9e3779b97f4a7c15u;
    for (int i = 0; i < m->shape.window * m->shape.features; i++) {
        // xorshift64*, so that windows are the same everywhere
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        uint64_t random = (state * 0x2545f4914f6cdd1du) >> 33;
        const int fixed[] = {0, low, high, i % 2 ? low : high};
        x[i] =
            (int8_t)(index < 4 ? fixed[index] : low + (int)(random % (uint64_t)(high - low + 1)));
    }
}

static enum package_result write_golden(const struct package_request *r, const char *dir)
{
    const struct model *m = r->variant->model;
    char path[PACKAGE_PATH_MAX];
    int8_t x[MODEL_MAX_WINDOW * MODEL_MAX_FEATURES];
    struct model_trace *trace = model_trace_new(&m->shape);
    json_t *windows = json_array(), *all = NULL;
    int bad = !trace || !windows || join(path, dir, "golden.json") != 0;
    for (int w = 0; !bad && w < GOLDEN_WINDOWS; w++) {
        json_t *codes = json_array(), *results = json_array();
        golden_window(r->variant, w, x);
        model_run(m, x, trace);
        for (int i = 0; i < m->shape.window * m->shape.features; i++)
            json_array_append_new(codes, json_integer(x[i]));
        for (int i = 0; i < m->shape.outputs; i++)
            json_array_append_new(results, json_integer(model_trace_get(trace, MODEL_Y, 0)[i]));
        bad = json_array_append_new(windows, json_pack("{s:o,s:o}", "x", codes, "y", results));
    }
    if (!bad) {
        all = json_pack("{s:s,s:s,s:O}", "variant", r->variant->name, "hash", r->variant->hash_hex,
                        "windows", windows);
        bad = !all || json_dump_file(all, path, JSON_COMPACT) != 0;
    }
    model_trace_free(trace);
    json_decref(windows);
    json_decref(all);
    return bad ? file_error("golden.json") : PACKAGE_OK;
}

static enum package_result write_virtual(const struct package_request *r, const char *path)
{
    struct virtual_mark mark = {0};
    size_t n;
    memcpy(mark.hash, r->variant->hash, sizeof mark.hash);
    snprintf(mark.variant, sizeof mark.variant, "%s", r->variant->name);
    uint8_t *bit = bitstream_make_virtual(device_part_by_name(part_name), &mark, &n);
    int bad = !bit || write_bytes(path, bit, n) != 0;
    free(bit);
    return bad ? file_error(path) : PACKAGE_OK;
}

// A routed one where Vivado is wanted and there; *implementation is then what build.json says of
// it.
static enum package_result write_bitstream(const struct package_request *r, const char *dir,
                                           char sha_hex[2 * crypto_hash_sha256_BYTES + 1],
                                           json_t **implementation)
{
    char path[PACKAGE_PATH_MAX], name[VARIANT_NAME_MAX + 8], why[256];
    uint8_t sha[crypto_hash_sha256_BYTES];
    size_t n;
    enum package_result result = PACKAGE_OK;
    snprintf(name, sizeof name, "%s.bit", r->variant->name);
    if (join(path, dir, name) != 0)
        return file_error(name);
    if (r->vivado)
        result = silicon_build(r, path, implementation);
    if (result == PACKAGE_OK && !*implementation)
        result = write_virtual(r, path);
    if (result != PACKAGE_OK)
        return result;
    uint8_t *bit = bitstream_load(path, &n, why, sizeof why);
    if (!bit)
        return file_error(path);
    crypto_hash_sha256(sha, bit, n);
    free(bit);
    variant_hex(sha, sizeof sha, sha_hex);
    return PACKAGE_OK;
}

static enum package_result write_build(const struct package_request *r, const char *dir,
                                       const char *sha_hex, long cycles, json_t *implementation)
{
    const struct variant *v = r->variant;
    char path[PACKAGE_PATH_MAX], file[VARIANT_NAME_MAX + 8];
    snprintf(file, sizeof file, "%s.bit", v->name);
    const struct hardware *hw = &r->plan->hw;
    json_t *o =
        json_pack("{s:s, s:s, s:{s:s, s:s, s:s}, s:s, s:I, s:s, s:I, s:i, s:{s:i, s:i, s:i, s:i, "
                  "s:i, s:i, s:i},"
                  " s:{s:s, s:s}}",
                  "variant", v->name, "hash", v->hash_hex, "bitstream", "file", file, "part",
                  part_name, "sha256", sha_hex, "origin", implementation ? "board" : "virtual",
                  "cycles", (json_int_t)cycles, "cycles_from", r->simulate ? "rtl" : "plan", "macs",
                  (json_int_t)r->plan->macs, "clock_hz", BUILD_CLOCK_HZ, "hardware", "tokens",
                  hw->tokens, "outputs", hw->outputs, "terms", hw->terms, "chains", r->plan->chains,
                  "requantisers", hw->requantisers, "requantiser_dsps", hw->requantiser_dsps,
                  "softmax_lanes", hw->softmax_lanes, "tools", "sevencast-build", SEVENCAST_VERSION,
                  "simulator", r->simulate ? "ghdl-llvm" : "none");
    if (implementation && o && json_object_set(o, "implementation", implementation) != 0)
        return file_error("build.json");
    int bad = !o || join(path, dir, "build.json") != 0 || json_dump_file(o, path, JSON_INDENT(2));
    json_decref(o);
    return bad ? file_error("build.json") : PACKAGE_OK;
}

static enum package_result fill(const struct package_request *r, const char *dir)
{
    static const char *const copied[] = {"manifest.json", "integers.json", "manifest.sha256"};
    char sha_hex[2 * crypto_hash_sha256_BYTES + 1];
    long cycles = r->plan->cycles;
    json_t *implementation = NULL;
    enum package_result result = PACKAGE_OK;
    for (size_t i = 0; result == PACKAGE_OK && i < sizeof copied / sizeof copied[0]; i++)
        result = copy_file(r->variant_dir, dir, copied[i]);
    if (result == PACKAGE_OK)
        result = write_package_vhd(r, dir);
    if (result == PACKAGE_OK)
        result = write_golden(r, dir);
    if (result == PACKAGE_OK && r->simulate)
        result = simulate_build(r, dir, &cycles);
    // After the simulation: what does not compute is not worth hours of routing.
    if (result == PACKAGE_OK)
        result = write_bitstream(r, dir, sha_hex, &implementation);
    if (result == PACKAGE_OK)
        result = write_build(r, dir, sha_hex, cycles, implementation);
    json_decref(implementation);
    return result;
}

// Puts the finished folder in place of an older one.
static enum package_result replace(const char *made, const char *place)
{
    char old[PACKAGE_PATH_MAX];
    if (snprintf(old, sizeof old, "%s.old", made) >= PACKAGE_PATH_MAX)
        return PACKAGE_FILES;
    int existed = rename(place, old) == 0;
    if (rename(made, place) != 0) {
        enum package_result result = file_error(place);
        if (existed && rename(old, place) != 0)
            return file_error(old);
        return result;
    }
    if (existed)
        remove_folder(old);
    return PACKAGE_OK;
}

enum package_result package_make(const struct package_request *r)
{
    char temporary[PACKAGE_PATH_MAX], place[PACKAGE_PATH_MAX];
    if (mkdir(r->out, 0755) != 0 && errno != EEXIST)
        return file_error(r->out);
    if (snprintf(temporary, sizeof temporary, "%s/.%s.XXXXXX", r->out, r->variant->name) >=
            PACKAGE_PATH_MAX ||
        join(place, r->out, r->variant->name) != 0)
        return PACKAGE_FILES;
    if (!mkdtemp(temporary) || chmod(temporary, 0755) != 0)
        return file_error(temporary);
    enum package_result result = fill(r, temporary);
    if (result == PACKAGE_OK) {
        remove_leftovers(temporary);
        result = replace(temporary, place);
    }
    if (result != PACKAGE_OK)
        remove_folder(temporary);
    return result;
}
