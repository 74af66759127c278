// SPDX-License-Identifier: Apache-2.0
// The public calls.
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/lib/client.h"

enum { TIMEOUT_MS = 5000, LOAD_TIMEOUT_MS = 60000, CONNECT_TIMEOUT_MS = 1000, IN_FLIGHT = 64 };

const char *sc_default_endpoint(char *out, size_t capacity)
{
    static const char system_socket[] = "/run/sevencast/control.sock";
    const char *endpoint = getenv("SEVENCAST_ENDPOINT"), *runtime = getenv("XDG_RUNTIME_DIR");
    if (endpoint && endpoint[0])
        snprintf(out, capacity, "%s", endpoint);
    else if (!runtime || !runtime[0] || access(system_socket, F_OK) == 0)
        snprintf(out, capacity, "ipc://%s", system_socket);
    else
        snprintf(out, capacity, "ipc://%s/sevencast/control.sock", runtime);
    return out;
}

static bool options_set(struct sc_options *to, const struct sc_options *from)
{
    if (from)
        *to = *from;
    if (!to->timeout_ms)
        to->timeout_ms = TIMEOUT_MS;
    if (!to->connect_timeout_ms)
        to->connect_timeout_ms = CONNECT_TIMEOUT_MS;
    if (!to->max_in_flight)
        to->max_in_flight = IN_FLIGHT;
    return to->timeout_ms <= SERVICE_DEADLINE_MAX_MS &&
           to->connect_timeout_ms <= SERVICE_DEADLINE_MAX_MS &&
           to->max_in_flight <= SC_MAX_IN_FLIGHT;
}

int sc_open(const char *endpoint, const struct sc_options *options, struct sc_client **client)
{
    int code = SC_NO_MEMORY;
    struct sc_client *c = calloc(1, sizeof *c);
    *client = NULL;
    if (!c)
        goto fail;
    code = SC_ARGUMENT;
    if (!endpoint)
        sc_default_endpoint(c->endpoint, sizeof c->endpoint);
    else if (snprintf(c->endpoint, sizeof c->endpoint, "%s", endpoint) >= (int)sizeof c->endpoint)
        goto fail;
    if (options && options->key &&
        snprintf(c->key, sizeof c->key, "%s", options->key) >= (int)sizeof c->key)
        goto fail;
    if (!options_set(&c->options, options) || !strstr(c->endpoint, "://"))
        goto fail;
    c->options.key = c->key;
    code = SC_NO_MEMORY;
    c->slots = c->options.max_in_flight + 1;
    c->slot = calloc(c->slots, sizeof *c->slot);
    if (!c->slot || !connection_init(&c->connection))
        goto fail;
    snprintf(c->prefix, sizeof c->prefix, "%lx-%" PRIx64 "-%" PRIx64 ".", (long)getpid(),
             connection_now_ns() & 0xffffffff, (uint64_t)(uintptr_t)c >> 4 & 0xffffff);
    // A first try, not waited for, so that an endpoint that is none is found here.
    int error = connection_open(&c->connection, c->endpoint);
    if (error) {
        code = client_open_code(error);
        goto fail;
    }
    *client = c;
    return SC_OK;
fail:
    sc_close(c);
    return code;
}

void sc_close(struct sc_client *client)
{
    if (!client)
        return;
    for (size_t i = 0; client->slot && i < client->slots; i++)
        sc_free(client->slot[i].forecast);
    connection_fini(&client->connection);
    free(client->slot);
    free(client);
}

const char *sc_error_text(const struct sc_client *client)
{
    return client->error.message;
}

const char *sc_error_field(const struct sc_client *client)
{
    return client->error.field;
}

const char *sc_error_active(const struct sc_client *client)
{
    return client->error.active;
}

const char *sc_version(void)
{
    return SEVENCAST_VERSION;
}

const char *sc_origin_name(enum sc_origin origin)
{
    return service_origin_name((enum service_origin)origin);
}

static const struct {
    const char *name, *advice;
} own_codes[] = {
    {"OK", "nothing to do"},
    {"ARGUMENT", "mend the call"},
    {"UNREACHABLE", "start the daemon, or name its endpoint"},
    {"TIMEOUT", "try again with more time"},
    {"LOST", "try again"},
    {"PROTOCOL", "use a client and a daemon of the same version"},
    {"NO_MEMORY", "free memory or file descriptors"},
    {"PENDING", "collect again"},
    {"FULL", "collect some answers first"},
};

const char *sc_code_name(int code)
{
    if (code <= 0 && code > -(int)(sizeof own_codes / sizeof own_codes[0]))
        return own_codes[-code].name;
    return code <= SC_BAD_REQUEST ? service_code_name((enum service_code)(-19 - code)) : "?";
}

