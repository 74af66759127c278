// SPDX-License-Identifier: Apache-2.0
// The client's side of a rig: ZeroMQ and JSON without our codec.
#include "daemon/test/rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <zmq.h>

#include "daemon/sched.h"
#include "tools/model/model_random.h"
#include "tools/model/variant.h"

void *rig_dealer(struct rig *r)
{
    void *d = zmq_socket(r->zmq, ZMQ_DEALER);
    int linger = 0, hwm = 20000;
    assert_non_null(d);
    zmq_setsockopt(d, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(d, ZMQ_SNDHWM, &hwm, sizeof hwm);
    zmq_setsockopt(d, ZMQ_RCVHWM, &hwm, sizeof hwm);
    assert_int_equal(zmq_connect(d, r->control), 0);
    int i = 0;
    while (r->dealers[i])
        assert_true(++i < 8);
    r->dealers[i] = d;
    return d;
}

void rig_close(struct rig *r, void *dealer)
{
    for (int i = 0; i < 8; i++)
        if (r->dealers[i] == dealer)
            r->dealers[i] = NULL;
    zmq_close(dealer);
}

void rig_send(void *dealer, const char *header, const void *tensor, size_t n)
{
    assert_true(zmq_send(dealer, "", 0, ZMQ_SNDMORE) >= 0);
    assert_true(zmq_send(dealer, header, strlen(header), tensor ? ZMQ_SNDMORE : 0) >= 0);
    if (tensor)
        assert_true(zmq_send(dealer, tensor, n, 0) >= 0);
}

bool rig_recv(void *dealer, struct rig_reply *p, int timeout_ms)
{
    memset(p, 0, sizeof *p);
    zmq_setsockopt(dealer, ZMQ_RCVTIMEO, &timeout_ms, sizeof timeout_ms);
    int more = 1;
    for (int i = 0; more; i++) {
        zmq_msg_t m;
        zmq_msg_init(&m);
        if (zmq_msg_recv(&m, dealer, 0) < 0) {
            zmq_msg_close(&m);
            return false;
        }
        size_t n = zmq_msg_size(&m);
        more = zmq_msg_more(&m);
        if (i == 0)
            assert_int_equal(n, 0);
        else if (i == 1)
            p->header = json_loadb(zmq_msg_data(&m), n, 0, NULL);
        else if (i == 2) {
            assert_true(n <= sizeof p->values);
            memcpy(p->values, zmq_msg_data(&m), n);
            p->outputs = n / sizeof p->values[0];
        } else {
            assert_int_equal(n, p->outputs * sizeof p->codes[0]);
            memcpy(p->codes, zmq_msg_data(&m), n);
        }
        p->frames += i >= 2;
        zmq_msg_close(&m);
    }
    assert_non_null(p->header);
    return true;
}

void rig_reply_fini(struct rig_reply *p)
{
    json_decref(p->header);
    p->header = NULL;
}

static const char *error_text(const struct rig_reply *p, const char *key)
{
    const char *t = json_string_value(json_object_get(json_object_get(p->header, "error"), key));
    return t ? t : "";
}

const char *rig_code(const struct rig_reply *p)
{
    return error_text(p, "code");
}

const char *rig_field(const struct rig_reply *p)
{
    return error_text(p, "field");
}

const char *rig_message(const struct rig_reply *p)
{
    return error_text(p, "message");
}

void rig_expect_error(struct rig_reply p, const char *code, const char *field)
{
    assert_string_equal(rig_code(&p), code);
    assert_string_equal(rig_field(&p), field);
    rig_reply_fini(&p);
}

struct rig_reply rig_call(struct rig *r, const char *header, const void *tensor, size_t n)
{
    struct rig_reply p;
    void *d = rig_dealer(r);
    uint64_t begin = now_ns();
    rig_send(d, header, tensor, n);
    if (!rig_recv(d, &p, 70000))
        fail_msg("no reply to %s", header);
    p.elapsed_ns = now_ns() - begin;
    rig_close(r, d);
    return p;
}

void rig_infer_header(char *out, size_t cap, const char *model, const char *id, int rows,
                      int columns, int deadline_ms)
{
    snprintf(out, cap,
             "{\"verb\":\"infer\",\"id\":\"%s\",\"model_name\":\"%s\",\"parameters\":{"
             "\"deadline_ms\":%d},\"inputs\":[{\"name\":\"window\",\"shape\":[%d,%d],"
             "\"datatype\":\"FP64\"}]}",
             id, model, deadline_ms, rows, columns);
}

struct rig_reply rig_infer(struct rig *r, const char *model, const double *window, int rows,
                           int columns, int deadline_ms)
{
    char header[512];
    rig_infer_header(header, sizeof header, model, "one", rows, columns, deadline_ms);
    return rig_call(r, header, window, sizeof(double) * (size_t)(rows * columns));
}

struct rig_reply rig_load(struct rig *r, const char *model, const char *board, int deadline_ms)
{
    char header[512];
    snprintf(header, sizeof header,
             "{\"verb\":\"load\",\"model_name\":\"%s\",\"parameters\":{%s%s%s\"deadline_ms\":%d}}",
             model, board ? "\"board\":\"" : "", board ? board : "", board ? "\"," : "",
             deadline_ms);
    return rig_call(r, header, NULL, 0);
}

json_t *rig_board(struct rig *r, const char *board)
{
    struct rig_reply p = rig_call(r, "{\"verb\":\"boards\"}", NULL, 0);
    size_t i;
    json_t *row, *found = NULL;
    json_array_foreach(json_object_get(p.header, "boards"), i, row)
    {
        const char *name = json_string_value(json_object_get(row, "name"));
        if (name && strcmp(name, board) == 0)
            found = json_incref(row);
    }
    rig_reply_fini(&p);
    assert_non_null(found);
    return found;
}

void rig_wait_board(struct rig *r, const char *board, const char *state, const char *variant,
                    int timeout_ms)
{
    uint64_t until = now_ns() + (uint64_t)timeout_ms * NS_PER_MS;
    for (;;) {
        json_t *row = rig_board(r, board);
        const char *is = json_string_value(json_object_get(row, "state"));
        const char *runs = json_string_value(json_object_get(row, "variant"));
        bool good = strcmp(is, state) == 0 && (!variant || (runs && strcmp(runs, variant) == 0));
        if (!good && now_ns() > until) {
            char *text = json_dumps(row, 0);
            json_decref(row);
            fail_msg("board is not %s %s but %s", state, variant ? variant : "", text);
        }
        json_decref(row);
        if (good)
            return;
        poll(NULL, 0, 5);
    }
}

void rig_random_window(uint64_t seed, double *out, int n)
{
    struct model_rng rng = {seed};
    for (int i = 0; i < n; i++)
        out[i] = (double)model_rng_range(&rng, -3000, 3000) / 1000.0;
}

void rig_check_golden(const struct variant *v, const double *window, const struct rig_reply *p)
{
    int8_t codes[RIG_VALUES_MAX];
    double values[RIG_OUTPUTS_MAX];
    int saturated = 0;
    assert_string_equal(rig_code(p), "");
    assert_int_equal(p->frames, 2);
    assert_int_equal(variant_encode(v, window, codes, &saturated), -1);
    struct model_trace *trace = model_trace_new(&v->model->shape);
    model_run(v->model, codes, trace);
    const int16_t *y = model_trace_get(trace, MODEL_Y, 0);
    assert_int_equal(p->outputs, v->model->shape.outputs);
    assert_memory_equal(p->codes, y, p->outputs * sizeof y[0]);
    variant_decode(v, y, values);
    assert_memory_equal(p->values, values, p->outputs * sizeof values[0]);
    json_t *parameters = json_object_get(p->header, "parameters");
    assert_int_equal(json_integer_value(json_object_get(parameters, "saturated")), saturated);
    assert_string_equal(json_string_value(json_object_get(p->header, "model_version")),
                        v->hash_hex);
    model_trace_free(trace);
}

void rig_infer_golden(struct rig *r, const char *model, const char *variant, uint64_t seed)
{
    double window[24];
    struct variant *v = rig_variant(r, variant);
    rig_random_window(seed, window, 24);
    struct rig_reply p = rig_infer(r, model, window, 24, 1, 4000);
    rig_check_golden(v, window, &p);
    rig_reply_fini(&p);
    variant_free(v);
}
