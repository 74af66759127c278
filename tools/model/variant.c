// SPDX-License-Identifier: Apache-2.0
// A variant's folder: three files, two hashes.
#include "tools/model/variant.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/model/model_internal.h"
#include "tools/model/variant_text.h"

enum { PATH_BYTES = 4096 };

void variant_hex(const uint8_t *bytes, size_t n, char *out)
{
    sodium_bin2hex(out, 2 * n + 1, bytes, n);
}

void variant_sha256(const void *bytes, size_t n, uint8_t hash[VARIANT_HASH_BYTES])
{
    crypto_hash_sha256(hash, bytes, n);
}

struct variant *variant_new(struct model *mdl)
{
    struct variant *v = calloc(1, sizeof *v);

    if (v == NULL)
        return NULL;
    v->model = mdl;
    v->x_scale = v->y_scale = 1;
    for (int i = 0; i < MODEL_MAX_FEATURES; i++)
        v->feature[i].scale = 1;
    for (int i = 0; i < MODEL_MAX_OUTPUTS; i++)
        v->target[i].scale = 1;
    return v;
}

void variant_free(struct variant *v)
{
    if (v == NULL)
        return;
    model_free(v->model);
    json_decref(v->metrics);
    json_decref(v->hardware);
    json_decref(v->training);
    free(v);
}

static int check_name(const char *field, const char *name, char *why, size_t whycap)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

    if (name[0] == '\0' || name[0] == '-' || name[strspn(name, allowed)] != '\0')
        return model_refuse(
            why, whycap, "manifest.json: %s: a name is a-z, 0-9 and - and starts with no -", field);
    return 0;
}

