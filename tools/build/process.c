// SPDX-License-Identifier: Apache-2.0
#include "tools/build/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { NOT_EXECUTED = 127 };

static _Noreturn void child(char *const argv[], const char *dir, const char *log)
{
    int fd;
    if (chdir(dir) != 0 || (fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644)) < 0)
        _exit(NOT_EXECUTED);
    int null = open("/dev/null", O_RDONLY);
    if (null < 0 || dup2(null, 0) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
        _exit(NOT_EXECUTED);
    execvp(argv[0], argv);
    _exit(NOT_EXECUTED);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int process_run(char *const argv[], const char *dir, const char *log, int timeout_s)
{
    const struct timespec pause = {.tv_nsec = 5000000};
    double end = seconds() + timeout_s;
    int status;
    pid_t pid = fork();
    if (pid < 0)
        return PROCESS_NOT_FOUND;
    if (pid == 0)
        child(argv, dir, log);
    for (;;) {
        pid_t got = waitpid(pid, &status, WNOHANG);
        if (got == pid)
            break;
        if (got < 0 && errno != EINTR)
            return PROCESS_NOT_FOUND;
        if (seconds() > end) {
            kill(pid, SIGKILL);
            waitpid(pid, &status, 0);
            return PROCESS_TIMEOUT;
        }
        nanosleep(&pause, NULL);
    }
    if (!WIFEXITED(status))
        return PROCESS_SIGNALLED;
    return WEXITSTATUS(status) == NOT_EXECUTED ? PROCESS_NOT_FOUND : WEXITSTATUS(status);
}
