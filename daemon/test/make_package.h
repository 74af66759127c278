// SPDX-License-Identifier: Apache-2.0
// Packages for tests: a random variant with a virtual bitstream and golden windows.
#ifndef SEVENCAST_DAEMON_TEST_MAKE_PACKAGE_H
#define SEVENCAST_DAEMON_TEST_MAKE_PACKAGE_H

#include <stdint.h>

struct make_package {
    const char *dir, *name, *task;
    const char *part;     // NULL: xc7s15
    const char *bit_part; // the .bit's, when it is to differ; NULL: part
    uint64_t seed;
    int window, features, outputs;                         // 0: 24, 1, 1
    int d_model;                                           // 0: 8
    int bits;                                              // 0: 8
    int windows;                                           // golden; 0: 8
    int wrong_hash, wrong_golden, wrong_sha, truncate_bit; // faults to plant
    int real;                                              // build.json says origin board
};

// 0, or -1 with a message on stderr. The bitstream is virtual in any case.
int make_package(const struct make_package *m);

#endif
