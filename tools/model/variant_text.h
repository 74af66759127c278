// SPDX-License-Identifier: Apache-2.0
// The two JSON texts of a variant, in memory: what variant.c does with files, without files. The
// readers accept any bytes.
#ifndef SEVENCAST_MODEL_VARIANT_TEXT_H
#define SEVENCAST_MODEL_VARIANT_TEXT_H

#include "tools/model/variant.h"

// A variant with a model of the right shape and no integers yet; integers_sha256 receives the hex
// that manifest.json gives for integers.json. NULL with why.
struct variant *manifest_read(const char *bytes, size_t n,
                              char integers_sha256[VARIANT_HASH_HEX + 1], char *why, size_t whycap);
// The text of manifest.json, its length in *n (free()); NULL without memory.
char *manifest_write(const struct variant *v, const char *integers_sha256, size_t *n);

// Fills mdl, which has its shape, and checks it. -1 with why.
int integers_read(struct model *mdl, const char *bytes, size_t n, char *why, size_t whycap);
char *integers_write(const struct model *mdl, size_t *n);

// The SHA-256 of n bytes.
void variant_sha256(const void *bytes, size_t n, uint8_t hash[VARIANT_HASH_BYTES]);

#endif
