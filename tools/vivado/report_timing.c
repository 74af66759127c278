// SPDX-License-Identifier: Apache-2.0
// The timing summary: one line of twelve figures under its headings, a verdict in words, and the
// tool's own check that every register has a clock.
#include <stdio.h>
#include <string.h>

#include "tools/vivado/report.h"
#include "tools/vivado/report_text.h"

enum { FIGURES = 12 };

static const char *const columns[FIGURES] = {
    "WNS(ns)",  "TNS(ns)",  "TNS Failing Endpoints",  "TNS Total Endpoints",
    "WHS(ns)",  "THS(ns)",  "THS Failing Endpoints",  "THS Total Endpoints",
    "WPWS(ns)", "TPWS(ns)", "TPWS Failing Endpoints", "TPWS Total Endpoints"};

// All headings, in this order and nothing else.
static bool is_heading(struct span line)
{
    for (int i = 0; i < FIGURES; i++) {
        line = span_trim(line);
        if (!span_starts(line, columns[i]))
            return false;
        line.at += strlen(columns[i]);
        line.n -= strlen(columns[i]);
    }
    return span_trim(line).n == 0;
}

static int read_figures(const struct report *r, struct span line, long value[FIGURES])
{
    line = span_trim(line);
    for (int i = 0; i < FIGURES; i++) {
        struct span word = {line.at, 0};
        while (word.n < line.n && word.at[word.n] != ' ')
            word.n++;
        if (word.n == 0)
            return report_error(r, "no figure under \"%s\"", columns[i]);
        if (span_is(word, "NA"))
            return report_error(r, "\"%s\" is NA: no path is timed; is there a clock?", columns[i]);
        if (!span_number(word, i % 4 < 2, &value[i]) || (i % 4 == 3 && value[i] == 0))
            return report_error(r, "\"%s\" is \"%.*s\"", columns[i], (int)word.n, word.at);
        line.at += word.n;
        line.n -= word.n;
        line = span_trim(line);
    }
    return line.n ? report_error(r, "more than %d figures in the summary", FIGURES) : 0;
}

static int summary(const struct report *r, long value[FIGURES])
{
    struct span line;
    size_t at = 0;
    while (report_line(r, &at, &line))
        if (is_heading(line)) {
            if (!report_line(r, &at, &line) || !span_starts(span_trim(line), "---") ||
                !report_line(r, &at, &line))
                return report_error(r, "it ends within the summary");
            return read_figures(r, line, value);
        }
    return report_error(r, "no line of headings from \"%s\" to \"%s\"", columns[0],
                        columns[FIGURES - 1]);
}

// 1 said that they are met, 0 that they are not, -1 said neither or both.
static int verdict(const struct report *r)
{
    struct span line;
    bool met = false, failed = false;
    for (size_t at = 0; report_line(r, &at, &line);) {
        if (span_starts(span_trim(line), "All user specified timing constraints are met"))
            met = true;
        if (span_starts(span_trim(line), "Timing constraints are not met"))
            failed = true;
    }
    if (met == failed)
        return report_error(r, "it says %s",
                            met ? "both that timing is met and that it is not"
                                : "nowhere whether timing is met");
    return met;
}

// " There are 0 register/latch pins with no clock."
static int all_clocked(const struct report *r)
{
    struct span line;
    bool seen = false;
    for (size_t at = 0; report_line(r, &at, &line);) {
        struct span s = span_trim(line);
        if (!span_starts(s, "There are ") || !span_has(s, "register/latch pins with no clock"))
            continue;
        if (!span_starts(s, "There are 0 "))
            return report_error(r, "%.*s", (int)s.n, s.at);
        seen = true;
    }
    return seen ? 0 : report_error(r, "no count of registers with no clock");
}

int vivado_read_timing(const char *text, size_t n, const struct vivado_subject *of,
                       struct vivado_figures *f, char *why, size_t whycap)
{
    const struct report r = {"timing", text, n, why, whycap};
    long value[FIGURES];
    if (report_header(&r, of, false, f->version) != 0 || all_clocked(&r) != 0 ||
        summary(&r, value) != 0)
        return -1;
    int said = verdict(&r);
    if (said < 0)
        return -1;
    f->setup_slack_ps = value[0];
    f->hold_slack_ps = value[4];
    f->pulse_slack_ps = value[8];
    f->failing_endpoints = value[2] + value[6] + value[10];
    f->timing_met = f->setup_slack_ps >= 0 && f->hold_slack_ps >= 0 && f->pulse_slack_ps >= 0 &&
                    f->failing_endpoints == 0;
    if (f->timing_met != (said == 1))
        return report_error(
            &r, "worst slacks %ld, %ld and %ld ps, but it says that timing is %smet",
            f->setup_slack_ps, f->hold_slack_ps, f->pulse_slack_ps, said ? "" : "not ");
    return 0;
}
