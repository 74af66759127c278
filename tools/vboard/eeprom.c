// SPDX-License-Identifier: Apache-2.0
#include "tools/vboard/eeprom.h"

#include <string.h>

enum {
    VENDOR_ID = 0x0403,
    CHANNEL_FIFO = 0x01, // low bits of bytes 0 and 1
    MAX_POWER_2MA = 45,
    STRINGS = 0x9a, // where FTDI's own tool puts them in a 256-byte part
    CHIP_93C56 = 0x56,
};

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

// A USB string descriptor at *at, its place and length in the header; advances *at.
static void put_string(uint8_t *b, unsigned header, unsigned *at, const char *s, size_t most)
{
    size_t n = strnlen(s, most);
    b[header] = (uint8_t)*at;
    b[header + 1] = (uint8_t)(2 * n + 2);
    b[*at] = (uint8_t)(2 * n + 2);
    b[*at + 1] = 3;
    for (size_t i = 0; i < n; i++)
        put16(b + *at + 2 + 2 * i, (uint8_t)s[i]);
    *at += (unsigned)(2 * n + 2);
}

void eeprom_build(const struct eeprom_content *c, uint16_t words[EEPROM_WORDS])
{
    uint8_t b[EEPROM_BYTES] = {0};
    b[0x00] = c->fifo_a ? CHANNEL_FIFO : 0;
    b[0x01] = c->has_channel_b && c->fifo_b ? CHANNEL_FIFO : 0;
    put16(b + 0x02, VENDOR_ID);
    put16(b + 0x04, c->product_id);
    put16(b + 0x06, c->release);
    b[0x08] = 0x80; // bus powered
    b[0x09] = MAX_POWER_2MA;
    b[0x0a] = 0x08; // serial number is used
    b[0x18] = CHIP_93C56;
    unsigned at = STRINGS;
    put_string(b, 0x0e, &at, c->manufacturer, 6);
    put_string(b, 0x10, &at, c->product, 24);
    put_string(b, 0x12, &at, c->serial, 16);

    uint16_t sum = 0xaaaa;
    for (unsigned i = 0; i < EEPROM_WORDS; i++) {
        words[i] = (uint16_t)(b[2 * i] | b[2 * i + 1] << 8);
        if (i == EEPROM_WORDS - 1)
            words[i] = sum;
        sum = (uint16_t)(sum ^ words[i]);
        sum = (uint16_t)(sum << 1 | sum >> 15);
    }
}
