// SPDX-License-Identifier: Apache-2.0
// The configuration CRC against known answers, the logic on hand-made words, virtual bitstreams.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bitstream/bitstream.h"
#include "tests/support/random.h"

// Answers computed by an independent bit-by-bit program; the sequence at the end is the tail of
// real XC7S15 and XC7K420T streams, whose second CRC word is E3AD7EA5.
static void test_crc_known_answers(void **state)
{
    static const struct {
        uint32_t crc, word;
        unsigned reg;
        uint32_t answer;
    } single[] = {
        {0, 0, 16, 0x82F63B78},
        {0, 1, 0, 0xC5670B91},
        {0, 0, 1, 0x8AD958CF},
        {0, 0xFFFFFFFF, 31, 0xBF86D4DF},
    };
    static const struct {
        unsigned reg;
        uint32_t word, answer;
    } chain[] =
        {
            {CONFIG_IDCODE, 0x03620093, 0xD897FAA5},
            {CONFIG_CMD, 0, 0x72E89D0E},
            {CONFIG_CMD, 1, 0x6AE6CFDA},
            {CONFIG_FAR, 0, 0x12567096},
            {CONFIG_FDRI, 0xDEADBEEF, 0x725F490D},
            {CONFIG_MFWR, 1, 0x7AB7EC85},
            {24, 0, 0x39EA8ECF},
        },
      tail[] = {
          {CONFIG_CMD, CONFIG_GRESTORE, 0x98CE85A3}, {CONFIG_CMD, CONFIG_LFRM, 0xC5673A75},
          {CONFIG_CMD, CONFIG_START, 0xC070B0B0},    {CONFIG_FAR, 0x03BE0000, 0x901F6B27},
          {CONFIG_MASK, 0x501, 0xDF492F88},          {CONFIG_CTL0, 0x501, 0xE3AD7EA5},
      };
    uint32_t crc = 0;

    (void)state;
    for (size_t i = 0; i < sizeof single / sizeof single[0]; i++)
        assert_int_equal(config_crc(single[i].crc, single[i].reg, single[i].word),
                         single[i].answer);
    for (size_t i = 0; i < sizeof chain / sizeof chain[0]; i++) {
        crc = config_crc(crc, chain[i].reg, chain[i].word);
        assert_int_equal(crc, chain[i].answer);
    }
    crc = 0;
    for (size_t i = 0; i < sizeof tail / sizeof tail[0]; i++) {
        crc = config_crc(crc, tail[i].reg, tail[i].word);
        assert_int_equal(crc, tail[i].answer);
    }
}

// 37 bits, one at a time, as the definition says.
static uint32_t slow_crc(uint32_t crc, unsigned reg, uint32_t word)
{
    uint64_t bits = (uint64_t)reg << 32 | word;

    for (int i = 0; i < 37; i++) {
        uint32_t feedback = (crc ^ (uint32_t)(bits >> i)) & 1;
        crc >>= 1;
        if (feedback)
            crc ^= 0x82F63B78;
    }
    return crc;
}

static void test_crc_random(void **state)
{
    struct rng rng;

    (void)state;
    rng_init(&rng, 7);
    for (int i = 0; i < 100000; i++) {
        uint32_t crc = (uint32_t)rng_u64(&rng), word = (uint32_t)rng_u64(&rng);
        unsigned reg = (unsigned)rng_range(&rng, 0, 31);
        assert_int_equal(config_crc(crc, reg, word), slow_crc(crc, reg, word));
    }
}

// A stream of words under construction.
struct words {
    uint32_t word[600];
    size_t n;
    uint32_t crc;
};

static void add(struct words *w, uint32_t word)
{
    assert_true(w->n < sizeof w->word / sizeof w->word[0]);
    w->word[w->n++] = word;
}

static void set(struct words *w, unsigned reg, uint32_t value)
{
    add(w, 0x30000001u | reg << 13);
    add(w, value);
    w->crc = reg == CONFIG_CRC ? 0 : config_crc(w->crc, reg, value);
    if (reg == CONFIG_CMD && value == CONFIG_RCRC)
        w->crc = 0;
}

