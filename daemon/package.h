// SPDX-License-Identifier: Apache-2.0
// One package: a variant with its bitstream and golden windows, as sevencast-build writes it
// (ARCHITECTURE.md). Loading checks everything that can be checked without a board; a package that
// fails is kept with its reason, so that repository_index can name it. Immutable after loading but
// for refs and stats, which belong to the main thread.
#ifndef SEVENCAST_DAEMON_PACKAGE_H
#define SEVENCAST_DAEMON_PACKAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/model/variant.h"

enum {
    PACKAGE_REASON_MAX = 255,
    PACKAGE_PATH_MAX = 511,
    PACKAGE_GOLDEN_MAX = 1024, // windows
    PACKAGE_JSON_MAX = 16 << 20,
};

struct package_stats {
    uint8_t hash[VARIANT_HASH_BYTES];
    char name[VARIANT_NAME_MAX + 1];
    bool used;
    uint64_t success, success_ns, fail, fail_ns;
    uint64_t queue_ns, input_ns, infer_ns, output_ns, saturated;
};

struct package {
    int refs;
    char name[VARIANT_NAME_MAX + 1]; // of its folder
    uint64_t signature;              // of its files' times and sizes
    bool available;
    char reason[PACKAGE_REASON_MAX + 1]; // "file: why" when not available
    struct variant *variant;             // owned; NULL when it could not be loaded
    char bit_path[PACKAGE_PATH_MAX + 1];
    uint8_t bit_sha256[32];
    char part[64];
    bool is_virtual;
    int windows;                 // golden
    int8_t *x;                   // owned, [windows][L * m]
    int16_t *y;                  // owned, [windows][outputs]
    json_t *details;             // owned: the manifest's shape, bits and metrics, for clients
    struct package_stats *stats; // borrowed from the list of packages
};

// Changes when a file of the package changes.
uint64_t package_signature(const char *dir, const char *name);

// Loads and checks DIR/NAME; always a package (refs 1), NULL only without memory.
struct package *package_load(const char *dir, const char *name);

struct package *package_ref(struct package *p); // NULL allowed
void package_unref(struct package *p);          // frees with the last; NULL allowed

static inline int package_window_bytes(const struct package *p)
{
    return p->variant->model->shape.window * p->variant->model->shape.features;
}

#endif
