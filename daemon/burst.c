// SPDX-License-Identifier: Apache-2.0
#include "daemon/burst.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { LIMIT_MAX = UINT16_MAX };

// Clocks of a run with the pause behind it, which is a few.
static uint64_t paced(const struct burst *b)
{
    return (uint64_t)b->run_cycles + 16;
}

bool burst_begin(struct burst *b, uint32_t repeat, double seconds, uint32_t run_cycles,
                 uint32_t clock_hz, const int16_t *y, unsigned outputs)
{
    memset(b, 0, sizeof *b);
    if (!run_cycles || !clock_hz || outputs > BURST_OUTPUTS || !(seconds >= 0) || seconds > 1e6 ||
        (!repeat && !(seconds > 0)) || run_cycles / LINK_BURST_LIMIT_CYCLES >= LIMIT_MAX - 1)
        return false;
    b->left = repeat ? repeat : UINT64_MAX;
    if (seconds > 0) {
        double runs = ceil(seconds * clock_hz / run_cycles);
        if (runs < (double)b->left)
            b->left = (uint64_t)runs;
    }
    if (b->left > UINT32_MAX)
        b->left = UINT32_MAX;
    b->run_cycles = run_cycles;
    b->clock_hz = clock_hz;
    b->outputs = outputs;
    memcpy(b->y, y, outputs * sizeof *y);
    return true;
}

bool burst_next(struct burst *b, struct link_burst *frame)
{
    if (b->stopped || !b->left)
        return false;
    uint64_t most = (uint64_t)LIMIT_MAX * LINK_BURST_LIMIT_CYCLES;
    uint64_t chunk = (uint64_t)BURST_CHUNK_S * b->clock_hz;
    uint64_t runs = (chunk < most / 2 ? chunk : most / 2) / b->run_cycles;
    runs = runs < 1 ? 1 : runs > b->left ? b->left : runs;
    // A watch-dog for a host that is gone, so it stands well behind the last run.
    uint64_t limit = runs * paced(b) * 5 / 4 / LINK_BURST_LIMIT_CYCLES + 2;
    b->chunk_runs = (uint32_t)runs;
    *frame = (struct link_burst){.runs = b->chunk_runs,
                                 .limit = (uint16_t)(limit > LIMIT_MAX ? LIMIT_MAX : limit),
                                 .windows = 1};
    return true;
}

void burst_stop(struct burst *b)
{
    b->stopped = true;
}

static enum burst_verdict wrong(char why[BURST_WHY], const char *text)
{
    snprintf(why, BURST_WHY, "%s", text);
    return BURST_WRONG;
}

static enum burst_verdict refusal(const struct link_fault *f, char why[BURST_WHY])
{
    if (f->code == LINK_BAD_TYPE) {
        snprintf(why, BURST_WHY, "the design on the board knows no bursts: build its variant anew");
        return BURST_UNKNOWN;
    }
    snprintf(why, BURST_WHY, "the device answers a burst with %s, detail %u",
             link_error_name(f->code), f->detail);
    return BURST_WRONG;
}

enum burst_verdict burst_answer(struct burst *b, uint8_t type, const uint8_t *payload, size_t n,
                                char why[BURST_WHY])
{
    struct link_burst_result r;
    struct link_fault fault;
    if (type == LINK_ERROR && link_fault_decode(payload, n, &fault) == 0)
        return refusal(&fault, why);
    if (type != (LINK_BURST | LINK_ANSWER) ||
        link_burst_result_decode(payload, n, b->outputs, &r) < 0 || r.windows != 1)
        return wrong(why, "the answer to a burst makes no sense");
    if (r.runs > b->chunk_runs || (r.end == LINK_BURST_DONE && r.runs != b->chunk_runs))
        return wrong(why, "a burst did not do the runs that it was asked for");
    b->runs += r.runs;
    b->mismatches += r.mismatches;
    b->cycles += r.cycles;
    b->busy_cycles += r.busy_cycles;
    b->chunks++;
    b->left -= r.runs;
    if (r.end == LINK_BURST_STOPPED)
        b->stopped = true;
    if (r.mismatches) {
        snprintf(why, BURST_WHY, "%u of %u runs of a burst gave another y than the run before",
                 r.mismatches, r.runs);
        return BURST_WRONG;
    }
    for (unsigned k = 0; k < b->outputs; k++)
        if (link_burst_y(&r, b->outputs, 0, k) != b->y[k])
            return wrong(why, "a burst ended with another y than its window was answered with");
    return r.end == LINK_BURST_LIMIT ? wrong(why, "a burst ran into its watch-dog") : BURST_GOOD;
}
