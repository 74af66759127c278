// SPDX-License-Identifier: Apache-2.0
// TI INA226: no accumulator. The chip averages 64 conversions of shunt and bus voltage, 141 ms in
// all; readings are polled more often than that, and a window is the mean of those that ended in
// it. Power is the product of both means: what varies within a reading is not in it.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "daemon/meter.h"

enum {
    REG_CONFIG = 0x00,
    REG_SHUNT = 0x01,
    REG_BUS = 0x02,
    REG_CURRENT = 0x04,
    REG_CALIBRATION = 0x05,
    REG_MASK = 0x06,
    REG_MANUFACTURER = 0xfe,
    REG_DIE = 0xff,
};
enum { MANUFACTURER = 0x5449, DIE = 0x2260, DIE_MASK = 0xfff0 };
enum { CONFIG = 0x4727 }; // mean of 64, 1.1 ms each for bus and shunt, continuous
enum { MASK_READY = 0x08, MASK_OVERFLOW = 0x04, FULL_SCALE = 0x7fff };

#define POLL_NS UINT64_C(100000000)

// Largest gain errors of voltage and current together; offset; readings that may be missing.
static const double reading_s = 64 * 2 * 1.1e-3, gain_share = 0.002, offset_volt = 10e-6,
                    lost_share = 0.1;

static uint16_t number(const uint8_t bytes[2])
{
    return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static double ampere_lsb(const struct meter *m) // the current register then equals the shunt's
{
    return ina226_shunt_volt(1) / m->setup.rails.rail[0].shunt_ohm;
}

static uint16_t calibration(const struct meter *m)
{
    return ina226_calibration(ampere_lsb(m), m->setup.rails.rail[0].shunt_ohm);
}

static void put16(struct meter *m, uint8_t reg, uint16_t value)
{
    const uint8_t bytes[] = {reg, (uint8_t)(value >> 8), (uint8_t)value};
    i2c_put(m->bus, m->setup.address, bytes, sizeof bytes);
}

static void begin_window(struct meter *m, uint64_t now)
{
    m->begin_ns = now;
    m->begin_edge_ns = m->end_edge_ns;
    m->u.ina.count = 0;
    m->u.ina.watt = m->u.ina.volt = m->u.ina.ampere = 0;
    m->u.ina.gap = MEASURED_NO_GAP;
}

static enum i2c_status start(struct meter *m)
{
    uint8_t manufacturer[2], die[2], mask[2], address = m->setup.address;
    i2c_get(m->bus, address, REG_MANUFACTURER, manufacturer, 2);
    i2c_get(m->bus, address, REG_DIE, die, 2);
    enum i2c_status s = i2c_flush(m->bus);
    if (s != I2C_OK)
        return s;
    if (number(manufacturer) != MANUFACTURER || (number(die) & DIE_MASK) != DIE) {
        snprintf(m->why, sizeof m->why, "0x%02x is no INA226: manufacturer 0x%04x, die 0x%04x",
                 address, number(manufacturer), number(die));
        return I2C_NAK;
    }
    put16(m, REG_CONFIG, CONFIG); // begins a new reading
    put16(m, REG_CALIBRATION, calibration(m));
    i2c_get(m->bus, address, REG_MASK, mask, 2); // forgets one that was ready
    begin_window(m, m->clock());
    return i2c_flush(m->bus);
}

static struct measured window_power(const struct meter *m, double seconds)
{
    double n = m->u.ina.count, shunt = m->setup.rails.rail[0].shunt_ohm;
    enum measured_gap gap = m->u.ina.gap;
    if (!gap && n && n < seconds / reading_s * (1 - lost_share) - 2)
        gap = MEASURED_LOST_SAMPLES;
    if (gap)
        return measured_none(gap, MEASURED_WATT, seconds, m->setup.origin);
    double watt = n ? m->u.ina.watt / n : 0;
    struct measured_bounds bounds = {.gain = gain_share * fabs(watt)};
    if (n) {
        bounds.edge = (m->u.ina.high - m->u.ina.low) / n; // a reading that began before the window
        bounds.steps = fabs(m->u.ina.ampere) / n * ina226_volt(1) / 2 +
                       m->u.ina.volt / n * (ampere_lsb(m) / 2 + offset_volt / shunt);
    }
    return energy_power_of_readings(watt, m->u.ina.count, seconds, bounds, m->setup.origin);
}

static void take_reading(struct meter *m, uint16_t shunt, uint16_t bus, uint16_t current,
                         uint16_t mask)
{
    if (!(mask & MASK_READY))
        return;
    if (shunt == FULL_SCALE || shunt == FULL_SCALE + 1 || bus >= FULL_SCALE ||
        (mask & MASK_OVERFLOW))
        m->u.ina.gap = MEASURED_SATURATED;
    double volt = ina226_volt(bus), ampere = ina226_ampere(ampere_lsb(m), current);
    double watt = volt * ampere;
    if (!m->u.ina.count || watt < m->u.ina.low)
        m->u.ina.low = watt;
    if (!m->u.ina.count || watt > m->u.ina.high)
        m->u.ina.high = watt;
    m->u.ina.watt += watt;
    m->u.ina.volt += volt;
    m->u.ina.ampere += ampere;
    m->u.ina.count++;
}

static bool step(struct meter *m, struct meter_power *out)
{
    static const uint8_t regs[] = {REG_MASK,    REG_SHUNT,       REG_BUS,
                                   REG_CURRENT, REG_CALIBRATION, REG_CONFIG};
    uint8_t v[sizeof regs][2];
    for (size_t i = 0; i < sizeof regs; i++)
        i2c_get(m->bus, m->setup.address, regs[i], v[i], 2);
    enum i2c_status s = i2c_flush(m->bus);
    uint64_t now = m->clock();
    if (s != I2C_OK) {
        meter_fail_bus(m, s, 0, out);
        begin_window(m, now);
        m->next_ns = now + POLL_NS;
        return true;
    }
    if (number(v[4]) != calibration(m) || number(v[5]) != CONFIG) {
        m->started = false;
        meter_fail(m, MEASURED_RESET, "", now, 0, out);
        m->next_ns = now;
        return true;
    }
    take_reading(m, number(v[1]), number(v[2]), number(v[3]), number(v[0]));
    m->next_ns = now + POLL_NS;
    if (!m->cut && (m->held || now - m->begin_ns < METER_WINDOW_NS))
        return false;
    out->rail[0] = window_power(m, meter_seconds(m, now));
    meter_next(m, now, out);
    begin_window(m, now);
    m->next_ns = now + POLL_NS;
    return true;
}

const struct meter_driver meter_ina226 = {"ina226", 0x40, 1, start, step};
