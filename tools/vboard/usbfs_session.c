// SPDX-License-Identifier: Apache-2.0
#include "tools/vboard/usbfs_session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "tools/vboard/log.h"

enum { READ_BYTES = 64 << 10, SOCKET_BUFFER_BYTES = 1 << 20 };

static struct session *sessions;
static const struct session_callbacks *callbacks;
static struct loop_watch listener = {.fd = -1};

struct session *session_first(void)
{
    return sessions;
}

static void socket_close(struct session_socket *k)
{
    if (k->watch.fd >= 0) {
        loop_unwatch(&k->watch);
        close(k->watch.fd);
    }
    k->watch.fd = -1;
    bytes_fini(&k->in);
    bytes_fini(&k->out);
}

static void session_free(struct session *s)
{
    for (struct session **p = &sessions; *p; p = &(*p)->next) {
        if (*p == s) {
            *p = s->next;
            break;
        }
    }
    if (s->device)
        callbacks->ended(s);
    socket_close(&s->async);
    socket_close(&s->sync);
    if (s->pipe_fd >= 0)
        close(s->pipe_fd);
    free(s);
}

void session_send(struct session_socket *k, const struct usbfs_wire *m, const void *data)
{
    if (k->watch.fd < 0 || k->session->dead)
        return;
    ssize_t sent = 0;
    if (!bytes_length(&k->out)) {
        union { // sendmsg does not write through its vectors
            const void *in;
            void *out;
        } head = {.in = m}, body = {.in = data};
        struct iovec v[2] = {{head.out, sizeof *m}, {body.out, m->n}};
        struct msghdr h = {.msg_iov = v, .msg_iovlen = m->n ? 2 : 1};
        sent = sendmsg(k->watch.fd, &h, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
            k->session->dead = true;
        if (sent < 0)
            sent = 0;
    }
    size_t head_sent = (size_t)sent < sizeof *m ? (size_t)sent : sizeof *m;
    size_t body_sent = (size_t)sent - head_sent;
    bytes_append(&k->out, (const uint8_t *)m + head_sent, sizeof *m - head_sent);
    if (m->n)
        bytes_append(&k->out, (const uint8_t *)data + body_sent, m->n - body_sent);
    if (bytes_length(&k->out))
        k->watch.events |= POLLOUT;
}

static void socket_flush(struct session_socket *k)
{
    ssize_t n =
        send(k->watch.fd, bytes_front(&k->out), bytes_length(&k->out), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        k->session->dead = true;
    if (n > 0)
        bytes_drop(&k->out, (size_t)n);
    if (!bytes_length(&k->out))
        k->watch.events = POLLIN;
}

void session_wake(struct session *s)
{
    char c;
    if (s->pipe_fd >= 0 && read(s->pipe_fd, &c, 1) < 0) {
        // already empty: the client looks at the socket before it sleeps
    }
}

void session_hang_up(struct session *s)
{
    if (s->pipe_fd >= 0)
        close(s->pipe_fd);
    s->pipe_fd = -1;
}

// Hands over every complete message that has come in.
static void dispatch(struct session_socket *k, session_handler *handle)
{
    struct usbfs_wire m;
    struct session *s = k->session;
    while (!s->dead && bytes_length(&k->in) >= sizeof m) {
        memcpy(&m, bytes_front(&k->in), sizeof m);
        if (m.n > USBFS_WIRE_MAX_BYTES) {
            log_error("usbfs: a client sent a message of %u bytes; closed", m.n);
            s->dead = true;
            return;
        }
        if (bytes_length(&k->in) < sizeof m + m.n) {
            bytes_reserve(&k->in, sizeof m + m.n - bytes_length(&k->in));
            return;
        }
        handle(s, &m, bytes_front(&k->in) + sizeof m);
        bytes_drop(&k->in, sizeof m + m.n);
    }
}

static void socket_ready(struct loop_watch *w, short revents)
{
    struct session_socket *k = w->ctx;
    struct session *s = k->session;
    if (revents & POLLOUT)
        socket_flush(k);
    if (revents & (POLLIN | POLLHUP | POLLERR)) {
        ssize_t n = recv(w->fd, bytes_reserve(&k->in, READ_BYTES), READ_BYTES, MSG_DONTWAIT);
        if (n > 0)
            bytes_added(&k->in, (size_t)n);
        else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
            s->dead = true;
        if (n > 0)
            dispatch(k, k == &s->sync ? callbacks->sync_message : callbacks->async_message);
    }
    if (s->dead)
        session_free(s);
}

static int watch_socket(struct session *s, struct session_socket *k, int fd)
{
    int size = SOCKET_BUFFER_BYTES;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    k->session = s;
    k->watch = (struct loop_watch){.fd = fd, .events = POLLIN, .fn = socket_ready, .ctx = k};
    if (loop_watch(&k->watch)) {
        log_error("usbfs: too many open nodes");
        return -1;
    }
    return 0;
}

// The first message: HELLO with two descriptors. Replaces the watch's handler when all is well.
static void hello_ready(struct loop_watch *w, short revents)
{
    (void)revents;
    struct session *s = w->ctx;
    struct usbfs_wire m;
    struct iovec v = {&m, sizeof m};
    int fds[2] = {-1, -1};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof fds)];
    } control;
    struct msghdr h = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    ssize_t n = recvmsg(w->fd, &h, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return;
    struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&h) : NULL;
    if (c && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof fds))
        memcpy(fds, CMSG_DATA(c), sizeof fds);
    s->pipe_fd = fds[0];
    if (n != (ssize_t)sizeof m || m.type != USBFS_WIRE_HELLO || fds[1] < 0) {
        session_free(s);
        return;
    }
    if (watch_socket(s, &s->sync, fds[1])) {
        close(fds[1]);
        s->sync.watch.fd = -1;
        session_free(s);
        return;
    }
    struct usbfs_wire answer = {.type = USBFS_WIRE_HELLO};
    answer.status = callbacks->hello(s, m.request);
    w->fn = socket_ready;
    w->ctx = &s->async;
    session_send(&s->async, &answer, NULL);
}

static void accept_ready(struct loop_watch *w, short revents)
{
    (void)revents;
    int fd = accept(w->fd, NULL, NULL);
    if (fd < 0)
        return;
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    struct session *s = calloc(1, sizeof *s);
    if (!s) {
        close(fd);
        return;
    }
    s->pipe_fd = s->sync.watch.fd = -1;
    s->next = sessions;
    sessions = s;
    if (watch_socket(s, &s->async, fd)) {
        close(fd);
        s->async.watch.fd = -1;
        session_free(s);
        return;
    }
    s->async.watch.fn = hello_ready;
    s->async.watch.ctx = s;
}

int session_listen(const char *path, const struct session_callbacks *c)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    callbacks = c;
    if (strlen(path) >= sizeof a.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(a.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    fcntl(fd, F_SETFL, O_NONBLOCK);
    if (bind(fd, (struct sockaddr *)&a, sizeof a) || listen(fd, 64)) {
        int error = errno;
        close(fd);
        errno = error;
        return -1;
    }
    listener = (struct loop_watch){.fd = fd, .events = POLLIN, .fn = accept_ready};
    return loop_watch(&listener);
}

void session_shutdown(void)
{
    while (sessions)
        session_free(sessions);
    if (listener.fd >= 0) {
        loop_unwatch(&listener);
        close(listener.fd);
    }
    listener.fd = -1;
}
