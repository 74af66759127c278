# SPDX-License-Identifier: Apache-2.0
# Constraints of top_xc7s15 that hold on every board. The clock's period (clock_hz of the variant) and
# the sites (a .pins file) are written by the flow into its script, before this file is read.
# Never routed by us: the figures below follow from the chip's timing as entity ft245 states it.

# All pins run at 3.3 V. Which flip-flops go into the pads (IOB) and which are synchronisers
# (ASYNC_REG) is said in the source, rtl/sys/ft245.vhd.
set_property IOSTANDARD LVCMOS33 [get_ports]
set_property CFGBVS VCCO [current_design]
set_property CONFIG_VOLTAGE 3.3 [current_design]

# Budgets at 100 MHz, all measured in clocks of entity ft245:
# - RD# falls (9 ns out), the chip answers after 14 ns, the data come in (8 ns): 31 of 40 ns;
# - WR# falls one clock after its data: whatever the pads differ by is far below the 10 - 5 ns;
# - a strobe ends (9 ns out), RXF# or TXE# rises 14 ns later and comes in (5 ns): 28 of the 30 ns
#   that remain before the synchroniser's first flip-flop takes the value that is believed.
# RXF# and TXE# are limited for that reason; a false path would leave them any length.
set_max_delay -datapath_only 9.0 -from [get_clocks clk] \
    -to [get_ports {ft_data[*] ft_rd_n ft_wr_n ft_siwu_n}]
set_max_delay -datapath_only 8.0 -from [get_ports {ft_data[*]}] -to [get_clocks clk]
set_max_delay -datapath_only 5.0 -from [get_ports {ft_rxf_n ft_txe_n}] -to [get_clocks clk]

# Nobody waits for these.
set_false_path -to [get_ports {busy led[*]}]

# A short bitstream; fast from a flash, if there is one. USERCODE comes from the flow.
set_property BITSTREAM.GENERAL.COMPRESS TRUE [current_design]
set_property BITSTREAM.CONFIG.CONFIGRATE 33 [current_design]
set_property BITSTREAM.CONFIG.UNUSEDPIN PULLUP [current_design]
