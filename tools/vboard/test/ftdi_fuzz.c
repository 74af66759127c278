// SPDX-License-Identifier: Apache-2.0
// Any host against the chips, the TAP and the configuration logic: the input is a sequence of
// control requests, bulk writes and bulk reads on both channels, or, when it begins with an odd
// byte, on a meter with its sensors.
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/vboard/ftdi.h"
#include "tools/vboard/power_meter.h"
#include "tools/vboard/tap.h"
#include "tools/vboard/test/ftdi_fuzz.h"

static struct tap tap;
static struct power_meter meter;

static uint64_t wall(void) // a millisecond at every look
{
    static uint64_t now_ns;
    return now_ns += 1000000;
}

static int jtag(void *ctx, int tms, int tdi)
{
    return tap_clock(ctx, tms, tdi);
}

static void bulk_in(struct ftdi *chip, unsigned channel, size_t capacity)
{
    static uint8_t buffer[4096];
    static uint64_t now_ns =
        UINT64_MAX / 2; // later than any real time, and a second more each time
    uint64_t due;
    struct ftdi_in in = {.buffer = buffer, .capacity = capacity};
    now_ns += 1000000000;
    bool complete = ftdi_in(chip, channel, &in, now_ns, &due);
    if (!complete) { // a full packet went, the rest waits for the latency timer
        now_ns += 1000000000;
        complete = ftdi_in(chip, channel, &in, now_ns, &due);
    }
    assert(complete && in.filled <= capacity);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct ftdi chip;
    uint8_t reply[65536] = {0};
    bool is_meter = n && data[0] & 1;
    if (n) {
        data++;
        n--;
    }
    ftdi_init(&chip, is_meter ? FTDI_FT232H : FTDI_FT2232H, "FUZZ", !is_meter);
    tap_init(&tap, device_part_by_name("xc7s15"));
    chip.channel[0].mpsse.clock = jtag;
    chip.channel[0].mpsse.ctx = &tap;
    if (is_meter) {
        power_meter_init(&meter, wall);
        power_meter_attach(&meter, &chip.channel[0].mpsse);
    }
    const uint8_t mpsse_on[8] = {0x40, 0x0b, 0, 2, 1, 0, 0, 0};
    ftdi_control(&chip, mpsse_on, reply);
    while (n >= 2) {
        unsigned channel = is_meter ? 0 : data[0] & 1, length = data[1];
        unsigned what = data[0] >> 1 & 3;
        data += 2;
        n -= 2;
        if (length > n)
            length = (unsigned)n;
        if (what == 0 && length >= 8) {
            int r = ftdi_control(&chip, data, reply);
            assert(r <= (data[6] | data[7] << 8));
        } else if (what == 1) {
            bulk_in(&chip, channel, 2 + length * 16u);
        } else if (what == 2 && channel) {
            fifo_from_device(&chip.channel[1].fifo, data, length, length & 1);
        } else {
            size_t used = ftdi_out(&chip, channel, data, length);
            assert(used <= length);
        }
        data += length;
        n -= length;
    }
    ftdi_fini(&chip);
    return 0;
}
