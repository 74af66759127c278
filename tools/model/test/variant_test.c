// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/random.h"
#include "tools/model/model_random.h"
#include "tools/model/variant_text.h"

static char dir[] = "/tmp/sevencast-variant-XXXXXX";

static char *slurp(const char *name, size_t *n)
{
    char path[256];
    char *text = calloc(1, VARIANT_INTEGERS_MAX_BYTES + 1);
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "rb");
    assert_non_null(f);
    assert_non_null(text);
    *n = fread(text, 1, VARIANT_INTEGERS_MAX_BYTES, f);
    fclose(f);
    return text;
}

static void test_save_load_save(void **state)
{
    static const char *const files[] = {"manifest.json", "integers.json", "manifest.sha256"};
    char why[MODEL_WHY_MAX];

    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct model_random_options o = {.seed = seed, .extreme = seed % 2};
        o.shape.form = seed > 20 ? MODEL_COLLAPSED : MODEL_ENCODER;
        struct variant *v = model_random_variant(&o, why, sizeof why), *again;
        char *before[3], *after[3];
        size_t before_n[3], after_n[3];
        assert_non_null(v);
        v->feature[0].offset = 0.1 + 1.0 / 3;
        v->x_scale = 1.0 / 37;
        v->metrics = json_pack("{s:f,s:[i,i]}", "zeta", 1e-300, "alpha", 1, 2);
        if (variant_save(v, dir, why, sizeof why) < 0)
            fail_msg("%s", why);
        for (int i = 0; i < 3; i++)
            before[i] = slurp(files[i], &before_n[i]);
        again = variant_load(dir, why, sizeof why);
        if (again == NULL)
            fail_msg("%s", why);
        assert_string_equal(v->hash_hex, again->hash_hex);
        assert_true(again->feature[0].offset == v->feature[0].offset);
        assert_true(again->x_scale == v->x_scale);
        assert_int_equal(variant_save(again, dir, why, sizeof why), 0);
        for (int i = 0; i < 3; i++) {
            after[i] = slurp(files[i], &after_n[i]);
            assert_int_equal(before_n[i], after_n[i]);
            assert_memory_equal(before[i], after[i], after_n[i]);
            free(before[i]);
            free(after[i]);
        }
        variant_free(v);
        variant_free(again);
    }
}

// A small variant with known texts, saved into dir.
static struct variant *saved_form(enum model_form form)
{
    const int one = form == MODEL_COLLAPSED;
    struct model_random_options o = {.seed = 42,
                                     .shape = {.window = 3,
                                               .features = 2,
                                               .d_model = 4,
                                               .heads = one ? 1 : 2,
                                               .d_ff = 5,
                                               .layers = one ? 1 : 2,
                                               .outputs = 1,
                                               .form = form},
                                     .bits = 4,
                                     .y_bits = 12};
    char why[MODEL_WHY_MAX];
    struct variant *v = model_random_variant(&o, why, sizeof why);

    if (v == NULL || variant_save(v, dir, why, sizeof why) < 0)
        fail_msg("%s", why);
    return v;
}

static struct variant *saved_variant(void)
{
    return saved_form(MODEL_ENCODER);
}

static void spit(const char *name, const char *text, size_t n)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", dir, name);
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    fclose(f);
}

// Brings the hashes of manifest.json and manifest.sha256 up to date with the files beside them.
static void rehash(void)
{
    uint8_t hash[VARIANT_HASH_BYTES];
    char hex[VARIANT_HASH_HEX + 1], line[128];
    size_t n;
    char *text = slurp("integers.json", &n);
    char *manifest, *at;

    variant_sha256(text, n, hash);
    variant_hex(hash, sizeof hash, hex);
    free(text);
    manifest = slurp("manifest.json", &n);
    at = strstr(manifest, "\"sha256\": \"");
    if (at != NULL && strlen(at) > 11 + VARIANT_HASH_HEX)
        memcpy(at + 11, hex, VARIANT_HASH_HEX);
    spit("manifest.json", manifest, n);
    variant_sha256(manifest, n, hash);
    variant_hex(hash, sizeof hash, hex);
    free(manifest);
    snprintf(line, sizeof line, "%s  manifest.json\n", hex);
    spit("manifest.sha256", line, strlen(line));
}

