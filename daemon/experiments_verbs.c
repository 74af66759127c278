// SPDX-License-Identifier: Apache-2.0
// What clients ask of experiments.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/experiments_inside.h"
#include "daemon/log.h"

static void fill_row(struct service_experiment *to, const struct experiments *e,
                     const struct experiment *x)
{
    *to = x->row;
    if (x == e->active)
        to->seconds = experiment_seconds(&e->runner, now_ns());
}

// ---- starting one

// The packages of the plan's variants, all of one task and shape.
static bool find_arms(struct frontend *fe, const struct service_request *r,
                      const struct package *arm[SERVICE_ARMS_MAX])
{
    static const char field[] = "parameters.plan.variants";
    for (int i = 0; i < r->plan.arms; i++) {
        const struct package *p = arm[i] = packages_find(&fe->packages, r->plan.arm[i]);
        if (!p)
            return !frontend_refuse(fe, SERVICE_UNKNOWN_MODEL, field, "no variant is called %s",
                                    r->plan.arm[i]);
        if (!p->available)
            return !frontend_refuse(fe, SERVICE_NOT_READY, field, "%s is not usable: %.180s",
                                    p->name, p->reason);
        const struct model_shape *s = &p->variant->model->shape;
        if (s->window != r->labelled.rows || s->features != r->labelled.columns ||
            s->outputs != r->labelled.outputs)
            return !frontend_refuse(fe, SERVICE_BAD_REQUEST, "inputs[0].shape",
                                    "%s takes [%d, %d] and gives [%d], not [%u, %u] and [%u]",
                                    p->name, s->window, s->features, s->outputs, r->labelled.rows,
                                    r->labelled.columns, r->labelled.outputs);
        if (strcmp(p->variant->task, arm[0]->variant->task) != 0)
            return !frontend_refuse(fe, SERVICE_BAD_REQUEST, field, "%s is of task %s, %s of %s",
                                    p->name, p->variant->task, arm[0]->name, arm[0]->variant->task);
        for (int k = 0; k < s->outputs; k++)
            if (strcmp(p->variant->target[k].name, arm[0]->variant->target[k].name) != 0)
                return !frontend_refuse(fe, SERVICE_BAD_REQUEST, field,
                                        "%s forecasts %s where %s forecasts %s", p->name,
                                        p->variant->target[k].name, arm[0]->name,
                                        arm[0]->variant->target[k].name);
    }
    return true;
}

// The board named, or the first that suits; NULL with the reply filled.
static const struct board *find_board(struct frontend *fe, const struct service_request *r,
                                      const struct package *const *arm)
{
    char why[SERVICE_TEXT_MAX + 1] = "no board";
    const struct board *best = NULL;
    enum service_code code = SERVICE_NOT_READY;
    if (*r->board && !frontend_board(fe, r->board)) {
        frontend_refuse(fe, SERVICE_UNKNOWN_MODEL, "parameters.board", "no board is called %s",
                        r->board);
        return NULL;
    }
    for (int i = 0; i < fe->boards; i++) {
        const struct board *b = &fe->board[i];
        bool accepts = true;
        if (*r->board && strcmp(b->conf->name, r->board) != 0)
            continue;
        for (int k = 0; k < r->plan.arms && accepts; k++) {
            enum service_code c = board_accepts(b, arm[k], why, sizeof why);
            accepts = c == SERVICE_OK;
            code = accepts ? code : c;
        }
        bool ready = b->phase == BOARD_READY;
        if (accepts && (!best || (ready && best->phase != BOARD_READY)))
            best = b;
    }
    if (!best)
        frontend_refuse(fe, code, "parameters.board", "%s", why);
    return best;
}

// Errors are shown in the targets' unit where they share one, else in their scales.
static void set_unit(struct experiment_spec *s, const struct variant *v)
{
    bool same = true;
    for (int i = 1; i < s->outputs; i++)
        same = same && strcmp(v->target[i].unit, v->target[0].unit) == 0;
    same = same && (v->target[0].unit[0] || s->outputs == 1);
    snprintf(s->unit, sizeof s->unit, "%s", same ? v->target[0].unit : "of the target's scale");
    for (int i = 0; i < s->outputs; i++)
        s->divisor[i] = same || !(v->target[i].scale > 0) ? 1 : v->target[i].scale;
}

