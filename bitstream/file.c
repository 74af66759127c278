// SPDX-License-Identifier: Apache-2.0
// Bitstream files: reading them, and the header of a .bit.
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bitstream/bitstream.h"

// Every .bit begins with a field of nine bytes whose meaning was never published.
static const uint8_t magic[13] = {0x00, 0x09, 0x0f, 0xf0, 0x0f, 0xf0, 0x0f,
                                  0xf0, 0x0f, 0xf0, 0x00, 0x00, 0x01};

static enum bitstream_verdict refuse(enum bitstream_verdict v, char *why, size_t whycap,
                                     const char *format, ...) __attribute__((format(printf, 4, 5)));

static enum bitstream_verdict refuse(enum bitstream_verdict v, char *why, size_t whycap,
                                     const char *format, ...)
{
    va_list args;

    va_start(args, format);
    if (whycap > 0)
        vsnprintf(why, whycap, format, args);
    va_end(args);
    return v;
}

// Keeps printable ASCII, so that nothing in a file can reach a terminal or log as it is.
static void keep_text(char *out, size_t cap, const uint8_t *text, size_t n)
{
    size_t i = 0;

    for (; i < n && i + 1 < cap && text[i] != '\0'; i++)
        out[i] = (char)(text[i] < 0x20 || text[i] > 0x7e ? '?' : text[i]);
    out[i] = '\0';
}

// The four text fields a..d, in this order; *at moves behind them.
static enum bitstream_verdict read_texts(const uint8_t *file, size_t n, size_t *at,
                                         struct bitstream_header *h, char *why, size_t whycap)
{
    const struct {
        char *text;
        size_t cap;
    } field[] = {{h->design, sizeof h->design},
                 {h->part, sizeof h->part},
                 {h->date, sizeof h->date},
                 {h->time, sizeof h->time}};

    for (size_t i = 0; i < 4; i++) {
        size_t len;
        if (n - *at < 3)
            return refuse(BITSTREAM_TRUNCATED, why, whycap, "header: ends at byte %zu, in field %c",
                          n, (int)('a' + i));
        if (file[*at] != 'a' + i)
            return refuse(BITSTREAM_BAD_HEADER, why, whycap,
                          "header: byte %zu is 0x%02x, not field %c", *at, file[*at],
                          (int)('a' + i));
        len = (size_t)file[*at + 1] << 8 | file[*at + 2];
        *at += 3;
        if (n - *at < len)
            return refuse(BITSTREAM_TRUNCATED, why, whycap,
                          "header: field %c says %zu bytes, %zu are left", (int)('a' + i), len,
                          n - *at);
        keep_text(field[i].text, field[i].cap, file + *at, len);
        *at += len;
    }
    return BITSTREAM_OK;
}

enum bitstream_verdict bitstream_header_read(const uint8_t *file, size_t n,
                                             struct bitstream_header *h, char *why, size_t whycap)
{
    size_t at = sizeof magic;
    enum bitstream_verdict v;
    uint32_t length;

    memset(h, 0, sizeof *h);
    if (n < 2 || file[0] != magic[0] || file[1] != magic[1]) {
        h->data_bytes = n; // a raw stream
        return BITSTREAM_OK;
    }
    if (n < sizeof magic)
        return refuse(BITSTREAM_TRUNCATED, why, whycap, "header: ends at byte %zu", n);
    if (memcmp(file, magic, sizeof magic) != 0)
        return refuse(BITSTREAM_BAD_HEADER, why, whycap, "header: not that of a .bit file");
    v = read_texts(file, n, &at, h, why, whycap);
    if (v != BITSTREAM_OK)
        return v;
    if (n - at < 5)
        return refuse(BITSTREAM_TRUNCATED, why, whycap, "header: ends at byte %zu, in field e", n);
    if (file[at] != 'e')
        return refuse(BITSTREAM_BAD_HEADER, why, whycap, "header: byte %zu is 0x%02x, not field e",
                      at, file[at]);
    length = (uint32_t)file[at + 1] << 24 | (uint32_t)file[at + 2] << 16 |
             (uint32_t)file[at + 3] << 8 | file[at + 4];
    at += 5;
    if (n - at < length)
        return refuse(BITSTREAM_TRUNCATED, why, whycap, "data: %zu bytes, the header says %lu",
                      n - at, (unsigned long)length);
    if (n - at > length)
        return refuse(BITSTREAM_BAD_HEADER, why, whycap,
                      "data: %zu bytes follow the %lu that the header says", n - at - length,
                      (unsigned long)length);
    h->data_offset = at;
    h->data_bytes = length;
    return BITSTREAM_OK;
}

uint8_t *bitstream_load(const char *path, size_t *n, char *why, size_t whycap)
{
    uint8_t *bytes = NULL;
    struct stat st;
    size_t got = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a FIFO must not hang us

    if (fd < 0 || fstat(fd, &st) < 0) {
        refuse(BITSTREAM_UNREADABLE, why, whycap, "%s: %s", path, strerror(errno));
        goto fail;
    }
    if (!S_ISREG(st.st_mode)) {
        refuse(BITSTREAM_UNREADABLE, why, whycap, "%s: not a regular file", path);
        goto fail;
    }
    if (st.st_size > BITSTREAM_MAX_BYTES) {
        refuse(BITSTREAM_UNREADABLE, why, whycap, "%s: %lld bytes, at most %d", path,
               (long long)st.st_size, BITSTREAM_MAX_BYTES);
        goto fail;
    }
    bytes = malloc((size_t)st.st_size + 1);
    if (bytes == NULL) {
        refuse(BITSTREAM_UNREADABLE, why, whycap, "%s: no memory for %lld bytes", path,
               (long long)st.st_size);
        goto fail;
    }
    while (got < (size_t)st.st_size) {
        ssize_t r = read(fd, bytes + got, (size_t)st.st_size - got);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0) {
            refuse(BITSTREAM_UNREADABLE, why, whycap, "%s: %s", path,
                   r < 0 ? strerror(errno) : "became shorter meanwhile");
            goto fail;
        }
        got += (size_t)r;
    }
    close(fd);
    *n = got;
    return bytes;
fail:
    free(bytes);
    if (fd >= 0)
        close(fd);
    return NULL;
}
