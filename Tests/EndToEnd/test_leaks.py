"""Two hundred sessions with real peers come and go; the bridge is as it was before."""

import asyncio

import pytest

import media
import rtm
from bridge import Bridge
from raw import Usage

SESSIONS = 200
AT_ONCE = 10
WARM_UP = 30  # sessions that fill caches and pools before anything is measured
MEMORY_KIBIBYTES = 16 * 1024  # that may stay: 80 KiB for each session would be a leak that this finds


@pytest.fixture(scope="module")
def bridge():
    with Bridge(log__level="info") as running:
        yield running


async def visit(bridge, clip, name):
    """One session up to flowing media, and its end; some end well, some break off."""
    client = rtm.Client(bridge, name)
    try:
        await client.publish(*clip.tracks(), codec=clip.codec)
        assert await client.leave() == "CLIENT_STOP"
    finally:
        await client.close()


async def visits(bridge, clip, count, prefix):
    """So many sessions, a few at a time; a list of what failed."""
    places, failures = asyncio.Semaphore(AT_ONCE), []

    async def one(number):
        async with places:
            try:
                await visit(bridge, clip, f"{prefix}-{number}")
            except Exception as problem:
                failures.append(f"{prefix}-{number}: {problem!r}")

    await asyncio.gather(*(one(number) for number in range(count)))
    return failures


def test_the_bridge_is_after_two_hundred_sessions_as_it_was_before(bridge):
    clip = media.Clip("VP8", 20)
    with rtm.LoopThread() as network:
        assert network.run(visits(bridge, clip, WARM_UP, "warm"), timeout=120) == []
        before = Usage.at_rest(bridge)
        assert network.run(visits(bridge, clip, SESSIONS, "visitor"), timeout=280) == []
    before.check_returned(bridge, MEMORY_KIBIBYTES)
    warm = bridge.children
    assert len(warm) == len(before.children) == 2, f"{warm} are left, not the two warm ones"
    assert not zombies(warm), f"children were not waited for: {zombies(warm)}"
    metrics = bridge.get("/metrics")[2].decode()
    for name in ('viaduct_sessions{direction="publish"}', "viaduct_pipelines", "viaduct_streams", "viaduct_http_websockets"):
        assert f"\n{name} 0\n" in metrics, metrics


def zombies(processes):
    found = []
    for process in processes:
        with open(f"/proc/{process}/stat") as file:
            if file.read().rpartition(")")[2].split()[0] == "Z":
                found.append(process)
    return found
