// SPDX-License-Identifier: Apache-2.0
// vboard: runs a command, or any number of them, in a world where virtual boards are plugged in.
#define _XOPEN_SOURCE 700 // realpath
#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/vboard/board.h"
#include "tools/vboard/child.h"
#include "tools/vboard/client_env.h"
#include "tools/vboard/control.h"
#include "tools/vboard/engine.h"
#include "tools/vboard/log.h"
#include "tools/vboard/loop.h"
#include "tools/vboard/options.h"
#include "tools/vboard/usbfs.h"
#include "tools/vboard/world.h"

enum { EXEC_WAIT_MS = 5000, LOCK_TRIES = 2000 };
#define STOP_GRACE_NS (UINT64_C(10) * 1000000000)
#define LOOK_NS       (UINT64_C(2) * 1000000000)

extern char **environ;

static struct world world;
static struct boards boards;
static struct child command;
static int stop_signal;

static int fail(const char *why)
{
    fprintf(stderr, "vboard: %s\n", why);
    return EXIT_VBOARD;
}

// SIGTERM, SIGINT: the command gets the same and some time; without one the world ends at once.
static void on_signal(int signal, bool from_terminal)
{
    stop_signal = signal;
    if (command.pid > 0) {
        if (!from_terminal)
            kill(command.pid, signal);
        child_kill_after(&command, STOP_GRACE_NS);
    } else {
        loop_stop(128 + signal);
    }
}

static void command_ended(struct child *c, int status)
{
    c->pid = 0;
    loop_stop(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

// Everything up to and including the sockets: after it clients can come.
static int world_up(const struct options *o, char *why, size_t whycap)
{
    static char golden[1024], packages[1024];
    struct fpga_options f = {.engine = o->engine};
    if (o->packages) { // absolute: engines run in their package's folder
        char *p = realpath(o->packages, NULL);
        if (!p) {
            snprintf(why, whycap, "--packages %s: %s", o->packages, strerror(errno));
            return -1;
        }
        snprintf(packages, sizeof packages, "%s", p);
        free(p);
        f.packages = packages;
    }
    if (o->engine == FPGA_ENGINE_GOLDEN) {
        if (client_env_find("vboard-golden", golden, sizeof golden)) {
            snprintf(why, whycap, "vboard-golden is not beside vboard");
            return -1;
        }
        f.golden_path = golden;
    }
    if (sodium_init() < 0 || engine_environment(environ) || child_init(on_signal)) {
        snprintf(why, whycap, "cannot start: %s", strerror(errno));
        return -1;
    }
    if (world_init(&world, o->world, why, whycap))
        return -1;
    if (boards_init(&boards, &world, &f, o->part, o->serials, o->serial_count, why, whycap))
        return -1;
    for (size_t i = 0; i < boards.count * o->power_count; i++) {
        if (power_meter_command_line(&boards.board[i / o->power_count].meter,
                                     o->power[i % o->power_count], why, whycap))
            return -1;
    }
    if (usbfs_init(world.dir) || control_init(&boards, world.dir)) {
        snprintf(why, whycap, "cannot listen in %s: %s", world.dir, strerror(errno));
        return -1;
    }
    return 0;
}

static void world_down(void)
{
    control_fini();
    usbfs_fini();
    boards_fini(&boards);
    child_fini();
    world_fini(&world);
}

static int start_command(const struct options *o, char *why, size_t whycap)
{
    if (client_env_set(world.dir, why, whycap))
        return -1;
    command = (struct child){.ended = command_ended};
    struct child_start how = {
        .file = o->rest[0], .argv = o->rest, .envp = environ, .fd3 = -1, .death_signal = SIGTERM};
    if (child_run(&command, &how)) {
        snprintf(why, whycap, "cannot start %s: %s", o->rest[0], strerror(errno));
        return -1;
    }
    return 0;
}

// A test that was killed leaves its world to whoever cleans up its folder: without the folder no
// client can come any more.
static void look_for_world(struct loop_timer *t)
{
    t->due_ns = loop_now_ns() + LOOK_NS;
    if (!world_exists(&world)) {
        log_warn("world: %s was removed; ending", world.dir);
        loop_stop(EXIT_VBOARD);
    }
}

static struct loop_timer look_timer = {.fn = look_for_world};

// serve --background: the parent leaves when the world is up.
static int to_background(void)
{
    pid_t pid = fork();
    if (pid < 0)
        return -1;
    if (pid > 0)
        _exit(0);
    setsid();
    // The lock stays with the parent until it has left.
    for (int tries = 0; tries < LOCK_TRIES; tries++) {
        if (!world_lock(&world))
            return 0;
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return -1;
}

static int run_or_serve(const struct options *o)
{
    char why[400];
    int result = EXIT_VBOARD;
    if (log_open(o->log_path, o->log_level)) {
        fprintf(stderr, "vboard: --log %s: %s\n", o->log_path, strerror(errno));
        return EXIT_VBOARD;
    }
    if (world_up(o, why, sizeof why) ||
        (o->verb == VERB_RUN && start_command(o, why, sizeof why))) {
        fail(why);
    } else if (o->background && to_background()) {
        fail("cannot go to the background");
    } else {
        if (o->verb == VERB_SERVE && !o->background) {
            printf("vboard: world %s is up\n", world.dir);
            fflush(stdout);
        }
        if (o->verb == VERB_SERVE)
            loop_add_timer(&look_timer);
        result = loop_run();
    }
    world_down();
    return stop_signal && o->verb == VERB_SERVE ? 0 : result;
}

static int run_exec(const struct options *o)
{
    char why[400];
    char *dir = NULL;
    if (control_wait(o->world, EXEC_WAIT_MS) || !(dir = realpath(o->world, NULL))) {
        fprintf(stderr, "vboard exec: no world in %s\n", o->world);
        free(dir);
        return EXIT_VBOARD;
    }
    if (client_env_set(dir, why, sizeof why)) {
        free(dir);
        return fail(why);
    }
    free(dir);
    execvp(o->rest[0], o->rest);
    fprintf(stderr, "vboard exec: %s: %s\n", o->rest[0], strerror(errno));
    return errno == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_RUN;
}

static int run_ctl(const struct options *o)
{
    control_wait(o->world, EXEC_WAIT_MS);
    return control_client(o->world, o->rest);
}

int main(int argc, char **argv)
{
    struct options o;
    int r = options_parse(&o, argc, argv);
    if (r)
        return r > 0 ? 0 : EXIT_VBOARD;
    switch (o.verb) {
    case VERB_EXEC:
        return run_exec(&o);
    case VERB_CTL:
        return run_ctl(&o);
    default:
        return run_or_serve(&o);
    }
}
