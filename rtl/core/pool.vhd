-- SPDX-License-Identifier: Apache-2.0
-- Sums of z over the tokens, one per channel, gathered while z is written: a tree adds the tokens of
-- a cycle, a register the groups of a channel, a memory the blocks. Read data come one cycle after
-- the address; a read must not meet an addition.
--
-- Timing: a sum is in the memory clog2(lanes_g) + 4 cycles after in_valid of its last group.
library ieee;
use ieee.std_logic_1164.all;
use work.arithmetic_pkg.all;
use work.program_pkg.all;

entity pool is
  generic (
    program_g   : write_array_t; -- for the blocks' tokens
    tokens_g    : positive;      -- of a block
    lanes_g     : positive;
    channels_g  : positive;      -- a power of two
    code_bits_g : positive;
    bits_g      : positive;      -- of a sum
    fast_g      : boolean);
  port (
    clk         : in  std_logic;
    rst         : in  std_logic;
    in_valid    : in  std_logic;
    in_fresh    : in  std_logic; -- the channel starts anew with this block
    in_band     : in  natural range 0 to last_of(tokens_g / lanes_g); -- group
    in_last     : in  std_logic; -- group of the channel
    in_tokens   : in  natural range 0 to 64; -- valid ones of the block
    in_channel  : in  natural range 0 to 511;
    in_codes    : in  int_array_t(0 to lanes_g - 1);
    read_enable : in  std_logic;
    read_addr   : in  natural range 0 to last_of(channels_g);
    read_data   : out integer);
end entity;

architecture rtl of pool is
  constant levels_c : natural := clog2(lanes_g);
  constant groups_c : positive := tokens_g / lanes_g;
  subtype sum_t is integer range -2**(bits_g - 1) to 2**(bits_g - 1) - 1;
  subtype channel_t is natural range 0 to last_of(channels_g);
  type channel_array_t is array (natural range <>) of channel_t;

  -- what goes along with the adders, and its registers
  signal valid, fresh, first, last : std_logic_vector(0 to levels_c + 2);
  signal valid_r, fresh_r, first_r, last_r : std_logic_vector(1 to levels_c + 2) := (others => '0');
  signal channels   : channel_array_t(0 to levels_c + 2);
  signal channels_r : channel_array_t(1 to levels_c + 2) := (others => 0);
  signal begins     : std_logic;
  signal added    : integer;
  signal total    : sum_t := 0; -- of the cycle's tokens
  signal sum      : sum_t := 0; -- and of the groups and blocks before
  signal reads    : std_logic;
  signal at       : channel_t;
  signal kept     : int_array_t(0 to 0);
  signal written  : int_array_t(0 to 0);
  signal writes   : std_logic := '0';
begin
  assert levels_c <= 5
    report "pool: a sum of more lanes comes after the drain reads it" severity failure;

  begins <= '1' when in_band = 0 or groups_c = 1 else '0';
  valid <= in_valid & valid_r;
  fresh <= in_fresh & fresh_r;
  first <= begins & first_r;
  last <= in_last & last_r;
  process (all)
  begin
    channels(0) <= in_channel mod channels_g;
    for l in 1 to levels_c + 2 loop
      channels(l) <= channels_r(l);
    end loop;
  end process;

  -- with a reset, so that no shift register takes a LUT for each
  along : process (clk)
  begin
    if rising_edge(clk) then
      valid_r <= valid(0 to levels_c + 1);
      fresh_r <= fresh(0 to levels_c + 1);
      first_r <= first(0 to levels_c + 1);
      last_r <= last(0 to levels_c + 1);
      channels_r <= channels(0 to levels_c + 1);
      if rst = '1' then
        valid_r <= (others => '0');
        fresh_r <= (others => '0');
        first_r <= (others => '0');
        last_r <= (others => '0');
        channels_r <= (others => 0);
      end if;
    end if;
  end process;

  adder : entity work.token_sum
    generic map (program_g => program_g, tokens_g => tokens_g, lanes_g => lanes_g,
      code_bits_g => code_bits_g)
    port map (clk => clk, valid => valid(0 to levels_c), in_band => in_band,
      in_tokens => in_tokens, in_codes => in_codes, sum => added);

  -- the channel's sum so far is read while its tokens' is registered, then both are added
  reads <= valid(levels_c) or read_enable;
  at <= channels(levels_c) when valid(levels_c) = '1' else read_addr;
  accumulate : process (clk)
    variable before : sum_t;
  begin
    if rising_edge(clk) then
      if valid(levels_c) = '1' then
        total <= added;
      end if;
      if valid(levels_c + 1) = '1' then
        before := sum;
        if first(levels_c + 1) = '1' then
          before := kept(0);
          if fresh(levels_c + 1) = '1' then
            before := 0;
          end if;
        end if;
        sum <= before + total;
      end if;
      writes <= valid(levels_c + 1) and last(levels_c + 1);
    end if;
  end process;

  written(0) <= sum;
  memory : entity work.ram_distributed
    generic map (depth_g => channels_g, elements_g => 1, bits_g => bits_g, fast_g => fast_g)
    port map (clk => clk, write_enable => writes, write_addr => channels(levels_c + 2),
      write_data => written, read_enable => reads, read_addr => at, read_data => kept);
  read_data <= kept(0);
end architecture;
