// SPDX-License-Identifier: Apache-2.0
// meter-probe: a client of the virtual board's power meter on stock libftdi: an MPSSE I2C master as
// application notes describe it. Prints what the sensors say as JSON, unjudged.
#include <ftdi.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { VENDOR = 0x0403, FT232H = 0x6014, PAC1934 = 0x10, INA226 = 0x40, INA228 = 0x41 };
enum { SCL = 1, SDA = 2, BLOCK_BYTES = 28 };

static struct ftdi_context *ftdi;
static bool only_zero; // the chip drives zeros only; else SDA is turned into an input
static uint8_t queue[512];
static size_t queued;

static void put(uint8_t b)
{
    if (queued < sizeof queue)
        queue[queued++] = b;
}

static void pins(uint8_t levels, uint8_t direction)
{
    put(0x80);
    put(levels);
    put(direction);
}

static void start_condition(void)
{
    for (int i = 0; i < 4; i++) // each state is held for a while, as real buses want it
        pins(SCL | SDA, SCL | SDA);
    for (int i = 0; i < 4; i++)
        pins(SCL, SCL | SDA);
    pins(0, SCL | SDA);
}

static void stop_condition(void)
{
    for (int i = 0; i < 4; i++)
        pins(0, SCL | SDA);
    for (int i = 0; i < 4; i++)
        pins(SCL, SCL | SDA);
    for (int i = 0; i < 4; i++)
        pins(SCL | SDA, SCL | SDA);
}

// Sends what is queued and reads n answer bytes.
static int exchange(uint8_t *answer, int n)
{
    put(0x87);
    int wrote = ftdi_write_data(ftdi, queue, (int)queued), sent = (int)queued, got = 0;
    queued = 0;
    if (wrote != sent)
        return -1;
    for (int i = 0; i < 50 && got < n; i++) {
        int r = ftdi_read_data(ftdi, answer + got, n - got);
        if (r < 0)
            return -1;
        got += r;
    }
    return got == n ? 0 : -1;
}

static int send_byte(uint8_t b) // 0: acknowledged
{
    uint8_t ack;
    put(0x11);
    put(0);
    put(0);
    put(b);
    pins(SDA, only_zero ? SCL | SDA : SCL);
    put(0x22);
    put(0);
    if (exchange(&ack, 1))
        return -1;
    pins(SDA, SCL | SDA);
    return ack & 1;
}

static int receive_byte(bool last, uint8_t *b)
{
    pins(SDA, only_zero ? SCL | SDA : SCL);
    put(0x20);
    put(0);
    put(0);
    pins(last ? SDA : 0, SCL | SDA);
    put(0x13);
    put(0);
    put(last ? 0xff : 0x00);
    return exchange(b, 1);
}

static int i2c_write(uint8_t address, const uint8_t *data, size_t n)
{
    uint8_t none;
    start_condition();
    int r = send_byte((uint8_t)(address << 1));
    for (size_t i = 0; !r && i < n; i++)
        r = send_byte(data[i]);
    stop_condition();
    return exchange(&none, 0) ? -1 : r;
}

static int i2c_read(uint8_t address, uint8_t reg, uint8_t *data, size_t n)
{
    uint8_t none;
    start_condition();
    int r = send_byte((uint8_t)(address << 1));
    r = r ? r : send_byte(reg);
    start_condition();
    r = r ? r : send_byte((uint8_t)(address << 1 | 1));
    for (size_t i = 0; !r && i < n; i++)
        r = receive_byte(i + 1 == n, data + i);
    stop_condition();
    return exchange(&none, 0) ? -1 : r;
}

static uint64_t number(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | p[i];
    return v;
}

static int read_value(json_t *o, const char *key, uint8_t address, uint8_t reg, size_t n)
{
    uint8_t data[8];
    int r = i2c_read(address, reg, data, n);
    if (!r)
        json_object_set_new(o, key, json_integer((json_int_t)number(data, n)));
    return r;
}

