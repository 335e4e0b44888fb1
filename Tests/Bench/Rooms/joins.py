"""Measures where a browser's time goes until it sees the ten people of a room, at the bridge and at a Janus VideoRoom, one join after the other: Chromium,
which asks for a path as browsers do. Those of `beside_janus` are Pion's, which looks after its checks each 200 ms. Janus is tuned, as it is fastest."""

import contextlib
import json
import pathlib
import sys

from Bench.figures import Report, arguments
from Bench.Rooms.people import ADDRESS, PEOPLE_CORE, PUBLISHERS, SERVERS, build, on_core, program
from browsers import Chromium
from janus import ROOM
from relay_network import Namespace

JOINS = 20
STEPS = ["socket", "let in", "offered", "answered", "path", "keys", "first picture", "all pictures"]
SCRIPT = pathlib.Path(__file__).with_name("joins.js").read_text()


def calls(server, options):
    """What the page has to call for each join."""
    values = dict(zip(options[::2], options[1::2]))
    if server != "viaduct":
        return [f"join.janus({json.dumps(values['-url'])}, {ROOM}, {PUBLISHERS})"] * JOINS
    tokens = pathlib.Path(values["-tokens"]).read_text().split()[PUBLISHERS:]
    return [f"join.viaduct({json.dumps(values['-url'] + '?auth_token=' + token)}, {PUBLISHERS})" for token in tokens]


def measure(path, server):
    """The steps of each join."""
    with (
        SERVERS[server](JOINS) as (_, options, address),
        program(path, PEOPLE_CORE, "-people", str(PUBLISHERS), "-publishers", str(PUBLISHERS), "-publish-only", *options) as people,
    ):
        assert people.stdout.readline()
        with on_core(PEOPLE_CORE), Chromium() as browser:
            page = browser.open(address, SCRIPT)
            page.wait_for("window.join !== undefined", 10)
            return [page.evaluate(call) for call in calls(server, options)]


def main():
    options = arguments(__doc__, runs=1).parse_args()
    path = build()
    joins = {server: [] for server in ("viaduct", "tuned janus")}
    with contextlib.closing(Namespace(ADDRESS)) as network, network.entered():
        for _ in range(options.runs):
            for server, done in joins.items():
                done += measure(path, server)
    report = Report(f"Rooms: Chromium joins {PUBLISHERS} people, {JOINS} times in each run")
    for server, done in joins.items():
        for step in STEPS:
            report.add(f"{server}: {step}", "ms", [one[step] for one in done])
    return report.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
