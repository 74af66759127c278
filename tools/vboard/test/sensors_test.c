// SPDX-License-Identifier: Apache-2.0
// The sensors on the I2C bus, against figures of their data sheets.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/vboard/ina226.h"
#include "tools/vboard/pac1934.h"
#include "tools/vboard/test/i2c_master.h"

#define S  UINT64_C(1000000000)
#define MS UINT64_C(1000000)

static double volts[4], amps[4];
static uint64_t wall;

static void measure(void *ctx, unsigned channel, uint64_t at_ns, double *v, double *a)
{
    (void)ctx;
    (void)at_ns;
    *v = volts[channel];
    *a = amps[channel];
}

static void sync(void *ctx)
{
    (void)ctx;
}

static uint64_t wall_ns(void *ctx)
{
    (void)ctx;
    return wall;
}

static const struct sensor_world world = {.measure = measure, .sync = sync, .wall_ns = wall_ns};
static struct i2c_bus bus;
static struct pac1934 pac;
static struct ina226 ina, ina8;

static int setup(void **state)
{
    static const double shunts[4] = {0.82, 0.82, 0.82, 0.82};
    (void)state;
    wall = 0;
    for (int i = 0; i < 4; i++) {
        volts[i] = 1.0 + i;
        amps[i] = 0.01 * (i + 1);
    }
    i2c_bus_init(&bus);
    pac1934_init(&pac, &world, shunts, 0);
    ina226_init(&ina, INA226, &world, 0.002, 0);
    ina226_init(&ina8, INA228, &world, 0.002, 0);
    i2c_bus_add(&bus, PAC1934_ADDRESS, &pac1934_ops, &pac);
    i2c_bus_add(&bus, INA226_ADDRESS, &ina226_ops, &ina);
    i2c_bus_add(&bus, INA228_ADDRESS, &ina226_ops, &ina8);
    return 0;
}

static uint64_t pac_read(uint8_t r, size_t n)
{
    return i2c_read(&bus, PAC1934_ADDRESS, r, n);
}

static void pac_set(uint8_t r, uint8_t v)
{
    assert_true(i2c_write(&bus, PAC1934_ADDRESS, (const uint8_t[]){r, v}, 2));
}

static void pac_refresh(uint8_t command)
{
    assert_true(i2c_write(&bus, PAC1934_ADDRESS, &command, 1));
    wall += MS;
}

static void pac_identity(void **state)
{
    (void)state;
    assert_int_equal(pac_read(0xfd, 1), 0x5b);
    assert_int_equal(pac_read(0xfe, 1), 0x5d);
    assert_int_equal(pac_read(0x20, 1) & PAC1934_POR, PAC1934_POR);
    pac_set(0x20, 0);
    assert_int_equal(pac_read(0x20, 1), 0);
    pac_set(PAC1934_CTRL, 0x80);
    pac1934_reset(&pac, 0);
    assert_int_equal(pac_read(0x20, 1) & PAC1934_POR, PAC1934_POR);
    assert_int_equal(pac_read(PAC1934_CTRL, 1), 0);
}

// V = 32 V x code / 2^16, I = 0.1 V / R x code / 2^16, P = 3.2 V^2 / R x code / 2^28.
static void pac_conversions(void **state)
{
    (void)state;
    volts[0] = 1.0;        // code 2048
    amps[0] = 0.05 / 0.82; // half of full scale
    volts[1] = 40;         // clipped
    amps[1] = 1;
    pac1934_advance(&pac, 8 * S / 1024);
    pac_refresh(PAC1934_REFRESH_V);
    assert_int_equal(pac_read(PAC1934_VBUS, 2), 2048);
    assert_int_equal(pac_read(PAC1934_VSENSE, 2), 32768);
    assert_int_equal(pac_read(PAC1934_VBUS_AVG, 2), 2048);
    assert_int_equal(pac_read(PAC1934_VSENSE_AVG, 2), 32768);
    // 1/32 x 1/2 of 2^28, left-justified
    assert_int_equal(pac_read(PAC1934_POWER, 4), (UINT64_C(1) << 22) << 4);
    assert_int_equal(pac_read(PAC1934_VBUS + 1, 2), 0xffff);
    assert_int_equal(pac_read(PAC1934_VSENSE + 1, 2), 0xffff);
    assert_int_equal(pac_read(PAC1934_ACC_COUNT, 3), 8);
    assert_int_equal(pac_read(PAC1934_POWER_ACC, 6), 8 * (UINT64_C(1) << 22));
    // 0.82 ohm: full scale 121.95 mA, 3.902 W; so half a tenth of a volt at 1 V is 60.98 mW
    double watts = 3.2 / 0.82 * (double)(pac_read(PAC1934_POWER, 4) >> 4) / 268435456.0;
    assert_true(fabs(watts - 0.0609756) < 1e-6);
}

