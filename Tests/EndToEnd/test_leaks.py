"""Two hundred sessions with real peers come and go; the bridge is as it was before."""

import asyncio
import time

import pytest

import media
import rtm
from bridge import Bridge
from raw import Usage, settle

SESSIONS = 200
AT_ONCE = 10
WARM_UP = 30  # sessions that fill caches and pools before anything is measured
MEMORY_KIBIBYTES = 16 * 1024  # that may stay: 80 KiB for each session would be a leak that this finds


@pytest.fixture(scope="module")
def bridge():
    with Bridge(log__level="info") as running:
        yield running


async def visit(bridge, clip, name, goodbye):
    """One session up to flowing media, and its end."""
    client = rtm.Client(bridge, name)
    try:
        await client.publish(*clip.tracks(), codec=clip.codec)
        await goodbye(client)
    finally:
        await client.close()


async def stop(client):
    assert await client.leave() == "CLIENT_STOP"


async def close_socket(client):
    await client.socket.close(1000)


async def close_media(client):
    await client.peer.close()
    await client.expect("session_terminated", termination_cause="CONN_ERROR")


GOODBYES = [stop, close_socket, close_media]


async def visits(bridge, clip, count, prefix):
    """So many sessions, a few at a time; a list of what failed."""
    places, failures = asyncio.Semaphore(AT_ONCE), []

    async def one(number):
        async with places:
            try:
                await visit(bridge, clip, f"{prefix}-{number}", GOODBYES[number % len(GOODBYES)])
            except Exception as problem:
                failures.append(f"{prefix}-{number}: {problem!r}")

    await asyncio.gather(*(one(number) for number in range(count)))
    return failures


def test_the_bridge_is_after_two_hundred_sessions_as_it_was_before(bridge, network):
    clip = media.Clip("VP8", 20)
    assert network.run(visits(bridge, clip, WARM_UP, "warm"), timeout=120) == []
    check_unused(bridge)
    before = Usage.at_rest(bridge)
    assert network.run(visits(bridge, clip, SESSIONS, "visitor"), timeout=280) == []
    check_unused(bridge)
    before.check_returned(bridge, MEMORY_KIBIBYTES)
    print(f"{before} before, {Usage.at_rest(bridge)} after {SESSIONS} sessions")
    warm = bridge.children
    assert len(warm) == len(before.children) == 2, f"{warm} are left, not the two warm ones"
    assert not zombies(warm), f"children were not waited for: {zombies(warm)}"


def test_a_session_whose_peer_falls_silent_ends(bridge, network):
    async def fall_silent():
        client = rtm.Client(bridge, "silent")
        await client.publish(*clip.tracks(), codec=clip.codec)
        await client.peer.getSenders()[0].transport.transport.stop()  # ICE alone: nobody says goodbye
        silent_since = time.monotonic()
        await client.expect("session_terminated", termination_cause="CONN_TIMEOUT", patience=40)
        await client.close()
        assert 25 < time.monotonic() - silent_since <= 31

    clip = media.Clip("VP8", 20)
    network.run(fall_silent(), timeout=90)


def check_unused(bridge):
    """Nothing is open; a stream whose camera broke off waits some seconds for its return."""
    left = settle(lambda: used(bridge), lambda left: not left, timeout=20)
    assert not left, left


GAUGES = ['viaduct_sessions{direction="publish"}', "viaduct_pipelines", "viaduct_streams", "viaduct_subscribers", "viaduct_http_websockets"]


def used(bridge):
    """The gauges that are not at zero."""
    metrics = bridge.get("/metrics")[2].decode().splitlines()
    return {name: line for name in GAUGES for line in metrics if line.startswith(name + " ") and not line.endswith(" 0")}


def zombies(processes):
    found = []
    for process in processes:
        with open(f"/proc/{process}/stat") as file:
            if file.read().rpartition(")")[2].split()[0] == "Z":
                found.append(process)
    return found
