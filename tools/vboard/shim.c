// SPDX-License-Identifier: Apache-2.0
// Preloaded into the client before umockdev's preload: takes over open, close and ioctl for
// /dev/bus/usb/BBB/DDD, so that an unmodified libusb talks to the board process. Everything else
// goes to the next library.
//
// libusb polls the descriptor for POLLOUT ("something to reap") and POLLERR ("unplugged"). The
// write end of a one-page pipe gives exactly these: full = nothing to reap, emptied by the board =
// POLLOUT, read end closed = POLLERR.
//
// Own descriptors are used through raw system calls: umockdev hooks read, write and close.
#define _GNU_SOURCE // RTLD_NEXT, pipe2, F_SETPIPE_SZ, syscall
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/usbdevice_fs.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tools/vboard/usbfs_wire.h"

#define EXPORT __attribute__((visibility("default")))

enum { MAX_FDS = 4096, CONTROL_MAX = 4096, SETUP_BYTES = 8, SYNC_TIMEOUT_S = 10 };

// One open node. Never freed, only reused: a thread that still holds the pointer while another
// closes the descriptor then fails with a dead socket, not with freed memory.
struct node {
    int async_fd, sync_fd;
    atomic_int gone;
    pthread_mutex_t submit_lock, sync_lock, reap_lock;
    struct node *next_free;
};

static _Atomic(struct node *) nodes[MAX_FDS];
static struct node *free_nodes;
static pthread_mutex_t free_lock = PTHREAD_MUTEX_INITIALIZER;

static void raw_close(int fd)
{
    if (fd >= 0)
        syscall(SYS_close, fd);
}

static int receive_all(int fd, void *data, size_t n)
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
static int send_message(int fd, const struct usbfs_wire *m, const void *data)
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

// --- opening ---

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

static int connect_board(unsigned device, int pipe_fd, int sync_fd)
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
    struct timeval limit = {.tv_sec = SYNC_TIMEOUT_S};
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

static struct node *node_new(void)
{
    pthread_mutex_lock(&free_lock);
    struct node *n = free_nodes;
    if (n)
        free_nodes = n->next_free;
    pthread_mutex_unlock(&free_lock);
    if (!n) {
        n = calloc(1, sizeof *n);
        if (!n)
            return NULL;
        pthread_mutex_init(&n->submit_lock, NULL);
        pthread_mutex_init(&n->sync_lock, NULL);
        pthread_mutex_init(&n->reap_lock, NULL);
    }
    atomic_store(&n->gone, 0);
    n->async_fd = n->sync_fd = -1;
    return n;
}

static void node_release(struct node *n)
{
    raw_close(n->async_fd);
    raw_close(n->sync_fd);
    n->async_fd = n->sync_fd = -1;
    pthread_mutex_lock(&free_lock);
    n->next_free = free_nodes;
    free_nodes = n;
    pthread_mutex_unlock(&free_lock);
}

static int open_node(unsigned device)
{
    int wake[2] = {-1, -1}, pair[2] = {-1, -1}, error = ENOMEM;
    struct timeval limit = {.tv_sec = SYNC_TIMEOUT_S};
    struct node *n = node_new();
    if (!n)
        goto fail;
    if (pipe2(wake, O_CLOEXEC | O_NONBLOCK) ||
        fcntl(wake[1], F_SETPIPE_SZ, USBFS_WIRE_PIPE_BYTES) < 0 ||
        syscall(SYS_write, wake[1], "", 1) != 1 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
        error = errno;
        goto fail;
    }
    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    error = EMFILE;
    if (wake[1] >= MAX_FDS)
        goto fail;
    n->sync_fd = pair[0];
    n->async_fd = connect_board(device, wake[0], pair[1]);
    error = errno;
    if (n->async_fd < 0)
        goto fail;
    raw_close(wake[0]);
    raw_close(pair[1]);
    atomic_store(&nodes[wake[1]], n);
    return wake[1];
fail:
    if (n)
        node_release(n);
    else
        raw_close(pair[0]);
    raw_close(wake[0]);
    raw_close(wake[1]);
    raw_close(pair[1]);
    errno = error;
    return -1;
}

// The device number when path is a USB node of bus 1, 0 otherwise.
static unsigned usb_node(const char *path)
{
    static const char prefix[] = "/dev/bus/usb/001/";
    if (!path || strncmp(path, prefix, sizeof prefix - 1) != 0 || !getenv(USBFS_WIRE_SOCKET_ENV))
        return 0;
    const char *p = path + sizeof prefix - 1;
    if (strlen(p) != 3 || strspn(p, "0123456789") != 3)
        return 0;
    return (unsigned)(p[0] - '0') * 100 + (unsigned)(p[1] - '0') * 10 + (unsigned)(p[2] - '0');
}

// --- URBs ---

static int fail_gone(struct node *n)
{
    atomic_store(&n->gone, 1);
    errno = ENODEV;
    return -1;
}

// The board has closed its end of the wake-up pipe: the device is unplugged.
static int unplugged(int fd)
{
    struct pollfd p = {.fd = fd, .events = 0};
    return syscall(SYS_poll, &p, 1, 0) > 0 && p.revents & POLLERR;
}

