// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE // syscall
#include "tools/vboard/shim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

void raw_close(int fd)
{
    if (fd >= 0)
        syscall(SYS_close, fd);
}

int receive_all(int fd, void *data, size_t n)
{
    char *p = data;
    while (n) {
        ssize_t r = recv(fd, p, n, MSG_WAITALL);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return -1;
        p += r;
        n -= (size_t)r;
    }
    return 0;
}

// Sends header and bytes; m->n bytes of data follow the header.
int send_message(int fd, const struct usbfs_wire *m, const void *data)
{
    union { // sendmsg does not write through its vectors
        const void *in;
        void *out;
    } head = {.in = m}, body = {.in = data};
    struct iovec v[2] = {{head.out, sizeof *m}, {body.out, m->n}};
    struct msghdr h = {.msg_iov = v, .msg_iovlen = m->n ? 2 : 1};
    size_t left = sizeof *m + m->n;
    while (left) {
        ssize_t r = sendmsg(fd, &h, MSG_NOSIGNAL);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0)
            return -1;
        left -= (size_t)r;
        while (r > 0 && h.msg_iovlen) {
            size_t k = (size_t)r < h.msg_iov->iov_len ? (size_t)r : h.msg_iov->iov_len;
            h.msg_iov->iov_base = (char *)h.msg_iov->iov_base + k;
            h.msg_iov->iov_len -= k;
            r -= (ssize_t)k;
            if (!h.msg_iov->iov_len) {
                h.msg_iov++;
                h.msg_iovlen--;
            }
        }
    }
    return 0;
}

static int send_hello(int fd, unsigned device, int pipe_fd, int sync_fd)
{
    struct usbfs_wire m = {.type = USBFS_WIRE_HELLO, .request = device};
    struct iovec v = {&m, sizeof m};
    int fds[2] = {pipe_fd, sync_fd};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof fds)];
    } control;
    memset(&control, 0, sizeof control);
    struct msghdr h = {.msg_iov = &v,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = sizeof control.bytes};
    struct cmsghdr *c = CMSG_FIRSTHDR(&h);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fds);
    memcpy(CMSG_DATA(c), fds, sizeof fds);
    if (sendmsg(fd, &h, MSG_NOSIGNAL) != (ssize_t)sizeof m || receive_all(fd, &m, sizeof m)) {
        errno = ENODEV;
        return -1;
    }
    if (m.status < 0) {
        errno = -m.status;
        return -1;
    }
    return 0;
}

int connect_board(unsigned device, int pipe_fd, int sync_fd)
{
    const char *path = getenv(USBFS_WIRE_SOCKET_ENV);
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (!path || strlen(path) >= sizeof a.sun_path) {
        errno = ENODEV;
        return -1;
    }
    memcpy(a.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    int size = 1 << 20;
    struct timeval limit = {.tv_sec = SHIM_SYNC_TIMEOUT_S};
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (syscall(SYS_connect, fd, &a, sizeof a)) // umockdev hooks connect
        errno = ENODEV;
    else if (!send_hello(fd, device, pipe_fd, sync_fd))
        return fd;
    int error = errno;
    raw_close(fd);
    errno = error;
    return -1;
}
