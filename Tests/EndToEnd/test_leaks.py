"""Two hundred sessions with real peers come and go; the bridge is as it was before, with either engine."""

import asyncio
import time

import pytest

import media
import rtm
from bridge import Bridge
from raw import Usage, settle
from whip import Leg

SESSIONS = {"edge": 200, "webrtcbin": 100}
WATCHED = "watched"  # the stream of the viewers
AT_ONCE = 10
WARM_UP = 30  # sessions that fill caches and pools before anything is measured
MEMORY_KIBIBYTES = 16 * 1024  # that may stay: 80 KiB for each session would be a leak that this finds


@pytest.fixture(scope="module", params=["edge", "webrtcbin"])
def bridge(request):
    with Bridge(log__level="info", webrtc__inbound=request.param) as running:
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
    assert network.run(visits(bridge, clip, SESSIONS[bridge.engine], "visitor"), timeout=280) == []
    check_unused(bridge)
    before.check_returned(bridge, MEMORY_KIBIBYTES)
    print(f"{before} before, {Usage.at_rest(bridge)} after {SESSIONS[bridge.engine]} sessions")
    warm = bridge.children
    assert len(warm) == len(before.children) == 2, f"{warm} are left, not the two warm ones"
    assert not zombies(warm), f"children were not waited for: {zombies(warm)}"


async def look(network, bridge, token, number):
    """A viewer up to its first pictures, and its end: every other one goes without a word to the server."""
    leg = Leg(network, bridge, "whep", WATCHED, token)
    await leg.open_watch()
    try:
        async with asyncio.timeout(rtm.PATIENCE):
            while leg.frames["video"] < 3:
                await asyncio.sleep(0.05)
        if number % 2:
            assert await asyncio.to_thread(leg.leave) == 200
    finally:
        await leg.peer.close()


async def looks(network, bridge, token, count):
    """So many viewers, a few at a time."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(number):
        async with places:
            await look(network, bridge, token, number)

    await asyncio.gather(*(one(number) for number in range(count)))


def test_the_edge_is_after_two_hundred_viewers_as_it_was_before(network):
    clip = media.Clip("VP8", 20)
    with Bridge(log__level="info") as bridge:
        token = bridge.token(WATCHED, "watch")
        with Leg.publish(network, bridge, WATCHED, bridge.token(WATCHED, "publish"), clip.tracks(), clip.codec):
            network.run(looks(network, bridge, token, WARM_UP), timeout=120)
            check_figures(bridge, ALONE)
            before = Usage.at_rest(bridge)
            network.run(looks(network, bridge, token, SESSIONS[bridge.engine]), timeout=280)
            check_figures(bridge, ALONE)
            before.check_returned(bridge, MEMORY_KIBIBYTES)
            assert Usage(bridge).threads <= before.threads + Usage.POOL_THREADS and not bridge.children - before.children


@pytest.mark.patient
def test_a_session_whose_peer_falls_silent_ends(bridge, network):
    async def be_silent():
        client = rtm.Client(bridge, "silent")
        await client.publish(*clip.tracks(), codec=clip.codec)
        await rtm.fall_silent(client.peer)
        silent_since = time.monotonic()
        await client.expect("session_terminated", termination_cause="CONN_TIMEOUT", patience=40)
        await client.close()
        assert 25 < time.monotonic() - silent_since <= 31

    clip = media.Clip("VP8", 20)
    network.run(be_silent(), timeout=90)


# What is open when nothing is, and while one camera publishes to the edge and nobody watches.
UNUSED = {
    'viaduct_sessions{direction="publish"}': 0, 'viaduct_sessions{direction="watch"}': 0, "viaduct_pipelines": 0, "viaduct_streams": 0,
    "viaduct_subscribers": 0, "viaduct_http_websockets": 0,
}
ALONE = {**UNUSED, 'viaduct_sessions{direction="publish"}': 1, "viaduct_streams": 1, "viaduct_peers": 1}


def check_unused(bridge):
    """Nothing is open; a stream whose camera broke off waits some seconds for its return."""
    check_figures(bridge, {**UNUSED, "viaduct_peers": 0} if bridge.engine == "edge" else UNUSED)


def check_figures(bridge, wanted):
    def read():
        figures = dict(line.rsplit(" ", 1) for line in bridge.get("/metrics")[2].decode().splitlines() if not line.startswith("#"))
        return {name: float(figures[name]) for name in wanted}

    assert settle(read, lambda found: found == wanted, timeout=20) == wanted


def zombies(processes):
    found = []
    for process in processes:
        with open(f"/proc/{process}/stat") as file:
            if file.read().rpartition(")")[2].split()[0] == "Z":
                found.append(process)
    return found
