-- SPDX-License-Identifier: Apache-2.0
-- The simulated board around the design: a clock, a reset and the FIFO pins of an FT2232H, which
-- sim_host.c moves once per clock. Not a test bench: it ends when its board process does.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

package vboard_sim_pkg is
  -- Pins from the design: 0 RD#, 1 WR#, 2 SIWU#, 3 busy, 4 data output enable, 15..8 data.
  -- Pins to the design: 0 RXF#, 1 TXE#, 2 reset, 15..8 data; -1 ends the simulation.
  function vboard_sim_open(clock_hz : integer) return integer;
  attribute foreign of vboard_sim_open : function is "VHPIDIRECT vboard_sim_open";
  function vboard_sim_step(pins : integer) return integer;
  attribute foreign of vboard_sim_step : function is "VHPIDIRECT vboard_sim_step";
end package;

package body vboard_sim_pkg is
  function vboard_sim_open(clock_hz : integer) return integer is
  begin
    report "vboard_sim_open is not linked" severity failure;
    return 0;
  end function;

  function vboard_sim_step(pins : integer) return integer is
  begin
    report "vboard_sim_step is not linked" severity failure;
    return -1;
  end function;
end package body;

library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

use work.variant_pkg.all;
use work.vboard_sim_pkg.all;

entity board_bench is
end entity;

architecture sim of board_bench is
  constant half_period_c : time := 1 sec / clock_hz_c / 2;

  signal clk                     : std_logic := '0';
  signal rst                     : std_logic := '1';
  signal rxf_n, txe_n            : std_logic := '1';
  signal rd_n, wr_n, siwu_n      : std_logic;
  signal data_i                  : std_logic_vector(7 downto 0) := (others => '0');
  signal data_o                  : std_logic_vector(7 downto 0);
  signal data_oe, busy           : std_logic;

  function bit_of(s : std_logic; weight : natural) return natural is
  begin
    if s = '1' then
      return weight;
    end if;
    return 0;
  end function;
begin
  dut : entity work.top
    port map (clk        => clk,
              rst        => rst,
              ft_rxf_n   => rxf_n,
              ft_txe_n   => txe_n,
              ft_rd_n    => rd_n,
              ft_wr_n    => wr_n,
              ft_siwu_n  => siwu_n,
              ft_data_i  => data_i,
              ft_data_o  => data_o,
              ft_data_oe => data_oe,
              busy       => busy);

  board : process
    variable driven, pins : integer;
    variable data         : natural range 0 to 255;
  begin
    if vboard_sim_open(clock_hz_c) = 0 then
      wait;
    end if;
    loop
      data := 0;
      if data_oe = '1' then
        data := to_integer(unsigned(data_o));
      end if;
      driven := vboard_sim_step(bit_of(rd_n, 1) + bit_of(wr_n, 2) + bit_of(siwu_n, 4) +
                                bit_of(busy, 8) + bit_of(data_oe, 16) + 256 * data);
      exit when driven < 0;
      pins   := driven;
      rxf_n  <= '1' when pins mod 2 = 1 else '0';
      txe_n  <= '1' when (pins / 2) mod 2 = 1 else '0';
      rst    <= '1' when (pins / 4) mod 2 = 1 else '0';
      data_i <= std_logic_vector(to_unsigned(pins / 256, 8));
      clk    <= '0';
      wait for half_period_c;
      clk    <= '1';
      wait for half_period_c;
    end loop;
    wait; -- nothing else moves: the simulation ends
  end process;
end architecture;
