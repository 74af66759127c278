-- SPDX-License-Identifier: Apache-2.0
-- A ROM in LUTs. The word comes one cycle after the address; after a cycle with idle it is
-- zero, so that the words of several ROMs can be ORed.
-- One entity per kind of memory: attributes are lost on the open way to a netlist, names are not.
library ieee;
use ieee.std_logic_1164.all;
use work.arithmetic_pkg.all;

entity rom_logic is
  generic (
    bits_g     : positive; -- of a word
    contents_g : word_array_t); -- descending, words from 0
  port (
    clk       : in  std_logic;
    idle      : in  std_logic;
    read_addr : in  natural range 0 to last_of(contents_g'length);
    read_data : out std_logic_vector(bits_g - 1 downto 0));
end entity;

architecture rtl of rom_logic is
  -- descending, as GHDL's synthesis addresses any other array from its end
  constant memory : word_array_t(contents_g'length - 1 downto 0)(read_data'range) := kept(contents_g, bits_g);
  constant inverted_c : boolean := keeps_inverted(contents_g, bits_g);
  attribute rom_style : string;
  attribute rom_style of memory : constant is "distributed";
begin
  process (clk)
  begin
    if rising_edge(clk) then
      if idle = '1' then
        read_data <= (others => '0');
      elsif inverted_c then
        read_data <= not memory(read_addr);
      else
        read_data <= memory(read_addr);
      end if;
    end if;
  end process;
end architecture;
