-- SPDX-License-Identifier: Apache-2.0
-- top with the stand-in accelerator behind the chip model, driven by a script (made by top_cases.c,
-- which also judges what came back). One command a line:
--   s HH HH ...  the host sends bytes; goes on when the design has read all of them
--   r N          wait until N bytes have come back since power-on, then for SIWU#
--   w N          wait N clocks
--   t N          the host reads nothing for the next N us
--   b 0 | b 1    check busy now
-- Bytes that come back go to received_g, one a line, in hexadecimal; a line S is a SIWU# pulse.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

library std;
use std.textio.all;

entity top_tb is
  generic (
    script_g   : string;
    received_g : string;
    -- The clock stands still 16 clocks after the design said that it is not busy, until the chip's
    -- pins change: what the virtual board does. Nothing may get lost by it.
    sleep_g    : boolean := false;
    -- The wrapper for a board instead of top: its bidirectional bus, its own reset.
    board_g    : boolean := false);
end entity;

architecture bench of top_tb is
  constant clock_c : time := 10 ns;

  signal clk, ended                 : std_logic := '0';
  signal rst                        : std_logic := '1';
  signal rxf_n, txe_n, oe, busy     : std_logic;
  signal rd_n, wr_n, siwu_n         : std_logic;
  signal to_design, from_design     : std_logic_vector(7 downto 0);
  signal host_valid, host_taken     : std_logic := '0';
  signal host_data, design_data     : std_logic_vector(7 downto 0) := (others => '0');
  signal design_taken, siwu_taken   : std_logic := '0';
  signal room                       : std_logic := '1';
  signal arrived, pulses            : natural := 0;
  signal clocks, slept              : natural := 0;

  -- A component, so that benches of top need not compile the wrapper.
  component top_xc7s15 is
    port (
      clk       : in    std_logic;
      ft_data   : inout std_logic_vector(7 downto 0);
      ft_rxf_n  : in    std_logic;
      ft_txe_n  : in    std_logic;
      ft_rd_n   : out   std_logic;
      ft_wr_n   : out   std_logic;
      ft_siwu_n : out   std_logic;
      busy      : out   std_logic;
      led       : out   std_logic_vector(1 downto 0));
  end component;
