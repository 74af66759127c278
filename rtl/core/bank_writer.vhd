-- SPDX-License-Identifier: Apache-2.0
-- The write ports of one buffer: lanes_g tokens of one channel come in a cycle and gather in registers
-- until a memory word of places_g channels is whole; each bank's word is written from there.
--
-- A pass's token o of its block lies in bank (rotation + o) mod banks_g; banks below rotation lie in
-- the next row. Which tokens a bank ever meets is known from the program, so that a bank has a choice
-- of lanes, addresses or blocks only where the program really needs it.
--
-- Timing: write, addr and data one cycle after in_valid.
library ieee;
use ieee.std_logic_1164.all;
use work.arithmetic_pkg.all;
use work.program_pkg.all;

entity bank_writer is
  generic (
    program_g     : write_array_t;
    destination_g : destination_t;
    tokens_g      : positive; -- of a block
    lanes_g       : positive;
    banks_g       : positive; -- at least the tokens of any block
    places_g      : positive;
    code_bits_g   : positive);
  port (
    clk      : in  std_logic;
    in_valid : in  std_logic;
    codes    : in  int_array_t(0 to lanes_g - 1);
    band     : in  natural range 0 to last_of(tokens_g / lanes_g); -- group of lanes_g tokens
    place    : in  natural range 0 to 63;    -- in the word
    whole    : in  std_logic;                -- writes the word
    rotation : in  natural range 0 to 255;   -- bank of the block's first token
    tokens   : in  natural range 0 to 64;    -- of the block
    this_row : in  natural range 0 to 32767; -- address
    next_row : in  natural range 0 to 32767;
    write    : out std_logic_vector(0 to banks_g - 1);
    addr     : out int_array_t(0 to banks_g - 1);
    data     : out int_array_t(0 to banks_g * places_g - 1));
end entity;

architecture rtl of bank_writer is
  constant program : write_array_t(0 to program_g'length - 1) := program_g;
  constant many_groups_c : boolean := tokens_g > lanes_g;
  subtype code_t is integer range -2**(code_bits_g - 1) to 2**(code_bits_g - 1) - 1;
  type code_array_t is array (natural range <>) of code_t;
  type truths_t is array (natural range <>) of boolean;
  type counts_t is array (natural range <>) of natural range 0 to tokens_g;

  function lane_of(o : natural) return natural is
  begin
    return o mod lanes_g;
  end function;

  function group_of(o : natural) return natural is
  begin
    return o / lanes_g;
  end function;

  -- the rotation that brings token o to bank b
  function turn(b, o : natural) return natural is
  begin
   
    return (b + tokens_g * banks_g - o) mod banks_g;
  end function;

  -- (bank, token): some pass writes that token there
  function meetings return truths_t is
    variable found : truths_t(0 to banks_g * tokens_g - 1) := (others => false);
  begin
    for i in program'range loop
      if program(i).destination = destination_g then
        for o in 0 to program(i).tokens - 1 loop
         
          found(((program(i).rotation + o) mod banks_g) * tokens_g + o) := true;
        end loop;
      end if;
    end loop;
    return found;
  end function;

  -- (bank, token): a pass that would write that token there has too few
  function shortages return truths_t is
    variable found : truths_t(0 to banks_g * tokens_g - 1) := (others => false);
  begin
    for i in program'range loop
      if program(i).destination = destination_g then
        for o in program(i).tokens to tokens_g - 1 loop
         
          found(((program(i).rotation + o) mod banks_g) * tokens_g + o) := true;
        end loop;
      end if;
    end loop;
    return found;
  end function;

  -- per bank: some pass does not write it
  function absences return truths_t is
    variable found : truths_t(0 to banks_g - 1) := (others => false);
  begin
    for i in program'range loop
      for b in 0 to banks_g - 1 loop
       
        if program(i).destination = destination_g
          and (b + banks_g - program(i).rotation) mod banks_g >= program(i).tokens then
          found(b) := true;
        end if;
      end loop;
    end loop;
    return found;
  end function;

  -- per bank: some pass writes it in the first (again false) or the next row (again true)
  function rows(again : boolean) return truths_t is
    variable found : truths_t(0 to banks_g - 1) := (others => false);
    variable bank  : natural;
  begin
    for i in program'range loop
      if program(i).destination = destination_g then
        for o in 0 to program(i).tokens - 1 loop
          bank := program(i).rotation + o;
          if not again and bank < banks_g then
            found(bank) := true;
          elsif again and bank >= banks_g then
            found(bank - banks_g) := true;
          end if;
        end loop;
      end if;
    end loop;
    return found;
  end function;

  -- the first token that a bank meets
  function firsts(meets : truths_t) return counts_t is
    variable found : counts_t(0 to banks_g - 1) := (others => 0);
  begin
    for b in 0 to banks_g - 1 loop
      for o in tokens_g - 1 downto 0 loop
        if meets(b * tokens_g + o) then
          found(b) := o;
        end if;
      end loop;
    end loop;
    return found;
  end function;

  constant meets_c  : truths_t(0 to banks_g * tokens_g - 1) := meetings;
  constant short_c  : truths_t(0 to banks_g * tokens_g - 1) := shortages;
  constant absent_c : truths_t(0 to banks_g - 1) := absences;
  constant stays_c  : truths_t(0 to banks_g - 1) := rows(false);
  constant wraps_c  : truths_t(0 to banks_g - 1) := rows(true);
  constant first_c  : counts_t(0 to banks_g - 1) := firsts(meets_c);
begin
  each : for b in 0 to banks_g - 1 generate
    signal code    : code_t;  -- of the bank's token
    signal here    : boolean; -- it comes in this cycle
    signal present : boolean; -- it exists
    signal writes  : std_logic := '0';
    signal row     : natural range 0 to 32767 := 0;
    signal word    : code_array_t(0 to places_g - 1) := (others => 0);
  begin
    unused : if not (stays_c(b) or wraps_c(b)) generate
      code <= 0;
      here <= false;
      present <= false;
    end generate;

    used : if stays_c(b) or wraps_c(b) generate
      choose : process (all)
      begin
        code <= codes(lane_of(first_c(b)));
        here <= not many_groups_c or band = group_of(first_c(b));
        present <= not absent_c(b);
        for o in 0 to tokens_g - 1 loop
          if meets_c(b * tokens_g + o) and rotation = turn(b, o) then
            if o /= first_c(b) then
              code <= codes(lane_of(o));
              here <= not many_groups_c or band = group_of(o);
            end if;
            if absent_c(b) and (not short_c(b * tokens_g + o) or o < tokens) then
              present <= true;
            end if;
          end if;
        end loop;
      end process;

      gather : process (clk)
      begin
        if rising_edge(clk) then
          writes <= '0';
          if in_valid = '1' and whole = '1' and here and present then
            writes <= '1';
          end if;
          -- places that a word leaves are zero: a first place clears the others
          for k in 0 to places_g - 1 loop
            if k > 0 and in_valid = '1' and here and place = 0 then
              word(k) <= 0;
            elsif in_valid = '1' and here and place = k then
              word(k) <= code;
            end if;
          end loop;
        end if;
      end process;

      address : process (clk)
      begin
        if rising_edge(clk) then
          if in_valid = '1' then
            row <= this_row;
            if wraps_c(b) and (not stays_c(b) or b < rotation) then
              row <= next_row;
            end if;
          end if;
        end if;
      end process;
    end generate;

    write(b) <= writes;
    addr(b) <= row;
    places : for k in 0 to places_g - 1 generate
      data(b * places_g + k) <= word(k);
    end generate;
  end generate;
end architecture;
