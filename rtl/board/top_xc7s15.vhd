-- SPDX-License-Identifier: Apache-2.0
-- The design as it stands in a real XC7S15: entity top, a reset made from the end of configuration,
-- and the pins. The FIFO's data bus becomes bidirectional here. No primitive is instantiated: the
-- clock buffer, the tri-state buffers and the input/output flip-flops are inferred.
--
-- Asynchronous inputs: ft_rxf_n and ft_txe_n, synchronised in entity ft245 (two flip-flops each).
-- ft_data is not synchronised: the chip holds it still for the edge that samples it, which the
-- delay limits of xc7s15.xdc keep true. test/synchronisers-test.sh checks both in the netlist.
library ieee;
use ieee.std_logic_1164.all;

use work.variant_pkg.all;

entity top_xc7s15 is
  port (
    clk       : in    std_logic; -- oscillator of clock_hz_c
    -- FT2232H channel in asynchronous 245 FIFO mode
    ft_data   : inout std_logic_vector(7 downto 0);
    ft_rxf_n  : in    std_logic;
    ft_txe_n  : in    std_logic;
    ft_rd_n   : out   std_logic;
    ft_wr_n   : out   std_logic;
    ft_siwu_n : out   std_logic;
    -- 1 while the design works; the trigger of a power measurement
    busy      : out   std_logic := '0';
    -- (0) configured and out of reset, (1) busy
    led       : out   std_logic_vector(1 downto 0));
end entity;

architecture rtl of top_xc7s15 is
  constant reset_clocks_c : positive := 16;

  signal reset_shift : std_logic_vector(reset_clocks_c - 1 downto 0) := (others => '1');
  signal rst         : std_logic;
  signal working     : std_logic;
  signal shown       : std_logic := '0';
  signal data_o      : std_logic_vector(7 downto 0);
  signal data_oe     : std_logic;

  -- As flip-flops: one of a shift register in a LUT would start with the clock still unsteady.
  attribute shreg_extract                : string;
  attribute shreg_extract of reset_shift : signal is "no";
begin
  assert clock_hz_c <= 100_000_000
    report "top_xc7s15: the strobes of entity ft245 are counted for at most 100 MHz"
    severity failure;

  rst     <= reset_shift(reset_clocks_c - 1);
  busy    <= shown;
  led     <= shown & not rst;
  ft_data <= data_o when data_oe = '1' else (others => 'Z');

  design : entity work.top
    port map (
      clk => clk, rst => rst, ft_rxf_n => ft_rxf_n, ft_txe_n => ft_txe_n, ft_rd_n => ft_rd_n,
      ft_wr_n => ft_wr_n, ft_siwu_n => ft_siwu_n, ft_data_i => ft_data, ft_data_o => data_o,
      ft_data_oe => data_oe, busy => working);

  process (clk)
  begin
    if rising_edge(clk) then
      reset_shift <= reset_shift(reset_clocks_c - 2 downto 0) & '0';
      shown       <= working;
    end if;
  end process;
end architecture;
