// SPDX-License-Identifier: Apache-2.0
#include "tools/explore/result.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/explore/options.h"

static int write_all(int fd, const char *text, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = write(fd, text + done, size - done);
        if (n < 0 && errno != EINTR)
            return -1;
        done += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int is_special(const char *path)
{
    struct stat info;
    return !stat(path, &info) && !S_ISREG(info.st_mode);
}

static int put_plainly(const char *path, const char *text, size_t size)
{
    int fd = open(path, O_WRONLY);
    int rc = fd < 0 ? -1 : write_all(fd, text, size);
    if (fd >= 0 && close(fd))
        rc = -1;
    return rc;
}

static int put_by_rename(const char *path, const char *text, size_t size)
{
    char part[RESULT_PATH_BYTES], host[HOST_NAME_MAX + 1] = "";
    gethostname(host, sizeof host - 1);
    // Whoever writes the same file at the same time, here or on another machine, has another part.
    int n = snprintf(part, sizeof part, "%s.%s.%ld.part", path, host, (long)getpid());
    if (n < 0 || n >= (int)sizeof part) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return -1;
    int rc = write_all(fd, text, size) || fsync(fd) ? -1 : 0;
    if (close(fd))
        rc = -1;
    if (!rc)
        rc = rename(part, path);
    if (rc) {
        int error = errno;
        unlink(part);
        errno = error;
    }
    return rc;
}

int result_put(const char *path, const char *text, size_t size, char *why, size_t whycap)
{
    int rc = is_special(path) ? put_plainly(path, text, size) : put_by_rename(path, text, size);
    if (rc)
        snprintf(why, whycap, "%s: %s", path, strerror(errno));
    return rc;
}

int result_write(const char *path, const json_t *root)
{
    char why[RESULT_PATH_BYTES + 64] = "out of memory";
    char *text = root ? json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) : NULL;
    int rc = text ? result_put(path, text, strlen(text), why, sizeof why) : -1;
    free(text);
    return rc ? complain(EXIT_WRITE, "not written: %s", why) : EXIT_OK;
}
