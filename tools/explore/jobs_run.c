// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/explore/jobs.h"
#include "tools/explore/pool.h"
#include "tools/explore/result.h"
#include "tools/train/bits.h"

enum { RESULT_BYTES = TRIAL_HEX_BYTES + RECORD_LINE_BYTES };
enum { FOUND = 1, NONE = 0, DAMAGED = -1, FOREIGN = -2 };

// The result of a job, FOUND when it is whole, of this manifest and of this key.
static int read_result(const struct jobs *j, int index, const char *key, struct record_entry *e)
{
    char path[JOBS_PATH_BYTES], text[RESULT_BYTES + 1];
    FILE *in = jobs_result_path(j, index, "result", path) ? NULL : fopen(path, "rb");
    if (!in)
        return NONE;
    const size_t size = fread(text, 1, sizeof text, in);
    fclose(in);
    if (size < TRIAL_HEX_BYTES || size > RESULT_BYTES || text[TRIAL_HEX_BYTES - 1] != ' ' ||
        record_read_line(text + TRIAL_HEX_BYTES, size - TRIAL_HEX_BYTES, e))
        return DAMAGED;
    if (memcmp(text, j->hash, TRIAL_HEX_BYTES - 1) != 0)
        return FOREIGN;
    return strcmp(e->key, key) ? DAMAGED : FOUND;
}

static int write_result(const struct jobs *j, int index, const struct trial_setting *s,
                        const struct trial *t, char *why, size_t whycap)
{
    char path[JOBS_PATH_BYTES], line[RECORD_LINE_BYTES], text[RESULT_BYTES + 1];
    if (jobs_result_path(j, index, "result", path) || record_write_line(s, t, line)) {
        snprintf(why, whycap, "job %d: out of memory", index);
        return -1;
    }
    snprintf(text, sizeof text, "%s %s", j->hash, line);
    if (result_put(path, text, strlen(text), why, whycap))
        return -1;
    jobs_result_path(j, index, "failed", path);
    unlink(path);
    return 0;
}

static void note_failure(const struct jobs *j, int index, const char *reason)
{
    char path[JOBS_PATH_BYTES], text[1024], why[256];
    snprintf(text, sizeof text, "%s\n", reason);
    if (!jobs_result_path(j, index, "failed", path))
        result_put(path, text, strlen(text), why, sizeof why);
}

// Path of a file that a line names; its hash is part of the job's key.
static int file_of(const struct jobs *j, const json_t *line, const char *member,
                   char path[JOBS_PATH_BYTES])
{
    const char *name = json_string_value(json_object_get(line, member));
    return name && !strchr(name, '/') ? jobs_path(j, name, path) : -1;
}

static int read_trial(const json_t *line, struct trial_setting *s, struct trial *t, char *why,
                      size_t whycap)
{
    const char *bits = json_string_value(json_object_get(line, "bits"));
    *t = (struct trial){.seed = (uint64_t)json_integer_value(json_object_get(line, "seed"))};
    struct fit_options *f = &s->plan.fit;
    f->epochs = (int)json_integer_value(json_object_get(line, "epochs"));
    f->batch = (int)json_integer_value(json_object_get(line, "batch"));
    f->patience = (int)json_integer_value(json_object_get(line, "patience"));
    f->rate = json_number_value(json_object_get(line, "rate"));
    f->weight_decay = json_number_value(json_object_get(line, "decay"));
    s->plan.test = json_is_true(json_object_get(line, "test"));
    if (f->epochs < 0 || f->batch < 1 || f->patience < 0 || !(f->rate > 0) ||
        !(f->weight_decay >= 0) || !bits) {
        snprintf(why, whycap, "not a trial");
        return -1;
    }
    return bits_parse(&t->bits, &s->plan.shape, bits, why, whycap);
}

// What the line says, against this program's own key of it.
static int prepare(const struct jobs *j, json_t *line, struct sensitivity *task,
                   struct trial_setting *s, struct trial *t, char *why, size_t whycap)
{
    const char *key = json_string_value(json_object_get(line, "key"));
    char series[JOBS_PATH_BYTES], checkpoint[JOBS_PATH_BYTES], own[TRIAL_HEX_BYTES];
    if (sensitivity_read_task(task, line, why, whycap))
        return -1;
    if (file_of(j, line, "data", series) || file_of(j, line, "float_checkpoint", checkpoint)) {
        snprintf(why, whycap, "%s/jobs.jsonl: a job without series and float checkpoint",
                 j->folder);
        return -1;
    }
    if (trial_setting_open(s, &task->shape, &task->spec, series, checkpoint, why, whycap) ||
        read_trial(line, s, t, why, whycap))
        return -1;
    trial_key(s, t, own);
    if (!key || strcmp(key, own) != 0) {
        snprintf(why, whycap, "another version of sevencast-explore would not run this trial");
        return -1;
    }
    return 0;
}

