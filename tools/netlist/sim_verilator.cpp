// SPDX-License-Identifier: Apache-2.0
// The simulated board's engine from a netlist: what board_bench.vhd does in GHDL's simulation, with the
// model that Verilator makes of the repaired netlist. sim_host.c is on the other side of both.
// C++ because Verilator's models are; `sevencast-netlist verilate` compiles it with them.
#include "Vtop.h"
#include "verilated.h"

#ifndef CLOCK_HZ
#error "CLOCK_HZ must be the variant's clock"
#endif

extern "C" {
int vboard_sim_open(int clock_hz);
int vboard_sim_step(int pins);
}

double sc_time_stamp()
{
    return 0;
}

static int pins_of(const Vtop &top)
{
    const int data = top.ft_data_oe ? top.ft_data_o : 0;
    return top.ft_rd_n | top.ft_wr_n << 1 | top.ft_siwu_n << 2 | top.busy << 3 |
           top.ft_data_oe << 4 | data << 8;
}

int main()
{
    if (!vboard_sim_open(CLOCK_HZ))
        return 1;
    VerilatedContext context;
    Vtop top(&context);
    top.clk = 0;
    top.rst = 1;
    top.ft_rxf_n = 1;
    top.ft_txe_n = 1;
    top.eval();
    for (;;) {
        const int pins = vboard_sim_step(pins_of(top));
        if (pins < 0)
            break;
        top.ft_rxf_n = pins & 1;
        top.ft_txe_n = pins >> 1 & 1;
        top.rst = pins >> 2 & 1;
        top.ft_data_i = static_cast<unsigned>(pins) >> 8 & 0xff;
        top.clk = 0;
        top.eval();
        top.clk = 1;
        top.eval();
    }
    top.final();
    return 0;
}
