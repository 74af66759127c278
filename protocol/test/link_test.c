// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/link.h"
#include "tests/support/random.h"

enum { MAX_SEEN = 64 };

struct seen {
    uint8_t type;
    uint16_t seq;
    size_t n;
    uint8_t payload[LINK_MAX_PAYLOAD];
};

static struct seen seen[MAX_SEEN];
static struct link_parser parser;

// Feeds data in pieces of step bytes; returns the number of frames, copied to seen[count...].
static size_t feed(const uint8_t *data, size_t size, size_t step, size_t count)
{
    for (size_t at = 0; at < size; at += step) {
        const uint8_t *piece = data + at;
        size_t n = size - at < step ? size - at : step, used;
        struct link_frame f;
        for (; link_parse(&parser, piece, n, &used, &f); piece += used, n -= used) {
            assert_true(count < MAX_SEEN);
            seen[count] = (struct seen){.type = f.type, .seq = f.seq, .n = f.n};
            memcpy(seen[count++].payload, f.payload, f.n);
        }
        assert_int_equal(used, n);
    }
    return count;
}

static void is_frame(const struct seen *s, uint8_t type, uint16_t seq, const void *payload,
                     size_t n)
{
    assert_int_equal(s->type, type);
    assert_int_equal(s->seq, seq);
    assert_int_equal(s->n, n);
    if (n)
        assert_memory_equal(s->payload, payload, n);
}

static void fill(struct rng *r, uint8_t *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)rng_u64(r);
}

static void known_bytes(void **state)
{
    (void)state;
    // CRC by hand from the definition: reflected 0xEDB88320 over version, type, seq, length.
    static const uint8_t want[] = {0xa5, 0x37, 1, 1, 0x34, 0x12, 0, 0};
    uint8_t out[LINK_MAX_FRAME];
    uint32_t crc = 0xffffffff;
    assert_int_equal(link_encode(out, LINK_IDENTIFY, 0x1234, NULL, 0), 12);
    assert_memory_equal(out, want, sizeof want);
    for (size_t i = 2; i < 8; i++) {
        crc ^= want[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    }
    crc = ~crc;
    for (int i = 0; i < 4; i++)
        assert_int_equal(out[8 + i], crc >> 8 * i & 0xff);
}

static void round_trips(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 3, 4, 63, 64, 255, 256, 257, 2047, 2048};
    struct rng r;
    rng_init(&r, 1);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint8_t payload[LINK_MAX_PAYLOAD + 1], out[LINK_MAX_FRAME];
        uint8_t type = (uint8_t)rng_u64(&r);
        uint16_t seq = (uint16_t)rng_u64(&r);
        fill(&r, payload, sizes[i]);
        size_t n = link_encode(out, type, seq, payload, sizes[i]);
        assert_int_equal(n, sizes[i] + 12);
        link_parser_init(&parser);
        assert_int_equal(feed(out, n, n, 0), 1);
        is_frame(&seen[0], type, seq, payload, sizes[i]);
        assert_int_equal(parser.dropped_bytes, 0);
        assert_int_equal(parser.bad_frames, 0);
    }
}

static void refuses_oversize(void **state)
{
    (void)state;
    uint8_t payload[LINK_MAX_PAYLOAD + 1] = {0}, out[LINK_MAX_FRAME];
    assert_int_equal(link_encode(out, LINK_INFER, 0, payload, sizeof payload), 0);
}

static void garbage_between(void **state)
{
    (void)state;
    uint8_t stream[4096], payload[40];
    size_t size = 0, garbage = 0;
    struct rng r;
    rng_init(&r, 2);
    fill(&r, payload, sizeof payload);
    for (uint16_t i = 0; i < 20; i++) {
        for (int64_t k = rng_range(&r, 0, 30); k > 0; k--, garbage++)
            stream[size++] = (uint8_t)rng_range(&r, 0, 0x36); // never a sync byte
        size += link_encode(stream + size, LINK_INFER, i, payload, 2 * i);
    }
    for (size_t step = 1; step < 80; step++) {
        link_parser_init(&parser);
        assert_int_equal(feed(stream, size, step, 0), 20);
        for (uint16_t i = 0; i < 20; i++)
            is_frame(&seen[i], LINK_INFER, i, payload, 2 * i);
        assert_int_equal(parser.dropped_bytes, garbage);
        assert_int_equal(parser.bad_frames, 0);
    }
}

