// SPDX-License-Identifier: Apache-2.0
// The configuration EEPROM of an FTDI chip, laid out as libftdi's ftdi_eeprom_decode() reads it.
// On a real FT2232H the asynchronous 245 FIFO of a channel is chosen here and nowhere else.
#ifndef SEVENCAST_VBOARD_EEPROM_H
#define SEVENCAST_VBOARD_EEPROM_H

#include <stdbool.h>
#include <stdint.h>

enum { EEPROM_WORDS = 128, EEPROM_BYTES = 256 }; // 93C56

struct eeprom_content {
    uint16_t product_id, release;
    const char *manufacturer, *product, *serial; // cut at 6, 24 and 16 characters
    bool fifo_a, fifo_b;                         // 245 FIFO instead of UART
    bool has_channel_b;
};

void eeprom_build(const struct eeprom_content *c, uint16_t words[EEPROM_WORDS]);

#endif
