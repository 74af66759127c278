// SPDX-License-Identifier: Apache-2.0
// What the registers of power sensors mean. Pure conversions: no bus, no state.
// Sources: Microchip PAC1931/2/3/4 data sheet; TI INA226 (SBOS547) and INA228 (SLYS021) data
// sheets.
#ifndef SEVENCAST_MEASURE_SENSOR_H
#define SEVENCAST_MEASURE_SENSOR_H

#include <stdbool.h>
#include <stdint.h>

// Difference of two readings of a counter of `bits` bits that wraps around at most once;
// bits 1..64. Bits above that are ignored.
uint64_t counter_difference(uint64_t from, uint64_t to, int bits);

// PAC193x. Full scale is 32 V and 100 mV over the shunt; a channel set to measure both directions
// has the same full scale with a sign, so half the resolution.
struct pac193x {
    double shunt_ohm;
    bool bidirectional_volt, bidirectional_current;
};

enum { PAC193X_ACC_BITS = 48, PAC193X_COUNT_BITS = 24 };

double pac193x_volt(const struct pac193x *p, uint16_t vbus);
double pac193x_ampere(const struct pac193x *p, uint16_t vsense);

// 3.2 V^2 / shunt.
double pac193x_full_scale_watt(const struct pac193x *p);

// VPOWERn as it is read: 32 bits with the 28-bit product left-justified.
double pac193x_watt(const struct pac193x *p, uint32_t vpower);

// Mean power behind `count` samples whose accumulated products (VPOWERn_ACC, which is not shifted)
// sum up to acc, a difference of two readings. Needs no clock of the sensor. count > 0. With a
// channel in both directions acc is a signed 48-bit number, sign-extended here.
double pac193x_mean_watt(const struct pac193x *p, uint64_t acc, uint32_t count);

// The same as energy, if the sensor's own clock (sample_hz) is to be believed.
double pac193x_joule(const struct pac193x *p, uint64_t acc, double sample_hz);

// Steps of voltage and of current inside the power product: 14-bit voltage, 16-bit current.
double pac193x_product_volt_step(const struct pac193x *p);
double pac193x_ampere_step(const struct pac193x *p);

// INA226. cal is what was written to the calibration register: with 0 the chip reports no current
// and no power.
uint16_t ina226_calibration(double ampere_lsb, double shunt_ohm); // 0 when it does not fit 15 bits
double ina226_shunt_volt(uint16_t shunt);
double ina226_volt(uint16_t bus);
double ina226_ampere(double ampere_lsb, uint16_t current);
double ina226_watt(double ampere_lsb, uint16_t power);
// What the chip computes from its two measurements, to check its registers against each other.
int32_t ina226_current_register(uint16_t shunt, uint16_t cal);
uint32_t ina226_power_register(int32_t current, uint16_t bus);

// INA228. Registers of 24 bits hold 20-bit values left-justified, except power.
struct ina228 {
    double ampere_lsb; // largest expected current / 2^19
    bool narrow_range; // ADCRANGE = 1: +-40.96 mV instead of +-163.84 mV
};

enum { INA228_ENERGY_BITS = 40 };

uint16_t ina228_calibration(const struct ina228 *p, double shunt_ohm); // 0 when it does not fit
double ina228_shunt_volt(const struct ina228 *p, uint32_t vshunt);
double ina228_volt(uint32_t vbus);
double ina228_ampere(const struct ina228 *p, uint32_t current);
double ina228_watt(const struct ina228 *p, uint32_t power);
double ina228_joule(const struct ina228 *p, uint64_t energy);
double ina228_coulomb(const struct ina228 *p, uint64_t charge);
double ina228_celsius(uint16_t die_temperature);

#endif
