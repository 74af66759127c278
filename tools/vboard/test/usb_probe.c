// SPDX-License-Identifier: Apache-2.0
// usb-probe: small clients on stock libftdi and libusb for the script tests of the virtual board.
// Each word on the command line is one check; the exit code is 0 when all hold.
#include <ftdi.h>
#include <libusb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

enum { VENDOR = 0x0403, FT2232H = 0x6010, FT232H = 0x6014, FIFO_BYTES = 4096 };

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "usb-probe: %s:%d: %s\n", __func__, __LINE__, #condition);             \
            return -1;                                                                             \
        }                                                                                          \
    } while (0)

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static void pause_ms(long ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static struct ftdi_context *open_channel(int product, const char *serial, enum ftdi_interface i)
{
    struct ftdi_context *f = ftdi_new();
    if (!f)
        return NULL;
    ftdi_set_interface(f, i);
    if (ftdi_usb_open_desc(f, VENDOR, product, NULL, serial)) {
        ftdi_free(f);
        return NULL;
    }
    f->usb_write_timeout = f->usb_read_timeout = 300;
    return f;
}

static void close_channel(struct ftdi_context *f)
{
    ftdi_usb_close(f);
    ftdi_free(f);
}

// Channel B is a 245 FIFO by EEPROM, channel A is not.
static int probe_eeprom(void)
{
    struct ftdi_context *f = open_channel(FT2232H, "VB0001", INTERFACE_A);
    int a = -1, b = -1, product = 0, chip = 0;
    CHECK(f);
    CHECK(!ftdi_read_eeprom(f));
    CHECK(!ftdi_eeprom_decode(f, 0)); // checks the checksum, too
    ftdi_get_eeprom_value(f, CHANNEL_A_TYPE, &a);
    ftdi_get_eeprom_value(f, CHANNEL_B_TYPE, &b);
    ftdi_get_eeprom_value(f, PRODUCT_ID, &product);
    ftdi_get_eeprom_value(f, CHIP_TYPE, &chip);
    CHECK(a == CHANNEL_IS_UART && b == CHANNEL_IS_FIFO && product == FT2232H && chip == 0x56);
    close_channel(f);
    return 0;
}

// The meter's FT232H answers MPSSE: a bad command comes back.
static int probe_meter(void)
{
    struct ftdi_context *f = open_channel(FT232H, "VB0001P", INTERFACE_A);
    uint8_t bad[] = {0xaa, 0x87}, answer[2];
    CHECK(f);
    CHECK(!ftdi_set_bitmode(f, 0, BITMODE_RESET) && !ftdi_set_bitmode(f, 0, BITMODE_MPSSE));
    CHECK(ftdi_write_data(f, bad, sizeof bad) == (int)sizeof bad);
    CHECK(ftdi_read_data(f, answer, 2) == 2);
    CHECK(answer[0] == 0xfa && answer[1] == 0xaa);
    close_channel(f);
    return 0;
}

static int probe_claim(void)
{
    struct ftdi_context *a = open_channel(FT2232H, "VB0001", INTERFACE_A);
    struct ftdi_context *b = open_channel(FT2232H, "VB0001", INTERFACE_B);
    CHECK(a && b);
    CHECK(!open_channel(FT2232H, "VB0001", INTERFACE_B)); // busy
    close_channel(b);
    b = open_channel(FT2232H, "VB0001", INTERFACE_B); // free again
    CHECK(b);
    CHECK(!open_channel(FT2232H, "VB9999", INTERFACE_B));
    CHECK(!open_channel(FT232H, "VB0001", INTERFACE_A));
    close_channel(a);
    close_channel(b);
    return 0;
}

static int probe_latency(void)
{
    struct ftdi_context *f = open_channel(FT2232H, "VB0001", INTERFACE_B);
    uint8_t ms = 0, byte;
    unsigned short status = 0;
    CHECK(f);
    CHECK(!ftdi_set_latency_timer(f, 40) && !ftdi_get_latency_timer(f, &ms) && ms == 40);
    CHECK(!ftdi_poll_modem_status(f, &status) && (status & 0xff) == 0x32);
    uint64_t start = now_ms();
    CHECK(ftdi_read_data(f, &byte, 1) == 0); // an empty packet after the latency time
    uint64_t took = now_ms() - start;
    CHECK(took >= 35 && took < 200);
    close_channel(f);
    return 0;
}

// Nobody reads the FIFO of an FPGA that is not configured: 4096 bytes fit, the next one is refused.
static int probe_backpressure(void)
{
    static uint8_t data[FIFO_BYTES + 1];
    struct ftdi_context *f = open_channel(FT2232H, "VB0001", INTERFACE_B);
    CHECK(f);
    CHECK(!ftdi_tcioflush(f));
    CHECK(ftdi_write_data(f, data, FIFO_BYTES) == FIFO_BYTES);
    CHECK(ftdi_write_data(f, data, 1) < 0); // time-out
    CHECK(!ftdi_tcoflush(f));
    CHECK(ftdi_write_data(f, data, FIFO_BYTES) == FIFO_BYTES);
    CHECK(!ftdi_tcoflush(f));
    close_channel(f);
    return 0;
}

// Reads until the cable is pulled (by the script), which must be an error and not a hang.
static int probe_until_unplugged(void)
{
    struct ftdi_context *f = open_channel(FT2232H, "VB0001", INTERFACE_B);
    uint8_t byte;
    CHECK(f);
    puts("reading");
    fflush(stdout);
    uint64_t end = now_ms() + 10000;
    int r = 0;
    while (r >= 0 && now_ms() < end)
        r = ftdi_read_data(f, &byte, 1);
    CHECK(r < 0);
    CHECK(ftdi_write_data(f, &byte, 1) < 0);
    close_channel(f);
    CHECK(!open_channel(FT2232H, "VB0001", INTERFACE_B));
    return 0;
}

// --- hot-plug, by libusb's own monitor ---

static int arrived, left;

static int LIBUSB_CALL on_hotplug(libusb_context *usb, libusb_device *d, libusb_hotplug_event e,
                                  void *user)
{
    (void)usb;
    (void)d;
    (void)user;
    if (e == LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED)
        arrived++;
    else
        left++;
    return 0;
}

static int probe_hotplug(void)
{
    libusb_context *usb;
    CHECK(!libusb_init(&usb));
    CHECK(libusb_has_capability(LIBUSB_CAP_HAS_HOTPLUG));
    CHECK(!libusb_hotplug_register_callback(
        usb, LIBUSB_HOTPLUG_EVENT_DEVICE_ARRIVED | LIBUSB_HOTPLUG_EVENT_DEVICE_LEFT, 0, VENDOR,
        FT2232H, LIBUSB_HOTPLUG_MATCH_ANY, on_hotplug, NULL, NULL));
    puts("listening");
    fflush(stdout);
    uint64_t end = now_ms() + 5000;
    while (now_ms() < end && !(left && arrived)) {
        struct timeval t = {0, 100000};
        libusb_handle_events_timeout(usb, &t);
    }
    CHECK(left == 1 && arrived == 1);
    libusb_exit(usb);
    return 0;
}

// Both a transfer that hangs and its cancelling, and that the next one works.
static int probe_stall(void)
{
    struct ftdi_context *f = open_channel(FT2232H, "VB0001", INTERFACE_B);
    uint8_t byte = 0;
    CHECK(f);
    CHECK(ftdi_write_data(f, &byte, 1) < 0); // the script has ordered it
    pause_ms(10);
    CHECK(ftdi_write_data(f, &byte, 1) == 1);
    CHECK(!ftdi_tcoflush(f));
    close_channel(f);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } probes[] = {{"eeprom", probe_eeprom},
                  {"meter", probe_meter},
                  {"claim", probe_claim},
                  {"latency", probe_latency},
                  {"backpressure", probe_backpressure},
                  {"until-unplugged", probe_until_unplugged},
                  {"hotplug", probe_hotplug},
                  {"stall", probe_stall}};
    const size_t count = sizeof probes / sizeof *probes;
    for (int i = 1; i < argc; i++) {
        size_t k = 0;
        while (k < count && strcmp(argv[i], probes[k].name) != 0)
            k++;
        if (k == count) {
            fprintf(stderr, "usb-probe: no probe %s\n", argv[i]);
            return 2;
        }
        if (probes[k].run()) {
            fprintf(stderr, "usb-probe: %s failed\n", argv[i]);
            return 1;
        }
    }
    return argc > 1 ? 0 : 2;
}
