// SPDX-License-Identifier: Apache-2.0
// The front end: what clients ask, brought together with what boards do. Owns sockets, packages,
// queue and boards; never touches USB. One thread; everything below runs from its event loop.
//
// frontend.c  life, deadlines, end      dispatch.c  which request runs where, and how each ends
// verbs.c     one handler per verb      answer.c    filling replies
// experiments.c  experiments on boards  experiments_run.c  the one that runs
// experiments_verbs.c  asking for them
// routes.c    names in front of variants
#ifndef SEVENCAST_DAEMON_FRONTEND_H
#define SEVENCAST_DAEMON_FRONTEND_H

#include "daemon/board.h"
#include "daemon/listener.h"
#include "daemon/packages.h"
#include "daemon/queue.h"

enum { FRONTEND_LISTENERS = 2, FRONTEND_MESSAGES_PER_TURN = 32 };

struct frontend {
    const struct conf *conf; // borrowed
    struct sched sched;
    void *zmq;
    struct listener listener[FRONTEND_LISTENERS];
    int listeners;
    struct packages packages;
    struct queue queue;
    struct board board[CONF_BOARDS];
    int boards, boards_started;
    struct sched_timer deadline_timer, grace_timer, yield_timer;
    struct experiments *experiments; // owned
    struct routes *routes;           // owned
    bool dispatch_needed, sweep_needed;
    bool stopping;
    uint64_t started_ns;
    // scratch for replies, so that none is allocated per request
    struct service_reply reply;
    char header[SERVICE_HEADER_MAX];
    struct service_model_row *model_rows;   // owned, PACKAGES_MAX
    struct service_model_stats *stats_rows; // owned, PACKAGES_MAX
    struct service_board_row board_rows[CONF_BOARDS];
    struct service_power_row power_rows[SERVICE_POWER_ROWS_MAX];
};

// 0, or -1 with a log line. frontend_fini takes a half-built one.
int frontend_init(struct frontend *fe, const struct conf *conf);
void frontend_fini(struct frontend *fe);

int frontend_turn(struct frontend *fe, uint64_t max_wait_ns);
void frontend_reload(struct frontend *fe); // rescans the packages
// Answers what can be answered, CANCELED to the rest, ends the workers; all within stop_timeout_ms.
void frontend_stop(struct frontend *fe);
int frontend_ready_boards(const struct frontend *fe);

// dispatch.c
extern const struct board_calls frontend_board_calls;
void frontend_dispatch(struct frontend *fe); // waiting requests to boards with room
void frontend_sweep(struct frontend *fe);    // answers those that have nothing left to wait for
void frontend_end(struct frontend *fe, struct queue_slot *s); // frees a slot that was answered
void frontend_fail(struct frontend *fe, struct queue_slot *s, enum service_code code,
                   const char *format, ...) __attribute__((format(printf, 4, 5)));
void frontend_arm_deadline(struct frontend *fe, uint64_t deadline_ns);
// Why a request for that variant or task cannot be served by any board now; SERVICE_OK if it can,
// or may wait for one that will.
enum service_code frontend_prospect(const struct frontend *fe, const char *model_name, char *why,
                                    size_t whycap);
// A package that shows the window of that variant or task; NULL when neither is known.
const struct package *frontend_package(const struct frontend *fe, const char *model_name);

// Inferences that a board has, and that wait for what it runs.
uint32_t frontend_waiting(const struct frontend *fe, const struct board *b);

// verbs.c
struct asker { // where a request came from, while it is handled
    int socket;
    const struct listener_message *m;
};
// Makes the reply an error. True, as handlers return for a reply that is to be sent now.
bool frontend_refuse(struct frontend *fe, enum service_code code, const char *field,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));
struct board *frontend_board(struct frontend *fe, const char *name); // NULL: none of that name
// A slot for r, or NULL with the reply filled.
struct queue_slot *frontend_take_slot(struct frontend *fe, const struct asker *from,
                                      const struct service_request *r);
void frontend_handle(struct frontend *fe, int socket, struct listener_message *m);
void frontend_scanned(struct frontend *fe); // requests that waited for a rescan

// answer.c: fe->reply is prepared by service_reply_init and filled; these send it.
void frontend_send(struct frontend *fe, int socket, const uint8_t *peer, size_t peer_bytes);
void frontend_answer_slot(struct frontend *fe, struct queue_slot *s);
void frontend_fill_inference(struct frontend *fe, const struct board *b, const struct queue_slot *s,
                             const struct package *p, const struct wire_result *r);
enum service_origin frontend_origin(const struct board *b); // of what it computes
void frontend_fill_index(struct frontend *fe);
void frontend_fill_boards(struct frontend *fe);
void frontend_fill_power_log(struct frontend *fe, const struct board *b, uint64_t after);
bool frontend_has_meter(const struct board *b);
void frontend_fill_statistics(struct frontend *fe, const char *model_name);
void frontend_fill_metadata(struct frontend *fe, const struct package *p);

#endif
