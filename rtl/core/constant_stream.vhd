-- SPDX-License-Identifier: Apache-2.0
-- The constants of channels that come with the weights: slices_g pieces of every channel, the last
-- one marked, gathered here into a ring from which the drain reads them in the same order.
--
-- Timing: a channel can be read from the third cycle after its last piece; the constants come one
-- cycle after read_enable, those of the channel that read_next has not yet left behind.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.arithmetic_pkg.all;

entity constant_stream is
  generic (
    bits_g   : positive range 2 to 25; -- of a piece
    slices_g : positive;
    depth_g  : positive;               -- channels in the ring
    fast_g   : boolean);
  port (
    clk         : in  std_logic;
    rst         : in  std_logic;
    start       : in  std_logic;
    in_valid    : in  std_logic;
    piece       : in  std_logic_vector(bits_g downto 0); -- the mark leftmost
    read_enable : in  std_logic;
    read_next   : in  std_logic;
    constants   : out std_logic_vector(slices_g * bits_g - 1 downto 0));
end entity;

architecture rtl of constant_stream is
  signal pieces     : int_array_t(0 to slices_g - 1) := (others => 0); -- the last one came last
  signal whole      : std_logic := '0';
  signal write_addr : natural range 0 to depth_g - 1 := 0;
  signal read_addr  : natural range 0 to depth_g - 1 := 0;
  signal read_data  : int_array_t(0 to slices_g - 1);
begin
  process (clk)
  begin
    if rising_edge(clk) then
      whole <= '0';
      if in_valid = '1' then
        for i in 0 to slices_g - 2 loop
          pieces(i) <= pieces(i + 1);
        end loop;
        pieces(slices_g - 1) <= field_signed(piece, 0, bits_g, fast_g);
        whole <= piece(bits_g);
      end if;
      if whole = '1' then
        if write_addr = depth_g - 1 then
          write_addr <= 0;
        else
          write_addr <= write_addr + 1;
        end if;
      end if;
      if read_next = '1' then
        if read_addr = depth_g - 1 then
          read_addr <= 0;
        else
          read_addr <= read_addr + 1;
        end if;
      end if;
      if rst = '1' or start = '1' then
        whole <= '0';
        write_addr <= 0;
        read_addr <= 0;
      end if;
    end if;
  end process;

  ring : entity work.ram_distributed
    generic map (depth_g => depth_g, elements_g => slices_g, bits_g => bits_g, fast_g => fast_g)
    port map (clk => clk, write_enable => whole, write_addr => write_addr, write_data => pieces,
      read_enable => read_enable, read_addr => read_addr, read_data => read_data);

  process (all)
  begin
    for i in 0 to slices_g - 1 loop
      constants((i + 1) * bits_g - 1 downto i * bits_g) <=
        std_logic_vector(to_signed(read_data(i), bits_g));
    end loop;
  end process;
end architecture;
