// SPDX-License-Identifier: Apache-2.0
#include "tools/vivado/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NOT_EXECUTED = 127, TICK_MS = 100, GRACE_MS = 2000, LINE_BYTES = 512, LOG_MAX = 64 << 20 };

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    interrupted = number;
}

static long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool executable(const char *path)
{
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode) && access(path, X_OK) == 0;
}

bool run_can(const char *program)
{
    char path[4096];
    const char *at = getenv("PATH");
    if (strchr(program, '/'))
        return executable(program);
    while (at && *at) {
        size_t n = strcspn(at, ":");
        int m = snprintf(path, sizeof path, "%.*s/%s", (int)n, n ? at : ".", program);
        if (m > 0 && (size_t)m < sizeof path && executable(path))
            return true;
        at += n + (at[n] == ':');
    }
    return false;
}

// What the child writes, on its way into the log; keeps the line that is being written.
struct output {
    int from;
    FILE *log;
    long start_ms, log_bytes;
    const char *step;
    char line[LINE_BYTES];
    size_t n;
    bool ended;
};

static void show_step(const struct output *o)
{
    size_t n = strlen(o->step);
    if (o->n >= n && memcmp(o->line, o->step, n) == 0)
        fprintf(stderr, "vivado: %.*s (%ld s)\n", (int)(o->n - n), o->line + n,
                (now_ms() - o->start_ms) / 1000);
}

static void take(struct output *o, const char *bytes, size_t n)
{
    if (o->log && o->log_bytes + (long)n <= LOG_MAX) {
        fwrite(bytes, 1, n, o->log);
        o->log_bytes += (long)n;
    }
    for (size_t i = 0; i < n; i++)
        if (bytes[i] == '\n') {
            show_step(o);
            o->n = 0;
        } else if (o->n < sizeof o->line) {
            o->line[o->n++] = bytes[i];
        }
}

// Waits for output, at most for wait_ms, and takes what is there.
static void pump(struct output *o, int wait_ms)
{
    char bytes[4096];
    struct pollfd p = {.fd = o->ended ? -1 : o->from, .events = POLLIN};
    if (poll(&p, 1, wait_ms) <= 0)
        return;
    ssize_t n = read(o->from, bytes, sizeof bytes);
    if (n > 0)
        take(o, bytes, (size_t)n);
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        o->ended = true;
}

static _Noreturn void child(const struct run *r, int out)
{
    setpgid(0, 0);
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, 0) < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0 || chdir(r->dir) != 0)
        _exit(NOT_EXECUTED);
    execvp(r->argv[0], r->argv);
    _exit(NOT_EXECUTED);
}

// The whole group: the tool is a shell script that starts others. What is left of it goes too.
static void kill_group(pid_t pid, struct output *o)
{
    kill(-pid, SIGTERM);
    for (long end = now_ms() + GRACE_MS; now_ms() < end && kill(-pid, 0) == 0;) {
        pump(o, TICK_MS);
        if (waitpid(pid, NULL, WNOHANG) < 0 && errno == ECHILD)
            break;
    }
    kill(-pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

static enum run_end watch(const struct run *r, pid_t pid, struct output *o, int *status)
{
    int raw;
    for (;;) {
        pid_t got = waitpid(pid, &raw, WNOHANG);
        if (got == pid)
            break;
        if (interrupted || now_ms() - o->start_ms > 1000L * r->timeout_s) {
            kill_group(pid, o);
            return interrupted ? RUN_INTERRUPTED : RUN_TIMEOUT;
        }
        pump(o, TICK_MS);
    }
    // Its last words are in the pipe already; what others of its group still hold open is not.
    for (long end = now_ms() + GRACE_MS; !o->ended && now_ms() < end;) {
        struct pollfd p = {.fd = o->from, .events = POLLIN};
        if (poll(&p, 1, 0) <= 0)
            break;
        pump(o, 0);
    }
    kill(-pid, SIGKILL);
    if (WIFSIGNALED(raw)) {
        *status = WTERMSIG(raw);
        return RUN_SIGNALLED;
    }
    *status = WEXITSTATUS(raw);
    return *status == NOT_EXECUTED ? RUN_NOT_STARTED : RUN_EXITED;
}

enum run_end run_child(const struct run *r, int *status)
{
    struct sigaction act = {.sa_handler = on_signal}, old_int, old_term;
    struct output o = {.start_ms = now_ms(), .step = r->step};
    int ends[2];
    *status = 0;
    if (pipe(ends) != 0)
        return RUN_NOT_STARTED;
    fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    o.from = ends[0];
    o.log = fopen(r->log, "w");
    interrupted = 0;
    sigemptyset(&act.sa_mask);
    sigaction(SIGINT, &act, &old_int);
    sigaction(SIGTERM, &act, &old_term);
    fflush(NULL);
    enum run_end end = RUN_NOT_STARTED;
    pid_t pid = o.log ? fork() : -1;
    if (pid == 0)
        child(r, ends[1]);
    close(ends[1]);
    if (pid > 0) {
        setpgid(pid, pid); // whichever of the two comes first
        end = watch(r, pid, &o, status);
    }
    sigaction(SIGINT, &old_int, NULL);
    sigaction(SIGTERM, &old_term, NULL);
    close(ends[0]);
    if (o.log)
        fclose(o.log);
    return end;
}
