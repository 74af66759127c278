// SPDX-License-Identifier: Apache-2.0
#include "daemon/record.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "daemon/log.h"

enum { PATH_BYTES = 512, BUSY_MS = 2000, BUSY_STEP_MS = 5, VERSION = 1 };

struct record_file {
    sqlite3 *db;
    sqlite3_stmt *append;
    atomic_bool hurry;
    char path[PATH_BYTES];
};

static const char *const kind_names[] = {"start", "data", "run", "step", "end"};

static const char schema[] =
    "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF;"
    "CREATE TABLE IF NOT EXISTS record (seq INTEGER PRIMARY KEY AUTOINCREMENT,"
    " experiment TEXT NOT NULL, kind INTEGER NOT NULL, number INTEGER NOT NULL,"
    " body BLOB NOT NULL, sum BLOB NOT NULL);"
    "CREATE INDEX IF NOT EXISTS of_experiment ON record (experiment, seq);"
    "PRAGMA user_version=1;";

static void checksum(const struct record *r, uint8_t out[crypto_hash_sha256_BYTES])
{
    char head[RECORD_ID_MAX + 64];
    crypto_hash_sha256_state s;
    int n = snprintf(head, sizeof head, "sevencast record %d\n%s\n%d\n%d\n%zu\n", VERSION,
                     r->experiment, (int)r->kind, r->number, r->bytes);
    crypto_hash_sha256_init(&s);
    crypto_hash_sha256_update(&s, (const unsigned char *)head, (size_t)n);
    crypto_hash_sha256_update(&s, r->body, r->bytes);
    crypto_hash_sha256_final(&s, out);
}

// A row (seq, experiment, kind, number, body, sum) as a record; false when it is not what was
// appended.
static bool take_row(sqlite3_stmt *row, struct record *r)
{
    uint8_t sum[crypto_hash_sha256_BYTES];
    const char *experiment = (const char *)sqlite3_column_text(row, 1);
    int id_bytes = sqlite3_column_bytes(row, 1);
    memset(r, 0, sizeof *r);
    if (!experiment || id_bytes < 1 || id_bytes > RECORD_ID_MAX ||
        sqlite3_column_type(row, 4) != SQLITE_BLOB ||
        sqlite3_column_bytes(row, 5) != (int)sizeof sum)
        return false;
    snprintf(r->experiment, sizeof r->experiment, "%s", experiment);
    int kind = sqlite3_column_int(row, 2);
    r->kind = (enum record_kind)kind;
    r->number = sqlite3_column_int(row, 3);
    r->bytes = (size_t)sqlite3_column_bytes(row, 4);
    r->body = sqlite3_column_blob(row, 4);
    if (kind < 0 || kind >= RECORD_KINDS || !r->body)
        return false;
    checksum(r, sum);
    return memcmp(sum, sqlite3_column_blob(row, 5), sizeof sum) == 0;
}

static int run(sqlite3 *db, const char *sql)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

// SQLite asks whether to try again when somebody else has the file.
static int on_busy(void *arg, int tries)
{
    struct record_file *f = arg;
    const struct timespec step = {0, BUSY_STEP_MS * 1000000};
    if (atomic_load(&f->hurry) || tries >= BUSY_MS / BUSY_STEP_MS)
        return 0;
    nanosleep(&step, NULL);
    return 1;
}

void record_hurry(struct record_file *f)
{
    atomic_store(&f->hurry, true);
}

// SQLITE_OK or what SQLite says.
static int open_plain(struct record_file *f)
{
    int r = sqlite3_open_v2(f->path, &f->db,
                            SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL);
    if (r == SQLITE_OK)
        sqlite3_busy_handler(f->db, on_busy, f);
    return r;
}

static int open_database(struct record_file *f)
{
    int r = open_plain(f);
    if (r == SQLITE_OK)
        r = run(f->db, schema);
    if (r != SQLITE_OK)
        return r;
    return sqlite3_prepare_v2(f->db,
                              "INSERT INTO record (experiment, kind, number, body, sum)"
                              " VALUES (?, ?, ?, ?, ?)",
                              -1, &f->append, NULL);
}

static void close_database(struct record_file *f)
{
    sqlite3_finalize(f->append);
    sqlite3_close(f->db);
    f->append = NULL;
    f->db = NULL;
}

static int drop_row(struct record_file *f, sqlite3_int64 seq)
{
    char sql[80];
    snprintf(sql, sizeof sql, "DELETE FROM record WHERE seq = %lld", (long long)seq);
    return run(f->db, sql);
}

