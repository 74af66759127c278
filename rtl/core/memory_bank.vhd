-- SPDX-License-Identifier: Apache-2.0
-- One bank of a buffer in the kind of memory that the variant chose for it. LUT RAM lies in pieces of
-- 64 words: those that are not read give zeros, and the word is their OR, which costs less than a choice.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;
use work.arithmetic_pkg.all;

entity memory_bank is
  generic (
    kind_g     : string; -- block or distributed
    depth_g    : positive;
    elements_g : positive;
    bits_g     : positive range 2 to 25;
    signed_g   : boolean := true;  -- codes; else naturals
    fast_g     : boolean);
  port (
    clk          : in  std_logic;
    write_enable : in  std_logic;
    write_addr   : in  natural range 0 to last_of(depth_g);
    write_data   : in  int_array_t(0 to elements_g - 1);
    read_enable  : in  std_logic;
    idle         : in  std_logic := '0'; -- zeros come in the place of a word, so that words can be ORed
    read_addr    : in  natural range 0 to span_of(depth_g) - 1;
    read_data    : out int_array_t(0 to elements_g - 1));
end entity;

architecture rtl of memory_bank is
  constant piece_bits_c : positive := 6; -- of a piece's address
  constant piece_c      : positive := 2**piece_bits_c;
  constant pieces_c     : positive := ceil_div(depth_g, piece_c);
begin
  assert kind_g = "block" or kind_g = "distributed"
    report "memory_bank: unknown kind " & kind_g severity failure;

  in_block : if kind_g = "block" generate
    memory : entity work.ram_block
      generic map (depth_g => depth_g, elements_g => elements_g, bits_g => bits_g,
        signed_g => signed_g, fast_g => fast_g)
      port map (clk => clk, write_enable => write_enable, write_addr => write_addr,
        write_data => write_data, read_enable => read_enable, idle => idle,
        read_addr => read_addr, read_data => read_data);
  end generate;
  in_distributed : if kind_g = "distributed" and (pieces_c = 1 or fast_g) generate
    memory : entity work.ram_distributed
      generic map (depth_g => depth_g, elements_g => elements_g, bits_g => bits_g,
        signed_g => signed_g, fast_g => fast_g)
      port map (clk => clk, write_enable => write_enable, write_addr => write_addr,
        write_data => write_data, read_enable => read_enable, idle => idle,
        read_addr => read_addr, read_data => read_data);
  end generate;
  in_pieces : if kind_g = "distributed" and pieces_c > 1 and not fast_g generate
    constant addr_bits_c : positive := clog2(span_of(depth_g));
    type words_t is array (0 to pieces_c - 1) of std_logic_vector(elements_g * bits_g - 1 downto 0);
    signal write_bits, read_bits : unsigned(addr_bits_c - 1 downto 0);
    signal words : words_t;
  begin
    write_bits <= to_unsigned(write_addr, addr_bits_c);
    read_bits <= to_unsigned(read_addr, addr_bits_c);
    pieces : for i in 0 to pieces_c - 1 generate
      -- whole, as the low bits of an address can name more words than there are
      constant words_c : positive := span_of(smaller(piece_c, depth_g - i * piece_c));
      constant bits_c  : positive := clog2(words_c);
      signal written, read_idle : std_logic;
      signal to_write, to_read  : natural range 0 to words_c - 1;
      signal data : int_array_t(0 to elements_g - 1);
    begin
      written <= write_enable when write_bits(addr_bits_c - 1 downto piece_bits_c) = i else '0';
      read_idle <= idle when read_bits(addr_bits_c - 1 downto piece_bits_c) = i
        else idle or read_enable;
      to_write <= to_integer(write_bits(bits_c - 1 downto 0));
      to_read <= to_integer(read_bits(bits_c - 1 downto 0));
      memory : entity work.ram_distributed
        generic map (depth_g => words_c, elements_g => elements_g, bits_g => bits_g,
          signed_g => signed_g, fast_g => fast_g)
        port map (clk => clk, write_enable => written, write_addr => to_write,
          write_data => write_data, read_enable => read_enable, idle => read_idle,
          read_addr => to_read, read_data => data);
      codes : for e in 0 to elements_g - 1 generate
        code : if signed_g generate
          words(i)((e + 1) * bits_g - 1 downto e * bits_g) <=
            std_logic_vector(to_signed(data(e), bits_g));
        end generate;
        number : if not signed_g generate
          words(i)((e + 1) * bits_g - 1 downto e * bits_g) <=
            std_logic_vector(to_unsigned(data(e), bits_g));
        end generate;
      end generate;
    end generate;

    process (all)
      variable any : std_logic_vector(elements_g * bits_g - 1 downto 0);
    begin
      any := words(0);
      for i in 1 to pieces_c - 1 loop
        any := any or words(i);
      end loop;
      for e in 0 to elements_g - 1 loop
        if signed_g then
          read_data(e) <= field_signed(any, e * bits_g, bits_g, fast_g);
        else
          read_data(e) <= field_natural(any, e * bits_g, bits_g, fast_g);
        end if;
      end loop;
    end process;
  end generate;
end architecture;
