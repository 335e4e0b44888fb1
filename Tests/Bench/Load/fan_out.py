"""Measures the edge with `viaduct load` on the machine's first two cores, the bridge on one and the load on the other: what a viewer of 2 Mbit/s costs
and waits for, a storm of 200, and joins and leaves in numbers."""

import os
import sys

from Bench.figures import Report, arguments
from Bench.processes import cpu_seconds
from bridge import Bridge
import load

VIEWERS = 300
STORM = 200
CHURN, CHURN_RATE = 2_000, 400


def pin(pid, core):
    for thread in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(thread), {core})


def run(bridge, *arguments, **options):
    """A run of `viaduct load` on the second core; processor seconds of the bridge meanwhile, and its report."""
    pin(bridge.process.pid, 0)
    before = cpu_seconds(bridge.process.pid)
    process = load.start(*arguments, *load.by_http(bridge, "bench"), "--feedback", "lean", "--srtp", "gcm", "--quiet")
    pin(process.pid, 1)
    finished = load.finish(process, 120)
    assert finished.status == 0, finished
    return cpu_seconds(bridge.process.pid) - before, finished.report


def measure():
    """The figures of one round by name."""
    with Bridge(webrtc__addresses="127.0.0.1", log__level="warning") as bridge:
        cpu, steady = run(bridge, "steady", "--viewers", VIEWERS, "--rate", 40)
        storm = run(bridge, "storm", "--viewers", STORM, "--duration", "1s")[1]
        churn_cpu, churn = run(bridge, "churn", "--viewers", CHURN, "--rate", CHURN_RATE, "--hold", "100ms", "--bitrate", "300")
    joins = churn["viewers"]["joined"]
    return {
        "packet": cpu * 1e6 / steady["received"]["packets"], "ratio": steady["window"]["rate_ratio"],
        "latency p50": steady["window"]["latency_ms"]["p50"], "latency p99": steady["window"]["latency_ms"]["p99"],
        "join p50": steady["join_ms"]["first_packet"]["p50"], "join p95": steady["join_ms"]["first_packet"]["p95"],
        "generator": steady["window"]["generator_cpu_percent"], "storm p95": storm["join_ms"]["first_packet"]["p95"],
        "churn rate": churn["joins_per_second"], "churn cost": churn_cpu * 1000 / max(1, joins), "churn refused": churn["viewers"]["refused"],
    }


def main():
    options = arguments(__doc__).parse_args()
    runs = [measure() for _ in range(options.runs)]
    report = Report(f"Edge: one stream of 2 Mbit/s to {VIEWERS} viewers over WHEP with AES-GCM, bridge and load with a core each")
    for name, title, unit, limit in [
        ("packet", "processor for a packet that reached a viewer, joining included", "us", {"at_most": 5.5}),
        ("ratio", "rate ratio", "", {"at_least": 0.998}), ("latency p50", "latency, median", "ms", {}),
        ("latency p99", "latency, 99th percentile", "ms", {"at_most": 15}), ("join p50", "join to first packet, median", "ms", {"at_most": 20}),
        ("join p95", "join to first packet, 95th percentile", "ms", {"at_most": 60}),
        ("generator", "processor of the load itself", "% of a core", {}),
        ("storm p95", f"storm of {STORM}: join to first packet, 95th percentile", "ms", {"at_most": 250}),
        ("churn rate", f"joins a second, {CHURN} viewers who come and go", "", {}),
        ("churn cost", "processor for a join and its leave, packets included", "ms", {}),
        ("churn refused", f"of {CHURN}, refused because the bridge was busy", "", {}),
    ]:
        report.add(title, unit, [run[name] for run in runs], **limit)
    return report.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
