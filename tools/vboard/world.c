// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE // nftw, mkdtemp beside POSIX
#include "tools/vboard/world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tools/vboard/log.h"
#include "tools/vboard/uevent.h"

#define WORLD_PREFIX "vboard-"
#define WORLD_LOCK   "lock"
#define DEVICES_DIR  "sys/devices/pci0000:00/0000:00:14.0/usb1"

enum { PATH_BYTES = 512, USB_MAJOR = 189 };

// --- the folder ---

static int remove_entry(const char *path, const struct stat *s, int flag, struct FTW *ftw)
{
    (void)s;
    (void)flag;
    (void)ftw;
    return remove(path) && errno != ENOENT ? -1 : 0;
}

static int remove_tree(const char *dir)
{
    return nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

int world_lock(struct world *w)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(w->lock_fd, F_SETLK, &l);
}

// True when dir has a lock file that no living process holds.
static bool is_stale(const char *dir)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/" WORLD_LOCK, dir);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return false;
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    bool stale = !fcntl(fd, F_GETLK, &l) && l.l_type == F_UNLCK;
    struct stat s;
    if (stale && !fstat(fd, &s)) { // just made, not locked yet: leave it alone
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        stale = s.st_size > 0 || now.tv_sec - s.st_mtime > 60;
    }
    close(fd);
    return stale;
}

static void remove_stale(const char *tmp)
{
    DIR *d = opendir(tmp);
    struct dirent *e;
    while (d && (e = readdir(d))) {
        char path[PATH_BYTES];
        if (strncmp(e->d_name, WORLD_PREFIX, sizeof WORLD_PREFIX - 1) != 0 ||
            snprintf(path, sizeof path, "%s/%s", tmp, e->d_name) >= (int)sizeof path)
            continue;
        if (is_stale(path)) {
            log_info("world: removing what a dead vboard left dir=%s", path);
            remove_tree(path);
        }
    }
    if (d)
        closedir(d);
}

// Makes every missing folder of path below the world.
static int make_dirs(const struct world *w, const char *path)
{
    char p[PATH_BYTES];
    int root = snprintf(p, sizeof p, "%s/", w->dir);
    if (root + strlen(path) >= sizeof p) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(p + root, path, strlen(path) + 1);
    for (char *s = p + root; *s; s++) {
        if (*s == '/') {
            *s = '\0';
            if (mkdir(p, 0755) && errno != EEXIST)
                return -1;
            *s = '/';
        }
    }
    return mkdir(p, 0755) && errno != EEXIST ? -1 : 0;
}

static int put_bytes(const struct world *w, const char *dir, const char *name, const void *data,
                     size_t n)
{
    char p[PATH_BYTES];
    if (snprintf(p, sizeof p, "%s/%s/%s", w->dir, dir, name) >= (int)sizeof p) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int fd = open(p, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return -1;
    ssize_t r = n ? write(fd, data, n) : 0;
    close(fd);
    return r == (ssize_t)n ? 0 : -1;
}

static int put_text(const struct world *w, const char *dir, const char *name, const char *format,
                    ...) __attribute__((format(printf, 4, 5)));

static int put_text(const struct world *w, const char *dir, const char *name, const char *format,
                    ...)
{
    char text[PATH_BYTES];
    va_list a;
    va_start(a, format);
    vsnprintf(text, sizeof text, format, a);
    va_end(a);
    return put_bytes(w, dir, name, text, strlen(text));
}

static int put_link(const struct world *w, const char *dir, const char *name, const char *target)
{
    char p[PATH_BYTES];
    snprintf(p, sizeof p, "%s/%s/%s", w->dir, dir, name);
    return symlink(target, p) && errno != EEXIST ? -1 : 0;
}

static int make_skeleton(struct world *w)
{
    static const char *const dirs[] = {"dev/bus/usb/001", "dev/.node", "sys/bus/usb/devices",
                                       "sys/dev/char",    "sys/class", "sys/devices",
                                       "run/udev/data"};
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
        if (make_dirs(w, dirs[i]))
            return -1;
    }
    if (put_text(w, ".", WORLD_LOCK, "%d\n", (int)getpid()))
        return -1;
    char p[PATH_BYTES];
    snprintf(p, sizeof p, "%s/" WORLD_LOCK, w->dir);
    w->lock_fd = open(p, O_RDWR | O_CLOEXEC);
    return w->lock_fd < 0 ? -1 : world_lock(w);
}

int world_init(struct world *w, const char *dir, char *why, size_t whycap)
{
    const char *tmp = getenv("TMPDIR");
    char path[PATH_BYTES];
    w->lock_fd = -1;
    w->dir[0] = '\0';
    if (!tmp || !*tmp)
        tmp = "/tmp";
    remove_stale(tmp);
    if (dir && is_stale(dir))
        remove_tree(dir);
    if (dir)
        snprintf(path, sizeof path, "%s", dir);
    else
        snprintf(path, sizeof path, "%s/" WORLD_PREFIX "%d-XXXXXX", tmp, (int)getpid());
    if (dir ? mkdir(path, 0700) : !mkdtemp(path)) {
        snprintf(why, whycap, "cannot make %s: %s", path, strerror(errno));
        return -1;
    }
    // absolute: clients change their directory
    char *absolute = realpath(path, NULL);
    if (!absolute || strlen(absolute) > WORLD_PATH_MAX) {
        snprintf(why, whycap, "%s: the path is longer than %d characters", path, WORLD_PATH_MAX);
        rmdir(path);
        free(absolute);
        return -1;
    }
    snprintf(w->dir, sizeof w->dir, "%s", absolute);
    free(absolute);
    if (make_skeleton(w)) {
        snprintf(why, whycap, "cannot fill %s: %s", w->dir, strerror(errno));
        world_fini(w);
        return -1;
    }
    return 0;
}