// Sets the length of bursts where the plan leaves it to us; false with the reply filled. A second
// keeps the edge of a PAC1934's window at a thousandth of the power's step. A simulated fabric
// needs minutes to hours for it: there, they must be asked for.
static bool settle_bursts(struct frontend *fe, struct service_plan *p, const struct board *b)
{
    static const char field[] = "parameters.plan.burst_s";
    bool meter = frontend_has_meter(b), unknown = !b->identity.clock_hz;
    if (p->burst_s < 0)
        p->burst_s = meter && (unknown || frontend_origin(b) != SERVICE_VIRTUAL) ? 1 : 0;
    if (p->burst_s > 0 && !meter)
        return !frontend_refuse(fe, SERVICE_BAD_REQUEST, field, "board %s has no power monitor",
                                b->conf->name);
    if (p->burst_s > b->conf->burst_max_s)
        return !frontend_refuse(fe, SERVICE_BAD_REQUEST, field,
                                "board %s takes no bursts above %d s", b->conf->name,
                                b->conf->burst_max_s);
    return true;
}

// The oldest ended ones make room for new ones.
static void forget_oldest(struct experiments *e)
{
    int ended = 0;
    for (int i = 0; i < e->n; i++)
        ended += !experiments_unfinished(&e->item[i]);
    for (int i = 0; i < e->n && ended > EXPERIMENTS_KEPT; i++) {
        if (experiments_unfinished(&e->item[i]))
            continue;
        if (recorder_push(e->recorder, recorder_job_new(RECORDER_DROP, e->item[i].row.id)) < 0)
            return;
        ptrdiff_t active = e->active ? e->active - e->item : -1;
        memmove(&e->item[i], &e->item[i + 1], (size_t)(e->n - i - 1) * sizeof *e->item);
        e->n--;
        if (active > i)
            e->active--;
        i--;
        ended--;
    }
    if (e->active) // the runner borrows the spec
        e->runner.spec = &e->active->spec;
}

// Takes a piece of windows into memory and hands it to the records.
static bool take_piece(struct experiments *e, struct experiment *x,
                       const struct service_labelled *l, uint64_t ticket)
{
    size_t window = (size_t)l->rows * l->columns, target = l->outputs, n = l->windows;
    struct recorder_job *job = recorder_job_new(RECORDER_DATA, x->row.id);
    void *body = malloc(n * (window + target) * 8);
    if (!job || !body) {
        recorder_job_free(job);
        free(body);
        return false;
    }
    memcpy(body, l->data, n * window * 8);
    memcpy((char *)body + n * window * 8, l->targets, n * target * 8);
    job->body = body;
    job->bytes = n * (window + target) * 8;
    job->number = x->pieces;
    job->ticket = ticket;
    if (recorder_push(e->recorder, job) < 0)
        return false;
    service_unpack_fp64(l->data, n * window, x->windows + x->row.received * window);
    service_unpack_fp64(l->targets, n * target, x->targets + x->row.received * target);
    x->pieces++;
    x->piece_ns = now_ns();
    x->row.received += l->windows;
    if (x->row.received == x->row.windows) {
        x->row.state = SERVICE_EXPERIMENT_QUEUED;
        e->fe->dispatch_needed = true;
    }
    return true;
}

static void fill_new(struct experiments *e, struct experiment *x, const struct service_request *r,
                     const struct service_plan *plan, const struct board *b,
                     const struct package *const *arm)
{
    struct service_experiment *row = &x->row;
    memset(x, 0, sizeof *x);
    x->spec.plan = *plan;
    x->spec.rows = r->labelled.rows;
    x->spec.columns = r->labelled.columns;
    x->spec.outputs = r->labelled.outputs;
    snprintf(x->spec.board, sizeof x->spec.board, "%s", b->conf->name);
    snprintf(x->spec.task, sizeof x->spec.task, "%s", arm[0]->variant->task);
    for (int i = 0; i < r->plan.arms; i++)
        snprintf(x->spec.version[i], sizeof x->spec.version[i], "%s", arm[i]->variant->hash_hex);
    set_unit(&x->spec, arm[0]->variant);
    snprintf(row->id, sizeof row->id, "ab-%u", e->next_id++);
    memcpy(row->name, r->plan.name, sizeof row->name);
    memcpy(row->board, x->spec.board, sizeof row->board);
    memcpy(row->arm, r->plan.arm, sizeof row->arm);
    row->arms = r->plan.arms;
    row->windows = r->plan.windows;
    row->budget_blocks = r->plan.blocks;
    for (int m = 0; m < SERVICE_METRICS; m++)
        row->comparisons += r->plan.metric[m] ? r->plan.arms - 1u : 0;
    row->state = SERVICE_EXPERIMENT_RECEIVING;
}

