-- SPDX-License-Identifier: Apache-2.0
-- One bank of a buffer in the kind of memory that the variant chose for it.
library ieee;
use ieee.std_logic_1164.all;
use work.arithmetic_pkg.all;

entity memory_bank is
  generic (
    kind_g     : string; -- block, distributed or auto
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
    idle         : in  std_logic := '0'; -- zeros come in the place of a word, so that words can be ORed
    read_addr    : in  natural range 0 to span_of(depth_g) - 1;
    read_data    : out int_array_t(0 to elements_g - 1));
end entity;

architecture rtl of memory_bank is
begin
  assert kind_g = "block" or kind_g = "distributed" or kind_g = "auto"
    report "memory_bank: unknown kind " & kind_g severity failure;

  in_block : if kind_g = "block" generate
    memory : entity work.ram_block
      generic map (depth_g => depth_g, elements_g => elements_g, bits_g => bits_g,
        signed_g => signed_g, fast_g => fast_g)
      port map (clk => clk, write_enable => write_enable, write_addr => write_addr,
        write_data => write_data, read_enable => read_enable, idle => idle,
        read_addr => read_addr, read_data => read_data);
  end generate;
  in_distributed : if kind_g = "distributed" generate
    memory : entity work.ram_distributed
      generic map (depth_g => depth_g, elements_g => elements_g, bits_g => bits_g,
        signed_g => signed_g, fast_g => fast_g)
      port map (clk => clk, write_enable => write_enable, write_addr => write_addr,
        write_data => write_data, read_enable => read_enable, idle => idle,
        read_addr => read_addr, read_data => read_data);
  end generate;
  in_auto : if kind_g = "auto" generate
    memory : entity work.ram_auto
      generic map (depth_g => depth_g, elements_g => elements_g, bits_g => bits_g,
        signed_g => signed_g, fast_g => fast_g)
      port map (clk => clk, write_enable => write_enable, write_addr => write_addr,
        write_data => write_data, read_enable => read_enable, idle => idle,
        read_addr => read_addr, read_data => read_data);
  end generate;
end architecture;
