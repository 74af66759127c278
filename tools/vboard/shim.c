// SPDX-License-Identifier: Apache-2.0
// Preloaded into the client before umockdev's preload: takes over open, close and ioctl for
// /dev/bus/usb/BBB/DDD, so that an unmodified libusb talks to the board process. Everything else
// goes to the next library.
#define _GNU_SOURCE // RTLD_NEXT, O_TMPFILE, syscall
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tools/vboard/shim.h"

#define EXPORT __attribute__((visibility("default")))

// The device number when path is a USB node of bus 1, 0 otherwise.
static unsigned usb_node(const char *path)
{
    static const char prefix[] = "/dev/bus/usb/001/";
    if (!path || strncmp(path, prefix, sizeof prefix - 1) != 0 || !getenv(USBFS_WIRE_SOCKET_ENV))
        return 0;
    const char *p = path + sizeof prefix - 1;
    if (strlen(p) != 3 || strspn(p, "0123456789") != 3)
        return 0;
    return (unsigned)(p[0] - '0') * 100 + (unsigned)(p[1] - '0') * 10 + (unsigned)(p[2] - '0');
}

typedef int open_fn(const char *, int, ...);

static int open_any(const char *name, const char *path, int flags, mode_t mode)
{
    unsigned device = usb_node(path);
    if (device)
        return node_open(device);
    open_fn *next = (open_fn *)dlsym(RTLD_NEXT, name);
    return next(path, flags, mode);
}

EXPORT int open(const char *path, int flags, ...)
{
    va_list a;
    va_start(a, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(a, mode_t) : 0;
    va_end(a);
    return open_any("open", path, flags, mode);
}

EXPORT int open64(const char *path, int flags, ...)
{
    va_list a;
    va_start(a, flags);
    mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(a, mode_t) : 0;
    va_end(a);
    return open_any("open64", path, flags, mode);
}

// Debian's libusb is fortified and calls these.
EXPORT int __open_2(const char *path, int flags);
EXPORT int __open_2(const char *path, int flags)
{
    return open_any("open", path, flags, 0);
}

EXPORT int __open64_2(const char *path, int flags);
EXPORT int __open64_2(const char *path, int flags)
{
    return open_any("open64", path, flags, 0);
}

EXPORT int close(int fd)
{
    static int (*next)(int);
    struct node *n = node_of(fd) ? node_forget(fd) : NULL;
    if (n) {
        node_release(n);
        return (int)syscall(SYS_close, fd);
    }
    if (!next)
        next = (int (*)(int))dlsym(RTLD_NEXT, "close");
    return next(fd);
}

EXPORT int ioctl(int fd, unsigned long request, ...)
{
    static int (*next)(int, unsigned long, ...);
    va_list a;
    va_start(a, request);
    void *arg = va_arg(a, void *);
    va_end(a);
    struct node *n = node_of(fd);
    if (n)
        return request_ioctl(n, fd, (unsigned)request, arg);
    if (!next)
        next = (int (*)(int, unsigned long, ...))dlsym(RTLD_NEXT, "ioctl");
    return next(fd, request, arg);
}
