// SPDX-License-Identifier: Apache-2.0
#include "tools/explore/jobs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORMAT = 1, LINE_BYTES = 65536 };
static const char list_name[] = "jobs.jsonl";

int jobs_path(const struct jobs *j, const char *name, char path[JOBS_PATH_BYTES])
{
    int n = snprintf(path, JOBS_PATH_BYTES, "%s/%s", j->folder, name);
    return n > 0 && n < JOBS_PATH_BYTES ? 0 : -1;
}

int jobs_result_path(const struct jobs *j, int index, const char *end, char path[JOBS_PATH_BYTES])
{
    char name[64];
    snprintf(name, sizeof name, "results/%d.%s", index, end);
    return jobs_path(j, name, path);
}

// A name that stays in its folder.
static int is_plain(const char *name)
{
    return name && *name && *name != '.' && !strchr(name, '/');
}

// Compares a file of the folder with what the manifest says of it.
static int check_file(const struct jobs *j, const json_t *entry, char *why, size_t whycap)
{
    const char *name = json_string_value(json_object_get(entry, "file"));
    const char *want = json_string_value(json_object_get(entry, "sha256"));
    char path[JOBS_PATH_BYTES], hash[TRIAL_HEX_BYTES];
    if (!is_plain(name) || !want || jobs_path(j, name, path)) {
        snprintf(why, whycap, "%s/manifest.json: a file without name and hash", j->folder);
        return -1;
    }
    if (trial_hash_file(path, hash, why, whycap))
        return -1;
    if (strcmp(hash, want) != 0) {
        snprintf(why, whycap, "%s: not the file that the manifest is about", path);
        return -1;
    }
    return 0;
}

static int check_manifest(struct jobs *j, char *why, size_t whycap)
{
    const json_int_t count = json_integer_value(json_object_get(j->manifest, "jobs"));
    json_t *arguments = json_object_get(j->manifest, "arguments"), *entry;
    const char *option;
    size_t i;
    int texts = json_is_array(arguments) && json_array_size(arguments) < JOBS_MAX_ARGUMENTS / 2;
    json_array_foreach(arguments, i, entry)
    {
        texts = texts && json_is_string(entry);
    }
    if (json_integer_value(json_object_get(j->manifest, "format")) != FORMAT || count < 1 ||
        count > JOBS_MAX || !texts ||
        json_object_size(json_object_get(j->manifest, "files")) > JOBS_MAX_ARGUMENTS / 8) {
        snprintf(why, whycap, "%s/manifest.json: not a manifest of this tool", j->folder);
        return -1;
    }
    j->count = (int)count;
    if (check_file(j, json_object_get(j->manifest, "list"), why, whycap))
        return -1;
    json_object_foreach(json_object_get(j->manifest, "files"), option, entry)
    {
        if (check_file(j, entry, why, whycap))
            return -1;
    }
    return 0;
}

// The lines of the list, whose hash was checked.
static int read_list(struct jobs *j, char *why, size_t whycap)
{
    char path[JOBS_PATH_BYTES], *text = malloc(LINE_BYTES);
    FILE *in = text && !jobs_path(j, list_name, path) ? fopen(path, "r") : NULL;
    int lines = 0;
    j->line = json_array();
    while (in && fgets(text, LINE_BYTES, in)) {
        json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        const int right = json_integer_value(json_object_get(object, "job")) == lines &&
                          json_is_string(json_object_get(object, "key"));
        if (json_array_append_new(j->line, object) || !right)
            break;
        lines++;
    }
    const int whole = in && feof(in) && lines == j->count;
    if (in)
        fclose(in);
    free(text);
    if (!whole)
        snprintf(why, whycap, "%s/%s: line %d is not job %d", j->folder, list_name, lines + 1,
                 lines);
    return whole ? 0 : -1;
}

int jobs_open(struct jobs *j, const char *folder, char *why, size_t whycap)
{
    char path[JOBS_PATH_BYTES];
    json_error_t error;
    *j = (struct jobs){.count = 0};
    int n = snprintf(j->folder, sizeof j->folder, "%s", folder);
    if (n < 1 || n >= (int)sizeof j->folder || jobs_path(j, "manifest.json", path)) {
        snprintf(why, whycap, "%s: the name is too long", folder);
        return -1;
    }
    if (trial_hash_file(path, j->hash, why, whycap))
        return -1;
    j->manifest = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!j->manifest) {
        snprintf(why, whycap, "%s: line %d: %s", path, error.line, error.text);
        return -1;
    }
    return check_manifest(j, why, whycap) ? -1 : read_list(j, why, whycap);
}

void jobs_close(struct jobs *j)
{
    json_decref(j->manifest);
    json_decref(j->line);
    *j = (struct jobs){.count = 0};
}

const char *jobs_of(const struct jobs *j)
{
    return json_string_value(json_object_get(j->manifest, "command"));
}

char **jobs_arguments(const struct jobs *j, const char *argv0, int *argc)
{
    char **argv = calloc(JOBS_MAX_ARGUMENTS + 1, sizeof *argv), text[JOBS_PATH_BYTES];
    json_t *entry;
    const char *option;
    size_t i;
    int count = 0;
    if (!argv)
        return NULL;
    argv[count++] = strdup(argv0);
    json_array_foreach(json_object_get(j->manifest, "arguments"), i, entry)
    {
        argv[count++] = strdup(json_string_value(entry));
    }
    json_object_foreach(json_object_get(j->manifest, "files"), option, entry)
    {
        snprintf(text, sizeof text, "--%s", option);
        argv[count++] = strdup(text);
        argv[count] = malloc(JOBS_PATH_BYTES);
        if (argv[count])
            jobs_path(j, json_string_value(json_object_get(entry, "file")), argv[count]);
        count++;
    }
    *argc = count;
    for (int k = 0; k < count; k++)
        if (!argv[k]) {
            for (int m = 0; m < count; m++)
                free(argv[m]);
            free(argv);
            return NULL;
        }
    return argv;
}

void jobs_free_arguments(char **argv)
{
    for (int i = 0; argv && argv[i]; i++)
        free(argv[i]);
    free(argv);
}
