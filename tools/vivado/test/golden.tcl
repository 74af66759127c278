# Written by sevencast-build: variant demand-w8
# 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
puts "sevencast: reading"
read_vhdl -vhdl2008 {/rtl/core/arithmetic_pkg.vhd}
read_vhdl -vhdl2008 {/out/variant_pkg.vhd}
read_vhdl -vhdl2008 {/a folder/top_xc7s15.vhd}
read_xdc board.xdc
read_xdc {/rtl/board/xc7s15.xdc}
puts "sevencast: synthesis"
synth_design -top top_xc7s15 -part xc7s15ftgb196-1
puts "sevencast: placement"
opt_design
place_design
phys_opt_design
puts "sevencast: routing"
route_design
puts "sevencast: reports"
write_checkpoint -force routed.dcp
report_utilization -file utilization.rpt
report_timing_summary -file timing.rpt
report_route_status -file route_status.rpt
report_power -file power.rpt
puts "sevencast: bitstream"
set_property BITSTREAM.GENERAL.COMPRESS TRUE [current_design]
set_property BITSTREAM.CONFIG.USERID 0x01234567 [current_design]
write_bitstream -force routed.bit
puts "sevencast: done"
