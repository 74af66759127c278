// SPDX-License-Identifier: Apache-2.0
// The daemon, its folder, and the virtual boards below it.
#define _XOPEN_SOURCE 700 // nftw
#include "daemon/test/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "daemon/sched.h"
#include "tools/model/variant.h"

extern char **environ;

static void put_text(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

// Replaced in one step: the worker may read at any moment.
void rig_say(struct rig *r, const char *words)
{
    char path[256], fresh[256];
    snprintf(path, sizeof path, "%s/say", r->dir);
    snprintf(fresh, sizeof fresh, "%s/say.new", r->dir);
    put_text(fresh, words);
    assert_int_equal(rename(fresh, path), 0);
}

const char *rig_program(char *out, size_t cap, const char *name)
{
    const char *build = getenv("SEVENCAST_BUILD");
    snprintf(out, cap, "%s/bin/%s", build ? build : "build/dev", name);
    if (out[0] != '/') {
        char here[512];
        assert_non_null(getcwd(here, sizeof here));
        char tail[300];
        snprintf(tail, sizeof tail, "%s", out);
        snprintf(out, cap, "%s/%s", here, tail);
    }
    return out;
}

void rig_init(struct rig *r, const char *boards, const char *more, bool standin)
{
    char text[4096], path[300], worker[900] = "";
    memset(r, 0, sizeof *r);
    snprintf(r->dir, sizeof r->dir, "/tmp/sevencastd-test-XXXXXX");
    assert_non_null(mkdtemp(r->dir));
    snprintf(r->packages, sizeof r->packages, "%s/packages", r->dir);
    snprintf(r->control, sizeof r->control, "ipc://%s/control", r->dir);
    snprintf(r->conf, sizeof r->conf, "%s/sevencastd.conf", r->dir);
    assert_int_equal(mkdir(r->packages, 0755), 0);
    r->standin = standin;
    if (standin) {
        char bin[700];
        snprintf(worker, sizeof worker, "worker = %s\n",
                 rig_program(bin, sizeof bin, "standin-worker"));
        snprintf(path, sizeof path, "%s/say", r->dir);
        assert_int_equal(setenv("STANDIN_CONTROL", path, 1), 0);
        snprintf(path, sizeof path, "%s/state", r->dir);
        assert_int_equal(setenv("STANDIN_STATE", path, 1), 0);
        assert_int_equal(setenv("STANDIN_PACKAGES", r->packages, 1), 0);
        rig_say(r, "");
    }
    snprintf(text, sizeof text,
             "[daemon]\ncontrol = %s\nvariants = %s\nrun_dir = %s\nstate_dir = %s\nlog_level = "
             "debug\n%s%s\n%s\n",
             r->control, r->packages, r->dir, r->dir, worker, more, boards);
    put_text(r->conf, text);
    r->zmq = zmq_ctx_new();
    assert_non_null(r->zmq);
}

// Starts a program with its standard output dropped.
static pid_t start(char *const argv[])
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    int r = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return r ? -1 : pid;
}

