// SPDX-License-Identifier: Apache-2.0
#include "daemon/loader.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/sched.h"

enum { TICK_MS = 100, NOT_STARTED = 127 };

// The child: must not outlive the worker, which alone knows its deadline. Only functions that are
// safe after fork.
static void run_child(char *const argv[], int output, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(NOT_STARTED);
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0)
        _exit(NOT_STARTED);
    execv(argv[0], argv);
    _exit(NOT_STARTED);
}

static pid_t start(char *const argv[], int *output)
{
    int fds[2];
    if (pipe(fds) < 0)
        return -1;
    for (int i = 0; i < 2; i++)
        fcntl(fds[i], F_SETFD, FD_CLOEXEC);
    fcntl(fds[0], F_SETFL, O_NONBLOCK);
    pid_t parent = getpid(), pid = fork();
    if (pid == 0)
        run_child(argv, fds[1], parent);
    close(fds[1]);
    if (pid < 0)
        close(fds[0]);
    *output = fds[0];
    return pid;
}

// Keeps the beginning; the rest is read and dropped, so that the child never waits for us.
static void take_output(int fd, char *kept, size_t *n)
{
    char bytes[1024];
    ssize_t got;
    while ((got = read(fd, bytes, sizeof bytes)) > 0) {
        size_t room = LOADER_OUTPUT_MAX - *n;
        size_t take = (size_t)got < room ? (size_t)got : room;
        memcpy(kept + *n, bytes, take);
        *n += take;
    }
}

static bool complains(const char *line)
{
    static const char *const words[] = {"error",  "fail",      "can't",     "cannot",
                                        "unable", "no device", "not found", NULL};
    for (int w = 0; words[w]; w++)
        for (const char *at = line; *at; at++)
            if (strncasecmp(at, words[w], strlen(words[w])) == 0)
                return true;
    return false;
}

static void find_complaint(char *text, size_t n, struct loader_result *r)
{
    for (size_t i = 0; i < n; i++)
        if (text[i] == '\r' || text[i] == '\0')
            text[i] = '\n';
    text[n] = '\0';
    for (char *line = text; line;) {
        char *end = strchr(line, '\n');
        if (end)
            *end++ = '\0';
        if (complains(line)) {
            while (isspace((unsigned char)*line))
                line++;
            snprintf(r->complaint, sizeof r->complaint, "%s", line);
            return;
        }
        line = end;
    }
}

void loader_run(char *const argv[], uint64_t timeout_ns, loader_tick_fn *tick, void *arg,
                struct loader_result *r)
{
    char kept[LOADER_OUTPUT_MAX + 1];
    size_t n = 0;
    int output, status = 0;
    uint64_t until = now_ns() + timeout_ns;
    memset(r, 0, sizeof *r);
    pid_t pid = start(argv, &output);
    if (pid < 0) {
        snprintf(r->complaint, sizeof r->complaint, "cannot start: %s", strerror(errno));
        return;
    }
    bool killed = false, ended = false;
    // SIGKILL does not end a child that hangs in the kernel; then tick is not called any more, and
    // the front end ends this silent worker.
    while (!ended) {
        struct pollfd fd = {.fd = output, .events = POLLIN};
        poll(&fd, 1, fd.revents & POLLHUP ? 5 : TICK_MS);
        take_output(output, kept, &n);
        if (fd.revents & POLLHUP) // all ends closed, its exit is near
            poll(NULL, 0, 1);
        ended = waitpid(pid, &status, WNOHANG) == pid;
        bool late = now_ns() > until;
        if (!ended && !killed && (!tick(arg) || late)) {
            r->timed_out = late;
            kill(pid, SIGKILL);
            killed = true;
        }
    }
    take_output(output, kept, &n);
    close(output);
    r->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    r->ran = r->exit_code != NOT_STARTED;
    find_complaint(kept, n, r);
    if (!r->ran)
        snprintf(r->complaint, sizeof r->complaint, "cannot run %.120s", argv[0]);
}
