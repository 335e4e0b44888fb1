"""Measures the edge's sockets and its worker by themselves (`bench-edge-io`): what a delivered packet costs, and what a viewer holds."""

import os
import pathlib
import resource
import subprocess
import sys

from Bench.figures import Report, arguments

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = os.environ.get("BENCH_EDGE_IO", str(ROOT / ".build/release/bench-edge-io"))
# Sockets of 300 viewers and what else is open.
DESCRIPTORS = 4096


def measure():
    """Rows of `bench-edge-io`: name, unit, value. With one arena malloc's count of the heap is whole."""
    environment = {**os.environ, "MALLOC_ARENA_MAX": "1"}
    text = subprocess.run([PROGRAM], capture_output=True, text=True, check=True, env=environment).stdout
    return [line.split("\t") for line in text.splitlines()]


def main():
    options = arguments(__doc__).parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(DESCRIPTORS, hard), hard))
    runs = [measure() for _ in range(options.runs)]
    report = Report("Edge: one publisher of 2 Mbit/s on loopback, all with ICE, DTLS and AES-GCM; the worker has a processor of its own")
    for rows in zip(*runs):
        name, unit, _ = rows[0]
        report.add(name, unit, [float(value) for _, _, value in rows])
    return report.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
