// SPDX-License-Identifier: Apache-2.0
// make-package DIR NAME TASK SEED [WINDOW FEATURES OUTPUTS]: a package for shell tests.
#include <stdio.h>
#include <stdlib.h>

#include "daemon/test/make_package.h"

int main(int argc, char **argv)
{
    if (argc != 5 && argc != 8) {
        fprintf(stderr, "usage: %s DIR NAME TASK SEED [WINDOW FEATURES OUTPUTS]\n", argv[0]);
        return 2;
    }
    struct make_package m = {
        .dir = argv[1], .name = argv[2], .task = argv[3], .seed = strtoull(argv[4], NULL, 0)};
    if (argc == 8) {
        m.window = (int)strtol(argv[5], NULL, 10);
        m.features = (int)strtol(argv[6], NULL, 10);
        m.outputs = (int)strtol(argv[7], NULL, 10);
    }
    return make_package(&m) < 0;
}
