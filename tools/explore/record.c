// SPDX-License-Identifier: Apache-2.0
#include "tools/explore/record.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SUM_DIGITS = 16, MAX_FILE_BYTES = 1 << 30, MAX_LINES = 1000 * 1000 };

static void checksum(const char *text, size_t length, char digits[SUM_DIGITS + 1])
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256(hash, (const unsigned char *)text, length);
    sodium_bin2hex(digits, SUM_DIGITS + 1, hash, SUM_DIGITS / 2);
}

static json_t *finite_or_null(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

int record_write_line(const struct trial_setting *s, const struct trial *t,
                      char line[RECORD_LINE_BYTES])
{
    char key[TRIAL_HEX_BYTES], bits[TRIAL_TEXT_BYTES], sum[SUM_DIGITS + 1];
    const struct fit_options *f = &s->plan.fit;
    trial_key(s, t, key);
    trial_text(&s->plan.shape, &t->bits, bits, sizeof bits);
    json_t *object =
        json_pack("{s:s, s:s, s:I, s:i, s:f, s:o, s:o, s:i, s:f}", "key", key, "bits", bits, "seed",
                  (json_int_t)t->seed, "epochs", t->epochs ? t->epochs : f->epochs, "rate",
                  t->rate > 0 ? t->rate : f->rate, "validation_rmse",
                  finite_or_null(t->validation_rmse), "test_rmse", finite_or_null(t->test_rmse),
                  "best_epoch", t->best_epoch, "seconds", t->seconds);
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(object);
    if (!text)
        return -1;
    checksum(text, strlen(text), sum);
    int n = snprintf(line, RECORD_LINE_BYTES, "%s %s\n", sum, text);
    free(text);
    return n > 0 && n < RECORD_LINE_BYTES ? 0 : -1;
}

int record_read_line(const char *line, size_t length, struct record_entry *e)
{
    char sum[SUM_DIGITS + 1];
    if (length < SUM_DIGITS + 3 || line[SUM_DIGITS] != ' ' || line[length - 1] != '\n')
        return -1;
    const char *text = line + SUM_DIGITS + 1;
    const size_t bytes = length - SUM_DIGITS - 2;
    checksum(text, bytes, sum);
    if (memcmp(sum, line, SUM_DIGITS) != 0)
        return -1;
    json_t *object = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, NULL);
    json_t *validation = json_object_get(object, "validation_rmse");
    json_t *test = json_object_get(object, "test_rmse");
    const char *key = json_string_value(json_object_get(object, "key"));
    int rc = key && strlen(key) == TRIAL_HEX_BYTES - 1 && validation && test ? 0 : -1;
    if (!rc) {
        snprintf(e->key, sizeof e->key, "%s", key);
        e->validation_rmse = json_is_null(validation) ? INFINITY : json_number_value(validation);
        e->test_rmse = json_is_null(test) ? NAN : json_number_value(test);
        e->best_epoch = (int)json_integer_value(json_object_get(object, "best_epoch"));
        e->seconds = json_number_value(json_object_get(object, "seconds"));
        rc = e->validation_rmse > 0 ? 0 : -1;
    }
    json_decref(object);
    return rc;
}

void record_init(struct record *r)
{
    *r = (struct record){.fd = -1};
}

int record_keep(struct record *r, const struct record_entry *e)
{
    if (r->count == r->capacity) {
        const int room = r->capacity ? 2 * r->capacity : 64;
        struct record_entry *more =
            room > MAX_LINES ? NULL : realloc(r->entry, (size_t)room * sizeof *r->entry);
        if (!more)
            return -1;
        r->entry = more;
        r->capacity = room;
    }
    r->entry[r->count++] = *e;
    return 0;
}

// Takes the whole lines of text; returns how many bytes they have, or -1 when memory is short.
static long take_lines(struct record *r, const char *text, size_t size)
{
    size_t at = 0;
    while (at < size) {
        const char *end = memchr(text + at, '\n', size - at);
        struct record_entry e;
        if (!end)
            break;
        const size_t length = (size_t)(end - text) - at + 1;
        if (record_read_line(text + at, length, &e))
            r->damaged++;
        else if (record_keep(r, &e))
            return -1;
        at += length;
    }
    r->torn = at < size;
    return (long)at;
}

