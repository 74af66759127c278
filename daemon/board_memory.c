// SPDX-License-Identifier: Apache-2.0
#include "daemon/board_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/conf.h"
#include "daemon/log.h"

enum { PATH_BYTES = CONF_PATH_MAX + CONF_NAME_MAX + 32 };

static void path_of(char out[PATH_BYTES], const char *run_dir, const char *board, const char *end)
{
    snprintf(out, PATH_BYTES, "%s/board-%s.%s", run_dir, board, end);
}

void board_memory_write(const char *run_dir, const char *board, const char *variant)
{
    char path[PATH_BYTES], fresh[PATH_BYTES];
    path_of(path, run_dir, board, "variant");
    path_of(fresh, run_dir, board, "variant.new");
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    size_t n = strlen(variant);
    bool ok = fd >= 0 && write(fd, variant, n) == (ssize_t)n;
    if (fd >= 0)
        close(fd);
    if (!ok || rename(fresh, path) < 0)
        log_warn("board", "cannot remember variant path=%s error=%s", path, strerror(errno));
}

void board_memory_forget(const char *run_dir, const char *board)
{
    char path[PATH_BYTES];
    path_of(path, run_dir, board, "variant");
    unlink(path);
}

bool board_memory_read(const char *run_dir, const char *board, char *out, size_t cap)
{
    char path[PATH_BYTES];
    path_of(path, run_dir, board, "variant");
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, out, cap - 1);
    close(fd);
    out[n > 0 ? n : 0] = '\0';
    return n > 0;
}