static bool start(struct experiments *e, const struct asker *from, const struct service_request *r)
{
    const struct package *arm[SERVICE_ARMS_MAX];
    struct frontend *fe = e->fe;
    size_t values = (size_t)r->labelled.rows * r->labelled.columns;
    int unfinished = 0;
    for (int i = 0; i < e->n; i++)
        unfinished += experiments_unfinished(&e->item[i]);
    if (!find_arms(fe, r, arm))
        return true;
    const struct board *b = find_board(fe, r, arm);
    struct service_plan plan = r->plan;
    if (!b || !settle_bursts(fe, &plan, b))
        return true;
    if ((values + r->labelled.outputs) * r->plan.windows > EXPERIMENT_VALUES_MAX)
        return frontend_refuse(fe, SERVICE_BAD_REQUEST, "parameters.plan.windows",
                               "%u windows and targets hold more than %d values", r->plan.windows,
                               EXPERIMENT_VALUES_MAX);
    if (r->labelled.windows > r->plan.windows)
        return frontend_refuse(fe, SERVICE_BAD_REQUEST, "inputs[0].shape",
                               "%u windows, the plan has %u", r->labelled.windows, r->plan.windows);
    if (unfinished >= fe->conf->experiments)
        return frontend_refuse(fe, SERVICE_EXPERIMENT_QUEUE_FULL, NULL,
                               "%d experiments run or wait already", unfinished);
    forget_oldest(e);
    if (e->n == RECORDER_EXPERIMENTS || recorder_room(e->recorder) < EXPERIMENTS_RESERVE)
        return frontend_refuse(fe, SERVICE_EXPERIMENT_QUEUE_FULL, NULL, "the records are behind");
    struct experiment *x = &e->item[e->n];
    fill_new(e, x, r, &plan, b, arm);
    x->windows = calloc(values * r->plan.windows, sizeof *x->windows);
    x->targets = calloc((size_t)r->labelled.outputs * r->plan.windows, sizeof *x->targets);
    struct recorder_job *job = recorder_job_new(RECORDER_START, x->row.id);
    struct queue_slot *s = x->windows && x->targets && job ? frontend_take_slot(fe, from, r) : NULL;
    if (!s) {
        bool full = x->windows && x->targets && job;
        free(x->windows);
        free(x->targets);
        recorder_job_free(job);
        return full || frontend_refuse(fe, SERVICE_INTERNAL, NULL, "out of memory");
    }
    job->spec = x->spec;
    e->n++;
    recorder_push(e->recorder, job); // there is room: see above
    log_info("ab", "taken experiment=%s board=%s variants=%d windows=%u", x->row.id, x->row.board,
             x->row.arms, x->row.windows);
    if (!take_piece(e, x, &r->labelled, s->ticket)) {
        experiments_finish(e, x, SERVICE_EXPERIMENT_FAILED, "", "out of memory");
        frontend_fail(fe, s, SERVICE_INTERNAL, "out of memory");
    }
    experiments_watch_uploads(e);
    return false;
}

static bool data(struct experiments *e, struct experiment *x, const struct asker *from,
                 const struct service_request *r)
{
    struct frontend *fe = e->fe;
    const struct service_labelled *l = &r->labelled;
    if (x->row.state != SERVICE_EXPERIMENT_RECEIVING)
        return frontend_refuse(fe, SERVICE_BAD_REQUEST, "parameters.experiment",
                               "%s has all its windows", x->row.id);
    if (l->rows != x->spec.rows || l->columns != x->spec.columns || l->outputs != x->spec.outputs ||
        l->windows > x->row.windows - x->row.received)
        return frontend_refuse(fe, SERVICE_BAD_REQUEST, "inputs[0].shape",
                               "%u windows of another shape, or more than the %u that are due",
                               l->windows, x->row.windows - x->row.received);
    if (r->offset != x->row.received)
        return frontend_refuse(fe, SERVICE_BAD_REQUEST, "parameters.offset",
                               "%u windows came before", x->row.received);
    if (recorder_room(e->recorder) <= EXPERIMENTS_RESERVE / 2)
        return frontend_refuse(fe, SERVICE_QUEUE_FULL, NULL, "the records are behind");
    struct queue_slot *s = frontend_take_slot(fe, from, r);
    if (s && !take_piece(e, x, l, s->ticket))
        frontend_fail(fe, s, SERVICE_INTERNAL, "out of memory");
    return s == NULL;
}

static void on_upload_time(void *arg)
{
    experiments_watch_uploads(arg);
}

