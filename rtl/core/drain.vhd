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
    channel_rom_g     : word_array_t; -- bias, multiplier of one channel, from the right
    gain_rom_g        : word_array_t; -- by the same address
    position_rom_g    : word_array_t; -- lanes_g biases, first token rightmost; lies as the residual does
    channel_block_bits_g  : natural;  -- columns in Block RAM, as the next
    gain_block_bits_g     : natural;
    position_block_bits_g : natural;
    stream_bits_g     : positive; -- at least those of a bias and a multiplier
    bias_bits_g       : positive;
    position_bits_g   : positive;
    position_drop_g   : natural;      -- zeros below them, at most 16
    gain_field_g      : natural;      -- bits of the field, 0: there is none
    row_field_g       : natural;      -- bits of the multiplier, 0: the program has it
    depth_kept_g      : positive; -- a power of two
    channels_g        : positive;     -- of the pool, a power of two
    slots_g           : positive;     -- of reciprocals
    shared_g          : boolean;      -- residuals and products by turns: gained channels take two cycles a group
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
    stream_next  : out std_logic; -- a channel is done whose constants came with the weights
    stream_constants : in std_logic_vector(stream_bits_g - 1 downto 0);
    read_enable  : out std_logic;
    score_valid  : out std_logic; -- tile_acc is a score of every lane's token
    out_valid    : out std_logic;
    result       : out int_array_t(0 to lanes_g - 1));
end entity;

