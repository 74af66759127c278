// SPDX-License-Identifier: Apache-2.0
#include "tools/vboard/ina226.h"

#include <string.h>

enum {
    CONFIG_RESET = 0x8000,
    INA226_CONFIG_DEFAULT = 0x4127,
    INA228_ADC_DEFAULT = 0xfb68,
    INA228_CAL_DEFAULT = 0x1000,
    INA228_RESET_ENERGY = 0x4000,
    INA228_NARROW = 0x0010, // ADCRANGE: +-40.96 mV
    MASK_READY = 0x0008,
    MASK_OVERFLOW = 0x0004,
    DIAG_READY = 0x0002,
    DIAG_ENERGY_OVERFLOW = 0x0800,
    MODE_SHUNT = 1,
    MODE_BUS = 2,
    MODE_CONTINUOUS_226 = 4,
    MODE_TEMPERATURE = 4, // INA228
};

static const unsigned averages[] = {1, 4, 16, 64, 128, 256, 512, 1024};

struct timing {
    bool shunt, bus, off;
    unsigned average;
    uint64_t ns; // of one conversion of what is on
};

static struct timing timing(const struct ina226 *s)
{
    static const uint16_t us_226[] = {140, 204, 332, 588, 1100, 2116, 4156, 8244};
    static const uint16_t us_228[] = {50, 84, 150, 280, 540, 1052, 2074, 4120};
    const bool is_226 = s->kind == INA226;
    const uint16_t c = is_226 ? s->config : s->adc_config;
    const uint16_t *us = is_226 ? us_226 : us_228;
    // INA226: average, bus time, shunt time, mode (3 bits); INA228: mode (4), bus, shunt,
    // temperature, average.
    unsigned mode = is_226 ? c & 7 : c >> 12 & 7;
    unsigned bus_time = is_226 ? c >> 6 & 7 : c >> 9 & 7,
             shunt_time = is_226 ? c >> 3 & 7 : c >> 6 & 7;
    struct timing t = {.average = averages[is_226 ? c >> 9 & 7 : c & 7]};
    // in INA228's modes bit 0 is the bus and bit 1 the shunt
    t.shunt = mode & (is_226 ? MODE_SHUNT : MODE_BUS);
    t.bus = mode & (is_226 ? MODE_BUS : MODE_SHUNT);
    bool continuous = is_226 ? mode & MODE_CONTINUOUS_226 : c >> 15;
    t.off = (!t.shunt && !t.bus) || (!continuous && s->finished);
    unsigned temperature_us = !is_226 && mode & MODE_TEMPERATURE ? us[c >> 3 & 7] : 0u;
    t.ns = (t.shunt ? us[shunt_time] : 0u) + (t.bus ? us[bus_time] : 0u) + temperature_us;
    t.ns *= 1000;
    return t;
}

static void restart(struct ina226 *s, uint64_t now_ns)
{
    s->converted = 0;
    s->sum_shunt = s->sum_bus = 0;
    s->ready = s->finished = s->sampled = false;
    s->next_ns = now_ns + timing(s).ns;
}

void ina226_reset(struct ina226 *s, uint64_t now_ns)
{
    *s = (struct ina226){.world = s->world,
                         .kind = s->kind,
                         .shunt_ohm = s->shunt_ohm,
                         .config = s->kind == INA226 ? INA226_CONFIG_DEFAULT : 0,
                         .adc_config = INA228_ADC_DEFAULT,
                         .calibration = s->kind == INA226 ? 0 : INA228_CAL_DEFAULT,
                         .conversions = s->conversions};
    restart(s, now_ns);
}

void ina226_init(struct ina226 *s, enum ina_kind kind, const struct sensor_world *world,
                 double shunt_ohm, uint64_t now_ns)
{
    *s = (struct ina226){.world = world, .kind = kind, .shunt_ohm = shunt_ohm};
    ina226_reset(s, now_ns);
}

int32_t ina226_current(int32_t shunt, uint16_t calibration)
{
    return (int32_t)((int64_t)shunt * calibration / 2048);
}

