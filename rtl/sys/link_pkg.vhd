-- SPDX-License-Identifier: Apache-2.0
-- The constants of PROTOCOL.md section 1.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

package link_pkg is
  subtype byte_t is std_logic_vector(7 downto 0);
  subtype word_t is std_logic_vector(31 downto 0);
  subtype args_t is std_logic_vector(63 downto 0);

  constant sync0_c       : byte_t  := x"A5";
  constant sync1_c       : byte_t  := x"37";
  constant version_c     : byte_t  := x"01";
  constant max_payload_c : natural := 2048;

  constant identify_c       : byte_t := x"01";
  constant read_registers_c : byte_t := x"02";
  constant infer_c          : byte_t := x"03";
  constant read_tensor_c    : byte_t := x"04";
  constant reset_c          : byte_t := x"05";
  constant burst_c          : byte_t := x"06";
  constant stop_c           : byte_t := x"07";
  constant answer_c         : byte_t := x"80"; -- or'ed to the request's type
  constant error_c          : byte_t := x"FF";

  subtype place_t is natural range 0 to 31; -- of a bit in a word, byte 0 first

  subtype error_t is natural range 0 to 8;
  constant no_error_c     : error_t := 0;
  constant bad_crc_c      : error_t := 1;
  constant bad_version_c  : error_t := 2;
  constant bad_type_c     : error_t := 3;
  constant bad_length_c   : error_t := 4;
  constant busy_c         : error_t := 5;
  constant bad_value_c    : error_t := 6;
  constant no_window_c    : error_t := 7;
  constant bad_argument_c : error_t := 8;

  type frame_status_t is (frame_good, frame_bad_crc, frame_bad_version, frame_too_long);

  subtype cycles_t is natural range 0 to 2 ** 24 - 1; -- times in clocks, modulo 2 ** 24

  constant burst_head_c : natural := 28; -- of the answer to a BURST, bytes before y

  constant registers_c : natural := 23;

  -- That bit of the word, as a tree of choices between two: half of the LUTs that yosys makes of
  -- an indexed vector that GHDL has turned into choices among four.
  function pick(word : word_t; place : place_t) return std_logic;
end package;

package body link_pkg is
  function pick(word : word_t; place : place_t) return std_logic is
    variable way   : unsigned(4 downto 0);
    variable left  : word_t;
  begin
    way  := to_unsigned(place, 5);
    left := word;
    if way(0) = '1' then
      for i in 0 to 15 loop
        left(i) := left(2 * i + 1);
      end loop;
    else
      for i in 0 to 15 loop
        left(i) := left(2 * i);
      end loop;
    end if;
    if way(1) = '1' then
      for i in 0 to 7 loop
        left(i) := left(2 * i + 1);
      end loop;
    else
      for i in 0 to 7 loop
        left(i) := left(2 * i);
      end loop;
    end if;
    if way(2) = '1' then
      for i in 0 to 3 loop
        left(i) := left(2 * i + 1);
      end loop;
    else
      for i in 0 to 3 loop
        left(i) := left(2 * i);
      end loop;
    end if;
    if way(3) = '1' then
      left(1 downto 0) := left(3) & left(1);
    else
      left(1 downto 0) := left(2) & left(0);
    end if;
    if way(4) = '1' then
      return left(1);
    end if;
    return left(0);
  end function;
end package body;
