// SPDX-License-Identifier: Apache-2.0
#include "tools/explore/pool.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const double hour_s = 3600;
static const uint64_t second_ns = 1000000000u;
enum { EXIT_NO_MEMORY = 3, EXIT_TRIAL = 4, EXIT_CHANNEL = 5, EXIT_ORPHAN = 6, TICK_MS = 1000 };

// One process and our end of its channel, on which whole messages pass: an index there, a result
// back. It ends when the channel closes.
struct worker {
    pid_t pid; // 0: none
    int fd;
    int index; // what it runs; -1: nothing
    uint64_t deadline_ns;
};

struct result {
    int index;
    struct trial trial;
};

struct run {
    struct pool *p;
    struct trial *trials;
    int count;
    char (*key)[TRIAL_HEX_BYTES]; // owned; [count]
    int *queue;                   // owned; [count] indices, those from next on wait
    int *attempts;                // owned; [count]
    int queued, next;
    int busy, to_run, gone; // gone: ended, well or not
    struct worker *worker;  // owned; [workers]
    int workers;
    uint64_t started_ns;
    int stop; // nothing more is begun: results cannot be kept
    char *why;
    size_t whycap;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * second_ns + (uint64_t)now.tv_nsec;
}

// The process of a worker.
static int work(const struct run *r, int fd)
{
    const struct trial_plan *plan = &r->p->setting->plan;
    struct net *n = net_new(&plan->shape);
    struct result result;
    int index;
    if (!n)
        return EXIT_NO_MEMORY;
    while (recv(fd, &index, sizeof index, 0) == (ssize_t)sizeof index) {
        if (index < 0 || index >= r->count)
            return EXIT_CHANNEL;
        memset(&result, 0, sizeof result);
        result.index = index;
        result.trial = r->trials[index];
        if ((r->p->run ? r->p->run : trial_run)(plan, n, &result.trial))
            return EXIT_TRIAL;
        if (send(fd, &result, sizeof result, MSG_NOSIGNAL) != (ssize_t)sizeof result)
            return EXIT_CHANNEL;
    }
    net_free(n);
    return 0;
}

static int start(struct run *r, struct worker *w)
{
    int ends[2];
    const pid_t parent = getpid();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends))
        return -1;
    fflush(NULL);
    w->pid = fork();
    if (w->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); // nobody would take its result
        if (getppid() != parent)
            _exit(EXIT_ORPHAN);
        for (int i = 0; i < r->workers; i++)
            if (r->worker[i].fd >= 0)
                close(r->worker[i].fd);
        close(ends[0]);
        _exit(work(r, ends[1]));
    }
    close(ends[1]);
    if (w->pid < 0) {
        close(ends[0]);
        w->pid = 0;
        return -1;
    }
    w->fd = ends[0];
    w->index = -1;
    return 0;
}

// Ends a worker's process and says how it had ended, if it had.
static void stop(struct worker *w, char *how, size_t cap)
{
    int status = 0;
    kill(w->pid, SIGKILL);
    close(w->fd);
    while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (WIFSIGNALED(status))
        snprintf(how, cap, "its process was ended by signal %d", WTERMSIG(status));
    else
        snprintf(how, cap, "its process ended with %d", WEXITSTATUS(status));
    *w = (struct worker){.fd = -1, .index = -1};
}

static void tell(struct run *r, const struct trial *last)
{
    struct pool *p = r->p;
    if (!p->told)
        return;
    int done = 0;
    for (int i = 0; i < r->count; i++)
        done += r->trials[i].done != 0;
    const double passed = (double)(now_ns() - r->started_ns) / (double)second_ns;
    const struct pool_progress progress = {
        done, r->count, r->gone ? passed / r->gone * (r->to_run - r->gone) : -1, last};
    p->told(p->context, &progress);
}