uint32_t ina226_power(int32_t current, int32_t bus)
{
    int64_t magnitude = current < 0 ? -(int64_t)current : current;
    return (uint32_t)(magnitude * bus / 20000);
}

static void finish(struct ina226 *s, const struct timing *t)
{
    if (t->shunt)
        s->shunt = (int32_t)(s->sum_shunt / t->average);
    if (t->bus)
        s->bus = (int32_t)(s->sum_bus / t->average);
    s->converted = 0;
    s->sum_shunt = s->sum_bus = 0;
    if (s->kind == INA226) {
        int32_t current = ina226_current(s->shunt, s->calibration);
        uint32_t power = ina226_power(current, s->bus);
        s->overflow = current > INT16_MAX || current < INT16_MIN || power > UINT16_MAX;
        s->current = current;
        s->power = power;
    } else {
        // I = code x 312.5 nV / R and CAL = 13107.2e6 x LSB x R give code x 4096 / CAL in LSBs, in
        // the narrow range, too: a quarter of the voltage, four times CAL;
        // P = I x V with V in 195.3125 uV and a power LSB of 3.2 current LSBs.
        int64_t current = s->calibration ? (int64_t)s->shunt * 4096 / s->calibration : 0;
        int64_t magnitude = current < 0 ? -current : current;
        s->overflow = current > 524287 || current < -524288;
        s->current = (int32_t)current;
        s->power = (uint32_t)(magnitude * s->bus / 16384);
        s->energy += s->power * t->ns * t->average;
    }
    s->ready = s->finished = true;
}

static void sample(struct ina226 *s, uint64_t at_ns)
{
    double volts, amps;
    s->world->measure(s->world->ctx, 0, at_ns, &volts, &amps);
    if (s->kind == INA226) {
        s->sum_shunt += sensor_code(amps * s->shunt_ohm, 2.5e-6, INT16_MIN, INT16_MAX);
        s->sum_bus += sensor_code(volts, 1.25e-3, 0, INT16_MAX);
    } else {
        double lsb = s->config & INA228_NARROW ? 78.125e-9 : 312.5e-9;
        s->sum_shunt += sensor_code(amps * s->shunt_ohm, lsb, -524288, 524287);
        s->sum_bus += sensor_code(volts, 195.3125e-6, 0, 524287);
    }
    s->sampled = true;
}

static void convert(struct ina226 *s, const struct timing *t)
{
    s->sampled = false;
    s->conversions++;
    if (++s->converted == t->average)
        finish(s, t);
}

void ina226_advance(struct ina226 *s, uint64_t now_ns)
{
    for (;;) {
        struct timing t = timing(s);
        if (t.off) {
            s->next_ns = now_ns + t.ns;
            return;
        }
        uint64_t middle_ns = s->next_ns - t.ns / 2;
        if (!s->sampled && middle_ns <= now_ns)
            sample(s, middle_ns);
        if (s->next_ns > now_ns)
            return;
        convert(s, &t);
        s->next_ns += t.ns;
    }
}

// --- registers ---

static uint64_t value_226(struct ina226 *s, unsigned *bytes)
{
    *bytes = 2;
    switch (s->pointer) {
    case INA226_CONFIG:
        return s->config;
    case INA226_SHUNT:
        return (uint16_t)s->shunt;
    case INA226_BUS:
        return (uint16_t)s->bus;
    case INA226_POWER:
        return (uint16_t)s->power;
    case INA226_CURRENT:
        return (uint16_t)s->current;
    case INA226_CALIBRATION:
        return s->calibration;
    case INA226_MASK:
        return s->mask | (s->ready ? MASK_READY : 0u) | (s->overflow ? MASK_OVERFLOW : 0u);
    case INA226_ALERT_LIMIT:
        return s->alert_limit;
    case INA226_MANUFACTURER_ID:
        return 0x5449;
    case INA226_DIE_ID:
        return 0x2260;
    default:
        return 0;
    }
}

static uint64_t energy_228(struct ina226 *s)
{
    uint64_t e = s->energy / UINT64_C(1000000000) / 16;
    s->energy_overflow |= e >> 40 != 0;
    return e & ((UINT64_C(1) << 40) - 1);
}

