// SPDX-License-Identifier: Apache-2.0
#include "tools/vboard/pac1934.h"

#include <string.h>

#define NS_PER_S   UINT64_C(1000000000)
#define ACC_MAX    ((INT64_C(1) << 48) - 1)
#define ACC_SIGNED (INT64_C(1) << 47)

enum {
    COUNT_MAX = 0xffffff,
    SETTLE_NS = 1000000,
    FULL_SCALE = 65536,
    POWER_REGISTER_SHIFT = 4,
    PRODUCT_ID = 0x5b,
    MANUFACTURER_ID = 0x5d,
    REVISION_ID = 0x03,
    SLOW_DEFAULT = 0x15,
    NOTHING = 0xff,
};

static const double vbus_full_v = 32.0, vsense_full_v = 0.1;

void pac1934_reset(struct pac1934 *p, uint64_t now_ns)
{
    struct pac1934 fresh = {.world = p->world,
                            .slow = SLOW_DEFAULT,
                            .phase_ns = now_ns,
                            .now_ns = now_ns,
                            .clock_ppm = p->clock_ppm,
                            .lose_left = p->lose_left,
                            .taken = p->taken,
                            .lost = p->lost,
                            .refreshes = p->refreshes,
                            .saturations = p->saturations};
    memcpy(fresh.shunt_ohm, p->shunt_ohm, sizeof fresh.shunt_ohm);
    *p = fresh;
}

void pac1934_init(struct pac1934 *p, const struct sensor_world *world,
                  const double shunt_ohm[PAC1934_CHANNELS], uint64_t now_ns)
{
    memset(p, 0, sizeof *p);
    p->world = world;
    memcpy(p->shunt_ohm, shunt_ohm, sizeof p->shunt_ohm);
    pac1934_reset(p, now_ns);
}

unsigned pac1934_rate_hz(const struct pac1934 *p)
{
    static const unsigned rates[] = {1024, 256, 64, 8};
    return rates[p->active.ctrl >> PAC1934_RATE_SHIFT];
}

// --- sampling ---

static bool disabled(const struct pac1934 *p, unsigned channel)
{
    return p->active.channel_dis & 0x80u >> channel;
}

static void accumulate(struct pac1934 *p, unsigned c, int32_t power, bool is_signed)
{
    int64_t high = is_signed ? ACC_SIGNED - 1 : ACC_MAX, low = is_signed ? -ACC_SIGNED : 0;
    int64_t sum = p->live.acc[c] + power;
    if (sum > high || sum < low) {
        sum = sum > high ? high : low;
        p->live.setup.ctrl |= PAC1934_OVF;
        p->saturations++;
    }
    p->live.acc[c] = sum;
}

static void average(struct pac1934 *p, unsigned c)
{
    int32_t v = 0, i = 0;
    unsigned slot = (unsigned)(p->taken % PAC1934_AVERAGE);
    p->history_v[c][slot] = p->live.vbus[c];
    p->history_i[c][slot] = p->live.vsense[c];
    for (unsigned k = 0; k < PAC1934_AVERAGE; k++) {
        v += p->history_v[c][k];
        i += p->history_i[c][k];
    }
    p->live.vbus_avg[c] = v / PAC1934_AVERAGE;
    p->live.vsense_avg[c] = i / PAC1934_AVERAGE;
}

static void convert(struct pac1934 *p, unsigned c, uint64_t at_ns)
{
    double volts, amps;
    bool bipolar_i = p->active.neg_pwr & 0x80u >> c, bipolar_v = p->active.neg_pwr & 0x08u >> c;
    int32_t half = FULL_SCALE / 2;
    p->world->measure(p->world->ctx, c, at_ns, &volts, &amps);
    // a signed code has an LSB twice as large
    int32_t v = bipolar_v ? sensor_code(volts, vbus_full_v / half, -half, half - 1)
                          : sensor_code(volts, vbus_full_v / FULL_SCALE, 0, FULL_SCALE - 1);
    double drop = amps * p->shunt_ohm[c];
    int32_t i = bipolar_i ? sensor_code(drop, vsense_full_v / half, -half, half - 1)
                          : sensor_code(drop, vsense_full_v / FULL_SCALE, 0, FULL_SCALE - 1);
    p->live.vbus[c] = v;
    p->live.vsense[c] = i;
    int64_t v14 = ((bipolar_v ? 2 * v : v) + 2) >> 2;
    if (v14 > FULL_SCALE / 4 - 1)
        v14 = FULL_SCALE / 4 - 1;
    int64_t product = v14 * (bipolar_i ? 2 * i : i) / 4;
    if (bipolar_v || bipolar_i)
        product /= 2;
    p->live.power[c] = (int32_t)product;
    accumulate(p, c, p->live.power[c], bipolar_v || bipolar_i);
    average(p, c);
}

