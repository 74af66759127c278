// SPDX-License-Identifier: Apache-2.0
#include "daemon/recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "daemon/experiment_judge.h"
#include "daemon/log.h"
#include "daemon/recorder_load.h"
#include "protocol/service_write.h"

struct list {
    struct recorder_job *first, **last;
    int n;
};

struct recorder {
    struct sched *sched; // borrowed
    recorder_done_fn *done_fn;
    void *arg;
    struct record_file *file; // of the thread once it runs
    struct judge *judge;      // of the thread: the experiment that runs, NULL: none
    char judged[RECORD_ID_MAX + 1];
    char text[SERVICE_HEADER_MAX]; // of the thread: a record; a report must fit a reply, too
    pthread_t thread;
    bool threaded;
    pthread_mutex_t mutex;
    pthread_cond_t work;
    struct list todo, done; // under the mutex
    bool ending;
    int told[2]; // pipe: a byte for done jobs
};

static void list_init(struct list *l)
{
    l->first = NULL;
    l->last = &l->first;
    l->n = 0;
}

static void list_put(struct list *l, struct recorder_job *job)
{
    job->next = NULL;
    *l->last = job;
    l->last = &job->next;
    l->n++;
}

static struct recorder_job *list_take(struct list *l)
{
    struct recorder_job *job = l->first;
    if (!job)
        return NULL;
    l->first = job->next;
    if (!l->first)
        l->last = &l->first;
    l->n--;
    return job;
}

struct recorder_job *recorder_job_new(enum recorder_job_kind kind, const char *id)
{
    struct recorder_job *job = calloc(1, sizeof *job);
    if (!job)
        return NULL;
    job->kind = kind;
    snprintf(job->id, sizeof job->id, "%s", id);
    return job;
}

void recorder_job_free(struct recorder_job *job)
{
    if (!job)
        return;
    free(job->body);
    free(job->table);
    json_decref(job->report);
    free(job);
}

// ---- in the thread

static bool append(struct recorder *r, const struct recorder_job *job, enum record_kind kind,
                   int number, const void *body, size_t bytes)
{
    struct record rec = {.kind = kind, .number = number, .body = body, .bytes = bytes};
    snprintf(rec.experiment, sizeof rec.experiment, "%s", job->id);
    return bytes > 0 && record_append(r->file, &rec) == 0;
}

static bool judges(const struct recorder *r, const struct recorder_job *job)
{
    return r->judge && strcmp(r->judged, job->id) == 0;
}

static void fill_counts(const struct recorder *r, struct recorder_job *job)
{
    if (!judges(r, job))
        return;
    job->steps = judge_steps(r->judge);
    job->blocks = judge_blocks(r->judge);
    job->decided = judge_decided(r->judge, &job->comparisons);
    job->stopped = job->decided == job->comparisons;
}

static void do_run(struct recorder *r, struct recorder_job *job)
{
    struct service_writer writer, *w = &writer;
    service_write_begin(w, r->text, sizeof r->text);
    service_write_open(w, NULL, '{');
    service_write_text(w, "before", job->before);
    service_write_text(w, "origin", job->origin);
    service_write_integer(w, "clock_hz", job->clock_hz);
    service_write_close(w, '}');
    judge_free(r->judge);
    r->judge = judge_new(&job->spec);
    snprintf(r->judged, sizeof r->judged, "%s", job->id);
    job->done = r->judge && append(r, job, RECORD_RUN, 0, r->text, service_write_end(w));
}

static void do_step(struct recorder *r, struct recorder_job *job)
{
    char body[2048], why[SERVICE_TEXT_MAX + 1] = "";
    size_t n = experiment_step_write(&job->step, body, sizeof body);
    if (!judges(r, job) || !judge_step(r->judge, &job->step, why, sizeof why)) {
        snprintf(job->reason, sizeof job->reason, "%s", *why ? why : "nothing runs");
        return;
    }
    job->done = append(r, job, RECORD_STEP, job->step.index, body, n);
    if (!job->done)
        snprintf(job->reason, sizeof job->reason, "a step cannot be recorded");
    fill_counts(r, job);
}