bool world_exists(const struct world *w)
{
    char p[PATH_BYTES];
    snprintf(p, sizeof p, "%s/" WORLD_LOCK, w->dir);
    return !access(p, F_OK);
}

void world_fini(struct world *w)
{
    if (w->dir[0])
        remove_tree(w->dir);
    w->dir[0] = '\0';
    if (w->lock_fd >= 0)
        close(w->lock_fd);
    w->lock_fd = -1;
}

// --- devices ---

static int put_attributes(const struct world *w, const char *dir, unsigned number,
                          const struct ftdi *f)
{
    uint8_t descriptors[FTDI_DESCRIPTORS_MAX];
    size_t n = ftdi_descriptors(f, descriptors);
    return put_text(w, dir, "uevent",
                    "DEVNAME=bus/usb/001/%03u\nDEVTYPE=usb_device\nMAJOR=%d\nMINOR=%u\n"
                    "PRODUCT=%x/%x/%x\nTYPE=0/0/0\nBUSNUM=001\nDEVNUM=%03u\n",
                    number, USB_MAJOR, number - 1, FTDI_VENDOR_ID, f->product_id, f->release,
                    number) ||
           put_text(w, dir, "busnum", "1\n") || put_text(w, dir, "devnum", "%u\n", number) ||
           put_text(w, dir, "dev", "%d:%u\n", USB_MAJOR, number - 1) ||
           put_text(w, dir, "idVendor", "%04x\n", FTDI_VENDOR_ID) ||
           put_text(w, dir, "idProduct", "%04x\n", f->product_id) ||
           put_text(w, dir, "bcdDevice", "%04x\n", f->release) ||
           put_text(w, dir, "bDeviceClass", "00\n") || put_text(w, dir, "speed", "480\n") ||
           put_text(w, dir, "bConfigurationValue", "1\n") ||
           put_text(w, dir, "bNumConfigurations", "1\n") ||
           put_text(w, dir, "bNumInterfaces", "%2u\n", f->channels) ||
           put_text(w, dir, "maxchild", "0\n") || put_text(w, dir, "manufacturer", "FTDI\n") ||
           put_text(w, dir, "product", "%s\n", f->product) ||
           put_text(w, dir, "serial", "%s\n", f->serial) ||
           put_bytes(w, dir, "descriptors", descriptors, n) ||
           put_link(w, dir, "subsystem", "../../../../../bus/usb");
}

int world_add_device(struct world *w, unsigned number, const struct ftdi *chip)
{
    char dir[128], name[32], target[192];
    snprintf(dir, sizeof dir, DEVICES_DIR "/1-%u", number - 1);
    if (make_dirs(w, dir) || put_attributes(w, dir, number, chip))
        return -1;
    snprintf(name, sizeof name, "%03u", number);
    if (put_bytes(w, "dev/bus/usb/001", name, "", 0))
        return -1;
    snprintf(name, sizeof name, "bus_usb_001_%03u", number);
    snprintf(target, sizeof target, "%d:%u", USB_MAJOR, number - 1);
    if (put_link(w, "dev/.node", name, target))
        return -1;
    snprintf(target, sizeof target, "../../%s", dir + 4);
    snprintf(name, sizeof name, "%d:%u", USB_MAJOR, number - 1);
    if (put_link(w, "sys/dev/char", name, target))
        return -1;
    snprintf(target, sizeof target, "../../../%s", dir + 4);
    snprintf(name, sizeof name, "1-%u", number - 1);
    if (put_link(w, "sys/bus/usb/devices", name, target))
        return -1;
    uevent_send(w->dir, "add", number, chip);
    return 0;
}

int world_remove_device(struct world *w, unsigned number, const struct ftdi *chip)
{
    char p[4][PATH_BYTES];
    snprintf(p[0], sizeof p[0], "%s/sys/bus/usb/devices/1-%u", w->dir, number - 1);
    snprintf(p[1], sizeof p[1], "%s/sys/dev/char/%d:%u", w->dir, USB_MAJOR, number - 1);
    snprintf(p[2], sizeof p[2], "%s/dev/.node/bus_usb_001_%03u", w->dir, number);
    snprintf(p[3], sizeof p[3], "%s/dev/bus/usb/001/%03u", w->dir, number);
    for (size_t i = 0; i < 4; i++) {
        if (unlink(p[i]) && errno != ENOENT)
            return -1;
    }
    uevent_send(w->dir, "remove", number, chip);
    snprintf(p[0], sizeof p[0], "%s/" DEVICES_DIR "/1-%u", w->dir, number - 1);
    return remove_tree(p[0]);
}
