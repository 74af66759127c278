-- SPDX-License-Identifier: Apache-2.0
-- A ROM in Block RAM. The word comes one cycle after the address and holds while read_enable is low.
-- One entity per kind of memory: attributes are lost on the open way to a netlist, names are not.
library ieee;
use ieee.std_logic_1164.all;
use work.arithmetic_pkg.all;

entity rom_block is
  generic (
    bits_g     : positive; -- of a word
    contents_g : word_array_t);
  port (
    clk         : in  std_logic;
    read_enable : in  std_logic;
    read_addr   : in  natural range 0 to last_of(contents_g'length);
    read_data   : out std_logic_vector(bits_g - 1 downto 0));
end entity;

architecture rtl of rom_block is
  constant memory : word_array_t(0 to contents_g'length - 1)(read_data'range) := contents_g;
  attribute rom_style : string;
  attribute rom_style of memory : constant is "block";
begin
  process (clk)
  begin
    if rising_edge(clk) then
      if read_enable = '1' then
        read_data <= memory(read_addr);
      end if;
    end if;
  end process;
end architecture;
