-- SPDX-License-Identifier: Apache-2.0
-- A ROM whose right-hand columns lie in Block RAM and whose others lie in LUTs, those in pieces of
-- 256 words. The word comes one cycle after the address and is zero after a cycle with idle.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.arithmetic_pkg.all;

entity rom is
  generic (
    contents_g   : word_array_t;
    first_g      : natural;  -- the ROM's first word in there
    words_g      : positive; -- from there
    depth_g      : positive; -- at least words_g; zeros follow the words
    bits_g       : positive; -- of a word, the right-hand ones of the contents
    block_bits_g : natural); -- of them in Block RAM
  port (
    clk       : in  std_logic;
    idle      : in  std_logic;
    read_addr : in  natural range 0 to last_of(depth_g);
    read_data : out std_logic_vector(bits_g - 1 downto 0));
end entity;

architecture rtl of rom is
  -- Memories of 36 columns fill RAMB18s of every depth; GHDL's stack holds no constant much larger.
  constant columns_c    : positive := 36;
  constant piece_bits_c : positive := 8;
  constant piece_c      : positive := 2**piece_bits_c;
  constant pieces_c     : positive := ceil_div(words_g, piece_c);
begin
  in_block : if block_bits_g > 0 generate
    columns : for c in 0 to ceil_div(block_bits_g, columns_c) - 1 generate
      constant low_c  : natural := c * columns_c;
      constant bits_c : positive := smaller(columns_c, block_bits_g - low_c);
    begin
      memory : entity work.rom_block
        generic map (bits_g => bits_c,
          contents_g => rom_part(contents_g, first_g, words_g, low_c, bits_c, larger(depth_g, 2)))
        port map (clk => clk, idle => idle, read_addr => read_addr,
          read_data => read_data(low_c + bits_c - 1 downto low_c));
    end generate;
  end generate;

  in_logic : if block_bits_g < bits_g generate
    constant bits_c : positive := bits_g - block_bits_g;
    type words_t is array (0 to pieces_c - 1) of std_logic_vector(bits_c - 1 downto 0);
    signal words : words_t;
    signal bits  : unsigned(clog2(last_of(depth_g) + 1) - 1 downto 0);
  begin
    bits <= to_unsigned(read_addr, bits'length);
    pieces : for i in 0 to pieces_c - 1 generate
      constant begin_c : natural := i * piece_c;
      constant count_c : positive := smaller(piece_c, words_g - begin_c);
      constant addr_bits_c : positive := larger(clog2(count_c), 1);
      constant depth_c : positive := 2**addr_bits_c;
      signal piece_idle : std_logic;
      signal addr       : natural range 0 to depth_c - 1;
    begin
      only : if pieces_c = 1 generate
        piece_idle <= idle;
      end generate;
      one_of_many : if pieces_c > 1 generate
        -- every bit above the piece's own: behind its words another memory may answer
        piece_idle <= '0' when idle = '0' and bits(bits'high downto addr_bits_c) = begin_c / depth_c else '1';
      end generate;
      addr <= to_integer(bits(addr_bits_c - 1 downto 0));
      columns : for c in 0 to ceil_div(bits_c, columns_c) - 1 generate
        constant low_c   : natural := c * columns_c;
        constant width_c : positive := smaller(columns_c, bits_c - low_c);
      begin
        memory : entity work.rom_logic
          generic map (bits_g => width_c,
            contents_g => rom_part(contents_g, first_g + begin_c, count_c, block_bits_g + low_c,
              width_c, depth_c))
          port map (clk => clk, idle => piece_idle, read_addr => addr,
            read_data => words(i)(low_c + width_c - 1 downto low_c));
      end generate;
    end generate;

    process (all)
      variable word : std_logic_vector(bits_c - 1 downto 0);
    begin
      word := words(0);
      for i in 1 to pieces_c - 1 loop
        word := word or words(i);
      end loop;
      read_data(bits_g - 1 downto block_bits_g) <= word;
    end process;
  end generate;
end architecture;
