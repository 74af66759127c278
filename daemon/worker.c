// SPDX-License-Identifier: Apache-2.0
// The worker's life, the front end's packets, the board's coming and going.
#include "daemon/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "daemon/jtag.h"
#include "daemon/log.h"
#include "daemon/worker_state.h"

enum { EXIT_USE = 2 };

void worker_send(struct worker *w, void *packet, uint32_t type, uint32_t tag, size_t bytes)
{
    if (!w->hung_up && wire_send(WIRE_FD, packet, type, tag, bytes) < 0) {
        log_info("worker", "front end is gone error=%s", strerror(errno));
        w->hung_up = true;
    }
}

void worker_tell_state(struct worker *w, enum wire_board_state state, const char *reason)
{
    struct wire_state m;
    memset(&m, 0, sizeof m);
    m.state = state;
    memcpy(m.identity, w->identity_bytes, sizeof m.identity);
    snprintf(m.reason, sizeof m.reason, "%s", reason);
    worker_send(w, &m, WIRE_STATE, 0, sizeof m);
}

static void say_alive(void *arg)
{
    struct worker *w = arg;
    struct wire_alive m;
    uint64_t now = now_ns();
    worker_send(w, &m, WIRE_ALIVE, 0, sizeof m);
    sched_timer_set(&w->sched, &w->alive, now + WORKER_ALIVE_MS * NS_PER_MS, say_alive, w);
    if (w->channel.ftdi)
        channel_check(&w->channel, now);
}

bool worker_breathe(struct worker *w)
{
    struct pollfd fd = {.fd = WIRE_FD};
    if (now_ns() >= w->alive.at_ns) {
        struct wire_alive m;
        worker_send(w, &m, WIRE_ALIVE, 0, sizeof m);
        w->alive.at_ns = now_ns() + WORKER_ALIVE_MS * NS_PER_MS;
    }
    if (poll(&fd, 1, 0) > 0 && (fd.revents & (POLLHUP | POLLERR)))
        w->hung_up = true;
    return !w->hung_up;
}

// ---- the board's coming and going

