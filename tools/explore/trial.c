// SPDX-License-Identifier: Apache-2.0
#include "tools/explore/trial.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "csv/csv.h"
#include "tools/train/checkpoint.h"

// Raised whenever equal trials give other numbers than before.
enum { RECIPE = 1 };

_Static_assert(TRIAL_HEX_BYTES == 2 * crypto_hash_sha256_BYTES + 1, "a digest in hexadecimal");

static void finish(crypto_hash_sha256_state *state, char hex[TRIAL_HEX_BYTES])
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_final(state, hash);
    sodium_bin2hex(hex, TRIAL_HEX_BYTES, hash, sizeof hash);
}

// Its terminating zero is hashed too, so that texts cannot run together.
static void hash_text(crypto_hash_sha256_state *state, const char *text)
{
    crypto_hash_sha256_update(state, (const unsigned char *)text, strlen(text) + 1);
}

int trial_hash_file(const char *path, char hex[TRIAL_HEX_BYTES], char *why, size_t whycap)
{
    unsigned char block[65536];
    crypto_hash_sha256_state state;
    FILE *in = fopen(path, "rb");
    size_t n;
    crypto_hash_sha256_init(&state);
    while (in && (n = fread(block, 1, sizeof block, in)) > 0)
        crypto_hash_sha256_update(&state, block, n);
    const int failed = !in || ferror(in);
    if (failed)
        snprintf(why, whycap, "%s: %s", path, strerror(errno));
    if (in)
        fclose(in);
    finish(&state, hex);
    return failed ? -1 : 0;
}

static void hash_task(struct trial_setting *s, const struct task_spec *spec)
{
    crypto_hash_sha256_state state;
    char text[256];
    crypto_hash_sha256_init(&state);
    hash_text(&state, spec->target);
    for (int f = 0; f < spec->feature_count; f++)
        hash_text(&state, spec->features[f]);
    snprintf(text, sizeof text, "%d features, window %d, horizon %d, outputs %d, split %d/%d/%d",
             spec->feature_count, spec->window, spec->horizon, spec->outputs, spec->split[0],
             spec->split[1], spec->split[2]);
    hash_text(&state, text);
    finish(&state, s->task_hash);
}

int trial_setting_open(struct trial_setting *s, const struct model_shape *shape,
                       const struct task_spec *spec, const char *series, const char *checkpoint,
                       char *why, size_t whycap)
{
    const char *names[MODEL_MAX_FEATURES + 1];
    struct checkpoint_note note;
    char reason[256];
    int count = 0;
    *s = (struct trial_setting){.plan = {.shape = *shape}};
    for (int f = 0; f < spec->feature_count; f++)
        names[count++] = spec->features[f];
    names[count++] = spec->target;
    if (trial_hash_file(series, s->series_hash, why, whycap) ||
        trial_hash_file(checkpoint, s->checkpoint_hash, why, whycap))
        return -1;
    hash_task(s, spec);
    struct csv_table *table = csv_read(series, names, count, NULL, why, whycap);
    if (!table)
        return -1;
    s->task = task_new(table, spec, reason, sizeof reason);
    csv_free(table);
    if (!s->task) {
        snprintf(why, whycap, "%s: %s", series, reason);
        return -1;
    }
    s->net = net_new(shape);
    if (!s->net) {
        snprintf(why, whycap, "out of memory");
        return -1;
    }
    if (checkpoint_load(s->net, &note, checkpoint, why, whycap))
        return -1;
    s->plan.task = s->task;
    s->plan.floating = s->net->param;
    s->plan.fit =
        (struct fit_options){.epochs = 100, .batch = 64, .rate = 0.002, .weight_decay = 0.01};
    return 0;
}

void trial_setting_close(struct trial_setting *s)
{
    net_free(s->net);
    task_free(s->task);
    *s = (struct trial_setting){0};
}

void trial_text(const struct model_shape *shape, const struct model_bits *bits, char *text,
                size_t cap)
{
    char name[TRIAL_MAX_TENSORS][TRIAL_NAME_BYTES];
    const int tensors = trial_tensors(shape, name);
    struct model_bits copy = *bits;
    snprintf(text, cap, "8");
    for (int t = 0; t < tensors; t++) {
        size_t used = strlen(text);
        snprintf(text + used, cap - used, ",%s=%d", name[t], *trial_width(shape, &copy, t));
    }
    if (bits->y != 16) {
        size_t used = strlen(text);
        snprintf(text + used, cap - used, ",y=%d", bits->y);
    }
}

void trial_net_text(const struct model_shape *shape, char *text, size_t cap)
{
    const int plain = shape->form == MODEL_ENCODER;
    snprintf(text, cap, " --d-model %d --heads %d --d-ff %d --layers %d%s%s", shape->d_model,
             shape->heads, shape->d_ff, shape->layers, plain ? "" : " --form ",
             plain ? "" : model_form_name(shape->form));
}

void trial_key(const struct trial_setting *s, const struct trial *t, char hex[TRIAL_HEX_BYTES])
{
    const struct model_shape *m = &s->plan.shape;
    const struct fit_options *f = &s->plan.fit;
    char bits[TRIAL_TEXT_BYTES], text[512];
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    hash_text(&state, s->series_hash);
    hash_text(&state, s->checkpoint_hash);
    hash_text(&state, s->task_hash);
    snprintf(text, sizeof text, "recipe %d, %s %d %d %d %d %d %d %d", RECIPE,
             model_form_name(m->form), m->window, m->features, m->d_model, m->heads, m->d_ff,
             m->layers, m->outputs);
    hash_text(&state, text);
    trial_text(m, &t->bits, bits, sizeof bits);
    hash_text(&state, bits);
    snprintf(text, sizeof text,
             "seed %llu, epochs %d, rate %.17g, batch %d, patience %d, decay %.17g, test %d",
             (unsigned long long)t->seed, t->epochs ? t->epochs : f->epochs,
             t->rate > 0 ? t->rate : f->rate, f->batch, f->patience, f->weight_decay,
             s->plan.test != 0);
    hash_text(&state, text);
    finish(&state, hex);
}
