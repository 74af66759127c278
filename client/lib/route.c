// SPDX-License-Identifier: Apache-2.0
// Routes: the public call and its result object.
#include <stdio.h>
#include <string.h>

#include "client/lib/client.h"

static void fill_arm(struct sc_route_arm *to, const struct service_route_arm *from)
{
    RESULT_COPY(to->variant, from->variant);
    const struct service_route_energy *e = &from->energy;
    RESULT_COPY(to->no_energy, e->reason);
    RESULT_COPY(to->energy_of, e->of);
    if (e->count)
        snprintf(to->energy_origin, sizeof to->energy_origin, "%s", service_origin_name(e->origin));
    to->bursts = e->bursts;
    to->energy_count = e->count;
    to->energy_runs = e->runs;
    to->joule = e->joule;
    to->uncertainty_joule = e->uncertainty;
    to->weight = from->weight;
    to->waiting = from->waiting;
    to->success = result_count(&from->success);
    to->fail = result_count(&from->fail);
}

void *result_routes(const struct service_reply *reply)
{
    const struct service_route *rows = reply->u.routes.rows;
    size_t n = reply->u.routes.n;
    struct sc_routes *out = result_new(sizeof *out + n * sizeof out->routes[0]);
    if (!out)
        return NULL;
    out->count = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        struct sc_route *to = &out->routes[i];
        const struct service_route *from = &rows[i];
        RESULT_COPY(to->name, from->name);
        RESULT_COPY(to->mirror, from->mirror);
        to->sticky = from->sticky;
        to->swap = from->swap;
        to->dwell_ms = from->dwell_ms;
        to->swaps = from->swaps;
        to->arms = from->arms;
        for (int k = 0; k < from->arms; k++)
            fill_arm(&to->arm[k], &from->arm[k]);
        to->mirrored = result_count(&from->mirrored);
        to->skipped = from->skipped;
        RESULT_COPY(to->skip_reason, from->skip_reason);
        to->mirror_waiting = from->mirror_waiting;
        to->mirror_swaps = from->mirror_swaps;
        to->different = from->different;
        to->mean_difference = from->mean_difference;
        to->max_difference = from->max_difference;
    }
    return out;
}

int sc_routes(struct sc_client *client, uint32_t timeout_ms, const struct sc_routes **out)
{
    struct service_request request = {.verb = SERVICE_ROUTES};
    int code = SC_OK;
    *out =
        client_ask(client, &request, timeout_ms, client->options.timeout_ms, result_routes, &code);
    return code;
}
