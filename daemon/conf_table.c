// SPDX-License-Identifier: Apache-2.0
// The directives, and printing them.
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/conf.h"

#define IN_DAEMON(field) offsetof(struct conf, field), sizeof(((struct conf *)0)->field)
#define IN_BOARD(field)  offsetof(struct conf_board, field), sizeof(((struct conf_board *)0)->field)

#define IN_ROUTE(field) offsetof(struct conf_route, field), sizeof(((struct conf_route *)0)->field)

const struct conf_row conf_table[] = {
    {"daemon", "control", CONF_ENDPOINT, IN_DAEMON(control), 0, 0,
     "ipc:///run/sevencast/control.sock", "socket for all verbs, mode 0600"},
    {"daemon", "infer", CONF_ENDPOINT, IN_DAEMON(infer), 0, 0, "",
     "second socket for all but load and unload, mode 0660; empty = none"},
    {"daemon", "variants", CONF_PATH, IN_DAEMON(variants), 0, 0, "/var/lib/sevencast/packages",
     "folder with one package per variant"},
    {"daemon", "run_dir", CONF_PATH, IN_DAEMON(run_dir), 0, 0, "/run/sevencast",
     "folder for locks and for what runs on each board"},
    {"daemon", "state_dir", CONF_PATH, IN_DAEMON(state_dir), 0, 0, "/var/lib/sevencast",
     "folder for the records of experiments, which outlive the daemon"},
    {"daemon", "loader", CONF_PATH, IN_DAEMON(loader), 0, 0, "/usr/bin/openFPGALoader",
     "openFPGALoader, which programs the boards"},
    {"daemon", "worker", CONF_PATH, IN_DAEMON(worker), 0, 0, "",
     "program run per board; empty = sevencastd itself (others are for tests)"},
    {"daemon", "log_level", CONF_LEVEL, IN_DAEMON(log_level), 0, 0, "info",
     "error, warn, info or debug"},
    {"daemon", "queue", CONF_INT, IN_DAEMON(queue), 1, 4096, "256",
     "inference requests that may wait or run, over all boards"},
    {"daemon", "stop_timeout_ms", CONF_INT, IN_DAEMON(stop_timeout_ms), 100, 60000, "2000",
     "longest time from SIGTERM to the end"},
    {"daemon", "return_grace_ms", CONF_INT, IN_DAEMON(return_grace_ms), 0, 60000, "1000",
     "how long requests wait for a lost board before they get DEVICE_LOST"},
    {"daemon", "experiments", CONF_INT, IN_DAEMON(experiments), 0, 32, "8",
     "experiments that may run or wait; 0 = none are taken"},
    {"board", "serial", CONF_NAME, IN_BOARD(serial), 0, 0, NULL,
     "serial number of the board's FTDI chip"},
    {"board", "usb_id", CONF_USB_ID, IN_BOARD(usb_id), 0, 0, "0403:6010",
     "USB vendor and product of the FTDI chip, hexadecimal"},
    {"board", "part", CONF_NAME, IN_BOARD(part), 0, 0, "xc7s15", "FPGA on the board"},
    {"board", "variant", CONF_NAME, IN_BOARD(variant), 0, 0, "",
     "variant that the board runs from the start; empty = what it runs already"},
    {"board", "cable", CONF_NAME, IN_BOARD(cable), 0, 0, "ft2232",
     "openFPGALoader's name for the JTAG wiring"},
    {"board", "jtag_mhz", CONF_INT, IN_BOARD(jtag_mhz), 1, 30, "30", "JTAG clock"},
    {"board", "allow_virtual", CONF_YES_NO, IN_BOARD(allow_virtual), 0, 0, "no",
     "whether virtual bitstreams, which only the virtual board understands, are accepted"},
    {"board", "answer_timeout_ms", CONF_INT, IN_BOARD(answer_timeout_ms), 10, 600000, "5000",
     "an inference that takes longer is a fault of the board"},
    {"board", "program_timeout_ms", CONF_INT, IN_BOARD(program_timeout_ms), 100, 600000, "30000",
     "a programming that takes longer is stopped"},
    {"board", "burst_max_s", CONF_INT, IN_BOARD(burst_max_s), 1, 600, "60",
     "longest burst; requests of others wait for its end"},
    {"board", "meter", CONF_NAME, IN_BOARD(meter), 0, 0, "none",
     "power monitor: none, pac1934, ina226 or ina228"},
    {"board", "meter_serial", CONF_NAME, IN_BOARD(meter_serial), 0, 0, "",
     "serial number of the FTDI chip that is the monitor's I2C master"},
    {"board", "meter_usb_id", CONF_USB_ID, IN_BOARD(meter_usb_id), 0, 0, "0403:6014",
     "USB vendor and product of that chip, hexadecimal"},
    {"board", "meter_address", CONF_INT, IN_BOARD(meter_address), 0, 119, "0",
     "I2C address of the monitor, in decimal; 0 = the chip's usual one"},
    {"board", "rails", CONF_TEXT, IN_BOARD(rails), 0, 0, "",
     "what the monitor's channels measure, NAME:SHUNT_OHM, ... in their order; - = not used"},
    {"route", "variants", CONF_TEXT, IN_ROUTE(variants), 0, 0, NULL,
     "variants behind the name with their weights, VARIANT:WEIGHT, ..."},
    {"route", "sticky", CONF_YES_NO, IN_ROUTE(sticky), 0, 0, "no",
     "whether a client key, or a connection, always gets the same variant"},
    {"route", "mirror", CONF_NAME, IN_ROUTE(mirror), 0, 0, "",
     "variant that computes every answer again, for comparison only"},
    {"route", "swap", CONF_YES_NO, IN_ROUTE(swap), 0, 0, "no",
     "whether requests for a variant that is on no board may swap one"},
    {"route", "board", CONF_NAME, IN_ROUTE(board), 0, 0, "",
     "the board that may be swapped; empty = any that runs the variants' task, or nothing"},
    {"route", "dwell_ms", CONF_INT, IN_ROUTE(dwell_ms), 0, 600000, "2000",
     "how long a board serves at least before a route swaps it"},
    {"route", "mirror_swap_s", CONF_INT, IN_ROUTE(mirror_swap_s), 0, 86400, "0",
     "a board that nobody uses is swapped for the mirror, at most once in so many seconds; 0 = "
     "never"},
    {NULL, NULL, CONF_TEXT, 0, 0, 0, 0, NULL, NULL},
};

