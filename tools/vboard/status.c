// SPDX-License-Identifier: Apache-2.0
#include "tools/vboard/status.h"

#include <stdio.h>
#include <sys/types.h>
#include <unistd.h>

static json_t *hex(const uint8_t *bytes, size_t n)
{
    char text[2 * 32 + 1];
    for (size_t i = 0; i < n && i < 32; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    return json_string(text);
}

static json_t *whole(uint64_t n)
{
    return json_integer((json_int_t)n);
}

static json_t *device_json(const struct usbfs_device *d)
{
    json_t *channels = json_array();
    for (unsigned i = 0; i < d->chip->channels; i++) {
        const struct ftdi_channel *c = &d->chip->channel[i];
        json_array_append_new(
            channels, json_pack("{s:i, s:o, s:o, s:o, s:o, s:o}", "mode", (int)c->mode, "out_bytes",
                                whole(c->out_bytes), "in_bytes", whole(c->in_bytes), "in_packets",
                                whole(c->in_packets), "mpsse_clocks", whole(c->mpsse.clocks),
                                "mpsse_bad_commands", whole(c->mpsse.bad_commands)));
    }
    char node[40];
    snprintf(node, sizeof node, "/dev/bus/usb/001/%03u", d->number);
    return json_pack("{s:s, s:s, s:s, s:b, s:o, s:o, s:o, s:o}", "serial", d->chip->serial,
                     "product", d->chip->product, "node", node, "present", (int)d->present, "opens",
                     whole(d->opens), "transfers", whole(d->transfers), "stalls", whole(d->stalls),
                     "channels", channels);
}

static json_t *design_json(const struct fpga *f, const char *engine_kind)
{
    json_t *o = json_object();
    if (f->marked) {
        json_object_set_new(o, "variant", json_string(f->mark.variant));
        json_object_set_new(o, "hash", hex(f->mark.hash, sizeof f->mark.hash));
    }
    json_object_set_new(o, "running", json_boolean(f->engine != NULL));
    json_object_set_new(o, "designs_started", whole(f->designs_started));
    if (!f->engine) {
        json_object_set_new(o, "reason", json_string(f->why_no_design));
        return o;
    }
    const struct engine_stats *s = engine_statistics(f->engine);
    json_object_set_new(o, "engine", json_string(engine_kind));
    json_object_set_new(o, "pid", json_integer(engine_pid(f->engine)));
    json_object_set_new(o, "up", json_boolean(engine_up(f->engine)));
    json_object_set_new(o, "cycles", whole(s->cycles));
    json_object_set_new(o, "busy_cycles", whole(s->busy_cycles));
    json_object_set_new(o, "clock_hz", whole(s->clock_hz));
    json_object_set_new(o, "pin_violations", whole(s->violations));
    json_object_set_new(o, "messages", whole(s->messages));
    return o;
}

static json_t *fpga_json(const struct boards *all, const struct board *b)
{
    const struct tap *t = &b->fpga.tap;
    const struct fifo *f = &b->chip[BOARD_MAIN].channel[1].fifo;
    char idcode[16];
    snprintf(idcode, sizeof idcode, "0x%08x", t->part->idcode);
    return json_pack("{s:s, s:s, s:b, s:b, s:b, s:b, s:o, s:o, s:o, s:o}", "part", t->part->name,
                     "idcode", idcode, "done", (int)t->done, "init", (int)tap_init_pin(t),
                     "crc_error", (int)(t->config.crc_error != 0), "id_error",
                     (int)(t->config.id_error != 0), "configurations", whole(t->configurations),
                     "fifo_to_device_bytes", whole(f->to_device_bytes), "fifo_to_host_bytes",
                     whole(f->to_host_bytes), "design",
                     design_json(&b->fpga, fpga_engine_name(all->options.engine)));
}

// The meter's activity; nothing of what it should measure.
static json_t *meter_json(const struct board *b)
{
    const struct power_meter *p = &b->meter;
    json_t *o =
        json_pack("{s:f, s:f, s:b}", "board_time_s", (double)p->time.now_ns * 1e-9, "stalled_s",
                  (double)p->time.stalled_ns * 1e-9, "engine_runs", (int)p->time.running);
    json_object_set_new(o, "i2c_starts", whole(p->bus.starts));
    json_object_set_new(o, "i2c_stops", whole(p->bus.stops));
    json_object_set_new(o, "i2c_bytes", whole(p->bus.bytes));
    json_object_set_new(o, "i2c_naks", whole(p->bus.naks));
    json_object_set_new(o, "i2c_contentions",
                        whole(b->chip[BOARD_METER].channel[0].mpsse.contentions));
    json_object_set_new(o, "samples", whole(p->pac.taken));
    json_object_set_new(o, "samples_lost", whole(p->pac.lost));
    json_object_set_new(o, "refreshes", whole(p->pac.refreshes));
    return o;
}

static json_t *rails_json(const double value[POWER_RAILS], double factor)
{
    json_t *o = json_object();
    for (unsigned r = 0; r < POWER_RAILS; r++)
        json_object_set_new(o, power_rail_names[r], json_real(value[r] * factor));
    return o;
}

json_t *status_power_truth(struct power_meter *p, uint32_t cycles)
{
    board_time_sync(&p->time);
    const struct power_truth *t = &p->model.truth;
    json_t *o = json_pack("{s:s, s:f, s:o, s:f, s:o, s:o}", "origin", "virtual", "seconds",
                          t->seconds, "joules", rails_json(t->joules, 1), "busy_seconds",
                          t->busy_seconds, "busy_joules", rails_json(t->busy_joules, 1), "clock_hz",
                          whole(p->time.clock_hz));
    if (cycles && p->time.clock_hz && t->busy_seconds > 0) {
        double seconds = (double)cycles / p->time.clock_hz;
        json_object_set_new(o, "joules_per_inference",
                            rails_json(t->busy_joules, seconds / t->busy_seconds));
    }
    return o;
}

json_t *status_json(const struct boards *all)
{
    json_t *boards = json_array();
    for (size_t i = 0; i < all->count; i++) {
        const struct board *b = &all->board[i];
        json_t *devices = json_array();
        for (unsigned d = 0; d < BOARD_DEVICES; d++)
            json_array_append_new(devices, device_json(&b->device[d]));
        json_array_append_new(boards, json_pack("{s:s, s:o, s:o, s:o}", "serial", b->serial,
                                                "devices", devices, "fpga", fpga_json(all, b),
                                                "meter", meter_json(b)));
    }
    return json_pack("{s:b, s:s, s:i, s:s, s:o}", "ok", 1, "origin", "virtual", "pid",
                     (int)getpid(), "world", all->world->dir, "boards", boards);
}
