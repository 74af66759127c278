// SPDX-License-Identifier: Apache-2.0
#include "tools/vboard/uevent.h"

#include <arpa/inet.h>
#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

enum { MONITOR_MAGIC = (int)0xfeedcafe };

// What udevd puts before the properties of an event (libudev, monitor protocol version 0xfeedcafe).
struct monitor_header {
    char prefix[8];
    uint32_t magic, header_bytes, properties_offset, properties_bytes;
    uint32_t subsystem_hash, devtype_hash, tag_bloom_high, tag_bloom_low;
};

// MurmurHash2 with seed 0: libudev filters on it. (Austin Appleby's public-domain hash, from its
// published description.)
static uint32_t text_hash(const char *s)
{
    const uint32_t m = 0x5bd1e995u;
    size_t n = strlen(s);
    uint32_t h = (uint32_t)n;
    const uint8_t *p = (const uint8_t *)s;
    for (; n >= 4; p += 4, n -= 4) {
        uint32_t k = p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
        k *= m;
        k ^= k >> 24;
        h = (h * m) ^ (k * m);
    }
    if (n) {
        for (size_t i = 0; i < n; i++)
            h ^= (uint32_t)p[i] << (8 * i);
        h *= m;
    }
    h ^= h >> 13;
    h *= m;
    return h ^ h >> 15;
}

static size_t put_properties(char *out, size_t room, const char *action, unsigned number,
                             const struct ftdi *f)
{
    static unsigned sequence = 1000;
    int n = snprintf(out, room,
                     "ACTION=%s\nDEVPATH=/devices/pci0000:00/0000:00:14.0/usb1/1-%u\n"
                     "SUBSYSTEM=usb\nDEVNAME=/dev/bus/usb/001/%03u\nDEVTYPE=usb_device\n"
                     "SEQNUM=%u\nMAJOR=189\nMINOR=%u\nBUSNUM=001\nDEVNUM=%03u\n"
                     "PRODUCT=%x/%x/%x\nTYPE=0/0/0\nID_VENDOR_ID=%04x\nID_MODEL_ID=%04x\n",
                     action, number - 1, number, sequence++, number - 1, number,
                     (unsigned)FTDI_VENDOR_ID, f->product_id, f->release, (unsigned)FTDI_VENDOR_ID,
                     f->product_id);
    for (int i = 0; i < n; i++) {
        if (out[i] == '\n')
            out[i] = '\0';
    }
    return (size_t)n;
}

void uevent_send(const char *world_dir, const char *action, unsigned number,
                 const struct ftdi *chip)
{
    char properties[512], pattern[128];
    size_t n = put_properties(properties, sizeof properties, action, number, chip);
    struct monitor_header head = {.prefix = "libudev",
                                  .magic = htonl((uint32_t)MONITOR_MAGIC),
                                  .header_bytes = sizeof head,
                                  .properties_offset = sizeof head,
                                  .properties_bytes = (uint32_t)n,
                                  .subsystem_hash = htonl(text_hash("usb")),
                                  .devtype_hash = htonl(text_hash("usb_device"))};
    glob_t found;
    snprintf(pattern, sizeof pattern, "%s/event[0-9]*", world_dir);
    if (glob(pattern, GLOB_NOSORT, NULL, &found))
        return;
    int fd = socket(AF_UNIX, SOCK_RAW | SOCK_CLOEXEC, 0);
    for (size_t i = 0; fd >= 0 && i < found.gl_pathc; i++) {
        struct sockaddr_un a = {.sun_family = AF_UNIX};
        snprintf(a.sun_path, sizeof a.sun_path, "%s", found.gl_pathv[i]);
        struct iovec v[2] = {{&head, sizeof head}, {properties, n}};
        struct msghdr h = {.msg_name = &a, .msg_namelen = sizeof a, .msg_iov = v, .msg_iovlen = 2};
        if (sendmsg(fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
            continue; // a listener that has gone
    }
    if (fd >= 0)
        close(fd);
    globfree(&found);
}
