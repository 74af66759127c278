-- SPDX-License-Identifier: Apache-2.0
-- The weights of all linear layers, in banks. A bank holds weights of its own width, which leave
-- sign-extended; its depth is a power of two and its first address a multiple of that, so a few bits
-- of the address choose it. The word comes one cycle after the address; banks that are not read
-- give zeros, so their OR is the word, and it is zero after a cycle with idle.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.arithmetic_pkg.all;

entity weight_rom is
  generic (
    contents_g  : word_array_t; -- of all banks, one after the other
    addresses_g : int_array_t;  -- first address of each bank
    depths_g    : int_array_t;
    words_g     : int_array_t;  -- that there are; at most the depth
    widths_g    : int_array_t;  -- bits of a weight in the bank
    blocks_g    : int_array_t;  -- 1: Block RAM, 0: LUTs
    streams_g   : int_array_t;  -- 1: constants lie beside the weights, 0: none do
    depth_g     : positive;     -- addresses
    weights_g   : positive;     -- in a word
    bits_g      : positive;     -- of a weight that leaves
    constants_g : natural);     -- bits of the constants beside the weights
  port (
    clk         : in  std_logic;
    idle        : in  std_logic;
    read_addr   : in  natural range 0 to last_of(depth_g);
    read_data   : out std_logic_vector(weights_g * bits_g - 1 downto 0); -- first weight rightmost
    constants   : out std_logic_vector(larger(constants_g, 1) - 1 downto 0));
end entity;

architecture rtl of weight_rom is
  constant banks_c     : positive := depths_g'length;
  constant addr_bits_c : positive := clog2(last_of(depth_g) + 1);
  type words_t is array (0 to banks_c - 1) of std_logic_vector(read_data'range);
  type pieces_t is array (0 to banks_c - 1) of std_logic_vector(constants'range);
  signal words  : words_t;
  signal pieces : pieces_t;
  signal addr  : unsigned(addr_bits_c - 1 downto 0);

  -- where a bank's words begin in contents_g
  function first_of(bank : natural) return natural is
    variable first : natural := 0;
  begin
    for b in 0 to bank - 1 loop
      first := first + words_g(b);
    end loop;
    return first;
  end function;
begin
  addr <= to_unsigned(read_addr, addr_bits_c);

  banks : for b in 0 to banks_c - 1 generate
    constant width_c : positive := widths_g(b);
    constant all_c   : positive := weights_g * width_c + constants_g * streams_g(b);
    -- whole, whatever the words: a shorter Block RAM would be cut into columns with a mux behind
    constant depth_c : positive := depths_g(b);
    constant low_c   : natural := clog2(depths_g(b));
    signal bank_idle : std_logic;
    signal bank_addr : natural range 0 to last_of(depth_c);
    signal word      : std_logic_vector(all_c - 1 downto 0);
  begin
    only : if low_c >= addr_bits_c generate
      bank_idle <= idle;
      bank_addr <= read_addr;
    end generate;
    one_of_many : if low_c < addr_bits_c generate
      constant number_c : natural := addresses_g(b) / depths_g(b);
    begin
      bank_idle <= '0' when idle = '0' and addr(addr'high downto low_c) = number_c else '1';
      bank_addr <= to_integer(addr(low_c - 1 downto 0));
    end generate;
    memory : entity work.rom
      generic map (contents_g => contents_g, first_g => first_of(b), words_g => words_g(b),
        depth_g => depth_c, bits_g => all_c, block_bits_g => all_c * blocks_g(b))
      port map (clk => clk, idle => bank_idle, read_addr => bank_addr, read_data => word);
    streams : if all_c > weights_g * width_c generate
      pieces(b) <= word(word'high downto weights_g * width_c);
    end generate;
    no_stream : if all_c = weights_g * width_c generate
      pieces(b) <= (others => '0');
    end generate;
    extend : for w in 0 to weights_g - 1 generate
      words(b)(w * bits_g + width_c - 1 downto w * bits_g) <=
        word(w * width_c + width_c - 1 downto w * width_c);
      wider : if width_c < bits_g generate
        words(b)(w * bits_g + bits_g - 1 downto w * bits_g + width_c) <=
          (others => word(w * width_c + width_c - 1));
      end generate;
    end generate;
  end generate;

  process (all)
    variable word  : std_logic_vector(read_data'range);
    variable piece : std_logic_vector(constants'range);
  begin
    word := words(0);
    piece := pieces(0);
    for b in 1 to banks_c - 1 loop
      word := word or words(b);
      piece := piece or pieces(b);
    end loop;
    read_data <= word;
    constants <= piece;
  end process;
end architecture;