static void say_dropped(sqlite3_stmt *row)
{
    const char *experiment = (const char *)sqlite3_column_text(row, 1);
    int kind = sqlite3_column_int(row, 2);
    log_warn("record", "dropped, its checksum differs seq=%lld experiment=%.63s kind=%s number=%d",
             (long long)sqlite3_column_int64(row, 0), experiment ? experiment : "?",
             kind >= 0 && kind < RECORD_KINDS ? kind_names[kind] : "?", sqlite3_column_int(row, 3));
}

// Every record is looked at once. copy: where good ones go, or NULL. SQLITE_OK, or what stopped it.
static int check_all(struct record_file *f, struct record_file *copy, int *dropped)
{
    enum { BAD_MAX = 4096 };
    static sqlite3_int64 bad[BAD_MAX];
    int bads = 0;
    sqlite3_stmt *row = NULL;
    int r =
        sqlite3_prepare_v2(f->db,
                           "SELECT seq, experiment, kind, number, body, sum FROM record NOT INDEXED"
                           " ORDER BY seq",
                           -1, &row, NULL);
    while (r == SQLITE_OK && (r = sqlite3_step(row)) == SQLITE_ROW) {
        struct record rec;
        r = SQLITE_OK;
        if (take_row(row, &rec)) {
            if (copy && record_append(copy, &rec) < 0)
                r = SQLITE_FULL;
            continue;
        }
        say_dropped(row);
        ++*dropped;
        if (bads < BAD_MAX)
            bad[bads++] = sqlite3_column_int64(row, 0);
    }
    sqlite3_finalize(row);
    if (r != SQLITE_DONE)
        return r;
    r = SQLITE_OK;
    for (int i = 0; i < bads && !copy && r == SQLITE_OK; i++)
        r = drop_row(f, bad[i]);
    return r;
}

static bool is_damage(int r)
{
    return (r & 0xff) == SQLITE_CORRUPT || (r & 0xff) == SQLITE_NOTADB ||
           (r & 0xff) == SQLITE_ERROR || (r & 0xff) == SQLITE_IOERR ||
           (r & 0xff) == SQLITE_CANTOPEN;
}

static void rename_with(const char *path, const char *to, const char *suffix)
{
    char from[PATH_BYTES + 8], target[2 * PATH_BYTES];
    snprintf(from, sizeof from, "%s%s", path, suffix);
    snprintf(target, sizeof target, "%s%s", to, suffix);
    if (rename(from, target) < 0 && errno != ENOENT)
        log_warn("record", "cannot rename path=%s error=%s", from, strerror(errno));
}

// Sets the damaged file aside and goes on with what can be read of it.
static int salvage(struct record_file *f, int *dropped, char *why, size_t whycap)
{
    struct record_file old = {0};
    char aside[PATH_BYTES + 40];
    int kept = 0;
    close_database(f);
    for (int i = 0; i < 1000; i++) {
        snprintf(aside, sizeof aside, "%s.damaged-%lld-%d", f->path, (long long)time(NULL), i);
        if (access(aside, F_OK) < 0)
            break;
    }
    rename_with(f->path, aside, "");
    rename_with(f->path, aside, "-wal");
    rename_with(f->path, aside, "-shm");
    *dropped = 1; // at least one record, or the file would have been whole
    if (open_database(f) != SQLITE_OK) {
        snprintf(why, whycap, "%s: %s", f->path, sqlite3_errmsg(f->db));
        return -1;
    }
    snprintf(old.path, sizeof old.path, "%.*s", (int)sizeof old.path - 1, aside);
    if (strlen(aside) < sizeof old.path && open_plain(&old) == SQLITE_OK &&
        run(old.db, "PRAGMA writable_schema=ON") == SQLITE_OK) // reads a file that was cut, too
        check_all(&old, f, dropped);
    close_database(&old);
    kept = sqlite3_total_changes(f->db);
    log_error("record", "the file is damaged, set aside path=%s kept=%d", aside, kept);
    return 0;
}

