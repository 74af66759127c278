-- SPDX-License-Identifier: Apache-2.0
-- Frames into the byte stream to the host (PROTOCOL.md 1.1), put together bit by bit as the CRC takes
-- them: each bit is fetched from whoever holds it, so that no choice among sources is wider than one
-- bit. All sources are registers that are zero unless they are meant, and are joined by an or.
--
-- A byte is fetched while the PHY writes the one before; the first byte of the next frame waits ready.
library ieee;
use ieee.std_logic_1164.all;
use ieee.numeric_std.all;

use work.answer_pkg.all;
use work.link_pkg.all;

entity link_tx is
  port (
    clk, rst : in  std_logic;
    -- a frame to send: held with its fields until the pulse of frame_done
    frame_valid  : in  std_logic;
    frame_done   : out std_logic;
    frame_type   : in  byte_t;
    frame_seq    : in  std_logic_vector(15 downto 0);
    frame_length : in  answer_length_t;
    -- the bit of the payload that is wanted; the clock after brings it
    payload_part  : out std_logic; -- bits that are wanted are payload
    payload_index : out answer_index_t; -- byte; stands for two clocks at least before its first bit
    payload_place : out place_t; -- bit, in the four bytes that the byte is of
    payload_next  : out std_logic; -- a pulse: the byte's bits have been fetched
    payload_data  : in  std_logic; -- 0 in the other parts
    payload_want  : out std_logic; -- the bit is needed now
    payload_wait  : in  std_logic; -- it is not there yet
    payload_lost  : in  std_logic; -- it never will be: the CRC of the frame will be wrong
    tx_valid : out std_logic;
    tx_ready : in  std_logic; -- not in the first clock of tx_valid
    tx_data  : out byte_t;
    -- sending, and not only waiting for tx_ready
    active   : out std_logic);
end entity;

architecture rtl of link_tx is
  -- Rings of one flip-flop a state: no state is decoded, no next one computed.
  signal fetch           : std_logic := '1'; -- bits of a byte
  signal load, send      : std_logic := '0'; -- its last one; it waits for tx_ready
  signal header          : std_logic := '1'; -- part of the frame
  signal payload         : std_logic := '0';
  signal crc_part, done  : std_logic := '0';
  signal index   : answer_index_t := 0; -- bytes of this part of the frame so far
  signal count   : natural range 0 to 7 := 0; -- bit of the byte
  signal spoilt  : std_logic := '0';
  signal taking  : std_logic := '0'; -- the bit before count is there
  signal byte    : byte_t := (others => '0');
  signal field   : std_logic := '0'; -- a bit of the header
  signal bytes   : unsigned(3 downto 0);
  signal fields  : std_logic_vector(63 downto 0);
  signal place   : place_t;
  signal valid   : std_logic;
  signal at_end  : std_logic;
  signal one_bit : std_logic;

  signal crc_start, crc_due : std_logic;
  signal next_part          : std_logic;
begin
  assert max_answer_c < answer_places_c
    report "link_tx: an answer of this variant is too long" severity failure;

  bytes         <= to_unsigned(index mod 16, 4);
  valid         <= send and frame_valid;
  tx_valid      <= valid;
  tx_data       <= byte;
  payload_part  <= payload;
  payload_index <= index;
  place         <= to_integer(bytes(1 downto 0) & to_unsigned(count, 3));
  payload_place <= place;
  payload_want  <= fetch;
  payload_next  <= load;
  frame_done    <= done and tx_ready;
  active        <= not send;
  at_end        <= '1' when (header and bytes(3)) = '1' or (crc_part and bytes(2)) = '1'
                            or (payload = '1' and index = frame_length)
                   else '0';
  -- What comes next is found before tx_ready.
  next_part     <= (send and at_end) or (done and tx_ready);

  fields <= std_logic_vector(to_unsigned(frame_length, 16)) & frame_seq & frame_type & version_c
            & sync1_c & sync0_c;

  crc_start <= '1' when header = '1' and bytes(3 downto 1) = "000" else '0';
  one_bit   <= field or payload_data or (crc_part and (crc_due xor spoilt));

  check : entity work.link_crc
    port map (
      clk => clk, start => crc_start, take => taking, data => one_bit, trailer => crc_part,
      due => crc_due);

  process (clk)
  begin
    if rising_edge(clk) then
      if header = '0' then
        field <= '0';
      else
        field <= pick(fields(31 downto 0), place);
        if bytes(2) = '1' then
          field <= pick(fields(63 downto 32), place);
        end if;
      end if;
      if taking = '1' then
        byte <= one_bit & byte(7 downto 1);
      end if;

      taking <= fetch and not payload_wait;
      if fetch = '1' and payload_wait = '0' then
        count <= (count + 1) mod 8;
      end if;
      if (fetch = '1' and payload_wait = '0' and count = 7) or load = '1'
         or (valid = '1' and tx_ready = '1') then
        fetch <= send;
        load  <= fetch;
        send  <= load;
      end if;

      -- One condition clears: flip-flops have one synchronous reset.
      if rst = '1' or (send = '1' and at_end = '1') then
        index <= 0;
      elsif load = '1' then
        index <= (index + 1) mod answer_places_c;
      end if;
      if next_part = '1' then
        header   <= done;
        payload  <= header;
        crc_part <= payload;
        done     <= crc_part;
      end if;

      if header = '1' then
        spoilt <= '0';
      elsif fetch = '1' and payload_lost = '1' then
        spoilt <= '1';
      end if;

      if rst = '1' then
        fetch    <= '1';
        load     <= '0';
        send     <= '0';
        header   <= '1';
        payload  <= '0';
        crc_part <= '0';
        done     <= '0';
        count    <= 0;
        taking   <= '0';
      end if;
    end if;
  end process;
end architecture;
