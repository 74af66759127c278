// SPDX-License-Identifier: Apache-2.0
// What tools/calibrate and tools/bench need of the estimator; not installed.
//
// usage: estimate_calibration variant CONFIGURATION.json DIR    the variant that is synthesised
//        estimate_calibration fit CALIBRATION.json              coefficients.c on standard output
//        estimate_calibration judge CALIBRATION.json            every configuration's counts and
//        estimates, as JSON
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "tools/estimate/calibration.h"
#include "tools/estimate/configuration.h"

static int save(const char *path, const char *dir)
{
    char why[512];
    json_error_t error;
    json_t *object = json_load_file(path, 0, &error);
    struct variant *v = NULL;
    if (!object)
        snprintf(why, sizeof why, "%s: %s", path, error.text);
    else
        v = configuration_variant(object, why, sizeof why);
    int bad = !v || variant_save(v, dir, why, sizeof why) != 0;
    if (bad)
        fprintf(stderr, "estimate_calibration: %s\n", why);
    variant_free(v);
    json_decref(object);
    return bad;
}

static void put_row(const double *row)
{
    printf("{");
    for (int i = 0; i < PART_FEATURES; i++)
        printf("%s%.4f", i ? ", " : "", row[i]);
    printf("}");
}

static void fit(const struct calibration *c)
{
    static fitted_t x;
    calibration_fit(c, x);
    int held = 0;
    for (size_t i = 0; i < c->count; i++)
        held += c->list[i].held_out;
    printf("// SPDX-License-Identifier: Apache-2.0\n"
           "// Made by tools/calibrate from calibration.json: %zu configurations, %d held out,\n"
           "// %s. Do not edit.\n#include \"tools/estimate/estimate.h\"\n\n",
           c->count, held, json_string_value(json_object_get(c->file, "yosys")));
    printf("const char estimate_rtl_digest[] =\n    \"%s\";\n\n",
           json_string_value(json_object_get(c->file, "rtl_sha256")));
    printf("// clang-format off\n"
           "const double estimate_coefficients[PARTS][PART_RESOURCES][PART_FEATURES] = {\n");
    for (int part = 0; part < PARTS; part++) {
        printf("    { // %s\n", part_name((enum part)part));
        for (int r = 0; r < PART_RESOURCES; r++) {
            printf("        ");
            put_row(x[part][r]);
            printf(",\n");
        }
        printf("    },\n");
    }
    printf("};\n");
}

static json_t *features_json(const struct calibrated *k, int part, int resource)
{
    json_t *list = json_array();
    for (int i = 0; i < PART_FEATURES; i++)
        json_array_append_new(list, json_real(k->features.value[part][resource][i]));
    return list;
}

static json_t *parts_json(const struct calibrated *k)
{
    json_t *parts = json_object();
    for (int i = 0; i < PARTS; i++)
        json_object_set_new(
            parts, part_name((enum part)i),
            json_pack("{s:i, s:f, s:i, s:f, s:o, s:o}", "lut", (int)k->part[i][PART_LUT],
                      "lut_model", k->estimate.lut_part[i], "ff", (int)k->part[i][PART_FF],
                      "ff_model", k->estimate.ff_part[i], "lut_features",
                      features_json(k, i, PART_LUT), "ff_features", features_json(k, i, PART_FF)));
    return parts;
}

static void judge(const struct calibration *c)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < c->count; i++) {
        const struct calibrated *k = &c->list[i];
        const struct estimate *e = &k->estimate;
        json_array_append_new(
            rows,
            json_pack("{s:s, s:b, s:b, s:[ii], s:[ii], s:[ii], s:[ii], s:[ii], s:o}", "name",
                      k->name, "held_out", k->held_out, "current", k->current, "lut", k->lut,
                      e->lut, "lutram", k->lutram, e->lutram, "ff", k->ff, e->ff, "dsp", k->dsp,
                      e->dsp, "ramb18", k->ramb18, e->ramb18, "parts", parts_json(k)));
    }
    json_dumpf(rows, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
    printf("\n");
    json_decref(rows);
}

int main(int argc, char **argv)
{
    char why[512];
    if (sodium_init() < 0)
        return 1;
    if (argc == 4 && strcmp(argv[1], "variant") == 0)
        return save(argv[2], argv[3]);
    int fits = argc == 3 && strcmp(argv[1], "fit") == 0;
    if (!fits && (argc != 3 || strcmp(argv[1], "judge") != 0)) {
        fprintf(stderr, "usage: estimate_calibration variant CONFIGURATION DIR | fit FILE | judge "
                        "FILE\n");
        return 2;
    }
    struct calibration *c = calibration_load(argv[2], why, sizeof why);
    if (!c) {
        fprintf(stderr, "estimate_calibration: %s\n", why);
        return 1;
    }
    if (fits)
        fit(c);
    else
        judge(c);
    calibration_free(c);
    return 0;
}
