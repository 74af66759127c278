// SPDX-License-Identifier: Apache-2.0
#include "daemon/supervise.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/log.h"

extern char **environ;

static void start(void *arg);

static void schedule_restart(struct supervise *s)
{
    uint64_t now = now_ns();
    if (now - s->started_ns >= SUPERVISE_STEADY_NS || !s->backoff_ns)
        s->backoff_ns = SUPERVISE_BACKOFF_MIN_NS;
    if (!s->stopping)
        sched_timer_set(s->sched, &s->restart, now + s->backoff_ns, start, s);
    s->backoff_ns *= 2;
    if (s->backoff_ns > SUPERVISE_BACKOFF_MAX_NS)
        s->backoff_ns = SUPERVISE_BACKOFF_MAX_NS;
}

static void close_socket(struct supervise *s)
{
    sched_timer_clear(s->sched, &s->silence);
    if (s->fd < 0)
        return;
    sched_fd_del(s->sched, s->fd);
    close(s->fd);
    s->fd = -1;
}

void supervise_kill(struct supervise *s, const char *reason)
{
    if (s->fd < 0)
        return;
    close_socket(s);
    if (s->pid > 0)
        kill(s->pid, SIGKILL);
    schedule_restart(s);
    log_warn("worker", "gone board=%s pid=%d reason=\"%s\"", s->name, (int)s->pid, reason);
    s->calls->gone(s->arg, reason);
}

static void on_silence(void *arg)
{
    supervise_kill(arg, "no sign of life for 3 s");
}

static void on_readable(void *arg, short revents)
{
    struct supervise *s = arg;
    (void)revents;
    for (int i = 0; i < 32 && s->fd >= 0; i++) {
        union wire_packet p;
        int r = wire_recv(s->fd, &p);
        if (r == 0)
            return;
        if (r < 0) {
            supervise_kill(s, errno == EPROTO ? "speaks another version" : "ended");
            return;
        }
        sched_timer_set(s->sched, &s->silence, now_ns() + SUPERVISE_SILENCE_NS, on_silence, s);
        s->calls->packet(s->arg, &p);
    }
}

static int spawn(struct supervise *s, int fd)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    char *argv[] = {(char[]){"sevencastd"}, (char[]){"--worker"}, (char[64]){0}, NULL};
    snprintf(argv[2], 64, "%s", s->name);
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, fd, WIRE_FD);
    // Our own blocked signals are not the worker's, and Ctrl-C is for the front end to handle.
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    int r = posix_spawn(&s->pid, s->program, &actions, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    if (r)
        s->pid = 0;
    return r;
}

// Takes the exit status of a process that ended; false while it has not.
static bool reap(struct supervise *s)
{
    int status;
    if (s->pid <= 0)
        return true;
    pid_t r = waitpid(s->pid, &status, WNOHANG);
    if (r == 0)
        return false;
    if (r == s->pid && WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
        log_error("worker", "crashed board=%s pid=%d signal=%d", s->name, (int)s->pid,
                  WTERMSIG(status));
    s->pid = 0;
    return true;
}

static void start(void *arg)
{
    struct supervise *s = arg;
    int pair[2];
    if (!reap(s)) { // dying, maybe stuck in the kernel; its lock on the board is still held
        sched_timer_set(s->sched, &s->restart, now_ns() + 20 * NS_PER_MS, start, s);
        return;
    }
    s->started_ns = now_ns();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0) {
        log_error("worker", "no socket pair board=%s error=%s", s->name, strerror(errno));
        schedule_restart(s);
        return;
    }
    int r = spawn(s, pair[1]);
    close(pair[1]);
    if (r || sched_fd_add(s->sched, pair[0], POLLIN, on_readable, s) < 0) {
        log_error("worker", "cannot start board=%s program=%s error=%s", s->name, s->program,
                  strerror(r));
        close(pair[0]);
        schedule_restart(s);
        return;
    }
    s->fd = pair[0];
    s->starts++;
    sched_timer_set(s->sched, &s->silence, now_ns() + SUPERVISE_SILENCE_NS, on_silence, s);
    log_info("worker", "started board=%s pid=%d", s->name, (int)s->pid);
}

void supervise_start(struct supervise *s, struct sched *sched, const char *program,
                     const char *name, const struct supervise_calls *calls, void *arg)
{
    memset(s, 0, sizeof *s);
    s->sched = sched;
    s->program = program;
    s->name = name;
    s->calls = calls;
    s->arg = arg;
    s->fd = -1;
    start(s);
}

int supervise_send(struct supervise *s, void *packet, uint32_t type, uint32_t tag, size_t bytes)
{
    if (s->fd < 0)
        return -1;
    if (wire_send(s->fd, packet, type, tag, bytes) == 0)
        return 0;
    supervise_kill(s, errno == EAGAIN ? "does not read" : "ended");
    return -1;
}

void supervise_stop(struct supervise *s)
{
    s->stopping = true;
    sched_timer_clear(s->sched, &s->restart);
    close_socket(s);
}

bool supervise_stopped(struct supervise *s, bool kill_now)
{
    if (reap(s))
        return true;
    if (kill_now)
        kill(s->pid, SIGKILL);
    return false;
}
