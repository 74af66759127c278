// SPDX-License-Identifier: Apache-2.0
#include "protocol/service_metadata.h"

#include <string.h>

#include "protocol/service_tensor.h"

// Keys of "parameters" that have a type of their own; the others are details.
static const char *const typed[] = {"task", "features", "targets", "codes"};

static bool is_typed(const char *key)
{
    for (size_t i = 0; i < sizeof typed / sizeof typed[0]; i++)
        if (strcmp(key, typed[i]) == 0)
            return true;
    return false;
}

static bool read_columns(json_t *parameters, const char *key, size_t due,
                         struct service_column *out, struct service_error *e)
{
    json_t *array, *member;
    char path[sizeof e->field];
    if (!service_json_array(parameters, "parameters", key, due, due, &array, e))
        return false;
    for (size_t i = 0; i < due; i++)
        if (!service_json_member(array, i, "parameters", key, &member, path, e) ||
            !service_json_fill(member, path, "name", out[i].name, e) ||
            !service_json_fill(member, path, "unit", out[i].unit, e) ||
            !service_json_number(member, path, "offset", &out[i].offset, e) ||
            !service_json_number(member, path, "scale", &out[i].scale, e))
            return false;
    return true;
}

static bool read_codes(json_t *parameters, struct service_metadata *m, struct service_error *e)
{
    static const char path[] = "parameters.codes";
    json_t *codes;
    int64_t x = 0, y = 0;
    if (!service_json_object(parameters, "parameters", "codes", SERVICE_REQUIRED, &codes, e) ||
        !service_json_integer(codes, path, "x_bits", SERVICE_REQUIRED, 2, 8, &x, e) ||
        !service_json_integer(codes, path, "y_bits", SERVICE_REQUIRED, 2, 16, &y, e) ||
        !service_json_number(codes, path, "x_scale", &m->x_scale, e) ||
        !service_json_number(codes, path, "y_scale", &m->y_scale, e))
        return false;
    m->x_bits = (uint8_t)x;
    m->y_bits = (uint8_t)y;
    return true;
}

static bool read_version(json_t *root, char out[SERVICE_HASH_HEX + 1], struct service_error *e)
{
    json_t *versions;
    if (!service_json_array(root, "", "versions", 1, 1, &versions, e))
        return false;
    const json_t *version = json_array_get(versions, 0);
    size_t n = json_string_length(version);
    if (!json_is_string(version) || n > SERVICE_HASH_HEX)
        return service_json_bad(e, "versions[0]", NULL, "not a hash");
    memcpy(out, json_string_value(version), n + 1);
    return true;
}

bool service_metadata_read(json_t *root, struct service_metadata *out, struct service_error *e)
{
    static const int limit[] = {SERVICE_WINDOW_MAX, SERVICE_FEATURES_MAX};
    json_t *p;
    int window[2];
    if (!service_json_fill(root, "", "name", out->name, e) ||
        !read_version(root, out->version, e) ||
        !service_tensor_read(root, "inputs", 0, 2, limit, window, e) ||
        !service_outputs_read(root, 0, &out->outputs, e) ||
        !service_json_object(root, "", "parameters", SERVICE_REQUIRED, &p, e) ||
        !service_json_fill(p, "parameters", "task", out->task, e))
        return false;
    out->window = (uint16_t)window[0];
    out->features = (uint16_t)window[1];
    if (!read_columns(p, "features", out->features, out->feature, e) ||
        !read_columns(p, "targets", out->outputs, out->target, e) || !read_codes(p, out, e))
        return false;
    out->details = json_copy(p);
    for (size_t i = 0; out->details && i < sizeof typed / sizeof typed[0]; i++)
        json_object_del(out->details, typed[i]);
    return out->details || service_json_bad(e, "parameters", NULL, "out of memory");
}

static void put_columns(struct service_writer *w, const char *key, const struct service_column *c,
                        size_t n)
{
    service_write_open(w, key, '[');
    for (; n--; c++) {
        service_write_open(w, NULL, '{');
        service_write_text(w, "name", c->name);
        service_write_text(w, "unit", c->unit);
        service_write_real(w, "offset", c->offset);
        service_write_real(w, "scale", c->scale);
        service_write_close(w, '}');
    }
    service_write_close(w, ']');
}

// The typed keys come first and win over details of the same name.
static void put_parameters(struct service_writer *w, const struct service_metadata *m)
{
    const char *key;
    json_t *value;
    service_write_open(w, "parameters", '{');
    service_write_text(w, "task", m->task);
    put_columns(w, "features", m->feature, m->features);
    put_columns(w, "targets", m->target, m->outputs);
    service_write_open(w, "codes", '{');
    service_write_integer(w, "x_bits", m->x_bits);
    service_write_real(w, "x_scale", m->x_scale);
    service_write_integer(w, "y_bits", m->y_bits);
    service_write_real(w, "y_scale", m->y_scale);
    service_write_close(w, '}');
    json_object_foreach(m->details, key, value) if (!is_typed(key))
        service_write_json(w, key, value);
    service_write_close(w, '}');
}

void service_metadata_write(struct service_writer *w, const struct service_metadata *m)
{
    const unsigned window[] = {m->window, m->features};
    if (m->features > SERVICE_FEATURES_MAX)
        w->failed = true;
    service_write_text(w, "name", m->name);
    service_write_open(w, "versions", '[');
    service_write_text(w, NULL, m->version);
    service_write_close(w, ']');
    service_write_text(w, "platform", "fpga_bitstream");
    service_write_open(w, "inputs", '[');
    service_tensor_write(w, "window", "FP64", window, 2);
    service_write_close(w, ']');
    service_outputs_write(w, m->outputs);
    if (!w->failed)
        put_parameters(w, m);
}
