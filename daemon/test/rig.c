// SPDX-License-Identifier: Apache-2.0
#define _XOPEN_SOURCE 700 // nftw
#include "daemon/test/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

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
#include "tools/model/model_random.h"

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

void *rig_dealer(struct rig *r)
{
    void *d = zmq_socket(r->zmq, ZMQ_DEALER);
    int linger = 0, hwm = 20000;
    assert_non_null(d);
    zmq_setsockopt(d, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(d, ZMQ_SNDHWM, &hwm, sizeof hwm);
    zmq_setsockopt(d, ZMQ_RCVHWM, &hwm, sizeof hwm);
    assert_int_equal(zmq_connect(d, r->control), 0);
    int i = 0;
    while (r->dealers[i])
        assert_true(++i < 8);
    r->dealers[i] = d;
    return d;
}

void rig_close(struct rig *r, void *dealer)
{
    for (int i = 0; i < 8; i++)
        if (r->dealers[i] == dealer)
            r->dealers[i] = NULL;
    zmq_close(dealer);
}

void rig_send(void *dealer, const char *header, const void *tensor, size_t n)
{
    assert_true(zmq_send(dealer, "", 0, ZMQ_SNDMORE) >= 0);
    assert_true(zmq_send(dealer, header, strlen(header), tensor ? ZMQ_SNDMORE : 0) >= 0);
    if (tensor)
        assert_true(zmq_send(dealer, tensor, n, 0) >= 0);
}

bool rig_recv(void *dealer, struct rig_reply *p, int timeout_ms)
{
    memset(p, 0, sizeof *p);
    zmq_setsockopt(dealer, ZMQ_RCVTIMEO, &timeout_ms, sizeof timeout_ms);
    int more = 1;
    for (int i = 0; more; i++) {
        zmq_msg_t m;
        zmq_msg_init(&m);
        if (zmq_msg_recv(&m, dealer, 0) < 0) {
            zmq_msg_close(&m);
            return false;
        }
        size_t n = zmq_msg_size(&m);
        more = zmq_msg_more(&m);
        if (i == 0)
            assert_int_equal(n, 0);
        else if (i == 1)
            p->header = json_loadb(zmq_msg_data(&m), n, 0, NULL);
        else if (i == 2) {
            assert_true(n <= sizeof p->values);
            memcpy(p->values, zmq_msg_data(&m), n);
            p->outputs = n / sizeof p->values[0];
        } else {
            assert_int_equal(n, p->outputs * sizeof p->codes[0]);
            memcpy(p->codes, zmq_msg_data(&m), n);
        }
        p->frames += i >= 2;
        zmq_msg_close(&m);
    }
    assert_non_null(p->header);
    return true;
}

void rig_reply_fini(struct rig_reply *p)
{
    json_decref(p->header);
    p->header = NULL;
}

static const char *error_text(const struct rig_reply *p, const char *key)
{
    const char *t = json_string_value(json_object_get(json_object_get(p->header, "error"), key));
    return t ? t : "";
}

const char *rig_code(const struct rig_reply *p)
{
    return error_text(p, "code");
}

const char *rig_field(const struct rig_reply *p)
{
    return error_text(p, "field");
}

const char *rig_message(const struct rig_reply *p)
{
    return error_text(p, "message");
}

struct rig_reply rig_call(struct rig *r, const char *header, const void *tensor, size_t n)
{
    struct rig_reply p;
    void *d = rig_dealer(r);
    uint64_t begin = now_ns();
    rig_send(d, header, tensor, n);
    if (!rig_recv(d, &p, 70000))
        fail_msg("no reply to %s", header);
    p.elapsed_ns = now_ns() - begin;
    rig_close(r, d);
    return p;
}

void rig_infer_header(char *out, size_t cap, const char *model, const char *id, int rows,
                      int columns, int deadline_ms)
{
    snprintf(out, cap,
             "{\"verb\":\"infer\",\"id\":\"%s\",\"model_name\":\"%s\",\"parameters\":{"
             "\"deadline_ms\":%d},\"inputs\":[{\"name\":\"window\",\"shape\":[%d,%d],"
             "\"datatype\":\"FP64\"}]}",
             id, model, deadline_ms, rows, columns);
}

struct rig_reply rig_infer(struct rig *r, const char *model, const double *window, int rows,
                           int columns, int deadline_ms)
{
    char header[512];
    rig_infer_header(header, sizeof header, model, "one", rows, columns, deadline_ms);
    return rig_call(r, header, window, sizeof(double) * (size_t)(rows * columns));
}

struct rig_reply rig_load(struct rig *r, const char *model, const char *board, int deadline_ms)
{
    char header[512];
    snprintf(header, sizeof header,
             "{\"verb\":\"load\",\"model_name\":\"%s\",\"parameters\":{%s%s%s\"deadline_ms\":%d}}",
             model, board ? "\"board\":\"" : "", board ? board : "", board ? "\"," : "",
             deadline_ms);
    return rig_call(r, header, NULL, 0);
}

json_t *rig_board(struct rig *r, const char *board)
{
    struct rig_reply p = rig_call(r, "{\"verb\":\"boards\"}", NULL, 0);
    size_t i;
    json_t *row, *found = NULL;
    json_array_foreach(json_object_get(p.header, "boards"), i, row)
    {
        const char *name = json_string_value(json_object_get(row, "name"));
        if (name && strcmp(name, board) == 0)
            found = json_incref(row);
    }
    rig_reply_fini(&p);
    assert_non_null(found);
    return found;
}

void rig_wait_board(struct rig *r, const char *board, const char *state, const char *variant,
                    int timeout_ms)
{
    uint64_t until = now_ns() + (uint64_t)timeout_ms * NS_PER_MS;
    for (;;) {
        json_t *row = rig_board(r, board);
        const char *is = json_string_value(json_object_get(row, "state"));
        const char *runs = json_string_value(json_object_get(row, "variant"));
        bool good = strcmp(is, state) == 0 && (!variant || (runs && strcmp(runs, variant) == 0));
        if (!good && now_ns() > until) {
            char *text = json_dumps(row, 0);
            json_decref(row);
            fail_msg("board is not %s %s but %s", state, variant ? variant : "", text);
        }
        json_decref(row);
        if (good)
            return;
        poll(NULL, 0, 5);
    }
}

void rig_random_window(uint64_t seed, double *out, int n)
{
    struct model_rng rng = {seed};
    for (int i = 0; i < n; i++)
        out[i] = (double)model_rng_range(&rng, -3000, 3000) / 1000.0;
}

void rig_check_golden(const struct variant *v, const double *window, const struct rig_reply *p)
{
    int8_t codes[RIG_VALUES_MAX];
    double values[RIG_OUTPUTS_MAX];
    int saturated = 0;
    assert_string_equal(rig_code(p), "");
    assert_int_equal(p->frames, 2);
    assert_int_equal(variant_encode(v, window, codes, &saturated), -1);
    struct model_trace *trace = model_trace_new(&v->model->shape);
    model_run(v->model, codes, trace);
    const int16_t *y = model_trace_get(trace, MODEL_Y, 0);
    assert_int_equal(p->outputs, v->model->shape.outputs);
    assert_memory_equal(p->codes, y, p->outputs * sizeof y[0]);
    variant_decode(v, y, values);
    assert_memory_equal(p->values, values, p->outputs * sizeof values[0]);
    json_t *parameters = json_object_get(p->header, "parameters");
    assert_int_equal(json_integer_value(json_object_get(parameters, "saturated")), saturated);
    assert_string_equal(json_string_value(json_object_get(p->header, "model_version")),
                        v->hash_hex);
    model_trace_free(trace);
}
