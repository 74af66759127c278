// SPDX-License-Identifier: Apache-2.0
#include "daemon/route.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool take_arm(struct route_arms *a, char *word, char *why, size_t whycap)
{
    static const char name_bytes[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    char *colon = strchr(word, ':'), *end = NULL;
    unsigned long weight = 1;
    if (colon) {
        *colon = '\0';
        errno = 0;
        weight = strtoul(colon + 1, &end, 10);
        if (end == colon + 1 || *end || errno || weight < 1 || weight > ROUTE_WEIGHT_MAX ||
            colon[1] == '-') {
            snprintf(why, whycap, "\"%s\": a weight is a whole number from 1 to %d", colon + 1,
                     ROUTE_WEIGHT_MAX);
            return false;
        }
    }
    size_t n = strlen(word);
    if (n < 1 || n >= ROUTE_NAME_BYTES || strspn(word, name_bytes) != n) {
        snprintf(why, whycap, "\"%.80s\" is not a variant's name", word);
        return false;
    }
    for (int i = 0; i < a->n; i++)
        if (strcmp(a->variant[i], word) == 0) {
            snprintf(why, whycap, "%s is there twice", word);
            return false;
        }
    if (a->n == ROUTE_ARMS) {
        snprintf(why, whycap, "at most %d variants", ROUTE_ARMS);
        return false;
    }
    memcpy(a->variant[a->n], word, n + 1);
    a->weight[a->n++] = (uint32_t)weight;
    a->total += (uint32_t)weight;
    return true;
}

int route_arms_parse(struct route_arms *a, const char *text, char *why, size_t whycap)
{
    char word[160];
    memset(a, 0, sizeof *a);
    for (const char *at = text;;) {
        at += strspn(at, " \t");
        size_t n = strcspn(at, ","), trimmed = n;
        while (trimmed && (at[trimmed - 1] == ' ' || at[trimmed - 1] == '\t'))
            trimmed--;
        snprintf(word, sizeof word, "%.*s", (int)(trimmed < 150 ? trimmed : 150), at);
        if (!take_arm(a, word, why, whycap))
            return -1;
        if (!at[n])
            return 0;
        at += n + 1;
    }
}

// 64-bit FNV-1a, then the finaliser of splitmix64: FNV alone leaves the high bits of short keys
// alike.
static uint64_t hash(uint64_t h, const void *data, size_t n)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < n; i++)
        h = (h ^ bytes[i]) * UINT64_C(0x100000001b3);
    return h;
}

static int arm_at(const struct route_arms *a, uint32_t point)
{
    int i = 0;
    while (point >= a->weight[i])
        point -= a->weight[i++];
    return i;
}

int route_sticky(const struct route_arms *a, const char *route, const void *key, size_t n)
{
    uint64_t h = hash(UINT64_C(0xcbf29ce484222325), route, strlen(route) + 1);
    h = hash(h, key, n);
    h = (h ^ (h >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    h = (h ^ (h >> 27)) * UINT64_C(0x94d049bb133111eb);
    h ^= h >> 31;
    // The high half times the total: uniform up to total / 2^32.
    return arm_at(a, (uint32_t)(((h >> 32) * a->total) >> 32));
}

int route_random(const struct route_arms *a, struct random *r)
{
    return arm_at(a, random_below(r, a->total));
}

uint64_t route_swap_from(uint64_t ready_since_ns, uint64_t swap_ns, uint64_t dwell_ns)
{
    return ready_since_ns + (swap_ns > dwell_ns ? swap_ns : dwell_ns);
}
