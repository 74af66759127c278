// SPDX-License-Identifier: Apache-2.0
// Queue (with a clock of the test's own), event loop, packets between the processes, and the
// supervision of openFPGALoader.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/loader.h"
#include "daemon/meter_log.h"
#include "daemon/queue.h"
#include "daemon/sched.h"
#include "daemon/wire.h"
#include "tests/support/random.h"

static struct service_request request(enum service_verb verb, const char *id, uint32_t deadline_ms)
{
    struct service_request r;
    memset(&r, 0, sizeof r);
    r.verb = verb;
    r.deadline_ms = deadline_ms;
    snprintf(r.id, sizeof r.id, "%s", id);
    return r;
}

static void queue_is_first_in_first_out(void **state)
{
    struct queue q;
    struct service_request r = request(SERVICE_INFER, "a", 100);
    (void)state;
    assert_int_equal(queue_init(&q, 3), 0);
    struct queue_slot *s[3];
    for (int i = 0; i < 3; i++) {
        s[i] = queue_take(&q, &r, 0);
        queue_push(&q, s[i]);
    }
    assert_null(queue_take(&q, &r, 0)); // full for inferences, not for control
    struct service_request load = request(SERVICE_LOAD, "l", 100);
    struct queue_slot *l = queue_take(&q, &load, 0);
    assert_non_null(l);
    assert_null(l->window);
    queue_remove(&q, s[1]);
    assert_ptr_equal(q.first, s[0]);
    assert_ptr_equal(q.first->next, s[2]);
    queue_push_front(&q, s[1]);
    assert_ptr_equal(q.first, s[1]);
    assert_int_equal(q.waiting, 3);
    queue_free(&q, s[1]); // also takes it out of the line
    assert_ptr_equal(q.first, s[0]);
    assert_int_equal(q.used, 3);
    assert_ptr_equal(queue_take(&q, &r, 0), s[1]);
    queue_fini(&q);
}

static void queue_copies_the_window(void **state)
{
    struct queue q;
    struct service_request r = request(SERVICE_INFER, "a", 100);
    float values[4] = {1.5f, -2.0f, 3.25f, 0.0f};
    (void)state;
    r.window = (struct service_window){SERVICE_FP32, 2, 2, values};
    assert_int_equal(queue_init(&q, 1), 0);
    struct queue_slot *s = queue_take(&q, &r, 0);
    values[0] = 9;
    assert_true(s->window[0] == 1.5 && s->window[1] == -2.0 && s->window[2] == 3.25);
    assert_null(s->request.window.data);
    queue_fini(&q);
}

static void deadlines_come_in_their_order(void **state)
{
    struct queue q;
    struct rng rng;
    (void)state;
    rng_init(&rng, 11);
    assert_int_equal(queue_init(&q, 64), 0);
    assert_true(queue_next_deadline(&q) == UINT64_MAX);
    for (int i = 0; i < 64; i++) {
        struct service_request r = request(SERVICE_INFER, "x", (uint32_t)rng_range(&rng, 1, 1000));
        struct queue_slot *s = queue_take(&q, &r, 5 * NS_PER_MS);
        if (i % 2)
            queue_push(&q, s);
        else
            s->state = QUEUE_RUNNING; // also those on a board have a deadline
    }
    uint64_t now = 0, next;
    int ended = 0;
    while ((next = queue_next_deadline(&q)) != UINT64_MAX) {
        struct queue_slot *s;
        assert_true(next >= now);
        assert_null(queue_expired(&q, next - 1));
        now = next;
        while ((s = queue_expired(&q, now))) {
            assert_true(s->deadline_ns == now);
            queue_free(&q, s);
            ended++;
        }
    }
    assert_int_equal(ended, 64);
    assert_int_equal(q.waiting, 0);
    queue_fini(&q);
}

static void requests_are_found_by_id(void **state)
{
    struct queue q;
    (void)state;
    assert_int_equal(queue_init(&q, 4), 0);
    for (int i = 0; i < 4; i++) {
        struct service_request r = request(SERVICE_INFER, i % 2 ? "odd" : "even", 10);
        queue_push(&q, queue_take(&q, &r, 0));
    }
    struct queue_slot *s = NULL;
    int n = 0;
    while ((s = queue_find(&q, "odd", s)))
        n++;
    assert_int_equal(n, 2);
    assert_null(queue_find(&q, "none", NULL));
    queue_fini(&q);
}

