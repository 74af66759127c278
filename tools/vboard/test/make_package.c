// SPDX-License-Identifier: Apache-2.0
// make-test-package: writes a package of a random variant for tests of the virtual board and of the
// daemon, without RTL: the three variant files, NAME.bit (virtual), golden.json, build.json. The
// cycle count and clock in build.json are those of the command line and mean nothing.
#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bitstream/bitstream.h"
#include "tools/model/model_random.h"
#include "tools/model/variant.h"

enum { GOLDEN_WINDOWS = 4, TEST_CYCLES = 12345, TEST_CLOCK_HZ = 100000000 };

static int fail(const char *what)
{
    fprintf(stderr, "make-test-package: %s\n", what);
    return 1;
}

static int write_file(const char *path, const void *data, size_t n)
{
    FILE *f = fopen(path, "wb");
    if (!f)
        return -1;
    int bad = fwrite(data, 1, n, f) != n;
    return fclose(f) || bad ? -1 : 0;
}

static int write_bitstream(const struct variant *v, const char *dir, char sha_hex[65])
{
    char path[1100];
    struct virtual_mark mark;
    uint8_t sha[crypto_hash_sha256_BYTES];
    size_t n;
    memset(&mark, 0, sizeof mark);
    memcpy(mark.hash, v->hash, sizeof mark.hash);
    snprintf(mark.variant, sizeof mark.variant, "%s", v->name);
    uint8_t *bit = bitstream_make_virtual(device_part_by_name("xc7s15"), &mark, &n);
    if (!bit)
        return -1;
    crypto_hash_sha256(sha, bit, n);
    variant_hex(sha, sizeof sha, sha_hex);
    snprintf(path, sizeof path, "%s/%s.bit", dir, v->name);
    int bad = write_file(path, bit, n);
    free(bit);
    return bad;
}

static int write_build(const struct variant *v, const char *dir, const char *sha_hex)
{
    char path[1100], file[80];
    snprintf(path, sizeof path, "%s/build.json", dir);
    snprintf(file, sizeof file, "%s.bit", v->name);
    json_t *o = json_pack("{s:s, s:s, s:{s:s, s:s, s:s}, s:s, s:i, s:i, s:{s:s}}", "variant",
                          v->name, "hash", v->hash_hex, "bitstream", "file", file, "part", "xc7s15",
                          "sha256", sha_hex, "origin", "virtual", "cycles", (int)TEST_CYCLES,
                          "clock_hz", (int)TEST_CLOCK_HZ, "tools", "test", "make-test-package");
    int bad = !o || json_dump_file(o, path, JSON_INDENT(2));
    json_decref(o);
    return bad;
}

static int write_golden(const struct variant *v, const char *dir)
{
    const struct model_shape *s = &v->model->shape;
    char path[1100];
    struct model_rng rng = {.state = 7};
    struct model_trace *trace = model_trace_new(s);
    json_t *windows = json_array();
    if (!trace)
        return -1;
    for (int w = 0; w < GOLDEN_WINDOWS; w++) {
        int8_t x[MODEL_MAX_WINDOW * MODEL_MAX_FEATURES];
        json_t *codes = json_array(), *results = json_array();
        model_random_window(&rng, v->model, x);
        model_run(v->model, x, trace);
        for (int i = 0; i < s->window * s->features; i++)
            json_array_append_new(codes, json_integer(x[i]));
        for (int i = 0; i < s->outputs; i++)
            json_array_append_new(results, json_integer(model_trace_get(trace, MODEL_Y, 0)[i]));
        json_array_append_new(windows, json_pack("{s:o, s:o}", "x", codes, "y", results));
    }
    model_trace_free(trace);
    snprintf(path, sizeof path, "%s/golden.json", dir);
    json_t *o =
        json_pack("{s:s, s:s, s:o}", "variant", v->name, "hash", v->hash_hex, "windows", windows);
    int bad = !o || json_dump_file(o, path, JSON_COMPACT);
    json_decref(o);
    return bad;
}

int main(int argc, char **argv)
{
    char why[400], dir[1000], sha_hex[65];
    if (argc != 4) {
        fprintf(stderr, "usage: make-test-package DIR NAME SEED\n");
        return 2;
    }
    struct model_random_options o = {.seed = strtoull(argv[3], NULL, 10),
                                     .shape = {.window = 24,
                                               .features = 1,
                                               .d_model = 16,
                                               .heads = 1,
                                               .d_ff = 32,
                                               .layers = 1,
                                               .outputs = 1},
                                     .bits = 0};
    if (sodium_init() < 0)
        return fail("sodium");
    struct variant *v = model_random_variant(&o, why, sizeof why);
    if (!v)
        return fail(why);
    snprintf(v->name, sizeof v->name, "%s", argv[2]);
    snprintf(dir, sizeof dir, "%s/%s", argv[1], argv[2]);
    mkdir(argv[1], 0755);
    if (variant_save(v, dir, why, sizeof why))
        return fail(why);
    if (write_bitstream(v, dir, sha_hex) || write_build(v, dir, sha_hex) || write_golden(v, dir))
        return fail("cannot write the package");
    variant_free(v);
    return 0;
}
