// SPDX-License-Identifier: Apache-2.0
// Replies of the service protocol, as the daemon writes them.
#include <string.h>

#include "protocol/service.h"
#include "protocol/service_energy.h"
#include "protocol/service_experiment.h"
#include "protocol/service_route.h"
#include "protocol/service_write.h"

#define OPEN(key)           service_write_open(w, key, '{')
#define CLOSE()             service_write_close(w, '}')
#define OPEN_ARRAY(key)     service_write_open(w, key, '[')
#define CLOSE_ARRAY()       service_write_close(w, ']')
#define TEXT(key, text)     service_write_text(w, key, text)
#define INTEGER(key, value) service_write_integer(w, key, value)
#define REAL(key, value)    service_write_real(w, key, value)

static void put_names(struct service_writer *w, const char *key, const struct service_names *list)
{
    OPEN_ARRAY(key);
    for (size_t i = 0; i < list->n && i < SERVICE_BOARDS_MAX; i++)
        TEXT(NULL, list->name[i]);
    CLOSE_ARRAY();
}

static void put_error(struct service_writer *w, const struct service_error *e)
{
    OPEN("error");
    TEXT("code", service_code_name(e->code));
    TEXT("message", e->message);
    service_write_text_if(w, "field", e->field);
    CLOSE();
    if (e->code != SERVICE_SWAP_FAILED)
        return;
    OPEN("parameters");
    TEXT("active", e->active);
    CLOSE();
}

static void put_server(struct service_writer *w, const char *version)
{
    TEXT("name", "sevencast");
    TEXT("version", version);
    INTEGER("protocol", SERVICE_PROTOCOL);
    OPEN_ARRAY("extensions");
    TEXT(NULL, "binary_tensors");
    TEXT(NULL, "model_repository");
    TEXT(NULL, "statistics");
    TEXT(NULL, "boards");
    TEXT(NULL, "experiments");
    TEXT(NULL, "routes");
    TEXT(NULL, "power_log");
    CLOSE_ARRAY();
}

static void put_columns(struct service_writer *w, const char *key, const struct service_column *c,
                        size_t n)
{
    OPEN_ARRAY(key);
    for (; n--; c++) {
        OPEN(NULL);
        TEXT("name", c->name);
        TEXT("unit", c->unit);
        REAL("offset", c->offset);
        REAL("scale", c->scale);
        CLOSE();
    }
    CLOSE_ARRAY();
}

// The typed keys come first and win over details of the same name.
static void put_parameters(struct service_writer *w, const struct service_metadata *m)
{
    const char *key;
    json_t *value;
    OPEN("parameters");
    TEXT("task", m->task);
    put_columns(w, "features", m->feature, m->features);
    put_columns(w, "targets", m->target, m->outputs);
    OPEN("codes");
    INTEGER("x_bits", m->x_bits);
    REAL("x_scale", m->x_scale);
    INTEGER("y_bits", m->y_bits);
    REAL("y_scale", m->y_scale);
    CLOSE();
    json_object_foreach(m->details, key, value) if (strcmp(key, "task") &&
                                                    strcmp(key, "features") &&
                                                    strcmp(key, "targets") && strcmp(key, "codes"))
        service_write_json(w, key, value);
    CLOSE();
}

static void put_tensor(struct service_writer *w, const char *name, const char *datatype,
                       unsigned size)
{
    OPEN(NULL);
    TEXT("name", name);
    TEXT("datatype", datatype);
    OPEN_ARRAY("shape");
    INTEGER(NULL, size);
    CLOSE_ARRAY();
    CLOSE();
}

static void put_outputs(struct service_writer *w, unsigned outputs)
{
    if (outputs < 1 || outputs > SERVICE_OUTPUTS_MAX)
        w->failed = true;
    OPEN_ARRAY("outputs");
    put_tensor(w, "forecast", "FP64", outputs);
    put_tensor(w, "forecast_codes", "INT16", outputs);
    CLOSE_ARRAY();
}