static void pac_refresh_latches(void **state)
{
    uint8_t command = PAC1934_REFRESH;
    (void)state;
    pac1934_advance(&pac, S);
    assert_int_equal(pac_read(PAC1934_ACC_COUNT, 3), 0); // nothing latched yet
    i2c_write(&bus, PAC1934_ADDRESS, &command, 1);
    wall += MS - 1;
    assert_int_equal(pac_read(PAC1934_ACC_COUNT, 3), 0); // not yet
    wall += 1;
    assert_int_equal(pac_read(PAC1934_ACC_COUNT, 3), 1024);
    uint64_t acc = pac_read(PAC1934_POWER_ACC, 6);
    pac1934_advance(&pac, 3 * S / 2);
    assert_int_equal(pac_read(PAC1934_ACC_COUNT, 3), 1024); // stays until the next one
    pac_refresh(PAC1934_REFRESH);
    assert_int_equal(pac_read(PAC1934_ACC_COUNT, 3), 512);
    assert_int_equal(pac_read(PAC1934_POWER_ACC, 6), acc / 2);
    pac1934_advance(&pac, 2 * S);
    pac_refresh(PAC1934_REFRESH_V); // does not clear
    pac1934_advance(&pac, 5 * S / 2);
    pac_refresh(PAC1934_REFRESH);
    assert_int_equal(pac_read(PAC1934_ACC_COUNT, 3), 1024);
}

static void pac_block_read(void **state)
{
    uint8_t block[28];
    (void)state;
    pac1934_advance(&pac, S);
    pac_refresh(PAC1934_REFRESH);
    assert_true(i2c_read_block(&bus, PAC1934_ADDRESS, PAC1934_CTRL, block, sizeof block));
    assert_int_equal(block[0], 0);
    assert_int_equal(block[2] << 8 | block[3], 1024);
    for (unsigned c = 0; c < 4; c++) {
        uint64_t acc = 0;
        for (unsigned i = 0; i < 6; i++)
            acc = acc << 8 | block[4 + 6 * c + i];
        double watts = 3.2 / 0.82 * (double)acc / 1024 / 268435456.0, truth = volts[c] * amps[c];
        assert_true(fabs(watts / truth - 1) < 1e-3);
    }
    // channels 2 and 3 off: passed over
    pac_set(PAC1934_CHANNEL_DIS, 0x60);
    pac_refresh(PAC1934_REFRESH);
    assert_true(i2c_read_block(&bus, PAC1934_ADDRESS, PAC1934_VBUS, block, 4));
    assert_int_equal(block[2] << 8 | block[3], 4 * 2048);
    pac_set(PAC1934_CHANNEL_DIS, 0x60 | PAC1934_NO_SKIP);
    pac_refresh(PAC1934_REFRESH);
    assert_true(i2c_read_block(&bus, PAC1934_ADDRESS, PAC1934_VBUS, block, 8));
    assert_int_equal(block[2] << 8 | block[3], 0xffff);
    assert_int_equal(block[6] << 8 | block[7], 4 * 2048);
}

static void pac_rates(void **state)
{
    static const unsigned rate[] = {1024, 256, 64, 8};
    uint64_t now = 0;
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        pac_set(PAC1934_CTRL, (uint8_t)(i << PAC1934_RATE_SHIFT));
        assert_int_equal(pac_read(PAC1934_CTRL, 1), i << 6);
        pac1934_advance(&pac, now += S);
        pac_refresh(PAC1934_REFRESH); // from here on
        assert_int_equal(pac_read(PAC1934_CTRL_ACT, 1), i << 6);
        pac1934_advance(&pac, now += 10 * S);
        pac_refresh(PAC1934_REFRESH);
        unsigned count = (unsigned)pac_read(PAC1934_ACC_COUNT, 3);
        assert_in_range(count, 10 * rate[i] - 1, 10 * rate[i] + 1);
        assert_int_equal(pac_read(PAC1934_CTRL_LAT, 1), i << 6);
    }
    pac_set(PAC1934_CTRL, PAC1934_SLEEP);
    pac_refresh(PAC1934_REFRESH);
    pac1934_advance(&pac, now += S);
    pac_refresh(PAC1934_REFRESH);
    assert_int_equal(pac_read(PAC1934_ACC_COUNT, 3), 0);
}

