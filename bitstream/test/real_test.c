// SPDX-License-Identifier: Apache-2.0
// Real bitstreams: those that the openFPGALoader package brings for its SPI bridge, made by the
// vendor's tool for many devices. Skipped where they are not installed.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "bitstream/bitstream.h"
#include "tests/support/random.h"

static glob_t found;

static uint8_t *unpack(const char *path, size_t *n)
{
    uint8_t *bytes = malloc(BITSTREAM_MAX_BYTES);
    gzFile f = gzopen(path, "rb");
    int got;

    assert_non_null(bytes);
    assert_non_null(f);
    got = gzread(f, bytes, BITSTREAM_MAX_BYTES);
    assert_true(got > 0);
    gzclose(f);
    *n = (size_t)got;
    return bytes;
}

// 7-series by its file name: xc7s25, xc7a100t, xc7k325t.
static int is_series_7(const char *path)
{
    return strstr(path, "_xc7") != NULL;
}

static void test_all_judged(void **state)
{
    const struct device_part *s15 = device_part_by_name("xc7s15");
    int series_7 = 0, compressed = 0, full = 0;

    (void)state;
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i];
        struct bitstream_report r;
        size_t n;
        uint8_t *file = unpack(path, &n);
        int for_s15 = strstr(path, "_xc7s15") != NULL;
        bitstream_check(file, n, s15, &r);
        if (for_s15 ? r.verdict != BITSTREAM_OK
                    : is_series_7(path) && r.verdict != BITSTREAM_WRONG_PART)
            fail_msg("%s for xc7s15: %s, %s", path, bitstream_verdict_name(r.verdict), r.why);
        assert_true(for_s15 || r.verdict != BITSTREAM_OK);
        bitstream_check(file, n, NULL, &r);
        assert_false(r.is_virtual);
        if (is_series_7(path)) {
            if (r.verdict != BITSTREAM_OK)
                fail_msg("%s: %s, %s", path, bitstream_verdict_name(r.verdict), r.why);
            assert_int_equal(r.crc_checks, 2);
            series_7++;
            compressed += r.compressed;
            full += !r.compressed;
        }
        free(file);
    }
    printf("%d streams for 7-series devices, %d of them compressed; all CRC words match\n",
           series_7, compressed);
    assert_true(compressed > 0 && full > 0);
}

// The byte offset of the last FDRI or MFWR word before offset limit; 0 when there is none.
static size_t data_word_before(const uint8_t *file, const struct bitstream_header *h, size_t limit)
{
    struct config_logic c;
    size_t last = 0;

    config_logic_reset(&c, 0, 0);
    for (size_t at = h->data_offset; at + 4 <= limit; at += 4) {
        if (c.synced && c.packet_left > 0 &&
            (c.packet_register == CONFIG_FDRI || c.packet_register == CONFIG_MFWR))
            last = at;
        config_logic_word(&c, (uint32_t)file[at] << 24 | (uint32_t)file[at + 1] << 16 |
                                  (uint32_t)file[at + 2] << 8 | file[at + 3]);
    }
    return last;
}

// Any flipped bit of configuration data must be seen.
static void test_flips(void **state)
{
    struct bitstream_report r;
    struct rng rng;
    int flips = 0;

    (void)state;
    rng_init(&rng, 6);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        size_t n;
        uint8_t *file;
        if (!is_series_7(found.gl_pathv[i]))
            continue;
        file = unpack(found.gl_pathv[i], &n);
        bitstream_check(file, n, NULL, &r);
        for (int k = 0; k < 6 && n < (1 << 20); k++) {
            size_t limit = r.header.data_offset + (size_t)rng_range(&rng, 1000, 60000);
            size_t at = data_word_before(file, &r.header, limit);
            uint8_t mask = (uint8_t)(1 << rng_range(&rng, 0, 7));
            assert_true(at > 0);
            at += (size_t)rng_range(&rng, 0, 3);
            file[at] ^= mask;
            if (bitstream_check(file, n, NULL, &r) != BITSTREAM_BAD_CRC)
                fail_msg("%s, byte %zu, mask %02x: %s", found.gl_pathv[i], at, mask,
                         bitstream_verdict_name(r.verdict));
            file[at] ^= mask;
            flips++;
        }
        free(file);
    }
    assert_true(flips > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_judged),
        cmocka_unit_test(test_flips),
    };
    int rc;

    if (glob("/usr/share/openFPGALoader/spiOverJtag_xc*.bit.gz", 0, NULL, &found) != 0) {
        puts("no real bitstreams here (package openfpgaloader): skipped");
        return 77;
    }
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    globfree(&found);
    return rc;
}
