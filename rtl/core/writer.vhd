-- SPDX-License-Identifier: Apache-2.0
-- Puts requantised codes away: lanes_g tokens of one channel come in a cycle. Codes gather in a
-- small register until a memory word is whole (terms_g channels of a token; outputs_g for the value
-- buffer), so that every buffer is a plain RAM of any kind. Also counts the passes written, keeps
-- the residual, streams y and serves the debug tap.
--
-- Key and value buffers lie as the tile's weight port reads them: token s in bank s mod banks, so
-- the lanes' tokens fall into different banks whatever the block's first token is.
--
-- Timing: write ports are driven one cycle after in_valid, writes counts up with them.
library ieee;
use ieee.std_logic_1164.all;
use work.arithmetic_pkg.all;
use work.program_pkg.all;

entity writer is
  generic (
    program_g     : write_array_t;
    tokens_g      : positive;
    outputs_g     : positive;
    terms_g       : positive;
    lanes_g       : positive;
    key_banks_g   : positive;  -- at least lanes_g
    value_banks_g : positive); -- at least lanes_g
  port (
    clk              : in  std_logic;
    rst              : in  std_logic;
    start            : in  std_logic;
    in_valid         : in  std_logic;
    codes            : in  int_array_t(0 to lanes_g - 1);
    writes           : out natural range 0 to 2047; -- passes written since start
    activation_write : out std_logic_vector(0 to tokens_g - 1);
    activation_addr  : out natural range 0 to 16383;
    activation_data  : out int_array_t(0 to tokens_g * terms_g - 1);  -- (token, term)
    key_write        : out std_logic_vector(0 to key_banks_g - 1);
    key_addr         : out int_array_t(0 to key_banks_g - 1) := (others => 0);
    key_data         : out int_array_t(0 to key_banks_g * terms_g - 1);
    value_write      : out std_logic_vector(0 to value_banks_g - 1);
    value_addr       : out int_array_t(0 to value_banks_g - 1) := (others => 0);
    value_data       : out int_array_t(0 to value_banks_g * outputs_g - 1);
    kept_write       : out std_logic;
    kept_addr        : out natural range 0 to 65535;
    kept_data        : out int_array_t(0 to lanes_g - 1);
    pool_write       : out std_logic;
    pool_fresh       : out std_logic;
    pool_channel     : out natural range 0 to 255;
    pool_sum         : out integer;
    y_valid          : out std_logic;
    y_last           : out std_logic;
    y_data           : out integer range -32768 to 32767;
    tap_enable       : in  std_logic;
    tap_tensor       : in  natural range 0 to 15;
    tap_layer        : in  natural range 0 to 1;
    tap_row          : in  natural range 0 to 255;
    tap_valid        : out std_logic;
    tap_index        : out natural range 0 to 255;
    tap_data         : out integer range -32768 to 32767);
end entity;

