"""Measures the hub by itself (`bench-hub`): packets a second from one source to 1, 10 and 100 sinks."""

import os
import pathlib
import subprocess
import sys

from Bench.figures import Report, arguments

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = os.environ.get("BENCH_HUB", str(ROOT / ".build/release/bench-hub"))
SECONDS = 3


def measure():
    """Rows of `bench-hub`, by their number of sinks: packets in, out and dropped a second, and microseconds a packet out."""
    text = subprocess.run([PROGRAM, str(SECONDS)], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in text.splitlines()[1:]]
    return {int(sinks): [float(value) for value in values] for sinks, *values in rows}


def main():
    options = arguments(__doc__).parse_args()
    runs = [measure() for _ in range(options.runs)]
    report = Report(f"Hub: one source as fast as it goes for {SECONDS} s, packets of 1,200 bytes; the processor time includes the reading side")
    for sinks in runs[0]:
        incoming, outgoing, dropped, cost = zip(*(run[sinks] for run in runs))
        report.add(f"{sinks} sinks: packets in", "1/s", incoming)
        report.add(f"{sinks} sinks: packets out", "1/s", outgoing)
        report.add(f"{sinks} sinks: dropped, because a reader was slow", "1/s", dropped)
        report.add(f"{sinks} sinks: CPU per packet out", "us", cost)
    return report.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
