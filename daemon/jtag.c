// SPDX-License-Identifier: Apache-2.0
#include "daemon/jtag.h"

#include <ftdi.h>
#include <poll.h>
#include <stdio.h>

#include "daemon/sched.h"

enum { ANSWER_BYTES = 2, READ_TIMEOUT_MS = 100 };
#define ANSWER_WAIT_NS (300 * NS_PER_MS)
#define OPEN_WAIT_NS   (300 * NS_PER_MS)

// MPSSE commands (FTDI AN_108), bits least significant first.
static const unsigned char commands[] = {
    0x8a,             // no division by 5: 60 MHz base
    0x86, 2,    0,    // TCK = 60 MHz / (2 * (1 + 2)) = 10 MHz
    0x80, 0x08, 0x0b, // TCK, TDI, TMS are outputs; TMS high
    0x4b, 5,    0x3f, // TMS 111111: Test-Logic-Reset from anywhere
    0x4b, 4,    0x06, // TMS 01100: Shift-IR
    0x3b, 4,    0x3f, // five bits of BYPASS in, five captured bits out
    0x6b, 0,    0x81, // the sixth with TMS 1: Exit1-IR
    0x4b, 1,    0x01, // TMS 10: Update-IR, Run-Test/Idle
    0x87,             // send the answer now
};

static int read_answer(struct ftdi_context *f, unsigned char answer[ANSWER_BYTES])
{
    int have = 0;
    uint64_t until = now_ns() + ANSWER_WAIT_NS;
    while (have < ANSWER_BYTES && now_ns() < until) {
        int n = ftdi_read_data(f, answer + have, ANSWER_BYTES - have);
        if (n < 0)
            return -1;
        have += n;
    }
    return have == ANSWER_BYTES ? 0 : -1;
}

// openFPGALoader may have let go of the channel a moment ago only.
static int open_channel(struct ftdi_context *f, uint16_t vendor, uint16_t product,
                        const char *serial)
{
    uint64_t until = now_ns() + OPEN_WAIT_NS;
    int r;
    while ((r = ftdi_usb_open_desc(f, vendor, product, NULL, serial)) < 0 && now_ns() < until)
        poll(NULL, 0, 10);
    return r;
}

static int shift(struct ftdi_context *f, struct jtag_status *s)
{
    unsigned char answer[ANSWER_BYTES];
    f->usb_read_timeout = f->usb_write_timeout = READ_TIMEOUT_MS;
    if (ftdi_set_latency_timer(f, 1) < 0 || ftdi_set_bitmode(f, 0, BITMODE_RESET) < 0 ||
        ftdi_set_bitmode(f, 0x0b, BITMODE_MPSSE) < 0 || ftdi_tcioflush(f) < 0 ||
        ftdi_write_data(f, commands, sizeof commands) != (int)sizeof commands ||
        read_answer(f, answer) < 0)
        return -1;
    // Bits enter the answer from the top: five of the first byte, one of the second.
    s->capture = (uint8_t)(answer[0] >> 3 | (answer[1] & 0x80 ? 0x20 : 0));
    s->done = s->capture & 0x20;
    s->init = s->capture & 0x10;
    return 0;
}

int jtag_read_status(uint16_t vendor, uint16_t product, const char *serial, struct jtag_status *s,
                     char *why, size_t whycap)
{
    int result = -1;
    struct ftdi_context *f = ftdi_new();
    if (!f) {
        snprintf(why, whycap, "libftdi does not start");
        return -1;
    }
    ftdi_set_interface(f, INTERFACE_A);
    if (open_channel(f, vendor, product, serial) < 0) {
        snprintf(why, whycap, "JTAG channel: %s", ftdi_get_error_string(f));
        goto out;
    }
    result = shift(f, s);
    if (result < 0)
        snprintf(why, whycap, "JTAG does not answer: %s", ftdi_get_error_string(f));
    else if ((s->capture & 3) != 1) { // the two low bits are 01 on every JTAG device
        snprintf(why, whycap, "JTAG chain broken: instruction capture is 0x%02x", s->capture);
        result = -1;
    }
    ftdi_set_bitmode(f, 0, BITMODE_RESET);
    ftdi_usb_close(f);
out:
    ftdi_free(f);
    return result;
}
