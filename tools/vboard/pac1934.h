// SPDX-License-Identifier: Apache-2.0
// Microchip PAC1934: four channels, 48-bit power accumulators, on I2C.
//
// From the data sheet and its users' code: product and manufacturer ids, the register map 0x00 to
// 0x20, widths and full scales (32 V and 100 mV at 16 bits, power 3.2 V^2 / R at 28 bits,
// left-justified in 32; 14 bits of the voltage enter the product), 48-bit accumulators, 24-bit
// count, sample rates, REFRESH and its millisecond, block reads.
// From memory, to be checked against a part: the bits of CTRL, CHANNEL_DIS, NEG_PWR and SLOW; that
// CTRL, CHANNEL_DIS and NEG_PWR take effect at the next refresh; registers 0x21 to 0x26; that OVF
// in CTRL is live and cleared by REFRESH while CTRL_LAT keeps what it was; the general call; 0xFF
// where nothing is to be read; revision 3. Not known, and decided here: within the millisecond
// after a refresh the part acknowledges and the old values are read; a second refresh in that time
// replaces the first one's values; saturating any accumulator or the count sets OVF; how the low
// bits of the power product are dropped (here: voltage rounded to 14 bits, product cut to 28).
#ifndef SEVENCAST_VBOARD_PAC1934_H
#define SEVENCAST_VBOARD_PAC1934_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/vboard/i2c_bus.h"
#include "tools/vboard/sensor.h"

enum { PAC1934_ADDRESS = 0x10, PAC1934_CHANNELS = 4, PAC1934_AVERAGE = 8 };

enum pac1934_register {
    PAC1934_REFRESH = 0x00,
    PAC1934_CTRL = 0x01,
    PAC1934_ACC_COUNT = 0x02,
    PAC1934_POWER_ACC = 0x03,
    PAC1934_VBUS = 0x07,
    PAC1934_VSENSE = 0x0b,
    PAC1934_VBUS_AVG = 0x0f,
    PAC1934_VSENSE_AVG = 0x13,
    PAC1934_POWER = 0x17,
    PAC1934_CHANNEL_DIS = 0x1c,
    PAC1934_NEG_PWR = 0x1d,
    PAC1934_REFRESH_G = 0x1e,
    PAC1934_REFRESH_V = 0x1f,
    PAC1934_SLOW = 0x20,
    PAC1934_CTRL_ACT = 0x21,
    PAC1934_CHANNEL_DIS_ACT = 0x22,
    PAC1934_NEG_PWR_ACT = 0x23,
    PAC1934_CTRL_LAT = 0x24,
    PAC1934_CHANNEL_DIS_LAT = 0x25,
    PAC1934_NEG_PWR_LAT = 0x26,
    PAC1934_PRODUCT_ID = 0xfd,
    PAC1934_MANUFACTURER_ID = 0xfe,
    PAC1934_REVISION_ID = 0xff,
};

enum { PAC1934_OVF = 0x01, PAC1934_SINGLE = 0x10, PAC1934_SLEEP = 0x20, PAC1934_RATE_SHIFT = 6 };
enum { PAC1934_POR = 0x01, PAC1934_NO_SKIP = 0x02 }; // of SLOW, of CHANNEL_DIS

struct pac1934_setup {
    uint8_t ctrl, channel_dis, neg_pwr;
};

struct pac1934_values {
    uint32_t count;
    int64_t acc[PAC1934_CHANNELS];
    int32_t vbus[PAC1934_CHANNELS], vsense[PAC1934_CHANNELS], power[PAC1934_CHANNELS];
    int32_t vbus_avg[PAC1934_CHANNELS], vsense_avg[PAC1934_CHANNELS];
    struct pac1934_setup setup; // that they were taken with; ctrl with its OVF bit
};

struct pac1934 {
    const struct sensor_world *world; // borrowed
    double shunt_ohm[PAC1934_CHANNELS];

    struct pac1934_setup written, active;
    uint8_t slow;
    int32_t clock_ppm;          // by which its oscillator is fast
    uint64_t phase_ns, samples; // board time: sample k is taken at phase + (k + 1) / rate
    uint64_t now_ns;            // board time of the latest advance
    struct pac1934_values live, pending, readable;
    bool is_pending;
    uint64_t readable_at_ns; // wall time
    int32_t history_v[PAC1934_CHANNELS][PAC1934_AVERAGE];
    int32_t history_i[PAC1934_CHANNELS][PAC1934_AVERAGE];

    uint8_t pointer, offset;
    bool pointer_next; // the next written byte is the pointer

    uint32_t lose_left; // fault: samples that are not taken
    uint64_t taken, lost, refreshes, saturations;
};

extern const struct i2c_device_ops pac1934_ops;

// now_ns: board time.
void pac1934_init(struct pac1934 *p, const struct sensor_world *world,
                  const double shunt_ohm[PAC1934_CHANNELS], uint64_t now_ns);
void pac1934_reset(struct pac1934 *p, uint64_t now_ns); // power-on: all registers to defaults
unsigned pac1934_rate_hz(const struct pac1934 *p);
// Takes the samples that are due up to and including board time now_ns.
void pac1934_advance(struct pac1934 *p, uint64_t now_ns);
// From now on its oscillator is fast by ppm, within +-10 %.
void pac1934_set_clock(struct pac1934 *p, int32_t ppm);
// Fault: the accumulators and the count stand at their ends.
void pac1934_saturate(struct pac1934 *p);

#endif
