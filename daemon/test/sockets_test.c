// SPDX-License-Identifier: Apache-2.0
// The front end's sockets, as a process: who may do what there, what others are told, and what
// libzmq needs to be guarded against.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "daemon/sched.h"
#include "daemon/test/rig.h"
#include "tests/support/random.h"

extern char **environ;

// The sanitizers keep freed memory for a while.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const long sanitizer_kib = 512 * 1024;
#else
static const long sanitizer_kib = 0;
#endif

static int setup(void **state)
{
    return rig_ready(rig_standin(state, RIG_BOARD, ""));
}

static int setup_roles(void **state)
{
    char more[256];
    snprintf(more, sizeof more, "infer = ipc:///tmp/sevencastd-infer-%d\n", (int)getpid());
    return rig_ready(rig_standin(state, RIG_BOARD, more));
}

static unsigned mode_of(const char *endpoint)
{
    struct stat st;
    assert_int_equal(stat(endpoint + strlen("ipc://"), &st), 0);
    return st.st_mode & 0777;
}

static void infer_socket_takes_no_control(void **state)
{
    struct rig *r = *state;
    char control[192];
    snprintf(control, sizeof control, "%s", r->control);
    assert_int_equal(mode_of(r->control), 0600);
    snprintf(r->control, sizeof r->control, "ipc:///tmp/sevencastd-infer-%d", (int)getpid());
    assert_int_equal(mode_of(r->control), 0660);
    rig_expect_error(rig_load(r, "demand-w8", NULL, 1000), "UNAUTHORISED", "verb");
    rig_expect_error(rig_call(r, "{\"verb\":\"unload\",\"model_name\":\"demand-w8\"}", NULL, 0),
                     "UNAUTHORISED", "verb");
    rig_infer_golden(r, "demand", "demand-w8", 17);
    snprintf(r->control, sizeof r->control, "%s", control);
}

static void second_daemon_is_refused(void **state)
{
    struct rig *r = *state;
    struct rig second = *r;
    int status;
    char bin[512];
    rig_program(bin, sizeof bin, "sevencastd");
    char *argv[] = {bin, (char[]){"--config"}, second.conf, NULL};
    assert_int_equal(posix_spawn(&second.pid, bin, NULL, NULL, argv, environ), 0);
    assert_int_equal(waitpid(second.pid, &status, 0), second.pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 4);
    rig_infer_golden(r, "demand", "demand-w8", 18); // the first one goes on
}

static void systemd_is_told(void **state)
{
    struct rig *r = rig_standin(state, RIG_BOARD, "");
    char all[8192] = "", got[1024];
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "/tmp/sevencastd-notify-%d", (int)getpid());
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    setenv("NOTIFY_SOCKET", at.sun_path, 1);
    setenv("WATCHDOG_USEC", "200000", 1);
    rig_ready(r);
    poll(NULL, 0, 350);
    assert_int_equal(rig_stop(r, SIGTERM), 0);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    ssize_t n;
    size_t have = 0;
    int dogs = 0;
    while ((n = recv(fd, got, sizeof got - 1, 0)) > 0 && have + (size_t)n + 2 < sizeof all) {
        got[n] = '\0';
        dogs += strcmp(got, "WATCHDOG=1") == 0;
        have += (size_t)snprintf(all + have, sizeof all - have, "%s\n", got);
    }
    close(fd);
    unlink(at.sun_path);
    const char *ready = strstr(all, "READY=1"), *stopping = strstr(all, "STOPPING=1");
    assert_true(ready && stopping && ready < stopping);
    assert_non_null(strstr(all, "STATUS=1 of 1 boards serve"));
    assert_true(dogs >= 3);
}

// ---- guards

static long resident_kib(pid_t pid)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    fclose(f);
    const char *at = strstr(text, "VmRSS:");
    assert_non_null(at);
    return strtol(at + 6, NULL, 10);
}

static int raw_connect(struct rig *r)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%.100s", r->control + strlen("ipc://"));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    close(fd);
    return -1;
}