static int fired[8], fired_n;

static void on_timer(void *arg)
{
    fired[fired_n++] = *(int *)arg;
}

static void timers_fire_in_order_and_can_be_cleared(void **state)
{
    static struct sched s;
    struct sched_timer t[4];
    int id[4] = {0, 1, 2, 3};
    (void)state;
    memset(t, 0, sizeof t);
    sched_init(&s);
    fired_n = 0;
    uint64_t now = now_ns();
    sched_timer_set(&s, &t[0], now + 3 * NS_PER_MS, on_timer, &id[0]);
    sched_timer_set(&s, &t[1], now + 1 * NS_PER_MS, on_timer, &id[1]);
    sched_timer_set(&s, &t[2], now + 2 * NS_PER_MS, on_timer, &id[2]);
    sched_timer_set(&s, &t[3], now, on_timer, &id[3]);
    sched_timer_clear(&s, &t[2]);
    sched_timer_set(&s, &t[3], now + 5 * NS_PER_MS, on_timer, &id[3]); // moved
    while (now_ns() < now + 10 * NS_PER_MS)
        sched_turn(&s, 10 * NS_PER_MS);
    assert_int_equal(fired_n, 3);
    assert_int_equal(fired[0], 1);
    assert_int_equal(fired[1], 0);
    assert_int_equal(fired[2], 3);
}

struct fd_test {
    struct sched s;
    int a[2], b[2], calls;
};

static void on_fd_delete_all(void *arg, short revents)
{
    struct fd_test *t = arg;
    (void)revents;
    t->calls++;
    sched_fd_del(&t->s, t->a[0]);
    sched_fd_del(&t->s, t->b[0]);
}

static void descriptors_may_go_inside_callbacks(void **state)
{
    static struct fd_test t;
    (void)state;
    sched_init(&t.s);
    assert_int_equal(pipe(t.a), 0);
    assert_int_equal(pipe(t.b), 0);
    sched_fd_add(&t.s, t.a[0], POLLIN, on_fd_delete_all, &t);
    sched_fd_add(&t.s, t.b[0], POLLIN, on_fd_delete_all, &t);
    assert_int_equal(write(t.a[1], "x", 1), 1);
    assert_int_equal(write(t.b[1], "x", 1), 1);
    sched_turn(&t.s, NS_PER_MS);
    sched_turn(&t.s, NS_PER_MS);
    assert_int_equal(t.calls, 1); // the second was deleted while it was ready
    for (int i = 0; i < 2; i++) {
        close(t.a[i]);
        close(t.b[i]);
    }
}

static void packets_are_checked(void **state)
{
    int pair[2];
    static union wire_packet p, got;
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    assert_int_equal(wire_recv(pair[1], &got), 0);
    memset(&p, 0, sizeof p);
    p.infer.window_bytes = 24;
    p.infer.outputs = 2;
    memset(p.infer.window, 7, 24);
    assert_int_equal(wire_send(pair[0], &p, WIRE_INFER, 42, wire_infer_bytes(&p.infer)), 0);
    assert_int_equal(wire_recv(pair[1], &got), 1);
    assert_int_equal(got.head.tag, 42);
    assert_memory_equal(got.infer.window, p.infer.window, 24);
    // texts that fill their field come terminated
    memset(p.state.reason, 'x', sizeof p.state.reason);
    assert_int_equal(wire_send(pair[0], &p, WIRE_STATE, 0, sizeof p.state), 0);
    assert_int_equal(wire_recv(pair[1], &got), 1);
    assert_int_equal(strlen(got.state.reason), WIRE_REASON - 1);
    // wrong length, version, type, window
    struct wire_head bad[] = {
        {WIRE_VERSION, WIRE_ALIVE, sizeof bad[0] + 1, 0},
        {WIRE_VERSION + 1, WIRE_ALIVE, sizeof bad[0], 0},
        {WIRE_VERSION, 99, sizeof bad[0], 0},
        {WIRE_VERSION, WIRE_RESULT, sizeof bad[0], 0},
        {WIRE_VERSION, WIRE_INFER, sizeof bad[0], 0},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(send(pair[0], &bad[i], sizeof bad[i], 0), sizeof bad[i]);
        assert_int_equal(wire_recv(pair[1], &got), -1);
    }
    p.infer.window_bytes = WIRE_WINDOW_MAX + 1;
    assert_int_equal(wire_send(pair[0], &p, WIRE_INFER, 1, sizeof p.infer), 0);
    assert_int_equal(wire_recv(pair[1], &got), -1);
    close(pair[0]);
    assert_int_equal(wire_recv(pair[1], &got), -1);
    close(pair[1]);
}

