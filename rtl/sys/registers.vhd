-- SPDX-License-Identifier: Apache-2.0
-- The register map (PROTOCOL.md 1.3): what the variant is, and counters that only power-on clears.
-- Read bit by bit in order, as the link sends it, from a snapshot, so that nothing is torn.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

use work.answer_pkg.all;
use work.link_pkg.all;
use work.variant_pkg.all;

entity registers is
  port (
    clk, rst : in  std_logic; -- rst: power-on
    -- a bit of each count of the ledger, as of the clock of snapshot, at read_place
    clocks_low     : in  std_logic;
    clocks_high    : in  std_logic;
    done           : in  std_logic;
    latest         : in  std_logic;
    -- events, one pulse each
    frame_dropped  : in  std_logic;
    reset_done     : in  std_logic;
    -- status
    engine_busy    : in  std_logic;
    windows_held   : in  natural range 0 to 2;
    snapshot       : in  std_logic; -- what is read later is of this clock
    -- read: bits of bytes from those of register first; data one clock later, 0 unless show
    show           : in  std_logic;
    identity       : in  std_logic; -- all from register 0 on, whatever first is
    first          : in  natural range 0 to 31;
    read_index     : in  answer_index_t;
    read_place     : in  place_t;
    read_next      : in  std_logic; -- a pulse: on to the next byte
    data           : out std_logic := '0');
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

  function fixed_bytes return rom_t is
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

  constant rom_c : rom_t := fixed_bytes;

  signal number     : natural range 0 to 31 := 0; -- of the register that is read
  signal lane       : natural range 0 to 3;
  signal fixed      : byte_t;
  signal live       : std_logic;
  signal dropped    : natural range 0 to 255 := 0; -- these two stop at their end
  signal resets     : natural range 0 to 255 := 0;
  -- the snapshot
  signal status_seen : natural range 0 to 7 := 0;
begin
  assert window_c <= 65535 and features_c <= 65535 and outputs_c <= 65535 and origin_c <= 1
    report "registers: variant_pkg does not fit the register map" severity failure;

  lane  <= read_index mod 4;
  fixed <= rom_c(4 * (number mod 16) + lane);

  -- Each register's bit first, then the choice of the register.
  changing : process (number, read_place, status_seen, latest, done, dropped, resets, clocks_low,
                      clocks_high)
  begin
    live <= '0';
    case number mod 8 is
      when 0 =>
        live <= pick(x"0000000" & '0' & std_logic_vector(to_unsigned(status_seen, 3)), read_place);
      when 1 => live <= latest;
      when 2 => live <= done;
      when 3 => live <= pick(x"000000" & std_logic_vector(to_unsigned(dropped, 8)), read_place);
      when 4 => live <= pick(x"000000" & std_logic_vector(to_unsigned(resets, 8)), read_place);
      when 5 => live <= clocks_low;
      when 6 => live <= clocks_high;
      when 7 => null;
    end case;
  end process;

  process (clk)
  begin
    if rising_edge(clk) then
      if snapshot = '1' then
        status_seen <= 2 * windows_held;
        if engine_busy = '1' then
          status_seen <= 2 * windows_held + 1;
        end if;
      end if;

      if show = '0' and identity = '1' then
        number <= 0;
      elsif show = '0' then
        number <= first;
      elsif read_next = '1' and lane = 3 then
        number <= (number + 1) mod 32;
      end if;

      if show = '0' then
        data <= '0';
      elsif number < 16 then
        data <= fixed(read_place mod 8);
      else
        data <= live;
      end if;

      if frame_dropped = '1' and dropped /= 255 then
        dropped <= dropped + 1;
      end if;
      if reset_done = '1' and resets /= 255 then
        resets <= resets + 1;
      end if;

      if rst = '1' then
        dropped <= 0;
        resets  <= 0;
      end if;
    end if;
  end process;
end architecture;
