// SPDX-License-Identifier: Apache-2.0
#include "daemon/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 1024 };

static enum log_level max_level = LEVEL_INFO;
static const char *process_name;
static int under_journal;

void log_init(enum log_level level, const char *name)
{
    max_level = level;
    process_name = name;
    under_journal = getenv("JOURNAL_STREAM") != NULL;
}

enum log_level log_level(void)
{
    return max_level;
}

static int put_prefix(char *line, size_t cap, enum log_level level)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    static const int priorities[] = {3, 4, 6, 7};
    if (under_journal)
        return snprintf(line, cap, "<%d>", priorities[level]);
    struct timespec t;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &t);
    localtime_r(&t.tv_sec, &tm);
    return snprintf(line, cap, "%02d:%02d:%02d.%03ld %-5s ", tm.tm_hour, tm.tm_min, tm.tm_sec,
                    t.tv_nsec / 1000000, names[level]);
}

void log_line(enum log_level level, const char *area, const char *format, ...)
{
    if (level > max_level)
        return;
    char line[LINE_BYTES];
    size_t cap = sizeof line - 1; // room for the newline
    size_t n = (size_t)put_prefix(line, cap, level);
    n += (size_t)snprintf(line + n, cap - n, "%s%s%s: ", process_name ? process_name : "",
                          process_name ? "/" : "", area);
    if (n < cap) {
        va_list args;
        va_start(args, format);
        int more = vsnprintf(line + n, cap - n, format, args);
        va_end(args);
        n += more > 0 ? (size_t)more : 0;
    }
    if (n >= cap)
        n = cap - 1;
    for (size_t i = 0; i < n; i++) // text from clients and children must not forge lines
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[n++] = '\n';
    if (write(STDERR_FILENO, line, n) < 0) {
        // nowhere left to say it
    }
}
