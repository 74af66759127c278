-- SPDX-License-Identifier: Apache-2.0
-- LUT RAM with one write port and one read address, whose word goes to either of two registers, or to both: what is
-- not meant is zero. So two buffers that are never read at once share the LUTs of one, and whoever ORs them
-- sees two memories. The word comes one cycle after the address; a read of the word that is being written
-- returns the old one.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.arithmetic_pkg.all;

entity ram_distributed_pair is
  generic (
    depth_g    : positive;
    elements_g : positive;
    bits_g     : positive range 2 to 25; -- of a signed code
    fast_g     : boolean);
  port (
    clk          : in  std_logic;
    write_enable : in  std_logic;
    write_addr   : in  natural range 0 to last_of(depth_g);
    write_data   : in  int_array_t(0 to elements_g - 1);
    read_addr    : in  natural range 0 to span_of(depth_g) - 1;
    first_idle   : in  std_logic;
    first_data   : out int_array_t(0 to elements_g - 1) := (others => 0);
    second_idle  : in  std_logic;
    second_data  : out int_array_t(0 to elements_g - 1) := (others => 0));
end entity;

architecture rtl of ram_distributed_pair is
  subtype word_t is std_logic_vector(elements_g * bits_g - 1 downto 0);
  -- whole: an idle cycle's address may be anything
  type memory_t is array (0 to span_of(depth_g) - 1) of word_t;
  signal memory : memory_t := (others => (others => '0'));
  signal word   : word_t; -- one read port, whatever the registers
  attribute ram_style : string;
  attribute ram_style of memory : signal is "distributed";
begin
  process (clk)
    variable written : word_t;
  begin
    if rising_edge(clk) then
      if write_enable = '1' then
        for e in 0 to elements_g - 1 loop
          written((e + 1) * bits_g - 1 downto e * bits_g) :=
            std_logic_vector(to_signed(write_data(e), bits_g));
        end loop;
        memory(write_addr) <= written;
      end if;
    end if;
  end process;

  word <= memory(read_addr);

  process (clk)
  begin
    if rising_edge(clk) then
      if first_idle = '1' then
        first_data <= (first_data'range => 0);
      else
        for e in 0 to elements_g - 1 loop
          first_data(e) <= field_signed(word, e * bits_g, bits_g, fast_g);
        end loop;
      end if;
      if second_idle = '1' then
        second_data <= (second_data'range => 0);
      else
        for e in 0 to elements_g - 1 loop
          second_data(e) <= field_signed(word, e * bits_g, bits_g, fast_g);
        end loop;
      end if;
    end if;
  end process;
end architecture;
