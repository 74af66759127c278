// SPDX-License-Identifier: Apache-2.0
// For the tests of the flow: writes a well-formed .bit of an XC7S15 as the vendor's tool would,
// with no virtual mark and nothing in it (all frames zero). It configures a device to nothing.
// fake_bitstream USERID OUT
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bitstream/bitstream.h"

static FILE *out;
static uint32_t crc;

static void raw(uint32_t word)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        fputc((int)(word >> shift & 0xff), out);
}

static void set(unsigned reg, uint32_t value)
{
    raw(0x30000001u | reg << 13);
    raw(value);
    crc = config_crc(crc, reg, value);
    if (reg == CONFIG_CMD && value == CONFIG_RCRC)
        crc = 0;
}

static void check(void)
{
    raw(0x30000001u | CONFIG_CRC << 13);
    raw(crc);
    crc = 0;
}

static void text(char field, const char *value)
{
    size_t n = strlen(value) + 1;
    fputc(field, out);
    fputc((int)(n >> 8), out);
    fputc((int)(n & 0xff), out);
    fwrite(value, 1, n, out);
}

static void words(const struct device_part *part)
{
    uint32_t count = part->frames * CONFIG_FRAME_WORDS;
    raw(0xffffffff);
    raw(CONFIG_SYNC);
    raw(0x20000000);
    set(CONFIG_CMD, CONFIG_RCRC);
    set(CONFIG_IDCODE, part->idcode);
    set(CONFIG_FAR, 0);
    set(CONFIG_CMD, CONFIG_WCFG);
    raw(0x30000000u | CONFIG_FDRI << 13);
    raw(0x50000000u | count);
    for (uint32_t i = 0; i < count; i++) {
        raw(0);
        crc = config_crc(crc, CONFIG_FDRI, 0);
    }
    check();
    set(CONFIG_CMD, CONFIG_START);
    check();
    set(CONFIG_CMD, CONFIG_DESYNC);
    raw(0x20000000);
}

int main(int argc, char **argv)
{
    static const unsigned char preamble[] = {0, 9, 15, 240, 15, 240, 15, 240, 15, 240, 0, 0, 1};
    const struct device_part *part = device_part_by_name("xc7s15");
    char design[128];
    if (argc != 3 || !part || !(out = fopen(argv[2], "wb")))
        return 2;
    snprintf(design, sizeof design, "top_xc7s15;UserID=0X%s;COMPRESS=TRUE;Version=2021.2", argv[1]);
    fwrite(preamble, 1, sizeof preamble, out);
    text('a', design);
    text('b', "7s15ftgb196");
    text('c', "2026/01/01");
    text('d', "00:00:00");
    fputc('e', out);
    long length_at = ftell(out);
    raw(0);
    long start = ftell(out);
    words(part);
    uint32_t length = (uint32_t)(ftell(out) - start);
    fseek(out, length_at, SEEK_SET);
    raw(length);
    return fclose(out) == 0 ? 0 : 1;
}
