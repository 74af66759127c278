// SPDX-License-Identifier: Apache-2.0
// sevencastd: options, signals, and the order in which things begin and end.
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "daemon/conf.h"
#include "daemon/frontend.h"
#include "daemon/log.h"
#include "daemon/version.h"
#include "daemon/worker.h"

enum { EXIT_USAGE = 2, EXIT_CONF = 3, EXIT_START = 4, EXIT_RUN = 5 };

static const char default_conf[] = "/etc/sevencast/sevencastd.conf";

static const char usage[] =
    "usage: sevencastd [OPTIONS]\n"
    "Programs FPGA boards with forecasting variants and serves forecasts over ZeroMQ.\n"
    "\n"
    "  -c, --config FILE    configuration, default /etc/sevencast/sevencastd.conf\n"
    "      --check-config   check the configuration and end\n"
    "  -p, --print-config   print the configuration as understood and end\n"
    "      --help-config    explain every directive of the configuration and end\n"
    "  -f, --foreground     stay in the foreground; this is what it always does\n"
    "  -h, --help           this text\n"
    "  -V, --version        the version\n"
    "\n"
    "SIGHUP reads the variants folder again, SIGTERM ends. Exit codes: 0 ended as asked,\n"
    "2 wrong option, 3 wrong configuration, 4 could not start, 5 failed while running.\n"
    "Manual: sevencastd(8), sevencastd.conf(5).\n";

struct program {
    struct conf conf;
    struct frontend frontend;
    int lock_fd, signal_fd;
    struct sched_timer watchdog;
    uint64_t watchdog_ns;
    bool stop;
    int last_ready; // boards, as last told to systemd
};

static void on_signal(void *arg, short revents)
{
    struct program *p = arg;
    struct signalfd_siginfo info;
    (void)revents;
    while (read(p->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGHUP) {
            log_info("daemon", "reloading packages");
            frontend_reload(&p->frontend);
        } else {
            log_info("daemon", "stopping signal=%u", info.ssi_signo);
            p->stop = true;
        }
    }
}

static int signals_init(struct program *p)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    // Blocked before any thread exists, so that no thread of libzmq takes them.
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0 || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return -1;
    p->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (p->signal_fd < 0)
        log_error("daemon", "no signal descriptor error=%s", strerror(errno));
    return p->signal_fd < 0 ? -1 : 0;
}

static void signals_fini(struct program *p)
{
    if (p->signal_fd >= 0)
        close(p->signal_fd);
}