static int do_ids(json_t *o)
{
    return read_value(o, "pac1934_product", PAC1934, 0xfd, 1) ||
           read_value(o, "pac1934_manufacturer", PAC1934, 0xfe, 1) ||
           read_value(o, "pac1934_slow", PAC1934, 0x20, 1) ||
           read_value(o, "ina226_manufacturer", INA226, 0xfe, 2) ||
           read_value(o, "ina226_die", INA226, 0xff, 2) ||
           read_value(o, "ina228_device", INA228, 0x3f, 2);
}

static int do_refresh(json_t *o)
{
    const uint8_t refresh = 0x00;
    struct timespec settle = {0, 1000000};
    (void)o;
    int r = i2c_write(PAC1934, &refresh, 1);
    nanosleep(&settle, NULL);
    return r;
}

static int do_energy(json_t *o)
{
    static const char *const rails[] = {"FPGA_1V0", "FPGA_1V8", "FPGA_IO", "BOARD"};
    uint8_t block[BLOCK_BYTES];
    int r = i2c_read(PAC1934, 0x01, block, sizeof block);
    if (r)
        return r;
    json_t *joules = json_object();
    json_object_set_new(o, "count", json_integer((json_int_t)number(block + 1, 3)));
    json_object_set_new(o, "joules", joules);
    for (unsigned c = 0; c < 4; c++) {
        double acc = (double)number(block + 4 + 6 * c, 6);
        json_object_set_new(joules, rails[c], json_real(3.2 / 0.82 * acc / 268435456.0 / 1024));
    }
    return 0;
}

static int do_clear_por(json_t *o)
{
    const uint8_t slow[] = {0x20, 0x00};
    (void)o;
    return i2c_write(PAC1934, slow, sizeof slow);
}

static int do_open_drain(json_t *o)
{
    uint8_t none;
    (void)o;
    only_zero = true;
    put(0x9e);
    put(0x07);
    put(0x00);
    return exchange(&none, 0);
}

static int open_meter(const char *serial)
{
    uint8_t none;
    ftdi = ftdi_new();
    if (!ftdi || ftdi_usb_open_desc(ftdi, VENDOR, FT232H, NULL, serial) || ftdi_usb_reset(ftdi) ||
        ftdi_set_latency_timer(ftdi, 1) || ftdi_set_bitmode(ftdi, 0, BITMODE_RESET) ||
        ftdi_set_bitmode(ftdi, 0, BITMODE_MPSSE) || ftdi_tcioflush(ftdi))
        return -1;
    ftdi->usb_read_timeout = ftdi->usb_write_timeout = 300;
    put(0x8a); // 60 MHz / ((1 + 199) x 2) x 2 / 3: 100 kHz by three phases
    put(0x97);
    put(0x8c);
    put(0x85);
    put(0x86);
    put(199);
    put(0);
    pins(SCL | SDA, SCL | SDA);
    return exchange(&none, 0);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(json_t *o);
    } words[] = {{"ids", do_ids},
                 {"refresh", do_refresh},
                 {"energy", do_energy},
                 {"clear-por", do_clear_por},
                 {"open-drain", do_open_drain}};
    const size_t count = sizeof words / sizeof *words;
    json_t *o = json_object();
    int result = argc > 2 ? 0 : 2;
    if (!result && open_meter(argv[1])) {
        fprintf(stderr, "meter-probe: no meter %s\n", argv[1]);
        result = 2;
    }
    for (int i = 2; i < argc && !result; i++) {
        size_t k = 0;
        while (k < count && strcmp(argv[i], words[k].name) != 0)
            k++;
        int r = k < count ? words[k].run(o) : -1;
        if (r)
            fprintf(stderr, "meter-probe: %s: %s\n", argv[i],
                    r > 0 ? "not acknowledged" : "failed");
        result = r > 0 ? 3 : r < 0 ? 1 : 0;
    }
    json_dumpf(o, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(o);
    if (ftdi) {
        ftdi_usb_close(ftdi);
        ftdi_free(ftdi);
    }
    return result;
}
