// SPDX-License-Identifier: Apache-2.0
// Judging a bitstream, programming it, and what must be true afterwards.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bitstream/bitstream.h"
#include "daemon/jtag.h"
#include "daemon/loader.h"
#include "daemon/log.h"
#include "daemon/worker_state.h"

// All that can be known before the FPGA is touched.
static int judge(struct worker *w, const struct wire_program *m, char *why)
{
    struct bitstream_report r;
    size_t n;
    const struct device_part *part = device_part_by_name(w->conf.part);
    if (!part) {
        snprintf(why, WIRE_REASON, "unknown part %s", w->conf.part);
        return -1;
    }
    uint8_t *bytes = bitstream_load(m->path, &n, why, WIRE_REASON);
    if (!bytes)
        return -1;
    enum bitstream_verdict verdict = bitstream_check(bytes, n, part, &r);
    free(bytes);
    if (verdict != BITSTREAM_OK)
        snprintf(why, WIRE_REASON, "%s.bit: %s: %.160s", m->variant,
                 bitstream_verdict_name(verdict), r.why);
    else if (memcmp(r.sha256, m->sha256, sizeof r.sha256) != 0)
        snprintf(why, WIRE_REASON, "%s.bit has changed since it was checked", m->variant);
    else if (r.is_virtual && !w->conf.allow_virtual)
        snprintf(why, WIRE_REASON, "%s.bit is a virtual bitstream, this board is real", m->variant);
    else if (r.is_virtual && memcmp(r.mark.hash, m->hash, sizeof r.mark.hash) != 0)
        snprintf(why, WIRE_REASON, "%s.bit is marked for %s", m->variant, r.mark.variant);
    else
        return 0;
    return -1;
}

static bool tick(void *arg)
{
    return worker_breathe(arg);
}

static void load(struct worker *w, const struct wire_program *m, struct loader_result *r)
{
    char cable[WIRE_NAME], serial[WIRE_NAME], freq[16], path[WIRE_PATH], loader[WIRE_PATH];
    snprintf(loader, sizeof loader, "%s", w->conf.loader);
    snprintf(cable, sizeof cable, "%s", w->conf.cable);
    snprintf(serial, sizeof serial, "%s", w->conf.serial);
    snprintf(freq, sizeof freq, "%uM", w->conf.jtag_mhz);
    snprintf(path, sizeof path, "%s", m->path);
    char *argv[] = {loader, (char[]){"-c"},     cable, (char[]){"--ftdi-serial"},
                    serial, (char[]){"--freq"}, freq,  path,
                    NULL};
    loader_run(argv, (uint64_t)w->conf.program_timeout_ms * NS_PER_MS, tick, w, r);
}

// The loader's word is not taken for it: DONE is read, then the design's own identity.
static int confirm(struct worker *w, const struct wire_program *m, const struct loader_result *l,
                   char *why)
{
    struct jtag_status s;
    char jtag_why[128];
    if (!l->ran || l->timed_out) {
        snprintf(why, WIRE_REASON, "openFPGALoader %s: %.100s",
                 l->ran ? "took too long" : "did not run", l->complaint);
        return -1;
    }
    if (jtag_read_status(w->conf.vendor, w->conf.product, w->conf.serial, &s, jtag_why,
                         sizeof jtag_why) < 0) {
        snprintf(why, WIRE_REASON, "%.100s; openFPGALoader exit %d %.80s", jtag_why, l->exit_code,
                 l->complaint);
        return -1;
    }
    if (!s.done) {
        snprintf(why, WIRE_REASON, "DONE stays low (INIT %s); openFPGALoader exit %d %.100s",
                 s.init ? "high" : "low: CRC or IDCODE error", l->exit_code, l->complaint);
        return -1;
    }
    if (l->exit_code || l->complaint[0])
        log_warn("program", "openFPGALoader complains, but DONE is high exit=%d text=\"%s\"",
                 l->exit_code, l->complaint);
    if (worker_recover(w) < 0) {
        snprintf(why, WIRE_REASON, "DONE is high, but the design does not answer on the link");
        return -1;
    }
    if (memcmp(w->identity.hash, m->hash, sizeof m->hash) != 0) {
        snprintf(why, WIRE_REASON,
                 "the design on the link is not %s; openFPGALoader exit %d %.100s", m->variant,
                 l->exit_code, l->complaint);
        w->identified = false;
        return -1;
    }
    return 0;
}

void worker_program(struct worker *w, const struct wire_program *m)
{
    struct wire_programmed reply;
    struct loader_result l;
    memset(&reply, 0, sizeof reply);
    uint64_t begin = now_ns();
    worker_end_jobs(w, WIRE_LOST, "the board is programmed");
    worker_return_jobs(w, "the board is programmed");
    if (!w->channel.ftdi || w->channel.dead) {
        snprintf(reply.reason, sizeof reply.reason, "the board is not there");
    } else if (judge(w, m, reply.reason) == 0) {
        // What is left in the buffers would go to the new design.
        channel_hush(&w->channel);
        channel_purge(&w->channel);
        w->identified = false;
        reply.touched = 1;
        load(w, m, &l);
        reply.ok = confirm(w, m, &l, reply.reason) == 0;
    }
    reply.program_ns = now_ns() - begin;
    memcpy(reply.identity, w->identity_bytes, sizeof reply.identity);
    log_info("program", "%s variant=%s ms=%.0f%s%s", reply.ok ? "done" : "failed", m->variant,
             (double)reply.program_ns / 1e6, reply.ok ? "" : " reason=", reply.reason);
    // A board that left is told of before its failure: it must not be taken for a bad bitstream.
    if (w->channel.ftdi && w->channel.dead)
        worker_tell_state(w, WIRE_ABSENT, w->channel.why_dead);
    else if (!reply.ok && reply.touched && w->channel.ftdi)
        channel_listen(&w->channel); // to notice when it is unplugged
    worker_send(w, &reply, WIRE_PROGRAMMED, m->head.tag, sizeof reply);
}
