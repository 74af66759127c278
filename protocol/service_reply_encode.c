// SPDX-License-Identifier: Apache-2.0
// Replies of the service protocol, as the daemon writes them.
#include <stdio.h>
#include <string.h>

#include "protocol/service_json.h"

// Text as JSON; reasons and messages may quote bytes that are not UTF-8.
static json_t *text(const char *s)
{
    json_t *value = json_string(s);
    if (value)
        return value;
    char clean[SERVICE_TEXT_MAX + 1];
    size_t n = strnlen(s, sizeof clean - 1);
    for (size_t i = 0; i < n; i++)
        clean[i] = (unsigned char)s[i] < 0x80 ? s[i] : '?';
    clean[n] = '\0';
    return json_string(clean);
}

static bool set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0; // false for a NULL value too
}

static bool set_text(json_t *object, const char *key, const char *s)
{
    return set(object, key, text(s));
}

// u64 counters beyond 2^63 do not happen; JSON's integers are signed here.
static json_t *count(uint64_t n)
{
    return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static bool append(json_t *array, json_t *row, bool good)
{
    if (good)
        return json_array_append_new(array, row) == 0;
    json_decref(row);
    return false;
}

static json_t *names(const struct service_names *list)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < list->n && i < SERVICE_BOARDS_MAX; i++)
        json_array_append_new(array, text(list->name[i]));
    return array;
}

static bool put_error(json_t *root, const struct service_error *e)
{
    json_t *error = json_object();
    bool good = error && set_text(error, "code", service_code_name(e->code)) &&
                set_text(error, "message", e->message) &&
                (!e->field[0] || set_text(error, "field", e->field));
    if (!good) {
        json_decref(error);
        return false;
    }
    return set(root, "error", error) &&
           (e->code != SERVICE_SWAP_FAILED ||
            set(root, "parameters", json_pack("{s:o}", "active", text(e->active))));
}

static bool put_server(json_t *root, const char *version)
{
    return set_text(root, "name", "sevencast") && set_text(root, "version", version) &&
           set(root, "protocol", json_integer(SERVICE_PROTOCOL)) &&
           set(root, "extensions",
               json_pack("[s,s,s,s]", "binary_tensors", "model_repository", "statistics",
                         "boards"));
}

static json_t *columns(const struct service_column *c, size_t n)
{
    json_t *array = json_array();
    for (size_t i = 0; array && i < n; i++)
        json_array_append_new(array, json_pack("{s:o,s:o,s:f,s:f}", "name", text(c[i].name), "unit",
                                               text(c[i].unit), "offset", c[i].offset, "scale",
                                               c[i].scale));
    return array;
}

static json_t *metadata_parameters(const struct service_metadata *m)
{
    json_t *p = json_object();
    bool good = p && set_text(p, "task", m->task) &&
                set(p, "features", columns(m->feature, m->features)) &&
                set(p, "targets", columns(m->target, m->outputs)) &&
                set(p, "codes",
                    json_pack("{s:i,s:f,s:i,s:f}", "x_bits", m->x_bits, "x_scale", m->x_scale,
                              "y_bits", m->y_bits, "y_scale", m->y_scale)) &&
                (!m->details || json_object_update_missing(p, m->details) == 0);
    if (good)
        return p;
    json_decref(p);
    return NULL;
}

static bool put_metadata(json_t *root, const struct service_metadata *m)
{
    return m->features <= SERVICE_FEATURES_MAX && m->outputs <= SERVICE_OUTPUTS_MAX &&
           set_text(root, "name", m->name) && set(root, "versions", json_pack("[s]", m->version)) &&
           set_text(root, "platform", "fpga_bitstream") &&
           set(root, "inputs",
               json_pack("[{s:s,s:s,s:[i,i]}]", "name", "window", "datatype", "FP64", "shape",
                         m->window, m->features)) &&
           set(root, "outputs",
               json_pack("[{s:s,s:s,s:[i]},{s:s,s:s,s:[i]}]", "name", "forecast", "datatype",
                         "FP64", "shape", m->outputs, "name", "forecast_codes", "datatype", "INT16",
                         "shape", m->outputs)) &&
           set(root, "parameters", metadata_parameters(m));
}

static json_t *duration(const struct service_count *c)
{
    return json_pack("{s:o,s:o}", "count", count(c->count), "ns", count(c->ns));
}

static bool put_statistics(json_t *root, const struct service_model_stats *s, size_t n)
{
    json_t *array = json_array();
    bool good = array != NULL;
    for (; good && n--; s++) {
        json_t *row = json_object();
        good =
            append(array, row,
                   row && set_text(row, "name", s->name) && set_text(row, "version", s->version) &&
                       set(row, "inference_stats",
                           json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "success", duration(&s->success),
                                     "fail", duration(&s->fail), "queue", duration(&s->queue),
                                     "compute_input", duration(&s->compute_input), "compute_infer",
                                     duration(&s->compute_infer), "compute_output",
                                     duration(&s->compute_output))) &&
                       set(row, "saturated_values", count(s->saturated_values)));
    }
    return set(root, "model_stats", array) && good;
}

