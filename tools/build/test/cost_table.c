// SPDX-License-Identifier: Apache-2.0
// Memories and what cost.c says of them, for cost-test.sh: kind, words, bits, RAMB18s, LUTs that
// are memory, LUTs in all.
#include <stdio.h>

#include "tools/build/cost.h"

int main(void)
{
    static const struct {
        const char *kind;
        int words, bits;
    } table[] = {
        // banks of weights at 8, 6 and 4 bits
        {"rom_block", 2048, 96},
        {"rom_block", 1024, 128},
        {"rom_block", 106, 32},
        // constants: deeper than 512, and wide
        {"rom_block", 579, 44},
        {"rom_block", 64, 195},
        {"rom_logic", 48, 64},
        {"rom_logic", 128, 36},
        {"rom_logic", 256, 24},
        // buffers of the six shapes of rtl/core/test/shapes.txt
        {"ram_block", 96, 32},
        {"ram_block", 320, 20},
        {"ram_block", 320, 40},
        {"ram_distributed", 2, 32},
        {"ram_distributed", 48, 66},
        {"ram_distributed", 96, 32},
        {"ram_distributed", 128, 24},
        {"ram_distributed", 192, 28},
        {"ram_distributed", 256, 18},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int words = table[i].words, bits = table[i].bits;
        int block = 0, lutram = 0, lut = 0;
        if (table[i].kind[4] == 'b')
            block = cost_ramb18(bits, words);
        else if (table[i].kind[1] == 'o')
            lut = cost_rom_logic(bits, words);
        else
            lut = (lutram = cost_lutram(bits, words)) + cost_ram_or(bits, words);
        printf("%s %d %d %d %d %d\n", table[i].kind, words, bits, block, lutram, lut);
    }
    return 0;
}