struct record_file *record_open(const char *path, int *dropped, char *why, size_t whycap)
{
    *dropped = 0;
    struct record_file *f = calloc(1, sizeof *f);
    if (!f || sodium_init() < 0 || strlen(path) >= sizeof f->path) {
        snprintf(why, whycap, "%s: out of memory, or the path is too long", path);
        free(f);
        return NULL;
    }
    snprintf(f->path, sizeof f->path, "%s", path);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) { // no damage: there is no place for a file
        snprintf(why, whycap, "%s: %s", path, strerror(errno));
        free(f);
        return NULL;
    }
    close(fd);
    int r = open_database(f);
    if (r == SQLITE_OK)
        r = check_all(f, NULL, dropped);
    int again = 0; // rows that cannot even be removed
    if (r == SQLITE_OK && *dropped && check_all(f, NULL, &again) == SQLITE_OK && again)
        r = SQLITE_CORRUPT;
    if (r == SQLITE_OK) // the index holds no checksums: it is made anew from what was checked
        r = run(f->db, "REINDEX");
    if (r == SQLITE_OK)
        return f;
    log_warn("record", "cannot be read path=%s error=\"%s\"", path,
             f->db ? sqlite3_errmsg(f->db) : "out of memory");
    if (!is_damage(r))
        snprintf(why, whycap, "%s: %s", path, f->db ? sqlite3_errmsg(f->db) : "out of memory");
    else if (salvage(f, dropped, why, whycap) == 0)
        return f;
    record_close(f);
    return NULL;
}

void record_close(struct record_file *f)
{
    if (!f)
        return;
    close_database(f);
    free(f);
}

int record_append(struct record_file *f, const struct record *r)
{
    uint8_t sum[crypto_hash_sha256_BYTES];
    checksum(r, sum);
    sqlite3_bind_text(f->append, 1, r->experiment, -1, SQLITE_STATIC);
    sqlite3_bind_int(f->append, 2, (int)r->kind);
    sqlite3_bind_int(f->append, 3, r->number);
    sqlite3_bind_blob(f->append, 4, r->body, (int)r->bytes, SQLITE_STATIC);
    sqlite3_bind_blob(f->append, 5, sum, sizeof sum, SQLITE_STATIC);
    int result = sqlite3_step(f->append);
    if (result != SQLITE_DONE)
        log_error("record", "cannot be written path=%s error=\"%s\"", f->path,
                  sqlite3_errmsg(f->db));
    sqlite3_reset(f->append);
    sqlite3_clear_bindings(f->append);
    return result == SQLITE_DONE ? 0 : -1;
}

int record_scan(struct record_file *f, const char *experiment, record_fn *fn, void *arg)
{
    sqlite3_stmt *row = NULL;
    int r = sqlite3_prepare_v2(
        f->db,
        experiment ? "SELECT seq, experiment, kind, number, body, sum FROM record"
                     " WHERE experiment = ? ORDER BY seq"
                   : "SELECT seq, experiment, kind, number, body, sum FROM record ORDER BY seq",
        -1, &row, NULL);
    if (r == SQLITE_OK && experiment)
        sqlite3_bind_text(row, 1, experiment, -1, SQLITE_STATIC);
    while (r == SQLITE_OK && (r = sqlite3_step(row)) == SQLITE_ROW) {
        struct record rec;
        r = SQLITE_OK;
        if (!take_row(row, &rec))
            say_dropped(row);
        else if (!fn(arg, &rec)) {
            r = SQLITE_DONE;
            break;
        }
    }
    if (r != SQLITE_DONE)
        log_error("record", "cannot be read path=%s error=\"%s\"", f->path, sqlite3_errmsg(f->db));
    sqlite3_finalize(row);
    return r == SQLITE_DONE ? 0 : -1;
}

static int remove_where(struct record_file *f, const char *sql, const char *experiment, int kind,
                        int number)
{
    sqlite3_stmt *s = NULL;
    int r = sqlite3_prepare_v2(f->db, sql, -1, &s, NULL);
    if (r == SQLITE_OK) {
        sqlite3_bind_text(s, 1, experiment, -1, SQLITE_STATIC);
        if (kind >= 0) {
            sqlite3_bind_int(s, 2, kind);
            sqlite3_bind_int(s, 3, number);
        }
        r = sqlite3_step(s);
    }
    if (r != SQLITE_DONE)
        log_error("record", "cannot be removed path=%s error=\"%s\"", f->path,
                  sqlite3_errmsg(f->db));
    sqlite3_finalize(s);
    return r == SQLITE_DONE ? 0 : -1;
}

int record_remove(struct record_file *f, const char *experiment)
{
    return remove_where(f, "DELETE FROM record WHERE experiment = ?", experiment, -1, 0);
}

int record_remove_from(struct record_file *f, const char *experiment, enum record_kind kind,
                       int number)
{
    return remove_where(f, "DELETE FROM record WHERE experiment = ? AND kind = ? AND number >= ?",
                        experiment, (int)kind, number);
}