static void take(struct run *r, const struct result *result)
{
    const int index = result->index;
    if (r->p->record &&
        record_add(r->p->record, r->p->setting, &result->trial, r->why, r->whycap)) {
        r->stop = 1;
        return;
    }
    r->trials[index] = result->trial;
    r->gone++;
    r->p->ran++;
    r->p->seconds += result->trial.seconds;
    tell(r, &r->trials[index]);
}

// An attempt that came to nothing: once more, or given up.
static void lose(struct run *r, int index, const char *how)
{
    char bits[TRIAL_TEXT_BYTES];
    r->p->lost++;
    if (++r->attempts[index] < POOL_ATTEMPTS) {
        r->queue[--r->next] = index; // its own place, or that of one that left the queue before
        return;
    }
    r->gone++;
    trial_text(&r->p->setting->plan.shape, &r->trials[index].bits, bits, sizeof bits);
    if (!r->p->failed++)
        snprintf(r->why, r->whycap, "trial %d (%s, seed %llu) failed %d times; the last time %s",
                 index, bits, (unsigned long long)r->trials[index].seed, (int)POOL_ATTEMPTS, how);
}

static void lose_worker(struct run *r, struct worker *w, int late)
{
    const int index = w->index;
    char how[128], text[128];
    stop(w, how, sizeof how);
    snprintf(text, sizeof text, "it took more than %g s",
             r->p->timeout_s > 0 ? r->p->timeout_s : hour_s);
    if (index < 0)
        return;
    r->busy--;
    lose(r, index, late ? text : how);
}

// A result, or the end of its process.
static void hear(struct run *r, struct worker *w)
{
    struct result result;
    ssize_t n = recv(w->fd, &result, sizeof result, 0);
    if (n < 0 && errno == EINTR)
        return;
    if (n != (ssize_t)sizeof result || result.index != w->index) {
        lose_worker(r, w, 0);
        return;
    }
    w->index = -1;
    r->busy--;
    take(r, &result);
}

// Gives a waiting trial to each idle process, and starts processes where there are none.
static int assign(struct run *r)
{
    const double timeout_s = r->p->timeout_s > 0 ? r->p->timeout_s : hour_s;
    for (int i = 0; i < r->workers && r->next < r->queued && !r->stop; i++) {
        struct worker *w = &r->worker[i];
        if (w->pid && w->index >= 0)
            continue;
        if (!w->pid && start(r, w)) {
            if (r->busy)
                return 0; // fewer processes do as well
            snprintf(r->why, r->whycap, "no process can be started: %s", strerror(errno));
            return -1;
        }
        const int index = r->queue[r->next];
        if (send(w->fd, &index, sizeof index, MSG_NOSIGNAL) != (ssize_t)sizeof index) {
            lose_worker(r, w, 0); // it died while it waited; the trial has lost nothing
            i--;
            continue;
        }
        r->next++;
        r->busy++;
        w->index = index;
        w->deadline_ns = now_ns() + (uint64_t)(timeout_s * 1e9);
    }
    return 0;
}

// Waits a second at most, for the first of all results and deadlines.
static void wait_some(struct run *r)
{
    struct pollfd fds[POOL_MAX_PROCESSES];
    const uint64_t now = now_ns();
    uint64_t first = now + (uint64_t)TICK_MS * (second_ns / 1000);
    for (int i = 0; i < r->workers; i++) {
        const struct worker *w = &r->worker[i];
        fds[i] = (struct pollfd){.fd = w->index >= 0 ? w->fd : -1, .events = POLLIN};
        if (w->index >= 0 && w->deadline_ns < first)
            first = w->deadline_ns;
    }
    const int left_ms = first > now ? (int)((first - now) / (second_ns / 1000)) + 1 : 0;
    if (poll(fds, (nfds_t)r->workers, left_ms) < 0)
        return;
    for (int i = 0; i < r->workers; i++)
        if (fds[i].revents)
            hear(r, &r->worker[i]);
        else if (r->worker[i].index >= 0 && now_ns() >= r->worker[i].deadline_ns)
            lose_worker(r, &r->worker[i], 1);
}

