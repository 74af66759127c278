// SPDX-License-Identifier: Apache-2.0
#include "tools/vboard/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int log_fd = STDERR_FILENO;
static enum log_level log_level = LOG_LEVEL_WARN;

int log_open(const char *path, enum log_level level)
{
    log_level = level;
    if (!path)
        return 0;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0)
        return -1;
    log_fd = fd;
    return 0;
}

// One write per line, so that lines of several processes do not mix.
void log_line(enum log_level level, const char *format, ...)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    if (level > log_level)
        return;
    char line[1024];
    int n = 0;
    if (log_fd == STDERR_FILENO) {
        n = snprintf(line, sizeof line, "vboard: ");
    } else {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        n = snprintf(line, sizeof line, "%lld.%06ld %s ", (long long)t.tv_sec, t.tv_nsec / 1000,
                     names[level]);
    }
    va_list a;
    va_start(a, format);
    int m = vsnprintf(line + n, sizeof line - (size_t)n - 1, format, a);
    va_end(a);
    size_t total = (size_t)n + (m > 0 ? (size_t)m : 0);
    if (total > sizeof line - 2)
        total = sizeof line - 2;
    line[total++] = '\n';
    ssize_t r = write(log_fd, line, total);
    (void)r; // a log that cannot be written must not stop the board
}
