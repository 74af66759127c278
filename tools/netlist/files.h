// SPDX-License-Identifier: Apache-2.0
// Files, folders and lists of files.
#ifndef SEVENCAST_NETLIST_FILES_H
#define SEVENCAST_NETLIST_FILES_H

#include "tools/netlist/pool.h"

#include <stdbool.h>

// A whole file, with a 0 behind it. NULL: *message says why.
char *file_read(struct pool *pool, const char *path, size_t *length, const char **message);

// The paths of a list: one a line, # begins a comment; relative ones stand under root. Ends with
// NULL.
const char **file_list(struct pool *pool, const char *path, const char *root, size_t *count,
                       const char **message);

// Makes the folder unless it is there; not its parents.
bool folder_make(struct pool *pool, const char *path, const char **message);

// printf into the pool.
const char *pool_format(struct pool *pool, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// The path made absolute, without looking at the file system.
const char *path_absolute(struct pool *pool, const char *path);

#endif
