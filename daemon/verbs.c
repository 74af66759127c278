// SPDX-License-Identifier: Apache-2.0
// One handler per verb. A handler fills fe->reply, or takes a slot and answers later.
#include <stdio.h>
#include <string.h>

#include "daemon/experiments.h"
#include "daemon/frontend.h"
#include "daemon/log.h"
#include "daemon/routes.h"
#include "daemon/version.h"

bool frontend_refuse(struct frontend *fe, enum service_code code, const char *field,
                     const char *format, ...)
{
    struct service_error error; // its words may lie in the reply
    va_list args;
    va_start(args, format);
    service_error_vset(&error, code, field, format, args);
    va_end(args);
    fe->reply.error = error;
    return true;
}

static bool refuse_unknown(struct frontend *fe, const char *name)
{
    return frontend_refuse(fe, SERVICE_UNKNOWN_MODEL, "model_name",
                           "no variant or task is called %s", name);
}

static bool refuse_board(struct frontend *fe, const char *name)
{
    return frontend_refuse(fe, SERVICE_UNKNOWN_MODEL, "parameters.board", "no board is called %s",
                           name);
}

struct queue_slot *frontend_take_slot(struct frontend *fe, const struct asker *from,
                                      const struct service_request *r)
{
    struct queue_slot *s = queue_take(&fe->queue, r, now_ns());
    if (!s) {
        frontend_refuse(fe, SERVICE_QUEUE_FULL, NULL, "%d requests wait already",
                        r->verb == SERVICE_INFER ? fe->queue.size : QUEUE_CONTROL_SLOTS);
        return NULL;
    }
    s->socket = from->socket;
    s->peer_bytes = from->m->peer_bytes;
    memcpy(s->peer, from->m->peer, s->peer_bytes);
    frontend_arm_deadline(fe, s->deadline_ns);
    return s;
}

// Handlers return true when the reply is to be sent now.

static bool infer(struct frontend *fe, const struct asker *from, const struct service_request *r)
{
    char why[SERVICE_TEXT_MAX + 1];
    struct route *route = routes_find(fe, r->model_name);
    int arm = 0;
    const char *model = r->model_name;
    if (route)
        model = routes_choose(fe, route, r, from->m->peer, from->m->peer_bytes, &arm);
    const struct package *p = frontend_package(fe, model);
    if (!p)
        return refuse_unknown(fe, model);
    if (!p->available)
        return frontend_refuse(fe, SERVICE_NOT_READY, "model_name", "%s is not usable: %.180s",
                               p->name, p->reason);
    const struct model_shape *s = &p->variant->model->shape;
    if (r->window.rows != s->window || r->window.columns != s->features)
        return frontend_refuse(fe, SERVICE_BAD_REQUEST, "inputs[0].shape",
                               "[%u, %u], %s takes [%d, %d]", r->window.rows, r->window.columns,
                               p->name, s->window, s->features);
    enum service_code code = frontend_prospect(fe, model, why, sizeof why);
    if (code == SERVICE_NOT_READY && route)
        code = routes_prospect(fe, route, arm, why, sizeof why);
    if (code != SERVICE_OK)
        return frontend_refuse(fe, code, NULL, "%s", why);
    struct queue_slot *slot = frontend_take_slot(fe, from, r);
    if (!slot)
        return true;
    if (route)
        routes_take(slot, route, arm);
    queue_push(&fe->queue, slot);
    fe->dispatch_needed = true;
    return false;
}

static bool model_ready(struct frontend *fe, const struct service_request *r)
{
    const struct package *p = frontend_package(fe, r->model_name);
    if (!p)
        refuse_unknown(fe, r->model_name);
    for (int i = 0; p && i < fe->boards; i++)
        fe->reply.u.flag |= fe->board[i].phase == BOARD_READY && fe->board[i].active &&
                            (strcmp(fe->board[i].active->name, r->model_name) == 0 ||
                             strcmp(fe->board[i].active->variant->task, r->model_name) == 0);
    return true;
}

static bool model_metadata(struct frontend *fe, const struct service_request *r)
{
    const struct package *p = frontend_package(fe, routes_first(fe, r->model_name));
    if (!p)
        refuse_unknown(fe, r->model_name);
    else if (!p->available)
        frontend_refuse(fe, SERVICE_NOT_READY, "model_name", "%s is not usable: %.180s", p->name,
                        p->reason);
    else
        frontend_fill_metadata(fe, p);
    return true;
}

static bool model_statistics(struct frontend *fe, const struct service_request *r)
{
    if (*r->model_name && !frontend_package(fe, r->model_name))
        refuse_unknown(fe, r->model_name);
    else
        frontend_fill_statistics(fe, r->model_name);
    return true;
}

struct board *frontend_board(struct frontend *fe, const char *name)
{
    for (int i = 0; i < fe->boards; i++)
        if (strcmp(fe->board[i].conf->name, name) == 0)
            return &fe->board[i];
    return NULL;
}

