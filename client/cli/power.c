// SPDX-License-Identifier: Apache-2.0
// sevencast power: measures variants one after the other and writes it down as it goes.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "client/cli/power.h"
#include "client/cli/power_plan.h"

static volatile sig_atomic_t stopped;

struct output {
    struct power_files files;
    bool terminal;
    size_t shown; // windows
    int page_of;  // variants behind the latest page
};

static void on_signal(int number)
{
    stopped = number;
}

// The second signal ends the process as usual.
static void catch_signals(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &action, NULL);
}

static void on_sample(void *arg, const struct power_session *s, const struct power_sample *p)
{
    struct output *o = arg;
    power_files_sample(&o->files, s, p);
}

static void on_changed(void *arg, const struct power_session *s)
{
    struct output *o = arg;
    power_files_record(&o->files, s);
    if (s->measured != o->page_of || s->state != POWER_RUNNING)
        power_files_page(&o->files, s);
    o->page_of = s->measured;
    power_show_changed(s, o->terminal, &o->shown);
}

static void on_live(void *arg, const struct power_session *s)
{
    const struct output *o = arg;
    power_show_live(s, o->terminal);
}

static void name_session(struct power_session *s, char directory[64])
{
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(s->started, sizeof s->started, "%Y-%m-%dT%H:%M:%SZ", &utc);
    strftime(directory, 64, "power-%Y%m%dT%H%M%SZ", &utc);
}

static void name_command(struct power_session *s, const struct options *o)
{
    size_t n = 0;
    for (int i = 0; i < o->argc && n < sizeof s->command; i++) {
        int k = snprintf(s->command + n, sizeof s->command - n, "%s%s", i ? " " : "sevencast ",
                         o->argv[i]);
        n += k > 0 ? (size_t)k : 0;
    }
}

static int run(const struct cli *cli, struct power_session *s, struct power_sink *sink,
               struct output *o)
{
    struct power_daemon daemon;
    struct power_source source;
    char directory[64];
    name_session(s, directory);
    name_command(s, &cli->options);
    int code = power_source_open(&daemon, cli, s, sink, &stopped, &source);
    if (!code && !power_files_open(&o->files, cli->options.out ? cli->options.out : directory))
        code = cli_refuse(cli, EXIT_OTHER, "OUTPUT", "%s", o->files.why);
    if (!code) {
        cli_message("session in %s", o->files.directory);
        catch_signals();
        code = power_session_run(s, &source, sink);
        if (o->terminal)
            fputs("\r\033[K", stderr);
        if (code && code != SC_CANCELED)
            code = cli_fail(cli, code);
        else if (stopped)
            code = 128 + (int)stopped;
        else
            code = code ? cli_exit_code(code) : EXIT_OK;
        if (s->samples || s->windows) {
            int printed = power_print(cli, s);
            code = code ? code : printed;
        }
        if (!power_files_close(&o->files))
            code = cli_refuse(cli, EXIT_OTHER, "OUTPUT", "%s", o->files.why);
    }
    power_source_close(&daemon);
    return code;
}

int command_power(const struct cli *cli)
{
    static struct power_session s; // some 30 kB
    struct output o = {.terminal = isatty(STDERR_FILENO)};
    struct power_sink sink = {&o, on_sample, on_changed, on_live};
    const char *wrong = power_plan_make(&cli->options, &s.plan);
    if (wrong)
        return cli_refuse(cli, EXIT_USAGE, "ARGUMENT", "%s", wrong);
    int code = run(cli, &s, &sink, &o);
    power_session_free(&s);
    return code;
}
