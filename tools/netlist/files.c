// SPDX-License-Identifier: Apache-2.0
#include "tools/netlist/files.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FILE_BYTES = 256 << 20, MAX_PATH = 4096 };

const char *pool_format(struct pool *pool, const char *format, ...)
{
    char text[2 * MAX_PATH];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return pool_text(pool, text);
}

char *file_read(struct pool *pool, const char *path, size_t *length, const char **message)
{
    char *text = NULL;
    FILE *file = fopen(path, "rb");
    long end = -1;
    if (file && fseek(file, 0, SEEK_END) == 0)
        end = ftell(file);
    if (end < 0 || end > MAX_FILE_BYTES || fseek(file, 0, SEEK_SET) != 0)
        goto fail;
    text = pool_alloc(pool, (size_t)end + 1);
    *length = fread(text, 1, (size_t)end, file);
    if (*length != (size_t)end || ferror(file))
        goto fail;
    fclose(file);
    return text;
fail:
    *message = pool_format(pool, "%s: cannot be read: %s", path,
                           end > MAX_FILE_BYTES ? "too large" : strerror(errno));
    if (file)
        fclose(file);
    return NULL;
}

const char **file_list(struct pool *pool, const char *path, const char *root, size_t *count,
                       const char **message)
{
    size_t length;
    char *text = file_read(pool, path, &length, message);
    if (!text)
        return NULL;
    const char **list = NULL;
    *count = 0;
    for (char *line = text, *next; line < text + length; line = next) {
        size_t size = strcspn(line, "\n");
        next = line + size + 1;
        line[size] = 0;
        line[strcspn(line, "#\r")] = 0;
        line += strspn(line, " \t");
        size = strlen(line);
        while (size && (line[size - 1] == ' ' || line[size - 1] == '\t'))
            line[--size] = 0;
        if (!size)
            continue;
        list = pool_grow(pool, list, *count, sizeof *list);
        list[(*count)++] =
            line[0] == '/' ? pool_text(pool, line) : pool_format(pool, "%s/%s", root, line);
    }
    if (*count == 0) {
        *message = pool_format(pool, "%s: no file in this list", path);
        return NULL;
    }
    list = pool_grow(pool, list, *count, sizeof *list);
    list[*count] = NULL;
    return list;
}

bool folder_make(struct pool *pool, const char *path, const char **message)
{
    struct stat status;
    if (mkdir(path, 0777) == 0 ||
        (errno == EEXIST && stat(path, &status) == 0 && S_ISDIR(status.st_mode)))
        return true;
    *message = pool_format(pool, "%s: cannot make this folder: %s", path, strerror(errno));
    return false;
}

const char *path_absolute(struct pool *pool, const char *path)
{
    char here[MAX_PATH];
    if (path[0] == '/' || !getcwd(here, sizeof here))
        return pool_text(pool, path);
    return pool_format(pool, "%s/%s", here, path);
}