static int run(char *const argv[])
{
    int status;
    pid_t pid = start(argv);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

const char *rig_no_vboard(void)
{
    char bin[700];
    glob_t found;
    if (access(rig_program(bin, sizeof bin, "vboard"), X_OK) < 0)
        return "vboard is not built";
    if (access("/usr/bin/openFPGALoader", X_OK) < 0)
        return "openFPGALoader is not installed";
    int r = glob("/usr/lib/*/libumockdev-preload.so.0", 0, NULL, &found);
    globfree(&found);
    return r ? "umockdev is not installed" : NULL;
}

void rig_world(struct rig *r, const char *const *more)
{
    static char bin[700];
    char *argv[20] = {(char *)(uintptr_t)rig_program(bin, sizeof bin, "vboard"),
                      (char[]){"serve"},
                      (char[]){"--world"},
                      r->world,
                      (char[]){"--packages"},
                      r->packages,
                      (char[]){"--engine"},
                      (char[]){"golden"}};
    int n = 8;
    snprintf(r->world, sizeof r->world, "%s/world", r->dir);
    for (; more && *more; more++)
        argv[n++] = (char *)(uintptr_t)*more;
    argv[n] = NULL;
    // The sanitizers' runtime cannot come before the preloaded shims.
    setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 0);
    r->world_pid = start(argv);
    char *status[] = {bin,      (char[]){"ctl"},    (char[]){"--world"},
                      r->world, (char[]){"status"}, NULL};
    char socket[300];
    snprintf(socket, sizeof socket, "%s/control.sock", r->world);
    for (uint64_t until = now_ns() + 10 * NS_PER_S; access(socket, F_OK) < 0 || run(status) != 0;) {
        assert_true(now_ns() < until);
        poll(NULL, 0, 10);
    }
    const char *const prefix[] = {bin, "exec", "--world", r->world, "--", NULL};
    memcpy(r->prefix, prefix, sizeof prefix);
}

void rig_ctl(struct rig *r, ...)
{
    char bin[700];
    char *argv[16] = {(char *)(uintptr_t)rig_program(bin, sizeof bin, "vboard"), (char[]){"ctl"},
                      (char[]){"--world"}, r->world};
    va_list args;
    va_start(args, r);
    for (int n = 4; n < 15 && (argv[n] = va_arg(args, char *)); n++)
        ;
    va_end(args);
    assert_int_equal(run(argv), 0);
}

