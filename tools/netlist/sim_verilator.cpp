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

namespace
{

// Whether the accelerator's clock ticks: an evaluation of it costs most of a clock, and while the link moves
// bytes it would change nothing. It ticks from a start until 64 clocks behind the last result (the debug tap
// ends 16 behind it, no pipeline is longer), and until 2 behind the write of a window's code (which takes 1).
class EngineClock
{
  public:
    bool ticks(const Vtop &top)
    {
        if (top.gate_rst)
            running_ = 0;
        running_ += top.gate_start;
        if (top.gate_end && running_ > 0)
            running_--;
        if (top.gate_rst || top.gate_end)
            left_ = result_clocks;
        if (top.gate_write && left_ < write_clocks)
            left_ = write_clocks;
        if (running_ > 0)
            return true;
        left_ -= left_ > 0;
        return left_ > 0;
    }

  private:
    static constexpr int result_clocks = 64 + 2, write_clocks = 2 + 2; // and that clock; 0 rests
    int running_ = 0, left_ = result_clocks;
};

} // namespace

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
    top.gate_clk = 0;
    top.eval();
    EngineClock engine_clock;
    for (;;) {
        const int pins = vboard_sim_step(pins_of(top));
        if (pins < 0)
            break;
        top.ft_rxf_n = pins & 1;
        top.ft_txe_n = pins >> 1 & 1;
        top.rst = pins >> 2 & 1;
        top.ft_data_i = static_cast<unsigned>(pins) >> 8 & 0xff;
        top.clk = 0;
        top.gate_clk = 0;
        top.eval();
        top.clk = 1;
        top.gate_clk = engine_clock.ticks(top);
        top.eval();
    }
    top.final();
    return 0;
}
