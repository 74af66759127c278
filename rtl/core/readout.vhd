-- SPDX-License-Identifier: Apache-2.0
-- The exact sums that the outputs of the collapsed form are requantised from, gathered while r and f
-- are written: a tree adds a cycle's tokens of one channel, each output multiplies that sum with the
-- channel's weight and accumulates. In the place of the pool, which the collapsed form has not.
--
-- Timing: an accumulator is up to date clog2(lanes_g) + 3 cycles after in_valid; read data come one
-- cycle after the address, without the low drop_g bits.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.arithmetic_pkg.all;
use work.program_pkg.all;

entity readout is
  generic (
    program_g     : write_array_t;
    tokens_g      : positive;      -- of a block
    lanes_g       : positive;
    outputs_g     : positive;
    code_bits_g   : positive;      -- of r and f, signed
    weight_bits_g : positive;
    weight_rom_g  : word_array_t;  -- (channel): the outputs' weights, the first rightmost
    weight_block_bits_g : natural; -- columns of it in Block RAM
    bits_g        : positive range 2 to 31; -- of an accumulator
    drop_g        : natural;
    fast_g        : boolean);
  port (
    clk         : in  std_logic;
    rst         : in  std_logic;
    start       : in  std_logic;  -- begins anew
    in_valid    : in  std_logic;
    in_band     : in  natural range 0 to last_of(tokens_g / lanes_g); -- group
    in_tokens   : in  natural range 0 to 64;                          -- valid ones of the block
    in_channel  : in  natural range 0 to 511;                         -- r's, then f's
    in_codes    : in  int_array_t(0 to lanes_g - 1);
    read_enable : in  std_logic;
    read_addr   : in  natural range 0 to last_of(outputs_g); -- output
    read_data   : out integer);
end entity;

architecture rtl of readout is
  constant levels_c   : natural := clog2(lanes_g);
  constant channels_c : positive := weight_rom_g'length;
  constant sum_bits_c : positive := code_bits_g + levels_c;
  constant span_c     : positive := span_of(channels_c);
  subtype channel_t is natural range 0 to span_c - 1;
  type channel_array_t is array (natural range <>) of channel_t;
  subtype sum_t is integer range -2**(sum_bits_c - 1) to 2**(sum_bits_c - 1) - 1;
  subtype accumulator_t is integer range -2**(bits_g - 1) to 2**(bits_g - 1) - 1;
  type accumulators_t is array (0 to outputs_g - 1) of accumulator_t;

  signal valid      : std_logic_vector(0 to levels_c + 2);
  signal valid_r    : std_logic_vector(1 to levels_c + 2) := (others => '0');
  signal channels   : channel_array_t(0 to levels_c);
  signal idle       : std_logic;
  signal added      : integer;
  signal sum        : sum_t := 0; -- of the cycle's tokens
  signal word       : std_logic_vector(outputs_g * weight_bits_g - 1 downto 0);
  signal kept       : accumulators_t;
begin
  valid <= in_valid & valid_r;
  channels(0) <= in_channel mod span_c; -- it counts what is written elsewhere, too

  along : process (clk)
  begin
    if rising_edge(clk) then
      valid_r <= valid(0 to levels_c + 1);
      if rst = '1' then
        valid_r <= (others => '0');
      end if;
    end if;
  end process;

  levels : for l in 1 to levels_c generate
    signal channel : channel_t := 0;
  begin
    process (clk)
    begin
      if rising_edge(clk) then
        if valid(l - 1) = '1' then
          channel <= channels(l - 1);
        end if;
      end if;
    end process;
    channels(l) <= channel;
  end generate;

  adder : entity work.token_sum
    generic map (program_g => program_g, tokens_g => tokens_g, lanes_g => lanes_g,
      code_bits_g => code_bits_g)
    port map (clk => clk, valid => valid(0 to levels_c), in_band => in_band,
      in_tokens => in_tokens, in_codes => in_codes, sum => added);

  -- the weights come while the sum is registered
  idle <= not valid(levels_c);
  weights : entity work.rom
    generic map (contents_g => weight_rom_g, first_g => 0, words_g => channels_c,
      depth_g => span_c, bits_g => outputs_g * weight_bits_g,
      block_bits_g => weight_block_bits_g)
    port map (clk => clk, idle => idle, read_addr => channels(levels_c), read_data => word);
  process (clk)
  begin
    if rising_edge(clk) then
      if valid(levels_c) = '1' then
        sum <= added;
      end if;
    end if;
  end process;

  outputs : for o in 0 to outputs_g - 1 generate
    constant product_bits_c : positive := sum_bits_c + weight_bits_g;
    subtype product_t is integer range -2**(product_bits_c - 1) to 2**(product_bits_c - 1) - 1;
    signal product : product_t := 0;
    signal total   : accumulator_t := 0;
  begin
    kept(o) <= total;
    process (clk)
    begin
      if rising_edge(clk) then
        if valid(levels_c + 1) = '1' then
          if fast_g then
            product <= sum * field_signed(word, o * weight_bits_g, weight_bits_g, true);
          else
            product <= to_integer(to_signed(sum, sum_bits_c)
              * signed(word((o + 1) * weight_bits_g - 1 downto o * weight_bits_g)));
          end if;
        end if;
        if start = '1' then
          total <= 0;
        elsif valid(levels_c + 2) = '1' then
          total <= total + product;
        end if;
      end if;
    end process;
  end generate;

  process (clk)
    variable chosen : accumulator_t;
    variable bits   : signed(bits_g - 1 downto 0);
  begin
    if rising_edge(clk) then
      if read_enable = '1' then
        chosen := kept(0);
        for o in 1 to outputs_g - 1 loop
          if read_addr = o then
            chosen := kept(o);
          end if;
        end loop;
        bits := to_signed(chosen, bits_g);
        read_data <= to_integer(bits(bits_g - 1 downto drop_g));
      end if;
    end if;
  end process;
end architecture;