_Static_assert(offsetof(struct conf_board, name) == 0, "see conf_section");
_Static_assert(offsetof(struct conf_route, name) == 0, "see conf_section");
_Static_assert(sizeof conf_table / sizeof conf_table[0] <= 64, "a bit of given for each row");

const struct conf_section conf_sections[] = {
    {"board", offsetof(struct conf, board), offsetof(struct conf, boards),
     sizeof(struct conf_board), offsetof(struct conf_board, given), CONF_BOARDS},
    {"route", offsetof(struct conf, route), offsetof(struct conf, routes),
     sizeof(struct conf_route), offsetof(struct conf_route, given), CONF_ROUTES},
    {NULL, 0, 0, 0, 0, 0},
};

const char *const conf_level_names[] = {"error", "warn", "info", "debug"};

static int put(int fd, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int put(int fd, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vdprintf(fd, format, args);
    va_end(args);
    return n < 0 ? -1 : 0;
}

static int print_section(int fd, const char *section, const void *base)
{
    for (const struct conf_row *row = conf_table; row->section; row++) {
        const char *field = (const char *)base + row->offset;
        int r = 0;
        if (strcmp(row->section, section) != 0)
            continue;
        if (row->kind == CONF_INT)
            r = put(fd, "%s = %d\n", row->name, *(const int *)(const void *)field);
        else if (row->kind == CONF_YES_NO)
            r = put(fd, "%s = %s\n", row->name, *(const bool *)(const void *)field ? "yes" : "no");
        else if (row->kind == CONF_LEVEL)
            r = put(fd, "%s = %s\n", row->name,
                    conf_level_names[*(const enum log_level *)(const void *)field]);
        else
            r = put(fd, "%s = %s\n", row->name, field);
        if (r < 0)
            return -1;
    }
    return 0;
}

int conf_print(const struct conf *c, int fd)
{
    if (put(fd, "[daemon]\n") < 0 || print_section(fd, "daemon", c) < 0)
        return -1;
    for (const struct conf_section *k = conf_sections; k->kind; k++) {
        const char *item = (const char *)c + k->items;
        int n = *(const int *)(const void *)((const char *)c + k->count);
        for (; n--; item += k->bytes)
            if (put(fd, "\n[%s %s]\n", k->kind, item) < 0 || print_section(fd, k->kind, item) < 0)
                return -1;
    }
    return 0;
}

int conf_print_help(int fd)
{
    const char *section = "";
    for (const struct conf_row *row = conf_table; row->section; row++) {
        if (strcmp(section, row->section) != 0) {
            section = row->section;
            bool named = strcmp(section, "daemon") != 0;
            if (put(fd, "[%s%s]\n", section, named ? " NAME" : "") < 0)
                return -1;
        }
        if (put(fd, "  %-18s %s", row->name, row->help) < 0)
            return -1;
        if (row->kind == CONF_INT && put(fd, " (%d to %d)", row->lo, row->hi) < 0)
            return -1;
        if (put(fd, row->fallback ? "; default: %s\n" : "; must be given%s\n",
                row->fallback ? (*row->fallback ? row->fallback : "none") : "") < 0)
            return -1;
    }
    return 0;
}
