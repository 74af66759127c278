// SPDX-License-Identifier: Apache-2.0
// Replays PROTOCOL.md section 2.5: every request decodes and encodes to the same bytes, or is
// refused with exactly the reply that follows it; every reply decodes and encodes to the same
// bytes.
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/service.h"

enum { MESSAGES = 96 };

struct message {
    bool is_reply;
    char *header;
    uint8_t tensor[2][1024];
    struct service_frame frame[3];
    size_t count;
};

static struct message message[MESSAGES];
static size_t messages;

static size_t from_hex(const char *text, uint8_t *out, size_t capacity)
{
    size_t n = 0;
    char *end;
    for (;; text = end) {
        unsigned long byte = strtoul(text, &end, 16);
        if (end == text)
            return n;
        assert_true(byte < 256 && n < capacity);
        out[n++] = (uint8_t)byte;
    }
}

static void take_line(char *line)
{
    bool is_reply = line[0] == '<';
    line[strcspn(line, "\n")] = '\0';
    if (line[3] == '{') {
        assert_true(messages < MESSAGES);
        struct message *m = &message[messages++];
        m->is_reply = is_reply;
        m->header = strdup(line + 3);
        m->frame[0] = (struct service_frame){m->header, strlen(m->header)};
        m->count = 1;
        return;
    }
    struct message *m = &message[messages - 1];
    assert_true(messages > 0 && m->is_reply == is_reply && m->count < 3);
    uint8_t *tensor = m->tensor[m->count - 1];
    m->frame[m->count] = (struct service_frame){tensor, from_hex(line + 3, tensor, 1024)};
    m->count++;
}

static int read_examples(void **state)
{
    (void)state;
    char line[8192];
    bool inside = false;
    FILE *f = fopen("protocol/PROTOCOL.md", "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f)) {
        if (strncmp(line, "## 2.5", 6) == 0)
            inside = true;
        else if (inside && (strncmp(line, "-> ", 3) == 0 || strncmp(line, "<- ", 3) == 0))
            take_line(line);
    }
    fclose(f);
    return 0;
}

static int free_examples(void **state)
{
    (void)state;
    for (size_t i = 0; i < messages; i++)
        free(message[i].header);
    return 0;
}

static void assert_header(const struct message *m, char *bytes, size_t n)
{
    assert_in_range(n, 1, SERVICE_HEADER_MAX - 1);
    bytes[n] = '\0';
    assert_string_equal(bytes, m->header);
}

static void test_requests(void **state)
{
    (void)state;
    static char bytes[SERVICE_HEADER_MAX];
    bool seen[SERVICE_VERBS] = {false};
    int refused = 0;
    for (size_t i = 0; i < messages; i++) {
        struct service_request r;
        struct service_error e;
        if (message[i].is_reply)
            continue;
        if (service_request_decode(message[i].frame, message[i].count, &r, &e) == SERVICE_OK) {
            if (!strstr(message[i].header, "deadline_ms"))
                r.deadline_ms = 0; // left out, as the example leaves it
            assert_header(&message[i], bytes, service_request_encode(&r, bytes, sizeof bytes));
            seen[r.verb] = true;
            continue;
        }
        struct service_reply reply;
        service_reply_init(&reply, &r);
        reply.error = e;
        assert_true(i + 1 < messages && message[i + 1].is_reply);
        assert_header(&message[i + 1], bytes, service_reply_encode(&reply, bytes, sizeof bytes));
        refused++;
    }
    for (int v = SERVICE_NO_VERB + 1; v < SERVICE_VERBS; v++)
        if (!seen[v])
            fail_msg("no request example of %s", service_verb_name((enum service_verb)v));
    assert_true(refused >= 5);
}

static void test_replies(void **state)
{
    (void)state;
    static char bytes[SERVICE_HEADER_MAX];
    bool seen[SERVICE_VERBS] = {false};
    for (size_t i = 0; i < messages; i++) {
        struct service_reply r;
        struct service_error why;
        if (!message[i].is_reply)
            continue;
        if (!service_reply_decode(message[i].frame, message[i].count, &r, &why))
            fail_msg("%s: %s: %s", message[i].header, why.field, why.message);
        assert_header(&message[i], bytes, service_reply_encode(&r, bytes, sizeof bytes));
        if (r.verb == SERVICE_INFER && !r.error.code) {
            uint8_t tensor[SERVICE_OUTPUTS_MAX * 8];
            service_pack_fp64(r.u.infer.values, r.u.infer.outputs, tensor);
            assert_memory_equal(tensor, message[i].tensor[0], message[i].frame[1].n);
            service_pack_int16(r.u.infer.codes, r.u.infer.outputs, tensor);
            assert_memory_equal(tensor, message[i].tensor[1], message[i].frame[2].n);
            assert_true(r.u.infer.values[0] == 29150.25);
            assert_int_equal(r.u.infer.codes[0], -117);
        }
        if (r.verb == SERVICE_AB_RESULT && !r.error.code) {
            uint8_t steps[SERVICE_STEP_COLUMNS * 8];
            assert_int_equal(r.u.result.n, 1);
            service_pack_fp64(r.u.result.steps, SERVICE_STEP_COLUMNS, steps);
            assert_memory_equal(steps, message[i].tensor[0], message[i].frame[1].n);
        }
        if (!r.error.code)
            seen[r.verb] = true;
        service_reply_fini(&r);
    }
    for (int v = SERVICE_NO_VERB + 1; v < SERVICE_VERBS; v++)
        if (!seen[v])
            fail_msg("no reply example of %s", service_verb_name((enum service_verb)v));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_replies),
    };
    return cmocka_run_group_tests(tests, read_examples, free_examples);
}