static void block(struct words *w, unsigned reg, int count, uint32_t first, int type2)
{
    add(w, 0x30000000u | reg << 13 | (type2 ? 0 : (unsigned)count));
    if (type2)
        add(w, 0x50000000u | (unsigned)count);
    for (int i = 0; i < count; i++) {
        add(w, first + (uint32_t)i);
        w->crc = config_crc(w->crc, reg, first + (uint32_t)i);
    }
}

enum { BEGIN_OK = 0x03620093 };

static void begin(struct words *w, uint32_t idcode)
{
    memset(w, 0, sizeof *w);
    add(w, 0xffffffff);
    add(w, CONFIG_SYNC);
    add(w, 0x20000000);
    set(w, CONFIG_CMD, CONFIG_RCRC);
    set(w, CONFIG_IDCODE, idcode);
}

static void end(struct words *w)
{
    set(w, CONFIG_CMD, CONFIG_START);
    set(w, CONFIG_CRC, w->crc);
    set(w, CONFIG_CMD, CONFIG_DESYNC);
}

static void feed(struct config_logic *c, const struct words *w)
{
    for (size_t i = 0; i < w->n; i++)
        config_logic_word(c, w->word[i]);
}

static void test_logic_types(void **state)
{
    (void)state;
    for (int type2 = 0; type2 < 2; type2++) {
        struct config_logic c;
        struct words w;
        begin(&w, BEGIN_OK);
        block(&w, CONFIG_FDRI, 202, 1000, type2);
        set(&w, CONFIG_CRC, w.crc);
        end(&w);
        config_logic_reset(&c, 0x03620093, 202);
        feed(&c, &w);
        assert_true(c.done && c.id_ok && c.desynced && !c.synced && !c.crc_error);
        assert_int_equal(c.fdri_words, 202);
        assert_int_equal(c.first_frame[63], 1063);
        assert_int_equal(c.crc_checks, 2);
        assert_int_equal(c.strange_words, 0);
        assert_true(config_logic_status(&c) & CONFIG_STAT_DONE);
    }
}

static void test_logic_compressed(void **state)
{
    struct config_logic c;
    struct words w;

    (void)state;
    begin(&w, BEGIN_OK);
    block(&w, CONFIG_FDRI, 101, 1, 0);
    set(&w, CONFIG_CMD, CONFIG_MFW);
    block(&w, CONFIG_MFWR, 8, 0, 0);
    set(&w, CONFIG_FAR, 5);
    block(&w, CONFIG_MFWR, 4, 0, 0);
    end(&w);
    config_logic_reset(&c, 0, 134128); // the length is not asked of a compressed stream
    feed(&c, &w);
    assert_true(c.done);
    assert_int_equal(c.mfwr_writes, 2);
}

static void test_logic_refuses(void **state)
{
    struct config_logic c;
    struct words w;

    (void)state;
    // another device; the revision nibble does not matter
    begin(&w, 0x0362f093);
    end(&w);
    config_logic_reset(&c, 0x03620093, 0);
    feed(&c, &w);
    assert_true(c.id_error && !c.done);
    assert_true(config_logic_status(&c) & CONFIG_STAT_ID_ERROR);
    begin(&w, 0xf3620093);
    end(&w);
    config_logic_reset(&c, 0x03620093, 0);
    feed(&c, &w);
    assert_true(c.id_ok && c.done);
    // no IDCODE at all
    memset(&w, 0, sizeof w);
    add(&w, CONFIG_SYNC);
    end(&w);
    config_logic_reset(&c, 0x03620093, 0);
    feed(&c, &w);
    assert_true(c.start_seen && !c.id_ok && !c.done);
    // a wrong CRC before START stays wrong
    begin(&w, BEGIN_OK);
    set(&w, CONFIG_CRC, w.crc ^ 1);
    end(&w);
    config_logic_reset(&c, 0x03620093, 0);
    feed(&c, &w);
    assert_true(c.crc_error && !c.done);
    assert_int_equal(config_logic_status(&c) & CONFIG_STAT_INIT_B, 0);
    // a good CRC, but START never came
    begin(&w, BEGIN_OK);
    set(&w, CONFIG_CRC, w.crc);
    set(&w, CONFIG_CMD, CONFIG_DESYNC);
    config_logic_reset(&c, 0x03620093, 0);
    feed(&c, &w);
    assert_true(!c.crc_error && !c.done);
    // too few configuration words
    begin(&w, BEGIN_OK);
    block(&w, CONFIG_FDRI, 101, 1, 0);
    end(&w);
    config_logic_reset(&c, 0x03620093, 202);
    feed(&c, &w);
    assert_true(!c.done);
}

