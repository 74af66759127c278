-- SPDX-License-Identifier: Apache-2.0
-- Sums of z over the tokens, one per channel, gathered while z is written. A sum of one cycle's
-- tokens comes in; fresh starts the channel anew. Read data come one cycle after the address.
-- A channel's words follow each other at least two cycles apart or back to back (several groups of
-- one channel), which the running sum covers.
library ieee;
use ieee.std_logic_1164.all;
use work.arithmetic_pkg.all;

entity pool is
  generic (
    channels_g : positive;
    bits_g     : positive); -- of a sum
  port (
    clk         : in  std_logic;
    in_valid    : in  std_logic;
    in_fresh    : in  std_logic;
    in_channel  : in  natural range 0 to 255;
    in_sum      : in  integer;
    read_enable : in  std_logic;
    read_addr   : in  natural range 0 to last_of(channels_g);
    read_data   : out integer);
end entity;

architecture rtl of pool is
  subtype sum_t is integer range -2**(bits_g - 1) to 2**(bits_g - 1) - 1;
  type sums_t is array (0 to channels_g - 1) of sum_t;
  signal sums : sums_t := (others => 0);
begin
  process (clk)
  begin
    if rising_edge(clk) then
      if in_valid = '1' then
        if in_fresh = '1' then
          sums(in_channel mod channels_g) <= in_sum;
        else
          sums(in_channel mod channels_g) <= sums(in_channel mod channels_g) + in_sum;
        end if;
      end if;
      if read_enable = '1' then
        read_data <= sums(read_addr);
      end if;
    end if;
  end process;
end architecture;
