-- SPDX-License-Identifier: Apache-2.0
-- Numerators from score distances, in the order of the sweep: lanes_g tokens of one column a cycle.
-- e = table(u); e gathers into words of terms_g columns; Z is the sum over the columns. When lanes_g
-- tokens are done their sums leave one by one, first token first.
--
-- Timing: numerator ports one cycle after e, which follows in_valid by one; the sums start to leave
-- and the tap shows the cycle after that. columns_g >= lanes_g, or the sums would run into each other.
library ieee;
use ieee.std_logic_1164.all;
use work.arithmetic_pkg.all;
use work.program_pkg.all;

entity numerators is
  generic (
    program_g : softmax_array_t;
    tokens_g  : positive;
    lanes_g   : positive;
    terms_g   : positive;
    columns_g : positive;
    u_bits_g  : positive;
    e_bits_g  : positive;
    z_bits_g  : positive;
    table_g   : int_array_t); -- (layer, u), 2**u_bits_g entries a layer
  port (
    clk             : in  std_logic;
    rst             : in  std_logic;
    start           : in  std_logic;
    in_valid        : in  std_logic;
    codes           : in  int_array_t(0 to lanes_g - 1); -- u
    layer           : in  natural range 0 to 1;
    blocks          : out natural range 0 to 1023;       -- whose numerators are written
    numerator_write : out std_logic_vector(0 to tokens_g - 1);
    numerator_addr  : out natural range 0 to 16383;
    numerator_data  : out int_array_t(0 to lanes_g * terms_g - 1); -- (lane, term)
    z_valid         : out std_logic;
    z_layer         : out natural range 0 to 1;
    z               : out natural range 0 to 2**z_bits_g - 1;
    tap_enable      : in  std_logic;
    tap_tensor      : in  natural range 0 to 15;
    tap_layer       : in  natural range 0 to 1;
    tap_row         : in  natural range 0 to 255;
    tap_valid       : out std_logic;
    tap_index       : out natural range 0 to 255;
    tap_data        : out integer range -32768 to 32767);
end entity;

