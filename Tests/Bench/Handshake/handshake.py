"""Measures what a joining peer costs by itself (`bench-handshake`): DTLS as the server, what it keeps, and STUN checks."""

import os
import pathlib
import subprocess
import sys

from Bench.figures import Report, arguments

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = os.environ.get("BENCH_HANDSHAKE", str(ROOT / ".build/release/bench-handshake"))


def measure():
    """The figures of `bench-handshake` by name."""
    text = subprocess.run([PROGRAM], capture_output=True, text=True, check=True).stdout
    return {name: float(value) for name, value in (line.split() for line in text.splitlines())}


def main():
    options = arguments(__doc__).parse_args()
    runs = [measure() for _ in range(options.runs)]
    report = Report("Joins: DTLS handshakes as the server and STUN checks; processor time of one core")
    # A join is more than its handshake, and 800 joins a second are wanted.
    report.add("DTLS handshakes a second", "", [1e6 / run["handshake-us"] for run in runs], at_least=1200)
    report.add("memory of a connected DTLS endpoint", "B", [run["endpoint-octets"] for run in runs], at_most=1024)
    report.add("STUN check read, verified and answered", "us", [run["check-us"] for run in runs], at_most=6)
    return report.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
