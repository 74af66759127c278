// SPDX-License-Identifier: Apache-2.0
// Experiments: the public calls and their result objects.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/lib/client.h"

// ---- result objects

static void fill_row(struct sc_experiment *to, const struct service_experiment *from)
{
    RESULT_COPY(to->id, from->id);
    RESULT_COPY(to->name, from->name);
    RESULT_COPY(to->board, from->board);
    RESULT_COPY(to->reason, from->reason);
    RESULT_COPY(to->variant, from->arm);
    snprintf(to->state, sizeof to->state, "%s", service_experiment_state_name(from->state));
    to->variants = from->arms;
    to->received = from->received;
    to->windows = from->windows;
    to->blocks = from->blocks;
    to->budget_blocks = from->budget_blocks;
    to->steps = from->steps;
    to->decided = from->decided;
    to->comparisons = from->comparisons;
    to->seconds = from->seconds;
}

void *result_experiment(const struct service_reply *reply)
{
    struct sc_experiment *out = result_new(sizeof *out);
    if (out)
        fill_row(out, &reply->u.experiment);
    return out;
}

void *result_experiments(const struct service_reply *reply)
{
    const struct service_experiment *rows = reply->u.experiments.rows;
    size_t n = reply->u.experiments.n;
    struct sc_experiments *out = result_new(sizeof *out + n * sizeof out->experiments[0]);
    if (!out)
        return NULL;
    out->count = (uint32_t)n;
    for (size_t i = 0; i < n; i++)
        fill_row(&out->experiments[i], &rows[i]);
    return out;
}

void *result_of_experiment(const struct service_reply *reply)
{
    const struct service_experiment_result *r = &reply->u.result;
    char *text = json_dumps(r->report, JSON_COMPACT);
    size_t table = r->n * sizeof(double[SC_STEP_COLUMNS]), chars = text ? strlen(text) + 1 : 0;
    struct sc_experiment_result *out = NULL;
    if (text)
        out = result_new(sizeof *out + table + chars);
    if (out) {
        char *copy = (char *)out + sizeof *out + table;
        fill_row(&out->experiment, &r->row);
        out->steps = (uint32_t)r->n;
        memcpy(out->step, r->steps, table);
        memcpy(copy, text, chars);
        out->report = copy;
    }
    free(text);
    return out;
}

// ---- calls

void sc_plan_defaults(struct sc_plan *plan)
{
    *plan = (struct sc_plan){.blocks = 40,
                             .first = 8,
                             .step_windows = 16,
                             .warmup = 4,
                             .seed = 1,
                             .confidence = 0.95,
                             .margin_pct = 1,
                             .metric = {1, 1, 1, 1, 1},
                             .burst_s = -1};
}

static int set_text(struct sc_client *c, char out[SERVICE_NAME_MAX + 1], const char *text,
                    const char *what)
{
    if (!text || strnlen(text, SERVICE_NAME_MAX + 1) > SERVICE_NAME_MAX)
        return client_fail(c, SC_ARGUMENT, "%s: a name has at most %d bytes", what,
                           SERVICE_NAME_MAX);
    memcpy(out, text, strlen(text) + 1);
    return SC_OK;
}

static int set_plan(struct sc_client *c, struct service_request *r, const struct sc_plan *plan)
{
    struct service_plan *p = &r->plan;
    int code = set_text(c, p->name, plan->name, "name");
    if (!code)
        code = set_text(c, r->board, plan->board, "board");
    if (!code && (plan->variants < 2 || plan->variants > SC_MAX_ARMS))
        code = client_fail(c, SC_ARGUMENT, "%u variants, from 2 to %d are compared", plan->variants,
                           SC_MAX_ARMS);
    for (uint32_t i = 0; !code && i < plan->variants; i++)
        code = set_text(c, p->arm[i], plan->variant[i], "variant");
    if (code)
        return code;
    p->arms = (uint16_t)plan->variants;
    p->design = plan->random_pairs ? SERVICE_RANDOM_PAIRS : SERVICE_ABBA;
    p->blocks = plan->blocks;
    p->budget_s = plan->budget_s;
    p->first = plan->first;
    p->step_windows = plan->step_windows;
    p->warmup = plan->warmup;
    p->seed = plan->seed;
    p->confidence = plan->confidence;
    p->margin_pct = plan->margin_pct;
    p->error_margin = plan->error_margin;
    p->burst_s = plan->burst_s;
    for (int m = 0; m < SERVICE_METRICS; m++)
        p->metric[m] = plan->metric[m] != 0;
    if (!isfinite(p->confidence) || !isfinite(p->margin_pct) || !isfinite(p->error_margin) ||
        !isfinite(p->burst_s))
        return client_fail(c, SC_ARGUMENT, "confidence, a margin or a burst is not a number");
    return SC_OK;
}

