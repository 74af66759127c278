-- SPDX-License-Identifier: Apache-2.0
-- Memory of LUTs, one write and one read port; what is read is there in the same clock.
-- (GHDL's synthesis drops attributes; the flow sets ram_style by the entity's name.)
library ieee;
use ieee.std_logic_1164.all;

entity ram_dist_now is
  generic (
    depth_g : positive;
    width_g : positive);
  port (
    clk          : in  std_logic;
    write_enable : in  std_logic;
    write_addr   : in  natural range 0 to depth_g - 1;
    write_data   : in  std_logic_vector(width_g - 1 downto 0);
    read_addr    : in  natural range 0 to depth_g - 1;
    read_data    : out std_logic_vector(width_g - 1 downto 0));
end entity;

architecture rtl of ram_dist_now is
  type ram_t is array (0 to depth_g - 1) of std_logic_vector(width_g - 1 downto 0);

  signal ram : ram_t := (others => (others => '0'));

  attribute ram_style        : string;
  attribute ram_style of ram : signal is "distributed";
begin
  read_data <= ram(read_addr);

  process (clk)
  begin
    if rising_edge(clk) then
      if write_enable = '1' then
        ram(write_addr) <= write_data;
      end if;
    end if;
  end process;
end architecture;
