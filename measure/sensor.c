// SPDX-License-Identifier: Apache-2.0
#include "measure/sensor.h"

#include <assert.h>
#include <math.h>

uint64_t counter_difference(uint64_t from, uint64_t to, int bits)
{
    assert(bits >= 1 && bits <= 64);
    return (to - from) & UINT64_MAX >> (64 - bits);
}

// Two's complement of `bits` bits as a number.
static int64_t sign_extend(uint64_t value, int bits)
{
    uint64_t sign = UINT64_C(1) << (bits - 1);
    value &= (sign << 1) - 1;
    return (int64_t)(value ^ sign) - (int64_t)sign;
}

// A field of `bits` bits as a share of full scale: with a sign it is spread over one bit less.
static double share(uint64_t value, int bits, bool is_signed)
{
    if (is_signed)
        return ldexp((double)sign_extend(value, bits), 1 - bits);
    return ldexp((double)value, -bits);
}

static bool signed_power(const struct pac193x *p)
{
    return p->bidirectional_volt || p->bidirectional_current;
}

double pac193x_volt(const struct pac193x *p, uint16_t vbus)
{
    return 32 * share(vbus, 16, p->bidirectional_volt);
}

double pac193x_ampere(const struct pac193x *p, uint16_t vsense)
{
    return 0.1 / p->shunt_ohm * share(vsense, 16, p->bidirectional_current);
}

double pac193x_full_scale_watt(const struct pac193x *p)
{
    return 3.2 / p->shunt_ohm;
}

double pac193x_watt(const struct pac193x *p, uint32_t vpower)
{
    return pac193x_full_scale_watt(p) * share(vpower >> 4, 28, signed_power(p));
}

// Sum of 28-bit products in units of full scale.
static double accumulated(const struct pac193x *p, uint64_t acc)
{
    if (signed_power(p))
        return ldexp((double)sign_extend(acc, PAC193X_ACC_BITS), -27);
    return ldexp((double)acc, -28);
}

double pac193x_mean_watt(const struct pac193x *p, uint64_t acc, uint32_t count)
{
    assert(count > 0);
    return pac193x_full_scale_watt(p) * accumulated(p, acc) / count;
}

double pac193x_joule(const struct pac193x *p, uint64_t acc, double sample_hz)
{
    return pac193x_full_scale_watt(p) * accumulated(p, acc) / sample_hz;
}

double pac193x_product_volt_step(const struct pac193x *p)
{
    return ldexp(32, p->bidirectional_volt ? -13 : -14);
}

double pac193x_ampere_step(const struct pac193x *p)
{
    return ldexp(0.1 / p->shunt_ohm, p->bidirectional_current ? -15 : -16);
}

static uint16_t calibration(double value)
{
    double whole = floor(value + 1e-9 * value); // 0.00512 / 2e-6 must not become 2559
    return whole >= 1 && whole <= 0x7fff ? (uint16_t)whole : 0;
}

uint16_t ina226_calibration(double ampere_lsb, double shunt_ohm)
{
    return calibration(0.00512 / (ampere_lsb * shunt_ohm));
}

double ina226_shunt_volt(uint16_t shunt)
{
    return 2.5e-6 * (double)sign_extend(shunt, 16);
}

double ina226_volt(uint16_t bus)
{
    return 1.25e-3 * (bus & 0x7fff);
}

double ina226_ampere(double ampere_lsb, uint16_t current)
{
    return ampere_lsb * (double)sign_extend(current, 16);
}

double ina226_watt(double ampere_lsb, uint16_t power)
{
    return 25 * ampere_lsb * power;
}

int32_t ina226_current_register(uint16_t shunt, uint16_t cal)
{
    return (int32_t)(sign_extend(shunt, 16) * cal / 2048);
}

uint32_t ina226_power_register(int32_t current, uint16_t bus)
{
    return (uint32_t)((int64_t)(current < 0 ? -current : current) * bus / 20000);
}

uint16_t ina228_calibration(const struct ina228 *p, double shunt_ohm)
{
    return calibration(13107.2e6 * p->ampere_lsb * shunt_ohm * (p->narrow_range ? 4 : 1));
}

double ina228_shunt_volt(const struct ina228 *p, uint32_t vshunt)
{
    return (p->narrow_range ? 78.125e-9 : 312.5e-9) * (double)sign_extend(vshunt >> 4, 20);
}

double ina228_volt(uint32_t vbus)
{
    return 195.3125e-6 * (double)(vbus >> 4 & 0xfffff);
}

double ina228_ampere(const struct ina228 *p, uint32_t current)
{
    return p->ampere_lsb * (double)sign_extend(current >> 4, 20);
}

double ina228_watt(const struct ina228 *p, uint32_t power)
{
    return 3.2 * p->ampere_lsb * (power & 0xffffff);
}

double ina228_joule(const struct ina228 *p, uint64_t energy)
{
    return 16 * 3.2 * p->ampere_lsb * (double)(energy & UINT64_C(0xffffffffff));
}

double ina228_coulomb(const struct ina228 *p, uint64_t charge)
{
    return p->ampere_lsb * (double)sign_extend(charge, 40);
}

double ina228_celsius(uint16_t die_temperature)
{
    return 7.8125e-3 * (double)sign_extend(die_temperature, 16);
}