static void expect_refusal(const char *expected)
{
    char why[MODEL_WHY_MAX * 2] = "it was accepted";
    struct variant *v = variant_load(dir, why, sizeof why);

    if (v != NULL || strncmp(why, expected, strlen(expected)) != 0)
        fail_msg("expected \"%s\", got \"%s\"", expected, why);
}

enum edit { TEXT, NUMBER }; // put in place of the found text, or of the number that follows it

static void change(const char *file, enum edit edit, const char *find, const char *put)
{
    size_t n;
    char *text = slurp(file, &n);
    char *at = strstr(text, find);
    char *changed = calloc(1, n + strlen(put) + 1);
    size_t keep, skip;

    assert_non_null(changed);
    if (at == NULL)
        fail_msg("%s has no %s", file, find);
    keep = (size_t)(at - text) + (edit == NUMBER ? strlen(find) : 0);
    skip = edit == NUMBER ? strspn(text + keep, "-0123456789.e") : strlen(find);
    memcpy(changed, text, keep);
    memcpy(changed + keep, put, strlen(put));
    memcpy(changed + keep + strlen(put), text + keep + skip, n - keep - skip);
    spit(file, changed, n - skip + strlen(put));
    free(text);
    free(changed);
}

static void test_tampered_fields(void **state)
{
    static const struct {
        const char *file;
        enum edit edit;
        const char *find, *put, *expected;
    } cases[] = {
        {"manifest.json", TEXT, "\"encoder\"", "\"collapsed\"",
         "manifest.json: shape.heads: 2 is not in 1..1"},
        {"manifest.json", TEXT, "\"encoder\"", "\"lstm\"",
         "manifest.json: form: \"lstm\" is neither"},
        {"manifest.json", TEXT, "sevencast-variant", "other", "manifest.json: format: not"},
        {"manifest.json", NUMBER, "\"format_version\": ", "2",
         "manifest.json: format_version: 2 is not in 1..1"},
        {"manifest.json", NUMBER, "\"format_version\": ", "\"1\"",
         "manifest.json: format_version: not an integer"},
        {"manifest.json", NUMBER, "\"format_version\": ", "1.0",
         "manifest.json: format_version: not an integer"},
        {"manifest.json", NUMBER, "\"format_version\": ", "99999999999999999999",
         "manifest.json: line "},
        {"manifest.json", TEXT, "\"task\":", "\"tusk\":", "manifest.json: tusk: unknown field"},
        {"manifest.json", TEXT, ",\n  \"task\": \"random\"", "", "manifest.json: task: missing"},
        {"manifest.json", TEXT, "\"task\": \"random\"", "\"task\": \"\"",
         "manifest.json: task: empty"},
        {"manifest.json", TEXT, "\"task\": \"random\"", "\"task\": \"a/b\"",
         "manifest.json: task: a name is"},
        {"manifest.json", TEXT, "\"random-42\"", "\"../../etc\"", "manifest.json: name: a name"},
        {"manifest.json", TEXT, "\"random-42\"", "7", "manifest.json: name: not a string"},
        {"manifest.json", TEXT, "\"task\":", "\"name\": \"b\", \"task\":", "manifest.json: line "},
        {"manifest.json", TEXT, "feature 0", "a\\u0007b",
         "manifest.json: input.features[0].name: a control character"},
        {"manifest.json", NUMBER, "\"window\": ", "65",
         "manifest.json: shape.window: 65 is not in 2..64"},
        {"manifest.json", NUMBER, "\"window\": ", "99999999999",
         "manifest.json: shape.window: 99999999999 is not in"},
        {"manifest.json", NUMBER, "\"heads\": ", "3",
         "manifest.json: shape.heads: 3 does not divide d_model 4"},
        {"manifest.json", TEXT, "\"layers\": 2", "\"layers\": 1",
         "manifest.json: bits.layers: 2 elements, 1 expected"},
        {"manifest.json", NUMBER, "\"w_in\": ", "9", "manifest.json: bits.w_in: 9 is not in 2..8"},
        {"manifest.json", NUMBER, "\"w_2\": ", "1",
         "manifest.json: bits.layers[0].w_2: 1 is not in 2..8"},
        {"manifest.json", TEXT, "\"w_2\"", "\"w_3\"",
         "manifest.json: bits.layers[0].w_3: unknown field"},
        {"manifest.json", NUMBER, "\"scale\": ", "0.0",
         "manifest.json: input.features[0].scale: 0 is not above 0"},
        {"manifest.json", NUMBER, "\"scale\": ", "1e999", "manifest.json: line "},
        {"manifest.json", NUMBER, "\"offset\": ", "null",
         "manifest.json: input.features[0].offset: not a number"},
        {"manifest.json", TEXT, ",\n        \"unit\": \"\"", "",
         "manifest.json: output.targets[0].unit: missing"},
        {"manifest.json", TEXT, "\"integers.json\"", "\"/etc/passwd\"",
         "manifest.json: integers.file: not"},
        {"manifest.json", TEXT, "\"sha256\": \"", "\"sha256\": \"0",
         "manifest.json: integers.sha256: 65 bytes, at most 64"},
        {"manifest.json", TEXT, "{", "[{", "manifest.json: line "},
        {"integers.json", TEXT, "sevencast-integers", "x", "integers.json: format: not"},
        {"integers.json", NUMBER, "\"m\": ", "32768",
         "integers.json: in.m[0]: 32768 is not in 0..32767"},
        {"integers.json", NUMBER, "\"m\": ", "[1]", "integers.json: in.m: 1 elements, 4 expected"},
        {"integers.json", NUMBER, "\"m\": ", "1.5", "integers.json: in.m: not an integer"},
        {"integers.json", NUMBER, "\"shift\": ", "39",
         "integers.json: in.shift: 39 is not in 1..38"},
        {"integers.json", NUMBER, "\"w\": [\n      [", "8",
         "integers.json: in.w[0][0]: 8 is not a narrow 4-bit weight, -7..7"},
        {"integers.json", NUMBER, "\"w\": [\n      [", "1000000",
         "integers.json: in.w[0][0]: 1000000 is not in -128..127"},
        {"integers.json", NUMBER, "\"w\": [\n      [", "1,1",
         "integers.json: in.w[0]: not an array of 2 integers"},
        {"integers.json", NUMBER, "\"b\": [\n      [", "200000000000000",
         "integers.json: in.b[0][0]: 200000000000000 is not in -1407"},
        {"integers.json", NUMBER, "\"b\": [\n      [", "\"1\"",
         "integers.json: in.b[0][0]: not an integer"},
        {"integers.json", TEXT, "\"g\":", "\"h\":", "integers.json: layers[0].o.h: unknown field"},
        {"integers.json", NUMBER, "\"g\": [", "16777216",
         "integers.json: layers[0].o.g[0]: 16777216"},
        {"integers.json", NUMBER, "\"lut\": [", "14",
         "integers.json: layers[0].score.lut[0]: 14 is not 2^e - 1 = 15"},
        {"integers.json", TEXT, "\"lut\": [", "\"lut\": [15,",
         "integers.json: layers[0].score.lut: 17 elements, 16 expected"},
        {"integers.json", NUMBER, "\"context\": {\"k\": ", "0",
         "integers.json: layers[0].context.k: 0 is not in 1.."},
        {"integers.json", NUMBER, "\"pool\": {\"m\": ", "-1", "integers.json: pool.m: -1"},
        {"integers.json", TEXT, "\"pool\"", "\"pole\"", "integers.json: pole: unknown field"},
        {"integers.json", TEXT, "\"layers\": [", "\"layers\": [7, ",
         "integers.json: layers: 3 elements, 2 expected"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct variant *v = saved_variant();
        change(cases[i].file, cases[i].edit, cases[i].find, cases[i].put);
        if (strstr(cases[i].expected, "integers.sha256") == NULL)
            rehash();
        else { // only the manifest's own hash is made to fit
            size_t n;
            uint8_t hash[VARIANT_HASH_BYTES];
            char hex[VARIANT_HASH_HEX + 1], line[128];
            char *text = slurp("manifest.json", &n);
            variant_sha256(text, n, hash);
            variant_hex(hash, sizeof hash, hex);
            snprintf(line, sizeof line, "%s  manifest.json\n", hex);
            spit("manifest.sha256", line, strlen(line));
            free(text);
        }
        expect_refusal(cases[i].expected);
        variant_free(v);
    }
}

// The collapsed form has tensors and operations of its own number.
static void test_tampered_collapsed(void **state)
{
    static const struct {
        const char *file, *find, *put, *expected;
    } cases[] = {
        {"manifest.json", "\"collapsed\"", "\"encoder\"", "manifest.json: bits.o: missing"},
        {"manifest.json", "\"w_q\"", "\"k\": 4, \"w_q\"",
         "manifest.json: bits.layers[0].k: unknown field"},
        {"manifest.json", "\"w_y\"", "\"o\": 4, \"w_y\"", "manifest.json: bits.o: unknown field"},
        {"integers.json", "\"q\"", "\"k\"", "integers.json: layers[0].k: unknown field"},
        {"integers.json", "\"out\"", "\"pool\": {\"m\": 1, \"shift\": 1}, \"out\"",
         "integers.json: pool: unknown field"},
        {"integers.json", "\"out\": {\n    \"w\": [\n      [",
         "\"out\": {\n    \"w\": [\n      [1,",
         "integers.json: out.w[0]: not an array of 9 integers"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct variant *v = saved_form(MODEL_COLLAPSED);
        change(cases[i].file, TEXT, cases[i].find, cases[i].put);
        rehash();
        expect_refusal(cases[i].expected);
        variant_free(v);
    }
}

static void test_flipped_bytes(void **state)
{
    static const struct {
        const char *file, *expected;
    } files[] = {
        {"manifest.json", "manifest.sha256: sha256: does not match manifest.json"},
        {"integers.json", "manifest.json: integers.sha256: "},
        {"manifest.sha256", "manifest.sha256: sha256: does not match manifest.json"},
    };
    struct rng rng;

    (void)state;
    rng_init(&rng, 11);
    for (int i = 0; i < 60; i++) {
        struct variant *v = saved_variant();
        size_t n;
        char *text = slurp(files[i % 3].file, &n);
        text[rng_range(&rng, 0, (int64_t)n - 1)] ^= (char)(1 << rng_range(&rng, 0, 7));
        spit(files[i % 3].file, text, n);
        expect_refusal(files[i % 3].expected);
        free(text);
        variant_free(v);
    }
}

static void test_missing_and_large(void **state)
{
    static const char *const files[] = {"manifest.json", "manifest.sha256", "integers.json"};
    char *large = calloc(1, VARIANT_MANIFEST_MAX_BYTES + 1);
    char path[256];

    (void)state;
    assert_non_null(large);
    for (int i = 0; i < 3; i++) {
        char expected[64];
        variant_free(saved_variant());
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        snprintf(expected, sizeof expected, "%s: open ", files[i]);
        assert_int_equal(unlink(path), 0);
        expect_refusal(expected);
        assert_int_equal(mkdir(path, 0700), 0);
        snprintf(expected, sizeof expected, "%s: type: not a regular file", files[i]);
        expect_refusal(expected);
        assert_int_equal(rmdir(path), 0);
        assert_int_equal(mkfifo(path, 0600), 0);
        expect_refusal(expected);
        assert_int_equal(unlink(path), 0);
    }
    variant_free(saved_variant());
    spit("manifest.json", large, VARIANT_MANIFEST_MAX_BYTES + 1);
    expect_refusal("manifest.json: size: 1048577 bytes, at most 1048576");
    free(large);
}

// The hash of one random variant: it changes with the format, and then every hash that is out there
// changes too; or with model_random, and then it is to be put here anew.
static void test_format_is_stable(void **state)
{
    struct variant *v = saved_variant();

    (void)state;
    assert_string_equal(v->hash_hex,
                        "d2ae795c9952f54b3c6b8b4d34e4222f6fce51fa4823144859ddffa5c48f2ba4");
    variant_free(v);
}

static void test_save_refuses(void **state)
{
    struct variant *v = saved_variant();
    char why[MODEL_WHY_MAX * 2];

    (void)state;
    v->x_scale = 0;
    assert_int_equal(variant_save(v, dir, why, sizeof why), -1);
    assert_string_equal(why, "manifest.json: input.scale: 0 is not above 0");
    v->x_scale = 1;
    v->target[0].offset = strtod("nan", NULL);
    assert_int_equal(variant_save(v, dir, why, sizeof why), -1);
    assert_string_equal(why, "manifest.json: output.targets[0].offset: not finite");
    v->target[0].offset = 0;
    v->target[0].unit[0] = (char)0xff;
    assert_int_equal(variant_save(v, dir, why, sizeof why), -1);
    assert_string_equal(why, "manifest.json: output.targets[0].unit: not UTF-8");
    v->target[0].unit[0] = '\0';
    v->model->pool_shift = 0;
    assert_int_equal(variant_save(v, dir, why, sizeof why), -1);
    assert_string_equal(why, "integers.json: pool.shift: 0 is not in 1..38");
    variant_free(v);
}

static void test_encode_decode(void **state)
{
    struct variant *v = saved_variant(); // window 3, features 2, x of 4 bits: -8..7
    double window[6] = {0}, value;
    int8_t codes[6];
    int16_t y = -300;
    int saturated = -1;
    static const struct {
        double scaled;
        int code, outside;
    } cases[] = {{0.5, 1, 0},       {-0.5, 0, 0},   {1.5, 2, 0},     {-1.5, -1, 0},
                 {0.4999999, 0, 0}, {7.4999, 7, 0}, {7.5, 7, 1},     {-8.5, -8, 0},
                 {-8.51, -8, 1},    {1e300, 7, 1},  {-1e300, -8, 1}, {-0.0, 0, 0}};

    (void)state;
    v->feature[0].offset = 100;
    v->feature[0].scale = 4;
    v->feature[1].offset = -1;
    v->feature[1].scale = 0.5;
    v->x_scale = 0.25;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        window[2] = 100 + cases[i].scaled; // 4 * 0.25 = 1 to a code
        window[0] = window[4] = 100;
        window[1] = window[3] = window[5] = -1 + 0.125 * 3;
        assert_int_equal(variant_encode(v, window, codes, &saturated), -1);
        assert_int_equal(codes[2], cases[i].code);
        assert_int_equal(saturated, cases[i].outside);
        assert_int_equal(codes[0], 0);
        assert_int_equal(codes[5], 3);
    }
    for (int i = 0; i < 6; i++)
        window[i] = 1e9;
    variant_encode(v, window, codes, &saturated);
    assert_int_equal(saturated, 6);
    variant_encode(v, window, codes, NULL);
    window[4] = strtod("nan", NULL);
    assert_int_equal(variant_encode(v, window, codes, &saturated), 4);
    window[1] = -strtod("inf", NULL);
    assert_int_equal(variant_encode(v, window, codes, &saturated), 1);
    v->y_scale = 0.125;
    v->target[0].scale = 8;
    v->target[0].offset = 1000;
    variant_decode(v, &y, &value);
    assert_true(value == 700);
    variant_free(v);
}

// Codes come back when their own values are encoded, whatever the scaling.
static void test_encode_inverts(void **state)
{
    struct variant *v = saved_variant();
    struct rng rng;

    (void)state;
    rng_init(&rng, 12);
    for (int run = 0; run < 500; run++) {
        double window[6];
        int8_t want[6], codes[6];
        int saturated;
        v->x_scale = (double)rng_range(&rng, 1, 1000000) / 65536;
        for (int f = 0; f < 2; f++) {
            v->feature[f].offset = (double)rng_range(&rng, -1000000, 1000000) / 512;
            v->feature[f].scale = (double)rng_range(&rng, 1, 1000000) / 4096;
        }
        for (int i = 0; i < 6; i++) {
            want[i] = (int8_t)rng_range(&rng, -8, 7);
            window[i] = want[i] * v->x_scale * v->feature[i % 2].scale + v->feature[i % 2].offset;
        }
        assert_int_equal(variant_encode(v, window, codes, &saturated), -1);
        assert_int_equal(saturated, 0);
        assert_memory_equal(codes, want, 6);
    }
    variant_free(v);
}

static int group_setup(void **state)
{
    (void)state;
    return mkdtemp(dir) == NULL ? -1 : 0;
}

static int group_teardown(void **state)
{
    static const char *const files[] = {"manifest.json", "integers.json", "manifest.sha256"};

    (void)state;
    for (int i = 0; i < 3; i++) {
        char path[256];
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        unlink(path);
    }
    return rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_save_load_save),     cmocka_unit_test(test_format_is_stable),
        cmocka_unit_test(test_tampered_fields),    cmocka_unit_test(test_flipped_bytes),
        cmocka_unit_test(test_missing_and_large),  cmocka_unit_test(test_save_refuses),
        cmocka_unit_test(test_encode_decode),      cmocka_unit_test(test_encode_inverts),
        cmocka_unit_test(test_tampered_collapsed),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