architecture rtl of numerators is
  constant program    : softmax_array_t(0 to program_g'length - 1) := program_g;
  constant table_c    : int_array_t(0 to table_g'length - 1) := table_g;
  -- A table of which GHDL's synthesis would make zeros (docs/netlist.md): narrow numerators may be 0 but for e(0).
  function first_alone return boolean is
  begin
    for i in 1 to table_c'high loop
      if table_c(i) /= 0 then
        return false;
      end if;
    end loop;
    return true;
  end function;
  constant first_alone_c : boolean := first_alone;
  constant steps_c    : positive := tokens_g / lanes_g;
  -- of the last word, all places if it is a whole one
  constant whole_c    : natural := columns_g - (ceil_div(columns_g, terms_g) - 1) * terms_g;
  constant tensor_u_c : natural := 5;
  constant tensor_e_c : natural := 6;
  subtype e_t is natural range 0 to 2**e_bits_g - 1;
  subtype u_t is natural range 0 to 2**u_bits_g - 1;
  subtype z_t is natural range 0 to 2**z_bits_g - 1;
  subtype lane_t is natural range 0 to last_of(lanes_g);
  subtype step_t is natural range 0 to last_of(steps_c);
  subtype pc_t is natural range 0 to last_of(program_g'length);
  type e_array_t is array (natural range <>) of e_t;
  type u_array_t is array (natural range <>) of u_t;
  type z_array_t is array (natural range <>) of z_t;

  -- Two blocks at least: GHDL's synthesis stops at one.
  -- A block's pass and what follows from its tokens: its last lane group of tokens and lane there
  type block_t is record
    tokens    : natural range 1 to 64;
    base      : natural range 0 to 16383;
    layer     : natural range 0 to 1;
    first_row : natural range 0 to 255;
    last_step : step_t;
    last_lane : lane_t;
  end record;
  type blocks_t is array (natural range <>) of block_t;

  function blocks_of(passes : softmax_array_t) return blocks_t is
    variable value : blocks_t(0 to last_of(passes'length));
    variable from  : softmax_t;
  begin
    for i in value'range loop
      from := passes(i mod passes'length);
      value(i).tokens := from.tokens;
      value(i).base := from.base;
      value(i).layer := from.layer;
      value(i).first_row := from.first_row;
      value(i).last_step := ceil_div(from.tokens, lanes_g) - 1;
      value(i).last_lane := from.tokens - value(i).last_step * lanes_g - 1;
    end loop;
    return value;
  end function;
  constant blocks_c : blocks_t(0 to last_of(program_g'length)) := blocks_of(program);

  function following(pc : pc_t) return pc_t is
  begin
    if pc = program_g'length - 1 then
      return 0;
    end if;
    return pc + 1;
  end function;

  signal e_valid : std_logic := '0';
  signal e       : e_array_t(0 to lanes_g - 1) := (others => 0);
  signal u       : u_array_t(0 to lanes_g - 1) := (others => 0);
  signal e_layer : natural range 0 to 1 := 0;
  signal sums    : z_array_t(0 to lanes_g - 1) := (others => 0);
  signal gathered : e_array_t(0 to lanes_g * terms_g - 1) := (others => 0);
  signal leave   : std_logic := '0'; -- sums are whole
  signal leave_last : lane_t := 0;   -- of them
  -- what the tap looks at, a cycle after e
  signal tap_block  : block_t := blocks_c(0);
  signal tapped     : integer range -256 to 255 := 0; -- the row, in this block
  signal tap_hit    : std_logic := '0';
  signal tap_lane   : lane_t := 0;
  signal tap_column : natural range 0 to last_of(columns_g) := 0;
  signal tap_e      : e_array_t(0 to last_of(lanes_g)) := (others => 0);
  signal tap_u      : u_array_t(0 to last_of(lanes_g)) := (others => 0);
begin
  assert columns_g >= lanes_g
    report "numerators: fewer columns than lanes" severity failure;

  look_up : process (clk)
  begin
    if rising_edge(clk) then
      e_valid <= in_valid;
      if in_valid = '1' then
        for j in 0 to lanes_g - 1 loop
          if first_alone_c then
            e(j) <= 0;
            if layer * 2**u_bits_g + codes(j) = 0 then
              e(j) <= table_c(0);
            end if;
          else
            e(j) <= table_c((layer * 2**u_bits_g + codes(j)) mod table_g'length);
          end if;
          u(j) <= codes(j);
        end loop;
        e_layer <= layer;
      end if;
      if rst = '1' then
        e_valid <= '0';
      end if;
    end if;
  end process;

  gather : process (clk)
    variable pc      : pc_t := 0; -- of the block after this one
    variable pass    : block_t := blocks_c(0);
    variable column  : natural range 0 to last_of(columns_g) := 0;
    variable term    : natural range 0 to last_of(terms_g) := 0;
    variable address : natural range 0 to 16383 := program(0).base;
    variable step    : step_t := 0; -- lanes_g tokens each
    variable sum     : z_t;
    variable count   : natural range 0 to program_g'length := 0;
  begin
    if rising_edge(clk) then
      numerator_write <= (others => '0');
      leave <= '0';
      tap_hit <= '0';
      if e_valid = '1' then
        for j in 0 to lanes_g - 1 loop
          sum := 0;
          if column > 0 then
            sum := sums(j);
          end if;
          sums(j) <= sum + e(j);
          for t in 0 to terms_g - 1 loop
            if t = term then
              gathered(j * terms_g + t) <= e(j);
            elsif t >= whole_c and term = 0 then -- what pads the last word must be zero
              gathered(j * terms_g + t) <= 0;
            end if;
          end loop;
          for s in 0 to steps_c - 1 loop
            if s = step and tapped = s * lanes_g + j then
              tap_lane <= j;
              if tapped < pass.tokens and tap_layer = pass.layer then
                tap_hit <= tap_enable;
              end if;
            end if;
          end loop;
        end loop;
        tap_column <= column;
        for j in tap_e'range loop
          tap_e(j) <= e(j mod lanes_g);
          tap_u(j) <= u(j mod lanes_g);
        end loop;
        numerator_addr <= address;
        if term = terms_g - 1 or column = columns_g - 1 then
          for s in 0 to steps_c - 1 loop
            for j in 0 to lanes_g - 1 loop
              if s = step then
                numerator_write(s * lanes_g + j) <= '1';
              end if;
            end loop;
          end loop;
          term := 0;
          address := address + 1;
        else
          term := term + 1;
        end if;
        if column = columns_g - 1 then
          column := 0;
          leave <= '1';
          leave_last <= lanes_g - 1;
          z_layer <= e_layer;
          if step = pass.last_step then
            leave_last <= pass.last_lane;
            step := 0;
            count := count + 1;
            pass := blocks_c(pc);
            pc := following(pc);
          else
            step := step + 1;
          end if;
          address := pass.base;
        else
          column := column + 1;
        end if;
      end if;

      if start = '1' or rst = '1' then
        pc := following(0);
        pass := blocks_c(0);
        address := pass.base;
        column := 0;
        term := 0;
        step := 0;
        count := 0;
        leave <= '0';
        tap_hit <= '0';
        numerator_write <= (others => '0');
      end if;
      blocks <= count;
      tap_block <= pass;
      tapped <= tap_row - tap_block.first_row; -- blocks are cycles apart
    end if;
  end process;

  leaving : process (clk)
    variable waiting : z_array_t(0 to last_of(lanes_g)) := (others => 0);
    variable lane    : lane_t := 0;
    variable last    : lane_t := 0;
  begin
    if rising_edge(clk) then
      z_valid <= '0';
      if lane /= last then
        z_valid <= '1';
        lane := lane + 1;
      end if;
      for j in 1 to lanes_g - 1 loop
        if lane = j or j = lanes_g - 1 then
          z <= waiting(j);
          exit;
        end if;
      end loop;
      if leave = '1' then
        z_valid <= '1';
        z <= sums(0);
        waiting(0 to lanes_g - 1) := sums;
        lane := 0;
        last := leave_last;
      end if;
      if start = '1' or rst = '1' then
        lane := 0;
        last := 0;
        z_valid <= '0';
      end if;
    end if;
  end process;

  tap : process (clk)
  begin
    if rising_edge(clk) then
      tap_valid <= '0';
      if tap_tensor = tensor_u_c or tap_tensor = tensor_e_c then
        tap_valid <= tap_hit;
      end if;
      tap_index <= tap_column;
      if tap_tensor = tensor_u_c then
        tap_data <= tap_u(tap_lane);
      else
        tap_data <= tap_e(tap_lane);
      end if;
      if rst = '1' then
        tap_valid <= '0';
      end if;
    end if;
  end process;

  -- what leaves for the numerator buffer is read in the cycle of its write strobe
  words : for k in 0 to lanes_g * terms_g - 1 generate
    numerator_data(k) <= gathered(k);
  end generate;
end architecture;
