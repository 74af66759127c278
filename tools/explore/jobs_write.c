// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/explore/jobs.h"
#include "tools/explore/result.h"

// More array tasks than this are refused by a Slurm as it comes (MaxArraySize 1001).
enum { FORMAT = 1, ARRAY_TASKS = 1000, SCRIPT_BYTES = 2048 };

// Options that say where and how to run, not what.
static const char *const local[] = {"out",           "jobs",  "jobs-out", "record",
                                    "trial-timeout", "quiet", "merge"};

static int is_local(const char *name)
{
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++)
        if (!strcmp(name, local[i]))
            return 1;
    return 0;
}

// Copies a file into the folder and says in the manifest which it is.
static json_t *copy(const struct jobs *j, const char *from, const char *option, char *why,
                    size_t whycap)
{
    const char *end = strrchr(from, '.');
    char name[128], to[JOBS_PATH_BYTES], hash[TRIAL_HEX_BYTES], block[65536];
    size_t n, failed = 0;
    snprintf(name, sizeof name, "%s%s", option,
             end && !strchr(end, '/') && strlen(end) < 16 ? end : "");
    if (jobs_path(j, name, to)) {
        snprintf(why, whycap, "%s: the name is too long", j->folder);
        return NULL;
    }
    FILE *in = fopen(from, "rb"), *out = in ? fopen(to, "wb") : NULL;
    if (!out)
        snprintf(why, whycap, "%s: %s", in ? to : from, strerror(errno));
    while (out && !failed && (n = fread(block, 1, sizeof block, in)) > 0)
        failed = fwrite(block, 1, n, out) != n;
    failed |= in && ferror(in);
    if (out && fclose(out))
        failed = 1;
    if (failed)
        snprintf(why, whycap, "%s: %s", to, strerror(errno));
    if (in)
        fclose(in);
    if (!out || failed || trial_hash_file(to, hash, why, whycap))
        return NULL;
    return json_pack("{s:s, s:s}", "file", name, "sha256", hash);
}

// An option as it stands: into files where it names one, else as two words into arguments.
static int add_option(const struct jobs *j, const struct option_row *row, json_t *arguments,
                      json_t *files, char *why, size_t whycap)
{
    char name[64], value[256];
    const char *text = NULL;
    double number = 0;
    snprintf(name, sizeof name, "--%s", row->name);
    switch (row->kind) {
    case OPTION_FILE:
        text = *(const char **)row->to;
        if (text) {
            json_t *entry = copy(j, text, row->name, why, whycap);
            return entry ? json_object_set_new(files, row->name, entry) : -1;
        }
        return 0;
    case OPTION_FLAG:
        return *(int *)row->to ? json_array_append_new(arguments, json_string(name)) : 0;
    case OPTION_TEXT:
        text = *(const char **)row->to;
        break;
    case OPTION_COUNT:
        number = *(int *)row->to;
        break;
    case OPTION_LONG:
        number = (double)*(long *)row->to;
        break;
    case OPTION_NUMBER:
        number = *(double *)row->to;
        break;
    }
    if (row->kind != OPTION_TEXT && number >= row->lo && number <= row->hi) { // else: not given
        snprintf(value, sizeof value, "%.17g", number);
        text = value;
    }
    if (!text)
        return 0;
    return json_array_append_new(arguments, json_string(name)) ||
                   json_array_append_new(arguments, json_string(text))
               ? -1
               : 0;
}

// files: what add_option made.
static json_t *job_json(const struct jobs_order *o, json_t *files, const struct trial *t,
                        const char *key, int index)
{
    const struct fit_options *f = &o->setting->plan.fit;
    char bits[TRIAL_TEXT_BYTES];
    trial_text(&o->setting->plan.shape, &t->bits, bits, sizeof bits);
    json_t *data = json_object_get(json_object_get(files, "data"), "file");
    json_t *checkpoint = json_object_get(json_object_get(files, "float-checkpoint"), "file");
    return json_pack("{s:i, s:s, s:O, s:O, s:O, s:O, s:s, s:I, s:i, s:f, s:i, s:f, s:i, s:b}",
                     "job", index, "key", key, "data", data, "float_checkpoint", checkpoint, "task",
                     json_object_get(o->sens->root, "task"), "shape",
                     json_object_get(o->sens->root, "shape"), "bits", bits, "seed",
                     (json_int_t)t->seed, "epochs", t->epochs ? t->epochs : f->epochs, "rate",
                     t->rate > 0 ? t->rate : f->rate, "batch", f->batch, "decay", f->weight_decay,
                     "patience", f->patience, "test", o->setting->plan.test != 0);
}

// The lines of the list; returns how many, or -1.
static int write_list(const struct jobs *j, const struct jobs_order *o, json_t *files, char *why,
                      size_t whycap)
{
    char path[JOBS_PATH_BYTES], (*key)[TRIAL_HEX_BYTES] = calloc((size_t)o->count, sizeof *key);
    FILE *out = key && !jobs_path(j, "jobs.jsonl", path) ? fopen(path, "w") : NULL;
    int jobs = 0, failed = !out;
    for (int i = 0; !failed && i < o->count; i++) {
        int known = 0;
        trial_key(o->setting, &o->trials[i], key[jobs]);
        for (int k = 0; k < jobs && !known; k++)
            known = !memcmp(key[k], key[jobs], TRIAL_HEX_BYTES);
        if (known)
            continue;
        json_t *object = job_json(o, files, &o->trials[i], key[jobs], jobs);
        failed = !object || json_dumpf(object, out, JSON_COMPACT | JSON_REAL_PRECISION(17)) ||
                 fputc('\n', out) == EOF;
        json_decref(object);
        jobs++;
    }
    if (out && fclose(out))
        failed = 1;
    if (failed)
        snprintf(why, whycap, "%s/jobs.jsonl: %s", j->folder, strerror(errno));
    free(key);
    return failed ? -1 : jobs;
}

