// SPDX-License-Identifier: Apache-2.0
// Records against a file that is cut or altered at every record and inside: what comes back is what
// was written, and what does not come back is told.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/record.h"
#include "measure/random.h"

enum { RECORDS = 24, BODY = 3000, FILE_MAX = 1 << 20 };

static char dir[64], path[128], wal[160];
static uint8_t image[FILE_MAX];
static size_t image_bytes;
static int seen[RECORDS], strange, last_seen;

// Record i: of some length, filled from its number.
static struct record record_at(int i, uint8_t body[BODY])
{
    struct random rng;
    random_init(&rng, (uint64_t)i, 0);
    struct record r = {.kind = (enum record_kind)(i % RECORD_KINDS), .number = i / RECORD_KINDS};
    snprintf(r.experiment, sizeof r.experiment, "ab-%d", i % 3);
    r.bytes = 1 + random_below(&rng, i % 4 ? 200 : BODY);
    for (size_t k = 0; k < r.bytes; k++)
        body[k] = (uint8_t)random_u64(&rng);
    r.body = body;
    return r;
}

static bool on_record(void *arg, const struct record *r)
{
    uint8_t body[BODY];
    (void)arg;
    for (int i = 0; i < RECORDS; i++) {
        struct record due = record_at(i, body);
        if (due.kind == r->kind && due.number == r->number && due.bytes == r->bytes &&
            strcmp(due.experiment, r->experiment) == 0 && memcmp(body, r->body, r->bytes) == 0) {
            seen[i]++;
            strange += i < last_seen;
            last_seen = i;
            return true;
        }
    }
    strange++;
    return true;
}

static int remove_folder(void)
{
    DIR *d = opendir(dir);
    for (const struct dirent *e; d && (e = readdir(d));) {
        char name[400];
        snprintf(name, sizeof name, "%s/%s", dir, e->d_name);
        unlink(name); // refuses . and ..
    }
    if (d)
        closedir(d);
    return rmdir(dir);
}

static void empty_folder(void)
{
    remove_folder();
    assert_int_equal(mkdir(dir, 0700), 0);
}

