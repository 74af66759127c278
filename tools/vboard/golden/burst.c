// SPDX-License-Identifier: Apache-2.0
// BURST by the model: y is computed once a window, the time of all runs passes at once.
#include "tools/vboard/golden/device.h"

// From the last element of y to the next start, as in rtl/sys (a test of the design holds it).
enum { PAUSE_CYCLES = 2 };

// Runs that begin before the limit; the first one always does.
static uint32_t runs_within(const struct device *d, const struct link_burst *b)
{
    uint64_t limit = (uint64_t)b->limit * LINK_BURST_LIMIT_CYCLES;
    uint64_t period = (uint64_t)d->cycles + PAUSE_CYCLES;
    uint64_t most = limit ? (limit + period - 1) / period : 1;
    return b->runs && b->runs <= most ? b->runs : (uint32_t)most;
}

// y of one window as the wire has it; leaves the trace of that window.
static void run(struct device *d, const int8_t *window, uint8_t *y)
{
    model_run(d->variant->model, window, d->trace);
    const int16_t *codes = model_trace_get(d->trace, MODEL_Y, 0);
    for (int i = 0; i < d->variant->model->shape.outputs; i++) {
        y[2 * i] = (uint8_t)codes[i];
        y[2 * i + 1] = (uint8_t)((uint16_t)codes[i] >> 8);
    }
}

size_t device_burst(struct device *d, const struct link_frame *f, uint8_t *out)
{
    unsigned outputs = (unsigned)d->variant->model->shape.outputs;
    uint8_t y[LINK_MAX_BURST_WINDOWS * 2 * MODEL_MAX_OUTPUTS];
    uint8_t payload[LINK_BURST_HEAD_BYTES + sizeof y];
    struct link_burst b;
    if (link_burst_decode(f->payload, f->n, &b))
        return device_refuse(d, f, LINK_BAD_LENGTH, (uint16_t)f->n, out);
    if (!link_burst_good(f->payload))
        return device_refuse(d, f, LINK_BAD_ARGUMENT, 0, out);
    if (!d->has_window || (b.windows > 1 && !d->has_older))
        return device_refuse(d, f, LINK_NO_WINDOW, 0, out);
    if (b.windows > 1)
        run(d, d->older, y);
    run(d, d->window, y + 2 * (size_t)outputs * (b.windows - 1));

    struct link_burst_result r = {.windows = b.windows, .y = y};
    r.runs = runs_within(d, &b);
    r.end = r.runs == b.runs ? LINK_BURST_DONE : LINK_BURST_LIMIT;
    r.busy_cycles = (uint64_t)r.runs * d->cycles;
    r.cycles = r.busy_cycles + (uint64_t)(r.runs - 1) * PAUSE_CYCLES;
    d->inferences += r.runs;
    d->total_cycles += r.cycles;
    size_t n = link_burst_result_encode(&r, outputs, payload);
    return link_encode(out, LINK_BURST | LINK_ANSWER, f->seq, payload, n);
}