static int submit(struct node *n, int fd, struct usbdevfs_urb *u)
{
    int control = u->type == USBDEVFS_URB_TYPE_CONTROL;
    if (unplugged(fd)) // nobody would look for its completion
        return fail_gone(n);
    if ((u->type != USBDEVFS_URB_TYPE_BULK && !control) || u->buffer_length < 0 ||
        (control && u->buffer_length < SETUP_BYTES)) {
        errno = EINVAL;
        return -1;
    }
    if (u->buffer_length > USBFS_WIRE_MAX_BYTES) {
        errno = ENOMEM;
        return -1;
    }
    int in = control ? ((uint8_t *)u->buffer)[0] & 0x80 : u->endpoint & 0x80;
    struct usbfs_wire m = {.type = USBFS_WIRE_SUBMIT,
                           .n = !in       ? (uint32_t)u->buffer_length
                                : control ? SETUP_BYTES
                                          : 0,
                           .urb = (uintptr_t)u,
                           .endpoint = u->endpoint,
                           .urb_type = u->type,
                           .buffer_bytes = (uint32_t)u->buffer_length};
    pthread_mutex_lock(&n->submit_lock);
    int r = send_message(n->async_fd, &m, u->buffer);
    pthread_mutex_unlock(&n->submit_lock);
    return r ? fail_gone(n) : 0;
}

static int discard(struct node *n, void *urb)
{
    struct usbfs_wire m = {.type = USBFS_WIRE_DISCARD, .urb = (uintptr_t)urb};
    pthread_mutex_lock(&n->submit_lock);
    int r = send_message(n->async_fd, &m, NULL);
    pthread_mutex_unlock(&n->submit_lock);
    return r ? fail_gone(n) : 0;
}

