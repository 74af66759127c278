// SPDX-License-Identifier: Apache-2.0
// Samples are appended and flushed one by one, the record and the page are written anew beside the
// old ones and take their place: whatever ends the session, what was measured is there.
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/cli/power.h"

static const char csv_name[] = "samples.csv", json_name[] = "session.json",
                  html_name[] = "report.html";

static void fail(struct power_files *f, const char *name)
{
    if (f->failed)
        return;
    f->failed = true;
    snprintf(f->why, sizeof f->why, "%.150s/%s: %s", f->directory, name, strerror(errno));
}

static const char *path_of(const struct power_files *f, const char *name, const char *suffix,
                           char out[600])
{
    snprintf(out, 600, "%s/%s%s", f->directory, name, suffix);
    return out;
}

bool power_files_open(struct power_files *f, const char *directory)
{
    char path[600];
    *f = (struct power_files){0};
    if (snprintf(f->directory, sizeof f->directory, "%s", directory) >= (int)sizeof f->directory) {
        errno = ENAMETOOLONG;
        fail(f, "");
        return false;
    }
    if (mkdir(directory, 0777) != 0 && errno != EEXIST) {
        fail(f, "");
        return false;
    }
    // Another session's samples are not overwritten.
    f->csv = fopen(path_of(f, csv_name, "", path), "wxe");
    if (!f->csv) {
        fail(f, csv_name);
        return false;
    }
    fputs("begin_s,end_s,rail,power_mw,uncertainty_mw,samples,phase,variant,window,flags,origin,"
          "seq\n",
          f->csv);
    return true;
}

static void put_flags(FILE *out, const struct power_sample *p)
{
    fputc('"', out);
    for (const char *c = p->rail.reason; *c; c++)
        fputc(*c == '"' || (unsigned char)*c < 0x20 ? ' ' : *c, out);
    fprintf(out, "%s%s\"", p->rail.reason[0] && p->edge ? "; " : "",
            p->edge ? "reaches beyond its phase" : "");
}

void power_files_sample(struct power_files *f, const struct power_session *s,
                        const struct power_sample *p)
{
    const struct power_mark *m = p->mark >= 0 ? &s->mark[p->mark] : NULL;
    fprintf(f->csv, "%.6f,%.6f,%s,", p->begin_s, p->end_s, p->rail.name);
    if (p->rail.reason[0])
        fputs(",,,", f->csv);
    else
        fprintf(f->csv, "%.9g,%.4g,%u,", 1e3 * p->rail.watt, 1e3 * p->rail.uncertainty_watt,
                p->rail.count);
    fprintf(f->csv, "%s,%s,", m ? power_kind_name(m->kind) : "",
            m ? s->plan.variant[m->variant] : "");
    if (m && m->kind == POWER_WINDOW)
        fprintf(f->csv, "%d", m->index);
    fputc(',', f->csv);
    put_flags(f->csv, p);
    fprintf(f->csv, ",%s,%llu\n", sc_origin_name(p->origin), (unsigned long long)p->seq);
    if (fflush(f->csv) != 0)
        fail(f, csv_name);
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *rails_json(const struct sc_rail *rail, uint32_t rails)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < rails; i++) {
        json_t *r = json_pack("{s:s}", "name", rail[i].name);
        if (rail[i].reason[0]) {
            json_object_set_new(r, "reason", json_string(rail[i].reason));
        } else {
            json_object_set_new(r, "watt", number(rail[i].watt));
            json_object_set_new(r, "uncertainty_watt", number(rail[i].uncertainty_watt));
            json_object_set_new(r, "samples", json_integer(rail[i].count));
        }
        json_array_append_new(list, r);
    }
    return list;
}

static json_t *idle_json(const struct power_idle *i)
{
    if (!i->windows)
        return json_null();
    return json_pack("{s:f,s:f,s:f,s:i,s:i,s:o}", "begin_s", i->begin_s, "end_s", i->end_s,
                     "window_s", i->seconds, "windows", (int)i->windows, "flagged", (int)i->flagged,
                     "rails", rails_json(i->rail, i->rails));
}

static json_t *median_json(const struct power_median *m, const char *unit)
{
    return json_pack("{s:s,s:i,s:o,s:o,s:o,s:o,s:o,s:o}", "unit", unit, "windows", m->n, "median",
                     number(m->value), "low", number(m->low), "high", number(m->high), "min",
                     number(m->min), "max", number(m->max), "uncertainty", number(m->uncertainty));
}

static json_t *window_json(const struct power_window *w)
{
    json_t *j = json_pack("{s:i,s:b,s:f,s:f,s:I,s:o,s:o,s:o,s:i,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o}",
                          "index", w->index < 0 ? 0 : w->index, "warmup", w->index < 0, "begin_s",
                          w->begin_s, "end_s", w->end_s, "runs", (json_int_t)w->runs, "cycles",
                          number(w->cycles), "inference_s", number(w->inference_s), "window_s",
                          number(w->window_s), "samples", (int)w->samples, "of", w->of, "watt",
                          number(w->watt), "uncertainty_watt", number(w->watt_uncertainty), "joule",
                          number(w->joule), "uncertainty_joule", number(w->joule_uncertainty),
                          "above_idle_joule", number(w->above), "uncertainty_above_idle_joule",
                          number(w->above_uncertainty), "rails", rails_json(w->rail, w->rails));
    if (w->flag[0])
        json_object_set_new(j, "flag", json_string(w->flag));
    return j;
}

