// SPDX-License-Identifier: Apache-2.0
#include "tools/vboard/fpga.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/vboard/log.h"

enum { MANIFEST_MAX_BYTES = 1 << 20, PATH_BYTES = 1024 };

const char *fpga_engine_name(enum fpga_engine engine)
{
    static const char *const names[] = {[FPGA_ENGINE_GHDL] = "ghdl",
                                        [FPGA_ENGINE_GOLDEN] = "golden",
                                        [FPGA_ENGINE_VERILATOR] = "verilator"};
    return names[engine];
}

static void no_design(struct fpga *f, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void no_design(struct fpga *f, const char *format, ...)
{
    va_list a;
    va_start(a, format);
    vsnprintf(f->why_no_design, sizeof f->why_no_design, format, a);
    va_end(a);
    log_warn("fpga: configured, but no design runs board=%s reason=\"%s\"", f->board,
             f->why_no_design);
}

static void stop_design(struct fpga *f)
{
    if (f->engine)
        engine_stop(f->engine);
    f->engine = NULL;
}

static void engine_ended(void *ctx, const char *how)
{
    struct fpga *f = ctx;
    f->engine = NULL;
    no_design(f, "its engine has ended with %s", how);
}

// SHA-256 of DIR/NAME/manifest.json; 0, or -1 with errno.
static int manifest_hash(const char *path, uint8_t hash[32])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    uint8_t block[4096];
    ssize_t n;
    size_t total = 0;
    while ((n = read(fd, block, sizeof block)) > 0 && (total += (size_t)n) <= MANIFEST_MAX_BYTES)
        crypto_hash_sha256_update(&state, block, (size_t)n);
    int error = n < 0 ? errno : n > 0 ? EFBIG : 0;
    close(fd);
    errno = error;
    crypto_hash_sha256_final(&state, hash);
    return error ? -1 : 0;
}

static bool plain_name(const char *name)
{
    return *name && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(name);
}

static void start_design(struct fpga *f)
{
    const struct fpga_options *o = f->options;
    char package[PATH_BYTES - 32], path[PATH_BYTES];
    uint8_t hash[32];
    if (!plain_name(f->mark.variant)) {
        no_design(f, "the bitstream's variant name is not a plain name");
        return;
    }
    if (!o->packages) {
        no_design(f, "no packages folder was given (--packages)");
        return;
    }
    if (snprintf(package, sizeof package, "%s/%s", o->packages, f->mark.variant) >=
        (int)sizeof package) {
        no_design(f, "path of package %s is too long", f->mark.variant);
        return;
    }
    snprintf(path, sizeof path, "%s/manifest.json", package);
    if (manifest_hash(path, hash)) {
        no_design(f, "package %s: manifest.json: %s", f->mark.variant, strerror(errno));
        return;
    }
    if (memcmp(hash, f->mark.hash, sizeof hash) != 0) {
        no_design(f, "package %s: manifest.json has another hash than the bitstream says",
                  f->mark.variant);
        return;
    }
    bool golden = o->engine == FPGA_ENGINE_GOLDEN;
    const char *program = o->engine == FPGA_ENGINE_VERILATOR ? "sim-verilator" : "sim";
    snprintf(path, sizeof path, "%s/%s", package, program);
    // Memories hold no values at time 0; what numeric_std says of that is nobody's news.
    char quiet[] = "--ieee-asserts=disable-at-0";
    char *argv[] = {path, o->engine == FPGA_ENGINE_GHDL ? quiet : NULL, NULL};
    char golden_path[PATH_BYTES];
    if (golden) {
        snprintf(golden_path, sizeof golden_path, "%s", o->golden_path);
        argv[0] = golden_path;
    }
    if (access(argv[0], X_OK)) {
        no_design(f, "package %s: %s: %s", f->mark.variant, golden ? argv[0] : program,
                  strerror(errno));
        return;
    }
    f->engine =
        engine_start(f->fifo, &f->meter->time, f->mark.variant, argv, package, engine_ended, f);
    if (!f->engine) {
        no_design(f, "package %s: cannot start its engine: %s", f->mark.variant, strerror(errno));
        return;
    }
    f->designs_started++;
    power_meter_state(f->meter, POWER_IDLE, power_model_activity(package));
    log_info("fpga: design %s starts board=%s engine=%s pid=%d", f->mark.variant, f->board,
             fpga_engine_name(o->engine), (int)engine_pid(f->engine));
}

static void on_done(void *ctx)
{
    struct fpga *f = ctx;
    f->why_no_design[0] = '\0';
    f->marked = !virtual_mark_decode(f->tap.config.first_frame, &f->mark);
    power_meter_state(f->meter, POWER_IDLE, 1);
    log_info("fpga: DONE board=%s configuration_crc=%08x", f->board, f->tap.config.first_crc);
    if (f->marked)
        start_design(f);
    else
        no_design(f, "a real bitstream: its logic is not simulated here");
}

static void on_cleared(void *ctx)
{
    struct fpga *f = ctx;
    log_info("fpga: configuration cleared board=%s", f->board);
    stop_design(f);
    f->marked = false;
    power_meter_state(f->meter, POWER_CONFIGURATION, 1);
    snprintf(f->why_no_design, sizeof f->why_no_design, "not configured");
}

void fpga_init(struct fpga *f, const struct fpga_options *options, const char *board,
               const struct device_part *part, struct fifo *fifo, struct power_meter *meter)
{
    memset(f, 0, sizeof *f);
    f->options = options;
    f->board = board;
    f->fifo = fifo;
    f->meter = meter;
    tap_init(&f->tap, part);
    f->tap.on_done = on_done;
    f->tap.on_cleared = on_cleared;
    f->tap.ctx = f;
    snprintf(f->why_no_design, sizeof f->why_no_design, "not configured");
}

void fpga_fini(struct fpga *f)
{
    stop_design(f);
}

void fpga_power_off(struct fpga *f)
{
    struct tap_faults faults = f->tap.faults;
    on_cleared(f);
    tap_init(&f->tap, f->tap.part);
    f->tap.on_done = on_done;
    f->tap.on_cleared = on_cleared;
    f->tap.ctx = f;
    f->tap.faults = faults;
    power_meter_state(f->meter, POWER_OFF, 1);
}

void fpga_power_on(struct fpga *f)
{
    if (f->meter->model.state == POWER_OFF)
        power_meter_state(f->meter, POWER_STATIC, 1);
}

int fpga_jtag_clock(void *fpga, int tms, int tdi)
{
    struct fpga *f = fpga;
    int tdo = tap_clock(&f->tap, tms, tdi);
    if (f->meter->model.state == POWER_CONFIGURATION &&
        (f->tap.config.crc_error || f->tap.config.id_error))
        power_meter_state(f->meter, POWER_STATIC, 1); // refused: nothing is loaded any more
    return tdo;
}
