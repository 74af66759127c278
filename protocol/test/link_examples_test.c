// SPDX-License-Identifier: Apache-2.0
// The examples of PROTOCOL.md 1.5 against the codec: the fields that the text names encode to the
// document's bytes, and the bytes parse to those fields. Run from the root of the tree.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/link.h"
#include "protocol/test/examples.h"

static const struct link_identity device = {
    .hash = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
             16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31},
    .map_version = 1,
    .origin = LINK_ORIGIN_VIRTUAL,
    .window = 3,
    .features = 2,
    .outputs = 2,
    .x_bits = 4,
    .y_bits = 16,
    .window_buffers = 2,
    .layers = 1,
    .heads = 2,
    .clock_hz = 100000000,
    .rtl_version = 0x00010000,
};

static uint8_t identity[LINK_IDENTITY_BYTES];

static const struct fields {
    const char *name;
    char direction;
    uint8_t type;
    uint16_t seq;
    size_t n;
    const void *payload;
} fields[] = {
    {"identify-request", '>', LINK_IDENTIFY, 0x1234, 0, NULL},
    {"identify-answer", '<', LINK_IDENTIFY | LINK_ANSWER, 0x1234, sizeof identity, identity},
    {"infer-request", '>', LINK_INFER, 0x1235, 6, (int8_t[]){-7, 2, -3, 4, 5, 7}},
    {"infer-answer", '<', LINK_INFER | LINK_ANSWER, 0x1235, 12,
     (uint8_t[]){140, 0, 0, 0, 2, 0, 0, 0, 0x43, 0x0a, 0x86, 0x14}}, // 2627, 5254
    {"read-registers-request", '>', LINK_READ_REGISTERS, 0x1236, 4, (uint8_t[]){17, 0, 2, 0}},
    {"read-registers-answer", '<', LINK_READ_REGISTERS | LINK_ANSWER, 0x1236, 8,
     (uint8_t[]){140, 0, 0, 0, 1, 0, 0, 0}},
    {"read-tensor-request", '>', LINK_READ_TENSOR, 0x1237, 4, (uint8_t[]){1, 0, 1, 0}},
    {"read-tensor-answer", '<', LINK_READ_TENSOR | LINK_ANSWER, 0x1237, 12,
     (uint8_t[]){1, 0, 1, 0, 0xf4, 3, 0xf5, 3, 0xf6, 3, 0xf7, 3}}, // 1012..1015
    {"burst-request", '>', LINK_BURST, 0x123a, 8, (uint8_t[]){3, 0, 0, 0, 1, 0, 1, 0}},
    {"burst-answer", '<', LINK_BURST | LINK_ANSWER, 0x123a, 32,
     (uint8_t[]){
         3,    0, 0, 0, 0, 0, 0, 0, 0xa4, 1, 0, 0, 0,    0,    0,    0, // 3 runs, 420 busy cycles
         0xa8, 1, 0, 0, 0, 0, 0, 0, 0,    1, 0, 0, 0x43, 0x0a, 0x86, 0x14}},
    {"stop-request", '>', LINK_STOP, 0x123b, 0, NULL},
    {"stop-answer", '<', LINK_STOP | LINK_ANSWER, 0x123b, 0, NULL},
    {"bad-value-request", '>', LINK_INFER, 0x1238, 6, (int8_t[]){-7, 2, -3, 9, 5, 7}},
    {"bad-value-error", '<', LINK_ERROR, 0x1238, 4, (uint8_t[]){LINK_BAD_VALUE, LINK_INFER, 3, 0}},
    {"reset-request", '>', LINK_RESET, 0x1239, 0, NULL},
    {"reset-answer", '<', LINK_RESET | LINK_ANSWER, 0x1239, 0, NULL},
};
enum { FIELDS = sizeof fields / sizeof *fields };

static struct example examples[EXAMPLES_MAX];

static int read_document(void **state)
{
    (void)state;
    link_identity_encode(&device, identity);
    return examples_read("protocol/PROTOCOL.md", examples) == FIELDS ? 0 : -1;
}

static void encode_to_the_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < FIELDS; i++) {
        uint8_t out[LINK_MAX_FRAME];
        assert_string_equal(examples[i].name, fields[i].name);
        assert_int_equal(examples[i].direction, fields[i].direction);
        size_t n = link_encode(out, fields[i].type, fields[i].seq, fields[i].payload, fields[i].n);
        assert_int_equal(n, examples[i].n);
        assert_memory_equal(out, examples[i].bytes, n);
    }
}

static void parse_to_the_fields(void **state)
{
    (void)state;
    static struct link_parser parser;
    link_parser_init(&parser);
    for (size_t i = 0; i < FIELDS; i++) {
        struct link_frame f;
        size_t used;
        assert_int_equal(link_parse(&parser, examples[i].bytes, examples[i].n, &used, &f), 1);
        assert_int_equal(used, examples[i].n);
        assert_int_equal(f.type, fields[i].type);
        assert_int_equal(f.seq, fields[i].seq);
        assert_int_equal(f.n, fields[i].n);
        if (f.n)
            assert_memory_equal(f.payload, fields[i].payload, f.n);
    }
}

static const struct fields *field_of(const char *name)
{
    size_t i = 0;
    while (strcmp(fields[i].name, name) != 0)
        assert_true(++i < FIELDS);
    return &fields[i];
}

static void answers_are_what_the_text_says(void **state)
{
    struct link_inference r;
    struct link_fault fault;
    int16_t y[3] = {0, 0, 7};
    (void)state;
    const struct fields *f = field_of("infer-answer");
    assert_int_equal(link_inference_decode(f->payload, f->n, 2, &r, y), 0);
    assert_true(r.cycles == 140 && r.wait_cycles == 2);
    assert_true(y[0] == 2627 && y[1] == 5254 && y[2] == 7);
    assert_int_equal(link_inference_decode(f->payload, f->n, 1, &r, y), -1);
    assert_int_equal(link_inference_decode(f->payload, f->n, 3, &r, y), -1);
    assert_int_equal(link_inference_decode(f->payload, f->n - 1, 2, &r, y), -1);
    f = field_of("bad-value-error");
    assert_int_equal(link_fault_decode(f->payload, f->n, &fault), 0);
    assert_true(fault.code == LINK_BAD_VALUE && fault.type == LINK_INFER && fault.detail == 3);
    assert_int_equal(link_fault_decode(f->payload, 3, &fault), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encode_to_the_bytes),
        cmocka_unit_test(parse_to_the_fields),
        cmocka_unit_test(answers_are_what_the_text_says),
    };
    return cmocka_run_group_tests(tests, read_document, NULL);
}