static void garbage_and_silence_on_the_socket(void **state)
{
    struct rig *r = *state;
    struct rng rng;
    rng_init(&rng, 3);
    long before = resident_kib(r->pid);
    for (int i = 0; i < 1500; i++) {
        uint8_t bytes[256];
        int fd = raw_connect(r);
        assert_true(fd >= 0);
        size_t n = (size_t)rng_range(&rng, 0, sizeof bytes);
        for (size_t k = 0; k < n; k++)
            bytes[k] = (uint8_t)rng_u64(&rng);
        if (i % 3 == 0 && n > 12) // a ZMTP greeting to begin with, then noise
            memcpy(bytes, "\xff\0\0\0\0\0\0\0\x01\x7f\x03\0", 12);
        if (n && send(fd, bytes, n, MSG_NOSIGNAL) < 0) {
            // hung up on already
        }
        close(fd);
    }
    rig_infer_golden(r, "demand", "demand-w8", 19);
    int silent[200];
    for (int i = 0; i < 200; i++)
        silent[i] = raw_connect(r);
    rig_infer_golden(r, "demand", "demand-w8", 20);
    poll(NULL, 0, 2500); // dropped when their handshake takes over a second
    for (int i = 0; i < 200; i++) {
        char c[256];
        ssize_t got = silent[i] < 0 ? 0 : recv(silent[i], c, sizeof c, MSG_DONTWAIT);
        while (got > 0)
            got = recv(silent[i], c, sizeof c, MSG_DONTWAIT);
        if (got < 0)
            fail_msg("silent peer %d is still connected", i);
        if (silent[i] >= 0)
            close(silent[i]);
    }
    rig_infer_golden(r, "demand", "demand-w8", 21);
    assert_in_range(resident_kib(r->pid), 0, before + 32768 + sanitizer_kib);
}

// Peers that end leave nothing behind, however they end; those that never shake hands are thrown
// out after a second.
static void connections_end(void **state)
{
    struct rig *r = *state;
    int before = rig_open_files(r->pid), silent[20];
    for (int i = 0; i < 100; i++) {
        void *d = rig_dealer(r);
        if (i % 2)
            rig_send(d, "{\"verb\":\"server_live\"}", NULL, 0);
        if (i % 4 == 1) {
            struct rig_reply p;
            assert_true(rig_recv(d, &p, 2000));
            rig_reply_fini(&p);
        }
        rig_close(r, d);
    }
    for (int i = 0; i < 20; i++)
        silent[i] = raw_connect(r);
    rig_wait_files(r->pid, before + 1);
    for (int i = 0; i < 20; i++)
        if (silent[i] >= 0)
            close(silent[i]);
}

static void flood_without_reading_is_bounded(void **state)
{
    struct rig *r = *state;
    static char junk[60000];
    long before = resident_kib(r->pid);
    void *d = rig_dealer(r);
    int hwm = 16, none = 0;
    zmq_setsockopt(d, ZMQ_RCVHWM, &hwm, sizeof hwm);
    zmq_setsockopt(d, ZMQ_SNDTIMEO, &none, sizeof none);
    memset(junk, '{', sizeof junk);
    uint64_t until = now_ns() + NS_PER_S;
    long sent = 0;
    while (now_ns() < until) { // each is answered by an error that nobody reads
        if (zmq_send(d, "", 0, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
            continue;
        if (zmq_send(d, junk, sizeof junk, ZMQ_DONTWAIT) >= 0)
            sent++;
    }
    rig_infer_golden(r, "demand", "demand-w8", 22);
    print_message("flood of %ld messages: %ld KiB more\n", sent, resident_kib(r->pid) - before);
    assert_true(sent > 100);
    assert_in_range(resident_kib(r->pid), 0, before + 96 * 1024 + sanitizer_kib);
    rig_close(r, d);
}

static void same_routing_id_starves_only_its_owner(void **state)
{
    struct rig *r = *state;
    void *d[2];
    struct rig_reply p;
    for (int i = 0; i < 2; i++) {
        d[i] = zmq_socket(r->zmq, ZMQ_DEALER);
        int linger = 0;
        zmq_setsockopt(d[i], ZMQ_LINGER, &linger, sizeof linger);
        zmq_setsockopt(d[i], ZMQ_ROUTING_ID, "twin", 4);
        assert_int_equal(zmq_connect(d[i], r->control), 0);
        poll(NULL, 0, 100);
    }
    rig_send(d[0], "{\"verb\":\"server_live\"}", NULL, 0);
    assert_true(rig_recv(d[0], &p, 2000));
    rig_reply_fini(&p);
    rig_send(d[1], "{\"verb\":\"server_live\"}", NULL, 0);
    assert_false(rig_recv(d[1], &p, 300)); // known limit of a ROUTER without handover
    zmq_close(d[0]);
    zmq_close(d[1]);
    rig_infer_golden(r, "demand", "demand-w8", 23);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)

int main(int argc, char **argv)
{
    if (argc > 1) // one test, or a pattern
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(infer_socket_takes_no_control, setup_roles, rig_teardown),
        T(second_daemon_is_refused),
        cmocka_unit_test_teardown(systemd_is_told, rig_teardown),
        T(garbage_and_silence_on_the_socket),
        T(connections_end),
        T(flood_without_reading_is_bounded),
        T(same_routing_id_starves_only_its_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
