// SPDX-License-Identifier: Apache-2.0
// Routes: the public call and its result object.
#include <string.h>

#include "client/lib/client.h"

static void fill_arm(struct sc_route_arm *to, const struct service_route_arm *from)
{
    memcpy(to->variant, from->variant, sizeof from->variant);
    memcpy(to->no_energy, from->no_energy, sizeof from->no_energy);
    to->weight = from->weight;
    to->waiting = from->waiting;
    to->success = (struct sc_count){from->success.count, from->success.ns};
    to->fail = (struct sc_count){from->fail.count, from->fail.ns};
}

struct sc_routes *result_routes(const struct service_route *rows, size_t n)
{
    struct sc_routes *out = result_new(sizeof *out + n * sizeof out->routes[0]);
    if (!out)
        return NULL;
    out->count = (uint32_t)n;
    for (size_t i = 0; i < n; i++) {
        struct sc_route *to = &out->routes[i];
        const struct service_route *from = &rows[i];
        memcpy(to->name, from->name, sizeof from->name);
        memcpy(to->mirror, from->mirror, sizeof from->mirror);
        to->sticky = from->sticky;
        to->swap = from->swap;
        to->dwell_ms = from->dwell_ms;
        to->swaps = from->swaps;
        to->arms = from->arms;
        for (int k = 0; k < from->arms; k++)
            fill_arm(&to->arm[k], &from->arm[k]);
        to->mirrored = (struct sc_count){from->mirrored.count, from->mirrored.ns};
        to->skipped = from->skipped;
        to->different = from->different;
        to->mean_difference = from->mean_difference;
        to->max_difference = from->max_difference;
    }
    return out;
}

int sc_routes(struct sc_client *client, uint32_t timeout_ms, const struct sc_routes **out)
{
    struct service_request request = {.verb = SERVICE_ROUTES};
    *out = NULL;
    client_clear_error(client);
    int code = client_call(client, &request, NULL, 0, timeout_ms, client->options.timeout_ms);
    if (code)
        return code;
    *out = result_routes(client->reply.u.routes.rows, client->reply.u.routes.n);
    service_reply_fini(&client->reply);
    return *out ? SC_OK : client_fail(client, SC_NO_MEMORY, "out of memory");
}
