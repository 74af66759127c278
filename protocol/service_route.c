// SPDX-License-Identifier: Apache-2.0
#include "protocol/service_route.h"
#include "protocol/service_statistics.h"

#include <string.h>

static bool read_energy(json_t *o, const char *path, struct service_route_energy *x,
                        struct service_error *e)
{
    int64_t bursts = 0;
    if (!service_json_integer(o, path, "bursts", SERVICE_OPTIONAL, 0, INT64_MAX, &bursts, e) ||
        !service_json_text(o, path, "reason", SERVICE_OPTIONAL, x->reason, sizeof x->reason, e))
        return false;
    x->bursts = (uint64_t)bursts;
    if (!json_object_get(o, "count"))
        return true;
    return service_json_u64(o, path, "count", &x->count, e) &&
           service_json_u64(o, path, "runs", &x->runs, e) &&
           service_json_number(o, path, "joule", &x->joule, e) &&
           service_json_number(o, path, "uncertainty_joule", &x->uncertainty, e) &&
           service_json_origin(o, path, &x->origin, e) &&
           service_json_fill(o, path, "of", x->of, e);
}

static bool read_arm(json_t *o, const char *path, struct service_route_arm *a,
                     struct service_error *e)
{
    json_t *energy;
    char inside[sizeof e->field];
    service_json_path(inside, path, "energy");
    return service_json_fill(o, path, "variant", a->variant, e) &&
           service_json_u32(o, path, "weight", &a->weight, e) &&
           service_json_u32(o, path, "waiting", &a->waiting, e) &&
           service_count_read(o, path, "success", &a->success, e) &&
           service_count_read(o, path, "fail", &a->fail, e) &&
           service_json_object(o, path, "energy", SERVICE_REQUIRED, &energy, e) &&
           read_energy(energy, inside, &a->energy, e);
}

bool service_route_read(json_t *object, const char *path, void *out, struct service_error *e)
{
    struct service_route *r = out;
    int64_t waiting = 0, swaps = 0;
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
        !service_json_text(m, mirrored, "skip_reason", SERVICE_OPTIONAL, r->skip_reason,
                           sizeof r->skip_reason, e) ||
        !service_json_integer(m, mirrored, "waiting", SERVICE_OPTIONAL, 0, UINT32_MAX, &waiting,
                              e) ||
        !service_json_integer(m, mirrored, "swaps", SERVICE_OPTIONAL, 0, INT64_MAX, &swaps, e) ||
        !service_json_u64(m, mirrored, "different", &r->different, e) ||
        !service_json_number(m, mirrored, "mean_difference", &r->mean_difference, e) ||
        !service_json_number(m, mirrored, "max_difference", &r->max_difference, e))
        return false;
    r->mirror_waiting = (uint32_t)waiting;
    r->mirror_swaps = (uint64_t)swaps;
    for (; r->arms < json_array_size(arms); r->arms++)
        if (!service_json_member(arms, r->arms, path, "variants", &arm, arm_path, e) ||
            !read_arm(arm, arm_path, &r->arm[r->arms], e))
            return false;
    return true;
}

static void put_energy(struct service_writer *w, const struct service_route_energy *x)
{
    service_write_open(w, "energy", '{');
    if (!x->count)
        service_write_text(w, "reason", x->reason);
    service_write_integer(w, "bursts", x->bursts);
    if (x->count) {
        service_write_integer(w, "count", x->count);
        service_write_integer(w, "runs", x->runs);
        service_write_real(w, "joule", x->joule);
        service_write_real(w, "uncertainty_joule", x->uncertainty);
        service_write_text(w, "origin", service_origin_name(x->origin));
        service_write_text(w, "of", x->of);
    }
    service_write_close(w, '}');
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
        put_energy(w, &a->energy);
        service_write_close(w, '}');
    }
    service_write_close(w, ']');
    service_write_text(w, "mirror", r->mirror);
    service_write_open(w, "mirrored", '{');
    service_write_integer(w, "count", r->mirrored.count);
    service_write_integer(w, "ns", r->mirrored.ns);
    service_write_integer(w, "skipped", r->skipped);
    service_write_text_if(w, "skip_reason", r->skip_reason);
    service_write_integer(w, "waiting", r->mirror_waiting);
    service_write_integer(w, "swaps", r->mirror_swaps);
    service_write_integer(w, "different", r->different);
    service_write_real(w, "mean_difference", r->mean_difference);
    service_write_real(w, "max_difference", r->max_difference);
    service_write_close(w, '}');
    service_write_close(w, '}');
}
