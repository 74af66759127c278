// SPDX-License-Identifier: Apache-2.0
// Typed reads from a header's JSON: what each refuses, and which field it blames.
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/service_json.h"

static struct service_error e;

static json_t *parse(const char *text)
{
    struct service_frame frame = {text, strlen(text)};
    memset(&e, 0, sizeof e);
    json_t *root = service_json_parse(&frame, &e);
    assert_non_null(root);
    return root;
}

static void assert_refused(bool good, const char *field)
{
    assert_false(good);
    assert_int_equal(e.code, SERVICE_BAD_REQUEST);
    assert_string_equal(e.field, field);
    assert_true(e.message[0]);
    memset(&e, 0, sizeof e);
}

static void test_whole_numbers(void **state)
{
    (void)state;
    uint32_t small = 7;
    uint64_t large = 7;
    int64_t ranged = 7;
    json_t *o = parse("{\"top\":4294967295,\"over\":4294967296,\"most\":9223372036854775807,"
                      "\"minus\":-1,\"real\":1.0,\"text\":\"1\",\"null\":null}");
    assert_true(service_json_u32(o, "p", "top", &small, &e) && small == UINT32_MAX);
    assert_true(service_json_u64(o, "p", "over", &large, &e) && large == UINT32_MAX + UINT64_C(1));
    assert_true(service_json_u64(o, "p", "most", &large, &e) && large == INT64_MAX);
    small = 7;
    large = 7;
    assert_refused(service_json_u32(o, "p", "over", &small, &e), "p.over");
    assert_refused(service_json_u32(o, "p", "most", &small, &e), "p.most");
    static const char *const wrong[] = {"minus", "real", "text", "null", "absent"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char field[32] = "p.";
        memcpy(field + 2, wrong[i], strlen(wrong[i]) + 1);
        assert_refused(service_json_u32(o, "p", wrong[i], &small, &e), field);
        assert_refused(service_json_u64(o, "p", wrong[i], &large, &e), field);
        assert_refused(service_json_integer(o, "p", wrong[i], SERVICE_REQUIRED, 0, 9, &ranged, &e),
                       field);
    }
    assert_true(service_json_integer(o, "p", "absent", SERVICE_OPTIONAL, 0, 9, &ranged, &e));
    assert_true(small == 7 && large == 7 && ranged == 7);
    json_decref(o);
}

// JSON has no NaN and no infinity, and what no double or no int64_t holds is no header.
static void test_numbers(void **state)
{
    (void)state;
    double value = 7;
    json_t *o = parse("{\"real\":-2.5,\"whole\":3,\"text\":\"3\",\"flag\":true}");
    assert_true(service_json_number(o, "", "real", &value, &e) && value <= -2.5 && value >= -2.5);
    assert_true(service_json_number(o, "", "whole", &value, &e) && value >= 3 && value <= 3);
    assert_refused(service_json_number(o, "", "text", &value, &e), "text");
    assert_refused(service_json_number(o, "", "flag", &value, &e), "flag");
    assert_refused(service_json_number(o, "", "absent", &value, &e), "absent");
    assert_true(value >= 3 && value <= 3);
    json_decref(o);
    static const char *const beyond[] = {"{\"a\":1e999}", "{\"a\":-1e999}", "{\"a\":NaN}",
                                         "{\"a\":Infinity}", "{\"a\":9223372036854775808}"};
    for (size_t i = 0; i < sizeof beyond / sizeof beyond[0]; i++) {
        struct service_frame frame = {beyond[i], strlen(beyond[i])};
        assert_null(service_json_parse(&frame, &e));
        assert_string_equal(e.field, "header");
    }
}

static void test_text(void **state)
{
    (void)state;
    char four[4] = "old", name[SERVICE_NAME_MAX + 1] = "old";
    json_t *o = parse("{\"fits\":\"abc\",\"long\":\"abcd\",\"number\":1,\"empty\":\"\","
                      "\"bad\":\"a/b\"}");
    assert_true(service_json_fill(o, "p", "fits", four, &e));
    assert_string_equal(four, "abc");
    assert_refused(service_json_fill(o, "p", "long", four, &e), "p.long");
    assert_refused(service_json_fill(o, "p", "number", four, &e), "p.number");
    assert_refused(service_json_fill(o, "p", "absent", four, &e), "p.absent");
    assert_true(service_json_text(o, "p", "absent", SERVICE_OPTIONAL, four, sizeof four, &e));
    assert_string_equal(four, "abc");
    assert_true(service_json_name(o, "p", "fits", SERVICE_REQUIRED, name, &e));
    assert_refused(service_json_name(o, "p", "empty", SERVICE_OPTIONAL, name, &e), "p.empty");
    assert_refused(service_json_name(o, "p", "bad", SERVICE_REQUIRED, name, &e), "p.bad");
    json_decref(o);
}