// The reason may hold words of other programs: what is not UTF-8 in it must not cost the record.
static size_t write_end(char *out, size_t capacity, const struct recorder_job *job,
                        const json_t *report)
{
    struct service_writer writer, *w = &writer;
    service_write_begin(w, out, capacity);
    service_write_open(w, NULL, '{');
    service_write_text(w, "state", service_experiment_state_name(job->state));
    service_write_text(w, "reason", job->reason);
    service_write_real(w, "seconds", job->seconds);
    service_write_integer(w, "steps", (uint64_t)job->steps);
    service_write_integer(w, "blocks", (uint64_t)job->blocks);
    service_write_integer(w, "decided", (uint64_t)job->decided);
    service_write_integer(w, "comparisons", (uint64_t)job->comparisons);
    if (report)
        service_write_json(w, "report", report);
    service_write_close(w, '}');
    return service_write_end(w);
}

static void do_end(struct recorder *r, struct recorder_job *job)
{
    json_t *report = NULL;
    if (judges(r, job)) {
        bool last = strcmp(job->stop, "time") == 0 || strcmp(job->stop, "budget") == 0;
        if (last)
            judge_last(r->judge);
        const char *own = judge_stop(r->judge);
        if (!*job->stop)
            snprintf(job->stop, sizeof job->stop, "%s", own);
        report = judge_report(r->judge, job->stop, job->origin, job->clock_hz);
        fill_counts(r, job);
        judge_free(r->judge);
        r->judge = NULL;
    }
    job->done =
        append(r, job, RECORD_END, 0, r->text, write_end(r->text, sizeof r->text, job, report));
    if (job->done) // nobody needs the windows any more
        record_remove_from(r->file, job->id, RECORD_DATA, 0);
    json_decref(report);
}

static void do_result(struct recorder *r, struct recorder_job *job)
{
    if (!judges(r, job)) {
        job->done = recorder_read_result(r->file, job);
        return;
    }
    fill_counts(r, job);
    job->report = judge_report(r->judge, "running", job->origin, job->clock_hz);
    job->table = judge_table(r->judge);
    job->done = job->report && job->table;
}

static void do_job(struct recorder *r, struct recorder_job *job)
{
    char spec[EXPERIMENT_SPEC_BYTES];
    switch (job->kind) {
    case RECORDER_START:
        job->done = append(r, job, RECORD_START, 0, spec,
                           experiment_spec_write(&job->spec, spec, sizeof spec));
        break;
    case RECORDER_DATA:
        job->done = append(r, job, RECORD_DATA, job->number, job->body, job->bytes);
        break;
    case RECORDER_RUN:
        do_run(r, job);
        break;
    case RECORDER_STEP:
        do_step(r, job);
        break;
    case RECORDER_END:
        do_end(r, job);
        break;
    case RECORDER_RESULT:
        do_result(r, job);
        break;
    case RECORDER_DROP:
        job->done = record_remove(r->file, job->id) == 0;
        break;
    }
}

static void *work(void *arg)
{
    struct recorder *r = arg;
    pthread_mutex_lock(&r->mutex);
    for (;;) {
        while (!r->todo.first && !r->ending) {
            struct timespec until;
            clock_gettime(CLOCK_MONOTONIC, &until);
            until.tv_sec++;
            pthread_cond_timedwait(&r->work, &r->mutex, &until);
        }
        struct recorder_job *job = list_take(&r->todo);
        if (!job)
            break;
        pthread_mutex_unlock(&r->mutex);
        do_job(r, job);
        pthread_mutex_lock(&r->mutex);
        list_put(&r->done, job);
        char byte = 0;
        if (write(r->told[1], &byte, 1) < 0 && errno != EAGAIN) // a full pipe tells as well
            log_error("record", "cannot tell of a job error=%s", strerror(errno));
    }
    pthread_mutex_unlock(&r->mutex);
    return NULL;
}

