// SPDX-License-Identifier: Apache-2.0
#include "tools/vboard/control.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tools/vboard/control_commands.h"
#include "tools/vboard/loop.h"

enum { CLIENT_TIMEOUT_S = 10, ANSWER_MAX = 1 << 20, RETRY_NS = 2 * 1000 * 1000 };

struct connection {
    struct loop_watch watch;
    char line[CONTROL_LINE_MAX];
    size_t have;
};

static struct boards *all;
static struct loop_watch listener = {.fd = -1};

static int address(struct sockaddr_un *a, const char *dir)
{
    *a = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (snprintf(a->sun_path, sizeof a->sun_path, "%s/" CONTROL_SOCKET, dir) >=
        (int)sizeof a->sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return 0;
}

static void connection_free(struct connection *c)
{
    loop_unwatch(&c->watch);
    close(c->watch.fd);
    free(c);
}

// The answer fits into the socket's buffer, or its reader is slow and loses it.
static void run_line(struct connection *c)
{
    json_t *o = control_run(all, c->line);
    char *text = o ? json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
    if (text) {
        send(c->watch.fd, text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
        send(c->watch.fd, "\n", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
    free(text);
    json_decref(o);
}

static void connection_ready(struct loop_watch *w, short revents)
{
    (void)revents;
    struct connection *c = w->ctx;
    ssize_t n = recv(w->fd, c->line + c->have, sizeof c->line - 1 - c->have, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    if (n > 0) {
        c->have += (size_t)n;
        c->line[c->have] = '\0';
        char *end = strchr(c->line, '\n');
        if (!end && c->have < sizeof c->line - 1)
            return;
        if (end) {
            *end = '\0';
            run_line(c);
        }
    }
    connection_free(c);
}

static void accept_ready(struct loop_watch *w, short revents)
{
    (void)revents;
    int fd = accept(w->fd, NULL, NULL);
    if (fd < 0)
        return;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    struct connection *c = calloc(1, sizeof *c);
    if (!c) {
        close(fd);
        return;
    }
    int size = ANSWER_MAX;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    c->watch = (struct loop_watch){.fd = fd, .events = POLLIN, .fn = connection_ready, .ctx = c};
    if (loop_watch(&c->watch)) {
        close(fd);
        free(c);
    }
}

int control_init(struct boards *boards, const char *dir)
{
    struct sockaddr_un a;
    all = boards;
    if (address(&a, dir))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 16)) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    listener = (struct loop_watch){.fd = fd, .events = POLLIN, .fn = accept_ready};
    return loop_watch(&listener);
}

void control_fini(void)
{
    if (listener.fd >= 0) {
        loop_unwatch(&listener);
        close(listener.fd);
    }
    listener.fd = -1;
}

// --- the client's end ---

static int connect_world(const char *dir)
{
    struct sockaddr_un a;
    if (address(&a, dir))
        return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {.tv_sec = CLIENT_TIMEOUT_S};
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    }
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a)) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

int control_wait(const char *dir, unsigned timeout_ms)
{
    uint64_t end = loop_now_ns() + (uint64_t)timeout_ms * 1000000u;
    for (;;) {
        int fd = connect_world(dir);
        if (fd >= 0) {
            close(fd);
            return 0;
        }
        if (loop_now_ns() >= end)
            return -1;
        struct timespec t = {0, RETRY_NS};
        nanosleep(&t, NULL);
    }
}

static size_t read_all(int fd, char *out, size_t cap)
{
    size_t have = 0;
    ssize_t n;
    while (have < cap - 1 && (n = recv(fd, out + have, cap - 1 - have, 0)) > 0)
        have += (size_t)n;
    out[have] = '\0';
    return have;
}

int control_client(const char *dir, char *const *words)
{
    char line[CONTROL_LINE_MAX] = "";
    size_t at = 0;
    for (; *words; words++) {
        int n = snprintf(line + at, sizeof line - at, "%s ", *words);
        at += (size_t)n;
        if (at >= sizeof line - 1) {
            fprintf(stderr, "vboard ctl: the command is too long\n");
            return 2;
        }
    }
    line[at ? at - 1 : 0] = '\n';
    int fd = connect_world(dir);
    if (fd < 0) {
        fprintf(stderr, "vboard ctl: no world in %s: %s\n", dir, strerror(errno));
        return 2;
    }
    char *text = malloc(ANSWER_MAX);
    json_t *o = NULL;
    if (text && send(fd, line, strlen(line), MSG_NOSIGNAL) > 0 && read_all(fd, text, ANSWER_MAX))
        o = json_loads(text, 0, NULL);
    close(fd);
    int result = 2;
    if (!o)
        fprintf(stderr, "vboard ctl: the world in %s does not answer\n", dir);
    else if (json_is_true(json_object_get(o, "ok")))
        result = 0;
    else
        result = 1;
    if (o && result)
        fprintf(stderr, "vboard ctl: %s\n", json_string_value(json_object_get(o, "error")));
    else if (o && json_object_size(o) > 1) {
        json_dumpf(o, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
        putchar('\n');
    }
    json_decref(o);
    free(text);
    return result;
}