static void put_file(const char *p, const uint8_t *bytes, size_t n)
{
    int fd = open(p, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
    close(fd);
}

static size_t get_file(const char *p, uint8_t *bytes)
{
    int fd = open(p, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, bytes, FILE_MAX);
    assert_true(n > 0 && n < FILE_MAX);
    close(fd);
    return (size_t)n;
}

static struct record_file *must_open(int *dropped)
{
    char why[256] = "";
    struct record_file *f = record_open(path, dropped, why, sizeof why);
    if (!f)
        fail_msg("%s", why);
    return f;
}

static void write_all(struct record_file *f, int from, int to)
{
    uint8_t body[BODY];
    for (int i = from; i < to; i++) {
        struct record r = record_at(i, body);
        assert_int_equal(record_append(f, &r), 0);
    }
}

// Opens what lies there; returns how many records are there, all good and in their order.
static int count(int *dropped)
{
    int n = 0;
    struct record_file *f = must_open(dropped);
    memset(seen, 0, sizeof seen);
    strange = last_seen = 0;
    assert_int_equal(record_scan(f, NULL, on_record, NULL), 0);
    assert_int_equal(strange, 0);
    for (int i = 0; i < RECORDS; i++) {
        assert_true(seen[i] <= 1);
        n += seen[i];
    }
    record_close(f);
    return n;
}

static void comes_back(void **state)
{
    (void)state;
    int dropped;
    empty_folder();
    struct record_file *f = must_open(&dropped);
    write_all(f, 0, RECORDS);
    record_close(f);
    assert_int_equal(count(&dropped), RECORDS);
    assert_int_equal(dropped, 0);
    f = must_open(&dropped);
    assert_int_equal(record_remove_from(f, "ab-0", RECORD_STEP, 1), 0);
    assert_int_equal(record_remove(f, "ab-1"), 0);
    record_close(f);
    // ab-0 has steps at 3 and 18 (numbers 0 and 3); a third of all is ab-1's
    assert_int_equal(count(&dropped), RECORDS - RECORDS / 3 - 1);
}

// The log of SQLite as a crash leaves it: cut anywhere, the records before the cut are there.
static void log_cut_anywhere(void **state)
{
    (void)state;
    static uint8_t main_image[FILE_MAX];
    int dropped, before = RECORDS;
    empty_folder();
    struct record_file *f = must_open(&dropped);
    write_all(f, 0, RECORDS);
    image_bytes = get_file(wal, image);
    size_t main_bytes = get_file(path, main_image);
    record_close(f);
    const size_t frame = 24 + 4096; // a page with its header, behind a header of 32 bytes
    assert_true(image_bytes > 32 + frame * RECORDS && (image_bytes - 32) % frame == 0);
    for (size_t at = image_bytes; at > 32; at = at > frame ? at - frame : 0) {
        const size_t cuts[] = {at, at - 1, at - 700};
        for (int i = 0; i < 3; i++) {
            empty_folder();
            put_file(path, main_image, main_bytes);
            put_file(wal, image, cuts[i]);
            int n = count(&dropped);
            assert_true(n <= before);
            for (int k = 0; k < n; k++)
                assert_int_equal(seen[k], 1); // the first ones, without a gap
            before = n;
        }
    }
    assert_int_equal(before, 0);
}

static void make_whole(void)
{
    int dropped;
    empty_folder();
    struct record_file *f = must_open(&dropped);
    write_all(f, 0, RECORDS);
    record_close(f); // all is in the file now
    image_bytes = get_file(path, image);
}

static void file_cut_anywhere(void **state)
{
    (void)state;
    int dropped;
    make_whole();
    for (size_t page = 4096; page <= image_bytes; page += 4096) {
        const size_t cuts[] = {page - 1, page - 2048, page - 4000};
        for (int i = 0; i < 3; i++) {
            empty_folder();
            put_file(path, image, cuts[i]);
            int n = count(&dropped);
            if (!dropped)
                fail_msg("cut at %zu of %zu: nothing says so", cuts[i], image_bytes);
            int again = count(&dropped);
            if (again != n || dropped) // it is whole again
                fail_msg("cut at %zu: %d, then %d, %d dropped", cuts[i], n, again, dropped);
        }
    }
}

// One byte altered, anywhere: no altered record comes back, and none is missing in silence.
static void file_altered_anywhere(void **state)
{
    (void)state;
    int dropped, told = 0;
    make_whole();
    for (size_t at = 100; at < image_bytes; at += 67) {
        empty_folder();
        image[at] ^= 0x5a;
        put_file(path, image, image_bytes);
        image[at] ^= 0x5a;
        int n = count(&dropped);
        if (n < RECORDS && !dropped)
            fail_msg("byte %zu of %zu: %d records are missing, and nothing says so", at,
                     image_bytes, RECORDS - n);
        told += dropped > 0;
    }
    assert_true(told > 100); // most of the file is records
}

static void what_is_no_database(void **state)
{
    (void)state;
    int dropped;
    char why[256];
    empty_folder();
    put_file(path, (const uint8_t *)"this is no database, but long enough to look into", 49);
    assert_int_equal(count(&dropped), 0);
    assert_true(dropped > 0);
    assert_null(record_open("/nowhere/experiments.db", &dropped, why, sizeof why));
    assert_non_null(strstr(why, "/nowhere/experiments.db"));
}

static int setup(void **state)
{
    (void)state;
    log_init(LEVEL_ERROR, NULL); // hundreds of damaged files
    // in memory where that can be had: hundreds of files are written to the disk and back
    snprintf(dir, sizeof dir, "/dev/shm/sevencast-record-XXXXXX");
    if (!mkdtemp(dir)) {
        snprintf(dir, sizeof dir, "/tmp/sevencast-record-XXXXXX");
        assert_non_null(mkdtemp(dir));
    }
    snprintf(path, sizeof path, "%s/experiments.db", dir);
    snprintf(wal, sizeof wal, "%s-wal", path);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return remove_folder();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),          cmocka_unit_test(log_cut_anywhere),
        cmocka_unit_test(file_cut_anywhere),   cmocka_unit_test(file_altered_anywhere),
        cmocka_unit_test(what_is_no_database),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
