// SPDX-License-Identifier: Apache-2.0
// Sessions of one burst each: virtual sensors with errors, the daemon's own code in front of them,
// and the truth that only the sensors' world knows.
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/burst.h"
#include "daemon/energy.h"
#include "measure/random.h"
#include "tools/vboard/power_meter.h"

enum { HZ = 100000000, TAG = 7, FAULT_EVERY = 4 };
#define S     UINT64_C(1000000000)
#define MS    UINT64_C(1000000)
#define SLICE (20 * MS)

enum fault { NO_FAULT, NAK, RESET, SATURATE, LOSE, SDA_LOW, FAULTS };

// A monitor, and how its board computes: the whole burst at once, as the golden engine of the
// virtual board does, or in time, as a board does. An INA226 averages over wall time, so that what
// passes at once is not in it.
struct bench {
    const char *chip, *rails, *front; // front: of BOARD in the virtual board's commands
    double gain_ppm, offset_uv;       // limits of the data sheets
    bool in_time;
};

static const char pac_rails[] = "FPGA_1V0:0.82, FPGA_1V8:0.82, FPGA_IO:0.82, BOARD:0.82";
static const struct bench benches[] = {
    {"pac1934", pac_rails, "BOARD", 10000, 20, false},
    {"pac1934", pac_rails, "BOARD", 10000, 20, true},
    {"ina226", "BOARD:0.2", "INA226", 1000, 10, true},
    {"ina228", "BOARD:0.2", "INA228", 500, 1, false},
    {"ina228", "BOARD:0.2", "INA228", 500, 1, true},
};

struct sums {
    int sessions, measured, inside, inside_above, above;
    double error, squares, above_error;
    int faults, flagged;
};

static uint64_t wall;
static struct power_meter world;
static struct mpsse mpsse;
static struct i2c bus;
static struct meter meter;
static struct random rng;
static uint64_t cycles_of_engine;
static const struct bench *bench;

static uint64_t wall_now(void)
{
    return wall;
}

static double between(double low, double high)
{
    return low + (high - low) * random_unit(&rng);
}

static void lasts_ms(double low, double high)
{
    wall += (uint64_t)(between(low, high) * 1e6);
}

static int exchange(void *arg, const uint8_t *out, size_t n, uint8_t *in, size_t want)
{
    struct bytes answers = {0};
    bool flush = false;
    (void)arg;
    lasts_ms(0.1, 1);
    bool fine = mpsse_run(&mpsse, out, n, &answers, &flush) == n && bytes_length(&answers) == want;
    if (fine)
        bytes_take(&answers, in, want);
    bytes_fini(&answers);
    lasts_ms(0.1, 1);
    return fine ? 0 : -1;
}

