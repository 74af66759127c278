// SPDX-License-Identifier: Apache-2.0
#include "tools/build/hardware.h"

#include <stdio.h>
#include <string.h>

static const char *const buffer_names[BUFFERS] = {
    "window", "activation", "numerator", "key", "value", "residual", "score", "weight",
};
static const char *const storage_names[] = {"block", "distributed", "auto"};

const char *hardware_buffer_name(enum hardware_buffer b)
{
    return buffer_names[b];
}

const char *hardware_storage_name(enum hardware_storage s)
{
    return storage_names[s];
}

static int widest_weight(const struct model *mdl)
{
    int bits = mdl->bits.w_in;
    for (int l = 0; l < mdl->shape.layers; l++) {
        const struct model_layer_bits *b = &mdl->bits.layer[l];
        const int all[] = {b->w_q, b->w_k, b->w_v, b->w_o, b->w_1, b->w_2};
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
            bits = all[i] > bits ? all[i] : bits;
    }
    return bits;
}

// The sizes that a cycle model with netlist counts found best inside an XC7S15: lanes while d is
// large, requantisers and a pipelined divider while it is small.
static void defaults(struct hardware *hw, const struct model *mdl)
{
    int d = mdl->shape.d_model, bits = widest_weight(mdl);
    hw->tokens = mdl->shape.window < 6 ? mdl->shape.window : 6;
    hw->terms = 4;
    if (d >= 48)
        hw->outputs = bits <= 4 ? 8 : 4;
    else if (d >= 24)
        hw->outputs = bits <= 4 ? 8 : 4;
    else if (d >= 12)
        hw->outputs = bits <= 4 ? 4 : 3;
    else
        hw->outputs = 2;
    hw->requantisers = hw->tokens;
    if (d >= 48 && bits > 4 && hw->tokens % 2 == 0)
        hw->requantisers = hw->tokens / 2;
    hw->requantiser_dsps = 0;
    hw->softmax_lanes = 1;
    if (d < 48 && hw->requantisers % 3 == 0 && mdl->shape.window >= 3)
        hw->softmax_lanes = 3;
    // nothing else of its attention is left to run meanwhile
    if (mdl->shape.form == MODEL_COLLAPSED && d < 12)
        hw->softmax_lanes = hw->requantisers;
    hw->divider_pipelined = d < 48;
    hw->chains = -1;
    hw->ramb18 = HARDWARE_RAMB18;
    hw->constants = CONSTANTS_AUTO;
    for (int b = 0; b < BUFFERS; b++) {
        hw->storage[b] = STORAGE_DISTRIBUTED;
        hw->given[b] = 0;
    }
    hw->storage[BUFFER_WEIGHT] = STORAGE_BLOCK;
}

static int refuse(char *why, size_t whycap, const char *field, const char *reason)
{
    snprintf(why, whycap, "hardware.%s: %s", field, reason);
    return -1;
}

static int read_count(const json_t *object, const char *key, int max, int *out, char *why,
                      size_t whycap)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 1 || json_integer_value(value) > max)
        return refuse(why, whycap, key, "not a number in its range");
    *out = (int)json_integer_value(value);
    return 0;
}

static int read_divider(struct hardware *hw, const json_t *object, char *why, size_t whycap)
{
    const json_t *value = json_object_get(object, "divider");
    if (!value)
        return 0;
    const char *text = json_string_value(value);
    if (!text || (strcmp(text, "serial") != 0 && strcmp(text, "pipelined") != 0))
        return refuse(why, whycap, "divider", "neither \"serial\" nor \"pipelined\"");
    hw->divider_pipelined = strcmp(text, "pipelined") == 0;
    return 0;
}

static int read_up_to(const json_t *object, const char *key, int max, int *out, char *why,
                      size_t whycap)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > max)
        return refuse(why, whycap, key, "not a number in its range");
    *out = (int)json_integer_value(value);
    return 0;
}

// A requantiser multiplies an accumulator and a residual; a softmax lane a distance.
int hardware_dsps_left(const struct hardware *hw)
{
    int used = hw->requantiser_dsps * hw->requantisers + hw->softmax_lanes;
    return used < HARDWARE_DSPS ? HARDWARE_DSPS - used : 0;
}

static int find(const char *text, const char *const *names, int count)
{
    for (int i = 0; text && i < count; i++)
        if (strcmp(text, names[i]) == 0)
            return i;
    return -1;
}

static int read_constants(struct hardware *hw, const json_t *object, char *why, size_t whycap)
{
    static const char *const names[] = {"rom", "stream", "auto"};
    const json_t *value = json_object_get(object, "constants");
    int kind = value ? find(json_string_value(value), names, 3) : (int)hw->constants;
    if (kind < 0)
        return refuse(why, whycap, "constants", "not rom, stream or auto");
    hw->constants = (enum hardware_constants)kind;
    return 0;
}

static int read_storage(struct hardware *hw, json_t *object, char *why, size_t whycap)
{
    json_t *storage = json_object_get(object, "storage"), *value;
    const char *key;
    json_object_foreach(storage, key, value)
    {
        int buffer = find(key, buffer_names, BUFFERS);
        int kind = find(json_string_value(value), storage_names, 3);
        char field[96];
        snprintf(field, sizeof field, "storage.%.63s", key);
        if (buffer < 0)
            return refuse(why, whycap, field, "no such buffer");
        if (kind < 0)
            return refuse(why, whycap, field, "not block, distributed or auto");
        hw->storage[buffer] = (enum hardware_storage)kind;
        hw->given[buffer] = 1;
    }
    return 0;
}

int hardware_choose(struct hardware *hw, const struct model *mdl, json_t *object, char *why,
                    size_t whycap)
{
    defaults(hw, mdl);
    if (object) {
        const json_t *tile = json_object_get(object, "tile");
        int given = json_object_get(tile, "tokens") != NULL;
        if (read_count(tile, "tokens", MODEL_MAX_WINDOW, &hw->tokens, why, whycap) ||
            read_count(tile, "outputs", 32, &hw->outputs, why, whycap) ||
            read_count(tile, "terms", 16, &hw->terms, why, whycap))
            return -1;
        if (given)
            hw->requantisers = hw->tokens;
        if (read_count(object, "requantisers", hw->tokens, &hw->requantisers, why, whycap))
            return -1;
        if (hw->requantisers % hw->softmax_lanes != 0)
            hw->softmax_lanes = 1;
        if (read_count(object, "softmax_lanes", hw->requantisers, &hw->softmax_lanes, why,
                       whycap) ||
            read_count(object, "requantiser_dsps", 2, &hw->requantiser_dsps, why, whycap) ||
            read_up_to(object, "chains", HARDWARE_DSPS, &hw->chains, why, whycap) ||
            read_up_to(object, "ramb18", HARDWARE_RAMB18, &hw->ramb18, why, whycap) ||
            read_divider(hw, object, why, whycap) || read_constants(hw, object, why, whycap) ||
            read_storage(hw, object, why, whycap))
            return -1;
    }
    if (hw->requantisers > HARDWARE_MAX_REQUANTISERS)
        return refuse(why, whycap, "requantisers", "more than 32");
    if (hw->tokens % hw->requantisers != 0)
        return refuse(why, whycap, "requantisers", "does not divide tile.tokens");
    if (hw->softmax_lanes > mdl->shape.window)
        return refuse(why, whycap, "softmax_lanes", "more than tokens in the window");
    if (hw->requantisers % hw->softmax_lanes != 0)
        return refuse(why, whycap, "softmax_lanes", "does not divide requantisers");
    return 0;
}