// One flipped bit: the frame is lost, nothing else comes in its place, and the frame behind it is
// found as soon as enough bytes have come to judge the damaged one.
static void every_bit_flip(void **state)
{
    (void)state;
    uint8_t payload[24], good[LINK_MAX_FRAME], stream[LINK_MAX_FRAME + 64];
    static const uint8_t zeros[LINK_MAX_FRAME];
    struct rng r;
    rng_init(&r, 3);
    fill(&r, payload, sizeof payload);
    payload[3] = 0xa5; // keep a lone sync byte inside
    size_t n = link_encode(good, LINK_INFER, 77, payload, sizeof payload);
    for (size_t bit = 0; bit < 8 * n; bit++) {
        memcpy(stream, good, n);
        stream[bit / 8] ^= (uint8_t)(1 << bit % 8);
        size_t size = n + link_encode(stream + n, LINK_RESET, 78, NULL, 0);
        link_parser_init(&parser);
        size_t count = feed(stream, size, 5, 0);
        count = feed(zeros, sizeof zeros, 1000, count);
        assert_int_equal(count, 1);
        is_frame(&seen[0], LINK_RESET, 78, NULL, 0);
    }
}

static void split_everywhere(void **state)
{
    (void)state;
    uint8_t payload[30], stream[256];
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)(i * 37);
    size_t size = link_encode(stream, LINK_INFER, 1, payload, sizeof payload);
    size += link_encode(stream + size, LINK_RESET, 2, NULL, 0);
    for (size_t cut = 0; cut <= size; cut++) {
        link_parser_init(&parser);
        size_t count = feed(stream, cut, 256, 0);
        count = feed(stream + cut, size - cut, 256, count);
        assert_int_equal(count, 2);
        is_frame(&seen[0], LINK_INFER, 1, payload, sizeof payload);
        is_frame(&seen[1], LINK_RESET, 2, NULL, 0);
    }
}

// A frame cut off anywhere, then good ones: all of the good ones arrive, in order. Forty, so that
// the longest length that can be misread from the cut, 311, is filled.
static void truncated_then_good(void **state)
{
    (void)state;
    uint8_t payload[200], stream[4096];
    memset(payload, 0x5a, sizeof payload);
    uint8_t frame[LINK_MAX_FRAME];
    size_t n = link_encode(frame, LINK_INFER, 9, payload, sizeof payload);
    for (size_t cut = 0; cut < n; cut++) {
        size_t size = cut;
        memcpy(stream, frame, cut);
        for (uint16_t i = 0; i < 40; i++)
            size += link_encode(stream + size, LINK_IDENTIFY, (uint16_t)(100 + i), NULL, 0);
        link_parser_init(&parser);
        assert_int_equal(feed(stream, size, size, 0), 40);
        for (uint16_t i = 0; i < 40; i++)
            is_frame(&seen[i], LINK_IDENTIFY, (uint16_t)(100 + i), NULL, 0);
        assert_int_equal(parser.dropped_bytes, cut);
    }
}

static void sync_inside_payload(void **state)
{
    (void)state;
    uint8_t payload[300], stream[LINK_MAX_FRAME];
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = i % 2 ? 0x37 : 0xa5;
    // A whole frame as payload of a good frame is payload, not a frame.
    link_encode(payload + 100, LINK_RESET, 1, NULL, 0);
    size_t n = link_encode(stream, LINK_INFER, 0xa537, payload, sizeof payload);
    link_parser_init(&parser);
    assert_int_equal(feed(stream, n, 3, 0), 1);
    is_frame(&seen[0], LINK_INFER, 0xa537, payload, sizeof payload);
    assert_int_equal(parser.bad_frames, 0);
}

static void doubled_sync(void **state)
{
    (void)state;
    uint8_t stream[64] = {0xa5, 0xa5, 0x00, 0xa5, 0xa5, 0xa5};
    size_t size = 5 + link_encode(stream + 5, LINK_RESET, 3, NULL, 0);
    for (size_t step = 1; step <= size; step++) {
        link_parser_init(&parser);
        assert_int_equal(feed(stream, size, step, 0), 1);
        is_frame(&seen[0], LINK_RESET, 3, NULL, 0);
        assert_int_equal(parser.dropped_bytes, 5);
    }
}

static void counts_bad_headers(void **state)
{
    (void)state;
    uint8_t stream[64];
    size_t n = link_encode(stream, LINK_RESET, 3, NULL, 0);
    stream[2] = 2; // version
    n += link_encode(stream + n, LINK_RESET, 4, NULL, 0);
    stream[12 + 7] = 0x09; // length 2304
    n += link_encode(stream + n, LINK_RESET, 5, NULL, 0);
    stream[24 + 11] ^= 1; // CRC
    n += link_encode(stream + n, LINK_RESET, 6, NULL, 0);
    link_parser_init(&parser);
    assert_int_equal(feed(stream, n, n, 0), 1);
    is_frame(&seen[0], LINK_RESET, 6, NULL, 0);
    assert_int_equal(parser.bad_frames, 3);
    assert_int_equal(parser.dropped_bytes, 36);
}