// What a reader of the manifest would refuse must not get into one.
static int check_text(const char *list, int i, const char *field, const char *text, char *why,
                      size_t whycap)
{
    const char *reason = NULL;
    json_t *as_json = json_string(text);

    if (as_json == NULL)
        reason = "not UTF-8";
    json_decref(as_json);
    for (const char *p = text; *p != '\0'; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            reason = "a control character";
    if (text[0] == '\0' && strcmp(field, "name") == 0)
        reason = "empty";
    if (reason == NULL)
        return 0;
    return model_refuse(why, whycap, "manifest.json: %s[%d].%s: %s", list, i, field, reason);
}

// offset may be NULL where only a scale is to be judged.
static int check_scale(const char *list, int i, const double *offset, double scale, char *why,
                       size_t whycap)
{
    char at[32] = "";

    if (i >= 0)
        snprintf(at, sizeof at, "[%d]", i);
    if (offset != NULL && !isfinite(*offset))
        return model_refuse(why, whycap, "manifest.json: %s%s.offset: not finite", list, at);
    if (!isfinite(scale) || scale <= 0)
        return model_refuse(why, whycap, "manifest.json: %s%s.scale: %g is not above 0", list, at,
                            scale);
    return 0;
}

// All of variant_check but the integers, which integers_read has judged already.
static int check_manifest(const struct variant *v, char *why, size_t whycap)
{
    const struct model_shape *s = &v->model->shape;

    if (check_name("name", v->name, why, whycap) < 0 ||
        check_name("task", v->task, why, whycap) < 0 ||
        check_scale("input", -1, NULL, v->x_scale, why, whycap) < 0 ||
        check_scale("output", -1, NULL, v->y_scale, why, whycap) < 0)
        return -1;
    for (int i = 0; i < s->features; i++) {
        const struct variant_feature *f = &v->feature[i];
        if (check_text("input.features", i, "name", f->name, why, whycap) < 0 ||
            check_scale("input.features", i, &f->offset, f->scale, why, whycap) < 0)
            return -1;
    }
    for (int i = 0; i < s->outputs; i++) {
        const struct variant_target *t = &v->target[i];
        if (check_text("output.targets", i, "name", t->name, why, whycap) < 0 ||
            check_text("output.targets", i, "unit", t->unit, why, whycap) < 0 ||
            check_scale("output.targets", i, &t->offset, t->scale, why, whycap) < 0)
            return -1;
    }
    return 0;
}

int variant_check(const struct variant *v, char *why, size_t whycap)
{
    char rule[MODEL_WHY_MAX];

    if (check_manifest(v, why, whycap) < 0)
        return -1;
    if (model_check(v->model, rule, sizeof rule) < 0)
        return model_refuse(why, whycap, "integers.json: %s", rule);
    return 0;
}

// Reads DIR/name of at most max bytes into a new buffer; NULL with why.
static char *load(const char *dir, const char *name, size_t max, size_t *n, char *why,
                  size_t whycap)
{
    char path[PATH_BYTES];
    struct stat st;
    char *bytes = NULL;
    size_t got = 0;
    int fd = -1;

    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path) {
        model_refuse(why, whycap, "%s: path: too long", name);
        return NULL;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a FIFO put there must not hang us
    if (fd < 0 || fstat(fd, &st) < 0) {
        model_refuse(why, whycap, "%s: open %s: %s", name, path, strerror(errno));
        goto fail;
    }
    if (!S_ISREG(st.st_mode)) {
        model_refuse(why, whycap, "%s: type: not a regular file", name);
        goto fail;
    }
    if (st.st_size < 0 || (uintmax_t)st.st_size > max) {
        model_refuse(why, whycap, "%s: size: %lld bytes, at most %zu", name, (long long)st.st_size,
                     max);
        goto fail;
    }
    bytes = malloc((size_t)st.st_size + 1);
    if (bytes == NULL) {
        model_refuse(why, whycap, "%s: size: no memory for %lld bytes", name,
                     (long long)st.st_size);
        goto fail;
    }
    while (got < (size_t)st.st_size) {
        ssize_t r = read(fd, bytes + got, (size_t)st.st_size - got);
        if (r < 0 && errno == EINTR)
            continue;
        if (r <= 0) {
            model_refuse(why, whycap, "%s: read %s: %s", name, path,
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

// manifest.sha256 must be exactly the line that sha256sum(1) writes for this manifest.
static int check_sum_file(const char *dir, const char *hash_hex, char *why, size_t whycap)
{
    char line[VARIANT_HASH_HEX + 32];
    size_t n;
    char *bytes = load(dir, "manifest.sha256", 256, &n, why, whycap);
    int len, rc = 0;

    if (bytes == NULL)
        return -1;
    len = snprintf(line, sizeof line, "%s  manifest.json\n", hash_hex);
    if (n != (size_t)len || memcmp(bytes, line, n) != 0)
        rc = model_refuse(why, whycap,
                          "manifest.sha256: sha256: does not match manifest.json, whose hash is %s",
                          hash_hex);
    free(bytes);
    return rc;
}

static int load_integers(struct variant *v, const char *dir, const char *want, char *why,
                         size_t whycap)
{
    uint8_t hash[VARIANT_HASH_BYTES];
    char hex[VARIANT_HASH_HEX + 1];
    size_t n;
    char *bytes = load(dir, "integers.json", VARIANT_INTEGERS_MAX_BYTES, &n, why, whycap);
    int rc;

    if (bytes == NULL)
        return -1;
    variant_sha256(bytes, n, hash);
    variant_hex(hash, sizeof hash, hex);
    if (strcmp(hex, want) != 0)
        rc = model_refuse(why, whycap,
                          "manifest.json: integers.sha256: %s, but the file's hash is %s", want,
                          hex);
    else
        rc = integers_read(v->model, bytes, n, why, whycap);
    free(bytes);
    return rc;
}

struct variant *variant_load(const char *dir, char *why, size_t whycap)
{
    char integers_sha256[VARIANT_HASH_HEX + 1];
    uint8_t hash[VARIANT_HASH_BYTES];
    char hex[VARIANT_HASH_HEX + 1];
    struct variant *v = NULL;
    size_t n;
    char *bytes = load(dir, "manifest.json", VARIANT_MANIFEST_MAX_BYTES, &n, why, whycap);

    if (bytes == NULL)
        return NULL;
    variant_sha256(bytes, n, hash);
    variant_hex(hash, sizeof hash, hex);
    if (check_sum_file(dir, hex, why, whycap) < 0)
        goto fail;
    v = manifest_read(bytes, n, integers_sha256, why, whycap);
    if (v == NULL || check_manifest(v, why, whycap) < 0 ||
        load_integers(v, dir, integers_sha256, why, whycap) < 0)
        goto fail;
    memcpy(v->hash, hash, sizeof v->hash);
    memcpy(v->hash_hex, hex, sizeof v->hash_hex);
    free(bytes);
    return v;
fail:
    variant_free(v);
    free(bytes);
    return NULL;
}

// Writes DIR/name by way of a temporary file beside it.
static int store(const char *dir, const char *name, const char *bytes, size_t n, char *why,
                 size_t whycap)
{
    char path[PATH_BYTES], temp[PATH_BYTES];
    size_t put = 0;
    int fd;

    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path ||
        snprintf(temp, sizeof temp, "%s/.%s.XXXXXX", dir, name) >= (int)sizeof temp)
        return model_refuse(why, whycap, "%s: path: too long", name);
    fd = mkstemp(temp);
    if (fd < 0)
        return model_refuse(why, whycap, "%s: create in %s: %s", name, dir, strerror(errno));
    while (put < n) {
        ssize_t w = write(fd, bytes + put, n - put);
        if (w < 0 && errno == EINTR)
            continue;
        if (w < 0)
            goto fail;
        put += (size_t)w;
    }
    if (fchmod(fd, 0644) < 0 || fsync(fd) < 0 || rename(temp, path) < 0)
        goto fail;
    close(fd);
    return 0;
fail:
    model_refuse(why, whycap, "%s: write %s: %s", name, path, strerror(errno));
    close(fd);
    unlink(temp);
    return -1;
}

int variant_save(struct variant *v, const char *dir, char *why, size_t whycap)
{
    char *integers = NULL, *manifest = NULL;
    size_t integers_n = 0, manifest_n = 0;
    char hex[VARIANT_HASH_HEX + 1], line[VARIANT_HASH_HEX + 32];
    uint8_t hash[VARIANT_HASH_BYTES];
    int len, rc = -1;

    if (variant_check(v, why, whycap) < 0)
        return -1;
    if (mkdir(dir, 0777) < 0 && errno != EEXIST)
        return model_refuse(why, whycap, "%s: mkdir: %s", dir, strerror(errno));
    integers = integers_write(v->model, &integers_n);
    if (integers == NULL) {
        model_refuse(why, whycap, "integers.json: write: out of memory");
        goto fail;
    }
    variant_sha256(integers, integers_n, hash);
    variant_hex(hash, sizeof hash, hex);
    manifest = manifest_write(v, hex, &manifest_n);
    if (manifest == NULL || manifest_n > VARIANT_MANIFEST_MAX_BYTES) {
        model_refuse(why, whycap, "manifest.json: write: %s",
                     manifest == NULL ? "text that is not UTF-8, or out of memory"
                                      : "metrics, hardware and training are too long");
        goto fail;
    }
    variant_sha256(manifest, manifest_n, hash);
    variant_hex(hash, sizeof hash, hex);
    len = snprintf(line, sizeof line, "%s  manifest.json\n", hex);
    if (store(dir, "integers.json", integers, integers_n, why, whycap) < 0 ||
        store(dir, "manifest.json", manifest, manifest_n, why, whycap) < 0 ||
        store(dir, "manifest.sha256", line, (size_t)len, why, whycap) < 0)
        goto fail;
    memcpy(v->hash, hash, sizeof v->hash);
    memcpy(v->hash_hex, hex, sizeof v->hash_hex);
    rc = 0;
fail:
    free(integers);
    free(manifest);
    return rc;
}