static uint64_t value_228(struct ina226 *s, unsigned *bytes)
{
    *bytes = 2;
    switch (s->pointer) {
    case INA228_CONFIG:
        return s->config;
    case INA228_ADC_CONFIG:
        return s->adc_config;
    case INA228_SHUNT_CAL:
        return s->calibration;
    case INA228_VSHUNT: // 20 bits, left-justified in 24
        *bytes = 3;
        return (uint32_t)s->shunt << 4;
    case INA228_VBUS:
        *bytes = 3;
        return (uint32_t)s->bus << 4;
    case INA228_CURRENT:
        *bytes = 3;
        return (uint32_t)s->current << 4;
    case INA228_POWER: // 24 bits
        *bytes = 3;
        return s->power;
    case INA228_ENERGY:
        *bytes = 5;
        return energy_228(s);
    case INA228_DIAG:
        energy_228(s);
        return 1u | (s->ready ? DIAG_READY : 0u) | (s->energy_overflow ? DIAG_ENERGY_OVERFLOW : 0u);
    case INA228_MANUFACTURER_ID:
        return 0x5449;
    case INA228_DEVICE_ID:
        return 0x2281;
    default:
        return 0;
    }
}

static void clear_on_read(struct ina226 *s)
{
    if (s->pointer == (s->kind == INA226 ? INA226_MASK : INA228_DIAG))
        s->ready = false;
    if (s->kind == INA228 && s->pointer == INA228_ENERGY)
        s->energy_overflow = false;
}

// Brings conversions up to date with the old setting, then sets a register.
static void set_register(struct ina226 *s, uint16_t v)
{
    bool is_226 = s->kind == INA226;
    s->world->sync(s->world->ctx);
    uint64_t now_ns = s->next_ns - timing(s).ns; // begin of the conversion under way
    if (s->pointer == INA226_CONFIG && v & CONFIG_RESET) {
        ina226_reset(s, now_ns);
    } else if (s->pointer == INA226_CONFIG && is_226) {
        s->config = v;
        restart(s, now_ns);
    } else if (s->pointer == INA228_CONFIG) {
        if (v & INA228_RESET_ENERGY)
            s->energy = 0;
        s->config = v & (uint16_t)~INA228_RESET_ENERGY;
    } else if (!is_226 && s->pointer == INA228_ADC_CONFIG) {
        s->adc_config = v;
        restart(s, now_ns);
    } else if (s->pointer == (is_226 ? INA226_CALIBRATION : INA228_SHUNT_CAL)) {
        s->calibration = v & 0x7fff;
    } else if (is_226 && s->pointer == INA226_MASK) {
        s->mask = v & 0xfc03;
    } else if (is_226 && s->pointer == INA226_ALERT_LIMIT) {
        s->alert_limit = v;
    }
}

// --- I2C ---

static bool begin(void *ctx, bool read)
{
    struct ina226 *s = ctx;
    s->writes = 0;
    s->offset = 0;
    if (read)
        s->world->sync(s->world->ctx);
    return true;
}

static bool write_byte(void *ctx, uint8_t byte)
{
    struct ina226 *s = ctx;
    if (s->writes == 0)
        s->pointer = byte;
    else if (s->writes < 3)
        s->written[s->writes - 1] = byte;
    if (s->writes < 3 && ++s->writes == 3)
        set_register(s, (uint16_t)(s->written[0] << 8 | s->written[1]));
    return true;
}

static uint8_t read_byte(void *ctx)
{
    struct ina226 *s = ctx;
    unsigned bytes;
    uint64_t v = s->kind == INA226 ? value_226(s, &bytes) : value_228(s, &bytes);
    uint8_t byte = (uint8_t)(v >> 8 * (bytes - 1 - s->offset));
    if (++s->offset == bytes) {
        s->offset = 0;
        clear_on_read(s);
    }
    return byte;
}

static void end(void *ctx)
{
    (void)ctx;
}

const struct i2c_device_ops ina226_ops = {
    .begin = begin, .write = write_byte, .read = read_byte, .end = end};