architecture rtl of drain is
  constant word_bits_c : positive := bias_bits_g + row_field_g;

  -- A position bias takes the residual's way: times 2**low_c in the gain's place, where the first
  -- DSP48E1 adds gain and offset by itself, and besides times the zeros below it; what 25 bits cannot
  -- hold is the lowest bits of the bias, and where even that is too wide (the residual's port has 18 bits),
  -- or where a residual would take a cycle, it is the whole bias.
  constant whole_c : boolean := position_bits_g > 41 or shared_g;
  function low_bits return natural is
  begin
    if whole_c then
      return position_bits_g;
    elsif position_bits_g > 25 then
      return position_bits_g - 25;
    end if;
    return 0;
  end function;
  constant low_c : natural := low_bits;
  function unit return natural is
  begin
    if whole_c then
      return 0;
    end if;
    return 2**(low_c + position_drop_g);
  end function;
  constant unit_c : natural := unit;
  function residual_bits return positive is
  begin
    if whole_c then
      return residual_bits_g;
    end if;
    return larger(residual_bits_g, low_c + position_drop_g + 2);
  end function;

  function most_channels return positive is
    variable most : positive := 1;
  begin
    for i in program_g'range loop
      most := larger(most, program_g(i).channels);
    end loop;
    return most;
  end function;

  -- A ROM in LUTs is as deep as its address can tell: a comparison of the address would be mapped
  -- into every column.
  function depth_of(words, block_bits : natural) return positive is
  begin
    if block_bits = 0 then
      return span_of(words);
    end if;
    return words;
  end function;
  constant channel_depth_c : positive := depth_of(channel_rom_g'length, channel_block_bits_g);
  constant gain_depth_c    : positive := depth_of(gain_rom_g'length, gain_block_bits_g);

  -- the program, as narrow as it is
  subtype pc_t is natural range 0 to last_of(program_g'length);
  subtype group_t is natural range 0 to last_of(groups_g);
  subtype channel_t is natural range 0 to last_of(most_channels);
  subtype channel_word_t is natural range 0 to last_of(channel_depth_c);
  subtype gain_t is natural range 0 to last_of(gain_depth_c);
  subtype constant_t is natural
    range 0 to last_of(larger(channel_rom_g'length, gain_rom_g'length)); -- in either
  subtype kept_t is natural range 0 to last_of(depth_kept_g);
  subtype slot_t is natural range 0 to last_of(slots_g * groups_g);
  type pass_t is record
    pooled       : boolean;
    scores       : boolean;
    position     : boolean;
    streamed     : boolean;
    gained       : boolean;
    normalises   : boolean;
    bias_steps   : boolean;
    last_group   : group_t;
    last_channel : channel_t;
    multiplier   : natural range 0 to 32767;
    scale        : natural range 0 to 31;
    bias_base    : constant_t;
    kept_base    : kept_t;
    slot         : slot_t;
  end record;
  type passes_t is array (natural range <>) of pass_t;

  function narrowed(passes : drain_array_t) return passes_t is
    variable value : passes_t(0 to passes'length - 1);
    variable from  : drain_t;
  begin
    for i in value'range loop
      from := passes(passes'low + i);
      value(i) := (pooled => from.pooled, scores => from.scores, position => from.position,
        streamed => from.streamed, gained => from.gained,
        normalises => from.normalises, bias_steps => from.bias_steps, last_group => from.last_group,
        last_channel => from.channels - 1, multiplier => from.multiplier, scale => from.scale,
        bias_base => from.bias_base, kept_base => from.kept_base mod depth_kept_g,
        slot => from.reciprocal * groups_g);
    end loop;
    return value;
  end function;
  constant program : passes_t(0 to program_g'length - 1) := narrowed(program_g);

  signal pass, pass_1 : pass_t := program(0);
  signal busy         : std_logic := '0';
  signal active       : std_logic;
  signal valid_1      : std_logic := '0';
  signal valid_2      : std_logic := '0';
  signal splits       : std_logic;        -- a residual is read, its product in the next cycle
  signal second       : std_logic := '0'; -- that cycle
  signal part_1, part_2 : std_logic := '0'; -- a residual's
  signal at_output    : natural range 0 to last_of(outputs_g) := 0;
  signal at_group     : group_t := 0;
  signal constant_addr : constant_t := 0;
  signal channel_addr : channel_word_t;
  signal gain_addr    : gain_t;
  signal gain_idle    : std_logic;
  signal gain_word    : std_logic_vector(gain_bits_g - 1 downto 0);
  signal channel_idle : std_logic;
  signal kept_at      : kept_t := 0;
  signal position_idle : std_logic;
  signal channel_word : std_logic_vector(word_bits_c - 1 downto 0);
  signal position_word : std_logic_vector(lanes_g * position_bits_g - 1 downto 0);
  signal acc          : int_array_t(0 to lanes_g - 1) := (others => 0);
  signal multiplier   : int_array_t(0 to lanes_g - 1) := (others => 0);
  signal residual     : int_array_t(0 to lanes_g - 1) := (others => 0);
  signal offset       : int_array_t(0 to lanes_g - 1) := (others => 0);
  signal bias         : wide_array_t(0 to lanes_g - 1) := (others => wide_zero_c);
  signal gain         : integer := 0;
  signal scale        : natural range 0 to 31 := 0;
begin
  assert (low_c = 0 or bias_bits_g >= low_c + position_drop_g) and (not whole_c or bias_bits_g = position_bits_g)
    report "drain: bias_bits_g is too narrow for a position's part" severity failure;
  active <= captured or busy;
  read_enable <= active;
  tile_output <= at_output;
  tile_group <= at_group;
  splits <= active and not second when shared_g and pass.gained else '0';
  stream_next <= active and not splits when pass.streamed and at_group = pass.last_group else '0';
  channel_idle <= not active when not pass.streamed else '1';
  channel_in_logic : if channel_block_bits_g = 0 generate
    channel_addr <= constant_addr mod channel_depth_c;
  end generate;
  channel_in_block : if channel_block_bits_g > 0 generate
    channel_addr <= constant_addr when constant_addr < channel_depth_c else 0;
  end generate;
  gain_idle <= not active or second when pass.gained else '1';
  gain_in_logic : if gain_block_bits_g = 0 generate
    gain_addr <= constant_addr mod gain_depth_c;
  end generate;
  gain_in_block : if gain_block_bits_g > 0 generate
    gain_addr <= constant_addr when constant_addr < gain_depth_c else 0;
  end generate;
  position_idle <= not active when pass.position else '1';
  kept_addr <= kept_at;

  -- cycle 0: walks channels and groups of tokens
  process (clk)
    variable pc       : pc_t := 0;
    variable upcoming : pass_t := program(0);
    variable channel  : channel_t := 0;
    variable kept     : kept_t := 0;
    variable slot     : slot_t := 0;
    variable bias_at  : constant_t := 0;
    variable output   : natural range 0 to last_of(outputs_g) := 0;
    variable band     : group_t := 0;
    variable fresh    : boolean;
  begin
    if rising_edge(clk) then
      valid_1 <= active;
      part_1 <= splits;
      second <= splits;
      fresh := false;
      if active = '1' then
        pass_1 <= pass;
        busy <= '1';
      end if;
      if active = '1' and splits = '0' then
        kept := (kept + 1) mod depth_kept_g;
        if band = pass.last_group then
          band := 0;
          if channel = pass.last_channel then
            channel := 0;
            output := 0;
            busy <= '0';
            fresh := true;
          else
            channel := channel + 1;
            if pass.bias_steps then
              bias_at := bias_at + 1;
            end if;
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
        slot := upcoming.slot;
        if pc < program'length - 1 then
          pc := pc + 1;
          upcoming := program(pc);
        end if;
      end if;
      at_output <= output;
      at_group <= band;
      constant_addr <= bias_at;
      kept_at <= kept;
      pool_addr <= channel mod channels_g;
      reciprocal_addr <= slot + band;
      if rst = '1' then
        busy <= '0';
        valid_1 <= '0';
        second <= '0';
      end if;
    end if;
  end process;

  channel_rom : entity work.rom
    generic map (contents_g => channel_rom_g, first_g => 0, words_g => channel_rom_g'length,
      depth_g => channel_depth_c, bits_g => word_bits_c, block_bits_g => channel_block_bits_g)
    port map (clk => clk, idle => channel_idle, read_addr => channel_addr,
      read_data => channel_word);
  gains : if gain_field_g > 0 generate
    gain_rom : entity work.rom
      generic map (contents_g => gain_rom_g, first_g => 0, words_g => gain_rom_g'length,
        depth_g => gain_depth_c, bits_g => gain_bits_g, block_bits_g => gain_block_bits_g)
      port map (clk => clk, idle => gain_idle, read_addr => gain_addr, read_data => gain_word);
  end generate;
  no_gains : if gain_field_g = 0 generate
    gain_word <= (others => '0');
  end generate;
  position_rom : entity work.rom
    generic map (contents_g => position_rom_g, first_g => 0, words_g => position_rom_g'length,
      depth_g => depth_kept_g, bits_g => lanes_g * position_bits_g,
      block_bits_g => position_block_bits_g)
    port map (clk => clk, idle => position_idle, read_addr => kept_at,
      read_data => position_word);

  -- cycle 1: chooses the requantiser's operands
  score_valid <= valid_1 when pass_1.scores else '0';
  process (clk)
    variable constants : std_logic_vector(word_bits_c - 1 downto 0);
    variable common : natural range 0 to 32767;
    variable word   : std_logic_vector(bias_bits_g - 1 downto 0);
  begin
    if rising_edge(clk) then
      valid_2 <= valid_1;
      part_2 <= part_1;
      if valid_1 = '1' then
        scale <= pass_1.scale;
        if gain_field_g > 0 then -- 0 where there is no residual
          gain <= field_signed(gain_word, 0, gain_bits_g, fast_g);
        end if;
        constants := channel_word;
        if pass_1.streamed then
          constants := stream_constants(word_bits_c - 1 downto 0);
        end if;
        common := pass_1.multiplier;
        if row_field_g > 0 then
          common := field_natural(constants, bias_bits_g, row_field_g, fast_g);
        end if;
        for i in 0 to lanes_g - 1 loop
          acc(i) <= tile_acc(i);
          multiplier(i) <= common;
          if pass_1.normalises then
            multiplier(i) <= reciprocal_data(i);
          end if;
          word := constants(bias_bits_g - 1 downto 0);
          residual(i) <= kept_data(i);
          offset(i) <= 0;
          if pass_1.position then
            residual(i) <= unit_c;
            if whole_c then
              word(position_bits_g - 1 downto 0) :=
                position_word((i + 1) * position_bits_g - 1 downto i * position_bits_g);
            else
              offset(i) <= field_signed(position_word, i * position_bits_g + low_c,
                position_bits_g - low_c, fast_g);
              if low_c > 0 then -- the channel's have none
                word(low_c + position_drop_g - 1 downto position_drop_g) :=
                  position_word(i * position_bits_g + low_c - 1 downto i * position_bits_g);
              end if;
            end if;
          end if;
          if part_1 = '1' then
            acc(i) <= 0;
            multiplier(i) <= kept_data(i);
          end if;
          bias(i) <= field_wide(word, 0, bias_bits_g, fast_g);
        end loop;
        if pass_1.pooled then -- which has no residual
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
      multiplier_bits_g => multiplier_bits_g, residual_bits_g => residual_bits,
      gain_bits_g => gain_bits_g, sum_bits_g => sum_bits_g, code_bits_g => code_bits_g,
      shifts_g => shifts_g, lows_g => lows_g, highs_g => highs_g, shared_g => shared_g,
      fast_g => fast_g)
    port map (clk => clk, rst => rst, in_valid => valid_2, in_part => part_2, acc => acc, multiplier => multiplier,
      residual => residual, gain => gain, offset => offset, bias => bias, scale => scale,
      out_valid => out_valid, result => result);
end architecture;
