// SPDX-License-Identifier: Apache-2.0
// A variant on disk: a folder with
//   manifest.json    shape, widths, scaling, metrics, hardware choices, SHA-256 of the integers
//   integers.json    every trained integer
//   manifest.sha256  one line as sha256sum(1) writes it, for manifest.json
// The variant's hash, its identity everywhere, is the SHA-256 of manifest.json.
#ifndef SEVENCAST_MODEL_VARIANT_H
#define SEVENCAST_MODEL_VARIANT_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/model/model.h"

enum {
    VARIANT_NAME_MAX = 63, // bytes of every name and unit
    VARIANT_HASH_BYTES = 32,
    VARIANT_HASH_HEX = 64,
    VARIANT_MANIFEST_MAX_BYTES = 1 << 20, // larger files are refused unread
    VARIANT_INTEGERS_MAX_BYTES = 4 << 20,
};

// scaled = (value - offset) / scale; code = floor(scaled / S_x + 0.5), saturated to bits.x.
struct variant_feature {
    char name[VARIANT_NAME_MAX + 1];
    double offset, scale; // physical units; scale > 0
};

// value = (code * S_y) * scale + offset
struct variant_target {
    char name[VARIANT_NAME_MAX + 1];
    char unit[VARIANT_NAME_MAX + 1];
    double offset, scale;
};

struct variant {
    char name[VARIANT_NAME_MAX + 1];     // [a-z0-9][a-z0-9-]*
    char task[VARIANT_NAME_MAX + 1];     // likewise
    char hash_hex[VARIANT_HASH_HEX + 1]; // set by load and save
    uint8_t hash[VARIANT_HASH_BYTES];
    struct variant_feature feature[MODEL_MAX_FEATURES];
    struct variant_target target[MODEL_MAX_OUTPUTS];
    double x_scale, y_scale; // S_x, S_y
    struct model *model;     // owned
    json_t *metrics;         // owned; free object {"test": {...}, ...}, may be NULL
    json_t *hardware;        // owned; tile and storage choices for the generator, may be NULL
    json_t *training;        // owned; how it was made (task file, seed, tool version), may be NULL
};

// Loads and checks a folder completely: names, hashes, ranges. On failure returns NULL and why says
// "file: field: reason". Other files in the folder are not looked at. Free with variant_free (NULL
// allowed).
struct variant *variant_load(const char *dir, char *why, size_t whycap);
// A variant around a model, which it then owns; all names empty, all scales 1. NULL without memory
// (then the model is still the caller's).
struct variant *variant_new(struct model *mdl);
void variant_free(struct variant *v);

// What variant_load and variant_save require: names, finite scales, and model_check. -1 with why,
// "file: field: reason".
int variant_check(const struct variant *v, char *why, size_t whycap);

// Writes the three files into dir (made if missing), each by rename, the manifest last but one and
// its hash last, and sets v's hash. The same variant always gives the same bytes. -1 on failure,
// with why.
int variant_save(struct variant *v, const char *dir, char *why, size_t whycap);

// Physical window [L][m] to codes [L][m]. *saturated (may be NULL) counts values whose code was
// outside the range of x. Returns -1, or the index of the first value that is NaN or infinite (then
// codes hold nothing of use).
int variant_encode(const struct variant *v, const double *window, int8_t *codes, int *saturated);

// Codes of y [outputs] to physical values [outputs].
void variant_decode(const struct variant *v, const int16_t *codes, double *values);

// For reading: lower-case hex of n bytes into out (2n+1).
void variant_hex(const uint8_t *bytes, size_t n, char *out);

#endif
