# SPDX-License-Identifier: Apache-2.0
"""Processor time of an epoch of quantised training in torch: the other side of tools/bench.d/train.

The graph of docs/arithmetic.md without normalisation, every tensor and weight rounded with a learned
step (LSQ, straight-through), Adam, one thread. Prints seconds of the fastest epoch.

Usage: train_torch.py D_MODEL WINDOWS BATCH EPOCHS
"""
import math
import sys
import time

import torch
from torch import nn

L, FEATURES, BITS = 24, 1, 8


class Fake(nn.Module):
    """Rounds to a learned step; the gradient of the step is LSQ's."""

    def __init__(self, low, high, step):
        super().__init__()
        self.low, self.high = low, high
        self.log_step = nn.Parameter(torch.tensor(math.log(step)))

    def forward(self, x):
        step = self.log_step.exp()
        code = torch.clamp(x / step, self.low, self.high)
        return (code + (torch.round(code) - code).detach()) * step


def signed(step=0.03):
    return Fake(-(2 ** (BITS - 1)), 2 ** (BITS - 1) - 1, step)


class Linear(nn.Module):
    def __init__(self, inputs, outputs, bias_rows=1):
        super().__init__()
        self.w = nn.Parameter(torch.randn(inputs, outputs) / math.sqrt(inputs))
        self.b = nn.Parameter(torch.zeros(bias_rows, outputs))
        self.fake = Fake(-(2 ** (BITS - 1) - 1), 2 ** (BITS - 1) - 1, 0.02)

    def forward(self, x):
        return x @ self.fake(self.w) + self.b


class Net(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.d = d
        self.input = Linear(FEATURES, d, L)
        self.q, self.k, self.v, self.o = (Linear(d, d) for _ in range(4))
        self.one, self.two = Linear(d, 4 * d), Linear(4 * d, d)
        self.out = Linear(d, 1)
        self.gain1, self.gain2 = nn.Parameter(torch.ones(d)), nn.Parameter(torch.ones(d))
        self.act = nn.ModuleDict({n: signed() for n in "x h q k v c r z o y".split()})
        self.act["u"] = Fake(0, 2**BITS - 1, 0.03)
        self.act["e"] = Fake(0, 127, 1 / 127)
        self.act["f"] = Fake(0, 2**BITS - 1, 0.02)

    def forward(self, x):
        a = self.act
        h = a["h"](self.input(a["x"](x)))
        q, k, v = a["q"](self.q(h)), a["k"](self.k(h)), a["v"](self.v(h))
        scores = q @ k.transpose(1, 2) / math.sqrt(self.d)
        e = a["e"](torch.exp(-a["u"](scores.amax(2, keepdim=True).detach() - scores)))
        c = a["c"]((e @ v) / e.sum(2, keepdim=True))
        r = a["r"](self.o(c) + self.gain1 * h)
        z = a["z"](self.two(a["f"](self.one(r))) + self.gain2 * r)
        return a["y"](self.out(a["o"](z.mean(1))))


def main():
    d, windows, batch, epochs = (int(word) for word in sys.argv[1:5])
    torch.set_num_threads(1)
    torch.manual_seed(1)
    t = torch.arange(windows + L, dtype=torch.float32)
    series = torch.sin(t * 0.5) + 0.3 * torch.sin(t * 1.3)
    x = series.unfold(0, L, 1)[:windows].unsqueeze(2).contiguous()
    y = series[L : L + windows].unsqueeze(1)
    net = Net(d)
    adam = torch.optim.Adam(net.parameters(), lr=0.002, betas=(0.9, 0.98))
    fastest = math.inf
    for _ in range(epochs):
        order = torch.randperm(windows)
        begin = time.process_time()
        for i in range(0, windows, batch):
            pick = order[i : i + batch]
            adam.zero_grad(set_to_none=True)
            nn.functional.mse_loss(net(x[pick]), y[pick]).backward()
            adam.step()
        fastest = min(fastest, time.process_time() - begin)
    print(f"{fastest:.4f}")


if __name__ == "__main__":
    main()
