// SPDX-License-Identifier: Apache-2.0
#include "daemon/package.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bitstream/bitstream.h"

struct package *package_ref(struct package *p)
{
    if (p)
        p->refs++;
    return p;
}

void package_unref(struct package *p)
{
    if (!p || --p->refs > 0)
        return;
    variant_free(p->variant);
    json_decref(p->details);
    free(p->x);
    free(p->y);
    free(p);
}

static uint64_t mix(uint64_t h, uint64_t v)
{
    for (int i = 0; i < 8; i++, v >>= 8)
        h = (h ^ (v & 0xff)) * UINT64_C(0x100000001b3); // FNV-1a
    return h;
}

uint64_t package_signature(const char *dir, const char *name)
{
    static const char *const files[] = {"manifest.json", "integers.json", "manifest.sha256",
                                        "golden.json",   "build.json",    NULL};
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (int i = 0; i < 6; i++) {
        char path[PACKAGE_PATH_MAX + 1];
        struct stat st;
        int n = files[i] ? snprintf(path, sizeof path, "%s/%s/%s", dir, name, files[i])
                         : snprintf(path, sizeof path, "%s/%s/%s.bit", dir, name, name);
        if (n < 0 || (size_t)n >= sizeof path || stat(path, &st) < 0) {
            h = mix(h, 0);
            continue;
        }
        h = mix(h, (uint64_t)st.st_size);
        h = mix(h, (uint64_t)st.st_ino);
        h = mix(h, (uint64_t)st.st_mtim.tv_sec);
        h = mix(h, (uint64_t)st.st_mtim.tv_nsec);
    }
    return h;
}

static int refuse(struct package *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(struct package *p, const char *format, ...)
{
    va_list args;
    if (p->reason[0]) // the first one counts
        return -1;
    va_start(args, format);
    vsnprintf(p->reason, sizeof p->reason, format, args);
    va_end(args);
    return -1;
}

static json_t *load_json(struct package *p, const char *dir, const char *file)
{
    char path[PACKAGE_PATH_MAX + 1];
    struct stat st;
    json_error_t error;
    int n = snprintf(path, sizeof path, "%s/%s", dir, file);
    if (n < 0 || (size_t)n >= sizeof path || stat(path, &st) < 0 || !S_ISREG(st.st_mode)) {
        refuse(p, "%s: missing", file);
        return NULL;
    }
    if (st.st_size > PACKAGE_JSON_MAX) {
        refuse(p, "%s: %lld bytes, at most %d", file, (long long)st.st_size, PACKAGE_JSON_MAX);
        return NULL;
    }
    json_t *j = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!j)
        refuse(p, "%s:%d: %s", file, error.line, error.text);
    return j;
}

// The text of member key, checked to be one; NULL after refuse().
static const char *text_of(struct package *p, const char *file, json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    if (!text)
        refuse(p, "%s: %s: missing or not a text", file, key);
    return text;
}

