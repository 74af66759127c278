// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "tools/train/train.h"

int main(int argc, char **argv)
{
    struct options o;
    int rc = options_parse(&o, argc, argv);
    if (!rc)
        switch (o.command) {
        case COMMAND_TRAIN:
            rc = train_run(&o);
            break;
        case COMMAND_EVALUATE:
            rc = evaluate_run(&o);
            break;
        case COMMAND_BASELINES:
            rc = baselines_run(&o);
            break;
        case COMMAND_HELP:
            options_help();
            break;
        case COMMAND_VERSION:
            printf("sevencast-train %s\n", SEVENCAST_VERSION);
            break;
        }
    options_fini(&o);
    return rc;
}
