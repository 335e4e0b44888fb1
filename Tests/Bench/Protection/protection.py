"""Measures packet protection by itself (`bench-protection`): what a packet costs, and what a peer keeps."""

import os
import pathlib
import subprocess
import sys

from Bench.figures import Report, arguments

ROOT = pathlib.Path(__file__).resolve().parents[3]
PROGRAM = os.environ.get("BENCH_PROTECTION", str(ROOT / ".build/release/bench-protection"))
# Microseconds for `protect` of 1,200 octets, and octets that a viewer may keep.
LIMITS = {"aeadAES128GCM": (1.1, 2048), "aes128CMSHA1_80": (2.5, 2048)}


def measure():
    """Rows of `bench-protection`, by profile and number of peers: the three costs, the allocations, and the memory where it was
    measured."""
    text = subprocess.run([PROGRAM], capture_output=True, text=True, check=True).stdout
    rows = [line.split() for line in text.splitlines()[1:]]
    return {(profile, int(peers)): [float(value) for value in values if value != "-"] for profile, peers, *values in rows}


def main():
    options = arguments(__doc__).parse_args()
    runs = [measure() for _ in range(options.runs)]
    report = Report("SRTP: packets of 1,200 bytes and reports of 64, of peers that take turns; processor time")
    for profile, peers in runs[0]:
        cost, memory = LIMITS[profile]
        name = f"{profile}, {peers:,} peers"
        protect, unprotect, control, allocations, *kept = zip(*(run[profile, peers] for run in runs))
        report.add(f"{name}: protect a packet", "us", protect, at_most=cost)
        report.add(f"{name}: unprotect a packet", "us", unprotect, at_most=cost)
        report.add(f"{name}: protect a report", "us", control)
        report.add(f"{name}: allocations of OpenSSL a packet", "", allocations, at_most=0)
        if kept:
            report.add(f"{name}: memory of a viewer", "B", kept[0], at_most=memory)
            report.add(f"{name}: memory of a publisher", "B", kept[1])
    return report.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
