// SPDX-License-Identifier: Apache-2.0
// Texas Instruments INA226 (16 bits, no energy register) and INA228 (20 bits, 40-bit energy), each
// on one shunt, on I2C.
//
// From the data sheets: INA226 registers and ids, LSBs (2.5 uV, 1.25 mV), conversion times,
// averages, current = shunt x CAL / 2048, power = current x bus / 20000, 0 until CAL is written;
// INA228 20 bits, 40-bit energy. From memory, to be checked against a part: defaults of the
// configuration registers, the mask register's bits, INA228's register map, LSBs (312.5 nV,
// 195.3125 uV) and calibration (current = shunt x 4096 / SHUNT_CAL, power LSB 3.2 x current LSB,
// energy LSB 16 x power LSB). Not modelled: ALERT and its limits, INA228's charge, temperature
// compensation. A conversion takes one sample of the rail at its middle; the part averages over its
// time.
#ifndef SEVENCAST_VBOARD_INA226_H
#define SEVENCAST_VBOARD_INA226_H

#include <stdbool.h>
#include <stdint.h>

#include "tools/vboard/i2c_bus.h"
#include "tools/vboard/sensor.h"

enum { INA226_ADDRESS = 0x40, INA228_ADDRESS = 0x41 };
enum ina_kind { INA226, INA228 };

enum ina226_register {
    INA226_CONFIG = 0x00,
    INA226_SHUNT = 0x01,
    INA226_BUS = 0x02,
    INA226_POWER = 0x03,
    INA226_CURRENT = 0x04,
    INA226_CALIBRATION = 0x05,
    INA226_MASK = 0x06,
    INA226_ALERT_LIMIT = 0x07,
    INA226_MANUFACTURER_ID = 0xfe,
    INA226_DIE_ID = 0xff,
};

enum ina228_register {
    INA228_CONFIG = 0x00,
    INA228_ADC_CONFIG = 0x01,
    INA228_SHUNT_CAL = 0x02,
    INA228_VSHUNT = 0x04,
    INA228_VBUS = 0x05,
    INA228_CURRENT = 0x07,
    INA228_POWER = 0x08,
    INA228_ENERGY = 0x09,
    INA228_DIAG = 0x0b,
    INA228_MANUFACTURER_ID = 0x3e,
    INA228_DEVICE_ID = 0x3f,
};

struct ina226 {
    const struct sensor_world *world; // borrowed
    enum ina_kind kind;
    double shunt_ohm;
    uint16_t config, adc_config, calibration, mask, alert_limit;
    uint64_t next_ns; // board time of the end of the conversion under way
    bool sampled;     // it has passed its middle
    unsigned converted;
    int64_t sum_shunt, sum_bus;
    int32_t shunt, bus, current;
    uint32_t power;
    uint64_t energy;      // INA228: in power LSBs x ns
    bool ready, finished; // a conversion is to be told of; a triggered one is over
    bool overflow, energy_overflow;
    uint8_t pointer, offset;
    uint8_t written[2];
    unsigned writes; // bytes of this write, the pointer included
    uint64_t conversions;
};

extern const struct i2c_device_ops ina226_ops; // of both kinds

void ina226_init(struct ina226 *s, enum ina_kind kind, const struct sensor_world *world,
                 double shunt_ohm, uint64_t now_ns);
void ina226_reset(struct ina226 *s, uint64_t now_ns); // power-on
void ina226_advance(struct ina226 *s, uint64_t now_ns);

// The arithmetic alone, as in the data sheet's worked example.
int32_t ina226_current(int32_t shunt, uint16_t calibration);
uint32_t ina226_power(int32_t current, int32_t bus);

#endif
