// SPDX-License-Identifier: Apache-2.0
// Inside libsevencast: requests in flight and the one loop that moves them.
#ifndef SEVENCAST_CLIENT_CLIENT_H
#define SEVENCAST_CLIENT_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "client/lib/connection.h"
#include "client/sevencast.h"
#include "protocol/service.h"

// A request in flight: SLOT_WAITING until answered, lost or out of time, then SLOT_DONE.
enum slot_state { SLOT_FREE, SLOT_WAITING, SLOT_DONE };

struct slot {
    enum slot_state state;
    enum service_verb verb;
    uint64_t ticket; // the number in its id
    uint64_t sent_ns, deadline_ns;
    int code; // of SLOT_DONE
    struct service_error error;
    struct sc_forecast *forecast; // owned; of a good inference
};

struct sc_client {
    struct connection connection;
    struct sc_options options;
    char key[SERVICE_ID_MAX + 1]; // options.key points here
    char endpoint[256];
    char prefix[40]; // of all ids: unique among clients, so that cancel hits nobody else
    uint64_t next_ticket;
    size_t slots;
    struct slot *slot;          // [slots]: max_in_flight inferences and one other call
    struct service_reply reply; // to the one call that is no inference, until it is taken
    struct service_reply scratch;
    struct service_error stray; // why the latest answer that belongs to nobody was not understood
    struct service_error error; // of the latest call; code is not used
};

// Sets the client's error text; returns code.
int client_fail(struct sc_client *c, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void client_clear_error(struct sc_client *c);
// The code of a failed connection_open.
int client_open_code(int error);

// Connects if need be and sends the request and its tensors. The slot is SLOT_WAITING on success.
// timeout_ms 0: fallback_ms.
int client_submit(struct sc_client *c, struct service_request *request,
                  const struct service_frame *tensor, size_t tensors, uint32_t timeout_ms,
                  uint32_t fallback_ms, struct slot **out);

// Submits and waits for the answer, which is c->reply on success; whoever takes it finishes it.
int client_call(struct sc_client *c, struct service_request *request,
                const struct service_frame *tensor, size_t tensors, uint32_t timeout_ms,
                uint32_t fallback_ms);
// A result object from a reply; NULL when memory is short.
typedef void *result_fn(const struct service_reply *reply);
// The result of a call that ended with *code: NULL where that is a failure, or *code becomes one.
// c->reply is finished.
void *client_result(struct sc_client *c, result_fn *result, int *code);
// Both in one, without tensors. Nothing is asked where *code is a failure already, which is then
// that of an argument.
void *client_ask(struct sc_client *c, struct service_request *request, uint32_t timeout_ms,
                 uint32_t fallback_ms, result_fn *result, int *code);

// Copies a name into a request; NULL is none where it may be missing. SC_OK, SC_ARGUMENT.
int client_set_name(struct sc_client *c, char out[SERVICE_NAME_MAX + 1], const char *name,
                    const char *what, bool may_miss);
// What is left of a call's time after start_ns, for its next step; at least 1.
uint32_t client_left_ms(uint32_t timeout_ms, uint64_t start_ns);

// Takes what has come, ends what is lost or out of time; never waits.
void client_pump(struct sc_client *c);

// Waits until slot is done (NULL: any inference) or until until_ns; returns it, or NULL.
struct slot *client_wait(struct sc_client *c, struct slot *slot, uint64_t until_ns);

// Frees a slot that is done and makes its failure the client's; returns its code.
int client_take(struct sc_client *c, struct slot *slot, const struct sc_forecast **forecast);

// A slot by its ticket, NULL when there is none.
struct slot *client_find(struct sc_client *c, uint64_t ticket);

// Writes the id of a ticket.
void client_id(const struct sc_client *c, uint64_t ticket, char out[SERVICE_ID_MAX + 1]);

// Result objects: bytes of zeros with one reference; NULL when memory is short.
void *result_new(size_t bytes);
struct sc_forecast *result_forecast(const struct service_inference *i, uint64_t round_trip_ns);
struct sc_count result_count(const struct service_count *c);
result_fn result_boards; // struct sc_status without version and ready
result_fn result_variants, result_metadata, result_statistics, result_swap, result_names;
result_fn result_power_log, result_routes;
result_fn result_experiment, result_experiments, result_of_experiment;

// Copies text, or a list of texts, whole: both ends have their sizes from the same limits.
#define RESULT_COPY(to, from)                                                                      \
    do {                                                                                           \
        _Static_assert(sizeof(to) >= sizeof(from), "text fits");                                   \
        memcpy(to, from, sizeof(from));                                                            \
    } while (0)

#endif
