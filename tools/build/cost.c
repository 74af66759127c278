// SPDX-License-Identifier: Apache-2.0
#include "tools/build/cost.h"

// Words of a LUT ROM with no mux outside its slices, bits of a LUT; words of LUT RAM that are ORed.
enum { PIECE = 256, ROM_BITS = 64, RAM_PIECE = 64 };

static int ceil_div(int a, int b)
{
    return (a + b - 1) / b;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

// Words and bits of a RAMB18 with one read port (UG473). The parts of a memory that is deeper
// share RAMB18s: they are columns that a mux chooses from.
static const int shapes[][2] = {{512, 36}, {1024, 18}, {2048, 9}, {4096, 4}, {8192, 2}, {16384, 1}};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

int cost_ramb18(int bits, int words)
{
    int fewest = 0;
    for (int i = 0; i < SHAPES; i++) {
        int n = ceil_div(bits * ceil_div(words, shapes[i][0]), shapes[i][1]);
        fewest = i == 0 || n < fewest ? n : fewest;
    }
    return fewest;
}

int cost_columns(int ramb18, int words)
{
    int bits = 0;
    while (cost_ramb18(bits + 1, words) <= ramb18)
        bits++;
    return bits;
}

// RAM32M: 6 bits of 32 words; RAM64M: 3 bits of 64. Both take 4 LUTs.
static int piece_lutram(int bits, int words)
{
    return 4 * smaller(ceil_div(bits, 6) * ceil_div(words, 32), ceil_div(bits, 3));
}

int cost_lutram(int bits, int words)
{
    int rest = words % RAM_PIECE;
    return words / RAM_PIECE * piece_lutram(bits, RAM_PIECE) +
           (rest > 0 ? piece_lutram(bits, rest) : 0);
}

int cost_ram_or(int bits, int words)
{
    int pieces = ceil_div(words, RAM_PIECE);
    return pieces > 1 ? cost_or(bits, pieces) + 2 * pieces : 0;
}

int cost_rom_logic(int bits, int words)
{
    int luts = words / PIECE * (PIECE / ROM_BITS) + ceil_div(words % PIECE, ROM_BITS);
    return bits * luts + cost_or(bits, ceil_div(words, PIECE));
}

int cost_or(int bits, int banks)
{
    return banks > 1 ? bits * ceil_div(banks - 1, 5) : 0;
}

static int covered(const struct cost_banks *b)
{
    return 2048 * b->of_2048 + 1024 * b->of_1024 + 512 * b->of_512;
}

enum { DEPTHS = 3 };
static const int depths[DEPTHS] = {2048, 1024, 512};

// of_2048 and of_1024 banks, then as many of 512 words as there are RAMB18s and words for. each:
// RAMB18s of a bank of each depth.
static struct cost_banks fill(int ramb18, int words, const int each[DEPTHS], int of_2048,
                              int of_1024)
{
    struct cost_banks b = {.of_2048 = of_2048, .of_1024 = of_1024};
    b.ramb18 = of_2048 * each[0] + of_1024 * each[1];
    while (covered(&b) < words && b.ramb18 + each[2] <= ramb18) {
        b.of_512++;
        b.ramb18 += each[2];
    }
    b.count = b.of_2048 + b.of_1024 + b.of_512;
    b.words = smaller(words, covered(&b));
    return b;
}

struct cost_banks cost_banks(int ramb18, int words, int bits)
{
    struct cost_banks best = {0};
    int each[DEPTHS];
    for (int i = 0; i < DEPTHS; i++)
        each[i] = cost_ramb18(bits, depths[i]);
    for (int deep = 0; deep * each[0] <= ramb18 && (deep - 1) * 2048 < words; deep++)
        for (int half = 0; deep * each[0] + half * each[1] <= ramb18; half++) {
            if ((half > 0 ? deep * 2048 + (half - 1) * 1024 : (deep - 1) * 2048) >= words)
                break;
            struct cost_banks b = fill(ramb18, words, each, deep, half);
            if (b.words > best.words ||
                (b.words == best.words &&
                 (b.ramb18 < best.ramb18 || (b.ramb18 == best.ramb18 && b.count < best.count))))
                best = b;
        }
    return best;
}