// Full scale on all channels fills 48 bits in 1024 s = 2^20 samples; the count lives longer.
static void pac_saturates(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++) {
        volts[i] = 32;
        amps[i] = 0.1 / 0.82;
    }
    pac1934_advance(&pac, 1023 * S);
    assert_int_equal(pac_read(PAC1934_CTRL, 1) & PAC1934_OVF, 0);
    pac1934_advance(&pac, 1026 * S);
    assert_int_equal(pac_read(PAC1934_CTRL, 1) & PAC1934_OVF, PAC1934_OVF);
    pac_refresh(PAC1934_REFRESH);
    assert_int_equal(pac_read(PAC1934_POWER_ACC, 6), UINT64_C(0xffffffffffff));
    assert_int_equal(pac_read(PAC1934_CTRL_LAT, 1) & PAC1934_OVF, PAC1934_OVF);
    assert_int_equal(pac_read(PAC1934_CTRL, 1) & PAC1934_OVF, 0);
    pac1934_saturate(&pac);
    pac1934_advance(&pac, 1027 * S);
    pac_refresh(PAC1934_REFRESH);
    assert_int_equal(pac_read(PAC1934_ACC_COUNT, 3), 0xffffff);
    assert_int_equal(pac_read(PAC1934_CTRL_LAT, 1) & PAC1934_OVF, PAC1934_OVF);
}

static void pac_bipolar(void **state)
{
    (void)state;
    amps[0] = -0.05 / 0.82;
    volts[0] = 1.0;
    pac1934_advance(&pac, S / 1024);
    pac_refresh(PAC1934_REFRESH);
    assert_int_equal(pac_read(PAC1934_VSENSE, 2), 0); // unipolar clips
    pac_set(PAC1934_NEG_PWR, 0x80);
    pac_refresh(PAC1934_REFRESH);
    pac1934_advance(&pac, 3 * S / 1024);
    pac_refresh(PAC1934_REFRESH);
    assert_int_equal((int16_t)pac_read(PAC1934_VSENSE, 2), -16384);
    int64_t acc = (int64_t)(pac_read(PAC1934_POWER_ACC, 6) << 16) / 65536;
    assert_int_equal(acc, -2 * (1 << 21)); // half the resolution
}

static void pac_faults(void **state)
{
    uint8_t command = PAC1934_REFRESH_G;
    (void)state;
    pac.lose_left = 24;
    pac1934_advance(&pac, S);
    assert_true(i2c_write(&bus, 0, &command, 1)); // general call
    wall += MS;
    assert_int_equal(pac_read(PAC1934_ACC_COUNT, 3), 1000);
}

// The worked example of INA226's data sheet: 2 mOhm, 10 A, 11.98 V, 1 mA per bit.
static void ina226_example(void **state)
{
    const uint8_t calibrate[] = {INA226_CALIBRATION, 0x0a, 0x00};
    (void)state;
    assert_int_equal(ina226_current(0x1f40, 2560), 0x2710);
    assert_int_equal(ina226_power(0x2710, 0x2570), 0x12b8);
    volts[0] = 11.98;
    amps[0] = 10;
    assert_int_equal(i2c_read(&bus, INA226_ADDRESS, INA226_MANUFACTURER_ID, 2), 0x5449);
    assert_int_equal(i2c_read(&bus, INA226_ADDRESS, INA226_DIE_ID, 2), 0x2260);
    assert_int_equal(i2c_read(&bus, INA226_ADDRESS, INA226_CONFIG, 2), 0x4127);
    ina226_advance(&ina, 3 * MS);
    assert_int_equal(i2c_read(&bus, INA226_ADDRESS, INA226_SHUNT, 2), 0x1f40);
    assert_int_equal(i2c_read(&bus, INA226_ADDRESS, INA226_BUS, 2), 0x2570);
    assert_int_equal(i2c_read(&bus, INA226_ADDRESS, INA226_POWER, 2), 0);
    assert_int_equal(i2c_read(&bus, INA226_ADDRESS, INA226_CURRENT, 2), 0);
    assert_true(i2c_write(&bus, INA226_ADDRESS, calibrate, 3));
    ina226_advance(&ina, 6 * MS);
    assert_int_equal(i2c_read(&bus, INA226_ADDRESS, INA226_CURRENT, 2), 0x2710);
    assert_int_equal(i2c_read(&bus, INA226_ADDRESS, INA226_POWER, 2), 0x12b8);
}