// One daemon per run folder: a second one would take the sockets away from the first.
static int lock_init(struct program *p)
{
    char path[CONF_PATH_MAX + 32];
    if (mkdir(p->conf.run_dir, 0755) < 0 && errno != EEXIST) {
        log_error("daemon", "cannot make run_dir=%s error=%s", p->conf.run_dir, strerror(errno));
        return -1;
    }
    snprintf(path, sizeof path, "%s/sevencastd.lock", p->conf.run_dir);
    p->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (p->lock_fd >= 0 && flock(p->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    log_error("daemon", "cannot lock path=%s error=%s", path,
              errno == EWOULDBLOCK ? "another sevencastd runs there" : strerror(errno));
    return -1;
}

static void lock_fini(struct program *p)
{
    if (p->lock_fd >= 0)
        close(p->lock_fd);
}

static int serve_init(struct program *p)
{
    if (frontend_init(&p->frontend, &p->conf) < 0)
        return -1;
    return sched_fd_add(&p->frontend.sched, p->signal_fd, POLLIN, on_signal, p);
}

static void serve_fini(struct program *p)
{
    frontend_fini(&p->frontend);
}

static void on_watchdog(void *arg)
{
    struct program *p = arg;
    sd_notify(0, "WATCHDOG=1");
    sched_timer_set(&p->frontend.sched, &p->watchdog, now_ns() + p->watchdog_ns, on_watchdog, p);
}

static int notify_init(struct program *p)
{
    uint64_t usec = 0;
    p->last_ready = -1;
    if (sd_watchdog_enabled(0, &usec) > 0) {
        p->watchdog_ns = usec * 1000 / 2;
        on_watchdog(p);
    }
    sd_notify(0, "READY=1");
    return 0;
}

static void notify_fini(struct program *p)
{
    (void)p;
    sd_notify(0, "STOPPING=1");
}

static void notify_status(struct program *p)
{
    int ready = frontend_ready_boards(&p->frontend);
    if (ready == p->last_ready)
        return;
    p->last_ready = ready;
    sd_notifyf(0, "STATUS=%d of %d boards serve", ready, p->conf.boards);
}

// In the order of their beginning; they end in the opposite order, a failed one included.
static const struct {
    const char *name;
    int (*init)(struct program *p);
    void (*fini)(struct program *p);
} parts[] = {
    {"signals", signals_init, signals_fini},
    {"lock", lock_init, lock_fini},
    {"frontend", serve_init, serve_fini},
    {"notify", notify_init, notify_fini},
};
enum { PARTS = sizeof parts / sizeof parts[0] };

static int run(struct program *p)
{
    int begun = 0, result = 0;
    p->lock_fd = p->signal_fd = -1;
    json_object_seed(0); // before the scan thread
    for (; begun < PARTS && !result; begun++)
        if (parts[begun].init(p) < 0) {
            log_error("daemon", "cannot start part=%s", parts[begun].name);
            result = EXIT_START;
        }
    while (!result && !p->stop) {
        notify_status(p);
        if (frontend_turn(&p->frontend, NS_PER_S) < 0)
            result = EXIT_RUN;
    }
    if (begun == PARTS)
        sd_notify(0, "STOPPING=1");
    if (p->frontend.boards_started)
        frontend_stop(&p->frontend);
    while (begun > 0)
        parts[--begun].fini(p);
    return result;
}

struct options {
    const char *config, *worker;
    bool check, print, help_config;
};

// 0 to go on, else the exit code + 1.
static int parse_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"config", required_argument, NULL, 'c'},
        {"check-config", no_argument, NULL, 'C'},
        {"print-config", no_argument, NULL, 'p'},
        {"help-config", no_argument, NULL, 'H'},
        {"foreground", no_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {"worker", required_argument, NULL, 'W'},
        {NULL, 0, NULL, 0},
    };
    int c;
    while ((c = getopt_long(argc, argv, "c:pfhV", longs, NULL)) >= 0) {
        switch (c) {
        case 'c':
            o->config = optarg;
            break;
        case 'C':
            o->check = true;
            break;
        case 'p':
            o->print = true;
            break;
        case 'H':
            o->help_config = true;
            break;
        case 'f':
            break;
        case 'W': // not for people: see supervise.c
            o->worker = optarg;
            break;
        case 'h':
            fputs(usage, stdout);
            return 1;
        case 'V':
            puts("sevencastd " SEVENCAST_VERSION);
            return 1;
        default:
            return EXIT_USAGE + 1;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "sevencastd: unexpected argument \"%s\"; see --help\n", argv[optind]);
        return EXIT_USAGE + 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    static struct program program;
    struct options o = {.config = default_conf};
    char why[512];
    int code = parse_options(argc, argv, &o);
    if (code)
        return code - 1;
    if (o.worker)
        return worker_main(o.worker);
    if (o.help_config)
        return conf_print_help(STDOUT_FILENO) < 0 ? EXIT_RUN : 0;
    if (conf_load(&program.conf, o.config, why, sizeof why) < 0) {
        fprintf(stderr, "sevencastd: %s\n", why);
        return EXIT_CONF;
    }
    if (o.print)
        return conf_print(&program.conf, STDOUT_FILENO) < 0 ? EXIT_RUN : 0;
    if (o.check)
        return 0;
    log_init(program.conf.log_level, NULL);
    log_info("daemon", "sevencastd version=%s boards=%d", SEVENCAST_VERSION, program.conf.boards);
    return run(&program);
}
