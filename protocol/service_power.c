// SPDX-License-Identifier: Apache-2.0
#include "protocol/service_power.h"

static bool read_rail(json_t *rail, const char *path, struct service_rail *r,
                      struct service_error *e)
{
    if (!service_json_fill(rail, path, "name", r->name, e) ||
        !service_json_text(rail, path, "reason", SERVICE_OPTIONAL, r->reason, sizeof r->reason, e))
        return false;
    return r->reason[0] ||
           (service_json_number(rail, path, "watt", &r->watt, e) &&
            service_json_number(rail, path, "uncertainty_watt", &r->uncertainty_watt, e) &&
            service_json_u32(rail, path, "count", &r->count, e));
}

bool service_power_read(json_t *object, const char *path, const char *key,
                        struct service_power *out, struct service_error *e)
{
    json_t *power, *rails, *rail;
    char inside[sizeof e->field], rail_path[sizeof e->field];
    service_json_path(inside, path, key);
    if (!service_json_object(object, path, key, SERVICE_OPTIONAL, &power, e))
        return false;
    if (!power)
        return true;
    if (!json_object_get(power, "rails"))
        return service_json_fill(power, inside, "reason", out->reason, e);
    if (!service_json_origin(power, inside, &out->origin, e) ||
        !service_json_number(power, inside, "window_s", &out->window_s, e) ||
        !service_json_array(power, inside, "rails", 1, SERVICE_RAILS_MAX, &rails, e))
        return false;
    for (; out->rails < json_array_size(rails); out->rails++)
        if (!service_json_member(rails, out->rails, inside, "rails", &rail, rail_path, e) ||
            !read_rail(rail, rail_path, &out->rail[out->rails], e))
            return false;
    return true;
}

static void put_rail(struct service_writer *w, const struct service_rail *r)
{
    service_write_open(w, NULL, '{');
    service_write_text(w, "name", r->name);
    if (r->reason[0]) {
        service_write_text(w, "reason", r->reason);
    } else {
        service_write_real(w, "watt", r->watt);
        service_write_real(w, "uncertainty_watt", r->uncertainty_watt);
        service_write_integer(w, "count", r->count);
    }
    service_write_close(w, '}');
}

void service_power_write(struct service_writer *w, const char *key, const struct service_power *p)
{
    service_write_open(w, key, '{');
    if (p->rails) {
        service_write_text(w, "origin", service_origin_name(p->origin));
        service_write_real(w, "window_s", p->window_s);
        service_write_open(w, "rails", '[');
        for (int i = 0; i < p->rails && i < SERVICE_RAILS_MAX; i++)
            put_rail(w, &p->rail[i]);
        service_write_close(w, ']');
    } else {
        service_write_text(w, "reason", p->reason);
    }
    service_write_close(w, '}');
}

bool service_power_row_read(json_t *object, const char *path, void *out, struct service_error *e)
{
    struct service_power_row *p = out;
    return service_json_u64(object, path, "seq", &p->seq, e) &&
           service_json_number(object, path, "begin_s", &p->begin_s, e) &&
           service_json_number(object, path, "end_s", &p->end_s, e) &&
           service_power_read(object, path, "power", &p->power, e);
}

void service_power_log_write(struct service_writer *w, const struct service_power_log *log)
{
    service_write_text(w, "board", log->board);
    service_write_real(w, "now_s", log->now_s);
    service_write_integer(w, "paused_ms", log->paused_ms);
    service_write_open(w, "windows", '[');
    for (size_t i = 0; i < log->n && i < SERVICE_POWER_ROWS_MAX; i++) {
        const struct service_power_row *row = &log->rows[i];
        service_write_open(w, NULL, '{');
        service_write_integer(w, "seq", row->seq);
        service_write_real(w, "begin_s", row->begin_s);
        service_write_real(w, "end_s", row->end_s);
        service_power_write(w, "power", &row->power);
        service_write_close(w, '}');
    }
    service_write_close(w, ']');
}
