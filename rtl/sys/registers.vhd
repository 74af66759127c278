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
    cycles         : in  cycles_t; -- of that inference
    frame_dropped  : in  std_logic;
    reset_done     : in  std_logic;
    now            : out cycles_t; -- clocks, low bits; wraps
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

  -- What never changes: registers 0..15 as bytes, a LUT a bit.
  type rom_t is array (0 to 63) of byte_t;

  function identity return rom_t is
    type words_t is array (0 to 15) of word_t;
    variable words : words_t := (others => (others => '0'));
    variable rom   : rom_t;
  begin
    words(0) := magic_c;
    words(1) := pack16(origin_c, map_version_c);
    for i in 0 to 7 loop
      words(2 + i) := hash_word(i);
    end loop;
    words(10) := pack16(features_c, window_c);
    words(11) := pack8(y_bits_c, x_bits_c, outputs_c / 256, outputs_c mod 256);
    words(12) := std_logic_vector(to_unsigned(clock_hz_c, 32));
    words(13) := pack8(0, heads_c, layers_c, 2);
    words(14) := pack8(rtl_major_c, rtl_minor_c, rtl_patch_c / 256, rtl_patch_c mod 256);
    for i in 0 to 15 loop
      for j in 0 to 3 loop
        rom(4 * i + j) := words(i)(8 * j + 7 downto 8 * j);
      end loop;
    end loop;
    return rom;
  end function;

  constant rom_c : rom_t := identity;

  signal fixed      : byte_t := (others => '0');
  signal word       : word_t := (others => '0');
  signal from_word  : std_logic := '0';
  signal latest     : cycles_t := 0;
  signal inferences : unsigned(31 downto 0) := (others => '0');
  signal dropped    : natural range 0 to 255 := 0; -- these two stop at their end
  signal resets     : natural range 0 to 255 := 0;
  -- The clock count in two parts, so that simulation adds to a small one only.
  signal clocks_low   : cycles_t := 0;
  signal clocks_high  : unsigned(23 downto 0) := (others => '0');
  signal latched_high : unsigned(15 downto 0) := (others => '0');
begin
  assert window_c <= 65535 and features_c <= 65535 and outputs_c <= 65535 and origin_c <= 1
    report "registers: variant_pkg does not fit the register map" severity failure;

  now  <= clocks_low;
  data <= word(7 downto 0) when from_word = '1' else fixed;

  process (clk)
    variable number     : natural range 0 to 31;
    variable status     : natural range 0 to 7;
    variable low        : unsigned(15 downto 0);
  begin
    if rising_edge(clk) then
      if read_enable = '1' then
        number := (first + index / 4) mod 32;
        fixed  <= rom_c(4 * (number mod 16) + index mod 4);
        status := 2 * windows_held;
        if engine_busy = '1' then
          status := status + 1;
        end if;
        from_word <= '0';
        if number >= 16 then
          from_word <= '1';
        end if;
        -- Few registers have high bits, so the low ones are chosen first.
        low := (others => '0');
        case number mod 8 is
          when 0         => low(2 downto 0) := to_unsigned(status, 3);
          when 1 | 2 | 5 => null;
          when 3         => low(7 downto 0) := to_unsigned(dropped, 8);
          when 4         => low(7 downto 0) := to_unsigned(resets, 8);
          when 6 | 7     => low := latched_high;
        end case;
        if index mod 4 /= 0 then
          word <= x"00" & word(31 downto 8);
        elsif number mod 8 = 1 then
          word <= std_logic_vector(to_unsigned(latest, 32));
        elsif number mod 8 = 2 then
          word <= std_logic_vector(inferences);
        elsif number mod 8 = 5 then
          word         <= std_logic_vector(clocks_high(7 downto 0))
                          & std_logic_vector(to_unsigned(clocks_low, 24));
          latched_high <= clocks_high(23 downto 8);
        else
          word <= x"0000" & std_logic_vector(low);
        end if;
      end if;

      if inference_done = '1' then
        latest     <= cycles;
        inferences <= inferences + 1;
      end if;
      if frame_dropped = '1' and dropped /= 255 then
        dropped <= dropped + 1;
      end if;
      if reset_done = '1' and resets /= 255 then
        resets <= resets + 1;
      end if;

      if clocks_low /= cycles_t'high then
        clocks_low <= clocks_low + 1;
      else
        clocks_low  <= 0;
        clocks_high <= clocks_high + 1;
      end if;

      if rst = '1' then
        latest      <= 0;
        inferences  <= (others => '0');
        dropped     <= 0;
        resets      <= 0;
        clocks_low  <= 0;
        clocks_high <= (others => '0');
      end if;
    end if;
  end process;
end architecture;
