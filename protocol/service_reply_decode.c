// SPDX-License-Identifier: Apache-2.0
// Replies of the service protocol, as a client reads them. Keys that are not known are passed over,
// so that a newer daemon can say more.
#include <stdlib.h>
#include <string.h>

#include "protocol/service_energy.h"
#include "protocol/service_experiment.h"
#include "protocol/service_json.h"
#include "protocol/service_metadata.h"
#include "protocol/service_power.h"
#include "protocol/service_route.h"
#include "protocol/service_statistics.h"
#include "protocol/service_tensor.h"

static bool read_error(json_t *root, struct service_error *out, struct service_error *e)
{
    json_t *error, *parameters;
    char code[32];
    if (!service_json_object(root, "", "error", SERVICE_REQUIRED, &error, e) ||
        !service_json_object(root, "", "parameters", SERVICE_OPTIONAL, &parameters, e) ||
        !service_json_fill(error, "error", "code", code, e) ||
        !service_json_fill(error, "error", "message", out->message, e) ||
        !service_json_text(error, "error", "field", SERVICE_OPTIONAL, out->field, sizeof out->field,
                           e) ||
        !service_json_text(parameters, "parameters", "active", SERVICE_OPTIONAL, out->active,
                           sizeof out->active, e))
        return false;
    if (!service_code_from(code, &out->code))
        return service_json_bad(e, "error", "code", "'%s' is not known", code);
    return true;
}

static bool read_names(json_t *object, const char *path, const char *key, struct service_names *out,
                       struct service_error *e)
{
    return service_json_names(object, path, key, 0, SERVICE_BOARDS_MAX, out->name, &out->n, e);
}

static bool read_index_row(json_t *row, const char *path, void *out, struct service_error *e)
{
    struct service_model_row *m = out;
    unsigned state = 0;
    if (!service_json_fill(row, path, "name", m->name, e) ||
        !service_json_fill(row, path, "version", m->version, e) ||
        !service_json_fill(row, path, "task", m->task, e) ||
        !service_json_fill(row, path, "reason", m->reason, e) ||
        !service_json_word(row, path, "state", SERVICE_REQUIRED, service_model_state_words, &state,
                           e))
        return false;
    m->state = (enum service_model_state)state;
    return read_names(row, path, "boards", &m->boards, e);
}

static bool read_energy(json_t *parameters, struct service_inference *i, struct service_error *e)
{
    json_t *energy;
    return service_json_object(parameters, "parameters", "energy", SERVICE_REQUIRED, &energy, e) &&
           service_energy_read(energy, &i->energy, e) &&
           service_power_read(energy, "parameters.energy", "idle", &i->idle, e);
}

static bool read_board_row(json_t *row, const char *path, void *out, struct service_error *e)
{
    struct service_board_row *b = out;
    unsigned state = 0;
    if (!service_json_fill(row, path, "name", b->name, e) ||
        !service_json_fill(row, path, "serial", b->serial, e) ||
        !service_json_fill(row, path, "part", b->part, e) ||
        !service_json_fill(row, path, "variant", b->variant, e) ||
        !service_json_fill(row, path, "version", b->version, e) ||
        !service_json_fill(row, path, "reason", b->reason, e) ||
        !service_json_word(row, path, "state", SERVICE_REQUIRED, service_board_state_words, &state,
                           e))
        return false;
    b->state = (enum service_board_state)state;
    return service_json_origin(row, path, &b->origin, e) &&
           service_json_u32(row, path, "clock_hz", &b->clock_hz, e) &&
           service_json_u32(row, path, "queue", &b->queue, e) &&
           service_json_u64(row, path, "inferences", &b->inferences, e) &&
           service_json_u64(row, path, "swaps", &b->swaps, e) &&
           service_json_u64(row, path, "restarts", &b->restarts, e) &&
           service_power_read(row, path, "power", &b->power, e);
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
    return service_json_fill(root, "", "board", l->board, e) &&
           service_json_fill(root, "", "model_name", l->model_name, e) &&
           service_json_fill(root, "", "version", l->version, e) &&
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
           service_json_fill(p, "parameters", "variant", i->variant, e) &&
           service_json_fill(p, "parameters", "task", i->task, e) &&
           service_json_fill(p, "parameters", "board", i->board, e) &&
           service_json_origin(p, "parameters", &i->origin, e) &&
           service_json_u32(p, "parameters", "fpga_cycles", &i->fpga_cycles, e) &&
           service_json_u64(p, "parameters", "fpga_ns", &i->fpga_ns, e) &&
           service_json_u32(p, "parameters", "clock_hz", &i->clock_hz, e) &&
           service_json_u32(p, "parameters", "saturated", &i->saturated, e) &&
           service_json_object(p, "parameters", "stages_ns", SERVICE_REQUIRED, &s, e) &&
           service_json_u64(s, "parameters.stages_ns", "queue", &i->stages_ns.queue, e) &&
           service_json_u64(s, "parameters.stages_ns", "usb_in", &i->stages_ns.usb_in, e) &&
           service_json_u64(s, "parameters.stages_ns", "fpga", &i->stages_ns.fpga, e) &&
           service_json_u64(s, "parameters.stages_ns", "usb_out", &i->stages_ns.usb_out, e) &&
           service_json_u64(s, "parameters.stages_ns", "host", &i->stages_ns.host, e) &&
           service_burst_read(p, &i->burst, e) && read_energy(p, i, e);
}

static bool read_inference(json_t *root, const struct service_frame *frames, size_t count,
                           struct service_inference *i, struct service_error *e)
{
    uint16_t codes;
    if (!service_json_fill(root, "", "model_name", i->model_name, e) ||
        !service_json_fill(root, "", "model_version", i->version, e) ||
        !service_outputs_read(root, 0, &i->outputs, e) ||
        !service_outputs_read(root, 1, &codes, e) || !read_measured(root, i, e))
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
        return service_json_fill(root, "", "version", out->u.server.version, e);
    case SERVICE_MODEL_METADATA:
        return service_metadata_read(root, &out->u.metadata, e);
    case SERVICE_MODEL_STATISTICS:
        good = read_rows(root, "model_stats", sizeof *out->u.statistics.rows, service_stats_read,
                         &rows, &out->u.statistics.n, e);
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
        return service_json_u32(root, "", "canceled", &out->u.canceled, e);
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
        if (!service_json_fill(root, "", "board", out->u.power.board, e) ||
            !service_json_number(root, "", "now_s", &out->u.power.now_s, e) ||
            !service_json_u32(root, "", "paused_ms", &out->u.power.paused_ms, e))
            return false;
        good = read_rows(root, "windows", sizeof *out->u.power.rows, service_power_row_read, &rows,
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
