// SPDX-License-Identifier: Apache-2.0
#include "daemon/meter.h"

#include <stdio.h>
#include <string.h>

#define RETRY_NS UINT64_C(1000000000)

static const struct meter_driver *const drivers[] = {&meter_pac1934, &meter_ina226, &meter_ina228};

const struct meter_driver *meter_driver(const char *name)
{
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++)
        if (strcmp(drivers[i]->name, name) == 0)
            return drivers[i];
    return NULL;
}

void meter_init(struct meter *m, const struct meter_setup *setup, struct i2c *bus,
                uint64_t (*clock)(void))
{
    memset(m, 0, sizeof *m);
    m->driver = meter_driver(setup->chip);
    m->setup = *setup;
    if (!m->setup.address)
        m->setup.address = m->driver->address;
    m->bus = bus;
    m->clock = clock;
}

void meter_cut(struct meter *m, bool hold, int64_t adjust_ns)
{
    m->cut = true;
    m->hold = hold;
    m->adjust_ns = adjust_ns;
    if (m->started && !m->latched)
        m->next_ns = m->clock();
}

double meter_seconds(const struct meter *m, uint64_t end_ns)
{
    return ((double)(end_ns - m->begin_ns) + (m->cut ? (double)m->adjust_ns : 0)) / 1e9;
}

static void set_next(struct meter *m, uint64_t from_ns)
{
    m->next_ns = from_ns + (m->held ? METER_HOLD_NS : METER_WINDOW_NS);
}

// The window under way is told: what was wanted of it is over.
static void end_window(struct meter *m, struct meter_power *out)
{
    out->cut = m->cut;
    if (m->cut)
        m->held = m->hold;
    m->cut = false;
    m->adjust_ns = 0;
}

void meter_next(struct meter *m, uint64_t end_ns, struct meter_power *out)
{
    out->begin_ns = m->begin_ns;
    out->end_ns = end_ns;
    out->edge_ns = m->begin_edge_ns + m->end_edge_ns;
    end_window(m, out);
    m->begin_ns = end_ns;
    m->begin_edge_ns = m->end_edge_ns;
    set_next(m, end_ns);
}

bool meter_has_begun(struct meter *m, uint64_t at_ns, struct meter_power *out)
{
    if (m->begin_ns)
        return true;
    m->begin_edge_ns = m->end_edge_ns;
    if (m->cut)
        return meter_fail(m, MEASURED_NO_SAMPLES, "its begin was not read", at_ns, at_ns, out);
    m->begin_ns = at_ns;
    set_next(m, at_ns);
    return false;
}

bool meter_fail(struct meter *m, enum measured_gap gap, const char *why, uint64_t end_ns,
                uint64_t begin_ns, struct meter_power *out)
{
    out->begin_ns = m->begin_ns ? m->begin_ns : end_ns;
    out->end_ns = end_ns;
    snprintf(out->why, sizeof out->why, "%s", why);
    for (int i = 0; i < m->setup.rails.n; i++)
        out->rail[i] = measured_none(gap, MEASURED_WATT, (double)(end_ns - out->begin_ns) / 1e9,
                                     m->setup.origin);
    end_window(m, out);
    m->begin_ns = begin_ns;
    m->begin_edge_ns = m->end_edge_ns;
    set_next(m, end_ns);
    return true;
}

bool meter_fail_bus(struct meter *m, enum i2c_status status, uint64_t begin_ns,
                    struct meter_power *out)
{
    m->link_lost = status == I2C_LINK;
    return meter_fail(m, MEASURED_BUS_ERROR, *m->why ? m->why : m->bus->why, m->clock(), begin_ns,
                      out);
}

static bool step(struct meter *m, struct meter_power *out)
{
    if (m->started)
        return m->driver->step(m, out);
    m->why[0] = '\0';
    enum i2c_status status = m->driver->start(m);
    m->started = status == I2C_OK;
    m->latched = false;
    bool told = status != I2C_OK && meter_fail_bus(m, status, 0, out);
    m->next_ns = m->clock() + (m->started ? 0 : RETRY_NS);
    return told;
}

// A window that ended while it was held, but not by a cut, failed. A chip that is polled goes on
// behind the failure; the cut would then tell of the rest as if it were all.
static void spoil(struct meter *m, struct meter_power *out)
{
    if (!out->cut && m->held) {
        m->spoilt = out->rail[0].gap;
        snprintf(m->spoilt_why, sizeof m->spoilt_why, "%s", out->why);
    }
    if (!out->cut || !m->spoilt)
        return;
    for (int i = 0; i < m->setup.rails.n; i++)
        if (!out->rail[i].gap)
            out->rail[i] =
                measured_none(m->spoilt, MEASURED_WATT, out->rail[i].window_s, m->setup.origin);
    snprintf(out->why, sizeof out->why, "%s", m->spoilt_why);
    m->spoilt = MEASURED_NO_GAP;
}

bool meter_step(struct meter *m, struct meter_power *out)
{
    memset(out, 0, sizeof *out);
    bool told = step(m, out);
    if (told)
        spoil(m, out);
    return told;
}
