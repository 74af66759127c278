-- SPDX-License-Identifier: Apache-2.0
-- ft245 against the chip model: numbered bytes both ways at once with random stalls on all four
-- sides; none may be lost, doubled or changed, and the chip's timing must hold. Then SIWU#.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use ieee.math_real.all;

library std;
use std.textio.all;

entity ft245_tb is
  generic (
    seed_g  : positive := 1;
    bytes_g : positive := 3000);
end entity;

architecture bench of ft245_tb is
  constant clock_c : time := 10 ns;

  signal clk, ended                 : std_logic := '0';
  signal rst                        : std_logic := '1';
  signal rxf_n, txe_n, oe           : std_logic;
  signal rd_n, wr_n, siwu_n         : std_logic;
  signal to_design, from_design     : std_logic_vector(7 downto 0);
  signal host_valid, host_taken     : std_logic := '0';
  signal host_data, design_data     : std_logic_vector(7 downto 0) := (others => '0');
  signal design_taken, siwu_taken   : std_logic := '0';
  signal room                       : std_logic := '1';
  signal rx_valid, rx_ready         : std_logic := '0';
  signal tx_valid, tx_ready         : std_logic := '0';
  signal tx_flush, active           : std_logic := '0';
  signal rx_data, tx_data           : std_logic_vector(7 downto 0) := (others => '0');
  signal received, sent, arrived    : natural := 0;
  signal pulses                     : natural := 0;

  -- A byte stream without period 256, so that a lost block shows.
  function byte_of(number, salt : natural) return std_logic_vector is
  begin
    return std_logic_vector(to_unsigned((number * 7 + number / 251 + salt) mod 256, 8));
  end function;
begin
  clk <= not clk after clock_c / 2 when ended = '0';
  rst <= '0' after 10 * clock_c;

  chip : entity work.ft245_chip
    port map (
      rxf_n => rxf_n, txe_n => txe_n, rd_n => rd_n, wr_n => wr_n, siwu_n => siwu_n,
      data_i => to_design, data_o => from_design, data_oe => oe, host_valid => host_valid,
      host_data => host_data, host_taken => host_taken, room => room,
      design_data => design_data, design_taken => design_taken, siwu_taken => siwu_taken);

  dut : entity work.ft245
    port map (
      clk => clk, rst => rst, ft_rxf_n => rxf_n, ft_txe_n => txe_n, ft_rd_n => rd_n,
      ft_wr_n => wr_n, ft_siwu_n => siwu_n, ft_data_i => to_design, ft_data_o => from_design,
      ft_data_oe => oe, rx_valid => rx_valid, rx_ready => rx_ready, rx_data => rx_data,
      tx_valid => tx_valid, tx_ready => tx_ready, tx_data => tx_data, tx_flush => tx_flush,
      active => active);

  -- The host writes, with gaps that are no multiples of a clock.
  host_writes : process
    variable seed1 : positive := seed_g;
    variable seed2 : positive := 11;
    variable u     : real;
  begin
    for number in 0 to bytes_g - 1 loop
      uniform(seed1, seed2, u);
      if u > 0.8 then
        wait for u * 700 ns;
      end if;
      host_data  <= byte_of(number, 0);
      host_valid <= '1';
      wait on host_taken;
      host_valid <= '0';
      wait for 1 ns;
    end loop;
    wait;
  end process;

  host_reads : process
    variable seed1 : positive := seed_g;
    variable seed2 : positive := 13;
    variable u     : real;
  begin
    wait on design_taken;
    assert design_data = byte_of(arrived, 99)
      report "ft245_tb: byte " & natural'image(arrived) & " to the host is wrong" severity failure;
    arrived <= arrived + 1;
    uniform(seed1, seed2, u);
    if u > 0.9 then
      room <= '0', '1' after u * 900 ns;
    end if;
  end process;

  design_reads : process (clk)
    variable seed1 : positive := seed_g;
    variable seed2 : positive := 17;
    variable u     : real;
  begin
    if rising_edge(clk) then
      if rx_valid = '1' and rx_ready = '1' then
        assert rx_data = byte_of(received, 0)
          report "ft245_tb: byte " & natural'image(received) & " to the design is wrong"
          severity failure;
        received <= received + 1;
      end if;
      uniform(seed1, seed2, u);
      rx_ready <= '0';
      if u > 0.5 then
        rx_ready <= '1';
      end if;
    end if;
  end process;

  design_writes : process (clk)
    variable seed1 : positive := seed_g;
    variable seed2 : positive := 19;
    variable u     : real;
  begin
    if rising_edge(clk) then
      uniform(seed1, seed2, u);
      if tx_valid = '1' and tx_ready = '1' then
        tx_valid <= '0';
        sent     <= sent + 1;
      elsif tx_valid = '0' and sent < bytes_g and u > 0.4 then
        tx_valid <= '1';
        tx_data  <= byte_of(sent, 99);
      end if;
    end if;
  end process;

  count_pulses : process (siwu_taken)
  begin
    if siwu_taken'event then
      pulses <= pulses + 1;
    end if;
  end process;

  judge : process
    variable l : line;
  begin
    wait until received = bytes_g and arrived = bytes_g;
    assert pulses = 0 report "ft245_tb: SIWU# without a flush" severity failure;
    wait for 2 us;
    assert active = '0' report "ft245_tb: active with nothing to do" severity failure;
    wait until rising_edge(clk);
    tx_flush <= '1';
    wait until rising_edge(clk);
    tx_flush <= '0';
    wait for 2 us;
    assert pulses = 1 report "ft245_tb: no SIWU# after a flush" severity failure;
    assert received = bytes_g and arrived = bytes_g and sent = bytes_g
      report "ft245_tb: bytes doubled" severity failure;
    write(l, string'("ft245_tb: PASS ") & natural'image(received + arrived) & " bytes in "
             & natural'image(now / clock_c) & " clocks");
    writeline(output, l);
    ended <= '1';
    wait;
  end process;
end architecture;