begin
  clock : process
    variable quiet : natural := 0;
  begin
    while ended = '0' loop
      clk <= '1';
      wait for clock_c / 2;
      clk <= '0';
      wait for clock_c / 2;
      clocks <= clocks + 1;
      quiet  := quiet + 1;
      if busy /= '0' or rd_n = '0' or wr_n = '0' or siwu_n = '0' or rst = '1'
         or rxf_n'last_event < 16 * clock_c or txe_n'last_event < 16 * clock_c then
        quiet := 0;
      elsif sleep_g and quiet = 16 then
        quiet := 0;
        slept <= slept + 1;
        wait on rxf_n, txe_n, ended;
      end if;
    end loop;
    wait;
  end process;

  rst <= '0' after 10 * clock_c;

  chip : entity work.ft245_chip
    port map (
      rxf_n => rxf_n, txe_n => txe_n, rd_n => rd_n, wr_n => wr_n, siwu_n => siwu_n,
      data_i => to_design, data_o => from_design, data_oe => oe, host_valid => host_valid,
      host_data => host_data, host_taken => host_taken, room => room,
      design_data => design_data, design_taken => design_taken, siwu_taken => siwu_taken);

  design : if not board_g generate
    dut : entity work.top
      port map (
        clk => clk, rst => rst, ft_rxf_n => rxf_n, ft_txe_n => txe_n, ft_rd_n => rd_n,
        ft_wr_n => wr_n, ft_siwu_n => siwu_n, ft_data_i => to_design, ft_data_o => from_design,
        ft_data_oe => oe, busy => busy);
  end generate;

  board : if board_g generate
    constant floating_c : std_logic_vector(7 downto 0) := (others => 'Z');
    signal ft_data      : std_logic_vector(7 downto 0);
    signal chip_drives  : std_logic := '0';
    signal led          : std_logic_vector(1 downto 0);
  begin
    -- The chip turns its pads on a little after RD# fell, off at once when it rises.
    chip_drives <= '0' when rd_n /= '0' else '1' after 10 ns;
    ft_data     <= to_design when chip_drives = '1' else floating_c;
    from_design <= ft_data;
    oe          <= '1' when chip_drives = '0' and ft_data /= floating_c else '0';

    dut : component top_xc7s15
      port map (
        clk => clk, ft_data => ft_data, ft_rxf_n => rxf_n, ft_txe_n => txe_n, ft_rd_n => rd_n,
        ft_wr_n => wr_n, ft_siwu_n => siwu_n, busy => busy, led => led);

    status : process
    begin
      wait until rst = '0';
      wait for 10 * clock_c; -- the wrapper's own reset is 16 clocks long
      assert led(0) = '1' report "top_tb: led(0) is dark after the reset" severity failure;
      wait until busy = '1' for 1 ms;
      wait for 1 ns;
      assert led = "11" report "top_tb: led(1) does not show busy" severity failure;
      wait;
    end process;
  end generate;

  host_reads : process (design_taken, siwu_taken)
    file received : text open write_mode is received_g;
    variable l    : line;
  begin
    if design_taken'event then
      hwrite(l, design_data);
      writeline(received, l);
      arrived <= arrived + 1;
    end if;
    if siwu_taken'event then
      write(l, string'("S"));
      writeline(received, l);
      pulses <= pulses + 1;
    end if;
  end process;

  host : process
    file script      : text open read_mode is script_g;
    variable l       : line;
    variable command : character;
    variable good    : boolean;
    variable data    : std_logic_vector(7 downto 0);
    variable taken   : std_logic;
    variable number  : natural;
    variable seen    : natural;
    variable checks  : natural := 0;
  begin
    wait until rst = '0';
    while not endfile(script) loop
      readline(script, l);
      read(l, command);
      case command is
        when 's' =>
          loop
            hread(l, data, good);
            exit when not good;
            host_data  <= data;
            host_valid <= '1';
            taken := host_taken;
            wait on host_taken for 2 ms;
            assert host_taken /= taken
              report "top_tb: the design does not read" severity failure;
            host_valid <= '0';
            wait for 1 ns;
          end loop;
        when 'r' =>
          read(l, number);
          seen := pulses;
          if arrived < number then
            wait until arrived >= number for 1 ms;
            assert arrived = number
              report "top_tb: " & natural'image(arrived) & " bytes came, not "
                     & natural'image(number) severity failure;
            if pulses = seen then
              wait until pulses /= seen for 2 us;
              assert pulses /= seen report "top_tb: no SIWU# at the end" severity failure;
            end if;
          end if;
          wait for 1 us;
          assert arrived = number
            report "top_tb: more than " & natural'image(number) & " bytes came" severity failure;
          checks := checks + 1;
        when 'w' =>
          read(l, number);
          wait for number * clock_c;
        when 't' =>
          read(l, number);
          room <= '0', '1' after number * 1 us;
        when 'b' =>
          read(l, number);
          assert (number = 1) = (busy = '1') report "top_tb: busy is wrong" severity failure;
          checks := checks + 1;
        when others =>
          report "top_tb: unknown command" severity failure;
      end case;
    end loop;
    assert (slept > 0) = sleep_g report "top_tb: the clock never stood still" severity failure;
    write(l, string'("top_tb: PASS ") & natural'image(checks) & " checks, "
             & natural'image(arrived) & " bytes received, " & natural'image(clocks)
             & " clocks, slept " & natural'image(slept) & " times");
    writeline(output, l);
    ended <= '1';
    wait;
  end process;
end architecture;
