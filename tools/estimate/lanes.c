// SPDX-License-Identifier: Apache-2.0
#include "tools/estimate/lanes.h"

enum { SRL_SHORTEST = 3 }; // yosys leaves shorter shift registers in flip-flops

static int clog2(int n)
{
    int bits = 0;
    while ((1 << bits) < n)
        bits++;
    return bits;
}

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

struct rows {
    int terms, x_bits, whole, half, step, entry, digits;
};

// The functions of dot_lane by their names.
static int start(const struct rows *r, int digit)
{
    if (digit == 0)
        return r->half - r->terms * r->step;
    if (r->entry < r->whole && r->half <= (1 << (r->entry - 1)) + r->terms * r->step)
        return 1 << (r->entry - 1);
    return r->half;
}

static int bits_after(const struct rows *r, int row)
{
    int digit = row / r->terms, done = row % r->terms + 1;
    int most = smaller(start(r, digit) + done * r->step, r->half) + done * r->step - 1;
    if (digit > 0)
        most += (r->terms - done) * (r->step / 4);
    return smaller(larger(clog2(most + 1), r->x_bits + 1), r->whole);
}

// A raised row leaves the bits above its product to the carry chain alone.
static int row_luts(const struct rows *r, int row)
{
    int raised = start(r, row / r->terms) + (row % r->terms + 1) * r->step <= r->half;
    return raised ? r->x_bits + 1 : bits_after(r, row);
}

static void chain_shape(const struct plan *p, struct lane_shape *l)
{
    int x = p->token_port_bits, w = p->weight_port_bits;
    int field = clog2(p->hw.terms * (1 << (x - 1)) * ((1 << (w - 1)) - 1) + 1) + 1;
    l->chain_outputs = field + w <= 25 ? 2 : 1;
    l->chain_tokens = 2 * field + w <= 25 && field + x + 1 <= 18 ? 2 : 1;
}

struct lane_shape lane_shape(const struct plan *p)
{
    struct rows r = {.terms = p->hw.terms,
                     .x_bits = p->token_port_bits,
                     .digits = (p->weight_port_bits + 1) / 2};
    struct lane_shape l = {.rows = r.terms * r.digits};
    r.whole = r.x_bits + 1 + clog2(r.terms);
    r.half = 1 << (r.whole - 1);
    r.step = 1 << r.x_bits;
    r.entry = larger(r.whole - 2, r.x_bits + 1);
    int stages = (l.rows + 1) / 2;
    for (int row = 0; row < l.rows; row++) {
        int registered = row % 2 == 1 || row == l.rows - 1, bits = bits_after(&r, row);
        l.row_luts += row_luts(&r, row);
        l.registers += registered ? bits : 0;
        if ((row + 1) % r.terms != 0 || row == l.rows - 1)
            continue;
        // a digit's two finished bits wait for the last stage, from their row's register on
        int length = stages - (row + 1) / 2 + registered;
        l.registers -= registered ? 2 : 0;
        if (length >= SRL_SHORTEST)
            l.srl += 2;
        else
            l.registers += 2 * length;
    }
    chain_shape(p, &l);
    return l;
}

// Stages of one operand bit that something reads.
enum { MAX_STAGES = 160 };

static void add_run(const char *taps, int stages, int bits, struct operand_delays *d)
{
    int from = 0;
    for (int s = 1; s < stages; s++) {
        if (!taps[s])
            continue;
        if (s - from >= SRL_SHORTEST)
            d->srl += bits;
        else
            d->registers += bits * (s - from);
        from = s;
    }
}

static int chain_tap(const struct plan *p, int term)
{
    int cycle = p->lane_stages - p->hw.terms + term;
    return cycle - smaller(cycle, 2);
}

struct operand_delays operand_delays(const struct plan *p)
{
    const struct hardware *h = &p->hw;
    struct lane_shape l = lane_shape(p);
    struct operand_delays d = {0, 0};
    int late = p->lane_stages - (l.rows + 1) / 2, digits = l.rows / h->terms;
    int across = h->outputs / l.chain_outputs, down = h->tokens / l.chain_tokens;
    if (p->lane_stages > MAX_STAGES)
        return d;                        // wider than any tile that fits
    for (int side = 0; side < 2; side++) // tokens, then outputs
        for (int i = 0; i < (side ? h->outputs : h->tokens); i++) {
            int chains = 0, last = -1, lane = 0;
            for (int k = 0; k < (side ? h->tokens : h->outputs); k++) {
                int o = (side ? i : k) / l.chain_outputs, t = (side ? k : i) / l.chain_tokens;
                int at = o < across && t < down ? t * across + o : p->chains;
                chains += at < p->chains && at != last;
                last = at;
                lane |= at >= p->chains;
            }
            for (int u = 0; u < h->terms; u++)
                for (int b = 0; b < (side ? p->weight_port_bits : 1); b++) {
                    char taps[MAX_STAGES] = {0};
                    for (int k = 0; lane && k < digits; k++) {
                        int used = !side || (b >= 2 * k - 1 && b <= 2 * k + 1);
                        taps[late + (k * h->terms + u) / 2] |= (char)used;
                    }
                    // a DSP takes the last register too where nothing is between and nothing
                    // else reads it
                    int alone =
                        chains == 1 && !lane && (side ? l.chain_outputs : l.chain_tokens) == 1;
                    if (chains)
                        taps[larger(chain_tap(p, u) - alone, 0)] = 1;
                    add_run(taps, p->lane_stages, side ? 1 : p->token_port_bits, &d);
                }
        }
    return d;
}
