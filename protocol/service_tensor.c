// SPDX-License-Identifier: Apache-2.0
#include "protocol/service_tensor.h"

#include <string.h>

static void put_shape(struct service_writer *w, const unsigned *size, int rank)
{
    service_write_open(w, "shape", '[');
    for (int i = 0; i < rank; i++)
        service_write_integer(w, NULL, size[i]);
    service_write_close(w, ']');
}

bool service_input_read(json_t *inputs, size_t index, const char *name, size_t rank,
                        const int *limit, int *size, char datatype[16], struct service_error *e)
{
    static const char *const allowed[] = {"name", "shape", "datatype", NULL};
    json_t *input;
    char path[sizeof e->field], given[16];
    if (!service_json_member(inputs, index, "", "inputs", &input, path, e) ||
        !service_json_only(input, path, allowed, e) ||
        !service_json_fill(input, path, "name", given, e))
        return false;
    if (strcmp(given, name) != 0)
        return service_json_bad(e, path, "name", "\"%s\" is due", name);
    return service_json_text(input, path, "datatype", SERVICE_REQUIRED, datatype, 16, e) &&
           service_json_shape(input, path, rank, limit, size, e);
}

void service_input_write(struct service_writer *w, const char *name, const unsigned *size, int rank,
                         const char *datatype)
{
    service_write_open(w, NULL, '{');
    service_write_text(w, "name", name);
    put_shape(w, size, rank);
    service_write_text(w, "datatype", datatype);
    service_write_close(w, '}');
}

bool service_tensor_read(json_t *root, const char *key, size_t index, size_t rank, const int *limit,
                         int *out, struct service_error *e)
{
    json_t *array, *member;
    char path[sizeof e->field];
    return service_json_array(root, "", key, index + 1, 8, &array, e) &&
           service_json_member(array, index, "", key, &member, path, e) &&
           service_json_shape(member, path, rank, limit, out, e);
}

void service_tensor_write(struct service_writer *w, const char *name, const char *datatype,
                          const unsigned *size, int rank)
{
    service_write_open(w, NULL, '{');
    service_write_text(w, "name", name);
    service_write_text(w, "datatype", datatype);
    put_shape(w, size, rank);
    service_write_close(w, '}');
}

bool service_outputs_read(json_t *root, size_t index, uint16_t *out, struct service_error *e)
{
    static const int limit[] = {SERVICE_OUTPUTS_MAX};
    int outputs = 0;
    bool good = service_tensor_read(root, "outputs", index, 1, limit, &outputs, e);
    *out = (uint16_t)outputs;
    return good;
}

void service_outputs_write(struct service_writer *w, unsigned outputs)
{
    if (outputs < 1 || outputs > SERVICE_OUTPUTS_MAX)
        w->failed = true;
    service_write_open(w, "outputs", '[');
    service_tensor_write(w, "forecast", "FP64", &outputs, 1);
    service_tensor_write(w, "forecast_codes", "INT16", &outputs, 1);
    service_write_close(w, ']');
}
