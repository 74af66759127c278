// SPDX-License-Identifier: Apache-2.0
// What a memory costs in an XC7S15: RAMB18 as yosys maps them, exactly; LUTs by formula. A budget
// test holds the formulas to yosys. DS180: 20 RAMB18, 2400 LUTs that can be memory.
#ifndef SEVENCAST_BUILD_COST_H
#define SEVENCAST_BUILD_COST_H

enum { COST_RAMB18 = 20, COST_LUTRAM = 2400 };

// RAMB18s of words of that many bits in one Block RAM with one read port.
int cost_ramb18(int bits, int words);
// Most bits of a word that so many RAMB18s hold.
int cost_columns(int ramb18, int words);

// A LUT RAM in pieces of 64 words: LUTs that are memory, and those that choose a piece and OR them.
int cost_lutram(int bits, int words);
int cost_ram_or(int bits, int words);

// A ROM in LUTs, in pieces of 256 words that are ORed.
int cost_rom_logic(int bits, int words);
// The OR of so many banks, each zero where it is not read.
int cost_or(int bits, int banks);

// Banks of 2048, 1024 and 512 words in so many RAMB18s that hold the most words up to those asked
// for; then the fewest RAMB18s, then the fewest banks.
struct cost_banks {
    int ramb18, count, words; // words: that they hold
    int of_2048, of_1024, of_512;
};
struct cost_banks cost_banks(int ramb18, int words, int bits);

#endif
