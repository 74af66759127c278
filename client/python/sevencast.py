# SPDX-License-Identifier: Apache-2.0
"""A thin client of sevencastd: pyzmq, one file, the verbs of PROTOCOL.md section 2.

    with Client() as daemon:
        answer = daemon.infer("demand", [[22262.0], [21756.0], ...])
        answer["values"], answer["parameters"]["fpga_cycles"]

Every call raises Error when the daemon refuses or does not answer in time; nothing waits for longer than its
timeout. A Client belongs to one thread. `python3 sevencast.py VERB [MODEL]` prints a reply.
"""
import json
import os
import struct
import sys
import time
import uuid

import zmq


class Error(Exception):
    """code as in PROTOCOL.md 2.1, or TIMEOUT: no answer; field names what is wrong in the request."""

    def __init__(self, code, message, field="", active=""):
        super().__init__(f"{code}: {field + ': ' if field else ''}{message}")
        self.code, self.message, self.field, self.active = code, message, field, active


def default_endpoint():
    """SEVENCAST_ENDPOINT, else the system's control socket, else the one in XDG_RUNTIME_DIR."""
    system, runtime = "/run/sevencast/control.sock", os.environ.get("XDG_RUNTIME_DIR")
    if not runtime or os.path.exists(system):
        path = system
    else:
        path = runtime + "/sevencast/control.sock"
    return os.environ.get("SEVENCAST_ENDPOINT") or "ipc://" + path


class Client:
    def __init__(self, endpoint=None, timeout_ms=5000):
        self.endpoint, self.timeout_ms = endpoint or default_endpoint(), timeout_ms
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.connect(self.endpoint)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def request(self, verb, tensors=(), timeout_ms=None, parameters=None, **keys):
        """Sends one request and returns (reply header, tensor frames)."""
        timeout_ms = timeout_ms or self.timeout_ms
        until = time.monotonic() + timeout_ms / 1000
        header = {"verb": verb, "id": uuid.uuid4().hex, **keys}
        # The daemon gives up a little earlier, so that its reason arrives in time.
        header["parameters"] = {"deadline_ms": max(1, timeout_ms - min(15, timeout_ms // 4)), **(parameters or {})}
        self.socket.send_multipart([b"", json.dumps(header, allow_nan=False).encode(), *tensors])
        while self.socket.poll(max(0, int((until - time.monotonic()) * 1000))):
            frames = self.socket.recv_multipart()
            try:
                reply = json.loads(frames[1]) if frames[0] == b"" else {}
            except (ValueError, IndexError):
                continue
            if not isinstance(reply, dict) or reply.get("id") != header["id"]:
                continue  # a late answer to an earlier request
            if "error" in reply:
                error, active = reply["error"], reply.get("parameters", {}).get("active", "")
                raise Error(error["code"], error["message"], error.get("field", ""), active)
            return reply, frames[2:]
        raise Error("TIMEOUT", f"no answer from {self.endpoint} in {timeout_ms} ms")

    def infer(self, model, window, timeout_ms=None, repeat=None, burst_s=None):
        """window: rows of physical values, oldest first. The reply, with "values" and "codes" as lists.

        repeat runs, or burst_s seconds on the board, or what ends first, make a burst: "burst" and "energy" of
        "parameters" then tell what it did and what one inference cost (PROTOCOL.md 2.3)."""
        burst = {key: value for key, value in (("repeat", repeat), ("burst_s", burst_s)) if value is not None}
        if burst_s and not timeout_ms:
            timeout_ms = min(600000, self.timeout_ms + int(burst_s * 1000))
        rows = [list(row) for row in window]
        flat = [float(value) for row in rows for value in row]
        inputs = [{"name": "window", "shape": [len(rows), len(rows[0]) if rows else 0], "datatype": "FP64"}]
        tensor = struct.pack(f"<{len(flat)}d", *flat)
        reply, tensors = self.request("infer", [tensor], timeout_ms, burst, model_name=model, inputs=inputs)
        reply["values"] = [v for (v,) in struct.iter_unpack("<d", tensors[0])]
        reply["codes"] = [c for (c,) in struct.iter_unpack("<h", tensors[1])]
        return reply

    def live(self):
        return self.request("server_live")[0]["live"]

    def ready(self, model=None):
        return self.request("model_ready", model_name=model)[0]["ready"] if model else self.request("server_ready")[0]["ready"]

    def metadata(self, model=None):
        return self.request("model_metadata", model_name=model)[0] if model else self.request("server_metadata")[0]

    def statistics(self, model=None):
        return self.request("model_statistics", **({"model_name": model} if model else {}))[0]["model_stats"]

    def variants(self):
        return self.request("repository_index")[0]["models"]

    def boards(self):
        return self.request("boards")[0]["boards"]

    def load(self, variant, board=None, timeout_ms=60000):
        return self.request("load", (), timeout_ms, {"board": board} if board else None, model_name=variant)[0]

    def unload(self, variant=None, board=None, timeout_ms=60000):
        keys = {"model_name": variant} if variant else {}
        return self.request("unload", (), timeout_ms, {"board": board} if board else None, **keys)[0]["boards"]

    def cancel(self, request_id):
        return self.request("cancel", (), None, {"request_id": request_id})[0]["canceled"]


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or sys.argv[1].startswith("-"):
        sys.exit("usage: sevencast.py VERB [MODEL]")
    with Client() as daemon:
        try:
            print(json.dumps(daemon.request(sys.argv[1], **({"model_name": sys.argv[2]} if sys.argv[2:] else {}))[0]))
        except Error as error:
            sys.exit(f"sevencast.py: {error}")