static const struct link_identity sample = {
    .map_version = 1,
    .flags = 0xab01,
    .origin = LINK_ORIGIN_VIRTUAL,
    .window = 24,
    .features = 7,
    .outputs = 3,
    .x_bits = 8,
    .y_bits = 16,
    .window_buffers = 2,
    .layers = 1,
    .heads = 4,
    .clock_hz = 100000000,
    .rtl_version = 0x01020003,
};

static void identity_round_trip(void **state)
{
    (void)state;
    struct link_identity in = sample, out;
    uint8_t bytes[LINK_IDENTITY_BYTES];
    for (int i = 0; i < 32; i++)
        in.hash[i] = (uint8_t)(0xf0 - i);
    link_identity_encode(&in, bytes);
    assert_memory_equal(bytes, "7CST", 4);
    static const uint8_t map[] = {1, 0, 0x01, 0xab}, shape[] = {24, 0, 7, 0, 3, 0, 8, 16};
    static const uint8_t rest[] = {0x00, 0xe1, 0xf5, 0x05, 2, 1, 4, 0, 3, 0, 2, 1, 0, 0, 0, 0};
    assert_memory_equal(bytes + 4, map, sizeof map);
    assert_memory_equal(bytes + 8, in.hash, 32);
    assert_memory_equal(bytes + 40, shape, sizeof shape);
    assert_memory_equal(bytes + 48, rest, sizeof rest);
    assert_int_equal(link_identity_decode(bytes, sizeof bytes, &out), 0);
    assert_memory_equal(&out.hash, &in.hash, 32);
    assert_int_equal(out.flags, 0xab01);
    assert_int_equal(out.origin, LINK_ORIGIN_VIRTUAL);
    assert_int_equal(out.window, 24);
    assert_int_equal(out.features, 7);
    assert_int_equal(out.outputs, 3);
    assert_int_equal(out.x_bits, 8);
    assert_int_equal(out.y_bits, 16);
    assert_int_equal(out.window_buffers, 2);
    assert_int_equal(out.layers, 1);
    assert_int_equal(out.heads, 4);
    assert_int_equal(out.clock_hz, 100000000);
    assert_int_equal(out.rtl_version, 0x01020003);
}

static void identity_refused(void **state)
{
    (void)state;
    struct link_identity out;
    uint8_t good[LINK_IDENTITY_BYTES], bytes[LINK_IDENTITY_BYTES + 1];
    link_identity_encode(&sample, good);
    memcpy(bytes, good, sizeof good);
    assert_int_equal(link_identity_decode(bytes, sizeof good - 1, &out), -1);
    assert_int_equal(link_identity_decode(bytes, sizeof good + 1, &out), -1);
    for (size_t i = 0; i < 6; i++) { // magic and map version
        memcpy(bytes, good, sizeof good);
        bytes[i] ^= 4;
        assert_int_equal(link_identity_decode(bytes, sizeof good, &out), -1);
    }
    memcpy(bytes, good, sizeof good);
    bytes[6] |= 3; // origin 3
    assert_int_equal(link_identity_decode(bytes, sizeof good, &out), -1);
}

static void burst_request(void **state)
{
    (void)state;
    static const uint8_t want[] = {0x40, 0x42, 0x0f, 0x00, 0x34, 0x12, 2, 0};
    const struct link_burst in = {.runs = 1000000, .limit = 0x1234, .windows = 2};
    uint8_t bytes[LINK_BURST_BYTES];
    struct link_burst out;
    link_burst_encode(&in, bytes);
    assert_memory_equal(bytes, want, sizeof want);
    assert_true(link_burst_good(bytes));
    assert_int_equal(link_burst_decode(bytes, sizeof bytes, &out), 0);
    assert_int_equal(out.runs, in.runs);
    assert_int_equal(out.limit, in.limit);
    assert_int_equal(out.windows, in.windows);
    assert_int_equal(link_burst_decode(bytes, sizeof bytes - 1, &out), -1);
    assert_int_equal(link_burst_decode(bytes, sizeof bytes + 1, &out), -1);
    static const struct {
        struct link_burst b;
        int good;
    } judged[] = {{{1, 1, 1}, 1},
                  {{UINT32_MAX, UINT16_MAX, 2}, 1},
                  {{0x80000000, 0x8000, 1}, 1},
                  {{0, 1, 1}, 1},
                  {{1, 0, 1}, 1},
                  {{1, 1, 0}, 0},
                  {{1, 1, 3}, 0},
                  {{1, 1, 255}, 0}};
    for (size_t i = 0; i < sizeof judged / sizeof *judged; i++) {
        link_burst_encode(&judged[i].b, bytes);
        assert_int_equal(link_burst_good(bytes), judged[i].good);
    }
    link_burst_encode(&in, bytes);
    bytes[7] = 1; // reserved
    assert_false(link_burst_good(bytes));
}

