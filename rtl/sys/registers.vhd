-- SPDX-License-Identifier: Apache-2.0
-- The register map (PROTOCOL.md 1.3): what the variant is, and counters that only power-on clears.
-- Read byte by byte in order, as the link sends it, from a snapshot, so that nothing is torn.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

use work.answer_pkg.all;
use work.link_pkg.all;
use work.variant_pkg.all;

entity registers is
  port (
    clk, rst : in  std_logic; -- rst: power-on
    -- the run under way, of an inference or of a burst
    run_clear      : in  std_logic;
    run_count      : in  std_logic; -- one more cycle
    -- events, one pulse each
    inference_done : in  std_logic;
    frame_dropped  : in  std_logic;
    reset_done     : in  std_logic;
    -- status
    engine_busy    : in  std_logic;
    windows_held   : in  natural range 0 to 2;
    snapshot       : in  std_logic; -- all that is read later is of this clock
    -- read: bytes from those of register first; the data stand one clock later, 0 unless show
    show           : in  std_logic;
    identity       : in  std_logic; -- all from register 0 on, whatever first is
    first          : in  natural range 0 to 31;
    read_enable    : in  std_logic;
    index          : in  answer_index_t;
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
  signal fixed      : byte_t := (others => '0');
  signal done_byte, clocks_byte, latest_byte, short_byte : byte_t := (others => '0');
  signal lane       : natural range 0 to 3;
  signal running    : cycles_t := 0;
  signal latest     : cycles_t := 0;
  signal dropped    : natural range 0 to 255 := 0; -- these two stop at their end
  signal resets     : natural range 0 to 255 := 0;
  signal done       : unsigned(31 downto 0) := (others => '0');
  -- In two parts, so that simulation adds to a small number only.
  signal clocks_low  : cycles_t := 0;
  signal clocks_high : unsigned(23 downto 0) := (others => '0');
  -- the snapshot
  signal status_seen : natural range 0 to 7 := 0;
  signal latest_seen : std_logic_vector(23 downto 0) := (others => '0');
  signal done_seen   : word_t := (others => '0');
  signal clocks_seen : std_logic_vector(47 downto 0) := (others => '0');
begin
  assert window_c <= 65535 and features_c <= 65535 and outputs_c <= 65535 and origin_c <= 1
    report "registers: variant_pkg does not fit the register map" severity failure;

  lane <= index mod 4;
  -- Each source is 0 unless it is meant: an or costs less than a choice.
  data <= fixed or done_byte or clocks_byte or latest_byte or short_byte;

  process (clk)
  begin
    if rising_edge(clk) then
      if snapshot = '1' then
        status_seen <= 2 * windows_held;
        if engine_busy = '1' then
          status_seen <= 2 * windows_held + 1;
        end if;
        latest_seen <= std_logic_vector(to_unsigned(latest, 24));
        done_seen   <= std_logic_vector(done);
        clocks_seen <= std_logic_vector(clocks_high)
                       & std_logic_vector(to_unsigned(clocks_low, 24));
      end if;

      if show = '0' and identity = '1' then
        number <= 0;
      elsif show = '0' then
        number <= first;
      elsif read_enable = '1' and index mod 4 = 3 then
        number <= (number + 1) mod 32;
      end if;

      if show = '0' or number >= 16 then
        fixed <= (others => '0');
      elsif read_enable = '1' then
        fixed <= rom_c(4 * (number mod 16) + index mod 4);
      end if;

      if show = '0' or number /= 18 then
        done_byte <= (others => '0');
      elsif read_enable = '1' then
        done_byte <= byte_of(done_seen, lane);
      end if;
      if show = '0' or number /= 21 then
        clocks_byte <= (others => '0');
      elsif read_enable = '1' then
        clocks_byte <= byte_of(clocks_seen(31 downto 0), lane);
      end if;
      if show = '0' or number /= 17 then
        latest_byte <= (others => '0');
      elsif read_enable = '1' then
        latest_byte <= byte_of(x"00" & latest_seen, lane);
      end if;
      if show = '0' or number < 16 or number = 17 or number = 18 or number = 21 or lane >= 2 then
        short_byte <= (others => '0');
      elsif read_enable = '1' then
        if number mod 4 = 2 then
          short_byte <= clocks_seen(39 downto 32);
          if lane = 1 then
            short_byte <= clocks_seen(47 downto 40);
          end if;
        else
          short_byte <= (others => '0');
          if lane = 0 then
            if number mod 4 = 3 then
              short_byte <= std_logic_vector(to_unsigned(dropped, 8));
            elsif number mod 8 = 4 then
              short_byte <= std_logic_vector(to_unsigned(resets, 8));
            else
              short_byte(2 downto 0) <= std_logic_vector(to_unsigned(status_seen, 3));
            end if;
          end if;
        end if;
      end if;

      if run_clear = '1' then
        running <= 0;
      elsif run_count = '1' then
        running <= (running + 1) mod 2 ** 24;
      end if;
      if inference_done = '1' then
        latest <= running;
        done   <= done + 1;
      end if;
      if frame_dropped = '1' and dropped /= 255 then
        dropped <= dropped + 1;
      end if;
      if reset_done = '1' and resets /= 255 then
        resets <= resets + 1;
      end if;

      clocks_low <= (clocks_low + 1) mod 2 ** 24;
      if clocks_low = cycles_t'high then
        clocks_high <= clocks_high + 1;
      end if;

      if rst = '1' then
        latest      <= 0;
        dropped     <= 0;
        resets      <= 0;
        done        <= (others => '0');
        clocks_low  <= 0;
        clocks_high <= (others => '0');
      end if;
    end if;
  end process;
end architecture;
