"""Measures a conference of 50 people, of whom 10 publish simulcast in three layers and everybody takes the pictures of all the others, one large, three in
the middle size and the rest small, in a room of the bridge and in a Janus VideoRoom, as Debian has it and tuned (an event loop for all, as it is fastest on one
core): the same people (Go and Pion), server and people with a core each, one after the other; and what it costs to send as many packets of the same sizes and to
do nothing else. The aim is a third of what Janus takes as it comes.

Loopback receives on the sender's core and at its cost. With --receivers-receive the receivers' core does it; each batch that is sent then costs the sender an
interrupt of the other core, which no network device asks of it, so that whoever sends packet by packet looks worse than they are.
"""

import contextlib
import statistics
import sys

from Bench.figures import Report, arguments, percentile
from Bench.Rooms.people import ADDRESS, PEOPLE, PEOPLE_CORE, PUBLISHERS, SERVERS, build, measure, measure_bare, receive_on
from relay_network import Namespace

# The two servers have done the same when what reached people of each layer differs by no more.
SAME = 0.03
STEPS = ["socket", "let in", "offered", "answered", "path", "keys", "first packet", "all pictures"]


def per_packet(run, what):
    return run[what] * 1e6 / run["packets"]


def whole(run):
    return per_packet(run, "user") + per_packet(run, "system")


def compare(report, rounds, bare):
    ours = rounds["viaduct"]
    for who, runs in rounds.items():
        report.add(f"{who}: processor for a packet that reached somebody", "us", map(whole, runs))
        for part in "user", "system":
            report.add(f"{who}:   of it {part}", "us", (per_packet(run, part) for run in runs))
    report.add("sendto alone: processor for a packet", "us", map(whole, bare))
    for other, limit in ("janus", {"at_most": 1 / 3}), ("tuned janus", {}):
        ratios = (whole(mine) / whole(theirs) for mine, theirs in zip(ours, rounds[other]))
        report.add(f"processor for a packet, of {other}'s", "", ratios, **limit)
    for who, runs in rounds.items():
        report.add(f"{who}: processor", "% of a core", ((run["user"] + run["system"]) * 100 / run["seconds"] for run in runs))
        report.add(f"{who}: processor of the people", "% of a core", (run["load"] * 100 / run["seconds"] for run in runs))
        report.add(f"{who}: packets to people", "/s", (run["packets"] / run["seconds"] for run in runs))
        report.add(f"{who}: packets lost", "%", (run["lost"] * 100 / (run["packets"] + run["lost"]) for run in runs))
        report.add(f"{who}: resident memory", "MB", (run["memory"] for run in runs))
    for layer in ours[0]["ratios"]:
        # Else they did not do the same, and the comparison says nothing.
        for other in "janus", "tuned janus":
            ratios = (mine["ratios"][layer] / theirs["ratios"][layer] for mine, theirs in zip(ours, rounds[other]))
            report.add(f"layer {layer}: packets, of {other}'s", "", ratios, at_least=1 - SAME, at_most=1 + SAME)
        for who, runs in rounds.items():
            report.add(f"{who}: layer {layer}, of what it should be", "", (run["ratios"][layer] for run in runs), at_least=1 - SAME)


def joins(report, who, runs):
    """A row for each step: the median of each round; and of the first packet the 95th percentile."""
    for step in STEPS:
        times = [run["joins"][step] for run in runs]
        report.add(f"{who}: join, {step}, median", "ms", map(statistics.median, times))
        if step in ("first packet", "all pictures"):
            report.add(f"{who}: join, {step}, 95th percentile", "ms", (percentile(one, 0.95) for one in times))


def main():
    parser = arguments(__doc__)
    parser.add_argument("--receivers-receive", action="store_true", help="packets are received on the receivers' core")
    options = parser.parse_args()
    path = build()
    rounds, bare = {server: [] for server in SERVERS}, []
    # Janus takes no candidate of loopback: the address is a device's that leads nowhere, and packets to it stay on the machine.
    with contextlib.closing(Namespace(ADDRESS)) as network, network.entered():
        if options.receivers_receive:
            receive_on(PEOPLE_CORE)
        for _ in range(options.runs):
            for server, runs in rounds.items():
                runs.append(measure(path, server))
            bare.append(measure_bare(path))
    report = Report(f"Rooms: {PEOPLE} people, {PUBLISHERS} of them publish three layers, server and people with a core each")
    compare(report, rounds, bare)
    for who, runs in rounds.items():
        joins(report, who, runs)
    return report.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
