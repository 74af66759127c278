// SPDX-License-Identifier: Apache-2.0
#include "tools/vivado/vivado.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bitstream/bitstream.h"
#include "tools/vivado/run.h"
#include "tools/vivado/script.h"

enum { MAX_SOURCES = 64, REPORT_MAX_BYTES = 16 << 20, LINE_BYTES = 512, SHOWN_ERRORS = 10 };
#define LOG_NAME "vivado.out"

void vivado_options_init(struct vivado_options *o)
{
    *o = (struct vivado_options){
        .program = "vivado", .part = "xc7s15ftgb196-1", .timeout_s = VIVADO_TIMEOUT_S};
}

bool vivado_present(const char *program)
{
    return run_can(program);
}

bool vivado_part_split(const char *part, char device[16], char package[16])
{
    size_t n = strncmp(part, "xc7s", 4) == 0 ? 4 + strspn(part + 4, "0123456789") : 0;
    if (n < 5 || n > 15)
        return false;
    size_t letters = strspn(part + n, "abcdefghijklmnopqrstuvwxyz");
    size_t digits = strspn(part + n + letters, "0123456789");
    const char *grade = part + n + letters + digits;
    if (letters == 0 || digits == 0 || letters + digits > 15 || grade[0] != '-' ||
        !isdigit((unsigned char)grade[1]) || strlen(grade) > 4 ||
        strspn(grade + 1, "0123456789ILQ") != strlen(grade + 1))
        return false;
    snprintf(device, 16, "%.*s", (int)n, part);
    snprintf(package, 16, "%.*s", (int)(letters + digits), part + n);
    return true;
}

static enum vivado_outcome end(struct vivado_result *r, enum vivado_outcome outcome,
                               const char *format, ...) __attribute__((format(printf, 3, 4)));
static enum vivado_outcome end(struct vivado_result *r, enum vivado_outcome outcome,
                               const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(r->why, sizeof r->why, format, args);
    va_end(args);
    return r->outcome = outcome;
}

static int join(char path[VIVADO_PATH_MAX], const char *dir, const char *name)
{
    int n = snprintf(path, VIVADO_PATH_MAX, "%s/%s", dir, name);
    return n < 0 || n >= VIVADO_PATH_MAX ? -1 : 0;
}

struct sources {
    char path[MAX_SOURCES][VIVADO_PATH_MAX];
    const char *list[MAX_SOURCES];
    size_t count;
};

static int add_source(struct sources *s, const char *path)
{
    if (s->count == MAX_SOURCES || strlen(path) >= VIVADO_PATH_MAX || !script_path_ok(path))
        return -1;
    snprintf(s->path[s->count], VIVADO_PATH_MAX, "%s", path);
    s->list[s->count] = s->path[s->count];
    s->count++;
    return 0;
}

// A list holds one path a line, relative to rtl.
static int add_list(struct sources *s, const char *rtl, const char *list)
{
    char path[VIVADO_PATH_MAX], line[LINE_BYTES];
    FILE *in = join(path, rtl, list) == 0 ? fopen(path, "r") : NULL;
    int bad = !in;
    while (!bad && fgets(line, sizeof line, in)) {
        line[strcspn(line, "\n")] = '\0';
        bad = *line &&
              (join(path, rtl, line) != 0 || access(path, R_OK) != 0 || add_source(s, path) != 0);
    }
    if (in)
        fclose(in);
    return bad ? -1 : 0;
}

static int list_sources(const struct vivado_request *q, struct sources *s)
{
    return add_list(s, q->rtl, "core/packages.f") != 0 || add_source(s, q->package_vhd) != 0 ||
                   add_list(s, q->rtl, "core/files.f") != 0 ||
                   add_list(s, q->rtl, "sys/files.f") != 0 ||
                   add_list(s, q->rtl, "board/files.f") != 0
               ? -1
               : 0;
}

