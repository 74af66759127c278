// SPDX-License-Identifier: Apache-2.0
// Requests of the service protocol, both directions.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "protocol/service_experiment.h"
#include "protocol/service_json.h"
#include "protocol/service_tensor.h"
#include "protocol/service_write.h"

enum need { NO, MAY, MUST };

// What a verb's request holds beside verb, id and deadline.
static const struct {
    enum need model, board, request_id, experiment, key;
    bool offset, plan, labelled, power;
} needs[SERVICE_VERBS] = {
    [SERVICE_MODEL_READY] = {.model = MUST},
    [SERVICE_MODEL_METADATA] = {.model = MUST},
    [SERVICE_MODEL_STATISTICS] = {.model = MAY},
    [SERVICE_INFER] = {.model = MUST, .key = MAY},
    [SERVICE_LOAD] = {.model = MUST, .board = MAY},
    [SERVICE_UNLOAD] = {.model = MAY, .board = MAY},
    [SERVICE_CANCEL] = {.request_id = MUST},
    [SERVICE_POWER] = {.board = MUST, .power = true},
    [SERVICE_AB_START] = {.board = MAY, .plan = true, .labelled = true},
    [SERVICE_AB_DATA] = {.experiment = MUST, .offset = true, .labelled = true},
    [SERVICE_AB_STATUS] = {.experiment = MUST},
    [SERVICE_AB_RESULT] = {.experiment = MUST},
    [SERVICE_AB_CANCEL] = {.experiment = MUST},
};

static bool read_name(json_t *object, const char *path, const char *key, enum need need, char *out,
                      struct service_error *e)
{
    if (need == NO && json_object_get(object, key))
        return service_json_bad(e, path, key, "this verb does not take it");
    return service_json_name(object, path, key, need == MUST ? SERVICE_REQUIRED : SERVICE_OPTIONAL,
                             out, e);
}

// An id may be any printable text: it is echoed and logged.
static bool read_id(json_t *object, const char *path, const char *key, enum need need, char *out,
                    struct service_error *e)
{
    char text[SERVICE_ID_MAX + 1] = "";
    if (need == NO && json_object_get(object, key))
        return service_json_bad(e, path, key, "this verb does not take it");
    if (!service_json_text(object, path, key, need == MUST ? SERVICE_REQUIRED : SERVICE_OPTIONAL,
                           text, sizeof text, e))
        return false;
    if (json_object_get(object, key) && !text[0])
        return service_json_bad(e, path, key, "empty");
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return service_json_bad(e, path, key, "control character");
    memcpy(out, text, sizeof text);
    return true;
}

static bool read_verb(json_t *root, struct service_request *out, struct service_error *e)
{
    char name[32];
    if (!service_json_fill(root, "", "verb", name, e))
        return false;
    if (!service_verb_from(name, &out->verb))
        return service_json_bad(e, "", "verb", "unknown verb");
    return true;
}

static bool read_offset(json_t *parameters, struct service_request *out, struct service_error *e)
{
    int64_t offset = 0;
    if (!needs[out->verb].offset && json_object_get(parameters, "offset"))
        return service_json_bad(e, "parameters", "offset", "this verb does not take it");
    if (needs[out->verb].offset &&
        !service_json_integer(parameters, "parameters", "offset", SERVICE_REQUIRED, 0,
                              SERVICE_LABELLED_MAX, &offset, e))
        return false;
    out->offset = (uint32_t)offset;
    return true;
}

static bool read_power_log(json_t *parameters, struct service_request *out, struct service_error *e)
{
    static const char *const keys[] = {"after", "pause_ms"};
    int64_t after = 0, pause_ms = 0;
    for (size_t i = 0; i < 2; i++)
        if (!needs[out->verb].power && json_object_get(parameters, keys[i]))
            return service_json_bad(e, "parameters", keys[i], "this verb does not take it");
    if (!service_json_integer(parameters, "parameters", "after", SERVICE_OPTIONAL, 0, INT64_MAX,
                              &after, e) ||
        !service_json_integer(parameters, "parameters", "pause_ms", SERVICE_OPTIONAL, 0,
                              SERVICE_PAUSE_MAX_MS, &pause_ms, e))
        return false;
    out->after = (uint64_t)after;
    out->pauses = json_object_get(parameters, "pause_ms") != NULL;
    out->pause_ms = (uint32_t)pause_ms;
    return true;
}

