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

#include "tools/model/model_random.h"

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
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct model_random_options o = {.seed = seed, .extreme = seed % 2};
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
        cmocka_unit_test(test_save_load_save),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
