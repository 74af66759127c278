// SPDX-License-Identifier: Apache-2.0
// Names, errors and tensors of the service protocol.
#include "protocol/le.h"
#include "protocol/service_json.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    bool control;
} verbs[SERVICE_VERBS] = {
    [SERVICE_NO_VERB] = {"?", false},
    [SERVICE_SERVER_LIVE] = {"server_live", false},
    [SERVICE_SERVER_READY] = {"server_ready", false},
    [SERVICE_SERVER_METADATA] = {"server_metadata", false},
    [SERVICE_MODEL_READY] = {"model_ready", false},
    [SERVICE_MODEL_METADATA] = {"model_metadata", false},
    [SERVICE_MODEL_STATISTICS] = {"model_statistics", false},
    [SERVICE_INFER] = {"infer", false},
    [SERVICE_REPOSITORY_INDEX] = {"repository_index", false},
    [SERVICE_LOAD] = {"load", true},
    [SERVICE_UNLOAD] = {"unload", true},
    [SERVICE_BOARDS] = {"boards", false},
    [SERVICE_CANCEL] = {"cancel", false},
    [SERVICE_AB_START] = {"ab_start", true},
    [SERVICE_AB_DATA] = {"ab_data", true},
    [SERVICE_AB_STATUS] = {"ab_status", false},
    [SERVICE_AB_LIST] = {"ab_list", false},
    [SERVICE_AB_RESULT] = {"ab_result", false},
    [SERVICE_AB_CANCEL] = {"ab_cancel", true},
    [SERVICE_ROUTES] = {"routes", false},
    [SERVICE_POWER] = {"power", true},
};

static const struct {
    const char *name, *advice;
} codes[SERVICE_CODES] = {
    [SERVICE_OK] = {"OK", "nothing to do"},
    [SERVICE_BAD_REQUEST] = {"BAD_REQUEST", "mend the request"},
    [SERVICE_UNKNOWN_MODEL] = {"UNKNOWN_MODEL", "see the list of variants and boards"},
    [SERVICE_NOT_READY] = {"NOT_READY", "load it, or wait"},
    [SERVICE_QUEUE_FULL] = {"QUEUE_FULL", "retry later"},
    [SERVICE_DEADLINE] = {"DEADLINE", "retry with more time"},
    [SERVICE_CANCELED] = {"CANCELED", "nothing to do"},
    [SERVICE_SWAP_FAILED] = {"SWAP_FAILED", "look at the message"},
    [SERVICE_DEVICE_LOST] = {"DEVICE_LOST", "wait for the board's return"},
    [SERVICE_DEVICE_FAULT] = {"DEVICE_FAULT", "see the daemon's log"},
    [SERVICE_STALE] = {"STALE", "retry"},
    [SERVICE_UNAUTHORISED] = {"UNAUTHORISED", "use the control socket"},
    [SERVICE_INTERNAL] = {"INTERNAL", "report it"},
    [SERVICE_EXPERIMENT_QUEUE_FULL] = {"EXPERIMENT_QUEUE_FULL",
                                       "wait for an experiment to end, or cancel one"},
    [SERVICE_UNKNOWN_EXPERIMENT] = {"UNKNOWN_EXPERIMENT", "see the list of experiments"},
};

const char *service_verb_name(enum service_verb v)
{
    return (unsigned)v < SERVICE_VERBS ? verbs[v].name : "?";
}

bool service_verb_from(const char *name, enum service_verb *out)
{
    for (int v = SERVICE_NO_VERB + 1; v < SERVICE_VERBS; v++)
        if (strcmp(verbs[v].name, name) == 0) {
            *out = (enum service_verb)v;
            return true;
        }
    return false;
}

bool service_verb_is_control(enum service_verb v)
{
    return (unsigned)v < SERVICE_VERBS && verbs[v].control;
}

const char *service_code_name(enum service_code c)
{
    return (unsigned)c < SERVICE_CODES ? codes[c].name : "?";
}

bool service_code_from(const char *name, enum service_code *out)
{
    for (int c = SERVICE_OK + 1; c < SERVICE_CODES; c++)
        if (strcmp(codes[c].name, name) == 0) {
            *out = (enum service_code)c;
            return true;
        }
    return false;
}

const char *service_code_advice(enum service_code c)
{
    return (unsigned)c < SERVICE_CODES ? codes[c].advice : "?";
}

const char *service_datatype_name(enum service_datatype t)
{
    static const char *const names[] = {"FP32", "FP64", "INT16"};
    return (unsigned)t <= SERVICE_INT16 ? names[t] : "?";
}

