-- SPDX-License-Identifier: Apache-2.0
-- The debug tap of requantised tensors: the elements of one row of one tensor as they come.
-- Timing: two cycles after in_valid.
library ieee;
use ieee.std_logic_1164.all;
use work.arithmetic_pkg.all;

entity writer_tap is
  generic (
    lanes_g : positive;
    bits_g  : positive range 2 to 16); -- of a code
  port (
    clk         : in  std_logic;
    rst         : in  std_logic;
    enable      : in  std_logic;
    tensor      : in  natural range 0 to 15; -- the row wanted, as the next two
    layer       : in  natural range 0 to 1;
    row         : in  natural range 0 to 255;
    in_valid    : in  std_logic;
    in_tensor   : in  natural range 0 to 15; -- what comes: lanes_g rows from in_row on, in_rows valid
    in_layer    : in  natural range 0 to 1;
    in_row      : in  natural range 0 to 255;
    in_rows     : in  natural range 0 to 64;
    in_index    : in  natural range 0 to 255;
    in_codes    : in  int_array_t(0 to lanes_g - 1);
    tap_valid   : out std_logic := '0';
    tap_index   : out natural range 0 to 255 := 0;
    tap_data    : out integer range -32768 to 32767 := 0);
end entity;

architecture rtl of writer_tap is
  subtype code_t is integer range -2**(bits_g - 1) to 2**(bits_g - 1) - 1;
  type code_array_t is array (natural range <>) of code_t;
begin
  process (clk)
    variable hit    : boolean := false;
    variable lane   : integer range -256 to 255 := 0;
    variable rows   : natural range 0 to 64 := 0;
    variable codes  : code_array_t(0 to lanes_g - 1) := (others => 0);
    variable chosen : code_t := 0;
  begin
    if rising_edge(clk) then
      tap_valid <= '0';
      for i in 0 to lanes_g - 1 loop
        if lane = i then
          chosen := codes(i);
          if hit and i < rows then
            tap_valid <= '1';
          end if;
        end if;
      end loop;
      tap_data <= chosen;
      lane := row - in_row;
      rows := in_rows;
      hit := in_valid = '1' and enable = '1' and tensor = in_tensor and layer = in_layer;
      for i in 0 to lanes_g - 1 loop
        codes(i) := in_codes(i);
      end loop;
      if rst = '1' then
        tap_valid <= '0';
        hit := false;
      end if;
    end if;
  end process;

  -- the index comes along
  process (clk)
    variable index : natural range 0 to 255 := 0;
  begin
    if rising_edge(clk) then
      tap_index <= index;
      index := in_index;
    end if;
  end process;
end architecture;
