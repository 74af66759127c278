// SPDX-License-Identifier: Apache-2.0
// TI INA228: the chip accumulates energy, without a count of samples. Mean power of a window is the
// difference of two readings over the window's length by our clock; the chip's own clock is part of
// the accuracy of its energy (1 %). Samples that it lost would not show.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "daemon/meter.h"

enum {
    REG_ADC_CONFIG = 0x01,
    REG_SHUNT_CAL = 0x02,
    REG_VSHUNT = 0x04,
    REG_VBUS = 0x05,
    REG_ENERGY = 0x09,
    REG_DIAG = 0x0b,
    REG_MANUFACTURER = 0x3e,
    REG_DEVICE = 0x3f,
};
enum { VOLT_BYTES = 3, ENERGY_BYTES = 5 };
enum { MANUFACTURER = 0x5449, DEVICE = 0x2280, DEVICE_MASK = 0xfff0 };
enum { ADC_CONFIG = 0xb900 }; // shunt and bus without end, 540 us each, no averaging
enum { DIAG_ENERGY_OVERFLOW = 0x800, DIAG_MATH_OVERFLOW = 0x200, FULL_SCALE = 0x7ffff };

// The range of +-163.84 mV over 2^19 codes: current then has the shunt's codes.
static const double full_scale_volt = 0.16384;
static const double conversion_s = 2 * 540e-6, gain_share = 0.01, offset_volt = 1e-6,
                    min_window_s = 0.1;

static uint64_t number(const uint8_t *bytes, int n)
{
    uint64_t v = 0;
    while (n--)
        v = v << 8 | *bytes++;
    return v;
}

static struct ina228 chip(const struct meter *m)
{
    return (struct ina228){.ampere_lsb =
                               full_scale_volt / m->setup.rails.rail[0].shunt_ohm / (1 << 19)};
}

static uint16_t calibration(const struct meter *m)
{
    struct ina228 c = chip(m);
    return ina228_calibration(&c, m->setup.rails.rail[0].shunt_ohm);
}

static void put16(struct meter *m, uint8_t reg, uint16_t value)
{
    const uint8_t bytes[] = {reg, (uint8_t)(value >> 8), (uint8_t)value};
    i2c_put(m->bus, m->setup.address, bytes, sizeof bytes);
}

static enum i2c_status start(struct meter *m)
{
    uint8_t manufacturer[2], device[2], address = m->setup.address;
    i2c_get(m->bus, address, REG_MANUFACTURER, manufacturer, 2);
    i2c_get(m->bus, address, REG_DEVICE, device, 2);
    enum i2c_status s = i2c_flush(m->bus);
    if (s != I2C_OK)
        return s;
    if (number(manufacturer, 2) != MANUFACTURER || (number(device, 2) & DEVICE_MASK) != DEVICE) {
        snprintf(m->why, sizeof m->why, "0x%02x is no INA228: manufacturer 0x%04x, device 0x%04x",
                 address, (unsigned)number(manufacturer, 2), (unsigned)number(device, 2));
        return I2C_NAK;
    }
    put16(m, REG_SHUNT_CAL, calibration(m));
    put16(m, REG_ADC_CONFIG, ADC_CONFIG);
    m->begin_ns = 0;
    return i2c_flush(m->bus);
}

struct latched {
    uint8_t adc_config[2], calibration[2], diag[2], energy[ENERGY_BYTES], volt[VOLT_BYTES],
        shunt[VOLT_BYTES];
};

static struct measured window_power(const struct meter *m, const struct latched *l, double seconds)
{
    struct ina228 c = chip(m);
    uint32_t shunt = (uint32_t)number(l->shunt, VOLT_BYTES) >> 4;
    uint64_t diag = number(l->diag, 2);
    enum measured_gap gap = MEASURED_NO_GAP;
    if (diag & (DIAG_ENERGY_OVERFLOW | DIAG_MATH_OVERFLOW) || shunt == FULL_SCALE ||
        shunt == FULL_SCALE + 1)
        gap = MEASURED_SATURATED;
    else if (seconds < min_window_s)
        gap = MEASURED_TOO_SHORT;
    if (gap)
        return measured_none(gap, MEASURED_WATT, seconds, m->setup.origin);
    uint64_t spent =
        counter_difference(m->u.ina228.energy, number(l->energy, ENERGY_BYTES), INA228_ENERGY_BITS);
    double watt = ina228_joule(&c, spent) / seconds;
    double volt = ina228_volt((uint32_t)number(l->volt, VOLT_BYTES));
    double ohm = m->setup.rails.rail[0].shunt_ohm;
    if (watt > volt * full_scale_volt / ohm) // more than the range allows: it began again
        return measured_none(MEASURED_RESET, MEASURED_WATT, seconds, m->setup.origin);
    double edge_s = conversion_s + (double)(m->begin_edge_ns + m->end_edge_ns) / 1e9;
    struct measured_bounds bounds = {
        .gain = gain_share * watt,
        .edge = watt * edge_s / seconds,
        .steps = ina228_joule(&c, 1) / seconds + volt * (c.ampere_lsb / 2 + offset_volt / ohm),
    };
    return energy_power_of_readings(watt, (uint32_t)lround(seconds / conversion_s), seconds, bounds,
                                    m->setup.origin);
}

static bool step(struct meter *m, struct meter_power *out)
{
    struct latched l;
    uint8_t address = m->setup.address;
    uint64_t before = m->clock();
    i2c_get(m->bus, address, REG_ENERGY, l.energy, ENERGY_BYTES);
    i2c_get(m->bus, address, REG_VSHUNT, l.shunt, VOLT_BYTES);
    i2c_get(m->bus, address, REG_VBUS, l.volt, VOLT_BYTES);
    i2c_get(m->bus, address, REG_DIAG, l.diag, 2);
    i2c_get(m->bus, address, REG_ADC_CONFIG, l.adc_config, 2);
    i2c_get(m->bus, address, REG_SHUNT_CAL, l.calibration, 2);
    enum i2c_status s = i2c_flush(m->bus);
    uint64_t after = m->clock(), at = before + (after - before) / 2;
    m->end_edge_ns = (after - before) / 2;
    if (s != I2C_OK)
        return meter_fail_bus(m, s, 0, out);
    if (number(l.adc_config, 2) != ADC_CONFIG || number(l.calibration, 2) != calibration(m)) {
        m->started = false;
        meter_fail(m, MEASURED_RESET, "", at, 0, out);
        m->next_ns = after;
        return true;
    }
    bool begun = m->begin_ns != 0, told = meter_has_begun(m, at, out);
    if (begun) {
        out->rail[0] = window_power(m, &l, meter_seconds(m, at));
        meter_next(m, at, out);
    }
    m->u.ina228.energy = number(l.energy, ENERGY_BYTES);
    return told;
}

const struct meter_driver meter_ina228 = {"ina228", 0x41, 1, start, step};
