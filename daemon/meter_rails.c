// SPDX-License-Identifier: Apache-2.0
#include "daemon/meter_rails.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char name_letters[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
static const double shunt_min_ohm = 1e-5, shunt_max_ohm = 1000;

// One "NAME:OHM" or "-" of n characters.
static int parse_rail(struct meter_rails *r, int channel, const char *text, int n, char *why,
                      size_t whycap)
{
    struct meter_rail *rail = &r->rail[r->n];
    size_t name = strspn(text, name_letters);
    if (n == 1 && *text == '-')
        return 0;
    if (!name || name >= METER_RAIL_NAME || text[name] != ':') {
        snprintf(why, whycap, "\"%.*s\" is not of the form NAME:OHM, NAME of 1 to %d letters", n,
                 text, METER_RAIL_NAME - 1);
        return -1;
    }
    char *end;
    rail->shunt_ohm = strtod(text + name + 1, &end);
    if (end != text + n || !(rail->shunt_ohm >= shunt_min_ohm) ||
        !(rail->shunt_ohm <= shunt_max_ohm)) {
        snprintf(why, whycap, "\"%.*s\": the shunt is not a number of ohms from %g to %g", n, text,
                 shunt_min_ohm, shunt_max_ohm);
        return -1;
    }
    memcpy(rail->name, text, name);
    rail->name[name] = '\0';
    rail->channel = channel;
    for (int i = 0; i < r->n; i++)
        if (strcmp(r->rail[i].name, rail->name) == 0) {
            snprintf(why, whycap, "%s is named twice", rail->name);
            return -1;
        }
    r->n++;
    return 0;
}

int meter_rails_parse(struct meter_rails *r, const char *text, char *why, size_t whycap)
{
    memset(r, 0, sizeof *r);
    for (int channel = 0;; channel++) {
        text += strspn(text, " \t");
        size_t n = strcspn(text, ","), used = n;
        while (used && (text[used - 1] == ' ' || text[used - 1] == '\t'))
            used--;
        if (channel == METER_RAILS) {
            snprintf(why, whycap, "more than %d channels", METER_RAILS);
            return -1;
        }
        if (parse_rail(r, channel, text, (int)used, why, whycap) < 0)
            return -1;
        if (!text[n])
            break;
        text += n + 1;
    }
    if (!r->n)
        snprintf(why, whycap, "no rail");
    return r->n ? 0 : -1;
}