static void sample(struct pac1934 *p, uint64_t at_ns)
{
    if (p->lose_left) {
        p->lose_left--;
        p->lost++;
        return;
    }
    for (unsigned c = 0; c < PAC1934_CHANNELS; c++) {
        if (!disabled(p, c))
            convert(p, c, at_ns);
    }
    p->taken++;
    if (p->live.count == COUNT_MAX)
        p->live.setup.ctrl |= PAC1934_OVF;
    else
        p->live.count++;
}

// Board time of the k-th sample since phase_ns, k <= 1024.
static uint64_t sample_ns(const struct pac1934 *p, uint64_t k)
{
    const uint64_t millionths = (uint64_t)(1000000 + p->clock_ppm);
    return p->phase_ns + k * NS_PER_S * 1000000 / (pac1934_rate_hz(p) * millionths);
}

void pac1934_advance(struct pac1934 *p, uint64_t now_ns)
{
    const unsigned rate = pac1934_rate_hz(p);
    p->now_ns = now_ns;
    if (p->active.ctrl & (PAC1934_SLEEP | PAC1934_SINGLE)) {
        p->phase_ns = now_ns;
        p->samples = 0;
        return;
    }
    for (uint64_t at; (at = sample_ns(p, p->samples + 1)) <= now_ns;) {
        p->samples++;
        sample(p, at);
        if (p->samples == rate) { // keeps the numbers small
            p->phase_ns = at;
            p->samples = 0;
        }
    }
}

void pac1934_set_clock(struct pac1934 *p, int32_t ppm)
{
    p->phase_ns = sample_ns(p, p->samples);
    p->samples = 0;
    p->clock_ppm = ppm;
}

void pac1934_saturate(struct pac1934 *p)
{
    for (unsigned c = 0; c < PAC1934_CHANNELS; c++)
        p->live.acc[c] = ACC_MAX;
    p->live.count = COUNT_MAX;
    p->live.setup.ctrl |= PAC1934_OVF;
    p->saturations++;
}

// --- refresh ---

static void publish(struct pac1934 *p)
{
    if (p->is_pending && p->world->wall_ns(p->world->ctx) >= p->readable_at_ns) {
        p->readable = p->pending;
        p->is_pending = false;
    }
}

static void activate(struct pac1934 *p)
{
    bool other_rate = (p->written.ctrl ^ p->active.ctrl) >> PAC1934_RATE_SHIFT;
    uint8_t ovf = p->live.setup.ctrl & PAC1934_OVF;
    if (other_rate) {
        p->phase_ns = sample_ns(p, p->samples);
        p->samples = 0;
    }
    p->active = p->written;
    p->live.setup = p->active;
    p->live.setup.ctrl |= ovf;
    if (p->active.ctrl & PAC1934_SINGLE)
        sample(p, p->now_ns);
}

static void refresh(struct pac1934 *p, bool clear)
{
    p->world->sync(p->world->ctx);
    publish(p);
    p->refreshes++;
    p->pending = p->live;
    p->is_pending = true;
    p->readable_at_ns = p->world->wall_ns(p->world->ctx) + SETTLE_NS;
    if (clear) {
        p->live.count = 0;
        memset(p->live.acc, 0, sizeof p->live.acc);
        p->live.setup.ctrl &= (uint8_t)~PAC1934_OVF;
    }
    activate(p);
}

static bool command(struct pac1934 *p, uint8_t byte)
{
    if (byte != PAC1934_REFRESH && byte != PAC1934_REFRESH_G && byte != PAC1934_REFRESH_V)
        return false;
    refresh(p, byte != PAC1934_REFRESH_V);
    return true;
}

// --- registers ---

// Bytes of a register, 0: there is none to read.
static unsigned width(uint8_t r)
{
    if (r >= PAC1934_PRODUCT_ID)
        return 1;
    if (r == PAC1934_REFRESH || r == PAC1934_REFRESH_G || r == PAC1934_REFRESH_V ||
        r == PAC1934_POWER + 4 || r > PAC1934_NEG_PWR_LAT)
        return 0;
    if (r == PAC1934_ACC_COUNT)
        return 3;
    if (r >= PAC1934_POWER_ACC && r < PAC1934_VBUS)
        return 6;
    if (r >= PAC1934_VBUS && r < PAC1934_POWER)
        return 2;
    return r >= PAC1934_POWER && r < PAC1934_CHANNEL_DIS ? 4 : 1;
}

// The channel of a register that belongs to one, else -1.
static int channel_of(uint8_t r)
{
    return r >= PAC1934_POWER_ACC && r < PAC1934_POWER + PAC1934_CHANNELS
               ? (r - PAC1934_POWER_ACC) % PAC1934_CHANNELS
               : -1;
}

