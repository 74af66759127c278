// SPDX-License-Identifier: Apache-2.0
// The test double of the daemon (client/test/mock.h) as a program. Not installed; forecasts
// nothing.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/test/mock.h"

int main(int argc, char **argv)
{
    sigset_t ends;
    int signal_number;
    if (argc < 2 || argv[1][0] == '-') {
        puts("usage: sc-mock-daemon ENDPOINT [LATENCY_MS]\n"
             "A test double of sevencastd: canned answers, nothing is computed. Prints 'ready' "
             "when\n"
             "it serves; ends by SIGTERM or SIGINT.");
        return argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : 2;
    }
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    struct mock *m = mock_start(argv[1], argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 0);
    if (!m) {
        fprintf(stderr, "sc-mock-daemon: %s: cannot bind\n", argv[1]);
        return 1;
    }
    puts("ready");
    fflush(stdout);
    sigwait(&ends, &signal_number);
    mock_stop(m);
    return 0;
}