static void ina226_timing(void **state)
{
    // 64 averages of 8.244 ms each way; then triggered once at 140 us
    const uint8_t slow[] = {INA226_CONFIG, 0x47, 0xff}, once[] = {INA226_CONFIG, 0x40, 0x03},
                  reset[] = {INA226_CONFIG, 0x80, 0x00};
    (void)state;
    assert_true(i2c_write(&bus, INA226_ADDRESS, slow, 3));
    ina226_advance(&ina, 1055 * MS);
    assert_int_equal(i2c_read(&bus, INA226_ADDRESS, INA226_SHUNT, 2), (uint16_t)0);
    uint64_t before = ina.conversions;
    ina226_advance(&ina, 1055 * MS * 10);
    // one of 16.488 ms each
    assert_in_range(ina.conversions - before, 9 * 1055 / 16.488 - 1, 9 * 1055 / 16.488 + 1);
    assert_int_equal(i2c_read(&bus, INA226_ADDRESS, INA226_SHUNT, 2), 8); // 20 uV
    assert_int_equal(i2c_read(&bus, INA226_ADDRESS, INA226_MASK, 2) & 8, 8);
    assert_int_equal(i2c_read(&bus, INA226_ADDRESS, INA226_MASK, 2) & 8, 0); // told
    assert_true(i2c_write(&bus, INA226_ADDRESS, once, 3));
    before = ina.conversions;
    ina226_advance(&ina, 20 * S);
    assert_int_equal(ina.conversions - before, 1);
    assert_true(i2c_write(&bus, INA226_ADDRESS, reset, 3));
    assert_int_equal(i2c_read(&bus, INA226_ADDRESS, INA226_CONFIG, 2), 0x4127);
    assert_int_equal(i2c_read(&bus, INA226_ADDRESS, INA226_SHUNT, 2), 0);
}

// 2 mOhm, 1 uA x 2^4 per bit: SHUNT_CAL = 13107.2e6 x LSB x R = 419.
static void ina228_energy(void **state)
{
    const uint8_t calibrate[] = {INA228_SHUNT_CAL, 419 >> 8, 419 & 255};
    (void)state;
    volts[0] = 5;
    amps[0] = 8;
    const double lsb = 419 / (13107.2e6 * 0.002);
    assert_int_equal(i2c_read(&bus, INA228_ADDRESS, INA228_MANUFACTURER_ID, 2), 0x5449);
    assert_int_equal(i2c_read(&bus, INA228_ADDRESS, INA228_DEVICE_ID, 2) >> 4, 0x228);
    assert_true(i2c_write(&bus, INA228_ADDRESS, calibrate, 3));
    ina226_advance(&ina8, 10 * S);
    assert_int_equal(i2c_read(&bus, INA228_ADDRESS, INA228_VBUS, 3) >> 4, 25600);
    assert_int_equal(i2c_read(&bus, INA228_ADDRESS, INA228_VSHUNT, 3) >> 4, 51200);
    double current = (double)(i2c_read(&bus, INA228_ADDRESS, INA228_CURRENT, 3) >> 4) * lsb;
    double watts = (double)i2c_read(&bus, INA228_ADDRESS, INA228_POWER, 3) * 3.2 * lsb;
    double joules = (double)i2c_read(&bus, INA228_ADDRESS, INA228_ENERGY, 5) * 16 * 3.2 * lsb;
    assert_true(fabs(current / 8 - 1) < 1e-4);
    assert_true(fabs(watts / 40 - 1) < 1e-4);
    assert_true(fabs(joules / 400 - 1) < 1e-3); // conversions of 3 ms
    // the narrow range: four times the resolution and the calibration
    const uint8_t narrow[] = {INA228_CONFIG, 0x40, 0x10},
                  times4[] = {INA228_SHUNT_CAL, 1676 >> 8, 1676 & 255};
    assert_true(i2c_write(&bus, INA228_ADDRESS, narrow, 3));
    assert_true(i2c_write(&bus, INA228_ADDRESS, times4, 3));
    assert_int_equal(i2c_read(&bus, INA228_ADDRESS, INA228_ENERGY, 5), 0); // cleared by CONFIG
    ina226_advance(&ina8, 11 * S);
    assert_int_equal(i2c_read(&bus, INA228_ADDRESS, INA228_VSHUNT, 3) >> 4, 204800);
    current = (double)(i2c_read(&bus, INA228_ADDRESS, INA228_CURRENT, 3) >> 4) * lsb;
    assert_true(fabs(current / 8 - 1) < 1e-4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(pac_identity, setup),
        cmocka_unit_test_setup(pac_conversions, setup),
        cmocka_unit_test_setup(pac_refresh_latches, setup),
        cmocka_unit_test_setup(pac_block_read, setup),
        cmocka_unit_test_setup(pac_rates, setup),
        cmocka_unit_test_setup(pac_saturates, setup),
        cmocka_unit_test_setup(pac_bipolar, setup),
        cmocka_unit_test_setup(pac_faults, setup),
        cmocka_unit_test_setup(ina226_example, setup),
        cmocka_unit_test_setup(ina226_timing, setup),
        cmocka_unit_test_setup(ina228_energy, setup),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
