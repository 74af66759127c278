-- SPDX-License-Identifier: Apache-2.0
-- A stand-in for the accelerator that computes something simple of its window x and takes as long
-- as the window says, so that the system round it can be tested alone:
--   x(0) = -8     never ends (a wedge that only rst cures)
--   x(1) = -8     drifts: every second run since a window was written has one more in y(0)
--   latency       40 + 100 * (x(0) + 8) clocks
--   y(k)          sum over i of x(i) * (i + 1) * 37 * (k + 1)
--   tap element i 1000 * tensor + 100 * layer + 10 * row + i + x(1), except that tensor v (4) does
--                 not exist; from element 63 down, the last ones come after y_last
library ieee;
use ieee.std_logic_1164.all;

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
    start_ready   : out std_logic;
    y_valid       : out std_logic;
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

architecture standin of accelerator is
  constant size_c : positive := window_c * features_c;

  type state_t is (ready, summing, waiting, wedged, result);
  type memory_t is array (0 to 2 * size_c - 1) of integer range -128 to 127;

  signal memory  : memory_t := (others => 0);
  signal state   : state_t := ready;
  signal base    : natural range 0 to size_c := 0;
  signal index   : natural range 0 to size_c := 0;
  signal sum     : integer range -32768 to 32767 := 0;
  signal left    : natural range 0 to 2047 := 0;
  signal second  : integer range -128 to 127 := 0;
  signal valid   : std_logic := '0';
  signal drift   : natural range 0 to 1 := 0;
  signal tapping : std_logic := '0';
  signal tensor  : natural range 0 to 15 := 0;
  signal layer   : natural range 0 to 1 := 0;
  signal row     : natural range 0 to 255 := 0;
  signal element : natural range 0 to 63 := 0;
begin
  start_ready <= '1' when state = ready else '0';
  y_valid     <= valid;

  process (clk)
    variable x : integer range -128 to 127;
  begin
    if rising_edge(clk) then
      if window_we = '1' then
        memory(window_buffer * size_c + window_addr) <= window_data;
        drift <= 0;
      end if;
      valid  <= '0';
      y_last <= '0';

      -- a tap of 64 elements, a dozen of them after y_last
      tap_valid <= '0';
      if tapping = '1' and ((state = waiting and left <= 52) or state = result or state = ready) then
        tap_valid <= '1';
        tap_index <= element;
        tap_data  <= 1000 * tensor + 100 * layer + 10 * row + element + second;
        if element = 0 then
          tapping <= '0';
        else
          element <= element - 1;
        end if;
      end if;

      case state is
        when ready =>
          if start_valid = '1' then
            base  <= start_buffer * size_c;
            index <= 0;
            sum   <= 0;
            state <= summing;
            tapping <= '0';
            element <= 63;
            if tap_enable = '1' and tap_tensor /= 4 then
              tapping <= '1';
            end if;
            tensor <= tap_tensor;
            layer  <= tap_layer;
            row    <= tap_row;
          end if;

        when summing =>
          if index /= size_c then
            x := memory(base + index);
            if index = 0 then
              left <= 41 + 100 * (x + 8) - size_c - 1 - outputs_c;
            elsif index = 1 then
              second <= x;
            end if;
            sum   <= sum + x * (index + 1) * 37;
            index <= index + 1;
          elsif memory(base) = -8 then
            state <= wedged;
          else
            index <= 0;
            state <= waiting;
          end if;

        when waiting =>
          left <= left - 1;
          if left = 2 then
            state <= result;
          end if;

        when wedged =>
          null;

        when result =>
          valid  <= '1';
          y_data <= sum * (index + 1);
          if second = -8 and index = 0 then
            y_data <= sum * (index + 1) + drift;
          end if;
          if index = outputs_c - 1 then
            y_last <= '1';
            drift  <= 1 - drift;
            state  <= ready;
          end if;
          index <= index + 1;
      end case;

      if rst = '1' then
        state   <= ready;
        valid   <= '0';
        tapping <= '0';
      end if;
    end if;
  end process;
end architecture;
