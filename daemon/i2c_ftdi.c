// SPDX-License-Identifier: Apache-2.0
#include "daemon/i2c_ftdi.h"

#include <ftdi.h>
#include <libusb.h>
#include <stdio.h>
#include <string.h>

#include "daemon/sched.h"

enum { LATENCY_MS = 1, USB_TIMEOUT_MS = I2C_EXCHANGE_MS / 2 };

static int exchange(void *arg, const uint8_t *out, size_t n, uint8_t *in, size_t want)
{
    struct i2c_ftdi *d = arg;
    uint64_t until = now_ns() + I2C_EXCHANGE_MS * NS_PER_MS;
    size_t have = 0;
    if (ftdi_write_data(d->ftdi, out, (int)n) != (int)n)
        return -1;
    while (have < want) {
        int r = ftdi_read_data(d->ftdi, in + have, (int)(want - have));
        if (r < 0 || (r == 0 && now_ns() > until))
            return -1;
        have += (size_t)r;
    }
    return 0;
}

static int set_up(struct ftdi_context *f)
{
    f->usb_read_timeout = f->usb_write_timeout = USB_TIMEOUT_MS;
    if (ftdi_set_latency_timer(f, LATENCY_MS) < 0 || ftdi_set_bitmode(f, 0, BITMODE_RESET) < 0 ||
        ftdi_set_bitmode(f, 0, BITMODE_MPSSE) < 0)
        return -1;
    return ftdi_tcioflush(f);
}

int i2c_ftdi_open(struct i2c_ftdi *d, uint16_t vendor, uint16_t product, const char *serial,
                  struct i2c_port *port, char *why, size_t whycap)
{
    char name[64] = "";
    memset(d, 0, sizeof *d);
    d->ftdi = ftdi_new();
    if (!d->ftdi) {
        snprintf(why, whycap, "libftdi does not start");
        return -1;
    }
    ftdi_set_interface(d->ftdi, INTERFACE_A);
    if (ftdi_usb_open_desc(d->ftdi, vendor, product, NULL, serial) < 0 || set_up(d->ftdi) < 0) {
        snprintf(why, whycap, "meter %s: %s", serial, ftdi_get_error_string(d->ftdi));
        i2c_ftdi_close(d);
        return -1;
    }
    // Without its name it would pass for a real one, and its figures for those of a board.
    if (ftdi_usb_get_strings2(d->ftdi, libusb_get_device(d->ftdi->usb_dev), NULL, 0, name,
                              sizeof name, NULL, 0) < 0) {
        snprintf(why, whycap, "meter %s: its product name cannot be read: %s", serial,
                 ftdi_get_error_string(d->ftdi));
        i2c_ftdi_close(d);
        return -1;
    }
    d->is_virtual = strstr(name, "virtual") != NULL;
    *port = (struct i2c_port){exchange, d, d->ftdi->type == TYPE_232H};
    return 0;
}

void i2c_ftdi_close(struct i2c_ftdi *d)
{
    if (!d->ftdi)
        return;
    ftdi_usb_close(d->ftdi);
    ftdi_free(d->ftdi);
    d->ftdi = NULL;
}
