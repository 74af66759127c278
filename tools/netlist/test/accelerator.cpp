// SPDX-License-Identifier: Apache-2.0
// The accelerator's netlist against the model's vectors: every element of every tensor through the tap,
// every y, and the cycle count, which must be one number for all windows and is printed.
//
// usage: accelerator FOLDER; FOLDER is from `sevencast-model vectors`.
#include "Vaccelerator.h"
#include "verilated.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace
{

using Row = std::vector<int>;

[[noreturn]] void give_up(const std::string &why)
{
    std::fprintf(stderr, "accelerator: %s\n", why.c_str());
    std::exit(2);
}

// A vector file: comments, then rows of integers.
std::vector<Row> read_rows(const std::string &path)
{
    std::vector<Row> rows;
    FILE *in = std::fopen(path.c_str(), "r");
    if (!in)
        return rows;
    char line[8192];
    while (std::fgets(line, sizeof line, in)) {
        Row row;
        char *at = line, *end;
        for (long v = std::strtol(at, &end, 10); line[0] != '#' && end != at;
             v = std::strtol(at, &end, 10)) {
            row.push_back(static_cast<int>(v));
            at = *end == ',' ? end + 1 : end;
        }
        if (!row.empty())
            rows.push_back(row);
    }
    std::fclose(in);
    return rows;
}

struct Tap {
    int tensor = -1, layer = 0, row = 0;
};

class Bench
{
  public:
    Bench()
    {
        top.tap_enable = 0;
        top.window_we = 0;
        top.start_valid = 0;
        top.rst = 1;
        tick();
        top.rst = 0;
    }

    void load(int buffer, const Row &x)
    {
        for (size_t i = 0; i < x.size(); i++) {
            top.window_we = 1;
            top.window_buffer = buffer;
            top.window_addr = i;
            top.window_data = x[i];
            tick();
        }
        top.window_we = 0;
        tick();
    }

    // Runs one inference; fills y and the tapped row; returns its cycles, counted as golden_tb does.
    long run(int buffer, const Tap &tap, Row &y, Row &tapped)
    {
        if (!top.start_ready)
            give_up("not ready to start");
        top.tap_enable = tap.tensor >= 0;
        top.tap_tensor = tap.tensor < 0 ? 0 : tap.tensor;
        top.tap_layer = tap.layer;
        top.tap_row = tap.row;
        top.start_valid = 1;
        top.start_buffer = buffer;
        tick();
        top.start_valid = 0;
        for (long cycles = 1; cycles < 10000000; cycles++) {
            tick_and_tap(tapped);
            if (!top.y_valid)
                continue;
            y.push_back(static_cast<int16_t>(top.y_data));
            if (!top.y_last)
                continue;
            for (int i = 0; i < settle; i++)
                tick_and_tap(tapped);
            return cycles;
        }
        give_up("hangs");
    }

  private:
    VerilatedContext context;
    Vaccelerator top{&context};

    static constexpr int settle = 16; // clocks after y_last in which the tap may still come

    void tick_and_tap(Row &tapped)
    {
        tick();
        if (top.tap_valid && top.tap_index < tapped.size())
            tapped[top.tap_index] = static_cast<int16_t>(top.tap_data);
    }

    void tick()
    {
        top.clk = 0;
        top.eval();
        top.clk = 1;
        top.eval();
    }
};

const char *const tensors[] = {"x", "h", "q", "k", "v", "u", "e", "c", "r", "f", "z", "o"};
const int untapped = -99999;

} // namespace

int main(int argc, char *argv[])
{
    if (argc != 2)
        give_up("usage: accelerator FOLDER");
    const std::string folder = argv[1];
    const auto x = read_rows(folder + "/x.txt"), y = read_rows(folder + "/y.txt");
    if (x.empty() || y.empty())
        give_up("no vectors in " + folder);
    const size_t windows = y.size(), steps = x.size() / windows;
    Bench bench;
    long cycles = 0, elements = 0, wrong = 0;
    auto check = [&](const char *what, size_t window, size_t row, size_t i, int got, int want) {
        elements++;
        if (got != want && wrong++ < 10)
            std::printf("window %zu %s[%zu][%zu] is %d instead of %d\n", window, what, row, i, got,
                        want);
    };
    for (size_t w = 0; w < windows; w++) {
        Row codes;
        for (size_t t = 0; t < steps; t++)
            codes.insert(codes.end(), x[w * steps + t].begin(), x[w * steps + t].end());
        const int buffer = static_cast<int>(w & 1);
        bench.load(buffer, codes);
        auto once = [&](const Tap &tap, Row &tapped) {
            Row got;
            const long took = bench.run(buffer, tap, got, tapped);
            if (cycles == 0)
                cycles = took;
            if (took != cycles)
                give_up("cycles differ between runs");
            if (got.size() != y[w].size())
                give_up("another number of outputs");
            for (size_t i = 0; i < got.size(); i++)
                check("y", w, 0, i, got[i], y[w][i]);
        };
        Row none;
        once(Tap{}, none);
        for (int layer = 0; layer < 2; layer++)
            for (int tensor = 1; tensor < 12; tensor++) {
                const std::string name = tensors[tensor];
                const bool shared = name == "h" || name == "o";
                const auto rows = read_rows(folder + "/" + name +
                                            (shared ? "" : "_" + std::to_string(layer)) + ".txt");
                if (rows.empty() || (shared && layer))
                    continue;
                const size_t count = rows.size() / windows;
                for (size_t r = 0; r < count; r++) {
                    const Row &want = rows[w * count + r];
                    Row tapped(want.size(), untapped);
                    once(Tap{tensor, layer, static_cast<int>(r)}, tapped);
                    for (size_t i = 0; i < want.size(); i++)
                        check(name.c_str(), w, r, i, tapped[i], want[i]);
                }
            }
    }
    std::printf("accelerator: %s %ld elements %ld cycles %ld wrong\n", wrong ? "FAIL" : "PASS",
                elements, cycles, wrong);
    return wrong || !elements ? 1 : 0;
}