static void put_metadata(struct service_writer *w, const struct service_metadata *m)
{
    if (m->features > SERVICE_FEATURES_MAX)
        w->failed = true;
    TEXT("name", m->name);
    OPEN_ARRAY("versions");
    TEXT(NULL, m->version);
    CLOSE_ARRAY();
    TEXT("platform", "fpga_bitstream");
    OPEN_ARRAY("inputs");
    OPEN(NULL);
    TEXT("name", "window");
    TEXT("datatype", "FP64");
    OPEN_ARRAY("shape");
    INTEGER(NULL, m->window);
    INTEGER(NULL, m->features);
    CLOSE_ARRAY();
    CLOSE();
    CLOSE_ARRAY();
    put_outputs(w, m->outputs);
    if (!w->failed)
        put_parameters(w, m);
}

static void put_count(struct service_writer *w, const char *key, const struct service_count *c)
{
    OPEN(key);
    INTEGER("count", c->count);
    INTEGER("ns", c->ns);
    CLOSE();
}

static void put_statistics(struct service_writer *w, const struct service_model_stats *s, size_t n)
{
    OPEN_ARRAY("model_stats");
    for (; n--; s++) {
        OPEN(NULL);
        TEXT("name", s->name);
        TEXT("version", s->version);
        OPEN("inference_stats");
        put_count(w, "success", &s->success);
        put_count(w, "fail", &s->fail);
        put_count(w, "queue", &s->queue);
        put_count(w, "compute_input", &s->compute_input);
        put_count(w, "compute_infer", &s->compute_infer);
        put_count(w, "compute_output", &s->compute_output);
        CLOSE();
        INTEGER("saturated_values", s->saturated_values);
        CLOSE();
    }
    CLOSE_ARRAY();
}

static void put_index(struct service_writer *w, const struct service_model_row *m, size_t n)
{
    OPEN_ARRAY("models");
    for (; n--; m++) {
        OPEN(NULL);
        TEXT("name", m->name);
        TEXT("version", m->version);
        TEXT("task", m->task);
        TEXT("state", service_model_state_name(m->state));
        TEXT("reason", m->reason);
        put_names(w, "boards", &m->boards);
        CLOSE();
    }
    CLOSE_ARRAY();
}

static void put_rail(struct service_writer *w, const struct service_rail *r)
{
    OPEN(NULL);
    TEXT("name", r->name);
    if (r->reason[0]) {
        TEXT("reason", r->reason);
    } else {
        REAL("watt", r->watt);
        REAL("uncertainty_watt", r->uncertainty_watt);
        INTEGER("count", r->count);
    }
    CLOSE();
}

static void put_power(struct service_writer *w, const char *key, const struct service_power *p)
{
    OPEN(key);
    if (p->rails) {
        TEXT("origin", service_origin_name(p->origin));
        REAL("window_s", p->window_s);
        OPEN_ARRAY("rails");
        for (int i = 0; i < p->rails && i < SERVICE_RAILS_MAX; i++)
            put_rail(w, &p->rail[i]);
        CLOSE_ARRAY();
    } else {
        TEXT("reason", p->reason);
    }
    CLOSE();
}

static void put_power_log(struct service_writer *w, const struct service_power_log *log)
{
    TEXT("board", log->board);
    REAL("now_s", log->now_s);
    INTEGER("paused_ms", log->paused_ms);
    OPEN_ARRAY("windows");
    for (size_t i = 0; i < log->n && i < SERVICE_POWER_ROWS_MAX; i++) {
        const struct service_power_row *row = &log->rows[i];
        OPEN(NULL);
        INTEGER("seq", row->seq);
        REAL("begin_s", row->begin_s);
        REAL("end_s", row->end_s);
        put_power(w, "power", &row->power);
        CLOSE();
    }
    CLOSE_ARRAY();
}

static void put_boards(struct service_writer *w, const struct service_board_row *b, size_t n)
{
    OPEN_ARRAY("boards");
    for (; n--; b++) {
        OPEN(NULL);
        TEXT("name", b->name);
        TEXT("serial", b->serial);
        TEXT("part", b->part);
        TEXT("state", service_board_state_name(b->state));
        TEXT("variant", b->variant);
        TEXT("version", b->version);
        TEXT("origin", service_origin_name(b->origin));
        INTEGER("clock_hz", b->clock_hz);
        INTEGER("queue", b->queue);
        INTEGER("inferences", b->inferences);
        INTEGER("swaps", b->swaps);
        INTEGER("restarts", b->restarts);
        TEXT("reason", b->reason);
        put_power(w, "power", &b->power);
        CLOSE();
    }
    CLOSE_ARRAY();
}

