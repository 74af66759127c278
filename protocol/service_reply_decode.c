// SPDX-License-Identifier: Apache-2.0
// Replies of the service protocol, as a client reads them. Keys that are not known are passed over,
// so that a newer daemon can say more.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/service_energy.h"
#include "protocol/service_experiment.h"
#include "protocol/service_json.h"
#include "protocol/service_route.h"

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

// Text that must be one of count names; *out is its index.
static bool read_choice(json_t *object, const char *path, const char *key, unsigned count,
                        const char *(*name)(unsigned), unsigned *out, struct service_error *e)
{
    char text[32];
    if (!TEXT(object, path, key, text))
        return false;
    for (*out = 0; *out < count; (*out)++)
        if (strcmp(name(*out), text) == 0)
            return true;
    return service_json_bad(e, path, key, "'%s' is not known", text);
}

static const char *origin_at(unsigned i)
{
    return service_origin_name((enum service_origin)i);
}

static const char *model_state_at(unsigned i)
{
    return service_model_state_name((enum service_model_state)i);
}

static const char *board_state_at(unsigned i)
{
    return service_board_state_name((enum service_board_state)i);
}

static bool read_origin(json_t *object, const char *path, enum service_origin *out,
                        struct service_error *e)
{
    unsigned i;
    if (!read_choice(object, path, "origin", 3, origin_at, &i, e))
        return false;
    *out = (enum service_origin)i;
    return true;
}

static bool read_names(json_t *object, const char *path, const char *key, struct service_names *out,
                       struct service_error *e)
{
    json_t *array;
    if (!service_json_array(object, path, key, 0, SERVICE_BOARDS_MAX, &array, e))
        return false;
    out->n = (uint16_t)json_array_size(array);
    for (size_t i = 0; i < out->n; i++) {
        const json_t *value = json_array_get(array, i);
        size_t n = json_string_length(value); // 0 for what is no text
        if (n == 0 || n > SERVICE_NAME_MAX)
            return service_json_bad(e, path, key, "member %zu is no name", i);
        memcpy(out->name[i], json_string_value(value), n + 1);
    }
    return true;
}

static bool read_error(json_t *root, struct service_error *out, struct service_error *e)
{
    json_t *error, *parameters;
    char code[32];
    if (!service_json_object(root, "", "error", SERVICE_REQUIRED, &error, e) ||
        !service_json_object(root, "", "parameters", SERVICE_OPTIONAL, &parameters, e) ||
        !TEXT(error, "error", "code", code) || !TEXT(error, "error", "message", out->message) ||
        !service_json_text(error, "error", "field", SERVICE_OPTIONAL, out->field, sizeof out->field,
                           e) ||
        !service_json_text(parameters, "parameters", "active", SERVICE_OPTIONAL, out->active,
                           sizeof out->active, e))
        return false;
    if (!service_code_from(code, &out->code))
        return service_json_bad(e, "error", "code", "'%s' is not known", code);
    return true;
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
            !TEXT(member, path, "name", out[i].name) || !TEXT(member, path, "unit", out[i].unit) ||
            !service_json_number(member, path, "offset", &out[i].offset, e) ||
            !service_json_number(member, path, "scale", &out[i].scale, e))
            return false;
    return true;
}

// The rank sizes of the index-th member of inputs or outputs, each 1..limit.
static bool read_shape(json_t *root, const char *key, size_t index, size_t rank, const int *limits,
                       uint16_t *out, struct service_error *e)
{
    json_t *array, *member, *shape;
    char path[sizeof e->field];
    if (!service_json_array(root, "", key, index + 1, 8, &array, e) ||
        !service_json_member(array, index, "", key, &member, path, e) ||
        !service_json_array(member, path, "shape", rank, rank, &shape, e))
        return false;
    for (size_t i = 0; i < rank; i++) {
        json_int_t n = json_integer_value(json_array_get(shape, i));
        if (n < 1 || n > limits[i])
            return service_json_bad(e, path, "shape", "size %zu is not within 1 to %d", i,
                                    limits[i]);
        out[i] = (uint16_t)n;
    }
    return true;
}

