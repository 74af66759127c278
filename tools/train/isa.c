// SPDX-License-Identifier: Apache-2.0
#include "tools/train/isa.h"

#include <stdlib.h>
#include <string.h>

#include "tools/train/net.h"

struct isa {
    const char *name;
    void (*begin)(struct net *n);
    void (*forward)(struct net *n);
    void (*backward)(struct net *n);
    void (*end)(struct net *n);
    void (*quant_forward)(const real *in, real *out, size_t n, real step, struct quant_range range);
    void (*quant_codes)(const real *in, real *code, size_t n, real step, struct quant_range range);
    real (*quant_backward)(const real *in, real *grad, size_t n, real step,
                           struct quant_range range);
};

#define DECLARE(set)                                                                               \
    void net_begin_##set(struct net *n);                                                           \
    void net_forward_##set(struct net *n);                                                         \
    void net_backward_##set(struct net *n);                                                        \
    void net_end_##set(struct net *n);                                                             \
    void quant_forward_##set(const real *in, real *out, size_t n, real step,                       \
                             struct quant_range range);                                            \
    void quant_codes_##set(const real *in, real *code, size_t n, real step,                        \
                           struct quant_range range);                                              \
    real quant_backward_##set(const real *in, real *grad, size_t n, real step,                     \
                              struct quant_range range);                                           \
    static const struct isa table_##set = {                                                        \
        #set,          net_begin_##set,     net_forward_##set, net_backward_##set,                 \
        net_end_##set, quant_forward_##set, quant_codes_##set, quant_backward_##set}

DECLARE(base);
#ifdef TRAIN_X86
DECLARE(avx2);
DECLARE(avx512);
#endif

static const struct isa *pick(void)
{
    const char *most = getenv("SEVENCAST_TRAIN_ISA");
    (void)most;
#ifdef TRAIN_X86
    if (__builtin_cpu_supports("avx512f") && (!most || !strcmp(most, "avx512")))
        return &table_avx512;
    if (__builtin_cpu_supports("avx2") && (!most || strcmp(most, "base") != 0))
        return &table_avx2;
#endif
    return &table_base;
}

// Processes of the trainer have one thread each, so the choice needs no lock.
static const struct isa *isa(void)
{
    static const struct isa *chosen;
    if (!chosen)
        chosen = pick();
    return chosen;
}

const char *isa_name(void)
{
    return isa()->name;
}

void net_begin(struct net *n)
{
    isa()->begin(n);
}

void net_forward(struct net *n)
{
    isa()->forward(n);
}

void net_backward(struct net *n)
{
    isa()->backward(n);
}

void net_end(struct net *n)
{
    isa()->end(n);
}

void quant_forward(const real *in, real *out, size_t n, real step, struct quant_range range)
{
    isa()->quant_forward(in, out, n, step, range);
}

void quant_codes(const real *in, real *code, size_t n, real step, struct quant_range range)
{
    isa()->quant_codes(in, code, n, step, range);
}

real quant_backward(const real *in, real *grad, size_t n, real step, struct quant_range range)
{
    return isa()->quant_backward(in, grad, n, step, range);
}
