// SPDX-License-Identifier: Apache-2.0
// The netlists of all samples at once under Verilator, on the words of bench_tb.vhd. Writes one file a
// sample, FOLDER/NAME.netlist, with a line a cycle. SAMPLES comes from the script: X(name) for each.
#include "samples.h"
#include "verilated.h"

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

static uint64_t next_word(uint64_t x)
{
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return x;
}

template <class Model> static bool run(const char *name, const char *folder, int cycles)
{
    VerilatedContext context;
    Model model(&context);
    const std::string path = std::string(folder) + "/" + name + ".netlist";
    FILE *out = std::fopen(path.c_str(), "w");
    if (!out)
        return false;
    uint64_t word = UINT64_C(0x2545f4914f6cdd1d);
    for (int i = 0; i < cycles; i++) {
        word = next_word(word);
        model.a = word;
        model.clk = 0;
        model.eval();
        model.clk = 1;
        model.eval();
        model.clk = 0;
        model.eval();
        std::fprintf(out, "%016" PRIX64 "\n", static_cast<uint64_t>(model.y));
    }
    return std::fclose(out) == 0;
}

int main(int argc, char *argv[])
{
    if (argc != 3) {
        std::fputs("usage: bench FOLDER CYCLES\n", stderr);
        return 2;
    }
    bool good = true;
    const int cycles = std::atoi(argv[2]);
#define X(name) good = run<V##name>(#name, argv[1], cycles) && good;
    SAMPLES
#undef X
    return good ? 0 : 1;
}
