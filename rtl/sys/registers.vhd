-- SPDX-License-Identifier: Apache-2.0
-- The register map (PROTOCOL.md 1.3): what the variant is, and counters that only power-on clears.
-- Read byte by byte in order, as the link sends it: byte 0 of a register loads the word, the
-- others shift it out, so that a word is never torn.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

use work.link_pkg.all;
use work.variant_pkg.all;

entity registers is
  port (
    clk, rst : in  std_logic; -- rst: power-on
    -- events, one pulse each
    inference_done : in  std_logic;
    cycles         : in  natural; -- of that inference
    frame_dropped  : in  std_logic;
    reset_done     : in  std_logic;
    -- status
    engine_busy    : in  std_logic;
    windows_held   : in  natural range 0 to 2;
    -- read: index counts bytes from those of register first; the data stand one clock later
    read_enable    : in  std_logic;
    first          : in  natural range 0 to 31;
    index          : in  natural range 0 to max_payload_c - 1;
    data           : out byte_t);
end entity;

architecture rtl of registers is
  constant map_version_c : natural := 1;
  constant rtl_major_c   : natural := 0;
  constant rtl_minor_c   : natural := 1;
  constant rtl_patch_c   : natural := 0;
  constant magic_c       : word_t := x"54534337"; -- "7CST"

  function pack16(high, low : natural) return word_t is
  begin
    return std_logic_vector(to_unsigned(high, 16)) & std_logic_vector(to_unsigned(low, 16));
  end function;

  function pack8(byte3, byte2, byte1, byte0 : natural) return word_t is
  begin
    return std_logic_vector(to_unsigned(byte3, 8)) & std_logic_vector(to_unsigned(byte2, 8))
           & std_logic_vector(to_unsigned(byte1, 8)) & std_logic_vector(to_unsigned(byte0, 8));
  end function;

  function hash_word(number : natural) return word_t is
  begin
    return variant_hash_c(32 * number + 31 downto 32 * number);
  end function;

  signal word       : word_t := (others => '0');
  signal latest     : natural := 0;
  signal inferences : unsigned(31 downto 0) := (others => '0');
  signal dropped    : natural range 0 to 65535 := 0; -- these two stop at their end
  signal resets     : natural range 0 to 65535 := 0;
  -- The clock count in three parts, so that simulation adds to a small one only.
  signal clocks_mid   : unsigned(15 downto 0) := (others => '0');
  signal clocks_high  : unsigned(31 downto 0) := (others => '0');
  signal latched_high : unsigned(31 downto 0) := (others => '0');
begin
  assert window_c <= 65535 and features_c <= 65535 and outputs_c <= 65535 and origin_c <= 1
    report "registers: variant_pkg does not fit the register map" severity failure;

  data <= word(7 downto 0);

  process (clk)
    variable clocks_low : natural range 0 to 65535 := 0;
    variable number     : natural range 0 to 31;
    variable status     : natural range 0 to 7;
  begin
    if rising_edge(clk) then
      if read_enable = '1' then
        if index mod 4 /= 0 then
          word <= x"00" & word(31 downto 8);
        else
          number := (first + index / 4) mod 32;
          status := 2 * windows_held;
          if engine_busy = '1' then
            status := status + 1;
          end if;
          case number is
            when 0       => word <= magic_c;
            when 1       => word <= pack16(origin_c, map_version_c);
            when 2       => word <= hash_word(0);
            when 3       => word <= hash_word(1);
            when 4       => word <= hash_word(2);
            when 5       => word <= hash_word(3);
            when 6       => word <= hash_word(4);
            when 7       => word <= hash_word(5);
            when 8       => word <= hash_word(6);
            when 9       => word <= hash_word(7);
            when 10      => word <= pack16(features_c, window_c);
            when 11      => word <= pack8(y_bits_c, x_bits_c, outputs_c / 256, outputs_c mod 256);
            when 12      => word <= std_logic_vector(to_unsigned(clock_hz_c, 32));
            when 13      => word <= pack8(0, heads_c, layers_c, 2);
            when 14      => word <= pack8(rtl_major_c, rtl_minor_c, rtl_patch_c / 256,
                                          rtl_patch_c mod 256);
            when 16      => word <= std_logic_vector(to_unsigned(status, 32));
            when 17      => word <= std_logic_vector(to_unsigned(latest, 32));
            when 18      => word <= std_logic_vector(inferences);
            when 19      => word <= pack16(0, dropped);
            when 20      => word <= pack16(0, resets);
            when 21      =>
              word         <= std_logic_vector(clocks_mid)
                              & std_logic_vector(to_unsigned(clocks_low, 16));
              latched_high <= clocks_high;
            when 22      => word <= std_logic_vector(latched_high);
            when 15 | 23 | 24 | 25 | 26 | 27 | 28 | 29 | 30 | 31 =>
              word <= (others => '0');
          end case;
        end if;
      end if;

      if inference_done = '1' then
        latest     <= cycles;
        inferences <= inferences + 1;
      end if;
      if frame_dropped = '1' and dropped /= 65535 then
        dropped <= dropped + 1;
      end if;
      if reset_done = '1' and resets /= 65535 then
        resets <= resets + 1;
      end if;

      if clocks_low /= 65535 then
        clocks_low := clocks_low + 1;
      else
        clocks_low := 0;
        clocks_mid <= clocks_mid + 1;
        if clocks_mid = 65535 then
          clocks_high <= clocks_high + 1;
        end if;
      end if;

      if rst = '1' then
        latest      <= 0;
        inferences  <= (others => '0');
        dropped     <= 0;
        resets      <= 0;
        clocks_low  := 0;
        clocks_mid  <= (others => '0');
        clocks_high <= (others => '0');
      end if;
    end if;
  end process;
end architecture;