static int check_labelled(struct sc_client *c, const struct sc_labelled *l)
{
    if (!l->data || !l->targets || l->windows < 1 || l->windows > SC_MAX_LABELLED || l->steps < 1 ||
        l->steps > SC_MAX_WINDOW || l->features < 1 || l->features > SC_MAX_FEATURES ||
        l->outputs < 1 || l->outputs > SC_MAX_OUTPUTS ||
        l->windows > SC_MAX_VALUES / (l->steps * l->features + l->outputs))
        return client_fail(c, SC_ARGUMENT,
                           "%u labelled windows of %u x %u with %u targets, at most %d values",
                           l->windows, l->steps, l->features, l->outputs, SC_MAX_VALUES);
    return SC_OK;
}

// As many windows as fit a frame.
static uint32_t piece_of(const struct sc_labelled *l, uint32_t done)
{
    uint32_t window = l->steps * l->features;
    uint32_t wider = window > l->outputs ? window : l->outputs;
    uint32_t most = SERVICE_HEADER_MAX / 8 / wider, left = l->windows - done;
    return left < most ? left : most;
}

static int send_piece(struct sc_client *c, struct service_request *r, const struct sc_labelled *l,
                      uint32_t done, uint32_t n, uint32_t timeout_ms)
{
    size_t window = (size_t)l->steps * l->features;
    uint8_t *bytes = malloc(8 * n * (window + l->outputs));
    if (!bytes)
        return client_fail(c, SC_NO_MEMORY, "out of memory");
    uint8_t *targets = bytes + 8 * n * window;
    struct service_frame frames[2] = {{bytes, 8 * n * window},
                                      {targets, 8 * (size_t)n * l->outputs}};
    service_pack_fp64(l->data + done * window, n * window, bytes);
    service_pack_fp64(l->targets + (size_t)done * l->outputs, (size_t)n * l->outputs, targets);
    r->labelled = (struct service_labelled){.windows = n,
                                            .rows = (uint16_t)l->steps,
                                            .columns = (uint16_t)l->features,
                                            .outputs = (uint16_t)l->outputs};
    int code = client_call(c, r, frames, 2, timeout_ms, timeout_ms);
    free(bytes);
    return code;
}

int sc_experiment_start(struct sc_client *client, const struct sc_plan *plan,
                        const struct sc_labelled *labelled, uint32_t timeout_ms,
                        const struct sc_experiment **out)
{
    struct service_request request = {.verb = SERVICE_AB_START};
    uint64_t start = connection_now_ns();
    uint32_t all_ms = timeout_ms ? timeout_ms : client->options.timeout_ms, done = 0;
    *out = NULL;
    int code = set_plan(client, &request, plan);
    if (!code)
        code = check_labelled(client, labelled);
    if (code)
        return code;
    request.plan.windows = labelled->windows;
    while (!code && done < labelled->windows) {
        uint32_t n = piece_of(labelled, done);
        code = send_piece(client, &request, labelled, done, n, client_left_ms(all_ms, start));
        done += n;
        struct service_request next = {.verb = SERVICE_AB_DATA, .offset = done};
        if (!code)
            memcpy(next.experiment, client->reply.u.experiment.id, sizeof next.experiment);
        request = next;
    }
    *out = client_result(client, result_experiment, &code);
    return code;
}

// What a verb about one experiment gives.
static const void *about(struct sc_client *c, enum service_verb verb, const char *id,
                         uint32_t timeout_ms, result_fn *result, int *code)
{
    struct service_request request = {.verb = verb};
    *code = client_set_name(c, request.experiment, id, "experiment", false);
    return client_ask(c, &request, timeout_ms, c->options.timeout_ms, result, code);
}

int sc_experiment_status(struct sc_client *client, const char *id, uint32_t timeout_ms,
                         const struct sc_experiment **out)
{
    int code;
    *out = about(client, SERVICE_AB_STATUS, id, timeout_ms, result_experiment, &code);
    return code;
}

int sc_experiment_cancel(struct sc_client *client, const char *id, uint32_t timeout_ms,
                         const struct sc_experiment **out)
{
    int code;
    *out = about(client, SERVICE_AB_CANCEL, id, timeout_ms, result_experiment, &code);
    return code;
}

int sc_experiment_result(struct sc_client *client, const char *id, uint32_t timeout_ms,
                         const struct sc_experiment_result **out)
{
    int code;
    *out = about(client, SERVICE_AB_RESULT, id, timeout_ms, result_of_experiment, &code);
    return code;
}

int sc_experiments(struct sc_client *client, uint32_t timeout_ms, const struct sc_experiments **out)
{
    struct service_request request = {.verb = SERVICE_AB_LIST};
    int code = SC_OK;
    *out = client_ask(client, &request, timeout_ms, client->options.timeout_ms, result_experiments,
                      &code);
    return code;
}