static void test_logic_resync_and_reads(void **state)
{
    struct config_logic c;
    struct words w;

    (void)state;
    config_logic_reset(&c, 0x03620093, 0);
    begin(&w, BEGIN_OK);
    set(&w, CONFIG_CMD, CONFIG_DESYNC);
    feed(&c, &w);
    assert_true(!c.synced && c.desynced && c.id_ok);
    config_logic_word(&c, 0x30000001); // means nothing now
    assert_int_equal(c.packet_left, 0);
    config_logic_word(&c, CONFIG_SYNC);
    assert_true(c.synced);
    config_logic_word(&c, 0x2800E001); // read one word of STAT
    assert_int_equal(c.read_register, CONFIG_STAT);
    assert_int_equal(c.read_words, 1);
    config_logic_word(&c, 0x20000000);
    assert_int_equal(c.read_words, 0);
    memset(&w, 0, sizeof w);
    set(&w, CONFIG_CMD, CONFIG_RCRC);
    end(&w);
    feed(&c, &w);
    assert_true(c.done);
}

static void test_logic_any_alignment(void **state)
{
    struct words w;

    (void)state;
    begin(&w, BEGIN_OK);
    block(&w, CONFIG_FDRI, 101, 0xAA995500, 1);
    end(&w);
    add(&w, CONFIG_SYNC); // at once, at the same offset
    add(&w, 0x2800E001);
    for (unsigned late = 0; late < 32; late++) { // the stream begins this many bits late
        struct config_logic c;
        uint64_t left = UINT64_MAX;
        config_logic_reset(&c, 0x03620093, 101);
        for (size_t i = 0; i <= w.n; i++) {
            uint32_t word = i < w.n ? w.word[i] : 0x20000000;
            left = left << 32 | word;
            config_logic_word(&c, (uint32_t)(left >> late));
        }
        assert_true(c.done);
        assert_true(c.synced);
        assert_int_equal(c.read_register, CONFIG_STAT);
        assert_int_equal(c.strange_words, 0);
    }
}

static void test_logic_any_words(void **state)
{
    struct config_logic c;
    struct rng rng;

    (void)state;
    rng_init(&rng, 99);
    for (int run = 0; run < 200; run++) {
        config_logic_reset(&c, 0x03620093, 134128);
        config_logic_word(&c, CONFIG_SYNC);
        for (int i = 0; i < 2000; i++)
            config_logic_word(&c, (uint32_t)rng_u64(&rng));
        assert_false(c.done);
    }
}

static uint8_t *make(size_t *n)
{
    struct virtual_mark mark = {.variant = "demand-w8"};
    uint8_t *file;

    for (int i = 0; i < 32; i++)
        mark.hash[i] = (uint8_t)(7 * i + 1);
    file = bitstream_make_virtual(device_part_by_name("xc7s15"), &mark, n);
    assert_non_null(file);
    return file;
}

static void test_virtual_round_trip(void **state)
{
    struct bitstream_report r;
    size_t n;
    uint8_t *file = make(&n);

    (void)state;
    assert_int_equal(bitstream_check(file, n, device_part_by_name("xc7s15"), &r), BITSTREAM_OK);
    assert_true(r.is_virtual);
    assert_false(r.compressed);
    assert_string_equal(r.mark.variant, "demand-w8");
    assert_int_equal(r.mark.hash[31], 7 * 31 + 1);
    assert_non_null(strstr(r.header.design, "VIRTUAL"));
    assert_string_equal(r.header.part, "7s15ftgb196");
    assert_int_equal(r.fdri_words, 1328 * 101);
    assert_int_equal(bitstream_check(file, n, device_part_by_name("xc7s50"), &r),
                     BITSTREAM_WRONG_PART);
    // raw, without its header: only the IDCODE can tell
    assert_int_equal(bitstream_check(file + r.header.data_offset, n - r.header.data_offset,
                                     device_part_by_name("xc7s50"), &r),
                     BITSTREAM_WRONG_PART);
    free(file);
}

