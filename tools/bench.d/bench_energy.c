// SPDX-License-Identifier: Apache-2.0
// Sessions of one burst each: virtual sensors with errors, the daemon's own code in front of them,
// and the truth that only the sensors' world knows.
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
#define S  UINT64_C(1000000000)
#define MS UINT64_C(1000000)

enum fault { NO_FAULT, NAK, RESET, SATURATE, LOSE, SDA_LOW, FAULTS };

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
    struct meter_setup setup = {.chip = "pac1934", .origin = MEASURED_VIRTUAL};
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
    if (meter_rails_parse(&setup.rails, "FPGA_1V0:0.82, FPGA_1V8:0.82, FPGA_IO:0.82, BOARD:0.82",
                          why, sizeof why) < 0 ||
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
    static const char *const words[FAULTS] = {"",         "nak 1", "reset PAC1934",
                                              "saturate", "",      "sda-low on"};
    if (fault == LOSE)
        command("lose %d", (int)between(400, 4000));
    else if (fault)
        command("%s", words[fault]);
}

// The engine does the frame's runs at once, as the golden engine of the virtual board.
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
    static struct conf_board conf = {.meter = "pac1934"};
    static struct board b;
    struct wire_result r;
    struct service_energy e;
    struct wire_power rest;
    double seconds = between(0.5, 15), total, above;
    memset(&b, 0, sizeof b);
    memset(&r, 0, sizeof r);
    b.conf = &conf;
    b.identity.origin = LINK_ORIGIN_VIRTUAL;
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
    if (!cuts || !cut(false, adjust, &b.burst_power)) {
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
    if (!good || !e.has_idle) {
        fprintf(stderr, "bench-energy: session %d: %s\n", sum->sessions, e.reason);
        return;
    }
    truth(&r, &total, &above);
    double error = e.total.value / total - 1;
    sum->measured++;
    sum->error += error;
    sum->squares += error * error;
    sum->above_error += e.above_idle.value / above - 1;
    sum->inside += fabs(e.total.value - total) <= e.total.uncertainty;
    sum->inside_above += fabs(e.above_idle.value - above) <= e.above_idle.uncertainty;
}

int main(int argc, char **argv)
{
    int sessions = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 1000;
    struct sums sum = {0};
    random_init(&rng, argc > 2 ? strtoull(argv[2], NULL, 10) : 1, 0);
    for (int i = 0; i < sessions; i++) {
        bool faulty = i % FAULT_EVERY == FAULT_EVERY - 1;
        int k = i / FAULT_EVERY;
        session(&sum, faulty ? (enum fault)(1 + k % (FAULTS - 1)) : NO_FAULT,
                k / (FAULTS - 1) % 4 == 3);
    }
    double n = sum.measured, bias = sum.error / n;
    printf("{\"bench\": \"energy\", \"origin\": \"virtual\", \"rows\": [{\"sensor\": \"pac1934\", "
           "\"sessions\": %d, \"measured\": %d, \"bias_pct\": %.4f, \"spread_pct\": %.3f, "
           "\"inside_pct\": %.2f, \"bias_above_idle_pct\": %.4f, \"inside_above_idle_pct\": %.2f, "
           "\"faults\": %d, \"unflagged_faults\": %d, \"without_value\": %d}]}\n",
           sum.sessions, sum.measured, 100 * bias, 100 * sqrt(sum.squares / n - bias * bias),
           100 * sum.inside / n, 100 * sum.above_error / n, 100 * sum.inside_above / n, sum.faults,
           sum.faults - sum.flagged, sum.sessions - sum.faults - sum.measured);
    return 0;
}