static bool read_codes(json_t *parameters, struct service_metadata *m, struct service_error *e)
{
    json_t *codes;
    int64_t x = 0, y = 0;
    if (!service_json_object(parameters, "parameters", "codes", SERVICE_REQUIRED, &codes, e) ||
        !service_json_integer(codes, "parameters.codes", "x_bits", SERVICE_REQUIRED, 2, 8, &x, e) ||
        !service_json_integer(codes, "parameters.codes", "y_bits", SERVICE_REQUIRED, 2, 16, &y,
                              e) ||
        !service_json_number(codes, "parameters.codes", "x_scale", &m->x_scale, e) ||
        !service_json_number(codes, "parameters.codes", "y_scale", &m->y_scale, e))
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

static bool read_metadata(json_t *root, struct service_metadata *m, struct service_error *e)
{
    static const int window[] = {SERVICE_WINDOW_MAX, SERVICE_FEATURES_MAX};
    static const int outputs[] = {SERVICE_OUTPUTS_MAX};
    static const char *const typed[] = {"task", "features", "targets", "codes"};
    json_t *p;
    uint16_t shape[2];
    if (!TEXT(root, "", "name", m->name) || !read_version(root, m->version, e) ||
        !read_shape(root, "inputs", 0, 2, window, shape, e) ||
        !read_shape(root, "outputs", 0, 1, outputs, &m->outputs, e) ||
        !service_json_object(root, "", "parameters", SERVICE_REQUIRED, &p, e) ||
        !TEXT(p, "parameters", "task", m->task))
        return false;
    m->window = shape[0];
    m->features = shape[1];
    if (!read_columns(p, "features", m->features, m->feature, e) ||
        !read_columns(p, "targets", m->outputs, m->target, e) || !read_codes(p, m, e))
        return false;
    m->details = json_copy(p); // what is not read above
    for (size_t i = 0; m->details && i < sizeof typed / sizeof typed[0]; i++)
        json_object_del(m->details, typed[i]);
    return m->details || service_json_bad(e, "parameters", NULL, "out of memory");
}

static bool read_stats_row(json_t *row, const char *path, void *out, struct service_error *e)
{
    struct service_model_stats *s = out;
    struct {
        const char *key;
        struct service_count *count;
    } part[] = {{"success", &s->success},
                {"fail", &s->fail},
                {"queue", &s->queue},
                {"compute_input", &s->compute_input},
                {"compute_infer", &s->compute_infer},
                {"compute_output", &s->compute_output}};
    json_t *stats, *member;
    if (!TEXT(row, path, "name", s->name) || !TEXT(row, path, "version", s->version) ||
        !read_u64(row, path, "saturated_values", &s->saturated_values, e) ||
        !service_json_object(row, path, "inference_stats", SERVICE_REQUIRED, &stats, e))
        return false;
    for (size_t i = 0; i < sizeof part / sizeof part[0]; i++)
        if (!service_json_object(stats, path, part[i].key, SERVICE_REQUIRED, &member, e) ||
            !read_u64(member, path, "count", &part[i].count->count, e) ||
            !read_u64(member, path, "ns", &part[i].count->ns, e))
            return false;
    return true;
}

static bool read_index_row(json_t *row, const char *path, void *out, struct service_error *e)
{
    struct service_model_row *m = out;
    unsigned state;
    if (!TEXT(row, path, "name", m->name) || !TEXT(row, path, "version", m->version) ||
        !TEXT(row, path, "task", m->task) || !TEXT(row, path, "reason", m->reason) ||
        !read_choice(row, path, "state", 3, model_state_at, &state, e))
        return false;
    m->state = (enum service_model_state)state;
    return read_names(row, path, "boards", &m->boards, e);
}

static bool read_rail(json_t *rail, const char *path, struct service_rail *r,
                      struct service_error *e)
{
    if (!TEXT(rail, path, "name", r->name) ||
        !service_json_text(rail, path, "reason", SERVICE_OPTIONAL, r->reason, sizeof r->reason, e))
        return false;
    return r->reason[0] ||
           (service_json_number(rail, path, "watt", &r->watt, e) &&
            service_json_number(rail, path, "uncertainty_watt", &r->uncertainty_watt, e) &&
            read_u32(rail, path, "count", &r->count, e));
}

// A daemon that knows of no power leaves the key out.
static bool read_power(json_t *object, const char *at, const char *key, struct service_power *p,
                       struct service_error *e)
{
    json_t *power, *rails, *rail;
    char path[sizeof e->field], rail_path[sizeof e->field];
    snprintf(path, sizeof path, "%s%s%s", at, *at ? "." : "", key);
    if (!service_json_object(object, at, key, SERVICE_OPTIONAL, &power, e))
        return false;
    if (!power)
        return true;
    if (!json_object_get(power, "rails"))
        return TEXT(power, path, "reason", p->reason);
    if (!read_origin(power, path, &p->origin, e) ||
        !service_json_number(power, path, "window_s", &p->window_s, e) ||
        !service_json_array(power, path, "rails", 1, SERVICE_RAILS_MAX, &rails, e))
        return false;
    for (; p->rails < json_array_size(rails); p->rails++)
        if (!service_json_member(rails, p->rails, path, "rails", &rail, rail_path, e) ||
            !read_rail(rail, rail_path, &p->rail[p->rails], e))
            return false;
    return true;
}

static bool read_power_row(json_t *row, const char *path, void *out, struct service_error *e)
{
    struct service_power_row *p = out;
    return read_u64(row, path, "seq", &p->seq, e) &&
           service_json_number(row, path, "begin_s", &p->begin_s, e) &&
           service_json_number(row, path, "end_s", &p->end_s, e) &&
           read_power(row, path, "power", &p->power, e);
}

static bool read_energy(json_t *parameters, struct service_inference *i, struct service_error *e)
{
    json_t *energy;
    return service_json_object(parameters, "parameters", "energy", SERVICE_REQUIRED, &energy, e) &&
           service_energy_read(energy, &i->energy, e) &&
           read_power(energy, "parameters.energy", "idle", &i->idle, e);
}

static bool read_board_row(json_t *row, const char *path, void *out, struct service_error *e)
{
    struct service_board_row *b = out;
    unsigned state;
    if (!TEXT(row, path, "name", b->name) || !TEXT(row, path, "serial", b->serial) ||
        !TEXT(row, path, "part", b->part) || !TEXT(row, path, "variant", b->variant) ||
        !TEXT(row, path, "version", b->version) || !TEXT(row, path, "reason", b->reason) ||
        !read_choice(row, path, "state", 5, board_state_at, &state, e))
        return false;
    b->state = (enum service_board_state)state;
    return read_origin(row, path, &b->origin, e) &&
           read_u32(row, path, "clock_hz", &b->clock_hz, e) &&
           read_u32(row, path, "queue", &b->queue, e) &&
           read_u64(row, path, "inferences", &b->inferences, e) &&
           read_u64(row, path, "swaps", &b->swaps, e) &&
           read_u64(row, path, "restarts", &b->restarts, e) &&
           read_power(row, path, "power", &b->power, e);
}

// An array of rows into new memory. On failure *rows is NULL.
static bool read_rows(json_t *root, const char *key, size_t row_bytes,
                      bool (*read)(json_t *, const char *, void *, struct service_error *),
                      void **rows, size_t *n, struct service_error *e)
{
    json_t *array, *member;
    char path[sizeof e->field];
    *rows = NULL;
    if (!service_json_array(root, "", key, 0, SERVICE_ROWS_MAX, &array, e))
        return false;
    *n = json_array_size(array);
    char *memory = calloc(*n + 1, row_bytes); // never of no size
    if (!memory)
        return service_json_bad(e, "", key, "out of memory");
    for (size_t i = 0; i < *n; i++)
        if (!service_json_member(array, i, "", key, &member, path, e) ||
            !read(member, path, memory + i * row_bytes, e)) {
            free(memory);
            return false;
        }
    *rows = memory;
    return true;
}

static bool read_experiment(json_t *root, struct service_experiment *x, struct service_error *e)
{
    json_t *object;
    return service_json_object(root, "", "experiment", SERVICE_REQUIRED, &object, e) &&
           service_experiment_read(object, "experiment", x, e);
}

static bool read_load(json_t *root, struct service_load *l, struct service_error *e)
{
    json_t *seconds;
    return TEXT(root, "", "board", l->board) && TEXT(root, "", "model_name", l->model_name) &&
           TEXT(root, "", "version", l->version) &&
           service_json_object(root, "", "seconds", SERVICE_REQUIRED, &seconds, e) &&
           service_json_number(seconds, "seconds", "drain", &l->seconds.drain, e) &&
           service_json_number(seconds, "seconds", "program", &l->seconds.program, e) &&
           service_json_number(seconds, "seconds", "verify", &l->seconds.verify, e) &&
           service_json_number(seconds, "seconds", "total", &l->seconds.total, e);
}

static bool read_measured(json_t *root, struct service_inference *i, struct service_error *e)
{
    json_t *p, *s;
    return service_json_object(root, "", "parameters", SERVICE_REQUIRED, &p, e) &&
           TEXT(p, "parameters", "variant", i->variant) && TEXT(p, "parameters", "task", i->task) &&
           TEXT(p, "parameters", "board", i->board) &&
           read_origin(p, "parameters", &i->origin, e) &&
           read_u32(p, "parameters", "fpga_cycles", &i->fpga_cycles, e) &&
           read_u64(p, "parameters", "fpga_ns", &i->fpga_ns, e) &&
           read_u32(p, "parameters", "clock_hz", &i->clock_hz, e) &&
           read_u32(p, "parameters", "saturated", &i->saturated, e) &&
           service_json_object(p, "parameters", "stages_ns", SERVICE_REQUIRED, &s, e) &&
           read_u64(s, "parameters.stages_ns", "queue", &i->stages_ns.queue, e) &&
           read_u64(s, "parameters.stages_ns", "usb_in", &i->stages_ns.usb_in, e) &&
           read_u64(s, "parameters.stages_ns", "fpga", &i->stages_ns.fpga, e) &&
           read_u64(s, "parameters.stages_ns", "usb_out", &i->stages_ns.usb_out, e) &&
           read_u64(s, "parameters.stages_ns", "host", &i->stages_ns.host, e) &&
           service_burst_read(p, &i->burst, e) && read_energy(p, i, e);
}

static bool read_inference(json_t *root, const struct service_frame *frames, size_t count,
                           struct service_inference *i, struct service_error *e)
{
    static const int limits[] = {SERVICE_OUTPUTS_MAX};
    uint16_t codes;
    if (!TEXT(root, "", "model_name", i->model_name) ||
        !TEXT(root, "", "model_version", i->version) ||
        !read_shape(root, "outputs", 0, 1, limits, &i->outputs, e) ||
        !read_shape(root, "outputs", 1, 1, limits, &codes, e) || !read_measured(root, i, e))
        return false;
    if (count != 3 || codes != i->outputs || frames[1].n != 8u * i->outputs ||
        frames[2].n != 2u * i->outputs)
        return service_json_bad(e, "outputs", NULL, "tensor frames do not fit %d outputs",
                                i->outputs);
    service_unpack_fp64(frames[1].data, i->outputs, i->values);
    service_unpack_int16(frames[2].data, i->outputs, i->codes);
    return true;
}

static bool read_result(json_t *root, const struct service_frame *frames, size_t count,
                        struct service_reply *out, struct service_error *e)
{
    void *rows = NULL;
    bool good;
    switch (out->verb) {
    case SERVICE_SERVER_LIVE:
        return service_json_flag(root, "", "live", &out->u.flag, e);
    case SERVICE_SERVER_READY:
    case SERVICE_MODEL_READY:
        return service_json_flag(root, "", "ready", &out->u.flag, e);
    case SERVICE_SERVER_METADATA:
        return TEXT(root, "", "version", out->u.server.version);
    case SERVICE_MODEL_METADATA:
        return read_metadata(root, &out->u.metadata, e);
    case SERVICE_MODEL_STATISTICS:
        good = read_rows(root, "model_stats", sizeof *out->u.statistics.rows, read_stats_row, &rows,
                         &out->u.statistics.n, e);
        out->u.statistics.rows = rows;
        return good;
    case SERVICE_INFER:
        return read_inference(root, frames, count, &out->u.infer, e);
    case SERVICE_REPOSITORY_INDEX:
        good = read_rows(root, "models", sizeof *out->u.index.rows, read_index_row, &rows,
                         &out->u.index.n, e);
        out->u.index.rows = rows;
        return good;
    case SERVICE_LOAD:
        return read_load(root, &out->u.load, e);
    case SERVICE_UNLOAD:
        return read_names(root, "", "boards", &out->u.unload, e);
    case SERVICE_BOARDS:
        good = read_rows(root, "boards", sizeof *out->u.boards.rows, read_board_row, &rows,
                         &out->u.boards.n, e);
        out->u.boards.rows = rows;
        return good;
    case SERVICE_CANCEL:
        return read_u32(root, "", "canceled", &out->u.canceled, e);
    case SERVICE_AB_START:
    case SERVICE_AB_DATA:
    case SERVICE_AB_STATUS:
    case SERVICE_AB_CANCEL:
        return read_experiment(root, &out->u.experiment, e);
    case SERVICE_AB_LIST:
        good = read_rows(root, "experiments", sizeof *out->u.experiments.rows,
                         service_experiment_read, &rows, &out->u.experiments.n, e);
        out->u.experiments.rows = rows;
        return good;
    case SERVICE_ROUTES:
        good = read_rows(root, "routes", sizeof *out->u.routes.rows, service_route_read, &rows,
                         &out->u.routes.n, e);
        out->u.routes.rows = rows;
        return good;
    case SERVICE_POWER:
        if (!TEXT(root, "", "board", out->u.power.board) ||
            !service_json_number(root, "", "now_s", &out->u.power.now_s, e) ||
            !read_u32(root, "", "paused_ms", &out->u.power.paused_ms, e))
            return false;
        good = read_rows(root, "windows", sizeof *out->u.power.rows, read_power_row, &rows,
                         &out->u.power.n, e);
        out->u.power.rows = rows;
        return good;
    case SERVICE_AB_RESULT:
        return read_experiment(root, &out->u.result.row, e) &&
               service_result_read(root, frames, count, &out->u.result, e);
    default:
        return service_json_bad(e, "", "verb", "missing");
    }
}

static bool read_reply(json_t *root, const struct service_frame *frames, size_t count,
                       struct service_reply *out, struct service_error *e)
{
    char verb[32] = "";
    if (!service_json_text(root, "", "id", SERVICE_OPTIONAL, out->id, sizeof out->id, e) ||
        !service_json_text(root, "", "verb", SERVICE_OPTIONAL, verb, sizeof verb, e))
        return false;
    if (verb[0] && !service_verb_from(verb, &out->verb))
        return service_json_bad(e, "", "verb", "'%s' is not known", verb);
    if (json_object_get(root, "error"))
        return read_error(root, &out->error, e);
    return read_result(root, frames, count, out, e);
}

bool service_reply_decode(const struct service_frame *frames, size_t count,
                          struct service_reply *out, struct service_error *why)
{
    memset(out, 0, sizeof *out);
    *why = (struct service_error){.code = SERVICE_OK};
    if (count == 0)
        return service_json_bad(why, "header", NULL, "message without a header");
    json_t *root = service_json_parse(&frames[0], why);
    if (!root)
        return false;
    bool good = read_reply(root, frames, count, out, why);
    json_decref(root);
    return good;
}

void service_reply_fini(struct service_reply *reply)
{
    if (!reply->error.code) {
        if (reply->verb == SERVICE_MODEL_METADATA)
            json_decref(reply->u.metadata.details);
        else if (reply->verb == SERVICE_MODEL_STATISTICS)
            free(reply->u.statistics.rows);
        else if (reply->verb == SERVICE_REPOSITORY_INDEX)
            free(reply->u.index.rows);
        else if (reply->verb == SERVICE_BOARDS)
            free(reply->u.boards.rows);
        else if (reply->verb == SERVICE_AB_LIST)
            free(reply->u.experiments.rows);
        else if (reply->verb == SERVICE_ROUTES)
            free(reply->u.routes.rows);
        else if (reply->verb == SERVICE_POWER)
            free(reply->u.power.rows);
        else if (reply->verb == SERVICE_AB_RESULT) {
            json_decref(reply->u.result.report);
            free(reply->u.result.steps);
        }
    }
    memset(reply, 0, sizeof *reply);
}
