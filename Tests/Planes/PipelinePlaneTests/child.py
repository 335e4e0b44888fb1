#!/usr/bin/env python3
"""Speaks the control protocol of a pipeline process, then does what SCRIPT in the environment says."""

import array
import json
import os
import signal  # noqa: F401 (for scripts)
import socket
import struct
import sys

control = socket.socket(fileno=3)
descriptors = []


def say(event):
    body = json.dumps(event).encode()
    control.sendall(struct.pack(">I", len(body)) + body)


def exactly(count):
    data = b""
    while len(data) < count:
        more, ancillary, _, _ = control.recvmsg(count - len(data), 1024)
        for _, _, raw in ancillary:
            descriptors.extend(array.array("i", raw))
        if not more:
            sys.exit(0)
        data += more
    return data


def hear():
    return json.loads(exactly(struct.unpack(">I", exactly(4))[0]))


say({"ready": {}})
plan = hear()
say({"started": {}})
exec(os.environ["SCRIPT"])
