// SPDX-License-Identifier: Apache-2.0
// vboard-golden: an engine for the virtual board that computes with the C model instead of
// simulated fabric. For soak and load tests; its identity says origin model.
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tools/vboard/engine_port.h"
#include "tools/vboard/golden/device.h"
#include "tools/vboard/golden/frames.h"

static void help(void)
{
    printf("vboard-golden: the C model behind the virtual board's FIFO\n\n"
           "usage: vboard-golden [--package DIR]\n\n"
           "Started by vboard --engine golden, with the board's socket as descriptor %d and the\n"
           "package's folder as working directory. It is not a simulation of the fabric: results\n"
           "are the model's, cycle counts are those that build.json states.\n\n"
           "Exit code: 0 when the board ends it, 1 when the package is not usable, 2 otherwise.\n",
           ENGINE_FD);
}

// Waits for room where the host does not read; false: the board is gone.
static bool write_all(struct engine_port *p, const uint8_t *data, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        while (!p->ended && !engine_port_writable(p))
            engine_port_wait(p);
        if (p->ended)
            return false;
        engine_port_write(p, data[i]);
    }
    return true;
}

static void serve(struct device *d, struct engine_port *p)
{
    static struct frames frames;
    uint8_t out[LINK_MAX_FRAME];
    while (!p->ended) {
        bool answered = false;
        while (!p->ended && engine_port_readable(p)) {
            struct frames_result r;
            uint8_t byte = engine_port_peek(p);
            engine_port_drop(p, 1);
            enum frames_event e = frames_byte(&frames, byte, &r);
            if (e == FRAMES_NONE)
                continue;
            size_t n = e == FRAMES_GOOD ? device_answer(d, &r.frame, out)
                                        : device_refuse(d, &r.frame, r.error, r.detail, out);
            p->cycles = p->busy_cycles = d->total_cycles;
            answered |= write_all(p, out, n);
        }
        if (answered)
            engine_port_send(p, true);
        engine_port_wait(p);
    }
}

int main(int argc, char **argv)
{
    const char *dir = ".";
    char why[400];
    struct device d;
    struct engine_port port;
    if (argc == 2 && !strcmp(argv[1], "--help")) {
        help();
        return 0;
    }
    if (argc == 3 && !strcmp(argv[1], "--package")) {
        dir = argv[2];
    } else if (argc != 1) {
        fprintf(stderr, "vboard-golden: unknown argument; see --help\n");
        return 2;
    }
    if (device_init(&d, dir, why, sizeof why)) {
        fprintf(stderr, "vboard-golden: %s\n", why);
        return 1;
    }
    if (engine_port_open(&port, ENGINE_FD, d.clock_hz)) {
        fprintf(stderr, "vboard-golden: descriptor %d is not the board's socket\n", ENGINE_FD);
        device_fini(&d);
        return 2;
    }
    serve(&d, &port);
    device_fini(&d);
    return 0;
}
