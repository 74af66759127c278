// SPDX-License-Identifier: Apache-2.0
// Log lines on stderr: "area: message key=value". Under systemd each line carries its priority and
// the journal adds the time; elsewhere the line begins with the time of day and the level.
//   error  an operation failed        warn   something went wrong and was mended
//   info   a state changed            debug  why a decision was taken
#ifndef SEVENCAST_DAEMON_LOG_H
#define SEVENCAST_DAEMON_LOG_H

enum log_level { LEVEL_ERROR, LEVEL_WARN, LEVEL_INFO, LEVEL_DEBUG };

// Lines above the level are dropped; name (borrowed, NULL = none) is put before the area, so that
// the workers' lines can be told apart.
void log_init(enum log_level level, const char *name);
enum log_level log_level(void);

// One line, cut at 1,000 bytes, written with one write(2); control characters become '?'.
void log_line(enum log_level level, const char *area, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(...) log_line(LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LEVEL_DEBUG, __VA_ARGS__)

#endif
