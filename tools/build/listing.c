// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "tools/build/cost.h"
#include "tools/build/plan_internal.h"

static void list_memories(const struct plan *p, FILE *out)
{
    int ramb18 = 0, lut = 0, lutram = 0;
    fprintf(out, "\n%-12s %-11s %6s %6s %6s  %6s %6s %6s   yosys estimate, LUTs by formula\n",
            "memory", "kind", "copies", "words", "bits", "ramb18", "lut", "lutram");
    for (int i = 0; i < p->memory_count; i++) {
        const struct memory *m = &p->memories[i];
        fprintf(out, "%-12s %-11s %6d %6d %6d  %6d %6d %6d\n", m->name,
                hardware_storage_name(m->kind), m->copies, m->words, m->bits, m->ramb18, m->lut,
                m->lutram);
        ramb18 += m->ramb18;
        lut += m->lut;
        lutram += m->lutram;
    }
    fprintf(out,
            "%-12s %-11s %6s %6s %6s  %6d %6d %6d   of %d RAMB18, %d LUT that can be memory%s\n",
            "all", "", "", "", "", ramb18, lut, lutram, COST_RAMB18, COST_LUTRAM,
            lutram > COST_LUTRAM ? ": TOO MUCH" : "");
}

void plan_list(const struct plan *p, FILE *out)
{
    int lanes = p->hw.tokens * p->hw.outputs * p->hw.terms;
    fprintf(out,
            "tile %dx%dx%d (%d lanes), %d DSP chains, %d requantisers of %d DSPs, %d softmax "
            "lanes, %s divider\n"
            "%ld cycles, %ld MAC, %.1f %% of the lanes' cycles used\n\n",
            p->hw.tokens, p->hw.outputs, p->hw.terms, lanes, p->chains, p->hw.requantisers,
            p->hw.requantiser_dsps, p->hw.softmax_lanes,
            p->hw.divider_pipelined ? "pipelined" : "serial", p->cycles, p->macs,
            100.0 * (double)p->macs / ((double)p->cycles * lanes));
    fprintf(out, "%4s %-8s %5s %5s %4s  %6s %6s %6s  %4s %5s %5s  %s\n", "pass", "op", "layer",
            "block", "head", "begin", "end", "waited", "jobs", "slice", "drain",
            "waits for (writes, softmaxes)");
    long previous = 0;
    for (int i = 0; i < p->pass_count; i++) {
        const struct pass *a = &p->passes[i];
        fprintf(out, "%4d %-8s %5d %5d %4d  %6ld %6ld %6ld  %4d %5d %5d  %d, %d\n", i,
                pass_op_name(a->op), a->layer, a->block, a->head, a->begin, a->end,
                a->begin - previous - 1, a->jobs, a->slices, a->drain, a->writes, a->softmaxes);
        previous = a->end;
    }
    list_memories(p, out);
}
