-- SPDX-License-Identifier: Apache-2.0
-- A signal called like an instance's output net, and signals with Verilog's keywords for names.
-- repairs: merged_names
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity names_part is
  port (
    clk  : in  std_logic;
    a    : in  std_logic_vector(31 downto 0);
    sum  : out unsigned(31 downto 0);
    odd  : out std_logic);
end entity;

architecture rtl of names_part is
  signal reg : unsigned(31 downto 0) := (others => '0');
begin
  process (clk)
  begin
    if rising_edge(clk) then
      reg <= reg + unsigned(a);
    end if;
  end process;
  sum <= reg;
  odd <= xor reg;
end architecture;

library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

entity names is
  port (
    clk : in  std_logic;
    a   : in  std_logic_vector(63 downto 0);
    y   : out std_logic_vector(63 downto 0));
end entity;

architecture rtl of names is
  signal part_sum : unsigned(31 downto 0);
  signal wire, initial : std_logic := '0';
  signal \default\ : std_logic_vector(30 downto 0) := (others => '0');
begin
  part : entity work.names_part
    port map (clk => clk, a => a(31 downto 0), sum => part_sum, odd => wire);
  process (clk)
  begin
    if rising_edge(clk) then
      initial <= wire;
      \default\ <= a(62 downto 32);
    end if;
  end process;
  y <= std_logic_vector(part_sum) & \default\ & initial;
end architecture;