// ---- in the front end

static void on_told(void *arg, short revents)
{
    struct recorder *r = arg;
    char bytes[RECORDER_JOBS];
    (void)revents;
    while (read(r->told[0], bytes, sizeof bytes) > 0)
        ;
    for (;;) {
        pthread_mutex_lock(&r->mutex);
        struct recorder_job *job = list_take(&r->done);
        pthread_mutex_unlock(&r->mutex);
        if (!job)
            return;
        r->done_fn(r->arg, job);
        recorder_job_free(job);
    }
}

int recorder_room(struct recorder *r)
{
    pthread_mutex_lock(&r->mutex);
    int room = RECORDER_JOBS - r->todo.n - r->done.n;
    pthread_mutex_unlock(&r->mutex);
    return room > 0 ? room : 0;
}

int recorder_push(struct recorder *r, struct recorder_job *job)
{
    if (!job)
        return -1;
    pthread_mutex_lock(&r->mutex);
    bool room = r->todo.n + r->done.n < RECORDER_JOBS;
    if (room) {
        list_put(&r->todo, job);
        pthread_cond_signal(&r->work);
    }
    pthread_mutex_unlock(&r->mutex);
    if (!room)
        recorder_job_free(job);
    return room ? 0 : -1;
}

struct recorder *recorder_open(const char *path, struct sched *sched, recorder_loaded_fn *loaded,
                               recorder_done_fn *done, void *arg, char *why, size_t whycap)
{
    int dropped = 0;
    struct recorder *r = calloc(1, sizeof *r);
    if (!r) {
        snprintf(why, whycap, "out of memory");
        return NULL;
    }
    r->sched = sched;
    r->done_fn = done;
    r->arg = arg;
    r->told[0] = r->told[1] = -1;
    list_init(&r->todo);
    list_init(&r->done);
    pthread_mutex_init(&r->mutex, NULL);
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&r->work, &clock);
    pthread_condattr_destroy(&clock);
    r->file = record_open(path, &dropped, why, whycap);
    if (!r->file)
        goto fail;
    if (recorder_load(r->file, loaded, arg, &r->judge, r->judged) < 0) {
        snprintf(why, whycap, "%s cannot be read", path);
        goto fail;
    }
    if (pipe(r->told) < 0 || fcntl(r->told[0], F_SETFL, O_NONBLOCK) < 0 ||
        fcntl(r->told[1], F_SETFL, O_NONBLOCK) < 0 || fcntl(r->told[0], F_SETFD, FD_CLOEXEC) < 0 ||
        fcntl(r->told[1], F_SETFD, FD_CLOEXEC) < 0 ||
        sched_fd_add(sched, r->told[0], POLLIN, on_told, r) < 0 ||
        pthread_create(&r->thread, NULL, work, r) != 0) {
        snprintf(why, whycap, "no pipe or thread for it");
        goto fail;
    }
    r->threaded = true;
    return r;
fail:
    recorder_close(r);
    return NULL;
}

void recorder_close(struct recorder *r)
{
    struct recorder_job *job;
    if (!r)
        return;
    if (r->threaded) {
        record_hurry(r->file);
        pthread_mutex_lock(&r->mutex);
        r->ending = true;
        pthread_cond_signal(&r->work);
        pthread_mutex_unlock(&r->mutex);
        pthread_join(r->thread, NULL);
    }
    while ((job = list_take(&r->todo)) || (job = list_take(&r->done)))
        recorder_job_free(job);
    if (r->told[0] >= 0) {
        sched_fd_del(r->sched, r->told[0]);
        close(r->told[0]);
        close(r->told[1]);
    }
    judge_free(r->judge);
    record_close(r->file);
    pthread_cond_destroy(&r->work);
    pthread_mutex_destroy(&r->mutex);
    free(r);
}