static int write_file(const char *dir, const char *name, const struct script *s,
                      int (*write)(FILE *, const struct script *))
{
    char path[VIVADO_PATH_MAX];
    if (join(path, dir, name) != 0)
        return -1;
    FILE *out = fopen(path, "w");
    int bad = !out || write(out, s) != 0;
    if (out && fclose(out) != 0)
        bad = 1;
    return bad ? -1 : 0;
}

static uint32_t usercode(const uint8_t *hash)
{
    return (uint32_t)hash[0] << 24 | (uint32_t)hash[1] << 16 | (uint32_t)hash[2] << 8 | hash[3];
}

// What an earlier run left must not be taken for this one's.
static int clear(const char *work)
{
    static const char *const made[] = {SCRIPT_UTILIZATION, SCRIPT_TIMING,    SCRIPT_ROUTE,
                                       SCRIPT_POWER,       SCRIPT_BITSTREAM, LOG_NAME};
    char path[VIVADO_PATH_MAX];
    if (mkdir(work, 0755) != 0 && errno != EEXIST)
        return -1;
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
        if (join(path, work, made[i]) != 0 || (unlink(path) != 0 && errno != ENOENT))
            return -1;
    return 0;
}

static enum vivado_outcome prepare(const struct vivado_request *q, struct vivado_result *r)
{
    char pins_path[VIVADO_PATH_MAX], xdc[VIVADO_PATH_MAX], why[VIVADO_WHY_MAX - 64], hex[65];
    struct pins pins;
    enum vivado_outcome outcome = VIVADO_OK;
    struct sources *sources = calloc(1, sizeof *sources);
    if (!sources)
        return end(r, VIVADO_FILES, "out of memory");
    if (join(pins_path, q->rtl, "board/generic-ftgb196.pins") != 0 ||
        join(xdc, q->rtl, "board/xc7s15.xdc") != 0 || !script_path_ok(xdc) ||
        list_sources(q, sources) != 0) {
        outcome =
            end(r, VIVADO_USAGE,
                "a VHDL source under %.200s cannot be used: missing, path too long, or with a "
                "brace or backslash in it",
                q->rtl);
        goto done;
    }
    if (pins_read(q->options->pins ? q->options->pins : pins_path, &pins, why, sizeof why) != 0) {
        outcome = end(r, VIVADO_USAGE, "%s", why);
        goto done;
    }
    for (int i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", q->hash[i]);
    const struct script script = {.variant = q->variant,
                                  .hash_hex = hex,
                                  .usercode = usercode(q->hash),
                                  .part = q->options->part,
                                  .clock_hz = q->clock_hz,
                                  .vhdl = sources->list,
                                  .vhdl_count = sources->count,
                                  .constraints = xdc,
                                  .pins = &pins};
    if (clear(q->work) != 0 || write_file(q->work, SCRIPT_BOARD_XDC, &script, script_board_xdc) ||
        write_file(q->work, "build.tcl", &script, script_tcl))
        outcome = end(r, VIVADO_FILES, "%.300s: cannot be written: %s", q->work, strerror(errno));
done:
    free(sources);
    return outcome;
}

// The tool's own words: the first lines with ERROR, on stderr.
static void show_errors(const char *log)
{
    char line[LINE_BYTES];
    FILE *in = fopen(log, "r");
    for (int shown = 0; in && shown < SHOWN_ERRORS && fgets(line, sizeof line, in);)
        if (strncmp(line, "ERROR", 5) == 0 || strncmp(line, "CRITICAL WARNING", 16) == 0) {
            fputs(line, stderr);
            shown++;
        }
    if (in)
        fclose(in);
}

static enum vivado_outcome run(const struct vivado_request *q, struct vivado_result *r)
{
    char log[VIVADO_PATH_MAX], program[VIVADO_PATH_MAX];
    static char mode[] = "-mode", batch[] = "batch", journal[] = "-nojournal", no_log[] = "-nolog",
                source[] = "-source", script[] = "build.tcl";
    if (join(log, q->work, LOG_NAME) != 0 || strlen(q->options->program) >= sizeof program)
        return end(r, VIVADO_USAGE, "path too long");
    snprintf(program, sizeof program, "%s", q->options->program);
    char *argv[] = {program, mode, batch, journal, no_log, source, script, NULL};
    const struct run child = {argv, q->work, log, SCRIPT_STEP, q->options->timeout_s};
    int status;
    enum run_end how = run_child(&child, &status);
    if (how == RUN_EXITED && status == 0)
        return VIVADO_OK;
    show_errors(log);
    switch (how) {
    case RUN_TIMEOUT:
        return end(r, VIVADO_TIMEOUT, "killed after %d s; log %.300s", q->options->timeout_s, log);
    case RUN_INTERRUPTED:
        return end(r, VIVADO_INTERRUPTED, "interrupted; killed");
    case RUN_SIGNALLED:
        return end(r, VIVADO_FAILED, "ended by signal %d; log %.300s", status, log);
    case RUN_NOT_STARTED:
        return end(r, VIVADO_FAILED, "%.200s cannot be run; log %.200s", program, log);
    case RUN_EXITED:
        break;
    }
    return end(r, VIVADO_FAILED, "exit status %d; log %.300s", status, log);
}

// A whole text file; NULL with a message.
static char *load(const char *dir, const char *name, size_t *n, struct vivado_result *r)
{
    char path[VIVADO_PATH_MAX];
    FILE *in = join(path, dir, name) == 0 ? fopen(path, "rb") : NULL;
    char *text = in ? malloc(REPORT_MAX_BYTES + 1) : NULL;
    *n = text ? fread(text, 1, REPORT_MAX_BYTES + 1, in) : 0;
    int bad = !text || ferror(in) || *n > REPORT_MAX_BYTES;
    if (bad) {
        end(r, VIVADO_REPORTS, "%s was not made, or cannot be read", name);
        free(text);
        text = NULL;
    }
    if (in)
        fclose(in);
    return text;
}

static int read_route(const char *text, size_t n, const struct vivado_subject *of,
                      struct vivado_figures *f, char *why, size_t whycap)
{
    (void)of;
    (void)f;
    return vivado_read_route(text, n, why, whycap);
}

static enum vivado_outcome read_reports(const struct vivado_request *q, struct vivado_result *r)
{
    static const struct {
        const char *file;
        int (*read)(const char *, size_t, const struct vivado_subject *, struct vivado_figures *,
                    char *, size_t);
    } reports[] = {{SCRIPT_ROUTE, read_route},
                   {SCRIPT_UTILIZATION, vivado_read_utilization},
                   {SCRIPT_TIMING, vivado_read_timing},
                   {SCRIPT_POWER, vivado_read_power}};
    const struct vivado_subject of = {"top_xc7s15", q->options->part};
    for (size_t i = 0; i < sizeof reports / sizeof reports[0]; i++) {
        size_t n;
        char *text = load(q->work, reports[i].file, &n, r);
        if (!text)
            return r->outcome;
        int bad = reports[i].read(text, n, &of, &r->figures, r->why, sizeof r->why);
        free(text);
        if (bad)
            return r->outcome = VIVADO_REPORTS;
    }
    if (r->figures.timing_met)
        return VIVADO_OK;
    r->timing_failure_allowed = q->options->allow_timing_failure;
    if (r->timing_failure_allowed)
        return VIVADO_OK;
    return end(r, VIVADO_TIMING,
               "timing is not met: worst slacks %ld ps setup, %ld ps hold, %ld ps pulse width, %ld "
               "endpoints fail",
               r->figures.setup_slack_ps, r->figures.hold_slack_ps, r->figures.pulse_slack_ps,
               r->figures.failing_endpoints);
}

// The file must be what was asked for: device, no virtual mark, this variant's USERCODE.
static enum vivado_outcome check_bitstream(const struct vivado_request *q, struct vivado_result *r)
{
    char id[32], why[VIVADO_WHY_MAX - 64];
    size_t n;
    if (join(r->bitstream, q->work, SCRIPT_BITSTREAM) != 0)
        return end(r, VIVADO_USAGE, "path too long");
    uint8_t *file = bitstream_load(r->bitstream, &n, why, sizeof why);
    if (!file)
        return end(r, VIVADO_BITSTREAM, "%s", why);
    struct bitstream_report report;
    bitstream_check(file, n, device_part_by_name(r->device), &report);
    free(file);
    snprintf(id, sizeof id, "UserID=0X%08" PRIX32 ";", usercode(q->hash));
    if (report.verdict != BITSTREAM_OK)
        return end(r, VIVADO_BITSTREAM, "bitstream: %.300s", report.why);
    if (report.is_virtual)
        return end(r, VIVADO_BITSTREAM, "bitstream: it has a virtual mark");
    if (!strstr(report.header.design, id))
        return end(r, VIVADO_BITSTREAM, "bitstream: header \"%.120s\" has no %s",
                   report.header.design, id);
    return VIVADO_OK;
}

enum vivado_outcome vivado_implement(const struct vivado_request *q, struct vivado_result *r)
{
    char package[16];
    *r = (struct vivado_result){0};
    if (!vivado_part_split(q->options->part, r->device, package) ||
        strcmp(r->device, "xc7s15") != 0) // top and constraints are written for it
        return end(r, VIVADO_USAGE, "part \"%.40s\" is none like xc7s15ftgb196-1",
                   q->options->part);
    snprintf(r->part, sizeof r->part, "%s", q->options->part);
    if (!q->options->pins && strcmp(package, "ftgb196") != 0)
        return end(r, VIVADO_USAGE, "package %s needs a pins file; the one there is for ftgb196",
                   package);
    if (q->clock_hz < 1000000 || q->clock_hz > 100000000)
        return end(r, VIVADO_USAGE, "clock of %ld Hz is not in 1 MHz to 100 MHz", q->clock_hz);
    if (!vivado_present(q->options->program))
        return end(r, VIVADO_ABSENT, "%.200s is not installed", q->options->program);
    enum vivado_outcome outcome = prepare(q, r);
    if (outcome == VIVADO_OK)
        outcome = run(q, r);
    if (outcome == VIVADO_OK)
        outcome = read_reports(q, r);
    if (outcome == VIVADO_OK)
        outcome = check_bitstream(q, r);
    return r->outcome = outcome;
}

json_t *vivado_json(const struct vivado_result *r)
{
    const struct vivado_figures *f = &r->figures;
    return json_pack("{s:s, s:s, s:s, s:{s:I, s:I, s:I, s:I, s:I, s:I},"
                     " s:{s:b, s:b, s:I, s:I, s:I, s:I}, s:{s:s, s:s, s:I, s:I, s:I}}",
                     "origin", "vivado routed", "version", f->version, "part", r->part, "used",
                     "lut", (json_int_t)f->luts, "lut_memory", (json_int_t)f->luts_memory, "ff",
                     (json_int_t)f->ffs, "dsp", (json_int_t)f->dsps, "ramb36",
                     (json_int_t)f->ramb36, "ramb18", (json_int_t)f->ramb18, "timing", "met",
                     f->timing_met, "failure_allowed", r->timing_failure_allowed, "setup_slack_ps",
                     (json_int_t)f->setup_slack_ps, "hold_slack_ps", (json_int_t)f->hold_slack_ps,
                     "pulse_slack_ps", (json_int_t)f->pulse_slack_ps, "failing_endpoints",
                     (json_int_t)f->failing_endpoints, "power", "origin",
                     "vivado estimate, no activity given", "confidence", f->power_confidence,
                     "total_mw", (json_int_t)f->power_mw, "dynamic_mw", (json_int_t)f->dynamic_mw,
                     "static_mw", (json_int_t)f->static_mw);
}