static bool read_burst(json_t *parameters, struct service_request *out, struct service_error *e)
{
    static const char *const keys[] = {"repeat", "burst_s"};
    int64_t repeat = 0;
    for (size_t i = 0; i < 2; i++)
        if (out->verb != SERVICE_INFER && json_object_get(parameters, keys[i]))
            return service_json_bad(e, "parameters", keys[i], "this verb does not take it");
    if (!service_json_integer(parameters, "parameters", "repeat", SERVICE_OPTIONAL, 1,
                              SERVICE_REPEAT_MAX, &repeat, e))
        return false;
    out->repeat = (uint32_t)repeat;
    if (!json_object_get(parameters, "burst_s"))
        return true;
    if (!service_json_number(parameters, "parameters", "burst_s", &out->burst_s, e))
        return false;
    return (out->burst_s > 0 && out->burst_s <= SERVICE_BURST_MAX_S) ||
           service_json_bad(e, "parameters", "burst_s", "not above 0 and at most %d",
                            SERVICE_BURST_MAX_S);
}

static bool read_parameters(json_t *root, struct service_request *out, struct service_error *e)
{
    static const char *const allowed[] = {"deadline_ms", "board",  "request_id", "experiment",
                                          "offset",      "plan",   "key",        "after",
                                          "pause_ms",    "repeat", "burst_s",    NULL};
    json_t *parameters;
    int64_t deadline = out->verb == SERVICE_LOAD ? SERVICE_DEADLINE_LOAD_MS : SERVICE_DEADLINE_MS;
    if (!service_json_object(root, "", "parameters", SERVICE_OPTIONAL, &parameters, e))
        return false;
    if (parameters && !service_json_only(parameters, "parameters", allowed, e))
        return false;
    if (!read_burst(parameters, out, e))
        return false;
    deadline += (int64_t)ceil(out->burst_s * 1000);
    if (deadline > SERVICE_DEADLINE_MAX_MS)
        deadline = SERVICE_DEADLINE_MAX_MS;
    if (parameters &&
        !service_json_integer(parameters, "parameters", "deadline_ms", SERVICE_OPTIONAL, 1,
                              SERVICE_DEADLINE_MAX_MS, &deadline, e))
        return false;
    out->deadline_ms = (uint32_t)deadline;
    return read_name(parameters, "parameters", "board", needs[out->verb].board, out->board, e) &&
           read_id(parameters, "parameters", "request_id", needs[out->verb].request_id,
                   out->request_id, e) &&
           read_id(parameters, "parameters", "key", needs[out->verb].key, out->key, e) &&
           read_name(parameters, "parameters", "experiment", needs[out->verb].experiment,
                     out->experiment, e) &&
           read_offset(parameters, out, e) && read_power_log(parameters, out, e) &&
           service_plan_read(parameters, needs[out->verb].plan, &out->plan, e);
}

static bool read_input(json_t *root, struct service_window *w, struct service_error *e)
{
    static const int limit[] = {SERVICE_WINDOW_MAX, SERVICE_FEATURES_MAX};
    json_t *inputs;
    int size[2];
    char datatype[16];
    if (!service_json_array(root, "", "inputs", 1, 1, &inputs, e) ||
        !service_input_read(inputs, 0, "window", 2, limit, size, datatype, e))
        return false;
    w->rows = (uint16_t)size[0];
    w->columns = (uint16_t)size[1];
    if (strcmp(datatype, "FP32") == 0)
        w->datatype = SERVICE_FP32;
    else if (strcmp(datatype, "FP64") == 0)
        w->datatype = SERVICE_FP64;
    else
        return service_json_bad(e, "inputs[0].datatype", NULL, "a window is FP32 or FP64");
    return true;
}

static bool read_window(const struct service_frame *frame, struct service_window *w,
                        struct service_error *e)
{
    double values[SERVICE_WINDOW_MAX * SERVICE_FEATURES_MAX];
    size_t n = (size_t)w->rows * w->columns, bytes = n * service_datatype_bytes(w->datatype);
    if (frame->n != bytes)
        return service_json_bad(e, "inputs[0].data", NULL,
                                "tensor of %zu bytes, %s of shape [%d, %d] takes %zu", frame->n,
                                service_datatype_name(w->datatype), w->rows, w->columns, bytes);
    w->data = frame->data;
    service_window_values(w, values);
    for (size_t i = 0; i < n; i++)
        if (!isfinite(values[i])) {
            char field[32];
            snprintf(field, sizeof field, "inputs[0].data[%zu]", i);
            return service_json_bad(e, field, NULL, "%s",
                                    isnan(values[i]) ? "not a number" : "infinite");
        }
    return true;
}

