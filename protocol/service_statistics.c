// SPDX-License-Identifier: Apache-2.0
#include "protocol/service_statistics.h"

bool service_count_read(json_t *object, const char *path, const char *key,
                        struct service_count *out, struct service_error *e)
{
    json_t *count;
    char inside[sizeof e->field];
    service_json_path(inside, path, key);
    return service_json_object(object, path, key, SERVICE_REQUIRED, &count, e) &&
           service_json_u64(count, inside, "count", &out->count, e) &&
           service_json_u64(count, inside, "ns", &out->ns, e);
}

void service_count_write(struct service_writer *w, const char *key, const struct service_count *c)
{
    service_write_open(w, key, '{');
    service_write_integer(w, "count", c->count);
    service_write_integer(w, "ns", c->ns);
    service_write_close(w, '}');
}

bool service_stats_read(json_t *object, const char *path, void *out, struct service_error *e)
{
    struct service_model_stats *s = out;
    json_t *stats;
    char inside[sizeof e->field];
    service_json_path(inside, path, "inference_stats");
    return service_json_fill(object, path, "name", s->name, e) &&
           service_json_fill(object, path, "version", s->version, e) &&
           service_json_u64(object, path, "saturated_values", &s->saturated_values, e) &&
           service_json_object(object, path, "inference_stats", SERVICE_REQUIRED, &stats, e) &&
           service_count_read(stats, inside, "success", &s->success, e) &&
           service_count_read(stats, inside, "fail", &s->fail, e) &&
           service_count_read(stats, inside, "queue", &s->queue, e) &&
           service_count_read(stats, inside, "compute_input", &s->compute_input, e) &&
           service_count_read(stats, inside, "compute_infer", &s->compute_infer, e) &&
           service_count_read(stats, inside, "compute_output", &s->compute_output, e);
}

void service_stats_write(struct service_writer *w, const struct service_model_stats *s)
{
    service_write_open(w, NULL, '{');
    service_write_text(w, "name", s->name);
    service_write_text(w, "version", s->version);
    service_write_open(w, "inference_stats", '{');
    service_count_write(w, "success", &s->success);
    service_count_write(w, "fail", &s->fail);
    service_count_write(w, "queue", &s->queue);
    service_count_write(w, "compute_input", &s->compute_input);
    service_count_write(w, "compute_infer", &s->compute_infer);
    service_count_write(w, "compute_output", &s->compute_output);
    service_write_close(w, '}');
    service_write_integer(w, "saturated_values", s->saturated_values);
    service_write_close(w, '}');
}
