// SPDX-License-Identifier: Apache-2.0
#include "tools/vboard/power_meter.h"

#include <math.h>
#include <string.h>

#define TICK_NS UINT64_C(1000000000)

enum { SDA_PINS = MPSSE_TDI | MPSSE_TDO };

static const double pac_shunt_ohm = 0.82, ina_shunt_ohm = 0.2;

// --- what a sensor sees ---

static double uniform(struct power_meter *p) // (0, 1], splitmix64
{
    uint64_t z = p->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return ((double)(z >> 11) + 1) / 9007199254740992.0;
}

static double gaussian(struct power_meter *p) // Box and Muller
{
    const double two_pi = 6.283185307179586;
    double radius = sqrt(-2 * log(uniform(p)));
    return radius * cos(two_pi * uniform(p));
}

static void measure(void *ctx, unsigned channel, uint64_t at_ns, double *volts, double *amps)
{
    const struct power_sensor_side *side = ctx;
    struct power_meter *p = side->meter;
    bool pac = side->sensor == SENSOR_PAC1934;
    unsigned rail = pac ? channel : POWER_BOARD;
    unsigned front = pac ? channel : side->sensor == SENSOR_INA226 ? FRONT_INA226 : FRONT_INA228;
    const struct power_front *f = &p->front[front];
    *volts = p->model.state == POWER_OFF ? 0 : p->model.rail[rail].volts;
    *amps = power_model_watts(&p->model, rail, at_ns) / p->model.rail[rail].volts;
    *amps = *amps * (1 + f->gain) + f->offset / f->shunt_ohm;
    if (p->noise > 0)
        *amps *= 1 + p->noise * gaussian(p);
}

static void sync(void *ctx)
{
    const struct power_sensor_side *side = ctx;
    board_time_sync(&side->meter->time);
}

static uint64_t wall_ns(void *ctx)
{
    const struct power_sensor_side *side = ctx;
    return side->meter->time.wall();
}

// --- time ---

static void elapsed(void *ctx, uint64_t to_ns, double busy)
{
    struct power_meter *p = ctx;
    power_model_advance(&p->model, to_ns, busy); // first: it sets what the sensors see
    pac1934_advance(&p->pac, to_ns);
    for (unsigned i = 0; i < 2; i++)
        ina226_advance(&p->ina[i], to_ns);
}

static void tick(struct loop_timer *t)
{
    struct power_meter *p = t->ctx;
    board_time_sync(&p->time);
    t->due_ns = loop_now_ns() + TICK_NS;
}

void power_meter_start_timer(struct power_meter *p)
{
    p->tick = (struct loop_timer){.fn = tick, .ctx = p, .due_ns = loop_now_ns() + TICK_NS};
    loop_add_timer(&p->tick);
}

void power_meter_state(struct power_meter *p, unsigned state, double activity)
{
    board_time_sync(&p->time);
    if (p->model.state == POWER_OFF && state != POWER_OFF)
        power_model_restart(&p->model); // it is cold
    p->model.state = state;
    p->model.activity = activity;
    p->model.busy = 0;
}

void power_meter_power_cycle(struct power_meter *p)
{
    uint64_t now_ns = board_time_sync(&p->time);
    pac1934_reset(&p->pac, now_ns);
    for (unsigned i = 0; i < 2; i++)
        ina226_reset(&p->ina[i], now_ns);
}

// --- wires ---

static uint8_t lines(void *ctx, uint8_t driven)
{
    struct power_meter *p = ctx;
    bool sda = i2c_bus_drive(&p->bus, driven & MPSSE_TCK, (driven & SDA_PINS) == SDA_PINS);
    return sda ? driven : (uint8_t)(driven & ~SDA_PINS);
}

void power_meter_attach(struct power_meter *p, struct mpsse *mpsse)
{
    mpsse->lines = lines;
    mpsse->ctx = p;
}

void power_meter_init(struct power_meter *p, uint64_t (*wall)(void))
{
    memset(p, 0, sizeof *p);
    double shunts[PAC1934_CHANNELS];
    board_time_init(&p->time, wall, elapsed, p);
    power_model_init(&p->model, 0);
    i2c_bus_init(&p->bus);
    for (unsigned i = 0; i < POWER_SENSORS; i++) {
        struct power_sensor_side *s = &p->side[i];
        *s = (struct power_sensor_side){.meter = p, .sensor = (enum power_sensor)i};
        s->world =
            (struct sensor_world){.measure = measure, .sync = sync, .wall_ns = wall_ns, .ctx = s};
    }
    for (unsigned i = 0; i < POWER_FRONTS; i++)
        p->front[i].shunt_ohm = i < POWER_RAILS ? pac_shunt_ohm : ina_shunt_ohm;
    for (unsigned i = 0; i < PAC1934_CHANNELS; i++)
        shunts[i] = p->front[i].shunt_ohm;
    pac1934_init(&p->pac, &p->side[SENSOR_PAC1934].world, shunts, 0);
    ina226_init(&p->ina[0], INA226, &p->side[SENSOR_INA226].world, ina_shunt_ohm, 0);
    ina226_init(&p->ina[1], INA228, &p->side[SENSOR_INA228].world, ina_shunt_ohm, 0);
    i2c_bus_add(&p->bus, PAC1934_ADDRESS, &pac1934_ops, &p->pac);
    i2c_bus_add(&p->bus, INA226_ADDRESS, &ina226_ops, &p->ina[0]);
    i2c_bus_add(&p->bus, INA228_ADDRESS, &ina226_ops, &p->ina[1]);
}