// Makes the pipe full. The board may have died: writing must not raise SIGPIPE in the client.
static void pipe_fill(int fd)
{
    sigset_t sigpipe, before, pending;
    sigemptyset(&sigpipe);
    sigaddset(&sigpipe, SIGPIPE);
    sigemptyset(&pending);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
    if (syscall(SYS_write, fd, "", 1) < 0 && errno == EPIPE && !sigismember(&pending, SIGPIPE)) {
        struct timespec none = {0, 0};
        while (sigtimedwait(&sigpipe, NULL, &none) < 0 && errno == EINTR)
            ;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void pipe_empty(int fd)
{
    char path[32], c;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int r = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (r >= 0) {
        if (syscall(SYS_read, r, &c, 1) < 0) {
            // already empty
        }
        raw_close(r);
    }
}

// Takes one completion. The board sends first and empties the pipe afterwards; so after filling the
// pipe the socket must be looked at once more, or a completion in between would never be noticed.
static int reap(struct node *n, int fd, void **out)
{
    struct usbfs_wire m;
    int filled = 0;
    for (;;) {
        ssize_t r = recv(n->async_fd, &m, sizeof m, MSG_DONTWAIT);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            if (filled) {
                errno = unplugged(fd) ? ENODEV : EAGAIN;
                return -1;
            }
            pipe_fill(fd);
            filled = 1;
            continue;
        }
        if (r <= 0 || ((size_t)r < sizeof m &&
                       receive_all(n->async_fd, (char *)&m + r, sizeof m - (size_t)r)))
            return fail_gone(n);
        break;
    }
    if (filled)
        pipe_empty(fd);
    struct usbdevfs_urb *u = (struct usbdevfs_urb *)(uintptr_t)m.urb;
    size_t offset = u->type == USBDEVFS_URB_TYPE_CONTROL ? SETUP_BYTES : 0;
    if (offset + m.n > (size_t)u->buffer_length ||
        (m.n && receive_all(n->async_fd, (char *)u->buffer + offset, m.n)))
        return fail_gone(n);
    u->status = m.status;
    u->actual_length = m.actual;
    *out = u;
    return 0;
}

// --- blocking requests ---

static int sync_request(struct node *n, unsigned request, const void *arg, size_t bytes,
                        void *reply, size_t room)
{
    struct usbfs_wire m = {.type = USBFS_WIRE_SYNC, .request = request, .n = (uint32_t)bytes};
    struct usbfs_wire r = {0};
    pthread_mutex_lock(&n->sync_lock);
    int bad = send_message(n->sync_fd, &m, arg) || receive_all(n->sync_fd, &r, sizeof r) ||
              r.n > room || (r.n && receive_all(n->sync_fd, reply, r.n));
    pthread_mutex_unlock(&n->sync_lock);
    if (bad)
        return fail_gone(n);
    if (r.status < 0) {
        errno = -r.status;
        return -1;
    }
    return r.status;
}

static int control(struct node *n, const struct usbdevfs_ctrltransfer *t)
{
    uint8_t b[SETUP_BYTES + CONTROL_MAX] = {t->bRequestType,     t->bRequest,
                                            (uint8_t)t->wValue,  (uint8_t)(t->wValue >> 8),
                                            (uint8_t)t->wIndex,  (uint8_t)(t->wIndex >> 8),
                                            (uint8_t)t->wLength, (uint8_t)(t->wLength >> 8)};
    size_t out = t->bRequestType & 0x80 ? 0 : t->wLength;
    if (t->wLength > CONTROL_MAX) {
        errno = EINVAL;
        return -1;
    }
    if (out)
        memcpy(b + SETUP_BYTES, t->data, out);
    return sync_request(n, (unsigned)USBDEVFS_CONTROL, b, SETUP_BYTES + out, t->data, t->wLength);
}

static int node_ioctl(struct node *n, int fd, unsigned request, void *arg)
{
    if (atomic_load(&n->gone) && request != (unsigned)USBDEVFS_REAPURBNDELAY)
        return fail_gone(n);
    switch (request) {
    case (unsigned)USBDEVFS_GET_CAPABILITIES:
        *(uint32_t *)arg = USBDEVFS_CAP_ZERO_PACKET | USBDEVFS_CAP_BULK_CONTINUATION |
                           USBDEVFS_CAP_NO_PACKET_SIZE_LIM | USBDEVFS_CAP_REAP_AFTER_DISCONNECT;
        return 0;
    case (unsigned)USBDEVFS_SUBMITURB:
        return submit(n, fd, arg);
    case (unsigned)USBDEVFS_DISCARDURB:
        return discard(n, arg);
    case (unsigned)USBDEVFS_REAPURBNDELAY: {
        pthread_mutex_lock(&n->reap_lock);
        int r = reap(n, fd, arg);
        int error = errno;
        pthread_mutex_unlock(&n->reap_lock);
        errno = error;
        return r;
    }
    case (unsigned)USBDEVFS_CONTROL:
        return control(n, arg);
    case (unsigned)USBDEVFS_CLAIMINTERFACE:
    case (unsigned)USBDEVFS_RELEASEINTERFACE:
    case (unsigned)USBDEVFS_SETCONFIGURATION:
    case (unsigned)USBDEVFS_CLEAR_HALT:
        return sync_request(n, request, arg, sizeof(unsigned), NULL, 0);
    case (unsigned)USBDEVFS_SETINTERFACE:
        return sync_request(n, request, arg, 2 * sizeof(unsigned), NULL, 0);
    case (unsigned)USBDEVFS_RESET:
        return sync_request(n, request, NULL, 0, NULL, 0);
    case (unsigned)USBDEVFS_DISCONNECT_CLAIM:
        return sync_request(n, (unsigned)USBDEVFS_CLAIMINTERFACE,
                            &((struct usbdevfs_disconnect_claim *)arg)->interface, sizeof(unsigned),
                            NULL, 0);
    case (unsigned)USBDEVFS_GETDRIVER: // no kernel driver is ever bound
    case (unsigned)USBDEVFS_IOCTL:
        errno = ENODATA;
        return -1;
    case (unsigned)USBDEVFS_GET_SPEED:
        return 3; // USB_SPEED_HIGH
    default:
        errno = ENOTTY;
        return -1;
    }
}

// --- what the client calls ---

typedef int open_fn(const char *, int, ...);

static int open_any(const char *name, const char *path, int flags, mode_t mode)
{
    unsigned device = usb_node(path);
    if (device)
        return open_node(device);
    open_fn *next = (open_fn *)dlsym(RTLD_NEXT, name);
    return next(path, flags, mode);
}

EXPORT int open(const char *path, int flags, ...)
{
    va_list a;
    va_start(a, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(a, mode_t) : 0;
    va_end(a);
    return open_any("open", path, flags, mode);
}

EXPORT int open64(const char *path, int flags, ...)
{
    va_list a;
    va_start(a, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(a, mode_t) : 0;
    va_end(a);
    return open_any("open64", path, flags, mode);
}

// Debian's libusb is fortified and calls these.
EXPORT int __open_2(const char *path, int flags);
EXPORT int __open_2(const char *path, int flags)
{
    return open_any("open", path, flags, 0);
}

EXPORT int __open64_2(const char *path, int flags);
EXPORT int __open64_2(const char *path, int flags)
{
    return open_any("open64", path, flags, 0);
}

EXPORT int close(int fd)
{
    static int (*next)(int);
    if (fd >= 0 && fd < MAX_FDS && atomic_load(&nodes[fd])) {
        struct node *n = atomic_exchange(&nodes[fd], NULL);
        if (n)
            node_release(n);
        return (int)syscall(SYS_close, fd);
    }
    if (!next)
        next = (int (*)(int))dlsym(RTLD_NEXT, "close");
    return next(fd);
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
    static int (*next)(int, unsigned long, ...);
    va_list a;
    va_start(a, request);
    void *arg = va_arg(a, void *);
    va_end(a);
    struct node *n = fd >= 0 && fd < MAX_FDS ? atomic_load(&nodes[fd]) : NULL;
    if (n)
        return node_ioctl(n, fd, (unsigned)request, arg);
    if (!next)
        next = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
    return next(fd, request, arg);
}
