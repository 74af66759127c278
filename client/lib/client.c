// SPDX-License-Identifier: Apache-2.0
// Requests in flight.
#include "client/lib/client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MS UINT64_C(1000000)

int client_fail(struct sc_client *c, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    client_clear_error(c);
    vsnprintf(c->error.message, sizeof c->error.message, format, args);
    va_end(args);
    return code;
}

void client_clear_error(struct sc_client *c)
{
    c->error = (struct service_error){.code = SERVICE_OK};
}

void client_id(const struct sc_client *c, uint64_t ticket, char out[SERVICE_ID_MAX + 1])
{
    snprintf(out, SERVICE_ID_MAX + 1, "%s%" PRIu64, c->prefix, ticket);
}

struct slot *client_find(struct sc_client *c, uint64_t ticket)
{
    for (size_t i = 0; i < c->slots; i++)
        if (c->slot[i].state != SLOT_FREE && c->slot[i].ticket == ticket)
            return &c->slot[i];
    return NULL;
}

static struct slot *find_by_id(struct sc_client *c, const char *id)
{
    size_t n = strlen(c->prefix);
    char *end;
    if (strncmp(id, c->prefix, n) != 0)
        return NULL;
    uint64_t ticket = strtoull(id + n, &end, 10);
    return *end ? NULL : client_find(c, ticket);
}

