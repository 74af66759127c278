// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "tools/build/plan_internal.h"

void plan_list(const struct plan *p, FILE *out)
{
    const struct model_shape *s = &p->model->shape;
    int lanes = p->hw.tokens * p->hw.outputs * p->hw.terms;
    fprintf(
        out,
        "tile %dx%dx%d (%d lanes), %d DSP chains, %d requantisers, %d softmax lanes, %s divider\n"
        "%ld cycles, %ld MAC, %.1f %% of the lanes' cycles used\n\n",
        p->hw.tokens, p->hw.outputs, p->hw.terms, lanes, p->chains, p->hw.requantisers,
        p->hw.softmax_lanes, p->hw.divider_pipelined ? "pipelined" : "serial", p->cycles, p->macs,
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
    fprintf(out,
            "\nwords: activation %d x %d bits, key %d, value %d, residual %d, numerator %d, "
            "weights %d x %d bits (%d layers, %d heads)\n",
            p->activation_depth, p->activation_bits, p->key_depth, p->value_depth, p->kept_depth,
            p->numerator_depth, p->weight_words, p->weight_bits * p->hw.outputs * p->hw.terms,
            s->layers, s->heads);
}