static bool put_index(json_t *root, const struct service_model_row *m, size_t n)
{
    json_t *array = json_array();
    bool good = array != NULL;
    for (; good && n--; m++) {
        json_t *row = json_object();
        good =
            append(array, row,
                   row && set_text(row, "name", m->name) && set_text(row, "version", m->version) &&
                       set_text(row, "task", m->task) &&
                       set_text(row, "state", service_model_state_name(m->state)) &&
                       set_text(row, "reason", m->reason) && set(row, "boards", names(&m->boards)));
    }
    return set(root, "models", array) && good;
}

static bool put_boards(json_t *root, const struct service_board_row *b, size_t n)
{
    json_t *array = json_array();
    bool good = array != NULL;
    for (; good && n--; b++) {
        json_t *row = json_object();
        good = append(
            array, row,
            row && set_text(row, "name", b->name) && set_text(row, "serial", b->serial) &&
                set_text(row, "part", b->part) &&
                set_text(row, "state", service_board_state_name(b->state)) &&
                set_text(row, "variant", b->variant) && set_text(row, "version", b->version) &&
                set_text(row, "origin", service_origin_name(b->origin)) &&
                set(row, "clock_hz", count(b->clock_hz)) && set(row, "queue", count(b->queue)) &&
                set(row, "inferences", count(b->inferences)) &&
                set(row, "swaps", count(b->swaps)) && set(row, "restarts", count(b->restarts)) &&
                set_text(row, "reason", b->reason));
    }
    return set(root, "boards", array) && good;
}

static bool put_load(json_t *root, const struct service_load *l)
{
    return set_text(root, "board", l->board) && set_text(root, "model_name", l->model_name) &&
           set_text(root, "version", l->version) &&
           set(root, "seconds",
               json_pack("{s:f,s:f,s:f,s:f}", "drain", l->seconds.drain, "program",
                         l->seconds.program, "verify", l->seconds.verify, "total",
                         l->seconds.total));
}

static bool put_inference(json_t *root, const struct service_inference *i)
{
    return i->outputs >= 1 && i->outputs <= SERVICE_OUTPUTS_MAX &&
           set_text(root, "model_name", i->model_name) &&
           set_text(root, "model_version", i->version) &&
           set(root, "outputs",
               json_pack("[{s:s,s:[i],s:s},{s:s,s:[i],s:s}]", "name", "forecast", "shape",
                         i->outputs, "datatype", "FP64", "name", "forecast_codes", "shape",
                         i->outputs, "datatype", "INT16")) &&
           set(root, "parameters",
               json_pack("{s:s,s:s,s:s,s:s,s:o,s:o,s:o,s:o,s:{s:o,s:o,s:o,s:o,s:o},s:{s:s}}",
                         "variant", i->variant, "task", i->task, "board", i->board, "origin",
                         service_origin_name(i->origin), "fpga_cycles", count(i->fpga_cycles),
                         "fpga_ns", count(i->fpga_ns), "clock_hz", count(i->clock_hz), "saturated",
                         count(i->saturated), "stages_ns", "queue", count(i->stages_ns.queue),
                         "usb_in", count(i->stages_ns.usb_in), "fpga", count(i->stages_ns.fpga),
                         "usb_out", count(i->stages_ns.usb_out), "host", count(i->stages_ns.host),
                         "energy", "reason", "no power monitor"));
}

static bool put_result(json_t *root, const struct service_reply *r)
{
    switch (r->verb) {
    case SERVICE_SERVER_LIVE:
        return set(root, "live", json_boolean(r->u.flag));
    case SERVICE_SERVER_READY:
    case SERVICE_MODEL_READY:
        return set(root, "ready", json_boolean(r->u.flag));
    case SERVICE_SERVER_METADATA:
        return put_server(root, r->u.server.version);
    case SERVICE_MODEL_METADATA:
        return put_metadata(root, &r->u.metadata);
    case SERVICE_MODEL_STATISTICS:
        return put_statistics(root, r->u.statistics.rows, r->u.statistics.n);
    case SERVICE_INFER:
        return put_inference(root, &r->u.infer);
    case SERVICE_REPOSITORY_INDEX:
        return put_index(root, r->u.index.rows, r->u.index.n);
    case SERVICE_LOAD:
        return put_load(root, &r->u.load);
    case SERVICE_UNLOAD:
        return set(root, "boards", names(&r->u.unload));
    case SERVICE_BOARDS:
        return put_boards(root, r->u.boards.rows, r->u.boards.n);
    case SERVICE_CANCEL:
        return set(root, "canceled", count(r->u.canceled));
    default:
        return false;
    }
}

void service_reply_init(struct service_reply *reply, const struct service_request *request)
{
    memset(reply, 0, sizeof *reply);
    reply->verb = request->verb;
    memcpy(reply->id, request->id, sizeof reply->id);
}

size_t service_reply_encode(const struct service_reply *reply, char *out, size_t capacity)
{
    size_t n = 0;
    json_t *root = json_object();
    bool good = root && (reply->verb == SERVICE_NO_VERB ||
                         set_text(root, "verb", service_verb_name(reply->verb)));
    good = good && (!reply->id[0] || set_text(root, "id", reply->id));
    if (good)
        good = reply->error.code ? put_error(root, &reply->error) : put_result(root, reply);
    if (good)
        n = json_dumpb(root, out, capacity, JSON_COMPACT);
    json_decref(root);
    return n <= capacity && n <= SERVICE_HEADER_MAX ? n : 0;
}