static void test_words(void **state)
{
    (void)state;
    unsigned i = 7;
    enum service_origin origin = SERVICE_BOARD;
    json_t *o = parse("{\"good\":\"READY\",\"other\":\"ready\",\"number\":1,\"origin\":\"model\"}");
    assert_true(
        service_json_word(o, "p", "absent", SERVICE_OPTIONAL, service_model_state_words, &i, &e));
    assert_int_equal(i, 7);
    assert_true(
        service_json_word(o, "p", "good", SERVICE_REQUIRED, service_board_state_words, &i, &e));
    assert_int_equal(i, SERVICE_BOARD_READY);
    static const char *const wrong[] = {"other", "number", "absent"};
    static const char *const field[] = {"p.other", "p.number", "p.absent"};
    for (size_t k = 0; k < 3; k++)
        assert_refused(service_json_word(o, "p", wrong[k], SERVICE_REQUIRED,
                                         service_board_state_words, &i, &e),
                       field[k]);
    assert_true(service_json_origin(o, "p", &origin, &e));
    assert_int_equal(origin, SERVICE_MODEL);
    json_decref(o);
}

// Each list of words is as long as its enum, so that a name can be taken from it.
static void test_lists_of_words(void **state)
{
    (void)state;
    static const struct {
        const char *const *words;
        int n;
    } lists[] = {
        {service_origin_words, SERVICE_MODEL + 1},
        {service_model_state_words, SERVICE_UNAVAILABLE + 1},
        {service_board_state_words, SERVICE_BOARD_FAULT + 1},
        {service_experiment_state_words, SERVICE_EXPERIMENT_STATES},
        {service_burst_end_words, SERVICE_BURST_ENDS},
        {service_metric_words, SERVICE_METRICS},
        {service_design_words, SERVICE_RANDOM_PAIRS + 1},
    };
    for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++) {
        int n = 0;
        while (lists[l].words[n])
            n++;
        assert_int_equal(n, lists[l].n);
    }
}

static void test_names(void **state)
{
    (void)state;
    char out[2][SERVICE_NAME_MAX + 1];
    uint16_t n = 7;
    json_t *o = parse("{\"two\":[\"a\",\"b-1\"],\"none\":[],\"three\":[\"a\",\"b\",\"c\"],"
                      "\"mixed\":[\"a\",1],\"empty\":[\"\"],\"bad\":[\"a b\"],\"text\":\"a\"}");
    assert_true(service_json_names(o, "p", "two", 0, 2, out, &n, &e) && n == 2);
    assert_string_equal(out[1], "b-1");
    assert_true(service_json_names(o, "p", "none", 0, 2, out, &n, &e) && n == 0);
    assert_refused(service_json_names(o, "p", "none", 1, 2, out, &n, &e), "p.none");
    assert_refused(service_json_names(o, "p", "three", 0, 2, out, &n, &e), "p.three");
    assert_refused(service_json_names(o, "p", "mixed", 0, 2, out, &n, &e), "p.mixed");
    assert_refused(service_json_names(o, "p", "empty", 0, 2, out, &n, &e), "p.empty");
    assert_refused(service_json_names(o, "p", "bad", 0, 2, out, &n, &e), "p.bad");
    assert_refused(service_json_names(o, "p", "text", 0, 2, out, &n, &e), "p.text");
    assert_refused(service_json_names(o, "p", "absent", 0, 2, out, &n, &e), "p.absent");
    json_decref(o);
}

static void test_shapes(void **state)
{
    (void)state;
    static const int limit[] = {64, 32};
    static const struct {
        const char *text, *field;
    } wrong[] = {
        {"{}", "p.shape"},
        {"{\"shape\":4}", "p.shape"},
        {"{\"shape\":[4]}", "p.shape"},
        {"{\"shape\":[4,1,1]}", "p.shape"},
        {"{\"shape\":[0,1]}", "p.shape[0]"},
        {"{\"shape\":[65,1]}", "p.shape[0]"},
        {"{\"shape\":[4,33]}", "p.shape[1]"},
        {"{\"shape\":[4,-1]}", "p.shape[1]"},
        {"{\"shape\":[4,1.0]}", "p.shape[1]"},
        {"{\"shape\":[\"4\",1]}", "p.shape[0]"},
    };
    int size[2] = {0, 0};
    json_t *o = parse("{\"shape\":[64,32]}");
    assert_true(service_json_shape(o, "p", 2, limit, size, &e));
    assert_true(size[0] == 64 && size[1] == 32);
    json_decref(o);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        o = parse(wrong[i].text);
        assert_refused(service_json_shape(o, "p", 2, limit, size, &e), wrong[i].field);
        json_decref(o);
    }
}

static void test_paths(void **state)
{
    (void)state;
    char path[sizeof e.field], deep[sizeof e.field];
    service_json_path(path, "", "a");
    assert_string_equal(path, "a");
    service_json_path(deep, path, "b");
    assert_string_equal(deep, "a.b");
    for (int i = 0; i < 40; i++) { // as long as it gets
        memcpy(path, deep, sizeof path);
        service_json_path(deep, path, "longer");
    }
    assert_int_equal(strlen(deep), sizeof deep - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_numbers),  cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_text),           cmocka_unit_test(test_words),
        cmocka_unit_test(test_lists_of_words), cmocka_unit_test(test_names),
        cmocka_unit_test(test_shapes),         cmocka_unit_test(test_paths),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
