// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE // readlink of /proc/self/exe is Linux anyway; realpath, setenv beside it
#include "tools/vboard/client_env.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/vboard/usbfs_wire.h"

#define SHIM     "libvboard-shim.so"
#define UMOCKDEV "libumockdev-preload.so.0"

enum { PATH_BYTES = 1024 };

int client_env_find(const char *name, char *path, size_t cap)
{
    static const char *const places[] = {"", "/../lib/sevencast", "/../share/sevencast"};
    char exe[PATH_BYTES];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
    if (n <= 0)
        return -1;
    exe[n] = '\0';
    char *slash = strrchr(exe, '/');
    if (slash)
        *slash = '\0';
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        if (snprintf(path, cap, "%s%s/%s", exe, places[i], name) < (int)cap && !access(path, R_OK))
            return 0;
    }
    errno = ENOENT;
    return -1;
}

// Whether the loader will find umockdev's preload; the dynamic loader itself only warns.
static int umockdev_installed(void)
{
    static const char *const patterns[] = {"/usr/lib/*/" UMOCKDEV, "/usr/lib*/" UMOCKDEV,
                                           "/usr/local/lib*/" UMOCKDEV, "/lib/*/" UMOCKDEV};
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        glob_t g;
        int found = !glob(patterns[i], GLOB_NOSORT, NULL, &g);
        if (found)
            globfree(&g);
        if (found)
            return 1;
    }
    return 0;
}

int client_env_set(const char *world_dir, char *why, size_t whycap)
{
    char shim[PATH_BYTES], preload[2 * PATH_BYTES], usbfs[PATH_BYTES];
    if (client_env_find(SHIM, shim, sizeof shim)) {
        snprintf(why, whycap, SHIM " is not beside vboard nor in ../lib/sevencast");
        return -1;
    }
    if (!umockdev_installed()) {
        snprintf(why, whycap, UMOCKDEV " is missing: install the package umockdev");
        return -1;
    }
    const char *before = getenv("LD_PRELOAD");
    if (before && strstr(before, SHIM)) { // nested: the inner world wins, once
        snprintf(preload, sizeof preload, "%s", before);
    } else {
        snprintf(preload, sizeof preload, "%s:" UMOCKDEV "%s%s", shim, before ? ":" : "",
                 before ? before : "");
    }
    snprintf(usbfs, sizeof usbfs, "%s/%s", world_dir, USBFS_WIRE_SOCKET);
    if (setenv("UMOCKDEV_DIR", world_dir, 1) || setenv(USBFS_WIRE_SOCKET_ENV, usbfs, 1) ||
        setenv("VBOARD_WORLD", world_dir, 1) || setenv("LD_PRELOAD", preload, 1) ||
        setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 0)) {
        snprintf(why, whycap, "setenv: %s", strerror(errno));
        return -1;
    }
    return 0;
}