static void test_virtual_other_parts(void **state)
{
    static const char *const names[] = {"xc7s6", "xc7s25", "xc7s50", "xc7a35t", "xc7a100t"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct virtual_mark mark = {.variant = "a"};
        const struct device_part *part = device_part_by_name(names[i]);
        struct bitstream_report r;
        size_t n;
        uint8_t *file = bitstream_make_virtual(part, &mark, &n);
        assert_non_null(file);
        assert_int_equal(bitstream_check(file, n, NULL, &r), BITSTREAM_OK);
        assert_ptr_equal(r.part, part);
        free(file);
    }
}

static void test_bad_names(void **state)
{
    static const char *const names[] = {"", "-a", "../x", "A", "a b", "a/b"};
    size_t n;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct virtual_mark mark = {0};
        memcpy(mark.variant, names[i], strlen(names[i]));
        assert_null(bitstream_make_virtual(device_part_by_name("xc7s15"), &mark, &n));
    }
}

// Every flipped bit in frame data or CRC words is BAD_CRC, every flip in the header is refused or
// harmless text, and none before the sync word or in NOOPs changes what is configured.
static void test_flips(void **state)
{
    const struct device_part *part = device_part_by_name("xc7s15");
    struct bitstream_report good, r;
    struct rng rng;
    size_t n;
    uint8_t *file = make(&n);

    (void)state;
    rng_init(&rng, 4);
    bitstream_check(file, n, part, &good);
    for (int i = 0; i < 60; i++) {
        // frame data begin some 66 words into the stream and are 536,512 bytes long
        size_t at = good.header.data_offset + 300 + (size_t)rng_range(&rng, 0, 536000);
        uint8_t bit = (uint8_t)(1 << rng_range(&rng, 0, 7));
        file[at] ^= bit;
        if (bitstream_check(file, n, part, &r) != BITSTREAM_BAD_CRC)
            fail_msg("byte %zu, mask %02x: %s", at, bit, bitstream_verdict_name(r.verdict));
        assert_memory_not_equal(r.sha256, good.sha256, sizeof r.sha256);
        file[at] ^= bit;
    }
    for (size_t at = 0; at < good.header.data_offset; at++) {
        file[at] ^= 0x10;
        bitstream_check(file, n, part, &r);
        if (r.verdict == BITSTREAM_OK)
            assert_memory_equal(&r.mark, &good.mark, sizeof r.mark);
        file[at] ^= 0x10;
    }
    free(file);
}

static void test_truncations(void **state)
{
    const struct device_part *part = device_part_by_name("xc7s15");
    struct bitstream_report r;
    struct rng rng;
    size_t n;
    uint8_t *file = make(&n);

    (void)state;
    rng_init(&rng, 5);
    for (size_t len = 0; len < 200; len++)
        assert_int_not_equal(bitstream_check(file, len, part, &r), BITSTREAM_OK);
    for (int i = 0; i < 40; i++) {
        size_t len = (size_t)rng_range(&rng, 0, (int64_t)n - 1);
        // a copy of exactly that size: reading past it would be seen by the address sanitizer
        uint8_t *cut = malloc(len + 1);
        assert_non_null(cut);
        memcpy(cut, file, len);
        assert_int_not_equal(bitstream_check(cut, len, part, &r), BITSTREAM_OK);
        free(cut);
    }
    // raw: without a header's length, all up to the DESYNC is still missed (400 NOOPs follow it)
    size_t data = 92;
    bitstream_check(file, n, part, &r);
    data = r.header.data_offset;
    for (int i = 0; i < 40; i++) {
        size_t len = (size_t)rng_range(&rng, 0, (int64_t)(n - data) - 400 * 4 - 1);
        assert_int_not_equal(bitstream_check(file + data, len, part, &r), BITSTREAM_OK);
    }
    free(file);
}

