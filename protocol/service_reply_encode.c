// SPDX-License-Identifier: Apache-2.0
// Replies of the service protocol, as the daemon writes them.
#include <string.h>

#include "protocol/service.h"
#include "protocol/service_energy.h"
#include "protocol/service_experiment.h"
#include "protocol/service_metadata.h"
#include "protocol/service_power.h"
#include "protocol/service_route.h"
#include "protocol/service_statistics.h"
#include "protocol/service_tensor.h"
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
        service_power_write(w, "power", &b->power);
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
    service_outputs_write(w, i->outputs);
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
        service_power_write(w, "idle", &i->idle);
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
        service_metadata_write(w, &r->u.metadata);
        break;
    case SERVICE_MODEL_STATISTICS:
        OPEN_ARRAY("model_stats");
        for (size_t i = 0; i < r->u.statistics.n; i++)
            service_stats_write(w, &r->u.statistics.rows[i]);
        CLOSE_ARRAY();
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
        service_power_log_write(w, &r->u.power);
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
