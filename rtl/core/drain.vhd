-- SPDX-License-Identifier: Apache-2.0
-- Requantises what the tile captured, requantisers_g tokens of one channel a cycle, in the order
-- channel, then group of tokens. Fetches the channel's constants and the residual meanwhile.
--
-- Timing, from the cycle in which captured is high: tile and memories are read in cycle 0 (their
-- data are there in cycle 1), the requantiser is fed in cycle 2, out_valid comes in cycle 5; one
-- channel group a cycle from there. Scores leave in cycle 1.
library ieee;
use ieee.std_logic_1164.all;
use work.arithmetic_pkg.all;
use work.program_pkg.all;

entity drain is
  generic (
    program_g         : drain_array_t;
    lanes_g           : positive; -- requantisers
    outputs_g         : positive;
    groups_g          : positive;
    acc_bits_g        : positive;
    multiplier_bits_g : positive;
    residual_bits_g   : positive;
    gain_bits_g       : positive;
    sum_bits_g        : positive;
    code_bits_g       : positive;
    shifts_g          : int_array_t; -- per scale, as the next two
    lows_g            : int_array_t;
    highs_g           : int_array_t;
    channel_rom_g     : word_array_t; -- bias, gain, multiplier of one channel, from the right
    position_rom_g    : word_array_t; -- lanes_g biases, first token rightmost, multiplier
    channel_block_bits_g  : natural;  -- columns in Block RAM, as the next
    position_block_bits_g : natural;
    bias_bits_g       : positive;
    gain_field_g      : natural;      -- bits of the field, 0: there is none
    row_field_g       : natural;      -- bits of a multiplier per row, 0: there is none
    depth_kept_g      : positive; -- a power of two
    channels_g        : positive;     -- of the pool, a power of two
    slots_g           : positive;     -- of reciprocals
    fast_g            : boolean);
  port (
    clk          : in  std_logic;
    rst          : in  std_logic;
    start        : in  std_logic;
    captured     : in  std_logic;
    tile_output  : out natural range 0 to last_of(outputs_g);
    tile_group   : out natural range 0 to last_of(groups_g);
    tile_acc     : in  int_array_t(0 to lanes_g - 1);
    kept_addr    : out natural range 0 to last_of(depth_kept_g);
    kept_data    : in  int_array_t(0 to lanes_g - 1);
    pool_addr    : out natural range 0 to last_of(channels_g);
    pool_data    : in  integer;
    reciprocal_addr : out natural range 0 to last_of(slots_g * groups_g);
    reciprocal_data : in  int_array_t(0 to lanes_g - 1);
    read_enable  : out std_logic;
    score_valid  : out std_logic; -- tile_acc is a score of every lane's token
    out_valid    : out std_logic;
    result       : out int_array_t(0 to lanes_g - 1));
end entity;

