-- SPDX-License-Identifier: Apache-2.0
-- The FIFO side of an FT2232H channel in asynchronous 245 mode, for benches: the slowest delays and
-- shortest pulses of the chip, and a check of what the design does to it. The host side is a byte
-- stream each way. Timing as remembered from the data sheet, like that of entity ft245.
library ieee;
use ieee.std_logic_1164.all;

entity ft245_chip is
  port (
    rxf_n   : out std_logic := '1';
    txe_n   : out std_logic := '1';
    rd_n    : in  std_logic;
    wr_n    : in  std_logic;
    siwu_n  : in  std_logic;
    data_i  : out std_logic_vector(7 downto 0) := (others => 'X'); -- to the design
    data_o  : in  std_logic_vector(7 downto 0);                    -- from the design
    data_oe : in  std_logic;
    -- bytes of the host for the design: offered while host_valid; host_taken toggles as one is read
    host_valid : in  std_logic;
    host_data  : in  std_logic_vector(7 downto 0);
    host_taken : out std_logic := '0';
    -- bytes of the design for the host; design_taken toggles with each; room = '0' keeps TXE# high
    room         : in  std_logic;
    design_data  : out std_logic_vector(7 downto 0) := (others => '0');
    design_taken : out std_logic := '0';
    siwu_taken   : out std_logic := '0'); -- toggles with each SIWU# pulse
end entity;

architecture bench of ft245_chip is
  constant access_c      : time := 14 ns; -- strobe to data, to RXF#, to TXE#
  constant inactive_c    : time := 49 ns; -- RXF# or TXE# high between bytes
  constant strobe_c      : time := 30 ns; -- RD#, WR# low
  constant setup_hold_c  : time := 5 ns;
  constant siwu_c        : time := 30 ns; -- not from the data sheet
begin
  to_design : process
    variable fell : time;
  begin
    rxf_n <= '1';
    wait for inactive_c;
    if host_valid /= '1' then
      wait until host_valid = '1';
    end if;
    rxf_n <= '0';
    wait until rd_n = '0';
    fell := now;
    assert data_oe = '0' report "ft245_chip: both drive the bus" severity failure;
    wait for access_c;
    assert rd_n = '0' report "ft245_chip: RD# pulse shorter than the access time" severity failure;
    data_i <= host_data;
    wait until rd_n = '1';
    assert now - fell >= strobe_c report "ft245_chip: RD# pulse too short" severity failure;
    data_i     <= (others => 'X');
    host_taken <= not host_taken;
    wait for access_c;
    rxf_n <= '1';
  end process;

  from_design : process
    variable fell : time;
  begin
    txe_n <= '1';
    wait for inactive_c;
    if room /= '1' then
      wait until room = '1';
    end if;
    txe_n <= '0';
    wait until wr_n = '0';
    fell := now;
    assert data_oe = '1' and not is_x(data_o) and data_o'last_event >= setup_hold_c
      report "ft245_chip: data not set up before WR#" severity failure;
    design_data <= data_o;
    wait for access_c;
    txe_n <= '1';
    wait until wr_n = '1';
    assert now - fell >= strobe_c report "ft245_chip: WR# pulse too short" severity failure;
    assert data_o'last_event >= now - fell and data_oe = '1' and data_oe'last_event > now - fell
      report "ft245_chip: data changed while WR# was low" severity failure;
    wait for setup_hold_c;
    assert data_o = design_data and data_oe = '1'
      report "ft245_chip: data not held after WR#" severity failure;
    design_taken <= not design_taken;
  end process;

  rules : process (rd_n, wr_n)
  begin
    if falling_edge(rd_n) then
      assert rxf_n = '0' report "ft245_chip: RD# falls while RXF# is high" severity failure;
    end if;
    if falling_edge(wr_n) then
      assert txe_n = '0' report "ft245_chip: WR# falls while TXE# is high" severity failure;
    end if;
    assert not (rd_n = '0' and wr_n = '0') report "ft245_chip: RD# and WR# low" severity failure;
  end process;

  send_immediate : process
    variable fell : time;
  begin
    wait until falling_edge(siwu_n);
    fell := now;
    wait until siwu_n = '1';
    assert now - fell >= siwu_c report "ft245_chip: SIWU# pulse too short" severity failure;
    siwu_taken <= not siwu_taken;
  end process;
end architecture;
