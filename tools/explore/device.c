// SPDX-License-Identifier: Apache-2.0
#include "tools/explore/device.h"

#include <stdio.h>
#include <string.h>

static const struct device devices[] = {
    {"xc7s6", {3752, 1120, 7500, 10, 10}},
    {"xc7s15", {8000, 2400, 16000, 20, 20}},
    {"xc7s25", {14600, 5000, 29200, 80, 90}},
    {"xc7s50", {32600, 9600, 65200, 120, 150}},
};

const int device_around[RESOURCES] = {752, 48, 1020, 0, 0};

const char *resource_name(enum resource r)
{
    static const char *const names[RESOURCES] = {"LUT", "LUT memory", "FF", "DSP", "RAMB18"};
    return names[r];
}

const struct device *device_find(const char *name)
{
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++)
        if (!strcmp(devices[i].name, name))
            return &devices[i];
    return NULL;
}

void budget_init(struct budget *b, const struct device *device, double spare, long max_cycles)
{
    *b = (struct budget){.device = device, .max_cycles = max_cycles};
    for (int r = 0; r < RESOURCES; r++) {
        int whole = r == RESOURCE_DSP || r == RESOURCE_RAMB18;
        b->room[r] = (int)(device->has[r] * (whole ? 1 : 1 - spare / 100)) - device_around[r];
    }
}

static void used(const struct price *p, int use[RESOURCES])
{
    use[RESOURCE_LUT] = p->lut;
    use[RESOURCE_LUTRAM] = p->lutram;
    use[RESOURCE_FF] = p->ff;
    use[RESOURCE_DSP] = p->dsp;
    use[RESOURCE_RAMB18] = p->ramb18;
}

int budget_holds(const struct budget *b, const struct price *p)
{
    int use[RESOURCES];
    used(p, use);
    for (int r = 0; r < RESOURCES; r++)
        if (use[r] > b->room[r])
            return 0;
    return !b->max_cycles || p->cycles <= b->max_cycles;
}

void budget_explain(const struct budget *b, const struct price *p, char *text, size_t cap)
{
    int use[RESOURCES], over = 0;
    used(p, use);
    snprintf(text, cap, "fits");
    for (int r = 0; r < RESOURCES; r++)
        if (use[r] > b->room[r]) {
            const size_t at = over++ ? strlen(text) : 0;
            const int more = use[r] - b->room[r];
            snprintf(text + at, cap - at, "%s%s +%d (%.0f %%)", at ? ", " : "",
                     resource_name((enum resource)r), more, 100.0 * more / b->device->has[r]);
        }
    if (b->max_cycles && p->cycles > b->max_cycles) {
        const size_t at = over ? strlen(text) : 0;
        snprintf(text + at, cap - at, "%scycles +%ld", at ? ", " : "", p->cycles - b->max_cycles);
    }
}
