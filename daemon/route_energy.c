// SPDX-License-Identifier: Apache-2.0
#include "daemon/route_energy.h"

#include <stdio.h>
#include <string.h>

void route_energy_add(struct service_route_energy *e, const struct service_inference *answer)
{
    const struct service_energy *one = &answer->energy;
    double runs = answer->burst.runs;
    if (!answer->burst.runs)
        return;
    e->bursts++;
    const char *why = one->reason;
    if (!*why && e->count && (one->origin != e->origin || strcmp(one->of, e->of) != 0))
        why = "energies of two origins or rails are not summed";
    if (*why) {
        snprintf(e->reason, sizeof e->reason, "%s", why);
        return;
    }
    e->origin = one->origin;
    memcpy(e->of, one->of, sizeof e->of);
    e->count++;
    e->runs += answer->burst.runs;
    e->joule += one->total.value * runs;
    e->uncertainty += one->total.uncertainty * runs;
}
