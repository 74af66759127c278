// SPDX-License-Identifier: Apache-2.0
// Log lines of the virtual board: "area: message key=value", to stderr or a file.
#ifndef SEVENCAST_VBOARD_LOG_H
#define SEVENCAST_VBOARD_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

// path NULL: errors and warnings go to stderr. With a path everything up to level goes there.
// 0, or -1 when the file cannot be opened.
int log_open(const char *path, enum log_level level);
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
