// SPDX-License-Identifier: Apache-2.0
// The files that hold training's arithmetic (net_run.c, kernel.c, quant.c) are compiled once for
// every instruction set of the library, under names of their own; isa.c picks one at run time.
// Floating point is compiled as written, so all of them give the same bits.
#ifndef SEVENCAST_TRAIN_ISA_H
#define SEVENCAST_TRAIN_ISA_H

#ifdef TRAIN_ISA // the suffix; without it the functions have their plain names
#define ISA_JOIN(name, isa) name##_##isa
#define ISA_NAME(name, isa) ISA_JOIN(name, isa)
#define net_begin           ISA_NAME(net_begin, TRAIN_ISA)
#define net_forward         ISA_NAME(net_forward, TRAIN_ISA)
#define net_backward        ISA_NAME(net_backward, TRAIN_ISA)
#define net_end             ISA_NAME(net_end, TRAIN_ISA)
#define kernel_weights      ISA_NAME(kernel_weights, TRAIN_ISA)
#define kernel_lanes        ISA_NAME(kernel_lanes, TRAIN_ISA)
#define kernel_gradient     ISA_NAME(kernel_gradient, TRAIN_ISA)
#define quant_forward       ISA_NAME(quant_forward, TRAIN_ISA)
#define quant_codes         ISA_NAME(quant_codes, TRAIN_ISA)
#define quant_backward      ISA_NAME(quant_backward, TRAIN_ISA)
#endif

// "base", "avx2" or "avx512": what this process computes with. SEVENCAST_TRAIN_ISA in the
// environment asks for less than the machine has; what it cannot have is not chosen.
const char *isa_name(void);

#endif