static void finish(struct slot *s, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void finish(struct slot *s, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    s->state = SLOT_DONE;
    s->code = code;
    s->error = (struct service_error){.code = SERVICE_OK};
    vsnprintf(s->error.message, sizeof s->error.message, format, args);
    va_end(args);
}

// Gives a decoded answer to its slot; takes over what the reply owns.
static void accept_reply(struct sc_client *c, struct slot *s, struct service_reply *reply)
{
    if (reply->error.code) {
        finish(s, -19 - (int)reply->error.code, "%s", "");
        s->error = reply->error;
    } else if (reply->verb != s->verb) {
        finish(s, SC_PROTOCOL, "a %s was answered by a %s", service_verb_name(s->verb),
               service_verb_name(reply->verb));
    } else if (s->verb == SERVICE_INFER) {
        s->forecast = result_forecast(&reply->u.infer, connection_now_ns() - s->sent_ns);
        finish(s, s->forecast ? SC_OK : SC_NO_MEMORY, "%s", s->forecast ? "" : "out of memory");
    } else {
        finish(s, SC_OK, "%s", "");
        c->reply = *reply;
        memset(reply, 0, sizeof *reply);
    }
    service_reply_fini(reply);
}

static void receive_all(struct sc_client *c)
{
    zmq_msg_t parts[SERVICE_FRAMES_MAX];
    struct service_frame frames[SERVICE_FRAMES_MAX];
    struct service_error why;
    int count;
    while ((count = connection_receive(&c->connection, parts, frames)) != 0) {
        if (count < 0) {
            service_error_set(&c->stray, SERVICE_INTERNAL, NULL, "not a message of the protocol");
            continue;
        }
        bool good = service_reply_decode(frames, (size_t)count, &c->scratch, &why);
        struct slot *s = find_by_id(c, c->scratch.id);
        if (s && s->state != SLOT_WAITING)
            s = NULL; // answered twice
        if (good && s)
            accept_reply(c, s, &c->scratch);
        else if (good)
            service_reply_fini(&c->scratch); // late, or of a cancelled request
        else if (s)
            finish(s, SC_PROTOCOL, "%s: %s", why.field, why.message);
        else
            c->stray = why;
        connection_release(parts, count);
    }
}

static void expire(struct sc_client *c)
{
    uint64_t now = connection_now_ns();
    for (size_t i = 0; i < c->slots; i++) {
        struct slot *s = &c->slot[i];
        if (s->state == SLOT_WAITING && now >= s->deadline_ns)
            finish(s, SC_TIMEOUT, "no answer to %s from %s in %" PRIu64 " ms%s%s",
                   service_verb_name(s->verb), c->endpoint, (s->deadline_ns - s->sent_ns) / MS,
                   c->stray.code ? "; got something else: " : "", c->stray.message);
    }
}

void client_pump(struct sc_client *c)
{
    receive_all(c);
    connection_update(&c->connection);
    if (c->connection.state == CONNECTION_LOST) {
        receive_all(c); // what came between the two steps above
        for (size_t i = 0; i < c->slots; i++)
            if (c->slot[i].state == SLOT_WAITING)
                finish(&c->slot[i], SC_LOST, "the daemon at %s went away before it answered",
                       c->endpoint);
        connection_close(&c->connection);
    }
    expire(c);
}

int client_open_code(int error)
{
    return error == EINVAL || error == EPROTONOSUPPORT || error == ENAMETOOLONG ? SC_ARGUMENT
                                                                                : SC_NO_MEMORY;
}

// Why nobody answers, as far as the file system tells.
static int unreachable(struct sc_client *c, uint64_t waited_ns)
{
    struct stat st;
    if (strncmp(c->endpoint, "ipc://", 6) == 0 && stat(c->endpoint + 6, &st) != 0)
        return client_fail(c, SC_UNREACHABLE, "no daemon at %s: %s", c->endpoint, strerror(errno));
    return client_fail(c, SC_UNREACHABLE, "no daemon answers at %s (waited %" PRIu64 " ms)",
                       c->endpoint, waited_ns / MS);
}

// Time for the daemon: what is left, less what its typed error needs to come back in time.
static uint32_t daemon_deadline_ms(uint64_t left_ns)
{
    uint64_t left = left_ns / MS;
    uint64_t reserve = left / 4 < 15 ? left / 4 : 15;
    return left - reserve ? (uint32_t)(left - reserve) : 1;
}

static int send_request(struct sc_client *c, struct service_request *request,
                        const struct service_frame *tensor, size_t tensors, uint64_t start_ns,
                        uint64_t deadline_ns)
{
    char header[4096];
    uint64_t connect_ns = start_ns + c->options.connect_timeout_ms * MS;
    uint64_t until = connect_ns < deadline_ns ? connect_ns : deadline_ns;
    for (;;) {
        client_pump(c);
        uint64_t now = connection_now_ns();
        if (c->connection.state == CONNECTION_NONE) {
            int error = connection_open(&c->connection, c->endpoint);
            if (error)
                return client_fail(c, client_open_code(error), "endpoint %s: %s", c->endpoint,
                                   zmq_strerror(error));
        }
        if (c->connection.state == CONNECTION_UP) {
            request->deadline_ms = daemon_deadline_ms(deadline_ns > now ? deadline_ns - now : 0);
            size_t n = service_request_encode(request, header, sizeof header);
            struct service_frame frames[SERVICE_FRAMES_MAX] = {{header, n}};
            if (!n)
                return client_fail(c, SC_ARGUMENT, "a name is not UTF-8");
            for (size_t i = 0; i < tensors; i++)
                frames[1 + i] = tensor[i];
            if (connection_send(&c->connection, frames, 1 + tensors))
                return SC_OK;
        }
        if (now >= until)
            return unreachable(c, now - start_ns);
        connection_wait(&c->connection, until);
    }
}

static struct slot *free_slot(struct sc_client *c, enum service_verb verb)
{
    size_t inferences = 0;
    struct slot *found = NULL;
    for (size_t i = 0; i < c->slots; i++) {
        if (c->slot[i].state == SLOT_FREE)
            found = &c->slot[i];
        else if (c->slot[i].verb == SERVICE_INFER)
            inferences++;
    }
    return verb == SERVICE_INFER && inferences >= c->options.max_in_flight ? NULL : found;
}

int client_submit(struct sc_client *c, struct service_request *request,
                  const struct service_frame *tensor, size_t tensors, uint32_t timeout_ms,
                  uint32_t fallback_ms, struct slot **out)
{
    uint64_t start = connection_now_ns();
    client_clear_error(c);
    if (!timeout_ms)
        timeout_ms = fallback_ms;
    if (timeout_ms > SERVICE_DEADLINE_MAX_MS)
        return client_fail(c, SC_ARGUMENT, "timeout of %" PRIu32 " ms, at most %d are allowed",
                           timeout_ms, SERVICE_DEADLINE_MAX_MS);
    struct slot *s = free_slot(c, request->verb);
    if (!s)
        return client_fail(c, SC_FULL, "%" PRIu32 " requests are in flight",
                           c->options.max_in_flight);
    uint64_t ticket = ++c->next_ticket;
    client_id(c, ticket, request->id);
    int code = send_request(c, request, tensor, tensors, start, start + timeout_ms * MS);
    if (code)
        return code;
    *s = (struct slot){.state = SLOT_WAITING,
                       .verb = request->verb,
                       .ticket = ticket,
                       .sent_ns = start,
                       .deadline_ns = start + timeout_ms * MS};
    c->stray = (struct service_error){.code = SERVICE_OK};
    *out = s;
    return SC_OK;
}

// The oldest inference that is done; *wake_ns comes down to the first deadline.
static struct slot *any_done(struct sc_client *c, uint64_t *wake_ns)
{
    struct slot *found = NULL;
    for (size_t i = 0; i < c->slots; i++) {
        struct slot *s = &c->slot[i];
        if (s->state == SLOT_WAITING && s->deadline_ns < *wake_ns)
            *wake_ns = s->deadline_ns;
        if (s->state == SLOT_DONE && s->verb == SERVICE_INFER &&
            (!found || s->ticket < found->ticket))
            found = s;
    }
    return found;
}

struct slot *client_wait(struct sc_client *c, struct slot *slot, uint64_t until_ns)
{
    for (;;) {
        uint64_t wake = until_ns;
        client_pump(c);
        struct slot *done = any_done(c, &wake);
        if (slot)
            done = slot->state == SLOT_DONE ? slot : NULL;
        if (done || connection_now_ns() >= until_ns)
            return done;
        connection_wait(&c->connection, wake);
    }
}

int client_take(struct sc_client *c, struct slot *slot, const struct sc_forecast **forecast)
{
    int code = slot->code;
    c->error = slot->error;
    if (forecast)
        *forecast = slot->forecast;
    else
        sc_free(slot->forecast);
    *slot = (struct slot){.state = SLOT_FREE};
    return code;
}

int client_call(struct sc_client *c, struct service_request *request,
                const struct service_frame *tensor, size_t tensors, uint32_t timeout_ms,
                uint32_t fallback_ms)
{
    struct slot *slot = NULL;
    int code = client_submit(c, request, tensor, tensors, timeout_ms, fallback_ms, &slot);
    if (code)
        return code;
    client_wait(c, slot, UINT64_MAX); // ends at the slot's own deadline
    return client_take(c, slot, NULL);
}

void *client_result(struct sc_client *c, result_fn *result, int *code)
{
    if (*code)
        return NULL;
    void *out = result(&c->reply);
    service_reply_fini(&c->reply);
    if (!out)
        *code = client_fail(c, SC_NO_MEMORY, "out of memory");
    return out;
}

void *client_ask(struct sc_client *c, struct service_request *request, uint32_t timeout_ms,
                 uint32_t fallback_ms, result_fn *result, int *code)
{
    if (!*code)
        *code = client_call(c, request, NULL, 0, timeout_ms, fallback_ms);
    return client_result(c, result, code);
}

int client_set_name(struct sc_client *c, char out[SERVICE_NAME_MAX + 1], const char *name,
                    const char *what, bool may_miss)
{
    if (may_miss && !name)
        return SC_OK;
    if (!name || !name[0] || strlen(name) > SERVICE_NAME_MAX)
        return client_fail(c, SC_ARGUMENT, "%s: a name has 1 to %d bytes", what, SERVICE_NAME_MAX);
    memcpy(out, name, strlen(name) + 1);
    return SC_OK;
}

uint32_t client_left_ms(uint32_t timeout_ms, uint64_t start_ns)
{
    uint64_t gone = (connection_now_ns() - start_ns) / 1000000;
    return gone < timeout_ms ? (uint32_t)(timeout_ms - gone) : 1;
}
