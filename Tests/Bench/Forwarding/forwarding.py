"""Measures what a packet costs without sockets and ciphers (`bench-ingress`, `bench-egress`): taken in once, and sent on to each viewer."""

import os
import pathlib
import re
import subprocess
import sys

from Bench.figures import Report, arguments

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAMS = pathlib.Path(os.environ.get("BENCH_PROGRAMS", str(ROOT / ".build/release")))
VIEWERS = 300
SECONDS = 10


def output(program, *options):
    return subprocess.run([PROGRAMS / program, *options], capture_output=True, text=True, check=True).stdout.splitlines()


def ingress():
    """Nanoseconds a packet by kind of stream."""
    return {name: float(cost) for line in output("bench-ingress") for name, cost in re.findall(r"(.+): ([\d.]+) ns a packet", line)}


def egress():
    """Nanoseconds a packet and bytes a viewer by kind of viewer."""
    rows = (re.fullmatch(r"\d+ +(.+?) +([\d.]+) +\d+ +(\d+)", line) for line in output("bench-egress", str(VIEWERS), str(SECONDS)))
    return {row[1]: (float(row[2]), float(row[3])) for row in rows if row}


def main():
    options = arguments(__doc__).parse_args()
    runs = [(ingress(), egress()) for _ in range(options.runs)]
    report = Report(f"Forwarding by itself, {VIEWERS} viewers; processor time of one core")
    for name in runs[0][0]:
        report.add(f"in: {name}", "ns", [taken[name] for taken, _ in runs], at_most=250)
    for name in runs[0][1]:
        report.add(f"out: {name}", "ns", [sent[name][0] for _, sent in runs], at_most=350)
        report.add(f"out: {name}, memory a viewer", "B", [sent[name][1] for _, sent in runs], at_most=4096)
    return report.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
