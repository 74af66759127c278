// SPDX-License-Identifier: Apache-2.0
#include "tools/explore/engine.h"

#include <assert.h>
#include <stdio.h>

enum { TERMS = 4, MOST_TOKENS = 6 };

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

// A requantiser of one DSP takes two cycles for a residual: only where a job of d_model terms
// gives it the time.
static int has_time(const struct engine *e, const struct model_shape *s)
{
    return (s->d_model + e->terms - 1) / e->terms >= 2 * e->outputs * (e->tokens / e->requantisers);
}

// A fast one, and one that spares LUTs and DSPs where requantisers and softmax have time; both with
// one DSP a requantiser too, if that can be.
static int list_kinds(struct engine out[4], int tokens, int outputs, const struct model_shape *s)
{
    out[0] = (struct engine){.tokens = tokens,
                             .outputs = outputs,
                             .terms = TERMS,
                             .requantisers = tokens,
                             .softmax_lanes = tokens % 3 == 0 && s->window >= 3 ? 3 : 1,
                             .divider_pipelined = 1,
                             .requantiser_dsps = 2,
                             .chains = -1};
    out[1] = out[0];
    out[1].requantisers = tokens % 2 == 0 ? tokens / 2 : tokens;
    out[1].softmax_lanes = 1;
    out[1].divider_pipelined = 0;
    int count = 2;
    for (int i = 0; i < 2; i++)
        if (has_time(&out[i], s)) {
            out[count] = out[i];
            out[count++].requantiser_dsps = 1;
        }
    return count;
}

// DSPs that requantisers and softmax take.
static int fixed_dsps(const struct engine *e, const struct model_shape *s)
{
    return e->requantiser_dsps * e->requantisers + e->softmax_lanes +
           (s->form == MODEL_COLLAPSED ? s->outputs : 0);
}

// Storage: memories wherever they take the fewest LUTs, within all of the Block RAMs or a part of
// them; all in LUTs, constants too; all in Block RAM.
static int add_storages(struct engine *list, int count, struct engine e, int ramb18, int storage)
{
    const int most = smaller(ramb18, HARDWARE_RAMB18);
    const int any = storage == ENGINE_ANY_STORAGE;
    for (int quarters = 4; quarters > (any ? 0 : 3) && (any || storage == STORAGE_AUTO);
         quarters--) {
        e.storage = STORAGE_AUTO;
        e.ramb18 = most * quarters / 4;
        list[count++] = e;
    }
    for (int kind = STORAGE_BLOCK; kind <= STORAGE_DISTRIBUTED; kind++)
        if (any || storage == kind) {
            e.storage = (enum hardware_storage)kind;
            e.ramb18 = kind == STORAGE_BLOCK ? most : 0;
            list[count++] = e;
        }
    assert(count <= ENGINE_MAX);
    return count;
}

int engine_list(struct engine list[ENGINE_MAX], const struct model_shape *shape, int dsp,
                int ramb18, int storage)
{
    static const int outputs[] = {2, 3, 4, 6, 8};
    const int tokens = smaller(shape->window, MOST_TOKENS);
    int count = 0;
    for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++) {
        struct engine kind[4];
        const int kinds = list_kinds(kind, tokens, outputs[i], shape);
        for (int k = 0; k < kinds; k++) {
            int left = smaller(dsp, HARDWARE_DSPS) - fixed_dsps(&kind[k], shape);
            if (left < 0)
                continue;
            // the planner counts with the DSPs of an XC7S15
            if (dsp < HARDWARE_DSPS)
                kind[k].chains = 0;
            count = add_storages(list, count, kind[k], ramb18, storage);
        }
    }
    return count;
}

int engine_default(struct engine *e, const struct model_shape *shape, const struct model_bits *bits,
                   enum hardware_storage storage)
{
    struct model *mdl = model_new(shape, bits);
    struct hardware hw;
    char why[128];
    if (!mdl || hardware_choose(&hw, mdl, NULL, why, sizeof why) != 0) {
        model_free(mdl);
        return -1;
    }
    *e = (struct engine){.tokens = hw.tokens,
                         .outputs = hw.outputs,
                         .terms = hw.terms,
                         .requantisers = hw.requantisers,
                         .softmax_lanes = hw.softmax_lanes,
                         .requantiser_dsps = hw.requantiser_dsps,
                         .divider_pipelined = hw.divider_pipelined,
                         .chains = hw.chains,
                         .ramb18 = hw.ramb18,
                         .storage = storage};
    model_free(mdl);
    return 0;
}

int engine_hardware(const struct engine *e, const struct model *mdl, struct hardware *hw, char *why,
                    size_t whycap)
{
    json_t *object = engine_json(e);
    int rc = object ? hardware_choose(hw, mdl, object, why, whycap) : -1;
    if (!object)
        snprintf(why, whycap, "out of memory");
    json_decref(object);
    return rc;
}

json_t *engine_json(const struct engine *e)
{
    json_t *object = json_pack("{s:{s:i, s:i, s:i}, s:i, s:i, s:s, s:i}", "tile", "tokens",
                               e->tokens, "outputs", e->outputs, "terms", e->terms, "requantisers",
                               e->requantisers, "softmax_lanes", e->softmax_lanes, "divider",
                               e->divider_pipelined ? "pipelined" : "serial", "ramb18", e->ramb18);
    if (object && e->requantiser_dsps > 0)
        json_object_set_new(object, "requantiser_dsps", json_integer(e->requantiser_dsps));
    if (object && e->chains >= 0)
        json_object_set_new(object, "chains", json_integer(e->chains));
    if (object && e->storage != STORAGE_AUTO) {
        json_t *storage = json_object();
        for (int b = 0; b < BUFFERS; b++)
            json_object_set_new(storage, hardware_buffer_name((enum hardware_buffer)b),
                                json_string(hardware_storage_name(e->storage)));
        json_object_set_new(object, "storage", storage);
    }
    return object;
}

void engine_text(const struct engine *e, char *text, size_t cap)
{
    snprintf(text, cap, "%dx%dx%d, %d requantisers%s, %d softmax lanes, %s, %d RAMB18, %s",
             e->tokens, e->outputs, e->terms, e->requantisers,
             e->requantiser_dsps == 1 ? " of one DSP" : "", e->softmax_lanes,
             e->divider_pipelined ? "pipelined" : "serial", e->ramb18,
             hardware_storage_name(e->storage));
}