static int write_manifest(const struct jobs *j, const struct jobs_order *o, json_t *arguments,
                          json_t *files, char *why, size_t whycap)
{
    char path[JOBS_PATH_BYTES], hash[TRIAL_HEX_BYTES];
    if (jobs_path(j, "jobs.jsonl", path) || trial_hash_file(path, hash, why, whycap))
        return -1;
    json_t *root = json_pack("{s:i, s:s, s:s?, s:s, s:i, s:{s:s, s:s}, s:O, s:O}", "format",
                             (int)FORMAT, "tool_version", SEVENCAST_VERSION, "command", o->command,
                             "task", o->sens->task, "jobs", j->count, "list", "file", "jobs.jsonl",
                             "sha256", hash, "arguments", arguments, "files", files);
    char *text = root ? json_dumps(root, JSON_INDENT(1) | JSON_SORT_KEYS) : NULL;
    json_decref(root);
    if (!text || jobs_path(j, "manifest.json", path)) {
        snprintf(why, whycap, "%s: out of memory", j->folder);
        free(text);
        return -1;
    }
    int rc = result_put(path, text, strlen(text), why, whycap);
    free(text);
    return rc;
}

static int write_script(const struct jobs *j, const char *task, char *why, size_t whycap)
{
    const int jobs = j->count;
    const int tasks = jobs < ARRAY_TASKS ? jobs : ARRAY_TASKS;
    char text[SCRIPT_BYTES], path[JOBS_PATH_BYTES];
    int n = snprintf(
        text, sizeof text,
        "#!/bin/sh\n"
        "# The %d jobs of this folder as a Slurm job array, submitted from within it:\n"
        "#   cd FOLDER && sbatch array.sh\n"
        "# Options of sbatch (--partition, --time, --array=LIST%%LIMIT) go before its name. Then:\n"
        "#   sevencast-explore --merge FOLDER --out RESULT.json\n"
        "# Submitted again it runs what has no result. SEVENCAST_EXPLORE names the program where\n"
        "# it is not in the PATH of the machines.\n"
        "#SBATCH --job-name=sevencast-%s\n"
        "#SBATCH --array=0-%d\n"
        "#SBATCH --ntasks=1\n"
        "#SBATCH --cpus-per-task=1\n"
        "#SBATCH --output=results/%%a.log\n"
        "job=${SLURM_ARRAY_TASK_ID:?is set by sbatch} failed=0\n"
        "while [ \"$job\" -lt %d ]; do\n"
        "    \"${SEVENCAST_EXPLORE:-sevencast-explore}\" run-job . \"$job\" || failed=1\n"
        "    job=$((job + %d))\n"
        "done\n"
        "exit $failed\n",
        jobs, task, tasks - 1, jobs, tasks);
    if (n < 0 || n >= (int)sizeof text || jobs_path(j, "array.sh", path)) {
        snprintf(why, whycap, "%s: the name is too long", j->folder);
        return -1;
    }
    int rc = result_put(path, text, (size_t)n, why, whycap);
    if (!rc && chmod(path, 0755)) {
        snprintf(why, whycap, "%s: %s", path, strerror(errno));
        rc = -1;
    }
    return rc;
}

// The manifest comes last: a folder that has one is whole.
int jobs_write(const char *folder, const struct jobs_order *order, char *why, size_t whycap)
{
    struct jobs j = {.count = 0};
    char path[JOBS_PATH_BYTES];
    int n = snprintf(j.folder, sizeof j.folder, "%s", folder);
    if (n < 1 || n >= JOBS_PATH_BYTES - 64 || order->count < 1 || order->count > JOBS_MAX) {
        snprintf(why, whycap, "%s: the name is too long, or no trials", folder);
        return -1;
    }
    jobs_path(&j, "results", path);
    if (mkdir(j.folder, 0777) || mkdir(path, 0777)) {
        snprintf(why, whycap, "%s: %s", j.folder, strerror(errno));
        return -1;
    }
    json_t *arguments = json_array(), *files = json_object();
    int rc = 0;
    for (int i = 0; !rc && i < order->rows; i++)
        if (!is_local(order->row[i].name))
            rc = add_option(&j, &order->row[i], arguments, files, why, whycap);
    if (!rc)
        j.count = write_list(&j, order, files, why, whycap);
    if (rc || j.count < 0 || write_script(&j, order->sens->task, why, whycap) ||
        write_manifest(&j, order, arguments, files, why, whycap))
        rc = -1;
    json_decref(files);
    json_decref(arguments);
    return rc ? rc : j.count;
}

int jobs_command_write(const char *folder, const struct jobs_order *order)
{
    char why[1024];
    int jobs = jobs_write(folder, order, why, sizeof why);
    if (jobs < 0)
        return complain(EXIT_WRITE, "%s", why);
    printf("%d jobs in %s, for sevencast-explore run-job %s 0 to %d\n", jobs, folder, folder,
           jobs - 1);
    return 0;
}