static void put_load(struct service_writer *w, const struct service_load *l)
{
    TEXT("board", l->board);
    TEXT("model_name", l->model_name);
    TEXT("version", l->version);
    OPEN("seconds");
    REAL("drain", l->seconds.drain);
    REAL("program", l->seconds.program);
    REAL("verify", l->seconds.verify);
    REAL("total", l->seconds.total);
    CLOSE();
}

static void put_inference(struct service_writer *w, const struct service_inference *i)
{
    TEXT("model_name", i->model_name);
    TEXT("model_version", i->version);
    put_outputs(w, i->outputs);
    OPEN("parameters");
    TEXT("variant", i->variant);
    TEXT("task", i->task);
    TEXT("board", i->board);
    TEXT("origin", service_origin_name(i->origin));
    INTEGER("fpga_cycles", i->fpga_cycles);
    INTEGER("fpga_ns", i->fpga_ns);
    INTEGER("clock_hz", i->clock_hz);
    INTEGER("saturated", i->saturated);
    OPEN("stages_ns");
    INTEGER("queue", i->stages_ns.queue);
    INTEGER("usb_in", i->stages_ns.usb_in);
    INTEGER("fpga", i->stages_ns.fpga);
    INTEGER("usb_out", i->stages_ns.usb_out);
    INTEGER("host", i->stages_ns.host);
    CLOSE();
    service_burst_write(w, &i->burst);
    OPEN("energy");
    service_energy_write(w, &i->energy);
    if (i->idle.rails)
        put_power(w, "idle", &i->idle);
    CLOSE();
    CLOSE();
}

static void put_result(struct service_writer *w, const struct service_reply *r)
{
    switch (r->verb) {
    case SERVICE_SERVER_LIVE:
        service_write_flag(w, "live", r->u.flag);
        break;
    case SERVICE_SERVER_READY:
    case SERVICE_MODEL_READY:
        service_write_flag(w, "ready", r->u.flag);
        break;
    case SERVICE_SERVER_METADATA:
        put_server(w, r->u.server.version);
        break;
    case SERVICE_MODEL_METADATA:
        put_metadata(w, &r->u.metadata);
        break;
    case SERVICE_MODEL_STATISTICS:
        put_statistics(w, r->u.statistics.rows, r->u.statistics.n);
        break;
    case SERVICE_INFER:
        put_inference(w, &r->u.infer);
        break;
    case SERVICE_REPOSITORY_INDEX:
        put_index(w, r->u.index.rows, r->u.index.n);
        break;
    case SERVICE_LOAD:
        put_load(w, &r->u.load);
        break;
    case SERVICE_UNLOAD:
        put_names(w, "boards", &r->u.unload);
        break;
    case SERVICE_BOARDS:
        put_boards(w, r->u.boards.rows, r->u.boards.n);
        break;
    case SERVICE_CANCEL:
        INTEGER("canceled", r->u.canceled);
        break;
    case SERVICE_AB_START:
    case SERVICE_AB_DATA:
    case SERVICE_AB_STATUS:
    case SERVICE_AB_CANCEL:
        service_experiment_write(w, "experiment", &r->u.experiment);
        break;
    case SERVICE_AB_LIST:
        OPEN_ARRAY("experiments");
        for (size_t i = 0; i < r->u.experiments.n; i++)
            service_experiment_write(w, NULL, &r->u.experiments.rows[i]);
        CLOSE_ARRAY();
        break;
    case SERVICE_AB_RESULT:
        service_result_write(w, &r->u.result);
        break;
    case SERVICE_ROUTES:
        OPEN_ARRAY("routes");
        for (size_t i = 0; i < r->u.routes.n; i++)
            service_route_write(w, &r->u.routes.rows[i]);
        CLOSE_ARRAY();
        break;
    case SERVICE_POWER:
        put_power_log(w, &r->u.power);
        break;
    default:
        w->failed = true;
        break;
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
    struct service_writer writer, *w = &writer;
    service_write_begin(w, out, capacity < SERVICE_HEADER_MAX ? capacity : SERVICE_HEADER_MAX);
    OPEN(NULL);
    if (reply->verb != SERVICE_NO_VERB)
        TEXT("verb", service_verb_name(reply->verb));
    service_write_text_if(w, "id", reply->id);
    if (reply->error.code)
        put_error(w, &reply->error);
    else
        put_result(w, reply);
    CLOSE();
    return service_write_end(w);
}
