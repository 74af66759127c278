// SPDX-License-Identifier: Apache-2.0
// sevencast-build, first cut: plan, listing, package.
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/build/emit.h"
#include "tools/build/plan.h"

int main(int argc, char **argv)
{
    char why[512];
    if (argc < 3)
        return 2;
    struct variant *v = variant_load(argv[1], why, sizeof why);
    if (!v) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    struct hardware hw;
    if (hardware_choose(&hw, v->model, v->hardware, why, sizeof why)) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    struct plan *p = plan_new(v->model, &hw, why, sizeof why);
    if (!p) {
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    plan_list(p, stdout);
    FILE *f = fopen(argv[2], "w");
    emit_package(f, p, v, EMIT_VIRTUAL, 1);
    fclose(f);
    plan_free(p);
    variant_free(v);
    return 0;
}
