// SPDX-License-Identifier: Apache-2.0
#include "measure/verdict.h"

#include <assert.h>

static const char *const verdict_names[] = {"undecided", "better", "worse", "equivalent"};

const char *verdict_name(enum verdict v)
{
    assert((unsigned)v < sizeof verdict_names / sizeof verdict_names[0]);
    return verdict_names[v];
}

const char *verdict_reason_text(enum verdict_reason r)
{
    switch (r) {
    case VERDICT_DECIDED:
        return "";
    case VERDICT_RUNNING:
        return "the experiment still runs";
    case VERDICT_WIDE:
        return "the interval is too wide for a decision within the budget";
    case VERDICT_DRIFT:
        return "the difference changes with time, so that no single number describes it";
    case VERDICT_TOO_FEW:
        return "too few complete blocks";
    }
    return "";
}

enum verdict verdict_of(const struct verdict_evidence *e, enum verdict_reason *reason)
{
    *reason = VERDICT_DECIDED;
    if (e->drifts) {
        *reason = VERDICT_DRIFT;
        return VERDICT_UNDECIDED;
    }
    if (e->margin > 0 && e->equivalence.low > -e->margin && e->equivalence.high < e->margin)
        return VERDICT_EQUIVALENT;
    bool above = e->difference.low > 0, below = e->difference.high < 0;
    if ((above || below) && e->p < e->alpha)
        return above == (e->direction == VERDICT_HIGHER_IS_BETTER) ? VERDICT_BETTER : VERDICT_WORSE;
    *reason = VERDICT_WIDE;
    return VERDICT_UNDECIDED;
}
