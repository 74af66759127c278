// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE // execvpe, pipe2
#include "tools/vboard/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static struct child *children;
static int signal_pipe[2] = {-1, -1};
static void (*on_stop)(int signal, bool from_terminal);
static struct loop_watch signal_watch;

enum { FROM_TERMINAL = 0x80 }; // the terminal has sent it to the whole group, COMMAND included

static void handler(int signal, siginfo_t *info, void *context)
{
    (void)context;
    int saved = errno;
    unsigned char b = (unsigned char)(signal | (info->si_code > 0 ? FROM_TERMINAL : 0));
    ssize_t r = write(signal_pipe[1], &b, 1); // a full pipe already says it
    (void)r;
    errno = saved;
}

static void unlink_child(struct child *c)
{
    for (struct child **p = &children; *p; p = &(*p)->next) {
        if (*p == c) {
            *p = c->next;
            break;
        }
    }
    loop_remove_timer(&c->kill_timer);
}

static void reap(void)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        for (struct child *c = children; c; c = c->next) {
            if (c->pid == pid) {
                unlink_child(c);
                c->ended(c, status);
                break;
            }
        }
    }
}

static void signal_ready(struct loop_watch *w, short revents)
{
    (void)revents;
    unsigned char b[64];
    ssize_t n = read(w->fd, b, sizeof b);
    reap();
    for (ssize_t i = 0; i < n; i++) {
        int signal = b[i] & ~FROM_TERMINAL;
        if (signal != SIGCHLD)
            on_stop(signal, b[i] & FROM_TERMINAL);
    }
}

int child_init(void (*stop)(int signal, bool from_terminal))
{
    static const int handled[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP};
    on_stop = stop;
    if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK))
        return -1;
    struct sigaction a = {.sa_sigaction = handler, .sa_flags = SA_RESTART | SA_SIGINFO};
    sigemptyset(&a.sa_mask);
    for (size_t i = 0; i < sizeof handled / sizeof *handled; i++) {
        if (sigaction(handled[i], &a, NULL))
            return -1;
    }
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&ignore.sa_mask);
    sigaction(SIGPIPE, &ignore, NULL);
    signal_watch = (struct loop_watch){.fd = signal_pipe[0], .events = POLLIN, .fn = signal_ready};
    return loop_watch(&signal_watch);
}

static void in_child(const struct child_start *how, pid_t parent)
{
    struct sigaction a = {.sa_handler = SIG_DFL};
    sigemptyset(&a.sa_mask);
    static const int reset[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGPIPE};
    for (size_t i = 0; i < sizeof reset / sizeof *reset; i++)
        sigaction(reset[i], &a, NULL);
    prctl(PR_SET_PDEATHSIG, how->death_signal);
    if (getppid() != parent)
        _exit(127);
    if (how->quiet) {
        int null = open("/dev/null", O_RDONLY);
        if (null < 0 || dup2(null, 0) < 0 || dup2(2, 1) < 0)
            _exit(127);
        close(null);
    }
    if (how->cwd && chdir(how->cwd))
        _exit(127);
    if (how->fd3 >= 0) {
        if (how->fd3 == 3)
            fcntl(3, F_SETFD, 0);
        else if (dup2(how->fd3, 3) < 0)
            _exit(127);
    }
    execvpe(how->file, how->argv, how->envp);
    _exit(errno == ENOENT ? 127 : 126);
}

static void kill_due(struct loop_timer *t)
{
    struct child *c = t->ctx;
    if (c->pid)
        kill(c->pid, SIGKILL);
}

int child_run(struct child *c, const struct child_start *how)
{
    pid_t parent = getpid(), pid = fork();
    if (pid < 0)
        return -1;
    if (!pid)
        in_child(how, parent);
    c->pid = pid;
    c->kill_timer = (struct loop_timer){.due_ns = LOOP_NEVER, .fn = kill_due, .ctx = c};
    loop_add_timer(&c->kill_timer);
    c->next = children;
    children = c;
    return 0;
}

void child_kill_after(struct child *c, uint64_t ns)
{
    c->kill_timer.due_ns = loop_now_ns() + ns;
}

void child_fini(void)
{
    while (children) {
        struct child *c = children;
        pid_t pid = c->pid;
        unlink_child(c);
        kill(pid, SIGKILL);
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
}