static uint64_t channel_value(const struct pac1934_values *v, uint8_t r, unsigned c)
{
    if (r < PAC1934_VBUS)
        return (uint64_t)v->acc[c];
    if (r < PAC1934_VSENSE)
        return (uint64_t)v->vbus[c];
    if (r < PAC1934_VBUS_AVG)
        return (uint64_t)v->vsense[c];
    if (r < PAC1934_VSENSE_AVG)
        return (uint64_t)v->vbus_avg[c];
    if (r < PAC1934_POWER)
        return (uint64_t)v->vsense_avg[c];
    return (uint64_t)v->power[c] << POWER_REGISTER_SHIFT;
}

static uint64_t value(const struct pac1934 *p, uint8_t r)
{
    int c = channel_of(r);
    if (c >= 0)
        return disabled(p, (unsigned)c) ? UINT64_MAX : channel_value(&p->readable, r, (unsigned)c);
    switch (r) {
    case PAC1934_CTRL:
        return p->written.ctrl | (p->live.setup.ctrl & PAC1934_OVF);
    case PAC1934_ACC_COUNT:
        return p->readable.count;
    case PAC1934_CHANNEL_DIS:
        return p->written.channel_dis;
    case PAC1934_NEG_PWR:
        return p->written.neg_pwr;
    case PAC1934_SLOW:
        return p->slow;
    case PAC1934_CTRL_ACT:
        return p->live.setup.ctrl;
    case PAC1934_CHANNEL_DIS_ACT:
        return p->active.channel_dis;
    case PAC1934_NEG_PWR_ACT:
        return p->active.neg_pwr;
    case PAC1934_CTRL_LAT:
        return p->readable.setup.ctrl;
    case PAC1934_CHANNEL_DIS_LAT:
        return p->readable.setup.channel_dis;
    case PAC1934_NEG_PWR_LAT:
        return p->readable.setup.neg_pwr;
    case PAC1934_PRODUCT_ID:
        return PRODUCT_ID;
    case PAC1934_MANUFACTURER_ID:
        return MANUFACTURER_ID;
    case PAC1934_REVISION_ID:
        return REVISION_ID;
    default:
        return NOTHING;
    }
}

// On to the next register that a block read or write comes to: channels that are off are passed
// over unless NO_SKIP says otherwise.
static void next_register(struct pac1934 *p)
{
    p->offset = 0;
    for (unsigned r = p->pointer + 1u; r <= UINT8_MAX; r++) {
        int c = channel_of((uint8_t)r);
        if (width((uint8_t)r) &&
            !(c >= 0 && disabled(p, (unsigned)c) && !(p->active.channel_dis & PAC1934_NO_SKIP))) {
            p->pointer = (uint8_t)r;
            return;
        }
    }
    p->pointer = PAC1934_CTRL;
}

// --- I2C ---

static bool begin(void *ctx, bool read)
{
    struct pac1934 *p = ctx;
    p->pointer_next = !read;
    p->offset = 0;
    if (read && !width(p->pointer))
        next_register(p);
    return true;
}

static bool write_byte(void *ctx, uint8_t byte)
{
    struct pac1934 *p = ctx;
    if (p->pointer_next) {
        p->pointer_next = false;
        p->pointer = byte;
        command(p, byte);
        return true;
    }
    switch (p->pointer) {
    case PAC1934_CTRL:
        p->written.ctrl = byte & (uint8_t)~PAC1934_OVF;
        break;
    case PAC1934_CHANNEL_DIS:
        p->written.channel_dis = byte & 0xfe;
        break;
    case PAC1934_NEG_PWR:
        p->written.neg_pwr = byte;
        break;
    case PAC1934_SLOW:
        p->slow = byte;
        break;
    default: // read-only: without effect
        break;
    }
    next_register(p);
    return true;
}

static uint8_t read_byte(void *ctx)
{
    struct pac1934 *p = ctx;
    unsigned n = width(p->pointer);
    publish(p);
    if (!n)
        return NOTHING;
    uint8_t byte = (uint8_t)(value(p, p->pointer) >> 8 * (n - 1 - p->offset));
    if (++p->offset == n)
        next_register(p);
    return byte;
}

static void end(void *ctx)
{
    (void)ctx;
}

static bool on_general_call(void *ctx, uint8_t byte)
{
    return byte == PAC1934_REFRESH_G && command(ctx, byte);
}

const struct i2c_device_ops pac1934_ops = {
    .begin = begin,
    .write = write_byte,
    .read = read_byte,
    .end = end,
    .general_call = on_general_call,
};
