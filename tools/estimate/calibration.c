// SPDX-License-Identifier: Apache-2.0
#include "tools/estimate/calibration.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "tools/estimate/configuration.h"

int calibration_holds_out(const char *name)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(digest, (const unsigned char *)name, strlen(name));
    return digest[0] % 3 == 0;
}

static int counted(const json_t *counts, const char *key)
{
    return (int)json_integer_value(json_object_get(counts, key));
}

// The plan is gone afterwards: features and estimate are kept.
static int describe(struct calibrated *c, const json_t *configuration, char *why, size_t whycap)
{
    struct hardware hw;
    struct variant *v = configuration_variant(configuration, why, whycap);
    struct plan *p = NULL;
    if (v && hardware_choose(&hw, v->model, v->hardware, why, whycap) == 0)
        p = plan_new(v->model, &hw, why, whycap);
    if (p) {
        parts_describe(&c->features, p);
        estimate_plan(&c->estimate, p);
    }
    int ok = p != NULL;
    plan_free(p);
    variant_free(v);
    return ok ? 0 : -1;
}

static int add_entities(struct calibrated *c, json_t *entities, char *why, size_t whycap)
{
    const char *entity;
    json_t *own;
    json_object_foreach(entities, entity, own)
    {
        enum part part = part_of_entity(entity);
        if (part == PARTS) {
            snprintf(why, whycap, "entity %s belongs to no part", entity);
            return -1;
        }
        c->part[part][PART_LUT] += counted(own, "lut");
        c->part[part][PART_FF] += counted(own, "ff");
        c->part[part][PART_LUTRAM] += counted(own, "lutram");
    }
    return 0;
}

static int read_one(struct calibrated *c, const json_t *item, const char *rtl, char *why,
                    size_t whycap)
{
    const json_t *counts = json_object_get(item, "counts");
    char reason[512];
    c->name = json_string_value(json_object_get(item, "name"));
    if (!c->name || counted(counts, "lut") < 1) {
        snprintf(why, whycap, "a configuration has no name or no counts");
        return -1;
    }
    c->held_out = calibration_holds_out(c->name);
    const char *of = json_string_value(json_object_get(item, "rtl_sha256"));
    c->current = rtl && of && strcmp(of, rtl) == 0;
    c->lut = counted(counts, "lut");
    c->lutram = counted(counts, "lutram");
    c->ff = counted(counts, "ff");
    c->dsp = counted(counts, "dsp");
    c->ramb18 = counted(counts, "ramb18");
    if (describe(c, json_object_get(item, "configuration"), reason, sizeof reason) != 0 ||
        add_entities(c, json_object_get(item, "entities"), reason, sizeof reason) != 0) {
        snprintf(why, whycap, "%s: %s", c->name, reason);
        return -1;
    }
    return 0;
}

struct calibration *calibration_load(const char *path, char *why, size_t whycap)
{
    json_error_t error;
    struct calibration *c = calloc(1, sizeof *c);
    if (!c) {
        snprintf(why, whycap, "out of memory");
        return NULL;
    }
    c->file = json_load_file(path, 0, &error);
    json_t *list = json_object_get(c->file, "configurations");
    c->count = json_array_size(list);
    c->list = calloc(c->count ? c->count : 1, sizeof *c->list);
    if (!c->file || !c->list || c->count == 0) {
        snprintf(why, whycap, "%s: %s", path, c->file ? "no configurations" : error.text);
        calibration_free(c);
        return NULL;
    }
    const char *rtl = json_string_value(json_object_get(c->file, "rtl_sha256"));
    for (size_t i = 0; i < c->count; i++)
        if (read_one(&c->list[i], json_array_get(list, i), rtl, why, whycap) != 0) {
            calibration_free(c);
            return NULL;
        }
    return c;
}

void calibration_free(struct calibration *c)
{
    if (!c)
        return;
    json_decref(c->file);
    free(c->list);
    free(c);
}
