#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""python_test.py MOCK: the thin client against the test double of the daemon."""
import math
import os
import subprocess
import sys
import tempfile
import time

try:
    import zmq  # noqa: F401
except ImportError:
    print("skipped: python3-zmq is not installed")
    sys.exit(77)

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../python"))
import sevencast  # noqa: E402

WINDOW = [[1.0], [2.0], [3.0], [4.5]]


def refused(code, call, *arguments, **keys):
    try:
        call(*arguments, **keys)
    except sevencast.Error as error:
        assert error.code == code, f"{error.code}, due {code}"
        return error
    raise AssertionError(f"not refused; due {code}")


def run(daemon):
    assert daemon.live() and daemon.ready() and daemon.ready("demand-w8") and not daemon.ready("demand-w4")
    assert daemon.metadata()["version"] == "0.0.0-mock"
    assert daemon.metadata("demand")["inputs"][0]["shape"] == [4, 1]
    answer = daemon.infer("demand", WINDOW)
    assert answer["values"] == [4.5] and answer["codes"] == [4]
    assert answer["parameters"]["origin"] == "model" and answer["parameters"]["fpga_cycles"] == 12345
    assert refused("BAD_REQUEST", daemon.infer, "demand", WINDOW[:3]).field == "inputs[0].shape"
    assert refused("BAD_REQUEST", daemon.infer, "demand", [[1], [math.nan], [1], [1]]).field == "inputs[0].data[1]"
    refused("UNKNOWN_MODEL", daemon.infer, "nothing", WINDOW)
    start = time.monotonic()
    refused("TIMEOUT", daemon.infer, "mute", WINDOW, timeout_ms=100)
    refused("TIMEOUT", daemon.infer, "late", WINDOW, timeout_ms=100)
    assert 0.19 <= time.monotonic() - start < 2
    time.sleep(0.3)
    assert daemon.infer("demand", WINDOW)["values"] == [4.5]  # not the late one
    assert [v["state"] for v in daemon.variants()] == ["READY", "AVAILABLE", "AVAILABLE", "UNAVAILABLE"]
    assert daemon.boards()[1]["state"] == "ABSENT"
    assert refused("SWAP_FAILED", daemon.load, "broken").active == "demand-w8"
    assert daemon.load("demand-w4", "bench")["seconds"]["total"] == 1.8125
    refused("STALE", daemon.infer, "demand-w8", WINDOW)
    assert daemon.statistics("demand-w4")[0]["saturated_values"] == 3
    assert daemon.cancel("some-request") == 1
    assert daemon.unload(board="bench") == ["bench"]


def main():
    with tempfile.TemporaryDirectory() as folder:
        endpoint = f"ipc://{folder}/mock.sock"
        mock = subprocess.Popen([sys.argv[1], endpoint], stdout=subprocess.PIPE, text=True)
        try:
            assert mock.stdout.readline() == "ready\n"
            with sevencast.Client(endpoint, timeout_ms=2000) as daemon:
                run(daemon)
        finally:
            mock.terminate()
            mock.wait()


main()
