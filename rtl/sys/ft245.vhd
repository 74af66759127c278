-- SPDX-License-Identifier: Apache-2.0
-- One channel of an FT2232H in asynchronous 245 FIFO mode as two byte streams.
--
-- The chip's limits, as remembered from its data sheet (to be checked on hardware):
--   RD# low at least 30 ns, data valid at most 14 ns after RD# falls;
--   RXF# high at most 14 ns after RD# rises, for at least 49 ns;
--   WR# low at least 30 ns, data set up 5 ns before WR# falls and held 5 ns after;
--   TXE# high at most 14 ns after WR# falls, for at least 49 ns.
-- The defaults keep them at 100 MHz with a clock to spare. Data is driven from one clock before WR#
-- falls until one clock after it rises, so that it does not matter which edge the chip samples at.
library ieee;
use ieee.std_logic_1164.all;

use work.link_pkg.all;

entity ft245 is
  generic (
    rd_low_g   : positive range 2 to 15 := 4;   -- clocks that RD# is low
    wr_low_g   : positive range 2 to 15 := 4;   -- clocks that WR# is low
    -- Clocks from the end of a strobe until RXF# and TXE# are looked at again: at least the 14 ns
    -- above plus the two synchronisers.
    recovery_g : positive range 4 to 15 := 4;
    siwu_low_g : positive range 2 to 63 := 10); -- clocks that SIWU# is low
  port (
    clk, rst  : in  std_logic;
    -- pins; the first two are asynchronous
    ft_rxf_n   : in  std_logic;
    ft_txe_n   : in  std_logic;
    ft_rd_n    : out std_logic;
    ft_wr_n    : out std_logic;
    ft_siwu_n  : out std_logic;
    ft_data_i  : in  byte_t;
    ft_data_o  : out byte_t;
    ft_data_oe : out std_logic;
    -- bytes from the host
    rx_valid : out std_logic;
    rx_ready : in  std_logic;
    rx_data  : out byte_t;
    -- bytes to the host; flush: a pulse when the last byte of an answer has been taken and nothing
    -- follows
    tx_valid : in  std_logic;
    tx_ready : out std_logic;
    tx_data  : in  byte_t;
    tx_flush : in  std_logic;
    -- a strobe is under way or can begin without the host
    active   : out std_logic);
end entity;

architecture rtl of ft245 is
  type state_t is (idle, read_low, write_setup, write_low, write_hold, siwu_low, recover);

  signal state                      : state_t := idle;
  signal count                      : natural range 0 to 63 := 0;
  signal rxf_n_meta, rxf_n          : std_logic := '1';
  signal txe_n_meta, txe_n          : std_logic := '1';
  signal full                       : std_logic := '0'; -- rx_data holds a byte
  signal flush                      : std_logic := '0';
  signal taken                      : std_logic := '0';
  signal rd_n, wr_n, siwu_n         : std_logic := '1';
  signal data_oe                    : std_logic := '0';
  signal data_o, data_i             : byte_t := (others => '0');

  -- For Vivado: both flip-flops of a synchroniser side by side, never made one of a shift register
  -- or copied; whatever drives or samples a pad in the pad's own flip-flop.
  attribute async_reg               : string;
  attribute async_reg of rxf_n_meta : signal is "true";
  attribute async_reg of rxf_n      : signal is "true";
  attribute async_reg of txe_n_meta : signal is "true";
  attribute async_reg of txe_n      : signal is "true";
  attribute iob                     : string;
  attribute iob of rd_n             : signal is "true";
  attribute iob of wr_n             : signal is "true";
  attribute iob of siwu_n           : signal is "true";
  attribute iob of data_o           : signal is "true";
  attribute iob of data_i           : signal is "true";
begin
  ft_rd_n    <= rd_n;
  ft_wr_n    <= wr_n;
  ft_siwu_n  <= siwu_n;
  ft_data_o  <= data_o;
  ft_data_oe <= data_oe;
  rx_valid   <= full;
  rx_data    <= data_i;
  tx_ready   <= taken;

  active <= '1' when state /= idle or (tx_valid = '1' and txe_n = '0') or (rxf_n = '0' and full = '0')
                     or (full = '1' and rx_ready = '1') or flush = '1'
            else '0';

  process (clk)
  begin
    if rising_edge(clk) then
      rxf_n_meta <= ft_rxf_n;
      rxf_n      <= rxf_n_meta;
      txe_n_meta <= ft_txe_n;
      txe_n      <= txe_n_meta;

      if full = '1' and rx_ready = '1' then
        full <= '0';
      end if;
      if tx_flush = '1' then
        flush <= '1';
      end if;

      case state is
        when idle =>
          if tx_valid = '1' and txe_n = '0' then
            data_o  <= tx_data;
            data_oe <= '1';
            taken   <= '1';
            flush   <= '0'; -- another answer follows; its own flush comes
            state   <= write_setup;
          elsif flush = '1' and tx_valid = '0' then
            siwu_n <= '0';
            flush  <= '0';
            count  <= siwu_low_g - 1;
            state  <= siwu_low;
          elsif rxf_n = '0' and full = '0' then
            rd_n  <= '0';
            count <= rd_low_g - 1;
            state <= read_low;
          end if;

        when read_low =>
          if count = 0 then
            data_i <= ft_data_i;
            full   <= '1';
            rd_n   <= '1';
            count  <= recovery_g - 1;
            state  <= recover;
          else
            count <= count - 1;
          end if;

        when write_setup =>
          taken <= '0';
          wr_n  <= '0';
          count <= wr_low_g - 1;
          state <= write_low;

        when write_low =>
          if count = 0 then
            wr_n  <= '1';
            state <= write_hold;
          else
            count <= count - 1;
          end if;

        when write_hold =>
          data_oe <= '0';
          count   <= recovery_g - 1;
          state   <= recover;

        when siwu_low =>
          if count = 0 then
            siwu_n <= '1';
            count  <= recovery_g - 1;
            state  <= recover;
          else
            count <= count - 1;
          end if;

        when recover =>
          if count = 0 then
            state <= idle;
          else
            count <= count - 1;
          end if;
      end case;

      if rst = '1' then
        state   <= idle;
        full    <= '0';
        flush   <= '0';
        taken   <= '0';
        rd_n    <= '1';
        wr_n    <= '1';
        siwu_n  <= '1';
        data_oe <= '0';
      end if;
    end if;
  end process;
end architecture;