size_t service_datatype_bytes(enum service_datatype t)
{
    static const size_t bytes[] = {4, 8, 2};
    return (unsigned)t <= SERVICE_INT16 ? bytes[t] : 0;
}

const char *const service_origin_words[] = {"board", "virtual", "model", NULL};
const char *const service_model_state_words[] = {"READY", "AVAILABLE", "UNAVAILABLE", NULL};
const char *const service_board_state_words[] = {"ABSENT", "IDLE",  "PROGRAMMING",
                                                 "READY",  "FAULT", NULL};
const char *const service_experiment_state_words[] = {"RECEIVING", "QUEUED", "RUNNING", "DONE",
                                                      "CANCELED",  "FAILED", NULL};
const char *const service_burst_end_words[] = {"done", "limit", "deadline", "yielded", NULL};
const char *const service_metric_words[] = {
    "error", "cycles", "latency", "energy", "energy_above_idle", NULL};
const char *const service_design_words[] = {"abba", "random-pairs", NULL};

const char *service_origin_name(enum service_origin o)
{
    return (unsigned)o <= SERVICE_MODEL ? service_origin_words[o] : "?";
}

const char *service_model_state_name(enum service_model_state s)
{
    return (unsigned)s <= SERVICE_UNAVAILABLE ? service_model_state_words[s] : "?";
}

const char *service_board_state_name(enum service_board_state s)
{
    return (unsigned)s <= SERVICE_BOARD_FAULT ? service_board_state_words[s] : "?";
}

const char *service_experiment_state_name(enum service_experiment_state s)
{
    return (unsigned)s < SERVICE_EXPERIMENT_STATES ? service_experiment_state_words[s] : "?";
}

const char *service_burst_end_name(enum service_burst_end end)
{
    return (unsigned)end < SERVICE_BURST_ENDS ? service_burst_end_words[end] : "?";
}

const char *service_metric_name(enum service_metric m)
{
    return (unsigned)m < SERVICE_METRICS ? service_metric_words[m] : "?";
}

const char *service_design_name(enum service_design d)
{
    return (unsigned)d <= SERVICE_RANDOM_PAIRS ? service_design_words[d] : "?";
}

enum service_code service_error_vset(struct service_error *e, enum service_code code,
                                     const char *field, const char *format, va_list args)
{
    *e = (struct service_error){.code = code};
    vsnprintf(e->message, sizeof e->message, format, args);
    if (field)
        snprintf(e->field, sizeof e->field, "%s", field);
    return code;
}

enum service_code service_error_set(struct service_error *e, enum service_code code,
                                    const char *field, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    service_error_vset(e, code, field, format, args);
    va_end(args);
    return code;
}

void service_pack_fp32(const double *in, size_t n, void *out)
{
    for (size_t i = 0; i < n; i++) {
        float value = (float)in[i];
        uint32_t bits;
        memcpy(&bits, &value, sizeof bits);
        le_put((uint8_t *)out + 4 * i, bits, 4);
    }
}

void service_pack_fp64(const double *in, size_t n, void *out)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t bits;
        memcpy(&bits, &in[i], sizeof bits);
        le_put((uint8_t *)out + 8 * i, bits, 8);
    }
}

void service_pack_int16(const int16_t *in, size_t n, void *out)
{
    for (size_t i = 0; i < n; i++)
        le_put((uint8_t *)out + 2 * i, (uint16_t)in[i], 2);
}

void service_unpack_fp32(const void *in, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = (uint32_t)le_get((const uint8_t *)in + 4 * i, 4);
        float value;
        memcpy(&value, &bits, sizeof value);
        out[i] = value;
    }
}

void service_unpack_fp64(const void *in, size_t n, double *out)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t bits = le_get((const uint8_t *)in + 8 * i, 8);
        memcpy(&out[i], &bits, sizeof bits);
    }
}

void service_unpack_int16(const void *in, size_t n, int16_t *out)
{
    for (size_t i = 0; i < n; i++) {
        int32_t bits = (int32_t)le_get((const uint8_t *)in + 2 * i, 2);
        out[i] = (int16_t)(bits < 32768 ? bits : bits - 65536);
    }
}

void service_window_values(const struct service_window *w, double *out)
{
    size_t n = (size_t)w->rows * w->columns;
    if (w->datatype == SERVICE_FP32)
        service_unpack_fp32(w->data, n, out);
    else
        service_unpack_fp64(w->data, n, out);
}
