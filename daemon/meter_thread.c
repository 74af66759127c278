// SPDX-License-Identifier: Apache-2.0
#include "daemon/meter_thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon/i2c_ftdi.h"
#include "daemon/log.h"
#include "daemon/sched.h"

#define OPEN_RETRY_NS NS_PER_S

struct cut {
    uint64_t number; // 0: none
    enum wire_window window;
    uint32_t tag;
    bool hold;
    int64_t adjust_ns;
};

struct meter_thread {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    int done_fd; // eventfd
    // under lock
    bool stopping;
    uint64_t pause_until_ns; // 0: no pause
    struct cut wanted;
    uint64_t cuts, done;
    // the thread's own from here
    struct wire_config conf;
    int fd;
    struct i2c_ftdi usb;
    struct i2c bus;
    struct meter meter;
    struct cut cut; // under way
    bool trouble;   // the latest window had a gap, which was logged
};

enum woken { WOKEN_END, WOKEN_TIME, WOKEN_PAUSE, WOKEN_CUT, WOKEN_CUT_PAUSED };

// Sleeps until then, and through a pause; WOKEN_PAUSE is the end of one. A cut that is wanted
// becomes the one under way.
static enum woken sleep_until(struct meter_thread *t, uint64_t at_ns)
{
    enum woken why = WOKEN_TIME;
    pthread_mutex_lock(&t->lock);
    while (!t->stopping && !t->wanted.number) {
        if (t->pause_until_ns) {
            why = WOKEN_PAUSE;
            at_ns = t->pause_until_ns;
        }
        if (at_ns <= now_ns())
            break;
        struct timespec at = {(time_t)(at_ns / NS_PER_S), (long)(at_ns % NS_PER_S)};
        pthread_cond_timedwait(&t->wake, &t->lock, &at);
    }
    if (t->wanted.number) {
        why = t->pause_until_ns > now_ns() ? WOKEN_CUT_PAUSED : WOKEN_CUT;
        t->cut = t->wanted;
        t->wanted.number = 0;
    } else {
        t->pause_until_ns = 0;
    }
    if (t->stopping)
        why = WOKEN_END;
    pthread_mutex_unlock(&t->lock);
    return why;
}

static void log_change(struct meter_thread *t, const struct meter_power *p)
{
    enum measured_gap gap = MEASURED_NO_GAP;
    int rail = 0;
    for (int i = t->conf.rails.n - 1; i >= 0; i--)
        if (p->rail[i].gap) {
            gap = p->rail[i].gap;
            rail = i;
        }
    if (gap && !t->trouble)
        log_warn("meter", "no power rail=%s reason=\"%s\" detail=\"%s\"",
                 t->conf.rails.rail[rail].name, measured_gap_text(gap), p->why);
    else if (!gap && t->trouble)
        log_info("meter", "power is measured again");
    t->trouble = gap != MEASURED_NO_GAP;
}

static void end_cut(struct meter_thread *t)
{
    const uint64_t one = 1;
    pthread_mutex_lock(&t->lock);
    t->done = t->cut.number;
    pthread_mutex_unlock(&t->lock);
    t->cut.number = 0;
    if (write(t->done_fd, &one, sizeof one) < 0)
        log_error("meter", "eventfd error=%s", strerror(errno));
}

static void tell(struct meter_thread *t, const struct meter_power *p)
{
    struct wire_power m;
    memset(&m, 0, sizeof m);
    m.rails = t->conf.rails;
    m.power = *p;
    bool cut = p->cut && t->cut.number;
    m.window = cut ? t->cut.window : WIRE_WINDOW_ANY;
    // What a cut leaves of a window like any other may be too short for a value, or the meter is
    // not to be read: that is no news.
    enum measured_gap gap = p->rail[0].gap;
    bool news = !p->cut || (gap != MEASURED_TOO_SHORT && gap != MEASURED_NO_METER);
    if (m.window != WIRE_WINDOW_ANY || news) {
        if (news)
            log_change(t, p);
        // One that finds the queue full is left out: the next one is a second away.
        wire_send(t->fd, &m, WIRE_POWER, m.window == WIRE_WINDOW_ANY ? 0 : t->cut.tag, sizeof m);
    }
    if (cut)
        end_cut(t);
}

// A window like any other, without values.
static void tell_gap(struct meter_thread *t, enum measured_gap gap, const char *why)
{
    struct meter_power p;
    memset(&p, 0, sizeof p);
    p.end_ns = now_ns();
    p.begin_ns = p.end_ns;
    p.cut = t->cut.number != 0;
    snprintf(p.why, sizeof p.why, "%s", why);
    for (int i = 0; i < t->conf.rails.n; i++)
        p.rail[i] = measured_none(gap, MEASURED_WATT, 0, t->meter.setup.origin);
    tell(t, &p);
}