// How well a board suits a load that names none; higher is better, 0 is not at all.
static int suits(const struct frontend *fe, const struct board *b, const struct package *p)
{
    char why[SERVICE_TEXT_MAX + 1];
    if (experiments_on(fe, b) || b->phase == BOARD_ABSENT ||
        board_accepts(b, p, why, sizeof why) != SERVICE_OK)
        return 0;
    if (b->active == p)
        return 6;
    if (b->phase == BOARD_IDLE)
        return 5;
    if (b->phase == BOARD_FAULT)
        return 4;
    if (b->phase == BOARD_READY && strcmp(b->active->variant->task, p->variant->task) == 0)
        return 3;
    return b->phase == BOARD_READY ? 2 : 1;
}

static struct board *board_to_load(struct frontend *fe, const struct package *p)
{
    struct board *best = &fe->board[0];
    for (int i = 1; i < fe->boards; i++)
        if (suits(fe, &fe->board[i], p) > suits(fe, best, p))
            best = &fe->board[i];
    return best;
}

// Begins a load for a slot that waits for it; ends the slot when it cannot begin.
static void begin_load(struct frontend *fe, struct queue_slot *s)
{
    char why[SERVICE_TEXT_MAX + 1];
    struct package *p = packages_find(&fe->packages, s->request.model_name);
    if (!p) {
        frontend_fail(fe, s, SERVICE_UNKNOWN_MODEL, "no variant is called %s",
                      s->request.model_name);
        return;
    }
    struct board *b =
        *s->request.board ? frontend_board(fe, s->request.board) : board_to_load(fe, p);
    const char *experiment = experiments_on(fe, b);
    enum service_code code = SERVICE_NOT_READY;
    if (experiment)
        snprintf(why, sizeof why, "board %s runs experiment %s: wait, or cancel it", b->conf->name,
                 experiment);
    else
        code = board_load(b, p, s, why, sizeof why);
    if (code == SERVICE_OK)
        return;
    service_reply_init(&fe->reply, &s->request);
    service_error_set(&fe->reply.error, code, NULL, "%s", why);
    if (code == SERVICE_SWAP_FAILED && b->active)
        snprintf(fe->reply.error.active, sizeof fe->reply.error.active, "%s", b->active->name);
    log_warn("board", "load refused board=%s variant=%s reason=\"%s\"", b->conf->name, p->name,
             why);
    frontend_answer_slot(fe, s);
    frontend_end(fe, s);
}

static void park(struct frontend *fe, struct queue_slot *s)
{
    s->parked = true;
    packages_rescan(&fe->packages);
}

static bool load(struct frontend *fe, const struct asker *from, const struct service_request *r)
{
    if (*r->board && !frontend_board(fe, r->board))
        return refuse_board(fe, r->board);
    struct queue_slot *s = frontend_take_slot(fe, from, r);
    if (!s)
        return true;
    struct package *p = packages_find(&fe->packages, r->model_name);
    if (p && p->available)
        begin_load(fe, s);
    else
        park(fe, s); // it may have been built or mended since
    return false;
}

// Whether the board is one that r wants unloaded.
static bool is_meant(const struct board *b, const struct service_request *r)
{
    return *r->board ? strcmp(b->conf->name, r->board) == 0
                     : b->want && strcmp(b->want->name, r->model_name) == 0;
}

// All boards that are meant, or none of them.
static bool unload(struct frontend *fe, const struct service_request *r)
{
    struct service_names *done = &fe->reply.u.unload;
    if (!*r->board == !*r->model_name)
        return frontend_refuse(fe, SERVICE_BAD_REQUEST, "parameters.board",
                               "give model_name or parameters.board, one of them");
    if (*r->board && !frontend_board(fe, r->board))
        return refuse_board(fe, r->board);
    for (int i = 0; i < fe->boards; i++) {
        const struct board *b = &fe->board[i];
        const char *experiment = experiments_on(fe, b);
        if (is_meant(b, r) && experiment)
            return frontend_refuse(fe, SERVICE_NOT_READY, NULL,
                                   "board %s runs experiment %s: wait, or cancel it", b->conf->name,
                                   experiment);
        if (is_meant(b, r) &&
            (b->phase == BOARD_DRAIN || b->phase == BOARD_PROGRAM || b->phase == BOARD_VERIFY))
            return frontend_refuse(fe, SERVICE_NOT_READY, NULL, "board %s is being programmed",
                                   b->conf->name);
    }
    for (int i = 0; i < fe->boards; i++)
        if (is_meant(&fe->board[i], r)) {
            board_unload(&fe->board[i]);
            snprintf(done->name[done->n++], sizeof done->name[0], "%s", fe->board[i].conf->name);
        }
    if (!done->n && !frontend_package(fe, r->model_name))
        return refuse_unknown(fe, r->model_name);
    if (!done->n)
        return frontend_refuse(fe, SERVICE_NOT_READY, "model_name", "%s is on no board",
                               r->model_name);
    return true;
}

