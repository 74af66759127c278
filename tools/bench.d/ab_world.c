// SPDX-License-Identifier: Apache-2.0
#include "tools/bench.d/ab_world.h"

#include <math.h>

void lab_open(struct lab *lab, const struct world *world, uint64_t seed, uint64_t stream)
{
    *lab = (struct lab){.world = world, .previous_variant = -1};
    random_init(&lab->noise, seed, stream);
    lab->previous_noise = random_normal(&lab->noise);
}

// Quiet part: sd q. Spikes: with probability 1/20 an exponential of mean m on top. Mean 0 and
// variance 1 by construction: q^2 + E[m^2 stuff] with m = 3.
static double spiky(struct random *r)
{
    const double chance = 0.05, height = 3;
    const double mean = chance * height, variance = 2 * chance * height * height - mean * mean;
    double spike = random_unit(r) < chance ? -height * log(random_unit(r)) : 0;
    return sqrt(1 - variance) * random_normal(r) + spike - mean;
}

double lab_noise(struct lab *lab)
{
    const double keep = 0.5;
    switch (lab->world->shape) {
    case NOISE_SPIKY:
        return spiky(&lab->noise);
    case NOISE_CORRELATED:
        lab->previous_noise =
            keep * lab->previous_noise + sqrt(1 - keep * keep) * random_normal(&lab->noise);
        return lab->previous_noise;
    case NOISE_NORMAL:
        break;
    }
    return random_normal(&lab->noise);
}

double lab_measure(struct lab *lab, int variant, double truth)
{
    const struct world *w = lab->world;
    if (lab->previous_variant >= 0 && variant != lab->previous_variant)
        lab->now_s += w->swap_s;
    lab->previous_variant = variant;
    double middle_s = lab->now_s + 0.5 * w->window_s;
    lab->now_s += w->window_s;
    double drift = 0.01 * w->drift_pct_minute * middle_s / 60;
    double cold = 0.01 * w->warmup_pct * exp(-middle_s / w->warmup_tau_s);
    return truth * (1 + drift) * (1 + cold) * (1 + 0.01 * w->noise_pct * lab_noise(lab));
}