void experiments_watch_uploads(struct experiments *e)
{
    uint64_t now = now_ns(), next = UINT64_MAX;
    for (int i = 0; i < e->n; i++) {
        struct experiment *x = &e->item[i];
        uint64_t limit = x->piece_ns + EXPERIMENTS_UPLOAD_NS;
        if (x->row.state != SERVICE_EXPERIMENT_RECEIVING)
            continue;
        if (now >= limit)
            experiments_finish(e, x, SERVICE_EXPERIMENT_FAILED, "", "its windows did not come");
        else if (limit < next)
            next = limit;
    }
    if (next != UINT64_MAX)
        sched_timer_set(&e->fe->sched, &e->upload_timer, next, on_upload_time, e);
}

// ---- asking

static bool list(struct experiments *e)
{
    static struct service_experiment rows[SERVICE_EXPERIMENTS_MAX];
    size_t n = 0;
    for (int i = e->n - 1; i >= 0 && n < SERVICE_EXPERIMENTS_MAX; i--)
        fill_row(&rows[n++], e, &e->item[i]);
    e->fe->reply.u.experiments.rows = rows;
    e->fe->reply.u.experiments.n = n;
    return true;
}

static bool result(struct experiments *e, struct experiment *x, const struct asker *from,
                   const struct service_request *r)
{
    struct frontend *fe = e->fe;
    if (!x->ran)
        return frontend_refuse(fe, SERVICE_NOT_READY, "parameters.experiment",
                               "%s has not measured anything%s%.180s", x->row.id,
                               x->row.reason[0] ? ": " : "", x->row.reason);
    if (recorder_room(e->recorder) <= EXPERIMENTS_RESERVE / 2)
        return frontend_refuse(fe, SERVICE_QUEUE_FULL, NULL, "the records are behind");
    struct queue_slot *s = frontend_take_slot(fe, from, r);
    if (!s)
        return true;
    struct recorder_job *job = recorder_job_new(RECORDER_RESULT, x->row.id);
    if (job) {
        job->spec = x->spec;
        job->ticket = s->ticket;
        job->clock_hz = x->clock_hz;
        snprintf(job->origin, sizeof job->origin, "%s", x->origin);
    }
    if (recorder_push(e->recorder, job) < 0)
        frontend_fail(fe, s, SERVICE_INTERNAL, "out of memory");
    return false;
}

static bool cancel(struct experiments *e, struct experiment *x)
{
    if (experiments_unfinished(x))
        experiments_finish(e, x, SERVICE_EXPERIMENT_CANCELED, "canceled", "");
    if (experiments_unfinished(x))
        return frontend_refuse(e->fe, SERVICE_QUEUE_FULL, NULL, "the records are behind");
    fill_row(&e->fe->reply.u.experiment, e, x);
    return true;
}

bool experiments_handle(struct frontend *fe, const struct asker *from,
                        const struct service_request *r)
{
    struct experiments *e = fe->experiments;
    if (!e->recorder)
        return frontend_refuse(fe, SERVICE_NOT_READY, NULL, "no experiments here: %.200s", e->off);
    if (r->verb == SERVICE_AB_START)
        return start(e, from, r);
    if (r->verb == SERVICE_AB_LIST)
        return list(e);
    struct experiment *x = experiments_find(e, r->experiment);
    if (!x)
        return frontend_refuse(fe, SERVICE_UNKNOWN_EXPERIMENT, "parameters.experiment",
                               "no experiment is called %s", r->experiment);
    if (r->verb == SERVICE_AB_DATA)
        return data(e, x, from, r);
    if (r->verb == SERVICE_AB_RESULT)
        return result(e, x, from, r);
    if (r->verb == SERVICE_AB_CANCEL)
        return cancel(e, x);
    fill_row(&fe->reply.u.experiment, e, x);
    return true;
}

void experiments_answer(struct experiments *e, struct recorder_job *job)
{
    struct frontend *fe = e->fe;
    struct queue_slot *s = queue_ticket(&fe->queue, job->ticket);
    struct experiment *x = experiments_find(e, job->id);
    if (!s) // its deadline came before
        return;
    service_reply_init(&fe->reply, &s->request);
    if (!job->done || !x)
        service_error_set(&fe->reply.error, SERVICE_INTERNAL, NULL, "%s",
                          job->kind == RECORDER_RESULT ? "the records hold no result"
                                                       : "the records cannot be written");
    else if (job->kind == RECORDER_RESULT) {
        fill_row(&fe->reply.u.result.row, e, x);
        fe->reply.u.result.report = job->report;
        fe->reply.u.result.steps = job->table;
        fe->reply.u.result.n = (size_t)job->steps;
    } else
        fill_row(&fe->reply.u.experiment, e, x);
    frontend_answer_slot(fe, s);
    frontend_end(fe, s);
    if (!job->done && x && job->kind == RECORDER_DATA)
        experiments_finish(e, x, SERVICE_EXPERIMENT_FAILED, "", "the records cannot be written");
}