// An advisory lock per serial number: two daemons, or two workers of one, must not share a board.
static int lock_board(struct worker *w, char *why, size_t whycap)
{
    char path[WIRE_PATH + WIRE_NAME + 16];
    if (w->lock_fd >= 0)
        return 0;
    snprintf(path, sizeof path, "%s/%s.lock", w->conf.run_dir, w->conf.serial);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
        w->lock_fd = fd;
        return 0;
    }
    snprintf(why, whycap, "lock %.180s: %s", path,
             errno == EWOULDBLOCK ? "another process has the board" : strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static void check_eeprom(struct worker *w)
{
    if (w->eeprom_checked)
        return;
    w->eeprom_checked = true;
    int fifo = channel_fifo_mode(&w->channel);
    if (fifo == 1)
        log_debug("usb", "EEPROM sets channel B to 245 FIFO");
    else
        log_warn("usb",
                 "EEPROM %s set channel B to 245 FIFO serial=%s; set it once with ftdi_eeprom(1): "
                 "cha_type=UART, chb_type=FIFO",
                 fifo == 0 ? "does not" : "cannot be read, so nothing is known to", w->conf.serial);
}

static void look_again(struct worker *w);

static void absent(struct worker *w, const char *reason)
{
    worker_end_jobs(w, WIRE_LOST, reason);
    worker_return_jobs(w, reason);
    channel_close(&w->channel);
    w->identified = false;
    if (strcmp(reason, w->last_reason) != 0) {
        log_info("worker", "board absent reason=\"%s\"", reason);
        snprintf(w->last_reason, sizeof w->last_reason, "%s", reason);
        worker_tell_state(w, WIRE_ABSENT, reason);
    }
    look_again(w);
}

// The channel is open: what does the board run?
static void find_state(struct worker *w)
{
    struct jtag_status s;
    char why[128];
    const struct wire_config *c = &w->conf;
    // Before anything is written: an unconfigured FPGA would leave it in the FIFO for the next
    // design. If JTAG is taken by someone else, the link has to tell.
    int r = jtag_read_status(c->vendor, c->product, c->serial, &s, why, sizeof why);
    if (r < 0)
        log_warn("jtag", "status not read reason=\"%s\"", why);
    if (r == 0 && !s.done) {
        if (channel_listen(&w->channel) == 0)
            worker_tell_state(w, WIRE_UNCONFIGURED, "DONE is low");
    } else if (worker_recover(w) == 0) {
        worker_tell_state(w, WIRE_IDENTIFIED, "");
    } else if (!w->channel.dead) {
        worker_tell_state(w, WIRE_SILENT, "no answer on the link");
    }
}

static void look(void *arg)
{
    struct worker *w = arg;
    char why[WIRE_REASON];
    const struct wire_config *c = &w->conf;
    worker_link_reset(w);
    if (lock_board(w, why, sizeof why) < 0 ||
        channel_open(&w->channel, &w->sched, c->vendor, c->product, c->serial,
                     &worker_channel_calls, w, why, sizeof why) < 0) {
        absent(w, why);
        return;
    }
    log_info("worker", "board found serial=%s", c->serial);
    w->last_reason[0] = '\0';
    check_eeprom(w);
    find_state(w);
}

static void look_again(struct worker *w)
{
    sched_timer_set(&w->sched, &w->look, now_ns() + WORKER_RETURN_POLL_MS * NS_PER_MS, look, w);
}

void worker_look(struct worker *w)
{
    look(w);
}

// ---- the front end's packets

static void on_cut(void *arg, short revents)
{
    struct worker *w = arg;
    (void)revents;
    worker_burst_cut_done(w, meter_thread_cut_done(w->meter));
}

static void on_config(struct worker *w, const struct wire_config *m)
{
    if (w->configured)
        return;
    w->conf = *m;
    w->configured = true;
    log_init((enum log_level)m->log_level, w->conf.board);
    w->meter = meter_thread_start(&w->conf, WIRE_FD);
    if (w->meter)
        sched_fd_add(&w->sched, meter_thread_fd(w->meter), POLLIN, on_cut, w);
    worker_look(w);
}

static void on_packet(struct worker *w, const union wire_packet *p)
{
    switch (p->head.type) {
    case WIRE_CONFIG:
        on_config(w, &p->config);
        break;
    case WIRE_INFER:
        worker_take_infer(w, &p->infer);
        break;
    case WIRE_METER:
        meter_thread_pause(w->meter, p->meter.until_ns);
        break;
    case WIRE_STOP:
        worker_burst_stop(w, p->head.tag);
        break;
    case WIRE_PROGRAM:
        worker_program(w, &p->program);
        break;
    default:
        log_error("worker", "unexpected packet type=%u", p->head.type);
        break;
    }
}

static void on_front_end(void *arg, short revents)
{
    struct worker *w = arg;
    union wire_packet p;
    int r;
    (void)revents;
    while (!w->hung_up && (r = wire_recv(WIRE_FD, &p)) != 0) {
        if (r > 0) {
            on_packet(w, &p);
            continue;
        }
        if (errno == EPROTO)
            log_error("worker", "front end speaks another version");
        w->hung_up = true;
    }
}

// After each turn, outside of libusb's callbacks.
static void after_turn(struct worker *w)
{
    if (!w->channel.ftdi)
        return;
    if (!w->channel.dead)
        worker_check_jobs(w);
    if (!w->channel.dead)
        worker_run_jobs(w);
    if (w->channel.dead)
        absent(w, w->channel.why_dead);
}

static uint64_t wait_ns(const struct worker *w)
{
    uint64_t next = worker_next_check(w), now = now_ns();
    return next == UINT64_MAX ? NS_PER_S : next > now ? next - now : 0;
}

int worker_main(const char *board)
{
    static struct worker w;
    struct wire_hello hello = {.pid = getpid()};
    w.lock_fd = -1;
    log_init(LEVEL_INFO, board);
    if (fcntl(WIRE_FD, F_SETFD, FD_CLOEXEC) < 0 || fcntl(WIRE_FD, F_SETFL, O_NONBLOCK) < 0) {
        log_error("worker", "--worker is for sevencastd's own use");
        return EXIT_USE;
    }
    prctl(PR_SET_NAME, "sevencastd-work");
    signal(SIGPIPE, SIG_IGN);
    sched_init(&w.sched);
    worker_send(&w, &hello, WIRE_HELLO, 0, sizeof hello);
    say_alive(&w);
    if (sched_fd_add(&w.sched, WIRE_FD, POLLIN, on_front_end, &w) < 0)
        return EXIT_USE;
    while (!w.hung_up && sched_turn(&w.sched, wait_ns(&w)) == 0)
        after_turn(&w);
    meter_thread_stop(w.meter);
    channel_close(&w.channel);
    if (w.lock_fd >= 0)
        close(w.lock_fd);
    return 0;
}