static int from_hex(const char *hex, uint8_t *out, size_t n)
{
    if (strlen(hex) != 2 * n || strspn(hex, "0123456789abcdef") != 2 * n)
        return -1;
    for (size_t i = 0; i < n; i++) {
        char pair[3] = {hex[2 * i], hex[2 * i + 1], '\0'};
        out[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return 0;
}

static int check_build(struct package *p, json_t *build)
{
    const char *file = "build.json";
    const char *hash = text_of(p, file, build, "hash");
    const char *origin = text_of(p, file, build, "origin");
    json_t *bits = json_object_get(build, "bitstream");
    const char *part = text_of(p, file, bits, "part");
    const char *sha = text_of(p, file, bits, "sha256");
    if (!hash || !origin || !part || !sha)
        return -1;
    if (strcmp(hash, p->variant->hash_hex) != 0)
        return refuse(p, "%s: hash: built for another variant %.16s, this is %.16s", file, hash,
                      p->variant->hash_hex);
    if (strcmp(origin, "virtual") != 0 && strcmp(origin, "board") != 0)
        return refuse(p, "%s: origin: \"%.20s\" is neither board nor virtual", file, origin);
    if (from_hex(sha, p->bit_sha256, sizeof p->bit_sha256) < 0)
        return refuse(p, "%s: bitstream.sha256: not 64 hexadecimal digits", file);
    if (!device_part_by_name(part))
        return refuse(p, "%s: bitstream.part: unknown part \"%.40s\"", file, part);
    snprintf(p->part, sizeof p->part, "%s", part);
    p->is_virtual = strcmp(origin, "virtual") == 0;
    return 0;
}

static int judge_bit(struct package *p, const uint8_t *bytes, size_t n)
{
    struct bitstream_report r;
    const char *bit = strrchr(p->bit_path, '/') + 1;
    if (bitstream_check(bytes, n, device_part_by_name(p->part), &r) != BITSTREAM_OK)
        return refuse(p, "%s: %s: %s", bit, bitstream_verdict_name(r.verdict), r.why);
    if (memcmp(r.sha256, p->bit_sha256, sizeof r.sha256) != 0)
        return refuse(p, "%s: SHA-256 is not the one in build.json", bit);
    if ((r.is_virtual != 0) != p->is_virtual)
        return refuse(p, "%s: %s bitstream, but build.json says %s", bit,
                      r.is_virtual ? "a virtual" : "a real", p->is_virtual ? "virtual" : "board");
    if (r.is_virtual && memcmp(r.mark.hash, p->variant->hash, sizeof r.mark.hash) != 0)
        return refuse(p, "%s: marked for another variant (%s)", bit, r.mark.variant);
    return 0;
}

static int check_bit(struct package *p, const char *dir)
{
    char why[PACKAGE_REASON_MAX + 1];
    size_t n;
    int length = snprintf(p->bit_path, sizeof p->bit_path, "%s/%s.bit", dir, p->name);
    if (length < 0 || (size_t)length >= sizeof p->bit_path)
        return refuse(p, "path too long");
    uint8_t *bytes = bitstream_load(p->bit_path, &n, why, sizeof why);
    if (!bytes)
        return refuse(p, "%s.bit: %.180s", p->name, why);
    int result = judge_bit(p, bytes, n);
    free(bytes);
    return result;
}

// count integers within [lo, hi] from a JSON array; -1 when it is anything else.
static int take_codes(json_t *array, int count, int lo, int hi, void (*put)(void *, int, int),
                      void *to)
{
    if (!json_is_array(array) || json_array_size(array) != (size_t)count)
        return -1;
    for (int i = 0; i < count; i++) {
        json_t *v = json_array_get(array, (size_t)i);
        json_int_t code = json_integer_value(v);
        if (!json_is_integer(v) || code < lo || code > hi)
            return -1;
        put(to, i, (int)code);
    }
    return 0;
}

static void put_i8(void *to, int i, int code)
{
    ((int8_t *)to)[i] = (int8_t)code;
}

static void put_i16(void *to, int i, int code)
{
    ((int16_t *)to)[i] = (int16_t)code;
}

static int check_golden_windows(struct package *p, json_t *windows, struct model_trace *trace)
{
    const struct model *m = p->variant->model;
    int xs = package_window_bytes(p), ys = m->shape.outputs;
    int x_hi = (1 << (m->bits.x - 1)) - 1, y_hi = (1 << (m->bits.y - 1)) - 1;
    for (int i = 0; i < p->windows; i++) {
        json_t *w = json_array_get(windows, (size_t)i);
        int8_t *x = p->x + (size_t)i * (size_t)xs;
        int16_t *y = p->y + (size_t)i * (size_t)ys;
        if (take_codes(json_object_get(w, "x"), xs, -x_hi - 1, x_hi, put_i8, x) < 0)
            return refuse(p, "golden.json: windows[%d].x: not %d codes of %d bits", i, xs,
                          m->bits.x);
        if (take_codes(json_object_get(w, "y"), ys, -y_hi - 1, y_hi, put_i16, y) < 0)
            return refuse(p, "golden.json: windows[%d].y: not %d codes of %d bits", i, ys,
                          m->bits.y);
        model_run(m, x, trace);
        const int16_t *want = model_trace_get(trace, MODEL_Y, 0);
        for (int k = 0; k < ys; k++)
            if (y[k] != want[k])
                return refuse(p, "golden.json: windows[%d].y[%d] is %d, the model says %d", i, k,
                              y[k], want[k]);
    }
    return 0;
}

static int check_golden(struct package *p, json_t *golden)
{
    const char *hash = text_of(p, "golden.json", golden, "hash");
    json_t *windows = json_object_get(golden, "windows");
    size_t n = json_array_size(windows);
    if (!hash)
        return -1;
    if (strcmp(hash, p->variant->hash_hex) != 0)
        return refuse(p, "golden.json: hash: of another variant %.16s, this is %.16s", hash,
                      p->variant->hash_hex);
    if (n < 1 || n > PACKAGE_GOLDEN_MAX)
        return refuse(p, "golden.json: windows: %zu, not 1 to %d", n, PACKAGE_GOLDEN_MAX);
    p->windows = (int)n;
    p->x = calloc(n, (size_t)package_window_bytes(p));
    p->y = calloc(n * (size_t)p->variant->model->shape.outputs, sizeof *p->y);
    struct model_trace *trace = model_trace_new(&p->variant->model->shape);
    int result = p->x && p->y && trace ? check_golden_windows(p, windows, trace)
                                       : refuse(p, "golden.json: out of memory");
    model_trace_free(trace);
    return result;
}

static int keep_details(struct package *p, const char *dir)
{
    static const char *const keys[] = {"shape", "bits", "metrics"};
    json_t *manifest = load_json(p, dir, "manifest.json");
    p->details = json_object();
    for (int i = 0; manifest && p->details && i < 3; i++)
        if (json_object_get(manifest, keys[i]))
            json_object_set(p->details, keys[i], json_object_get(manifest, keys[i]));
    json_decref(manifest);
    return manifest && p->details ? 0 : -1;
}

static int load(struct package *p, const char *dir)
{
    char why[PACKAGE_REASON_MAX + 1];
    p->variant = variant_load(dir, why, sizeof why);
    if (!p->variant)
        return refuse(p, "%.250s", why);
    if (strcmp(p->variant->name, p->name) != 0)
        return refuse(p, "manifest.json: name: \"%s\", but its folder is \"%s\"", p->variant->name,
                      p->name);
    json_t *build = load_json(p, dir, "build.json");
    json_t *golden = build ? load_json(p, dir, "golden.json") : NULL;
    int result = build && golden && keep_details(p, dir) == 0 && check_build(p, build) == 0 &&
                         check_bit(p, dir) == 0 && check_golden(p, golden) == 0
                     ? 0
                     : -1;
    json_decref(build);
    json_decref(golden);
    return result;
}

struct package *package_load(const char *dir, const char *name)
{
    struct package *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    char path[PACKAGE_PATH_MAX + 1];
    p->refs = 1;
    snprintf(p->name, sizeof p->name, "%s", name);
    p->signature = package_signature(dir, name);
    int n = snprintf(path, sizeof path, "%s/%s", dir, name);
    if (n < 0 || (size_t)n >= sizeof path)
        refuse(p, "path too long");
    else
        p->available = load(p, path) == 0;
    return p;
}
