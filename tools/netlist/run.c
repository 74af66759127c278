// SPDX-License-Identifier: Apache-2.0
#include "tools/netlist/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_NOT_FOUND = 127 };

static void redirect(const char *path, int fd)
{
    int file = open(path ? path : "/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (file < 0 || dup2(file, fd) < 0)
        _exit(EXIT_NOT_FOUND);
    close(file);
}

// Behind fork: only what is safe there.
static void become(char *const argv[], const char *in_folder, const char *output,
                   const char *errors, int report)
{
    setpgid(0, 0);
    redirect(output, STDOUT_FILENO);
    redirect(errors, STDERR_FILENO);
    if (!in_folder || chdir(in_folder) == 0)
        execvp(argv[0], argv);
    char why = (char)errno;
    if (write(report, &why, 1) < 0)
        _exit(EXIT_NOT_FOUND);
    _exit(EXIT_NOT_FOUND);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// Waits until the other end of the pipe is closed, which is when the tool and its children are
// gone.
static bool wait_closed(int fd, uint64_t deadline_ns)
{
    for (;;) {
        uint64_t now = now_ns();
        if (now >= deadline_ns)
            return false;
        uint64_t left_ms = (deadline_ns - now) / 1000000 + 1;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = poll(&p, 1, left_ms > 1000000 ? 1000000 : (int)left_ms);
        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return false;
    }
}

int run_tool(const char *const argv[], const char *in_folder, const char *output,
             const char *errors, uint64_t timeout_ns)
{
    int report[2], alive[2];
    size_t count = 0;
    while (argv[count])
        count++;
    char **words = calloc(count + 1, sizeof *words); // execvp's const is not ours
    if (!words)
        return RUN_FAILED;
    memcpy(words, argv, count * sizeof *words);
    if (pipe(report) < 0) {
        free(words);
        return RUN_FAILED;
    }
    if (pipe(alive) < 0) {
        close(report[0]);
        close(report[1]);
        free(words);
        return RUN_FAILED;
    }
    fcntl(report[1], F_SETFD, FD_CLOEXEC);
    fcntl(report[0], F_SETFD, FD_CLOEXEC);
    fcntl(alive[0], F_SETFD, FD_CLOEXEC);
    pid_t pid = fork();
    if (pid == 0)
        become(words, in_folder, output, errors, report[1]);
    close(report[1]);
    close(alive[1]);
    int result = RUN_FAILED, status = 0;
    if (pid > 0) {
        bool ended = wait_closed(alive[0], now_ns() + timeout_ns);
        if (!ended)
            kill(-pid, SIGKILL); // its own group: made in become()
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        char why = 0;
        if (!ended)
            result = RUN_TIMED_OUT;
        else if (read(report[0], &why, 1) == 1)
            result = why == ENOENT ? RUN_NOT_FOUND : RUN_FAILED;
        else if (WIFEXITED(status))
            result = WEXITSTATUS(status);
    }
    close(report[0]);
    close(alive[0]);
    free(words);
    return result;
}
