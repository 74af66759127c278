// SPDX-License-Identifier: Apache-2.0
// The JTAG side of a 7-series FPGA: TAP controller, instructions and the start-up after
// configuration (UG470 chapters 6 and 10). What configuration words mean is bitstream/'s business.
#ifndef SEVENCAST_VBOARD_TAP_H
#define SEVENCAST_VBOARD_TAP_H

#include <stdbool.h>
#include <stdint.h>

#include "bitstream/bitstream.h"

enum tap_state {
    TAP_RESET,
    TAP_IDLE,
    TAP_SELECT_DR,
    TAP_CAPTURE_DR,
    TAP_SHIFT_DR,
    TAP_EXIT1_DR,
    TAP_PAUSE_DR,
    TAP_EXIT2_DR,
    TAP_UPDATE_DR,
    TAP_SELECT_IR,
    TAP_CAPTURE_IR,
    TAP_SHIFT_IR,
    TAP_EXIT1_IR,
    TAP_PAUSE_IR,
    TAP_EXIT2_IR,
    TAP_UPDATE_IR,
};

enum tap_instruction {
    TAP_USER1 = 0x02,
    TAP_USER2 = 0x03,
    TAP_CFG_OUT = 0x04,
    TAP_CFG_IN = 0x05,
    TAP_USERCODE = 0x08,
    TAP_IDCODE = 0x09,
    TAP_JPROGRAM = 0x0b,
    TAP_JSTART = 0x0c,
    TAP_JSHUTDOWN = 0x0d,
    TAP_USER3 = 0x22,
    TAP_USER4 = 0x23,
    TAP_BYPASS = 0x3f,
};

// The six bits that Capture-IR loads.
enum { TAP_CAPTURE_ONE = 0x01, TAP_CAPTURE_INIT = 0x10, TAP_CAPTURE_DONE = 0x20 };

struct tap_faults {
    bool wrong_idcode; // IDCODE and the configuration logic's idea of it are another part's
    bool done_stuck_low;
    bool tdo_stuck_low; // the cable is off
};

struct tap {
    const struct device_part *part;
    // Called when DONE rises and when the configuration is cleared (JPROGRAM).
    void (*on_done)(void *ctx);
    void (*on_cleared)(void *ctx);
    void *ctx;

    enum tap_state state;
    uint8_t instruction, ir_shift;
    uint64_t dr;
    unsigned dr_bits;         // 0: CFG_IN, bits go to the configuration logic
    uint32_t user[4];         // USER1..4: plain registers, no design uses them
    uint32_t word, word_bits; // configuration bits, MSB first
    uint32_t startup_clocks;
    uint8_t readback; // register that a read packet asked for, 0 none
    bool done;
    struct config_logic config;
    struct tap_faults faults;
    uint64_t configurations;
};

void tap_init(struct tap *t, const struct device_part *part);
// One TCK pulse; returns TDO.
int tap_clock(struct tap *t, int tms, int tdi);
bool tap_init_pin(const struct tap *t);        // INIT_B: low after a CRC or IDCODE error
uint32_t tap_status_word(const struct tap *t); // the STAT register

#endif
