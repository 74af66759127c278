// SPDX-License-Identifier: Apache-2.0
#include "daemon/packages.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"

struct package *packages_find(const struct packages *ps, const char *name)
{
    for (int i = 0; i < ps->n; i++)
        if (strcmp(ps->item[i]->name, name) == 0)
            return ps->item[i];
    return NULL;
}

struct package *packages_by_hash(const struct packages *ps, const uint8_t *hash)
{
    for (int i = 0; i < ps->n; i++)
        if (ps->item[i]->available &&
            memcmp(ps->item[i]->variant->hash, hash, VARIANT_HASH_BYTES) == 0)
            return ps->item[i];
    return NULL;
}

static int is_package_name(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return e->d_name[0] != '.' && n <= VARIANT_NAME_MAX;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool is_folder(const char *dir, const char *name)
{
    char path[PACKAGE_PATH_MAX + 1];
    struct stat st;
    int n = snprintf(path, sizeof path, "%s/%s", dir, name);
    return n > 0 && (size_t)n < sizeof path && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

// Fills found[] from the folder. The packages of item[] that have not changed are put there without
// a reference of their own: references belong to the main thread, which holds them until take_over.
static void scan(struct packages *ps)
{
    struct dirent **entries = NULL;
    int n = scandir(ps->dir, &entries, is_package_name, by_name);
    if (n < 0)
        log_error("packages", "cannot read folder=%s error=%s", ps->dir, strerror(errno));
    ps->found_n = ps->skipped = 0;
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        if (is_folder(ps->dir, name) && ps->found_n == PACKAGES_MAX) {
            ps->skipped++;
        } else if (is_folder(ps->dir, name)) {
            struct package *p = packages_find(ps, name);
            if (!p || p->signature != package_signature(ps->dir, name))
                p = package_load(ps->dir, name);
            if (p)
                ps->found[ps->found_n++] = p;
        }
        free(entries[i]);
    }
    free(entries);
}

static bool in_list(struct package *const *list, int n, const struct package *p)
{
    for (int i = 0; i < n; i++)
        if (list[i] == p)
            return true;
    return false;
}

static bool stats_in_use(const struct packages *ps, const struct package_stats *s)
{
    for (int i = 0; i < ps->n; i++)
        if (ps->item[i]->stats == s)
            return true;
    return false;
}

// Counters stay with the variant (name and hash) over rescans. Those of variants that left the
// folder are used again only when the table is full.
static struct package_stats *stats_of(struct packages *ps, const struct package *p)
{
    struct package_stats *free_one = NULL, *left_one = NULL;
    for (int i = 0; i < PACKAGES_STATS_MAX; i++) {
        struct package_stats *s = &ps->stats[i];
        if (s->used && memcmp(s->hash, p->variant->hash, sizeof s->hash) == 0 &&
            strcmp(s->name, p->name) == 0)
            return s;
        if (!s->used && !free_one)
            free_one = s;
        if (s->used && !left_one && !stats_in_use(ps, s))
            left_one = s;
    }
    struct package_stats *s = free_one ? free_one : left_one;
    memset(s, 0, sizeof *s);
    memcpy(s->hash, p->variant->hash, sizeof s->hash);
    snprintf(s->name, sizeof s->name, "%s", p->name);
    s->used = true;
    return s;
}

static void take_over(struct packages *ps)
{
    struct package *old[PACKAGES_MAX];
    int old_n = ps->n, bad = 0;
    memcpy(old, ps->item, sizeof old);
    for (int i = 0; i < ps->found_n; i++) {
        struct package *p = ps->found[i];
        if (in_list(old, old_n, p))
            package_ref(p);
        else if (p->available)
            log_info("packages", "loaded variant=%s hash=%.16s part=%s windows=%d", p->name,
                     p->variant->hash_hex, p->part, p->windows);
        else
            log_warn("packages", "refused variant=%s reason=\"%s\"", p->name, p->reason);
        bad += !p->available;
        ps->item[i] = p;
    }
    ps->n = ps->found_n;
    for (int i = 0; i < ps->n; i++)
        if (ps->item[i]->available && !ps->item[i]->stats)
            ps->item[i]->stats = stats_of(ps, ps->item[i]);
    for (int i = 0; i < old_n; i++)
        package_unref(old[i]);
    if (ps->skipped)
        log_warn("packages", "too many, ignored=%d limit=%d", ps->skipped, PACKAGES_MAX);
    log_info("packages", "scanned folder=%s available=%d refused=%d", ps->dir, ps->n - bad, bad);
}

static void *scan_thread(void *arg)
{
    struct packages *ps = arg;
    scan(ps);
    char done = 1;
    while (write(ps->done_fd[1], &done, 1) < 0 && errno == EINTR)
        ;
    return NULL;
}

static void on_scanned(void *arg, short revents)
{
    struct packages *ps = arg;
    char done;
    (void)revents;
    if (read(ps->done_fd[0], &done, 1) != 1 || !ps->scanning)
        return;
    pthread_join(ps->thread, NULL);
    ps->scanning = false;
    take_over(ps);
    if (ps->again)
        packages_rescan(ps);
    else
        ps->done(ps->done_arg);
}

void packages_rescan(struct packages *ps)
{
    ps->again = ps->scanning;
    if (ps->scanning)
        return;
    if (pthread_create(&ps->thread, NULL, scan_thread, ps) != 0) {
        log_warn("packages", "no thread for a rescan, scanning in place");
        scan(ps);
        take_over(ps);
        ps->done(ps->done_arg);
        return;
    }
    ps->scanning = true;
}

int packages_init(struct packages *ps, const char *dir, struct sched *sched, packages_done_fn *done,
                  void *arg)
{
    memset(ps, 0, sizeof *ps);
    snprintf(ps->dir, sizeof ps->dir, "%s", dir);
    ps->sched = sched;
    ps->done = done;
    ps->done_arg = arg;
    ps->done_fd[0] = ps->done_fd[1] = -1;
    ps->stats = calloc(PACKAGES_STATS_MAX, sizeof *ps->stats);
    if (!ps->stats || pipe(ps->done_fd) < 0)
        goto fail;
    for (int i = 0; i < 2; i++)
        if (fcntl(ps->done_fd[i], F_SETFD, FD_CLOEXEC) < 0)
            goto fail;
    if (fcntl(ps->done_fd[0], F_SETFL, O_NONBLOCK) < 0 ||
        sched_fd_add(sched, ps->done_fd[0], POLLIN, on_scanned, ps) < 0)
        goto fail;
    scan(ps);
    take_over(ps);
    return 0;
fail:
    log_error("packages", "cannot start error=%s", strerror(errno));
    packages_fini(ps);
    return -1;
}

void packages_fini(struct packages *ps)
{
    if (ps->scanning) {
        pthread_join(ps->thread, NULL);
        for (int i = 0; i < ps->found_n; i++)
            if (!in_list(ps->item, ps->n, ps->found[i]))
                package_unref(ps->found[i]);
        ps->scanning = false;
    }
    for (int i = 0; i < ps->n; i++)
        package_unref(ps->item[i]);
    ps->n = 0;
    for (int i = 0; i < 2; i++) {
        if (ps->sched && ps->done_fd[i] >= 0) {
            sched_fd_del(ps->sched, ps->done_fd[i]);
            close(ps->done_fd[i]);
        }
        ps->done_fd[i] = -1;
    }
    free(ps->stats);
    ps->stats = NULL;
}