static void test_cut_places(void **state)
{
    const struct device_part *part = device_part_by_name("xc7s15");
    struct bitstream_report r;
    size_t n, raw;
    uint8_t *file = make(&n);

    (void)state;
    bitstream_check(file, n, part, &r);
    raw = n - r.header.data_bytes;
    // the stream ends with DESYNC and 400 no operations
    assert_int_equal(bitstream_check(file + raw, n - raw - 1600, part, &r), BITSTREAM_OK);
    assert_int_equal(bitstream_check(file + raw, n - raw - 1604, part, &r), BITSTREAM_TRUNCATED);
    assert_string_equal(r.why, "ends 1 words before its last packet");
    assert_int_equal(bitstream_check(file + raw, n - raw - 1608, part, &r), BITSTREAM_TRUNCATED);
    assert_string_equal(r.why, "no DESYNC at its end");
    assert_int_equal(bitstream_check(file + raw, 40000, part, &r), BITSTREAM_TRUNCATED);
    assert_non_null(strstr(r.why, "before its last packet"));
    free(file);
}

static void test_damaged_mark(void **state)
{
    struct virtual_mark mark = {.variant = "demand-w8"}, seen;
    struct config_logic c;
    struct bitstream_header h;
    char why[128];
    size_t n;
    uint8_t *file = bitstream_make_virtual(device_part_by_name("xc7s15"), &mark, &n);

    (void)state;
    assert_non_null(file);
    assert_int_equal(bitstream_header_read(file, n, &h, why, sizeof why), BITSTREAM_OK);
    config_logic_reset(&c, 0, 0);
    for (size_t at = h.data_offset; at < h.data_offset + 2000; at += 4)
        config_logic_word(&c, (uint32_t)file[at] << 24 | (uint32_t)file[at + 1] << 16 |
                                  (uint32_t)file[at + 2] << 8 | file[at + 3]);
    assert_int_equal(virtual_mark_decode(c.first_frame, &seen), 0);
    for (int i = 0; i <= 27; i++) {
        c.first_frame[i] ^= 0x01000000; // a letter of the name stays a letter
        assert_int_equal(virtual_mark_decode(c.first_frame, &seen), -1);
        c.first_frame[i] ^= 0x01000000;
    }
    free(file);
}

static void test_header_faults(void **state)
{
    const struct device_part *part = device_part_by_name("xc7s15");
    struct bitstream_report r;
    size_t n;
    uint8_t *file = make(&n);
    uint8_t *longer = calloc(1, n + 4);

    (void)state;
    assert_non_null(longer);
    memcpy(longer, file, n);
    assert_int_equal(bitstream_check(longer, n + 4, part, &r), BITSTREAM_BAD_HEADER);
    file[13] = 'z';
    assert_int_equal(bitstream_check(file, n, part, &r), BITSTREAM_BAD_HEADER);
    assert_non_null(strstr(r.why, "field a"));
    file[13] = 'a';
    file[14] = 0xff; // field a says 65,000 bytes: what follows it is frame data
    assert_int_equal(bitstream_check(file, n, part, &r), BITSTREAM_BAD_HEADER);
    assert_int_equal(bitstream_check(file, 200, part, &r), BITSTREAM_TRUNCATED);
    assert_non_null(strstr(r.why, "field a says 65"));
    assert_int_equal(bitstream_check((const uint8_t *)"hello, world", 12, part, &r),
                     BITSTREAM_NO_SYNC);
    free(file);
    free(longer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crc_known_answers),   cmocka_unit_test(test_crc_random),
        cmocka_unit_test(test_logic_types),         cmocka_unit_test(test_logic_compressed),
        cmocka_unit_test(test_logic_refuses),       cmocka_unit_test(test_logic_resync_and_reads),
        cmocka_unit_test(test_logic_any_alignment), cmocka_unit_test(test_logic_any_words),
        cmocka_unit_test(test_virtual_round_trip),  cmocka_unit_test(test_virtual_other_parts),
        cmocka_unit_test(test_bad_names),           cmocka_unit_test(test_flips),
        cmocka_unit_test(test_truncations),         cmocka_unit_test(test_cut_places),
        cmocka_unit_test(test_damaged_mark),        cmocka_unit_test(test_header_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
