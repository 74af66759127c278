// SPDX-License-Identifier: Apache-2.0
// Fuzz target: any bytes as request and as reply. The first two bytes cut the rest into header and
// tensor. What decodes must encode, and decode again to the same bytes.
#include <stdlib.h>
#include <string.h>

#include "protocol/service.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        abort();
}

static void try_request(const struct service_frame *frames, size_t count)
{
    static char first[SERVICE_HEADER_MAX], second[SERVICE_HEADER_MAX];
    struct service_request r;
    struct service_error e;
    if (service_request_decode(frames, count, &r, &e) != SERVICE_OK) {
        struct service_reply reply;
        require(e.code == SERVICE_BAD_REQUEST && e.message[0] && e.field[0]);
        service_reply_init(&reply, &r);
        reply.error = e;
        require(service_reply_encode(&reply, first, sizeof first) > 0);
        return;
    }
    size_t n = service_request_encode(&r, first, sizeof first);
    require(n > 0);
    struct service_frame again[3] = {{first, n}, frames[count > 1], frames[count > 1 ? 2 : 0]};
    require(service_request_decode(again, count, &r, &e) == SERVICE_OK);
    require(service_request_encode(&r, second, sizeof second) == n);
    require(memcmp(first, second, n) == 0);
}

static void try_reply(const struct service_frame *frames, size_t count)
{
    static char out[SERVICE_HEADER_MAX];
    struct service_reply r;
    struct service_error why;
    if (!service_reply_decode(frames, count, &r, &why)) {
        require(why.message[0] && why.field[0]);
        return;
    }
    service_reply_encode(&r, out, sizeof out); // 0 is fine: a reply may grow beyond the limit
    service_reply_fini(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    size_t tensor = (size_t)data[0] | (size_t)(data[1] & 0x0f) << 8, rest = size - 2;
    if (tensor > rest)
        tensor = 0;
    struct service_frame f[3] = {{data + 2, rest - tensor},
                                 {data + 2 + rest - tensor, tensor / 2},
                                 {data + 2 + rest - tensor + tensor / 2, tensor - tensor / 2}};
    try_request(f, 1);
    try_request(f, 3);
    try_reply(f, 1);
    try_reply(f, 3);
    f[1].n = tensor;
    try_request(f, 2);
    return 0;
}
