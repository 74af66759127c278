// SPDX-License-Identifier: Apache-2.0
// The descriptor that libusb polls, for POLLOUT ("something to reap") and POLLERR ("unplugged").
// The write end of a one-page pipe gives exactly these: full = nothing to reap, emptied by the
// board = POLLOUT, read end closed = POLLERR.
#define _GNU_SOURCE // pipe2, F_SETPIPE_SZ, syscall
#include "tools/vboard/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { MAX_FDS = 4096 };

static _Atomic(struct node *) nodes[MAX_FDS];
static struct node *free_nodes;
static pthread_mutex_t free_lock = PTHREAD_MUTEX_INITIALIZER;

struct node *node_of(int fd)
{
    return fd >= 0 && fd < MAX_FDS ? atomic_load(&nodes[fd]) : NULL;
}

struct node *node_forget(int fd)
{
    return fd >= 0 && fd < MAX_FDS ? atomic_exchange(&nodes[fd], NULL) : NULL;
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

void node_release(struct node *n)
{
    raw_close(n->async_fd);
    raw_close(n->sync_fd);
    n->async_fd = n->sync_fd = -1;
    pthread_mutex_lock(&free_lock);
    n->next_free = free_nodes;
    free_nodes = n;
    pthread_mutex_unlock(&free_lock);
}

int node_open(unsigned device)
{
    int wake[2] = {-1, -1}, pair[2] = {-1, -1}, error = ENOMEM;
    struct timeval limit = {.tv_sec = SHIM_SYNC_TIMEOUT_S};
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

int node_fail(struct node *n)
{
    atomic_store(&n->gone, 1);
    errno = ENODEV;
    return -1;
}

int node_unplugged(int fd)
{
    struct pollfd p = {.fd = fd, .events = 0};
    struct timespec none = {0, 0};
    return syscall(SYS_ppoll, &p, 1, &none, NULL, 0) > 0 && p.revents & POLLERR;
}

// Makes the pipe full. The board may have died: writing must not raise SIGPIPE in the client.
void node_fill(int fd)
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

void node_empty(int fd)
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