static bool open_meter(struct meter_thread *t)
{
    const struct wire_config *c = &t->conf;
    struct i2c_port port;
    char why[96];
    if (i2c_ftdi_open(&t->usb, c->meter_vendor, c->meter_product, c->meter_serial, &port, why,
                      sizeof why) < 0) {
        tell_gap(t, MEASURED_BUS_ERROR, why); // the device is not there, or does not work
        return false;
    }
    if (i2c_init(&t->bus, &port) != I2C_OK) {
        i2c_ftdi_close(&t->usb);
        tell_gap(t, MEASURED_BUS_ERROR, t->bus.why);
        return false;
    }
    struct meter_setup setup = {
        .chip = c->meter,
        .address = (uint8_t)c->meter_address,
        .rails = c->rails,
        .origin = t->usb.is_virtual ? MEASURED_VIRTUAL : MEASURED_BOARD,
    };
    meter_init(&t->meter, &setup, &t->bus, now_ns);
    if (t->cut.number)
        meter_cut(&t->meter, t->cut.hold, t->cut.adjust_ns);
    return true;
}

static void *run(void *arg)
{
    struct meter_thread *t = arg;
    uint64_t next = now_ns();
    for (enum woken why; (why = sleep_until(t, next)) != WOKEN_END;) {
        struct meter_power p;
        if (why == WOKEN_PAUSE && t->usb.ftdi) {
            struct meter_setup setup = t->meter.setup;
            meter_init(&t->meter, &setup, &t->bus, now_ns);
        }
        if (why == WOKEN_CUT_PAUSED) {
            tell_gap(t, MEASURED_NO_METER, "reading pauses");
            continue;
        }
        if (t->cut.number && t->usb.ftdi)
            meter_cut(&t->meter, t->cut.hold, t->cut.adjust_ns);
        if (!t->usb.ftdi && !open_meter(t)) {
            next = now_ns() + OPEN_RETRY_NS;
            continue;
        }
        if (meter_step(&t->meter, &p))
            tell(t, &p);
        next = t->meter.next_ns;
        if (t->meter.link_lost) {
            i2c_ftdi_close(&t->usb);
            next = now_ns() + OPEN_RETRY_NS;
        }
    }
    i2c_ftdi_close(&t->usb);
    return NULL;
}

// Signals are the main thread's.
static int start_thread(struct meter_thread *t)
{
    sigset_t all, before;
    pthread_condattr_t monotonic;
    sigfillset(&all);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = pthread_create(&t->thread, NULL, run, t);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r;
}

struct meter_thread *meter_thread_start(const struct wire_config *conf, int fd)
{
    if (!conf->rails.n || !meter_driver(conf->meter))
        return NULL;
    struct meter_thread *t = calloc(1, sizeof *t);
    int r = ENOMEM;
    if (t) {
        t->conf = *conf;
        t->fd = fd;
        t->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        r = t->done_fd < 0 ? errno : start_thread(t);
    }
    if (r == 0)
        return t;
    log_error("meter", "not started error=%s", strerror(r));
    if (t && t->done_fd >= 0)
        close(t->done_fd);
    free(t);
    return NULL;
}

void meter_thread_pause(struct meter_thread *t, uint64_t until_ns)
{
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    t->pause_until_ns = until_ns ? until_ns : 1;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lock);
}

uint64_t meter_thread_cut(struct meter_thread *t, enum wire_window window, uint32_t tag, bool hold,
                          int64_t adjust_ns)
{
    pthread_mutex_lock(&t->lock);
    uint64_t number = ++t->cuts;
    t->wanted = (struct cut){number, window, tag, hold, adjust_ns};
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lock);
    return number;
}

int meter_thread_fd(const struct meter_thread *t)
{
    return t->done_fd;
}

uint64_t meter_thread_cut_done(struct meter_thread *t)
{
    uint64_t count;
    if (read(t->done_fd, &count, sizeof count) < 0 && errno != EAGAIN)
        log_error("meter", "eventfd error=%s", strerror(errno));
    pthread_mutex_lock(&t->lock);
    uint64_t done = t->done;
    pthread_mutex_unlock(&t->lock);
    return done;
}

void meter_thread_stop(struct meter_thread *t)
{
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    t->stopping = true;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->lock);
    close(t->done_fd);
    free(t);
}
