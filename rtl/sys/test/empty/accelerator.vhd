-- SPDX-License-Identifier: Apache-2.0
-- In the accelerator's place when rtl/sys alone is counted: flip-flops between its inputs and its
-- outputs and no logic, so that nothing of rtl/sys is optimised away and nothing comes on top.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

use work.variant_pkg.all;

entity accelerator is
  port (
    clk, rst      : in  std_logic;
    window_we     : in  std_logic;
    window_buffer : in  natural range 0 to 1;
    window_addr   : in  natural range 0 to window_c * features_c - 1;
    window_data   : in  integer range -128 to 127;
    start_valid   : in  std_logic;
    start_buffer  : in  natural range 0 to 1;
    start_ready   : out std_logic := '0';
    y_valid       : out std_logic := '0';
    y_last        : out std_logic := '0';
    y_data        : out integer range -32768 to 32767 := 0;
    tap_enable    : in  std_logic;
    tap_tensor    : in  natural range 0 to 15;
    tap_layer     : in  natural range 0 to 1;
    tap_row       : in  natural range 0 to 255;
    tap_valid     : out std_logic := '0';
    tap_index     : out natural range 0 to 255 := 0;
    tap_data      : out integer range -32768 to 32767 := 0);
end entity;

architecture empty of accelerator is
  -- y's 16 bits are bits that no other flip-flop holds: each window byte moves along.
  signal data, older : std_logic_vector(7 downto 0) := (others => '0');
  signal addr        : natural range 0 to window_c * features_c - 1 := 0;
  signal row         : natural range 0 to 255 := 0;
  signal tensor      : std_logic_vector(3 downto 0) := (others => '0');
  signal tap         : std_logic_vector(15 downto 0) := (others => '0');
  signal buffers     : std_logic_vector(1 downto 0) := (others => '0');
  signal layer       : std_logic_vector(0 downto 0) := (others => '0');
begin
  process (clk)
    variable low : std_logic_vector(7 downto 0);
  begin
    if rising_edge(clk) then
      data        <= std_logic_vector(to_signed(window_data, 8));
      older       <= data;
      y_data      <= to_integer(signed(older & data));
      addr        <= window_addr;
      row         <= tap_row;
      tap_index   <= row;
      tensor      <= std_logic_vector(to_unsigned(tap_tensor, 4));
      layer       <= std_logic_vector(to_unsigned(tap_layer, 1));
      buffers     <= std_logic_vector(to_unsigned(window_buffer, 1))
                     & std_logic_vector(to_unsigned(start_buffer, 1));
      low         := std_logic_vector(to_unsigned(addr mod 256, 8));
      tap         <= low & tensor & layer & buffers & rst;
      tap_data    <= to_integer(signed(tap));
      start_ready <= start_valid;
      y_valid     <= window_we;
      y_last      <= y_valid;
      tap_valid   <= tap_enable;
    end if;
  end process;
end architecture;
