// SPDX-License-Identifier: Apache-2.0
#include "tools/train/resume.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char magic[8] = "sc-run1";
enum { HASH_BYTES = crypto_hash_sha256_BYTES };

// Walks over a buffer, reading or writing.
struct walk {
    unsigned char *at;
    int writing;
};

static void pass(struct walk *w, void *value, size_t bytes)
{
    if (w->writing)
        memcpy(w->at, value, bytes);
    else
        memcpy(value, w->at, bytes);
    w->at += bytes;
}

static void pass_epoch(struct walk *w, struct fit_epoch *e)
{
    pass(w, &e->epoch, sizeof e->epoch);
    pass(w, &e->train_rmse, sizeof e->train_rmse);
    pass(w, &e->validation_rmse, sizeof e->validation_rmse);
    pass(w, &e->best_rmse, sizeof e->best_rmse);
    pass(w, &e->seconds, sizeof e->seconds);
}

static void pass_all(struct walk *w, struct resume *r)
{
    const size_t bytes = r->count * sizeof(real);
    struct fit_state *f = &r->fit;
    pass(w, &r->stage, sizeof r->stage);
    pass(w, &r->run, sizeof r->run);
    pass(w, &r->note.seed, sizeof r->note.seed);
    pass(w, &r->note.epoch, sizeof r->note.epoch);
    pass(w, &r->note.epochs, sizeof r->note.epochs);
    pass(w, r->floating, bytes);
    pass_epoch(w, &r->best);
    pass(w, &r->best_seed, sizeof r->best_seed);
    pass(w, r->best_param, bytes);
    pass(w, &r->inside, sizeof r->inside);
    pass(w, &f->epoch, sizeof f->epoch);
    pass_epoch(w, &f->best);
    pass(w, &f->dice, sizeof f->dice);
    pass(w, &f->step, sizeof f->step);
    pass(w, f->param, bytes);
    pass(w, f->kept, bytes);
    pass(w, f->mean, bytes);
    pass(w, f->square, bytes);
    pass(w, f->order, (size_t)r->windows * sizeof *f->order);
}

static size_t body_bytes(const struct resume *r)
{
    const struct fit_state *f = &r->fit;
    const size_t epoch = sizeof r->best.epoch + 4 * sizeof r->best.seconds;
    return sizeof r->stage + sizeof r->run + sizeof r->note.seed + 2 * sizeof r->note.epoch +
           2 * epoch + sizeof r->best_seed + sizeof r->inside + sizeof f->epoch + sizeof f->dice +
           sizeof f->step + 6 * r->count * sizeof(real) + (size_t)r->windows * sizeof *f->order;
}

static size_t file_bytes(const struct resume *r)
{
    return sizeof magic + RESUME_KEY_BYTES + body_bytes(r) + HASH_BYTES;
}

int resume_init(struct resume *r, size_t count, int windows)
{
    struct fit_state *f = &r->fit;
    *r = (struct resume){.count = count, .windows = windows};
    f->count = count;
    f->windows = windows;
    r->floating = calloc(count, sizeof(real));
    r->best_param = calloc(count, sizeof(real));
    f->param = calloc(count, sizeof(real));
    f->kept = calloc(count, sizeof(real));
    f->mean = calloc(count, sizeof(real));
    f->square = calloc(count, sizeof(real));
    f->order = calloc((size_t)windows, sizeof *f->order);
    if (r->floating && r->best_param && f->param && f->kept && f->mean && f->square && f->order)
        return 0;
    resume_fini(r);
    return -1;
}

void resume_fini(struct resume *r)
{
    free(r->floating);
    free(r->best_param);
    free(r->fit.param);
    free(r->fit.kept);
    free(r->fit.mean);
    free(r->fit.square);
    free(r->fit.order);
    *r = (struct resume){0};
}

static int write_file(const char *path, const unsigned char *data, size_t size, char *why,
                      size_t whycap)
{
    char part[4096];
    if ((size_t)snprintf(part, sizeof part, "%s.part", path) >= sizeof part) {
        snprintf(why, whycap, "%s: the name is too long", path);
        return -1;
    }
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    int rc = fd < 0 ? -1 : 0;
    for (size_t done = 0; !rc && done < size;) {
        ssize_t n = write(fd, data + done, size - done);
        if (n >= 0)
            done += (size_t)n;
        else if (errno != EINTR)
            rc = -1;
    }
    if (!rc && fsync(fd))
        rc = -1;
    if (fd >= 0 && close(fd))
        rc = -1;
    if (rc || rename(part, path)) {
        snprintf(why, whycap, "%s: %s", path, strerror(errno));
        return -1;
    }
    return 0;
}

int resume_save(const struct resume *r, const unsigned char key[RESUME_KEY_BYTES], const char *path,
                char *why, size_t whycap)
{
    const size_t size = file_bytes(r);
    unsigned char *data = malloc(size);
    struct resume copy = *r; // its arrays are only read
    if (!data) {
        snprintf(why, whycap, "%s: out of memory", path);
        return -1;
    }
    memcpy(data, magic, sizeof magic);
    memcpy(data + sizeof magic, key, RESUME_KEY_BYTES);
    struct walk w = {data + sizeof magic + RESUME_KEY_BYTES, 1};
    pass_all(&w, &copy);
    crypto_hash_sha256(w.at, data, size - HASH_BYTES);
    int rc = write_file(path, data, size, why, whycap);
    free(data);
    return rc;
}

// Whether data is a state of that training; else why.
static int is_ours(const unsigned char *data, size_t got, size_t size,
                   const unsigned char key[RESUME_KEY_BYTES], const char *path, char *why,
                   size_t whycap)
{
    unsigned char hash[HASH_BYTES];
    if (got < sizeof magic + RESUME_KEY_BYTES || memcmp(data, magic, sizeof magic) != 0) {
        snprintf(why, whycap, "%s: not a training's state", path);
        return 0;
    }
    if (memcmp(data + sizeof magic, key, RESUME_KEY_BYTES) != 0) {
        snprintf(why, whycap, "%s: the state of another training (options or series differ)", path);
        return 0;
    }
    crypto_hash_sha256(hash, data, size - HASH_BYTES);
    if (got != size || memcmp(hash, data + size - HASH_BYTES, HASH_BYTES) != 0) {
        snprintf(why, whycap, "%s: damaged", path);
        return 0;
    }
    return 1;
}

int resume_load(struct resume *r, const unsigned char key[RESUME_KEY_BYTES], const char *path,
                char *why, size_t whycap)
{
    const size_t size = file_bytes(r);
    FILE *in = fopen(path, "rb");
    if (!in && errno == ENOENT)
        return 1;
    if (!in) {
        snprintf(why, whycap, "%s: %s", path, strerror(errno));
        return -1;
    }
    unsigned char *data = calloc(1, size + 1); // one more, to see a longer file
    size_t got = data ? fread(data, 1, size + 1, in) : 0;
    int rc = -1;
    fclose(in);
    if (!data) {
        snprintf(why, whycap, "%s: out of memory", path);
    } else if (is_ours(data, got, size, key, path, why, whycap)) {
        struct walk w = {data + sizeof magic + RESUME_KEY_BYTES, 0};
        pass_all(&w, r);
        rc = 0;
    }
    free(data);
    return rc;
}
