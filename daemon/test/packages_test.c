// SPDX-License-Identifier: Apache-2.0
// Packages on disk: the good ones, each kind of bad one with its reason, and rescans.
#define _XOPEN_SOURCE 700 // nftw
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/packages.h"
#include "daemon/test/make_package.h"

static char dir[64];

static int setup(void **state)
{
    (void)state;
    log_init(LEVEL_ERROR, NULL);
    snprintf(dir, sizeof dir, "/tmp/packages-test-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void put(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void expect(const char *name, const char *reason)
{
    struct package *p = package_load(dir, name);
    assert_non_null(p);
    if (reason ? p->available || !strstr(p->reason, reason) : !p->available)
        fail_msg("%s: \"%s\", not \"%s\"", name, p->reason, reason ? reason : "available");
    package_unref(p);
}

static void make(struct make_package m)
{
    m.dir = dir;
    m.task = m.task ? m.task : "demand";
    assert_int_equal(make_package(&m), 0);
}

static void each_fault_has_its_reason(void **state)
{
    (void)state;
    make((struct make_package){.name = "good", .seed = 1});
    expect("good", NULL);
    make((struct make_package){.name = "hash", .seed = 2, .wrong_hash = 1});
    expect("hash", "manifest.json: integers.sha256");
    make((struct make_package){.name = "golden", .seed = 3, .wrong_golden = 1});
    expect("golden", "golden.json: windows[7].y[0] is");
    make((struct make_package){.name = "sha", .seed = 4, .wrong_sha = 1});
    expect("sha", "sha.bit: SHA-256 is not the one in build.json");
    make((struct make_package){.name = "part", .seed = 5, .bit_part = "xc7s50"});
    expect("part", "part.bit: ");
    make((struct make_package){.name = "cut", .seed = 6, .truncate_bit = 1});
    expect("cut", "cut.bit: ");
    make((struct make_package){.name = "origin", .seed = 7, .real = 1});
    expect("origin", "origin.bit: a virtual bitstream, but build.json says board");
    make((struct make_package){.name = "unknown", .seed = 8});
    put("unknown/build.json", "{}");
    expect("unknown", "build.json: hash: missing");
    put("unknown/build.json", "{\"hash\":");
    expect("unknown", "build.json:1: ");
    make((struct make_package){.name = "few", .seed = 9});
    put("few/golden.json", "{\"hash\":\"0\",\"windows\":[]}");
    expect("few", "golden.json: hash: of another variant");
    expect("absent", "manifest.json");
}

static void mixed_up_packages_are_refused(void **state)
{
    char from[256], to[256];
    (void)state;
    make((struct make_package){.name = "a", .seed = 11});
    make((struct make_package){.name = "b", .seed = 12});
    snprintf(from, sizeof from, "%s/a/build.json", dir);
    snprintf(to, sizeof to, "%s/b/build.json", dir);
    assert_int_equal(rename(from, to), 0); // b with a's build
    expect("b", "build.json: hash: built for another variant");
    snprintf(from, sizeof from, "%s/a", dir);
    snprintf(to, sizeof to, "%s/renamed", dir);
    assert_int_equal(rename(from, to), 0);
    expect("renamed", "manifest.json: name: \"a\", but its folder is \"renamed\"");
}

static int scans;

static void on_done(void *arg)
{
    (void)arg;
    scans++;
}

static void rescan(struct packages *ps, struct sched *s)
{
    int before = scans;
    packages_rescan(ps);
    for (int i = 0; i < 1000 && scans == before; i++)
        sched_turn(s, 10 * NS_PER_MS);
    assert_int_equal(scans, before + 1);
}

static void rescan_keeps_what_has_not_changed(void **state)
{
    static struct packages ps;
    static struct sched s;
    (void)state;
    sched_init(&s);
    make((struct make_package){.name = "one", .seed = 21});
    assert_int_equal(packages_init(&ps, dir, &s, on_done, NULL), 0);
    assert_int_equal(ps.n, 1);
    struct package *one = packages_find(&ps, "one");
    one->stats->success = 5;
    make((struct make_package){.name = "two", .seed = 22, .task = "other"});
    rescan(&ps, &s);
    assert_int_equal(ps.n, 2);
    assert_ptr_equal(packages_find(&ps, "one"), one);
    assert_string_equal(packages_find(&ps, "two")->variant->task, "other");
    // rebuilt with the same variant: another object, the same counters
    struct package *held = package_ref(one);
    make((struct make_package){.name = "one", .seed = 21, .windows = 3});
    rescan(&ps, &s);
    struct package *again = packages_find(&ps, "one");
    assert_ptr_not_equal(again, held);
    assert_int_equal(again->windows, 3);
    assert_int_equal(again->stats->success, 5);
    assert_ptr_equal(packages_by_hash(&ps, held->variant->hash), again);
    assert_int_equal(held->windows, 8); // whoever holds the old one may go on with it
    package_unref(held);
    // another variant of the same name starts counting anew
    make((struct make_package){.name = "one", .seed = 23});
    packages_rescan(&ps);
    rescan(&ps, &s); // two requests, one answer
    assert_int_equal(packages_find(&ps, "one")->stats->success, 0);
    packages_rescan(&ps); // and an end while one runs
    packages_fini(&ps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_fault_has_its_reason, setup, teardown),
        cmocka_unit_test_setup_teardown(mixed_up_packages_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(rescan_keeps_what_has_not_changed, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