const char *sc_code_advice(int code)
{
    if (code <= 0 && code > -(int)(sizeof own_codes / sizeof own_codes[0]))
        return own_codes[-code].advice;
    return code <= SC_BAD_REQUEST ? service_code_advice((enum service_code)(-19 - code)) : "?";
}

static int submit(struct sc_client *client, const char *model, const double *window, size_t steps,
                  size_t features, uint32_t repeat, double seconds, uint32_t timeout_ms,
                  uint64_t *ticket)
{
    uint8_t bytes[SERVICE_TENSOR_MAX];
    struct service_request request = {.verb = SERVICE_INFER, .repeat = repeat, .burst_s = seconds};
    uint32_t fallback_ms = client->options.timeout_ms + (uint32_t)(seconds * 1000);
    struct slot *slot = NULL;
    *ticket = 0;
    if (client_set_name(client, request.model_name, model, "model", false))
        return SC_ARGUMENT;
    if (!window || steps < 1 || steps > SC_MAX_WINDOW || features < 1 || features > SC_MAX_FEATURES)
        return client_fail(client, SC_ARGUMENT,
                           "a window of %zu x %zu, at most %d x %d are allowed", steps, features,
                           SC_MAX_WINDOW, SC_MAX_FEATURES);
    request.window = (struct service_window){
        .datatype = SERVICE_FP64, .rows = (uint16_t)steps, .columns = (uint16_t)features};
    memcpy(request.key, client->key, sizeof request.key);
    service_pack_fp64(window, steps * features, bytes);
    struct service_frame tensor = {bytes, steps * features * 8};
    if (fallback_ms > SERVICE_DEADLINE_MAX_MS)
        fallback_ms = SERVICE_DEADLINE_MAX_MS;
    int code = client_submit(client, &request, &tensor, 1, timeout_ms, fallback_ms, &slot);
    if (!code)
        *ticket = slot->ticket;
    return code;
}

int sc_submit(struct sc_client *client, const char *model, const double *window, size_t steps,
              size_t features, uint32_t timeout_ms, uint64_t *ticket)
{
    return submit(client, model, window, steps, features, 0, 0, timeout_ms, ticket);
}

int sc_submit_burst(struct sc_client *client, const char *model, const double *window, size_t steps,
                    size_t features, uint32_t repeat, double seconds, uint32_t timeout_ms,
                    uint64_t *ticket)
{
    *ticket = 0;
    if (!(seconds >= 0) || seconds > SERVICE_BURST_MAX_S || repeat > SERVICE_REPEAT_MAX ||
        (!repeat && !(seconds > 0)))
        return client_fail(client, SC_ARGUMENT, "a burst of %" PRIu32 " runs, %g s", repeat,
                           seconds);
    return submit(client, model, window, steps, features, repeat, seconds, timeout_ms, ticket);
}

const char *sc_burst_end_name(enum sc_burst_end end)
{
    return service_burst_end_name((enum service_burst_end)end);
}

int sc_collect(struct sc_client *client, uint64_t *ticket, int32_t wait_ms,
               const struct sc_forecast **out)
{
    uint64_t until =
        wait_ms < 0 ? UINT64_MAX : connection_now_ns() + (uint64_t)wait_ms * UINT64_C(1000000);
    struct slot *slot = NULL;
    bool any = false;
    *out = NULL;
    client_clear_error(client);
    if (*ticket)
        slot = client_find(client, *ticket);
    for (size_t i = 0; !*ticket && i < client->slots; i++)
        any = any || client->slot[i].state != SLOT_FREE;
    if (!slot && !any)
        return client_fail(client, SC_ARGUMENT, *ticket ? "no such ticket" : "nothing in flight");
    slot = client_wait(client, slot, until);
    if (!slot)
        return SC_PENDING;
    *ticket = slot->ticket;
    return client_take(client, slot, out);
}

int sc_infer(struct sc_client *client, const char *model, const double *window, size_t steps,
             size_t features, uint32_t timeout_ms, const struct sc_forecast **out)
{
    uint64_t ticket;
    *out = NULL;
    int code = sc_submit(client, model, window, steps, features, timeout_ms, &ticket);
    return code ? code : sc_collect(client, &ticket, -1, out);
}

int sc_cancel(struct sc_client *client, uint64_t ticket)
{
    struct service_request request = {.verb = SERVICE_CANCEL};
    char header[512];
    struct slot *slot = client_find(client, ticket);
    client_clear_error(client);
    if (!slot)
        return client_fail(client, SC_ARGUMENT, "no such ticket");
    if (slot->state == SLOT_WAITING && client->connection.state == CONNECTION_UP) {
        client_id(client, ticket, request.request_id);
        client_id(client, ++client->next_ticket, request.id); // of no slot: its answer is dropped
        struct service_frame frame = {header,
                                      service_request_encode(&request, header, sizeof header)};
        if (frame.n)
            connection_send(&client->connection, &frame, 1);
    }
    client_take(client, slot, NULL);
    client_clear_error(client);
    return SC_OK;
}

