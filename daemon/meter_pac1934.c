// SPDX-License-Identifier: Apache-2.0
// Microchip PAC1934: power is accumulated by the chip. REFRESH latches accumulators and count and
// clears them, so each window is what lies between two of them, without a gap.
#include <stdio.h>
#include <string.h>

#include "daemon/meter.h"

enum {
    REG_REFRESH = 0x00,
    REG_CTRL = 0x01,
    REG_ACC_COUNT = 0x02,
    REG_POWER_ACC = 0x03,
    REG_VBUS = 0x07,
    REG_VSENSE = 0x0b,
    REG_CHANNEL_DIS = 0x1c,
    REG_NEG_PWR = 0x1d,
    REG_SLOW = 0x20,
    REG_CTRL_LAT = 0x24, // CTRL as it was at the REFRESH
    REG_PRODUCT = 0xfd,
    REG_MANUFACTURER = 0xfe,
};
enum { PRODUCT = 0x5b, MANUFACTURER = 0x5d };
enum { CTRL_1024_HZ = 0x00, OVERFLOWED = 0x01, SLOW_RUNNING = 0x14, POWER_ON_RESET = 0x01 };
enum { COUNT_BYTES = 3, ACC_BYTES = 6, VOLT_BYTES = 2 };

#define SETTLE_NS UINT64_C(1500000) // registers are ready 1 ms after a REFRESH

// Data sheet: power within 1 %; the clock within 5 %; the shunt amplifier's offset.
static const double sample_hz = 1024, clock_share = 0.05, gain_share = 0.01, offset_volt = 20e-6,
                    min_window_s = 0.1, clipped_share = 0.98;

struct latched {
    uint8_t count[COUNT_BYTES], acc[METER_RAILS][ACC_BYTES], volt[METER_RAILS][VOLT_BYTES];
    uint8_t current[METER_RAILS][VOLT_BYTES];
    uint8_t ctrl, slow;
};

static uint64_t number(const uint8_t *bytes, int n)
{
    uint64_t v = 0;
    while (n--)
        v = v << 8 | *bytes++;
    return v;
}

static enum i2c_status start(struct meter *m)
{
    uint8_t product = 0, manufacturer = 0, address = m->setup.address;
    const uint8_t settings[][2] = {{REG_CTRL, CTRL_1024_HZ},
                                   {REG_CHANNEL_DIS, 0},
                                   {REG_NEG_PWR, 0},
                                   {REG_SLOW, SLOW_RUNNING}}; // clears POWER_ON_RESET
    i2c_get(m->bus, address, REG_PRODUCT, &product, 1);
    i2c_get(m->bus, address, REG_MANUFACTURER, &manufacturer, 1);
    enum i2c_status s = i2c_flush(m->bus);
    if (s != I2C_OK)
        return s;
    if (product != PRODUCT || manufacturer != MANUFACTURER) {
        snprintf(m->why, sizeof m->why, "0x%02x is no PAC1934: product 0x%02x, manufacturer 0x%02x",
                 address, product, manufacturer);
        return I2C_NAK;
    }
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        i2c_put(m->bus, address, settings[i], 2);
    m->begin_ns = 0;
    return i2c_flush(m->bus);
}

// Whether the current was at full scale: in the latest sample, or so long that the mean shows it.
// A short peak beyond full scale between two samples of that kind is not seen by this chip's
// accumulators; shunts must be chosen for the peak.
static bool clipped(const struct pac193x *chip, const struct latched *l, int rail, double volt,
                    double mean_watt)
{
    return number(l->current[rail], VOLT_BYTES) == UINT16_MAX ||
           mean_watt > clipped_share * volt * pac193x_ampere(chip, UINT16_MAX);
}

static struct measured rail_power(const struct meter *m, int rail, const struct latched *l)
{
    const struct energy_meter meter = {
        .chip = {.shunt_ohm = m->setup.rails.rail[rail].shunt_ohm},
        .sample_hz = sample_hz,
        .clock_share = clock_share,
        .gain_share = gain_share,
        .offset_ampere = offset_volt / m->setup.rails.rail[rail].shunt_ohm,
        .min_window_s = min_window_s,
        .origin = m->setup.origin,
    };
    double seconds = meter_seconds(m, m->u.pac.end_ns);
    uint16_t volt = (uint16_t)number(l->volt[rail], VOLT_BYTES);
    struct energy_window w = {
        .end = {number(l->acc[rail], ACC_BYTES), (uint32_t)number(l->count, COUNT_BYTES)},
        .seconds = seconds,
        .bus_volt = pac193x_volt(&meter.chip, volt ? volt : 1),
    };
    if (l->ctrl & OVERFLOWED)
        return measured_none(MEASURED_SATURATED, MEASURED_WATT, seconds, meter.origin);
    // What lies beyond the window's edges is not known: taken for a rail that goes off there.
    if (w.end.count)
        w.step_watt = pac193x_mean_watt(&meter.chip, w.end.acc, w.end.count);
    if (clipped(&meter.chip, l, rail, w.bus_volt, w.step_watt))
        return measured_none(MEASURED_SATURATED, MEASURED_WATT, seconds, meter.origin);
    return energy_power(&meter, &w);
}

static bool read_window(struct meter *m, struct meter_power *out)
{
    struct latched l;
    uint8_t address = m->setup.address;
    uint64_t end_ns = m->u.pac.end_ns;
    m->latched = false;
    i2c_get(m->bus, address, REG_ACC_COUNT, l.count, COUNT_BYTES);
    for (int i = 0; i < m->setup.rails.n; i++) {
        uint8_t channel = (uint8_t)m->setup.rails.rail[i].channel;
        i2c_get(m->bus, address, (uint8_t)(REG_POWER_ACC + channel), l.acc[i], ACC_BYTES);
        i2c_get(m->bus, address, (uint8_t)(REG_VBUS + channel), l.volt[i], VOLT_BYTES);
        i2c_get(m->bus, address, (uint8_t)(REG_VSENSE + channel), l.current[i], VOLT_BYTES);
    }
    i2c_get(m->bus, address, REG_CTRL_LAT, &l.ctrl, 1);
    i2c_get(m->bus, address, REG_SLOW, &l.slow, 1);
    enum i2c_status s = i2c_flush(m->bus);
    if (s != I2C_OK) // the next window has begun all the same
        return meter_fail_bus(m, s, end_ns, out);
    if (l.slow & POWER_ON_RESET) {
        m->started = false;
        meter_fail(m, MEASURED_RESET, "", end_ns, 0, out);
        m->next_ns = m->clock();
        return true;
    }
    for (int i = 0; i < m->setup.rails.n; i++)
        out->rail[i] = rail_power(m, i, &l);
    meter_next(m, end_ns, out);
    return true;
}

static bool step(struct meter *m, struct meter_power *out)
{
    const uint8_t refresh = REG_REFRESH;
    if (m->latched)
        return read_window(m, out);
    uint64_t before = m->clock();
    i2c_put(m->bus, m->setup.address, &refresh, 1);
    enum i2c_status s = i2c_flush(m->bus);
    uint64_t after = m->clock(), at = before + (after - before) / 2;
    m->end_edge_ns = (after - before) / 2;
    if (s != I2C_OK)
        return meter_fail_bus(m, s, 0, out);
    if (!m->begin_ns) // the first one only clears
        return meter_has_begun(m, at, out);
    m->latched = true;
    m->u.pac.end_ns = at;
    m->next_ns = after + SETTLE_NS;
    return false;
}

const struct meter_driver meter_pac1934 = {"pac1934", 0x10, 4, start, step};
