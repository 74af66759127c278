// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "client/cli/power_plan.h"

enum { WINDOWS = 5, SPARE = 5, MOST_WITH_TARGET = 100, BLOCKS = 8, SHORTEST_MS = 100 };

// "10", "10s", "1.5", "2min".
static bool read_seconds(const char *text, double *out)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (end == text || errno || !isfinite(value))
        return false;
    if (strcmp(end, "min") == 0)
        value *= 60;
    else if (*end && strcmp(end, "s") != 0)
        return false;
    *out = value;
    return true;
}

// "1", "1%", into a share.
static bool read_percent(const char *text, double *out)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (end == text || errno || (*end && strcmp(end, "%") != 0) || !isfinite(value))
        return false;
    *out = value / 100;
    return true;
}

static const char *check(const struct power_plan *p)
{
    if (!(p->seconds >= SHORTEST_MS / 1000.0 && p->seconds <= 600))
        return "--seconds: from 0.1 (a hundred samples of the monitor) to 600";
    // Then a whole window of the monitor, which lasts a second, lies in it.
    if (!(p->idle_s == 0 || (p->idle_s >= 2 && p->idle_s <= 600)))
        return "--idle: 0, or 2 to 600 seconds";
    if (p->target_share < 0 || p->target_share > 0.5)
        return "--target-ci: above 0 and at most 50 %";
    if (!(p->confidence >= 0.5 && p->confidence <= 0.9999))
        return "--confidence: from 50 to 99.99 %";
    if (p->most < p->windows)
        return "--max-windows: fewer than --windows";
    return NULL;
}

const char *power_plan_make(const struct options *o, struct power_plan *p)
{
    double share = 0;
    *p = (struct power_plan){.variants = o->words, .seconds = 10, .idle_s = 5, .confidence = 0.95};
    for (int i = 0; i < o->words; i++) {
        if (strlen(o->word[i]) >= SC_NAME_BYTES)
            return "a variant's name is too long";
        memcpy(p->variant[i], o->word[i], strlen(o->word[i]) + 1);
    }
    if (o->seconds && !read_seconds(o->seconds, &p->seconds))
        return "--seconds: not a time";
    if (o->idle && !read_seconds(o->idle, &p->idle_s))
        return "--idle: not a time";
    if (o->confidence && !read_percent(o->confidence, &p->confidence))
        return "--confidence: not a percentage";
    if (o->target_ci && (!read_percent(o->target_ci, &share) || !(share > 0)))
        return "--target-ci: not a percentage above 0";
    p->target_share = share;
    p->windows = o->windows ? (int)o->windows : WINDOWS;
    p->most = o->max_windows ? (int)o->max_windows
              : share > 0    ? MOST_WITH_TARGET
                             : p->windows + SPARE;
    if (share > 0 && !o->max_windows && p->most < p->windows)
        p->most = p->windows;
    p->warmup = (int)o->warmup;
    p->blocks = o->perturbation < 0 ? BLOCKS : (int)o->perturbation;
    p->seed = (uint64_t)o->seed;
    if (o->data)
        snprintf(p->data, sizeof p->data, "%s", o->data);
    if (o->windows > POWER_MAX_WINDOWS)
        return "--windows: at most 500 of each variant";
    return check(p);
}
