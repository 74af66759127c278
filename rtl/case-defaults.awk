# SPDX-License-Identifier: Apache-2.0
# The Verilog writer of GHDL 2.0 leaves defaults out of its case statements, which would make
# latches. What no state selects may be anything. For counting and looking only: what is run as a
# netlist goes through sevencast-netlist.
/^ *endcase/ { print "      default: " target " <= 'bx;" }
/ <= / && /: / { split($0, side, ": "); split(side[2], word, " "); target = word[1] }
{ print }
