// SPDX-License-Identifier: Apache-2.0
// Any bytes as manifest.json or integers.json: refused with a message, or accepted and then fit to
// be written again and run.
#include "tools/model/test/variant_fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "tools/model/model_random.h"
#include "tools/model/variant_text.h"

struct model_random_options variant_fuzz_options(uint8_t kind)
{
    const int collapsed = (kind & 64) != 0;

    return (struct model_random_options){
        .seed = 1,
        .shape = {.window = 2,
                  .features = 1,
                  .d_model = 4,
                  .heads = collapsed ? 1 : 2,
                  .d_ff = 1,
                  .layers = 1,
                  .outputs = 1,
                  .form = collapsed ? MODEL_COLLAPSED : MODEL_ENCODER},
        .bits = 3,
        .y_bits = 8};
}

static void must(int holds)
{
    if (!holds)
        abort();
}

// A refusal has a message that names the file.
static void must_explain(const char *why, const char *file)
{
    must(strncmp(why, file, strlen(file)) == 0 && strlen(why) > strlen(file) + 3);
}

static void try_manifest(const char *text, size_t n)
{
    char sha256[VARIANT_HASH_HEX + 1], why[MODEL_WHY_MAX * 2] = "";
    struct variant *v = manifest_read(text, n, sha256, why, sizeof why), *again;
    size_t written;
    char *out;

    if (v == NULL) {
        must_explain(why, "manifest.json");
        return;
    }
    out = manifest_write(v, sha256, &written);
    must(out != NULL);
    again = manifest_read(out, written, sha256, why, sizeof why);
    must(again != NULL && again->x_scale == v->x_scale);
    variant_free(again);
    variant_free(v);
    free(out);
}

static void try_integers(uint8_t kind, const char *text, size_t n)
{
    const struct model_random_options o = variant_fuzz_options(kind);
    char why[MODEL_WHY_MAX * 2] = "";
    struct variant *v = model_random_variant(&o, why, sizeof why);
    struct model_trace *tr;
    const int8_t x[2] = {-4, 3};

    must(v != NULL);
    tr = model_trace_new(&v->model->shape);
    must(tr != NULL);
    if (integers_read(v->model, text, n, why, sizeof why) < 0)
        must_explain(why, "integers.json");
    else
        model_run(v->model, x, tr); // the sanitizers see an overflow
    model_trace_free(tr);
    variant_free(v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] < 128)
        try_manifest((const char *)data + 1, size - 1);
    else
        try_integers(data[0], (const char *)data + 1, size - 1);
    return 0;
}