architecture rtl of drain is
  constant program    : drain_array_t(0 to program_g'length - 1) := program_g;
  constant word_bits_c : positive := bias_bits_g + gain_field_g + row_field_g;
  signal pass, pass_1 : drain_t := program(0);
  signal busy         : std_logic := '0';
  signal active       : std_logic;
  signal valid_1      : std_logic := '0';
  signal valid_2      : std_logic := '0';
  signal at_output    : natural range 0 to last_of(outputs_g) := 0;
  signal at_group     : natural range 0 to last_of(groups_g) := 0;
  signal bias_addr    : natural range 0 to 65535 := 0;
  signal channel_addr : natural range 0 to last_of(channel_rom_g'length);
  signal channel_idle : std_logic;
  signal position_addr : natural range 0 to last_of(position_rom_g'length);
  signal position_idle : std_logic;
  signal channel_word : std_logic_vector(word_bits_c - 1 downto 0);
  signal position_word : std_logic_vector(lanes_g * bias_bits_g + row_field_g - 1 downto 0);
  signal acc          : int_array_t(0 to lanes_g - 1) := (others => 0);
  signal multiplier   : int_array_t(0 to lanes_g - 1) := (others => 0);
  signal residual     : int_array_t(0 to lanes_g - 1) := (others => 0);
  signal bias         : wide_array_t(0 to lanes_g - 1) := (others => wide_zero_c);
  signal gain         : integer := 0;
  signal scale        : natural range 0 to 31 := 0;
begin
  active <= captured or busy;
  read_enable <= active;
  tile_output <= at_output;
  tile_group <= at_group;
  channel_idle <= not active when not pass.bias_tokens else '1';
  channel_addr <= bias_addr when not pass.bias_tokens and bias_addr < channel_rom_g'length else 0;
  position_idle <= not active when pass.bias_tokens else '1';
  position_addr <= bias_addr when pass.bias_tokens and bias_addr < position_rom_g'length else 0;

  -- cycle 0: walks channels and groups of tokens
  process (clk)
    variable pc       : natural range 0 to last_of(program'length) := 0;
    variable upcoming : drain_t := program(0);
    variable channel  : natural range 0 to 255 := 0;
    variable kept     : natural range 0 to 65535 := 0;
    variable slot     : natural range 0 to last_of(slots_g * groups_g) := 0;
    variable bias_at  : natural range 0 to 65535 := 0;
    variable output   : natural range 0 to last_of(outputs_g) := 0;
    variable band    : natural range 0 to groups_g := 0;
    variable fresh    : boolean;
  begin
    if rising_edge(clk) then
      valid_1 <= active;
      fresh := false;
      if active = '1' then
        pass_1 <= pass;
        busy <= '1';
        kept := kept + 1;
        if pass.bias_tokens then
          bias_at := bias_at + 1;
        end if;
        if band = pass.last_group then
          band := 0;
          if pass.bias_steps then
            bias_at := bias_at + 1;
          end if;
          if channel = pass.channels - 1 then
            channel := 0;
            output := 0;
            busy <= '0';
            fresh := true;
          else
            channel := channel + 1;
            if output = outputs_g - 1 then
              output := 0;
              busy <= '0';
            else
              output := output + 1;
            end if;
          end if;
        else
          band := band + 1;
        end if;
      end if;
      if start = '1' then
        pc := 0;
        upcoming := program(0);
        channel := 0;
        output := 0;
        band := 0;
        fresh := true;
      end if;
      if fresh then
        pass <= upcoming;
        bias_at := upcoming.bias_base;
        kept := upcoming.kept_base;
        slot := upcoming.reciprocal * groups_g;
        if pc < program'length - 1 then
          pc := pc + 1;
          upcoming := program(pc);
        end if;
      end if;
      at_output <= output;
      at_group <= band;
      bias_addr <= bias_at;
      kept_addr <= kept mod depth_kept_g;
      pool_addr <= channel mod channels_g;
      reciprocal_addr <= slot + band;
      if rst = '1' then
        busy <= '0';
        valid_1 <= '0';
      end if;
    end if;
  end process;

  channel_rom : entity work.rom
    generic map (contents_g => channel_rom_g, first_g => 0, words_g => channel_rom_g'length,
      depth_g => channel_rom_g'length, bits_g => word_bits_c, block_bits_g => channel_block_bits_g)
    port map (clk => clk, idle => channel_idle, read_addr => channel_addr,
      read_data => channel_word);
  position_rom : entity work.rom
    generic map (contents_g => position_rom_g, first_g => 0, words_g => position_rom_g'length,
      depth_g => position_rom_g'length, bits_g => lanes_g * bias_bits_g + row_field_g,
      block_bits_g => position_block_bits_g)
    port map (clk => clk, idle => position_idle, read_addr => position_addr,
      read_data => position_word);

  -- cycle 1: chooses the requantiser's operands
  score_valid <= valid_1 when pass_1.scores else '0';
  process (clk)
    variable channel_bias : wide_t;
  begin
    if rising_edge(clk) then
      valid_2 <= valid_1;
      if valid_1 = '1' then
        scale <= pass_1.scale;
        gain <= 0;
        if gain_field_g > 0 and pass_1.residual then
          gain <= field_signed(channel_word, bias_bits_g, gain_field_g, fast_g);
        end if;
        channel_bias := field_wide(channel_word, 0, bias_bits_g, fast_g);
        for i in 0 to lanes_g - 1 loop
          acc(i) <= tile_acc(i);
          residual(i) <= kept_data(i);
          case pass_1.from_where is
            when multiplier_fixed =>
              multiplier(i) <= pass_1.multiplier;
            when multiplier_per_row =>
              if row_field_g > 0 and pass_1.bias_tokens then
                multiplier(i) <= field_natural(position_word, lanes_g * bias_bits_g, row_field_g,
                  fast_g);
              elsif row_field_g > 0 then
                multiplier(i) <= field_natural(channel_word, bias_bits_g + gain_field_g,
                  row_field_g, fast_g);
              end if;
            when multiplier_reciprocal =>
              multiplier(i) <= reciprocal_data(i);
          end case;
          if pass_1.bias_tokens then
            bias(i) <= field_wide(position_word, i * bias_bits_g, bias_bits_g, fast_g);
          else
            bias(i) <= channel_bias;
          end if;
        end loop;
        if pass_1.pooled then
          acc(0) <= pool_data;
        end if;
      end if;
      if rst = '1' then
        valid_2 <= '0';
      end if;
    end if;
  end process;

  requantisers : entity work.requantiser
    generic map (lanes_g => lanes_g, acc_bits_g => acc_bits_g,
      multiplier_bits_g => multiplier_bits_g, residual_bits_g => residual_bits_g,
      gain_bits_g => gain_bits_g, sum_bits_g => sum_bits_g, code_bits_g => code_bits_g,
      shifts_g => shifts_g, lows_g => lows_g, highs_g => highs_g, fast_g => fast_g)
    port map (clk => clk, rst => rst, in_valid => valid_2, acc => acc, multiplier => multiplier,
      residual => residual, gain => gain, bias => bias, scale => scale,
      out_valid => out_valid, result => result);
end architecture;