static json_t *variant_json(const struct power_session *s, int index)
{
    const struct power_variant *v = &s->variant[index];
    json_t *windows = json_array(), *drift = json_null();
    for (size_t i = 0; i < s->windows; i++)
        if (s->window[i].variant == index)
            json_array_append_new(windows, window_json(&s->window[i]));
    if (v->drift.known)
        drift = json_pack("{s:f,s:f,s:f}", "before_watt", v->drift.before_w, "after_watt",
                          v->drift.after_w, "share", v->drift.share);
    return json_pack("{s:s,s:s,s:f,s:i,s:i,s:I,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "variant",
                     v->name, "version", v->hash, "swap_s", v->swap_s, "windows_measured",
                     v->windows, "windows_good", v->good, "runs", (json_int_t)v->runs,
                     "joule_per_inference", median_json(&v->joule, "J"),
                     "joule_above_idle_per_inference", median_json(&v->above, "J"), "power",
                     median_json(&v->watt, "W"), "inference_time",
                     median_json(&v->inference_s, "s"), "idle_before", idle_json(&v->before),
                     "idle_after", idle_json(&v->after), "drift", drift, "windows", windows);
}

static json_t *effect_json(const struct power_effect *e, int blocks)
{
    json_t *off = json_array(), *on = json_array();
    for (int i = 0; i < 2 * blocks; i++) {
        json_array_append_new(off, json_real(e->segment_s[0][i]));
        json_array_append_new(on, json_real(e->segment_s[1][i]));
    }
    return json_pack("{s:f,s:f,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "latency_off_s", e->latency_s[0],
                     "latency_on_s", e->latency_s[1], "percent", number(e->estimate_pct), "low",
                     number(e->interval.low), "high", number(e->interval.high), "bootstrap_low",
                     number(e->bootstrap.low), "bootstrap_high", number(e->bootstrap.high),
                     "segments_off_s", off, "segments_on_s", on);
}

static json_t *perturbation_json(const struct power_session *s)
{
    const struct power_perturbation *p = &s->perturbation;
    if (!p->blocks)
        return json_null();
    return json_pack("{s:s,s:i,s:I,s:I,s:f,s:o,s:o}", "variant", p->variant, "blocks", p->blocks,
                     "inferences_off", (json_int_t)p->inferences[0], "inferences_on",
                     (json_int_t)p->inferences[1], "confidence", s->plan.confidence, "mean",
                     effect_json(&p->mean, p->blocks), "p50", effect_json(&p->p50, p->blocks));
}

static json_t *marks_json(const struct power_session *s)
{
    json_t *list = json_array();
    for (size_t i = 0; i < s->marks; i++) {
        const struct power_mark *m = &s->mark[i];
        json_array_append_new(list,
                              json_pack("{s:s,s:s,s:i,s:f,s:o}", "phase", power_kind_name(m->kind),
                                        "variant", s->plan.variant[m->variant], "index", m->index,
                                        "begin_s", m->begin_s, "end_s", number(m->end_s)));
    }
    return list;
}

static json_t *plan_json(const struct power_plan *p)
{
    return json_pack(
        "{s:i,s:i,s:i,s:f,s:f,s:o,s:f,s:i,s:I,s:s}", "windows", p->windows, "max_windows", p->most,
        "warmup", p->warmup, "seconds", p->seconds, "idle_s", p->idle_s, "target_ci",
        p->target_share > 0 ? json_real(p->target_share) : json_null(), "confidence", p->confidence,
        "perturbation_blocks", p->blocks, "seed", (json_int_t)p->seed, "data", p->data);
}

json_t *power_json(const struct power_session *s)
{
    static const char *const states[] = {"running", "complete", "partial"};
    json_t *variants = json_array();
    for (int v = 0; v < s->measured; v++)
        json_array_append_new(variants, variant_json(s, v));
    return json_pack(
        "{s:i,s:s,s:s,s:s,s:f,s:s,s:s,s:{s:s,s:s,s:s,s:I},s:s,s:o,s:o,s:o,s:o,s:{s:s,s:I}}",
        "sevencast_power", 1, "state", states[s->state], "reason", s->reason, "started", s->started,
        "seconds", s->seconds, "command", s->command, "daemon", s->daemon, "board", "name",
        s->board.name, "serial", s->board.serial, "part", s->board.part, "clock_hz",
        (json_int_t)s->board.clock_hz, "origin", sc_origin_name(power_origin(s)), "plan",
        plan_json(&s->plan), "variants", variants, "perturbation", perturbation_json(s), "marks",
        marks_json(s), "samples", "file", csv_name, "rows", (json_int_t)s->samples);
}

// Writes beside the old file and takes its place.
static void replace(struct power_files *f, const char *name, const struct power_session *s,
                    bool (*write)(const struct power_session *s, FILE *out))
{
    char path[600], next[600];
    FILE *out = fopen(path_of(f, name, ".new", next), "we");
    if (!out) {
        fail(f, name);
        return;
    }
    bool good = write(s, out) && fflush(out) == 0 && fsync(fileno(out)) == 0;
    good = fclose(out) == 0 && good;
    if (!good || rename(next, path_of(f, name, "", path)) != 0)
        fail(f, name);
}

static bool write_json(const struct power_session *s, FILE *out)
{
    json_t *j = power_json(s);
    bool good = j && json_dumpf(j, out, JSON_INDENT(1)) == 0 && fputc('\n', out) == '\n';
    json_decref(j);
    return good;
}

void power_files_record(struct power_files *f, const struct power_session *s)
{
    replace(f, json_name, s, write_json);
}

void power_files_page(struct power_files *f, const struct power_session *s)
{
    replace(f, html_name, s, power_write_html);
}

bool power_files_close(struct power_files *f)
{
    if (f->csv && fclose(f->csv) != 0)
        fail(f, csv_name);
    f->csv = NULL;
    return !f->failed;
}