static void burst_answer(void **state)
{
    (void)state;
    static const uint8_t y[] = {0x01, 0x80, 0xff, 0x7f, 0xfe, 0xff, 0x03, 0x00};
    static const uint8_t head[] = {0x40, 0x42, 0x0f, 0, 7, 0, 1,    0,    0x08, 0x07,
                                   0x06, 5,    4,    3, 2, 0, 0x88, 0x77, 0x66, 0x55,
                                   4,    3,    2,    0, 2, 2, 0,    0};
    const struct link_burst_result in = {.end = LINK_BURST_LIMIT,
                                         .windows = 2,
                                         .mismatches = 0x10007,
                                         .runs = 1000000,
                                         .cycles = UINT64_C(0x0002030455667788),
                                         .busy_cycles = UINT64_C(0x0002030405060708),
                                         .y = y};
    uint8_t bytes[LINK_MAX_PAYLOAD], bad[LINK_MAX_PAYLOAD];
    struct link_burst_result out;
    assert_int_equal(link_burst_result_encode(&in, 2, bytes), 36);
    assert_memory_equal(bytes, head, sizeof head);
    assert_memory_equal(bytes + 28, y, sizeof y);
    assert_int_equal(link_burst_result_decode(bytes, 36, 2, &out), 0);
    assert_int_equal(out.end, LINK_BURST_LIMIT);
    assert_int_equal(out.windows, 2);
    assert_int_equal(out.mismatches, 0x10007);
    assert_int_equal(out.runs, 1000000);
    assert_int_equal(out.cycles, in.cycles);
    assert_int_equal(out.busy_cycles, in.busy_cycles);
    static const int16_t want[2][2] = {{-32767, 32767}, {-2, 3}};
    for (unsigned w = 0; w < 2; w++)
        for (unsigned k = 0; k < 2; k++)
            assert_int_equal(link_burst_y(&out, 2, w, k), want[w][k]);

    for (size_t n = 0; n < 40; n++)
        assert_int_equal(link_burst_result_decode(bytes, n, 2, &out), n == 36 ? 0 : -1);
    assert_int_equal(link_burst_result_decode(bytes, 36, 1, &out), -1);
    static const struct {
        size_t at;
        uint8_t value;
    } faults[] = {{24, 3}, {25, 0}, {25, 3}, {25, 1}, {14, 3}, {7, 1}};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        memcpy(bad, bytes, sizeof bad);
        bad[faults[i].at] = faults[i].value;
        assert_int_equal(link_burst_result_decode(bad, 36, 2, &out), -1);
    }
    memcpy(bad, bytes, sizeof bad);
    memset(bad, 0, 8); // no run
    assert_int_equal(link_burst_result_decode(bad, 36, 2, &out), -1);
    static const uint8_t zeros[4 * 505];
    out = in;
    out.y = zeros;
    assert_int_equal(link_burst_result_encode(&out, 505, bytes), 2048);
    assert_int_equal(link_burst_result_encode(&out, 506, bytes), 0);
}

static void error_names(void **state)
{
    (void)state;
    assert_string_equal(link_error_name(LINK_BAD_CRC), "BAD_CRC");
    assert_string_equal(link_error_name(LINK_BUSY), "BUSY");
    assert_string_equal(link_error_name(LINK_BAD_ARGUMENT), "BAD_ARGUMENT");
    assert_string_equal(link_error_name(0), "UNKNOWN");
    assert_string_equal(link_error_name(9), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_bytes),         cmocka_unit_test(round_trips),
        cmocka_unit_test(refuses_oversize),    cmocka_unit_test(garbage_between),
        cmocka_unit_test(every_bit_flip),      cmocka_unit_test(split_everywhere),
        cmocka_unit_test(truncated_then_good), cmocka_unit_test(sync_inside_payload),
        cmocka_unit_test(doubled_sync),        cmocka_unit_test(counts_bad_headers),
        cmocka_unit_test(identity_round_trip), cmocka_unit_test(identity_refused),
        cmocka_unit_test(burst_request),       cmocka_unit_test(burst_answer),
        cmocka_unit_test(error_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
