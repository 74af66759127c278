// SPDX-License-Identifier: Apache-2.0
#include "protocol/service_energy.h"

#define AT "parameters.energy"

// ---- writing

void service_burst_write(struct service_writer *w, const struct service_burst *b)
{
    if (!b->runs)
        return;
    service_write_open(w, "burst", '{');
    service_write_integer(w, "runs", b->runs);
    service_write_text(w, "end", service_burst_end_name(b->end));
    service_write_integer(w, "cycles", b->cycles);
    service_write_integer(w, "busy_cycles", b->busy_cycles);
    service_write_real(w, "seconds", b->seconds);
    service_write_close(w, '}');
}

static void put_joules(struct service_writer *w, const struct service_joule *total,
                       const struct service_joule *above_idle)
{
    service_write_real(w, "joule", total->value);
    service_write_real(w, "uncertainty_joule", total->uncertainty);
    if (!above_idle)
        return;
    service_write_real(w, "above_idle_joule", above_idle->value);
    service_write_real(w, "uncertainty_above_idle_joule", above_idle->uncertainty);
}

static void put_rail(struct service_writer *w, const struct service_energy_rail *r, bool has_idle)
{
    service_write_open(w, NULL, '{');
    service_write_text(w, "name", r->name);
    if (r->reason[0]) {
        service_write_text(w, "reason", r->reason);
    } else {
        service_write_real(w, "watt", r->watt);
        service_write_real(w, "uncertainty_watt", r->uncertainty_watt);
        service_write_integer(w, "count", r->count);
        put_joules(w, &r->total, has_idle ? &r->above_idle : NULL);
    }
    service_write_close(w, '}');
}

void service_energy_write(struct service_writer *w, const struct service_energy *in)
{
    if (!in->rails) {
        service_write_text(w, "reason", in->reason);
        return;
    }
    service_write_text_if(w, "reason", in->reason);
    service_write_text(w, "origin", service_origin_name(in->origin));
    service_write_real(w, "window_s", in->window_s);
    if (!in->reason[0]) {
        service_write_text(w, "of", in->of);
        put_joules(w, &in->total, in->has_idle ? &in->above_idle : NULL);
    }
    service_write_open(w, "rails", '[');
    for (int i = 0; i < in->rails && i < SERVICE_RAILS_MAX; i++)
        put_rail(w, &in->rail[i], in->has_idle);
    service_write_close(w, ']');
}

// ---- reading

bool service_burst_read(json_t *parameters, struct service_burst *b, struct service_error *e)
{
    static const char path[] = "parameters.burst";
    json_t *burst;
    unsigned end = 0;
    if (!service_json_object(parameters, "parameters", "burst", SERVICE_OPTIONAL, &burst, e))
        return false;
    if (!burst)
        return true;
    if (!service_json_u32(burst, path, "runs", &b->runs, e) ||
        !service_json_u64(burst, path, "cycles", &b->cycles, e) ||
        !service_json_u64(burst, path, "busy_cycles", &b->busy_cycles, e) ||
        !service_json_number(burst, path, "seconds", &b->seconds, e) ||
        !service_json_word(burst, path, "end", SERVICE_REQUIRED, service_burst_end_words, &end, e))
        return false;
    b->end = (enum service_burst_end)end;
    return true;
}

// Sets of joules that were read, and those of them that say what lies above idle. One that does not
// makes all of above_idle void: a missing number is not 0.
struct tally {
    int read, idle;
};

static bool read_joules(json_t *o, const char *path, struct service_joule *total,
                        struct service_joule *above_idle, struct tally *tally,
                        struct service_error *e)
{
    bool has_idle = json_object_get(o, "above_idle_joule") != NULL;
    tally->read++;
    tally->idle += has_idle;
    return service_json_number(o, path, "joule", &total->value, e) &&
           service_json_number(o, path, "uncertainty_joule", &total->uncertainty, e) &&
           (!has_idle || (service_json_number(o, path, "above_idle_joule", &above_idle->value, e) &&
                          service_json_number(o, path, "uncertainty_above_idle_joule",
                                              &above_idle->uncertainty, e)));
}

static bool read_rail(json_t *rail, const char *path, struct service_energy_rail *r,
                      struct tally *tally, struct service_error *e)
{
    if (!service_json_fill(rail, path, "name", r->name, e) ||
        !service_json_text(rail, path, "reason", SERVICE_OPTIONAL, r->reason, sizeof r->reason, e))
        return false;
    return r->reason[0] ||
           (service_json_number(rail, path, "watt", &r->watt, e) &&
            service_json_number(rail, path, "uncertainty_watt", &r->uncertainty_watt, e) &&
            service_json_u32(rail, path, "count", &r->count, e) &&
            read_joules(rail, path, &r->total, &r->above_idle, tally, e));
}

bool service_energy_read(json_t *energy, struct service_energy *out, struct service_error *e)
{
    json_t *rails, *rail;
    char path[sizeof e->field];
    struct tally tally = {0, 0};
    bool measured = json_object_get(energy, "rails") != NULL;
    if (!service_json_text(energy, AT, "reason", measured ? SERVICE_OPTIONAL : SERVICE_REQUIRED,
                           out->reason, sizeof out->reason, e))
        return false;
    if (!measured)
        return true;
    if (!service_json_origin(energy, AT, &out->origin, e) ||
        !service_json_number(energy, AT, "window_s", &out->window_s, e) ||
        !service_json_array(energy, AT, "rails", 1, SERVICE_RAILS_MAX, &rails, e))
        return false;
    if (!out->reason[0] && (!service_json_fill(energy, AT, "of", out->of, e) ||
                            !read_joules(energy, AT, &out->total, &out->above_idle, &tally, e)))
        return false;
    for (; out->rails < json_array_size(rails); out->rails++)
        if (!service_json_member(rails, out->rails, AT, "rails", &rail, path, e) ||
            !read_rail(rail, path, &out->rail[out->rails], &tally, e))
            return false;
    out->has_idle = tally.read && tally.idle == tally.read;
    return true;
}