static bool go_on(void *arg)
{
    int *left = arg;
    return !left || (*left)-- > 0;
}

static struct loader_result run_shell(const char *script, uint64_t timeout_ms, int *left)
{
    struct loader_result r;
    char text[256];
    snprintf(text, sizeof text, "%s", script);
    char *argv[] = {(char[]){"/bin/sh"}, (char[]){"-c"}, text, NULL};
    loader_run(argv, timeout_ms * NS_PER_MS, go_on, left, &r);
    return r;
}

static void loader_is_bounded_in_every_way(void **state)
{
    (void)state;
    struct loader_result r = run_shell("echo Load SRAM: Done; exit 0", 2000, NULL);
    assert_true(r.ran && !r.timed_out);
    assert_int_equal(r.exit_code, 0);
    assert_string_equal(r.complaint, "");
    r = run_shell("printf 'Progress\\rError: no device found\\n' >&2; exit 1", 2000, NULL);
    assert_int_equal(r.exit_code, 1);
    assert_string_equal(r.complaint, "Error: no device found");
    r = run_shell("while :; do echo mpsse_write: fail to write; done", 300, NULL); // endless spew
    assert_true(r.timed_out);
    assert_int_equal(r.exit_code, -9);
    assert_string_equal(r.complaint, "mpsse_write: fail to write");
    uint64_t begin = now_ns();
    r = run_shell("exec sleep 30", 200, NULL); // silence
    assert_true(r.timed_out && now_ns() - begin < 2 * NS_PER_S);
    int left = 2; // the front end hangs up
    r = run_shell("exec sleep 30", 30000, &left);
    assert_true(!r.timed_out && r.exit_code == -9);
    r = run_shell("exec >&- 2>&-; sleep 0.2; exit 3", 5000, NULL); // closes its output early
    assert_int_equal(r.exit_code, 3);
    char *argv[] = {(char[]){"/nonexistent/loader"}, NULL};
    loader_run(argv, NS_PER_S, go_on, NULL, &r);
    assert_false(r.ran);
    assert_string_equal(r.complaint, "cannot run /nonexistent/loader");
}

static void meter_log_keeps_the_newest(void **state)
{
    static struct meter_log log;
    struct wire_power p;
    uint64_t seq = 0;
    (void)state;
    memset(&p, 0, sizeof p);
    assert_null(meter_log_next(&log, 0, &seq));
    for (uint64_t i = 1; i <= METER_LOG_WINDOWS + 3; i++) {
        p.power.end_ns = 1000 + i;
        meter_log_add(&log, &p);
        const struct wire_power *newest = meter_log_next(&log, i - 1, &seq);
        assert_true(newest && seq == i && newest->power.end_ns == 1000 + i);
        assert_null(meter_log_next(&log, i, &seq));
    }
    uint64_t after = 0, n = 0;
    for (const struct wire_power *w; (w = meter_log_next(&log, after, &seq)); after = seq, n++)
        assert_true(w->power.end_ns == 1000 + seq && seq == 4 + n); // the first three are gone
    assert_int_equal(n, METER_LOG_WINDOWS);
    assert_null(meter_log_next(&log, UINT64_MAX, &seq));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queue_is_first_in_first_out),
        cmocka_unit_test(queue_copies_the_window),
        cmocka_unit_test(deadlines_come_in_their_order),
        cmocka_unit_test(requests_are_found_by_id),
        cmocka_unit_test(timers_fire_in_order_and_can_be_cleared),
        cmocka_unit_test(descriptors_may_go_inside_callbacks),
        cmocka_unit_test(packets_are_checked),
        cmocka_unit_test(meter_log_keeps_the_newest),
        cmocka_unit_test(loader_is_bounded_in_every_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
