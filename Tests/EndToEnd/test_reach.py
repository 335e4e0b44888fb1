"""Who gets to the port of WebRTC: this machine alone, unless the bridge is meant for others. The others are a network namespace's programs."""

import itertools
import json
import os
import re
import subprocess
import sys

import pytest

from bridge import Bridge

HERE, THERE = "10.89.7.1", "10.89.7.2"

# Sends a Binding request without credentials, and says whether anything came back; then whether a connection is taken.
ASK = """
import json, os, socket, struct, sys
address, port = sys.argv[1], int(sys.argv[2])
family = socket.AF_INET6 if ":" in address else socket.AF_INET
software = b"x" * 96  # an answer is never longer than its request
request = struct.pack(">HHI", 1, 4 + len(software), 0x2112A442) + os.urandom(12)
request += struct.pack(">HH", 0x8022, len(software)) + software
with socket.socket(family, socket.SOCK_DGRAM) as asker:
    asker.settimeout(0.5)
    answered = False
    for attempt in range(3):
        try:
            asker.sendto(request, (address, port))
            answered = asker.recv(1500)[8:20] == request[8:20]
            break
        except OSError:
            pass
try:
    socket.create_connection((address, port), 1).close()
    connected = True
except OSError:
    connected = False
print(json.dumps([answered, connected]))
"""
NOBODY, BOTH = [False, False], [True, True]


class Neighbour:
    """Another machine on a link of its own."""

    numbers = itertools.count()

    def __init__(self):
        tag = f"{os.getpid() % 100_000}{next(self.numbers)}"
        self.name, self.near, self.far = f"viaduct-{tag}", f"vn{tag}", f"vf{tag}"

    def __enter__(self):
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", self.near, "type", "veth", "peer", "name", self.far, "netns", self.name)
        run("ip", "address", "add", f"{HERE}/30", "dev", self.near)
        run("ip", "link", "set", self.near, "up")
        run("ip", "-n", self.name, "address", "add", f"{THERE}/30", "dev", self.far)
        run("ip", "-n", self.name, "link", "set", self.far, "up")
        return self

    def __exit__(self, *_):
        run("ip", "link", "delete", self.near)
        run("ip", "netns", "delete", self.name)

    def ask(self, address, port):
        return ask(address, port, "ip", "netns", "exec", self.name)


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout


def ask(address, port, *prefix):
    """Whether UDP is answered and TCP taken."""
    return json.loads(run(*prefix, sys.executable, "-c", ASK, address, str(port)))


@pytest.fixture
def neighbour():
    with Neighbour() as neighbour:
        yield neighbour


def place(bridge):
    """What the bridge said of its port, the port, and the addresses that it offers."""
    said = re.search(r"UDP and TCP port (\d+) (.*?), offered as ([^\"]*)\"", bridge.log())
    assert said, bridge.log()
    return said.group(2), int(said.group(1)), said.group(3).split(", ")


def test_a_bridge_for_this_machine_is_reached_by_all_its_addresses_from_here_alone(neighbour):
    with Bridge() as bridge:
        said, port, offered = place(bridge)
        assert said == "from this machine only" and {"127.0.0.1", HERE} <= set(offered), (said, offered)
        assert {address: ask(address, port) for address in offered} == {address: BOTH for address in offered}
        assert neighbour.ask(HERE, port) == NOBODY


def test_several_loopback_addresses_let_nobody_else_in(neighbour):
    with Bridge(http__bind="0.0.0.0", webrtc__addresses="127.0.0.1,::1") as bridge:
        said, port, offered = place(bridge)
        assert (said, offered) == ("from this machine only", ["127.0.0.1", "::1"])
        assert [ask(address, port) for address in offered] == [BOTH, BOTH] and neighbour.ask(HERE, port) == NOBODY


def test_a_bridge_for_others_is_reached_by_them(neighbour):
    with Bridge(http__bind="0.0.0.0") as bridge:
        said, port, offered = place(bridge)
        assert said == "on every interface" and HERE in offered and "127.0.0.1" not in offered, (said, offered)
        assert neighbour.ask(HERE, port) == BOTH


def test_one_address_is_bound_alone(neighbour):
    with Bridge(webrtc__addresses=HERE) as bridge:
        said, port, offered = place(bridge)
        assert (said, offered) == (f"on {HERE}", [HERE])
        assert neighbour.ask(HERE, port) == BOTH and ask("127.0.0.1", port) == NOBODY
