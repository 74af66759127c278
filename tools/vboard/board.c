// SPDX-License-Identifier: Apache-2.0
#include "tools/vboard/board.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tools/vboard/log.h"

enum { FIRST_DEVICE = 2 }; // number 1 is the root hub

bool board_serial_ok(const char *serial)
{
    size_t n = strlen(serial);
    return n >= 1 && n <= BOARD_SERIAL_MAX &&
           strspn(serial, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == n;
}

static int board_init(struct boards *all, struct board *b, const char *serial, unsigned number,
                      const struct device_part *part)
{
    char meter[FTDI_SERIAL_MAX + 1];
    snprintf(b->serial, sizeof b->serial, "%s", serial);
    snprintf(meter, sizeof meter, "%sP", b->serial);
    ftdi_init(&b->chip[BOARD_MAIN], FTDI_FT2232H, b->serial, true);
    ftdi_init(&b->chip[BOARD_METER], FTDI_FT232H, meter, false);
    power_meter_init(&b->meter, loop_now_ns);
    power_meter_start_timer(&b->meter);
    power_meter_attach(&b->meter, &b->chip[BOARD_METER].channel[0].mpsse);
    fpga_init(&b->fpga, &all->options, b->serial, part, &b->chip[BOARD_MAIN].channel[1].fifo,
              &b->meter);
    struct mpsse *jtag = &b->chip[BOARD_MAIN].channel[0].mpsse;
    jtag->clock = fpga_jtag_clock;
    jtag->ctx = &b->fpga;
    for (unsigned i = 0; i < BOARD_DEVICES; i++) {
        usbfs_add(&b->device[i], number + i, &b->chip[i]);
        if (world_add_device(all->world, number + i, &b->chip[i]))
            return -1;
    }
    return 0;
}

int boards_init(struct boards *b, struct world *w, const struct fpga_options *options,
                const struct device_part *part, const char *const *serials, size_t count, char *why,
                size_t whycap)
{
    memset(b, 0, sizeof *b);
    b->world = w;
    b->options = *options;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (!strcmp(serials[i], serials[j])) {
                snprintf(why, whycap, "two boards have the serial %s", serials[i]);
                return -1;
            }
        }
        b->count = i + 1;
        if (board_init(b, &b->board[i], serials[i], FIRST_DEVICE + BOARD_DEVICES * (unsigned)i,
                       part)) {
            snprintf(why, whycap, "cannot plug in %s: %s", serials[i], strerror(errno));
            return -1;
        }
    }
    return 0;
}

void boards_fini(struct boards *b)
{
    for (size_t i = 0; i < b->count; i++) {
        fpga_fini(&b->board[i].fpga);
        loop_remove_timer(&b->board[i].meter.tick);
        for (unsigned d = 0; d < BOARD_DEVICES; d++)
            ftdi_fini(&b->board[i].chip[d]);
    }
    b->count = 0;
}

struct board *boards_find(struct boards *b, const char *serial)
{
    for (size_t i = 0; i < b->count; i++) {
        if (!serial || !strcmp(b->board[i].serial, serial))
            return &b->board[i];
    }
    return NULL;
}

int board_unplug(struct boards *all, struct board *b, unsigned device, bool powered)
{
    struct usbfs_device *d = &b->device[device];
    if (!d->present) {
        errno = EALREADY;
        return -1;
    }
    usbfs_unplug(d);
    ftdi_power_cycle(&b->chip[device]);
    if (device == BOARD_MAIN && !powered)
        fpga_power_off(&b->fpga);
    log_info("board: unplugged serial=%s", b->chip[device].serial);
    return world_remove_device(all->world, d->number, &b->chip[device]);
}

int board_replug(struct boards *all, struct board *b, unsigned device)
{
    struct usbfs_device *d = &b->device[device];
    if (d->present) {
        errno = EALREADY;
        return -1;
    }
    usbfs_plug(d);
    if (device == BOARD_MAIN)
        fpga_power_on(&b->fpga);
    else
        power_meter_power_cycle(&b->meter);
    log_info("board: plugged in serial=%s", b->chip[device].serial);
    return world_add_device(all->world, d->number, &b->chip[device]);
}