// Takes what the record knows; of equal trials only the first waits in the queue.
static void sort_out(struct run *r)
{
    for (int i = 0; i < r->count; i++) {
        int twin = -1;
        if (r->trials[i].done)
            continue;
        trial_key(r->p->setting, &r->trials[i], r->key[i]);
        if (r->p->record && record_find(r->p->record, r->key[i], &r->trials[i])) {
            r->p->found++;
            continue;
        }
        for (int k = 0; k < r->queued && twin < 0; k++)
            if (!memcmp(r->key[r->queue[k]], r->key[i], TRIAL_HEX_BYTES))
                twin = k;
        if (twin < 0)
            r->queue[r->queued++] = i;
    }
    r->to_run = r->queued;
}

// Results of trials that are equal to one that ran.
static void copy_equal(struct run *r)
{
    for (int i = 0; i < r->count; i++)
        for (int k = 0; !r->trials[i].done && k < r->count; k++)
            if (r->trials[k].done && !memcmp(r->key[k], r->key[i], TRIAL_HEX_BYTES)) {
                struct trial copy = r->trials[k];
                copy.epochs = r->trials[i].epochs;
                copy.rate = r->trials[i].rate;
                r->trials[i] = copy;
                r->p->equal++;
            }
}

static int begin(struct run *r)
{
    const size_t count = (size_t)(r->count ? r->count : 1);
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    r->workers = r->p->processes ? r->p->processes : (int)(cores > 0 ? cores : 1);
    if (r->workers > POOL_MAX_PROCESSES)
        r->workers = POOL_MAX_PROCESSES;
    r->key = calloc(count, sizeof *r->key);
    r->queue = calloc(count, sizeof *r->queue);
    r->attempts = calloc(count, sizeof *r->attempts);
    r->worker = calloc((size_t)r->workers, sizeof *r->worker);
    if (!r->key || !r->queue || !r->attempts || !r->worker)
        return -1;
    for (int i = 0; i < r->workers; i++)
        r->worker[i] = (struct worker){.fd = -1, .index = -1};
    return 0;
}

int pool_run(struct pool *p, struct trial *trials, int count, char *why, size_t whycap)
{
    struct run r = {.p = p,
                    .trials = trials,
                    .count = count,
                    .started_ns = now_ns(),
                    .why = why,
                    .whycap = whycap};
    char how[128];
    int rc = begin(&r), left = 0;
    why[0] = 0;
    if (!rc) {
        sort_out(&r);
        tell(&r, NULL);
        rc = p->found_only ? 0 : assign(&r);
        while (!rc && r.busy && !r.stop) {
            wait_some(&r);
            rc = assign(&r);
        }
        copy_equal(&r);
    }
    for (int i = 0; r.worker && i < r.workers; i++)
        if (r.worker[i].pid)
            stop(&r.worker[i], how, sizeof how);
    for (int i = 0; i < count; i++)
        left += !trials[i].done;
    if (left && !*why)
        snprintf(why, whycap, "%d of %d trials have no result", left, count);
    free(r.key);
    free(r.queue);
    free(r.attempts);
    free(r.worker);
    return left;
}

void pool_print(void *context, const struct pool_progress *p)
{
    const struct pool_printer *printer = context;
    fprintf(stderr, "\r%d of %d runs", p->done, p->total);
    if (p->last)
        fprintf(stderr, ", last one %.4g %s", p->last->validation_rmse, printer->unit);
    if (p->left_s >= 0)
        fprintf(stderr, ", %.0f s left", p->left_s);
    fprintf(stderr, "\033[K");
}

void pool_report(const struct pool *p)
{
    printf("%d runs, %.1f s of processor time; %d found in the record, %d equal to others, "
           "%d attempts lost\n",
           p->ran, p->seconds, p->found, p->equal, p->lost);
}