static bool read_rest(json_t *root, const struct service_frame *frames, size_t count,
                      struct service_request *out, struct service_error *e)
{
    static const char *const allowed[] = {"verb", "id", "parameters", "model_name", "inputs", NULL};
    size_t tensors = out->verb == SERVICE_INFER ? 1 : needs[out->verb].labelled ? 2 : 0;
    if (!service_json_only(root, "", allowed, e) || !read_parameters(root, out, e) ||
        !read_name(root, "", "model_name", needs[out->verb].model, out->model_name, e))
        return false;
    if (out->verb == SERVICE_UNLOAD && !out->model_name[0] && !out->board[0])
        return service_json_bad(e, "", "model_name", "unload needs model_name or parameters.board");
    if (!tensors && json_object_get(root, "inputs"))
        return service_json_bad(e, "", "inputs", "this verb does not take it");
    if (tensors == 1 && !read_input(root, &out->window, e))
        return false;
    if (tensors == 2 && !service_labelled_read(root, &out->labelled, e))
        return false;
    if (count - 1 != tensors)
        return service_json_bad(e, "frames", NULL, "%zu tensor frames where %zu are due", count - 1,
                                tensors);
    if (tensors == 2)
        return service_labelled_take(&frames[1], &out->labelled, e);
    return !tensors || read_window(&frames[1], &out->window, e);
}

enum service_code service_request_decode(const struct service_frame *frames, size_t count,
                                         struct service_request *out, struct service_error *error)
{
    *out = (struct service_request){.verb = SERVICE_NO_VERB};
    *error = (struct service_error){.code = SERVICE_OK};
    if (count == 0) {
        service_json_bad(error, "header", NULL, "message without a header");
        return error->code;
    }
    json_t *root = service_json_parse(&frames[0], error);
    if (!root)
        return error->code;
    // Both of id and verb, so that whatever else is wrong, the answer finds its way.
    struct service_error second;
    bool id_good = read_id(root, "", "id", MAY, out->id, error);
    if (read_verb(root, out, id_good ? error : &second) && id_good)
        read_rest(root, frames, count, out, error);
    json_decref(root);
    return error->code;
}

static void put_parameters(struct service_writer *w, const struct service_request *r)
{
    const bool plan = needs[r->verb].plan, offset = needs[r->verb].offset;
    if (!r->deadline_ms && !r->board[0] && !r->request_id[0] && !r->experiment[0] && !r->key[0] &&
        !r->after && !r->pauses && !r->repeat && !(r->burst_s > 0) && !plan)
        return;
    service_write_open(w, "parameters", '{');
    if (r->deadline_ms)
        service_write_integer(w, "deadline_ms", r->deadline_ms);
    service_write_text_if(w, "board", r->board);
    service_write_text_if(w, "request_id", r->request_id);
    service_write_text_if(w, "key", r->key);
    if (r->repeat)
        service_write_integer(w, "repeat", r->repeat);
    if (r->burst_s > 0)
        service_write_real(w, "burst_s", r->burst_s);
    service_write_text_if(w, "experiment", r->experiment);
    if (offset)
        service_write_integer(w, "offset", r->offset);
    if (r->after)
        service_write_integer(w, "after", r->after);
    if (r->pauses)
        service_write_integer(w, "pause_ms", r->pause_ms);
    if (plan)
        service_plan_write(w, &r->plan);
    service_write_close(w, '}');
}

static void put_input(struct service_writer *w, const struct service_window *window)
{
    const unsigned size[] = {window->rows, window->columns};
    service_write_open(w, "inputs", '[');
    service_input_write(w, "window", size, 2, service_datatype_name(window->datatype));
    service_write_close(w, ']');
}

size_t service_request_encode(const struct service_request *r, char *out, size_t capacity)
{
    struct service_writer w;
    service_write_begin(&w, out, capacity < SERVICE_HEADER_MAX ? capacity : SERVICE_HEADER_MAX);
    if (r->verb == SERVICE_NO_VERB)
        return 0;
    service_write_open(&w, NULL, '{');
    service_write_text(&w, "verb", service_verb_name(r->verb));
    service_write_text_if(&w, "id", r->id);
    service_write_text_if(&w, "model_name", r->model_name);
    put_parameters(&w, r);
    if (r->verb == SERVICE_INFER)
        put_input(&w, &r->window);
    if (needs[r->verb].labelled)
        service_labelled_write(&w, &r->labelled);
    service_write_close(&w, '}');
    return service_write_end(&w);
}
