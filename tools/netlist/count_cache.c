// SPDX-License-Identifier: Apache-2.0
#include "tools/netlist/count_cache.h"

#include "tools/netlist/files.h"
#include "tools/netlist/run.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define VERSION_TIMEOUT_NS (60 * UINT64_C(1000000000))

// Counts whose report another version of this program wrote are of no use.
static const char format[] = "sevencast counts 2";

static bool add_file(struct pool *pool, crypto_hash_sha256_state *hash, const char *path,
                     const char **message)
{
    size_t length;
    const char *text = file_read(pool, path, &length, message);
    if (!text)
        return false;
    // The length first, so that no end of one file is the beginning of another.
    unsigned char size[8];
    for (int i = 0; i < 8; i++)
        size[i] = (unsigned char)((uint64_t)length >> (8 * i));
    crypto_hash_sha256_update(hash, size, sizeof size);
    crypto_hash_sha256_update(hash, (const unsigned char *)text, length);
    return true;
}

const char *cache_path(struct pool *pool, const char *folder, const char *netlist,
                       const char *script, const char **message)
{
    const char *version = pool_format(pool, "%s.version", script);
    const char *argv[] = {"yosys", "-V", NULL};
    unsigned char digest[crypto_hash_sha256_BYTES];
    char text[2 * sizeof digest + 1];
    crypto_hash_sha256_state hash;
    int status = run_tool(argv, NULL, version, NULL, VERSION_TIMEOUT_NS);
    if (status != 0) {
        *message = status == RUN_NOT_FOUND ? "yosys is not installed" : "yosys -V failed";
        return NULL;
    }
    crypto_hash_sha256_init(&hash);
    crypto_hash_sha256_update(&hash, (const unsigned char *)format, sizeof format);
    if (!folder_make(pool, folder, message) || !add_file(pool, &hash, version, message) ||
        !add_file(pool, &hash, script, message) || !add_file(pool, &hash, netlist, message))
        return NULL;
    crypto_hash_sha256_final(&hash, digest);
    sodium_bin2hex(text, sizeof text, digest, sizeof digest);
    return pool_format(pool, "%s/%s.json", folder, text);
}

json_t *cache_get(const char *path)
{
    json_error_t error;
    json_t *report = json_load_file(path, 0, &error);
    if (json_is_object(report) && json_integer_value(json_object_get(report, "lut")) > 0)
        return report;
    json_decref(report);
    return NULL;
}

bool cache_put(struct pool *pool, const char *path, const json_t *report, const char **message)
{
    const char *draft = pool_format(pool, "%s.%ld", path, (long)getpid());
    if (json_dump_file(report, draft, JSON_INDENT(1) | JSON_REAL_PRECISION(6)) != 0 ||
        rename(draft, path) != 0) {
        *message = pool_format(pool, "%s: cannot be written: %s", path, strerror(errno));
        return false;
    }
    return true;
}
