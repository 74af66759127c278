// SPDX-License-Identifier: Apache-2.0
// Standard requests (USB 2.0 chapter 9) of the FTDI chips.
#include <errno.h>
#include <string.h>

#include "tools/vboard/ftdi.h"

enum { DEVICE_BYTES = 18, CONFIGURATION_BYTES = 9, INTERFACE_BYTES = 23, QUALIFIER_BYTES = 10 };
enum {
    DESCRIPTOR_DEVICE = 1,
    DESCRIPTOR_CONFIGURATION,
    DESCRIPTOR_STRING,
    DESCRIPTOR_QUALIFIER = 6
};
enum {
    GET_STATUS = 0,
    CLEAR_FEATURE = 1,
    SET_FEATURE = 3,
    GET_DESCRIPTOR = 6,
    GET_CONFIGURATION = 8,
    SET_CONFIGURATION = 9,
    GET_INTERFACE = 10,
    SET_INTERFACE = 11,
};

size_t ftdi_descriptors(const struct ftdi *f, uint8_t out[FTDI_DESCRIPTORS_MAX])
{
    size_t configuration = CONFIGURATION_BYTES + f->channels * INTERFACE_BYTES;
    const uint8_t device[DEVICE_BYTES] = {DEVICE_BYTES,
                                          DESCRIPTOR_DEVICE,
                                          0x00,
                                          0x02,
                                          0,
                                          0,
                                          0,
                                          64,
                                          (uint8_t)FTDI_VENDOR_ID,
                                          FTDI_VENDOR_ID >> 8,
                                          (uint8_t)f->product_id,
                                          (uint8_t)(f->product_id >> 8),
                                          (uint8_t)f->release,
                                          (uint8_t)(f->release >> 8),
                                          1,
                                          2,
                                          3,
                                          1};
    const uint8_t head[CONFIGURATION_BYTES] = {CONFIGURATION_BYTES,
                                               DESCRIPTOR_CONFIGURATION,
                                               (uint8_t)configuration,
                                               0,
                                               (uint8_t)f->channels,
                                               1,
                                               0,
                                               0x80 /* bus powered */,
                                               45 /* 90 mA */};
    uint8_t *p = out;
    memcpy(p, device, sizeof device);
    p += sizeof device;
    memcpy(p, head, sizeof head);
    p += sizeof head;
    for (unsigned i = 0; i < f->channels; i++) {
        const uint8_t interface[INTERFACE_BYTES] = {9,    4,    (uint8_t)i,
                                                    0,    2,    0xff,
                                                    0xff, 0xff, 2, // vendor class, two endpoints
                                                    7,    5,    (uint8_t)(0x81 + 2 * i),
                                                    2,    0x00, 0x02,
                                                    0, // bulk IN, 512 bytes
                                                    7,    5,    (uint8_t)(0x02 + 2 * i),
                                                    2,    0x00, 0x02,
                                                    0}; // bulk OUT
        memcpy(p, interface, sizeof interface);
        p += sizeof interface;
    }
    return (size_t)(p - out);
}

static int string_descriptor(const struct ftdi *f, unsigned index, uint8_t *out, size_t room)
{
    const char *const text[] = {NULL, "FTDI", f->product, f->serial};
    if (!index) { // languages: US English
        const uint8_t languages[] = {4, DESCRIPTOR_STRING, 0x09, 0x04};
        memcpy(out, languages, sizeof languages);
        return (int)sizeof languages;
    }
    if (index > 3)
        return -EPIPE;
    size_t n = strlen(text[index]);
    if (2 * n + 2 > room)
        return -EPIPE;
    out[0] = (uint8_t)(2 * n + 2);
    out[1] = DESCRIPTOR_STRING;
    for (size_t i = 0; i < n; i++) {
        out[2 + 2 * i] = (uint8_t)text[index][i];
        out[3 + 2 * i] = 0;
    }
    return out[0];
}

static int descriptor(const struct ftdi *f, unsigned type, unsigned index, uint8_t *out,
                      size_t room)
{
    uint8_t all[FTDI_DESCRIPTORS_MAX];
    size_t n = ftdi_descriptors(f, all);
    switch (type) {
    case DESCRIPTOR_DEVICE:
        memcpy(out, all, DEVICE_BYTES);
        return DEVICE_BYTES;
    case DESCRIPTOR_CONFIGURATION:
        memcpy(out, all + DEVICE_BYTES, n - DEVICE_BYTES);
        return (int)(n - DEVICE_BYTES);
    case DESCRIPTOR_STRING:
        return string_descriptor(f, index, out, room);
    case DESCRIPTOR_QUALIFIER: { // the same at full speed
        const uint8_t q[QUALIFIER_BYTES] = {
            QUALIFIER_BYTES, DESCRIPTOR_QUALIFIER, 0, 2, 0, 0, 0, 64, 1, 0};
        memcpy(out, q, sizeof q);
        return QUALIFIER_BYTES;
    }
    default:
        return -EPIPE;
    }
}

int ftdi_standard_request(const struct ftdi *f, const uint8_t setup[8], uint8_t *out, size_t room)
{
    switch (setup[1]) {
    case GET_DESCRIPTOR:
        return descriptor(f, setup[3], setup[2], out, room);
    case GET_STATUS:
        out[0] = out[1] = 0;
        return 2;
    case GET_CONFIGURATION:
        out[0] = 1;
        return 1;
    case GET_INTERFACE:
        out[0] = 0;
        return 1;
    case CLEAR_FEATURE:
    case SET_FEATURE:
    case SET_CONFIGURATION:
    case SET_INTERFACE:
        return 0;
    default:
        return -EPIPE;
    }
}