architecture rtl of writer is
  constant program : write_array_t(0 to program_g'length - 1) := program_g;
  constant gather_c : positive := larger(terms_g, outputs_g);
  constant groups_c : positive := tokens_g / lanes_g;
  constant banks_c  : positive := larger(key_banks_g, value_banks_g);
  -- Blocks begin at multiples of lanes_g: a lane meets only every so many-th bank.
  constant key_stride_c   : positive := common_divisor(lanes_g, key_banks_g);
  constant value_stride_c : positive := common_divisor(lanes_g, value_banks_g);
  -- (token, place); what leaves for a buffer is read from here in the cycle of its write strobe
  signal gathered   : int_array_t(0 to tokens_g * gather_c - 1) := (others => 0);
  signal rotation_1 : natural range 0 to 2 * banks_c := 0; -- of the strobes
  signal group_1    : natural range 0 to last_of(groups_c) := 0;
  signal kept_codes : int_array_t(0 to lanes_g - 1) := (others => 0);
begin
  assert key_banks_g >= lanes_g and value_banks_g >= lanes_g
    report "writer: fewer banks than lanes" severity failure;

  process (clk)
    variable pc       : natural range 0 to last_of(program'length) := 0;
    variable pass     : write_t := program(0);
    variable upcoming : write_t := program(0);
    variable count    : natural range 0 to 2047 := 0;
    variable channel  : natural range 0 to 255 := 0;
    variable output   : natural range 0 to last_of(outputs_g) := 0; -- channel mod outputs_g
    variable term     : natural range 0 to last_of(terms_g) := 0;   -- channel mod terms_g
    variable band     : natural range 0 to groups_c := 0;
    variable address  : natural range 0 to 16383 := 0;
    variable kept     : natural range 0 to 65535 := 0;
    variable rotation : natural range 0 to 2 * banks_c := 0;
    variable row      : natural range 0 to 16383 := 0;              -- words from address to the row
    variable this_row, next_row : natural range 0 to 16383;
    variable place    : natural range 0 to last_of(gather_c);
    variable whole    : boolean;
    variable ended    : boolean; -- the channel is the pass's last
    variable valid    : boolean; -- the lane's token exists
    variable sum      : integer range -16384 to 16383;
    variable tapped   : integer range -256 to 255; -- the row to tap in this block
    variable fresh    : boolean;
  begin
    if rising_edge(clk) then
      activation_write <= (others => '0');
      key_write <= (others => '0');
      value_write <= (others => '0');
      kept_write <= '0';
      pool_write <= '0';
      y_valid <= '0';
      y_last <= '0';
      tap_valid <= '0';
      fresh := false;

      if in_valid = '1' then
        ended := channel = pass.channels - 1;
        place := term;
        whole := ended or term = terms_g - 1;
        if pass.destination = to_value then
          place := output;
          whole := ended or output = outputs_g - 1;
        end if;
        rotation_1 <= rotation;
        group_1 <= band;
        kept_codes <= codes;
        kept_addr <= kept;
        activation_addr <= address;
        pool_channel <= channel;
        y_data <= codes(0);
        -- banks below the first token's lie in the next row
        this_row := address + row;
        next_row := this_row + pass.row_step;
        for b in 0 to key_banks_g - 1 loop
          key_addr(b) <= this_row;
          if b < rotation then
            key_addr(b) <= next_row;
          end if;
        end loop;
        for b in 0 to value_banks_g - 1 loop
          value_addr(b) <= this_row;
          if b < rotation then
            value_addr(b) <= next_row;
          end if;
        end loop;
        sum := 0;
        tapped := tap_row - pass.first_token;
        tap_index <= pass.first_index + channel;
        for g in 0 to groups_c - 1 loop
          if g = band then
            for i in 0 to lanes_g - 1 loop
              -- what pads a word must be zero: in scores both operands are padded
              for k in 0 to gather_c - 1 loop
                if k = place then
                  gathered((g * lanes_g + i) * gather_c + k) <= codes(i) - pass.offset;
                elsif place = 0 then
                  gathered((g * lanes_g + i) * gather_c + k) <= 0;
                end if;
              end loop;
              valid := g * lanes_g + i < pass.tokens;
              if valid and pass.destination = to_pool then
                sum := sum + codes(i);
              end if;
              if tap_enable = '1' and tap_tensor = pass.tensor and tap_layer = pass.layer
                and tapped = g * lanes_g + i and valid then
                tap_valid <= '1';
                tap_data <= codes(i);
              end if;
              if whole and pass.destination = to_activation then
                activation_write(g * lanes_g + i) <= '1';
              end if;
              for b in 0 to key_banks_g - 1 loop
                if (b - i + banks_c * key_banks_g) mod key_stride_c = 0
                  and rotation = (b - i + banks_c * key_banks_g) mod key_banks_g and whole and valid
                  and pass.destination = to_key then
                  key_write(b) <= '1';
                end if;
              end loop;
              for b in 0 to value_banks_g - 1 loop
                if (b - i + banks_c * value_banks_g) mod value_stride_c = 0
                  and rotation = (b - i + banks_c * value_banks_g) mod value_banks_g and whole and valid
                  and pass.destination = to_value then
                  value_write(b) <= '1';
                end if;
              end loop;
            end loop;
          end if;
        end loop;
        pool_sum <= sum;
        pool_fresh <= '0';
        if pass.first_block and band = 0 then
          pool_fresh <= '1';
        end if;
        if pass.destination = to_pool then
          pool_write <= '1';
        end if;
        if pass.destination = to_output then
          y_valid <= '1';
          if ended then
            y_last <= '1';
          end if;
        end if;
        if pass.keep then
          kept_write <= '1';
          kept := kept + 1;
        end if;

        -- step on: group, channel, word, pass
        if band = pass.last_group then
          band := 0;
          row := 0;
          rotation := pass.rotation;
          if whole then
            if pass.destination = to_value then
              address := address + pass.job_step;
            else
              address := address + 1;
            end if;
          end if;
          if output = outputs_g - 1 then
            output := 0;
          else
            output := output + 1;
          end if;
          if term = terms_g - 1 then
            term := 0;
          else
            term := term + 1;
          end if;
          if ended then
            fresh := true;
            count := count + 1;
          else
            channel := channel + 1;
          end if;
        else
          band := band + 1;
          if pass.destination = to_value then
            rotation := rotation + lanes_g;
            if rotation >= value_banks_g then
              rotation := rotation - value_banks_g;
              row := row + pass.row_step;
            end if;
          elsif pass.destination = to_key then
            rotation := rotation + lanes_g;
            if rotation >= key_banks_g then
              rotation := rotation - key_banks_g;
              row := row + pass.row_step;
            end if;
          end if;
        end if;
      end if;

      if start = '1' then
        pc := 0;
        upcoming := program(0);
        count := 0;
        fresh := true;
      end if;
      if fresh then
        pass := upcoming;
        channel := 0;
        output := 0;
        term := 0;
        band := 0;
        row := 0;
        address := pass.base;
        kept := pass.kept_base;
        rotation := pass.rotation;
        if pc < program'length - 1 then
          pc := pc + 1;
          upcoming := program(pc);
        end if;
      end if;
      writes <= count;
      if rst = '1' then
        count := 0;
        writes <= 0;
        y_valid <= '0';
        y_last <= '0';
        tap_valid <= '0';
      end if;
    end if;
  end process;

  kept_data <= kept_codes;

  -- what the buffers see; of the gathered places each takes its own
  activation_words : for t in 0 to tokens_g - 1 generate
    activation_data(t * terms_g to t * terms_g + terms_g - 1) <=
      gathered(t * gather_c to t * gather_c + terms_g - 1);
  end generate;

  key_words : process (all)
  begin
    for b in 0 to key_banks_g - 1 loop
      for u in 0 to terms_g - 1 loop
        key_data(b * terms_g + u) <= gathered((b mod key_stride_c) * gather_c + u);
      end loop;
      for g in 0 to groups_c - 1 loop
        for i in 0 to lanes_g - 1 loop
          -- the first lane of the first group is what is left
          if (b - i + banks_c * key_banks_g) mod key_stride_c = 0
            and (g > 0 or i /= b mod key_stride_c) and (g = group_1 or groups_c = 1)
            and rotation_1 = (b - i + banks_c * key_banks_g) mod key_banks_g then
            for u in 0 to terms_g - 1 loop
              key_data(b * terms_g + u) <= gathered((g * lanes_g + i) * gather_c + u);
            end loop;
          end if;
        end loop;
      end loop;
    end loop;
  end process;

  value_words : process (all)
  begin
    for b in 0 to value_banks_g - 1 loop
      for p in 0 to outputs_g - 1 loop
        value_data(b * outputs_g + p) <= gathered((b mod value_stride_c) * gather_c + p);
      end loop;
      for g in 0 to groups_c - 1 loop
        for i in 0 to lanes_g - 1 loop
          -- the first lane of the first group is what is left
          if (b - i + banks_c * value_banks_g) mod value_stride_c = 0
            and (g > 0 or i /= b mod value_stride_c) and (g = group_1 or groups_c = 1)
            and rotation_1 = (b - i + banks_c * value_banks_g) mod value_banks_g then
            for p in 0 to outputs_g - 1 loop
              value_data(b * outputs_g + p) <= gathered((g * lanes_g + i) * gather_c + p);
            end loop;
          end if;
        end loop;
      end loop;
    end loop;
  end process;
end architecture;