static int read_all(struct record *r, char *why, size_t whycap)
{
    struct stat info;
    if (fstat(r->fd, &info) || !S_ISREG(info.st_mode) || info.st_size > MAX_FILE_BYTES) {
        snprintf(why, whycap, "%s: not a file of results", r->path);
        return -1;
    }
    const size_t size = (size_t)info.st_size;
    char *text = malloc(size + 1);
    size_t got = 0;
    while (text && got < size) {
        ssize_t n = read(r->fd, text + got, size - got);
        if (n <= 0 && errno != EINTR)
            break;
        got += n > 0 ? (size_t)n : 0;
    }
    long whole = text && got == size ? take_lines(r, text, size) : -1;
    free(text);
    if (whole < 0 || (r->torn && ftruncate(r->fd, whole)) || lseek(r->fd, 0, SEEK_END) < 0) {
        snprintf(why, whycap, "%s: %s", r->path, whole < 0 ? "cannot be read" : strerror(errno));
        return -1;
    }
    // Something that is no record at all is not appended to.
    if (r->damaged && !r->count) {
        snprintf(why, whycap, "%s: not a file of results", r->path);
        return -1;
    }
    return 0;
}

int record_open(struct record *r, const char *path, char *why, size_t whycap)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    record_init(r);
    if ((size_t)snprintf(r->path, sizeof r->path, "%s", path) >= sizeof r->path) {
        snprintf(why, whycap, "%s: the name is too long", path);
        return -1;
    }
    r->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (r->fd < 0) {
        snprintf(why, whycap, "%s: %s", path, strerror(errno));
        return -1;
    }
    if (fcntl(r->fd, F_SETLK, &lock)) {
        snprintf(why, whycap, "%s: %s", path,
                 errno == EACCES || errno == EAGAIN ? "in use" : strerror(errno));
        record_close(r);
        return -1;
    }
    int rc = read_all(r, why, whycap);
    if (rc)
        record_close(r);
    return rc;
}

void record_close(struct record *r)
{
    if (r->fd >= 0)
        close(r->fd);
    free(r->entry);
    record_init(r);
}

void record_warn(const struct record *r)
{
    if (r->torn || r->damaged)
        fprintf(stderr, "sevencast-explore: %s: %d line cut off at its end, %d damaged\n", r->path,
                r->torn, r->damaged);
}

int record_find(const struct record *r, const char key[TRIAL_HEX_BYTES], struct trial *t)
{
    for (int i = 0; i < r->count; i++)
        if (!memcmp(r->entry[i].key, key, TRIAL_HEX_BYTES)) {
            t->validation_rmse = r->entry[i].validation_rmse;
            t->test_rmse = r->entry[i].test_rmse;
            t->best_epoch = r->entry[i].best_epoch;
            t->seconds = r->entry[i].seconds;
            t->done = 1;
            return 1;
        }
    return 0;
}

static int append(struct record *r, const char *line, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t n = write(r->fd, line + done, length - done);
        if (n < 0 && errno != EINTR)
            return -1;
        done += n > 0 ? (size_t)n : 0;
    }
    return fsync(r->fd);
}

int record_add(struct record *r, const struct trial_setting *s, const struct trial *t, char *why,
               size_t whycap)
{
    struct record_entry e = {.validation_rmse = t->validation_rmse,
                             .test_rmse = t->test_rmse,
                             .seconds = t->seconds,
                             .best_epoch = t->best_epoch};
    char line[RECORD_LINE_BYTES];
    trial_key(s, t, e.key);
    if (record_write_line(s, t, line) || record_keep(r, &e)) {
        snprintf(why, whycap, "results: out of memory");
        return -1;
    }
    if (r->fd >= 0 && append(r, line, strlen(line))) {
        snprintf(why, whycap, "%s: %s", r->path, strerror(errno));
        return -1;
    }
    return 0;
}
