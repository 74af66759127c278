-- SPDX-License-Identifier: Apache-2.0
-- LUT RAM, one write port and one read port, words of elements_g codes. Read data come one cycle
-- after the address and hold while read_enable is low; a read of the word that is being written
-- returns the old one. One entity per kind of memory: attributes are lost on the open way to a
-- netlist, names are not.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.arithmetic_pkg.all;

entity ram_distributed is
  generic (
    depth_g    : positive;
    elements_g : positive;
    bits_g     : positive range 2 to 25;
    signed_g   : boolean := true;  -- codes; else naturals
    fast_g     : boolean);
  port (
    clk          : in  std_logic;
    write_enable : in  std_logic;
    write_addr   : in  natural range 0 to last_of(depth_g);
    write_data   : in  int_array_t(0 to elements_g - 1);
    read_enable  : in  std_logic;
    idle         : in  std_logic := '0'; -- zeros come in the place of a word
    read_addr    : in  natural range 0 to span_of(depth_g) - 1;
    read_data    : out int_array_t(0 to elements_g - 1) := (others => 0));
end entity;

architecture rtl of ram_distributed is
  subtype word_t is std_logic_vector(elements_g * bits_g - 1 downto 0);
  -- two words at least: GHDL's synthesis stops at one
  type memory_t is array (0 to larger(depth_g, 2) - 1) of word_t;
  signal memory : memory_t := (others => (others => '0'));
  attribute ram_style : string;
  attribute ram_style of memory : signal is "distributed";
begin
  process (clk)
    variable word : word_t;
  begin
    if rising_edge(clk) then
      if write_enable = '1' then
        for e in 0 to elements_g - 1 loop
          if signed_g then
            word((e + 1) * bits_g - 1 downto e * bits_g) :=
              std_logic_vector(to_signed(write_data(e), bits_g));
          else
            word((e + 1) * bits_g - 1 downto e * bits_g) :=
              std_logic_vector(to_unsigned(write_data(e), bits_g));
          end if;
        end loop;
        memory(write_addr) <= word;
      end if;
      if idle = '1' then
        read_data <= (read_data'range => 0);
      elsif read_enable = '1' then
        for e in 0 to elements_g - 1 loop
          if signed_g then
            read_data(e) <= field_signed(memory(read_addr), e * bits_g, bits_g, fast_g);
          else
            read_data(e) <= field_natural(memory(read_addr), e * bits_g, bits_g, fast_g);
          end if;
        end loop;
      end if;
    end if;
  end process;
end architecture;