int sc_ping(struct sc_client *client, uint32_t timeout_ms, uint64_t *round_trip_ns)
{
    struct service_request request = {.verb = SERVICE_SERVER_LIVE};
    uint64_t start = connection_now_ns();
    int code = client_call(client, &request, NULL, 0, timeout_ms, client->options.timeout_ms);
    if (!code)
        service_reply_fini(&client->reply);
    if (round_trip_ns)
        *round_trip_ns = connection_now_ns() - start;
    return code;
}

int sc_status(struct sc_client *client, uint32_t timeout_ms, const struct sc_status **out)
{
    char version[SERVICE_NAME_MAX + 1];
    uint64_t start = connection_now_ns();
    uint32_t all_ms = timeout_ms ? timeout_ms : client->options.timeout_ms;
    struct service_request request = {.verb = SERVICE_SERVER_METADATA};
    *out = NULL;
    int code = client_call(client, &request, NULL, 0, all_ms, 0);
    if (code)
        return code;
    memcpy(version, client->reply.u.server.version, sizeof version);
    service_reply_fini(&client->reply);
    request = (struct service_request){.verb = SERVICE_SERVER_READY};
    code = client_call(client, &request, NULL, 0, client_left_ms(all_ms, start), 0);
    if (code)
        return code;
    bool ready = client->reply.u.flag;
    service_reply_fini(&client->reply);
    request = (struct service_request){.verb = SERVICE_BOARDS};
    struct sc_status *status =
        client_ask(client, &request, client_left_ms(all_ms, start), 0, result_boards, &code);
    if (!status)
        return code;
    RESULT_COPY(status->version, version);
    status->ready = ready;
    *out = status;
    return SC_OK;
}

int sc_variants(struct sc_client *client, uint32_t timeout_ms, const struct sc_variants **out)
{
    struct service_request request = {.verb = SERVICE_REPOSITORY_INDEX};
    int code = SC_OK;
    *out = client_ask(client, &request, timeout_ms, client->options.timeout_ms, result_variants,
                      &code);
    return code;
}

int sc_metadata(struct sc_client *client, const char *model, uint32_t timeout_ms,
                const struct sc_metadata **out)
{
    struct service_request request = {.verb = SERVICE_MODEL_METADATA};
    int code = client_set_name(client, request.model_name, model, "model", false);
    *out = client_ask(client, &request, timeout_ms, client->options.timeout_ms, result_metadata,
                      &code);
    return code;
}

int sc_statistics(struct sc_client *client, const char *model, uint32_t timeout_ms,
                  const struct sc_statistics **out)
{
    struct service_request request = {.verb = SERVICE_MODEL_STATISTICS};
    int code = client_set_name(client, request.model_name, model, "model", true);
    *out = client_ask(client, &request, timeout_ms, client->options.timeout_ms, result_statistics,
                      &code);
    return code;
}

int sc_load(struct sc_client *client, const char *variant, const char *board, uint32_t timeout_ms,
            const struct sc_swap **out)
{
    struct service_request request = {.verb = SERVICE_LOAD};
    int code = client_set_name(client, request.model_name, variant, "variant", false);
    if (!code)
        code = client_set_name(client, request.board, board, "board", true);
    *out = client_ask(client, &request, timeout_ms, LOAD_TIMEOUT_MS, result_swap, &code);
    return code;
}

int sc_unload(struct sc_client *client, const char *variant, const char *board, uint32_t timeout_ms,
              const struct sc_names **out)
{
    struct service_request request = {.verb = SERVICE_UNLOAD};
    int code = SC_OK;
    if (!variant && !board)
        code = client_fail(client, SC_ARGUMENT, "neither a variant nor a board to unload");
    if (!code)
        code = client_set_name(client, request.model_name, variant, "variant", true);
    if (!code)
        code = client_set_name(client, request.board, board, "board", true);
    *out = client_ask(client, &request, timeout_ms, LOAD_TIMEOUT_MS, result_names, &code);
    return code;
}

int sc_power_log(struct sc_client *client, const char *board, uint64_t after, int32_t pause_ms,
                 uint32_t timeout_ms, const struct sc_power_log **out)
{
    struct service_request request = {.verb = SERVICE_POWER, .after = after};
    int code = client_set_name(client, request.board, board, "board", false);
    if (!code && pause_ms > SERVICE_PAUSE_MAX_MS)
        code = client_fail(client, SC_ARGUMENT, "a pause of %d ms, at most %d", pause_ms,
                           SERVICE_PAUSE_MAX_MS);
    request.pauses = pause_ms >= 0;
    request.pause_ms = pause_ms > 0 ? (uint32_t)pause_ms : 0;
    *out = client_ask(client, &request, timeout_ms, client->options.timeout_ms, result_power_log,
                      &code);
    return code;
}
