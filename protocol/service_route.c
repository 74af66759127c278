// SPDX-License-Identifier: Apache-2.0
#include "protocol/service_route.h"

#include <string.h>

#define TEXT(object, path, key, out)                                                               \
    service_json_text(object, path, key, SERVICE_REQUIRED, out, sizeof(out), e)

static bool read_u64(json_t *object, const char *path, const char *key, uint64_t *out,
                     struct service_error *e)
{
    int64_t value = 0;
    if (!service_json_integer(object, path, key, SERVICE_REQUIRED, 0, INT64_MAX, &value, e))
        return false;
    *out = (uint64_t)value;
    return true;
}

static bool read_u32(json_t *object, const char *path, const char *key, uint32_t *out,
                     struct service_error *e)
{
    int64_t value = 0;
    if (!service_json_integer(object, path, key, SERVICE_REQUIRED, 0, UINT32_MAX, &value, e))
        return false;
    *out = (uint32_t)value;
    return true;
}

static bool read_count(json_t *object, const char *path, const char *key, struct service_count *out,
                       struct service_error *e)
{
    json_t *count;
    return service_json_object(object, path, key, SERVICE_REQUIRED, &count, e) &&
           read_u64(count, path, "count", &out->count, e) &&
           read_u64(count, path, "ns", &out->ns, e);
}

static bool read_arm(json_t *o, const char *path, struct service_route_arm *a,
                     struct service_error *e)
{
    json_t *energy;
    return TEXT(o, path, "variant", a->variant) && read_u32(o, path, "weight", &a->weight, e) &&
           read_u32(o, path, "waiting", &a->waiting, e) &&
           read_count(o, path, "success", &a->success, e) &&
           read_count(o, path, "fail", &a->fail, e) &&
           service_json_object(o, path, "energy", SERVICE_REQUIRED, &energy, e) &&
           TEXT(energy, path, "reason", a->no_energy);
}

bool service_route_read(json_t *object, const char *path, void *out, struct service_error *e)
{
    struct service_route *r = out;
    json_t *arms, *arm, *m;
    char arm_path[sizeof e->field];
    memset(r, 0, sizeof *r);
    if (!TEXT(object, path, "name", r->name) ||
        !service_json_flag(object, path, "sticky", &r->sticky, e) ||
        !service_json_flag(object, path, "swap", &r->swap, e) ||
        !read_u32(object, path, "dwell_ms", &r->dwell_ms, e) ||
        !read_u64(object, path, "swaps", &r->swaps, e) ||
        !service_json_array(object, path, "variants", 1, SERVICE_ARMS_MAX, &arms, e) ||
        !TEXT(object, path, "mirror", r->mirror) ||
        !service_json_object(object, path, "mirrored", SERVICE_REQUIRED, &m, e) ||
        !read_u64(m, path, "count", &r->mirrored.count, e) ||
        !read_u64(m, path, "ns", &r->mirrored.ns, e) ||
        !read_u64(m, path, "skipped", &r->skipped, e) ||
        !read_u64(m, path, "different", &r->different, e) ||
        !service_json_number(m, path, "mean_difference", &r->mean_difference, e) ||
        !service_json_number(m, path, "max_difference", &r->max_difference, e))
        return false;
    for (; r->arms < json_array_size(arms); r->arms++)
        if (!service_json_member(arms, r->arms, path, "variants", &arm, arm_path, e) ||
            !read_arm(arm, arm_path, &r->arm[r->arms], e))
            return false;
    return true;
}

static void put_count(struct service_writer *w, const char *key, const struct service_count *c)
{
    service_write_open(w, key, '{');
    service_write_integer(w, "count", c->count);
    service_write_integer(w, "ns", c->ns);
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
        put_count(w, "success", &a->success);
        put_count(w, "fail", &a->fail);
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