int jobs_run(struct jobs *j, int index, double timeout_s, char *text, size_t textcap, char *why,
             size_t whycap)
{
    struct sensitivity task = {.root = NULL};
    struct trial_setting setting = {.task = NULL};
    struct record_entry e;
    struct trial t;
    json_t *line = json_array_get(j->line, (size_t)index);
    const char *key = json_string_value(json_object_get(line, "key"));
    int rc = EXIT_INPUT;
    if (index < 0 || index >= j->count) {
        snprintf(why, whycap, "%s: no job %d, only 0 to %d", j->folder, index, j->count - 1);
        return EXIT_USAGE;
    }
    if (read_result(j, index, key, &e) == FOUND) {
        snprintf(text, textcap, "job %d: has a result, validation RMSE %.6g", index,
                 e.validation_rmse);
        rc = EXIT_OK;
        goto done;
    }
    if (prepare(j, line, &task, &setting, &t, why, whycap)) {
        note_failure(j, index, why);
        goto done;
    }
    struct pool pool = {.setting = &setting, .processes = 1, .timeout_s = timeout_s};
    rc = pool_run(&pool, &t, 1, why, whycap) ? EXIT_FAILED : EXIT_OK;
    if (rc)
        note_failure(j, index, why);
    else if (write_result(j, index, &setting, &t, why, whycap))
        rc = EXIT_WRITE;
    else
        snprintf(text, textcap, "job %d: validation RMSE %.6g, %.1f s of processor time", index,
                 t.validation_rmse, t.seconds);
done:
    trial_setting_close(&setting);
    sensitivity_free(&task);
    return rc;
}

int jobs_collect(struct jobs *j, struct record *r, struct jobs_counts *counts, char *why,
                 size_t whycap)
{
    char path[JOBS_PATH_BYTES];
    *counts = (struct jobs_counts){0};
    for (int i = 0; i < j->count; i++) {
        const json_t *line = json_array_get(j->line, (size_t)i);
        struct record_entry e;
        const int found = read_result(j, i, json_string_value(json_object_get(line, "key")), &e);
        if (found == FOREIGN) {
            snprintf(why, whycap, "%s: result %d belongs to another manifest", j->folder, i);
            return -1;
        }
        if (found == FOUND && record_keep(r, &e)) {
            snprintf(why, whycap, "out of memory");
            return -1;
        }
        counts->complete += found == FOUND;
        const int told = !jobs_result_path(j, i, "failed", path) && !access(path, F_OK);
        counts->failed += found == DAMAGED || (found == NONE && told);
        counts->missing += found == NONE && !told;
    }
    return 0;
}

static const char run_job_text[] =
    "Usage: sevencast-explore run-job FOLDER N [--trial-timeout SECONDS]\n\n"
    "Runs job N of a folder that --jobs-out made, unless it has a result there.\n";

int jobs_command(int argc, char **argv)
{
    double timeout_s = 0, number = -1;
    struct jobs jobs;
    char why[1024], text[1024], *end = NULL;
    const struct option_row row[] = {{"trial-timeout", OPTION_NUMBER, &timeout_s, 1, 1e6}};
    if (argc >= 3)
        number = strtod(argv[2], &end);
    if (argc >= 2 && argv[1][0] == '-') // --help, or a mistake
        return options_parse(row, 1, run_job_text, argc, argv);
    if (argc < 3 || end == argv[2] || *end || !(number >= 0 && number < JOBS_MAX) ||
        number != (double)(int)number)
        return complain(EXIT_USAGE, "run-job: a folder and a job's number are needed");
    int rc = options_parse(row, 1, run_job_text, argc - 2, argv + 2);
    if (rc)
        return rc;
    rc = jobs_open(&jobs, argv[1], why, sizeof why)
             ? EXIT_INPUT
             : jobs_run(&jobs, (int)number, timeout_s, text, sizeof text, why, sizeof why);
    jobs_close(&jobs);
    if (rc)
        return complain(rc, "%s", why);
    puts(text);
    return rc;
}
