// SPDX-License-Identifier: Apache-2.0
#include "protocol/service_route.h"
#include "protocol/service_statistics.h"

#include <string.h>

static bool read_arm(json_t *o, const char *path, struct service_route_arm *a,
                     struct service_error *e)
{
    json_t *energy;
    return service_json_fill(o, path, "variant", a->variant, e) &&
           service_json_u32(o, path, "weight", &a->weight, e) &&
           service_json_u32(o, path, "waiting", &a->waiting, e) &&
           service_count_read(o, path, "success", &a->success, e) &&
           service_count_read(o, path, "fail", &a->fail, e) &&
           service_json_object(o, path, "energy", SERVICE_REQUIRED, &energy, e) &&
           service_json_fill(energy, path, "reason", a->no_energy, e);
}

bool service_route_read(json_t *object, const char *path, void *out, struct service_error *e)
{
    struct service_route *r = out;
    json_t *arms, *arm, *m;
    char arm_path[sizeof e->field], mirrored[sizeof e->field];
    service_json_path(mirrored, path, "mirrored");
    memset(r, 0, sizeof *r);
    if (!service_json_fill(object, path, "name", r->name, e) ||
        !service_json_flag(object, path, "sticky", &r->sticky, e) ||
        !service_json_flag(object, path, "swap", &r->swap, e) ||
        !service_json_u32(object, path, "dwell_ms", &r->dwell_ms, e) ||
        !service_json_u64(object, path, "swaps", &r->swaps, e) ||
        !service_json_array(object, path, "variants", 1, SERVICE_ARMS_MAX, &arms, e) ||
        !service_json_fill(object, path, "mirror", r->mirror, e) ||
        !service_json_object(object, path, "mirrored", SERVICE_REQUIRED, &m, e) ||
        !service_json_u64(m, mirrored, "count", &r->mirrored.count, e) ||
        !service_json_u64(m, mirrored, "ns", &r->mirrored.ns, e) ||
        !service_json_u64(m, mirrored, "skipped", &r->skipped, e) ||
        !service_json_u64(m, mirrored, "different", &r->different, e) ||
        !service_json_number(m, mirrored, "mean_difference", &r->mean_difference, e) ||
        !service_json_number(m, mirrored, "max_difference", &r->max_difference, e))
        return false;
    for (; r->arms < json_array_size(arms); r->arms++)
        if (!service_json_member(arms, r->arms, path, "variants", &arm, arm_path, e) ||
            !read_arm(arm, arm_path, &r->arm[r->arms], e))
            return false;
    return true;
}

void service_route_write(struct service_writer *w, const struct service_route *r)
{
    service_write_open(w, NULL, '{');
    service_write_text(w, "name", r->name);
    service_write_flag(w, "sticky", r->sticky);
    service_write_flag(w, "swap", r->swap);
    service_write_integer(w, "dwell_ms", r->dwell_ms);
    service_write_integer(w, "swaps", r->swaps);
    service_write_open(w, "variants", '[');
    for (int i = 0; i < r->arms && i < SERVICE_ARMS_MAX; i++) {
        const struct service_route_arm *a = &r->arm[i];
        service_write_open(w, NULL, '{');
        service_write_text(w, "variant", a->variant);
        service_write_integer(w, "weight", a->weight);
        service_write_integer(w, "waiting", a->waiting);
        service_count_write(w, "success", &a->success);
        service_count_write(w, "fail", &a->fail);
        service_write_open(w, "energy", '{');
        service_write_text(w, "reason", a->no_energy);
        service_write_close(w, '}');
        service_write_close(w, '}');
    }
    service_write_close(w, ']');
    service_write_text(w, "mirror", r->mirror);
    service_write_open(w, "mirrored", '{');
    service_write_integer(w, "count", r->mirrored.count);
    service_write_integer(w, "ns", r->mirrored.ns);
    service_write_integer(w, "skipped", r->skipped);
    service_write_integer(w, "different", r->different);
    service_write_real(w, "mean_difference", r->mean_difference);
    service_write_real(w, "max_difference", r->max_difference);
    service_write_close(w, '}');
    service_write_close(w, '}');
}