void rig_program_behind(struct rig *r, const char *serial, const char *variant)
{
    char bin[700], bit[400], by[64];
    snprintf(bit, sizeof bit, "%s/%s/%s.bit", r->packages, variant, variant);
    snprintf(by, sizeof by, "%s", serial);
    char *argv[] = {(char *)(uintptr_t)rig_program(bin, sizeof bin, "vboard"),
                    (char[]){"exec"},
                    (char[]){"--world"},
                    r->world,
                    (char[]){"--"},
                    (char[]){"openFPGALoader"},
                    (char[]){"-c"},
                    (char[]){"ft2232"},
                    (char[]){"--ftdi-serial"},
                    by,
                    (char[]){"--freq"},
                    (char[]){"30M"},
                    bit,
                    NULL};
    assert_int_equal(run(argv), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void rig_fini(struct rig *r)
{
    if (r->pid > 0) {
        kill(r->pid, SIGKILL);
        waitpid(r->pid, NULL, 0);
    }
    for (int i = 0; i < 8; i++)
        if (r->dealers[i])
            zmq_close(r->dealers[i]);
    zmq_ctx_term(r->zmq);
    if (r->world_pid > 0) {
        kill(r->world_pid, SIGTERM);
        waitpid(r->world_pid, NULL, 0);
    }
    nftw(r->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void rig_package(struct rig *r, struct make_package m)
{
    m.dir = r->packages;
    assert_int_equal(make_package(&m), 0);
}

struct variant *rig_variant(struct rig *r, const char *name)
{
    char path[400], why[256] = "";
    snprintf(path, sizeof path, "%s/%s", r->packages, name);
    struct variant *v = variant_load(path, why, sizeof why);
    if (!v)
        fail_msg("%s", why);
    return v;
}

void rig_start(struct rig *r)
{
    char bin[700];
    char *argv[20];
    int n = 0;
    for (; r->prefix[n]; n++)
        argv[n] = (char *)(uintptr_t)r->prefix[n];
    argv[n++] = (char *)(uintptr_t)rig_program(bin, sizeof bin, "sevencastd");
    argv[n++] = (char[]){"--config"};
    argv[n++] = r->conf;
    argv[n] = NULL;
    assert_int_equal(posix_spawnp(&r->pid, argv[0], NULL, NULL, argv, environ), 0);
    uint64_t until = now_ns() + 20 * NS_PER_S;
    for (;;) {
        int status;
        if (waitpid(r->pid, &status, WNOHANG) == r->pid) {
            r->pid = 0;
            fail_msg("the daemon ended, status 0x%x", status);
        }
        void *d = rig_dealer(r);
        struct rig_reply p;
        rig_send(d, "{\"verb\":\"server_live\"}", NULL, 0);
        bool up = rig_recv(d, &p, 200);
        rig_close(r, d);
        if (up) {
            rig_reply_fini(&p);
            return;
        }
        assert_true(now_ns() < until);
    }
}

int rig_stop(struct rig *r, int sig)
{
    int status = 0;
    uint64_t until = now_ns() + 8 * NS_PER_S;
    assert_int_equal(kill(r->pid, sig), 0);
    while (waitpid(r->pid, &status, WNOHANG) == 0) {
        if (now_ns() > until)
            fail_msg("the daemon does not end on signal %d", sig);
        poll(NULL, 0, 5);
    }
    r->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// The worker is the process whose command line is "sevencastd --worker NAME" and whose parent is
// the daemon.
pid_t rig_worker_pid(struct rig *r, const char *board)
{
    int out[2];
    pid_t ps, found = 0;
    char text[65536];
    size_t n = 0;
    assert_int_equal(pipe(out), 0);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_addclose(&actions, out[0]);
    char *argv[] = {(char[]){"ps"},
                    (char[]){"-A"},
                    (char[]){"-ww"},
                    (char[]){"-o"},
                    (char[]){"pid=,ppid=,args="},
                    NULL};
    assert_int_equal(posix_spawnp(&ps, "ps", &actions, NULL, argv, environ), 0);
    posix_spawn_file_actions_destroy(&actions);
    close(out[1]);
    ssize_t got;
    while ((got = read(out[0], text + n, sizeof text - 1 - n)) > 0)
        n += (size_t)got;
    close(out[0]);
    waitpid(ps, NULL, 0);
    text[n] = '\0';
    for (char *save = NULL, *line = strtok_r(text, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        int pid, parent, at = 0;
        char want[64];
        snprintf(want, sizeof want, "sevencastd --worker %s", board);
        if (sscanf(line, "%d %d %n", &pid, &parent, &at) == 2 && strcmp(line + at, want) == 0 &&
            parent == r->pid)
            found = pid;
    }
    return found;
}

int rig_open_files(pid_t pid)
{
    char path[64];
    int n = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *d = opendir(path);
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

void rig_wait_files(pid_t pid, int most)
{
    int n;
    for (uint64_t until = now_ns() + 5 * NS_PER_S; (n = rig_open_files(pid)) > most;) {
        if (now_ns() > until)
            fail_msg("%d files are open, at most %d should be", n, most);
        poll(NULL, 0, 20);
    }
}

struct rig *rig_standin(void **state, const char *boards, const char *more)
{
    struct rig *r = calloc(1, sizeof *r);
    assert_non_null(r);
    *state = r;
    rig_init(r, boards, more, true);
    rig_package(r, (struct make_package){.name = "demand-w8", .task = "demand", .seed = 1});
    rig_package(r, (struct make_package){.name = "demand-w4", .task = "demand", .seed = 2});
    rig_package(r, (struct make_package){.name = "traffic-w8",
                                         .task = "traffic",
                                         .seed = 3,
                                         .window = 12,
                                         .features = 3,
                                         .outputs = 4});
    return r;
}

int rig_ready(struct rig *r)
{
    rig_start(r);
    rig_wait_board(r, "lab0", "READY", "demand-w8", 8000);
    return 0;
}

int rig_teardown(void **state)
{
    struct rig *r = *state;
    if (r->pid > 0)
        assert_int_equal(rig_stop(r, SIGTERM), 0);
    rig_fini(r);
    free(r);
    return 0;
}