static bool cancel(struct frontend *fe, const struct service_request *r)
{
    uint32_t canceled = 0;
    struct service_reply mine = fe->reply; // the scratch is used for those that end here
    struct queue_slot *s = NULL;
    while ((s = queue_find(&fe->queue, r->request_id, s))) {
        if (s->request.verb != SERVICE_INFER)
            continue;
        for (int i = 0; i < fe->boards; i++)
            board_abandon(&fe->board[i], s);
        frontend_fail(fe, s, SERVICE_CANCELED, "canceled on request");
        canceled++;
    }
    fe->reply = mine;
    fe->reply.u.canceled = canceled;
    return true;
}

static bool repository_index(struct frontend *fe, const struct asker *from,
                             const struct service_request *r)
{
    struct queue_slot *s = frontend_take_slot(fe, from, r);
    if (s)
        park(fe, s);
    return s == NULL;
}

static bool power(struct frontend *fe, const struct service_request *r)
{
    struct board *b = frontend_board(fe, r->board);
    if (!b)
        return refuse_board(fe, r->board);
    if (!frontend_has_meter(b))
        return frontend_refuse(fe, SERVICE_NOT_READY, "parameters.board",
                               "board %s has no power monitor", r->board);
    if (r->pauses)
        board_pause_power(b, now_ns() + r->pause_ms * NS_PER_MS);
    frontend_fill_power_log(fe, b, r->after);
    return true;
}

static bool handle(struct frontend *fe, const struct asker *from, const struct service_request *r)
{
    switch (r->verb) {
    case SERVICE_INFER:
        return infer(fe, from, r);
    case SERVICE_SERVER_LIVE:
        fe->reply.u.flag = true;
        return true;
    case SERVICE_SERVER_READY:
        fe->reply.u.flag = frontend_ready_boards(fe) > 0;
        return true;
    case SERVICE_SERVER_METADATA:
        snprintf(fe->reply.u.server.version, sizeof fe->reply.u.server.version, "%s",
                 SEVENCAST_VERSION);
        return true;
    case SERVICE_MODEL_READY:
        return model_ready(fe, r);
    case SERVICE_MODEL_METADATA:
        return model_metadata(fe, r);
    case SERVICE_MODEL_STATISTICS:
        return model_statistics(fe, r);
    case SERVICE_REPOSITORY_INDEX:
        return repository_index(fe, from, r);
    case SERVICE_LOAD:
        return load(fe, from, r);
    case SERVICE_UNLOAD:
        return unload(fe, r);
    case SERVICE_BOARDS:
        frontend_fill_boards(fe);
        return true;
    case SERVICE_POWER:
        return power(fe, r);
    case SERVICE_CANCEL:
        return cancel(fe, r);
    case SERVICE_ROUTES:
        routes_fill(fe);
        return true;
    case SERVICE_AB_START:
    case SERVICE_AB_DATA:
    case SERVICE_AB_STATUS:
    case SERVICE_AB_LIST:
    case SERVICE_AB_RESULT:
    case SERVICE_AB_CANCEL:
        return experiments_handle(fe, from, r);
    default:
        return frontend_refuse(fe, SERVICE_BAD_REQUEST, "verb", "unknown verb");
    }
}

void frontend_handle(struct frontend *fe, int socket, struct listener_message *m)
{
    struct service_request r;
    struct service_error error = {0};
    struct asker from = {socket, m};
    enum service_code code = service_request_decode(m->frames, m->count, &r, &error);
    service_reply_init(&fe->reply, &r);
    bool send = true;
    if (!m->delimited)
        frontend_refuse(fe, SERVICE_BAD_REQUEST, "frames",
                        "the empty frame before the header is missing");
    else if (m->count_on_wire > m->count)
        frontend_refuse(fe, SERVICE_BAD_REQUEST, "frames", "%zu frames, at most %d",
                        m->count_on_wire, SERVICE_FRAMES_MAX);
    else if (code != SERVICE_OK)
        fe->reply.error = error;
    else if (fe->stopping)
        frontend_refuse(fe, SERVICE_CANCELED, NULL, "the daemon stops");
    else if (service_verb_is_control(r.verb) && !fe->listener[socket].control)
        frontend_refuse(fe, SERVICE_UNAUTHORISED, "verb",
                        "this socket does not take control verbs");
    else
        send = handle(fe, &from, &r);
    if (send)
        frontend_send(fe, socket, m->peer, m->peer_bytes);
}

void frontend_scanned(struct frontend *fe)
{
    for (int i = 0; i < fe->boards; i++)
        board_packages_changed(&fe->board[i]);
    for (int i = fe->queue.size; i < fe->queue.size + QUEUE_CONTROL_SLOTS; i++) {
        struct queue_slot *s = &fe->queue.slots[i];
        if (s->state == QUEUE_FREE || !s->parked)
            continue;
        s->parked = false;
        if (s->request.verb == SERVICE_LOAD) {
            begin_load(fe, s);
            continue;
        }
        service_reply_init(&fe->reply, &s->request);
        frontend_fill_index(fe);
        frontend_answer_slot(fe, s);
        frontend_end(fe, s);
    }
    fe->dispatch_needed = fe->sweep_needed = true;
}