static void command(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void command(const char *format, ...)
{
    char line[128], why[200] = "";
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (power_meter_command_line(&world, line, why, sizeof why)) {
        fprintf(stderr, "bench-energy: %s: %s\n", line, why);
        exit(1);
    }
}

// A session's world: errors anywhere within the limits that docs/power-model.md gives.
static void open_world(void)
{
    struct meter_setup setup = {.chip = bench->chip, .origin = MEASURED_VIRTUAL};
    char why[128];
    wall = 777 * S;
    cycles_of_engine = 0;
    power_meter_init(&world, wall_now);
    power_meter_state(&world, POWER_IDLE, between(0.4, 1));
    mpsse_init(&mpsse, NULL, NULL);
    mpsse.has_drive_only_zero = true;
    power_meter_attach(&world, &mpsse);
    mpsse_reset(&mpsse);
    command("seed %d", (int)between(1, 1e9));
    command("noise %d", (int)between(0, 5000));
    command("drift %d", (int)between(-10000, 10000));
    command("warmup %d %d", (int)between(0, 30000), (int)between(30, 240));
    command("clock %d", (int)between(-48000, 48000));
    for (int i = 0; i < POWER_RAILS; i++) {
        command("gain %s %d", power_rail_names[i], (int)between(-10000, 10000));
        command("offset %s %d", power_rail_names[i], (int)between(-20, 20));
    }
    command("gain %s %.0f", bench->front, between(-bench->gain_ppm, bench->gain_ppm));
    command("offset %s %.3f", bench->front, between(-bench->offset_uv, bench->offset_uv));
    if (meter_rails_parse(&setup.rails, bench->rails, why, sizeof why) < 0 ||
        i2c_init(&bus, &(struct i2c_port){.exchange = exchange, .drives_zero_only = true}) !=
            I2C_OK) {
        fprintf(stderr, "bench-energy: no meter\n");
        exit(1);
    }
    meter_init(&meter, &setup, &bus, wall_now);
}

// What the meter's thread does until then.
static void pass_until(uint64_t at)
{
    struct meter_power p;
    while (meter.next_ns <= at) {
        if (meter.next_ns > wall)
            wall = meter.next_ns;
        meter_step(&meter, &p);
    }
    if (at > wall)
        wall = at;
}

static bool cut(bool hold, int64_t adjust_ns, struct wire_power *out)
{
    meter_cut(&meter, hold, adjust_ns);
    memset(out, 0, sizeof *out);
    out->head.tag = TAG;
    out->rails = meter.setup.rails;
    for (int i = 0; i < 20; i++) {
        if (meter.next_ns > wall)
            wall = meter.next_ns;
        if (meter_step(&meter, &out->power) && out->power.cut)
            return true;
    }
    return false;
}

static void inject(enum fault fault)
{
    bool pac = strcmp(bench->chip, "pac1934") == 0;
    if (fault == NAK)
        command("nak 1");
    else if (fault == RESET)
        command("reset %s", pac ? "PAC1934" : bench->front);
    else if (fault == SATURATE && pac)
        command("saturate");
    else if (fault == SATURATE) { // ten watts: five times the shunt's range
        command("rail BOARD idle 10000000");
        command("rail BOARD active 10000000");
    } else if (fault == LOSE)
        command("lose %d", (int)between(400, 4000));
    else if (fault == SDA_LOW)
        command("sda-low on");
}

// The faults that a sensor can have: nothing makes the INAs' models lose samples.
static enum fault fault_number(int k)
{
    static const enum fault all[] = {NAK, RESET, SATURATE, LOSE, SDA_LOW},
                            ina[] = {NAK, RESET, SATURATE, SDA_LOW};
    return strcmp(bench->chip, "pac1934") == 0 ? all[k % 5] : ina[k % 4];
}

// All but the last cycles, with the meter's thread at work meanwhile.
static void compute_in_time(uint64_t cycles)
{
    uint64_t begin = wall, end = begin + cycles * (S / HZ);
    while (wall + 2 * SLICE < end) {
        pass_until(wall + SLICE);
        if (wall + SLICE < end)
            board_time_message(&world.time, HZ, cycles_of_engine + (wall - begin) / (S / HZ),
                               cycles_of_engine + (wall - begin) / (S / HZ), false);
    }
    wall = end > wall ? end : wall;
}

static void engine(const struct link_burst *frame, uint32_t run_cycles, uint8_t *payload,
                   size_t *bytes)
{
    const uint8_t y[2] = {1, 0};
    struct link_burst_result r = {.runs = frame->runs,
                                  .busy_cycles = (uint64_t)frame->runs * run_cycles,
                                  .cycles = (uint64_t)frame->runs * (run_cycles + 2) - 2,
                                  .end = LINK_BURST_DONE,
                                  .windows = 1,
                                  .y = y};
    board_time_handed(&world.time);
    if (bench->in_time)
        compute_in_time(r.cycles);
    cycles_of_engine += r.cycles;
    board_time_message(&world.time, HZ, cycles_of_engine, cycles_of_engine, true);
    *bytes = link_burst_result_encode(&r, 1, payload);
}

static bool run_burst(struct wire_result *r, double seconds, uint32_t run_cycles, enum fault fault)
{
    struct burst b;
    struct link_burst frame;
    uint8_t payload[LINK_MAX_PAYLOAD];
    char why[BURST_WHY];
    size_t n;
    const int16_t y[] = {1};
    double way = between(0.1, 2);
    if (!burst_begin(&b, 0, seconds, run_cycles, HZ, y, 1))
        return false;
    r->burst.round_trip_ns = (uint64_t)(2 * way * 1e6);
    r->burst.begin_ns = wall;
    while (burst_next(&b, &frame)) {
        uint64_t sent = wall;
        lasts_ms(way / 2, way * 1.5);
        if (fault && b.runs + (uint64_t)frame.runs >= b.left / 2) {
            inject(fault);
            fault = NO_FAULT;
        }
        engine(&frame, run_cycles, payload, &n);
        lasts_ms(way / 2, way * 1.5);
        if (burst_answer(&b, LINK_BURST | LINK_ANSWER, payload, n, why) != BURST_GOOD)
            return false;
        r->burst.wall_ns += wall - sent;
        r->burst.end_ns = wall;
        pass_until(wall);
    }
    r->burst.runs = b.runs;
    r->burst.chunks = b.chunks;
    r->burst.cycles = b.cycles;
    r->burst.busy_cycles = b.busy_cycles;
    return true;
}

// True energy of an inference, and what of it is above idle, on the rail BOARD.
static void truth(const struct wire_result *r, double *total, double *above)
{
    const struct power_truth *t = &world.model.truth;
    const double *watts = world.model.rail[POWER_BOARD].watts;
    double active =
        watts[POWER_IDLE] + world.model.activity * (watts[POWER_ACTIVE] - watts[POWER_IDLE]);
    *total = t->busy_joules[POWER_BOARD] / t->busy_seconds * (double)r->burst.cycles / HZ /
             r->burst.runs;
    *above = *total * (1 - watts[POWER_IDLE] / active);
}

static void session(struct sums *sum, enum fault fault, bool in_lead)
{
    static struct conf_board conf;
    static struct board b;
    struct wire_result r;
    struct service_energy e;
    struct wire_power rest;
    double seconds = between(0.5, 15), total, above;
    memset(&b, 0, sizeof b);
    memset(&r, 0, sizeof r);
    snprintf(conf.meter, sizeof conf.meter, "%s", bench->chip);
    b.conf = &conf;
    b.identity.origin = bench->in_time ? LINK_ORIGIN_BOARD : LINK_ORIGIN_VIRTUAL;
    b.identity.clock_hz = HZ;
    r.head.tag = TAG;
    open_world();
    pass_until(wall + (uint64_t)(between(1, 60) * 1e9));
    command("mark");
    double lead_s = seconds < 2.5 ? 0.25 : seconds > 10 ? 1 : seconds / 10;
    bool cuts = cut(true, 0, &rest);
    pass_until(wall + (uint64_t)(lead_s * 0.5e9));
    inject(in_lead ? fault : NO_FAULT);
    pass_until(wall + (uint64_t)(lead_s * 0.5e9));
    cuts = cuts && cut(true, 0, &b.lead_power);
    cuts = cuts && run_burst(&r, seconds, (uint32_t)between(600, 7000), in_lead ? NO_FAULT : fault);
    int64_t adjust = (int64_t)((double)r.burst.cycles / HZ * 1e9) - (int64_t)r.burst.wall_ns;
    if (!cuts || !cut(false, bench->in_time ? 0 : adjust, &b.burst_power)) {
        fprintf(stderr, "bench-energy: a window that was cut did not come\n");
        exit(1);
    }
    bool good = energy_of_result(&b, &r, &e);
    sum->sessions++;
    if (fault) {
        sum->faults++;
        sum->flagged += !good || !e.has_idle;
        return;
    }
    if (!good)
        return;
    truth(&r, &total, &above);
    double error = e.total.value / total - 1;
    sum->measured++;
    sum->error += error;
    sum->squares += error * error;
    sum->inside += fabs(e.total.value - total) <= e.total.uncertainty;
    if (!e.has_idle)
        return;
    sum->above++;
    sum->above_error += e.above_idle.value / above - 1;
    sum->inside_above += fabs(e.above_idle.value - above) <= e.above_idle.uncertainty;
}

static json_t *row(int sessions, uint64_t seed)
{
    struct sums sum = {0};
    random_init(&rng, seed, 0);
    for (int i = 0; i < sessions; i++) {
        bool faulty = i % FAULT_EVERY == FAULT_EVERY - 1;
        int k = i / FAULT_EVERY;
        session(&sum, faulty ? fault_number(k) : NO_FAULT, k / (FAULTS - 1) % 4 == 3);
    }
    double n = sum.measured, bias = sum.error / n;
    return json_pack("{s:s,s:s,s:i,s:i,s:f,s:f,s:f,s:f,s:f,s:i,s:i,s:i,s:i}", "sensor", bench->chip,
                     "fabric", bench->in_time ? "in time" : "at once", "sessions", sum.sessions,
                     "measured", sum.measured, "bias_pct", 100 * bias, "spread_pct",
                     100 * sqrt(sum.squares / n - bias * bias), "inside_pct", 100 * sum.inside / n,
                     "bias_above_idle_pct", 100 * sum.above_error / sum.above,
                     "inside_above_idle_pct", 100.0 * sum.inside_above / sum.above, "faults",
                     sum.faults, "unflagged_faults", sum.faults - sum.flagged, "without_value",
                     sum.sessions - sum.faults - sum.measured, "without_idle",
                     sum.measured - sum.above);
}

int main(int argc, char **argv)
{
    int sessions = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 1000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    json_t *rows = json_array();
    for (size_t i = 0; i < sizeof benches / sizeof *benches; i++) {
        bench = &benches[i];
        json_t *one = row(sessions, seed);
        if (!one || json_array_append_new(rows, one) < 0) {
            fprintf(stderr, "bench-energy: a figure that is none, of %s\n", bench->chip);
            return 1;
        }
    }
    json_t *all = json_pack("{s:s,s:s,s:o}", "bench", "energy", "origin", "virtual", "rows", rows);
    json_dumpf(all, stdout, JSON_REAL_PRECISION(4));
    putchar('\n');
    json_decref(all);
    return 0;
}
