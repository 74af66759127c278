// SPDX-License-Identifier: Apache-2.0
// Files that are there as a whole or not at all, whoever is killed and whoever else writes them.
#ifndef SEVENCAST_EXPLORE_RESULT_H
#define SEVENCAST_EXPLORE_RESULT_H

#include <jansson.h>
#include <stddef.h>

enum { RESULT_PATH_BYTES = 1024 };

// Writes by rename, where path is a file or nothing yet; what else there is (a pipe, a device) is
// written to. 0, or -1 with why.
int result_put(const char *path, const char *text, size_t size, char *why, size_t whycap);

// A command's result, a digit in nine. EXIT_OK, or EXIT_WRITE after a message.
int result_write(const char *path, const json_t *root);

#endif
