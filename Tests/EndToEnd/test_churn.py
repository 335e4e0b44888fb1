"""Calls in which people come and go all the time, in every way: the bridge holds no more afterwards than before."""

import asyncio
import contextlib
import os
import random

import pytest
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

import media
import rtm
from bridge import Bridge
from raw import Usage, load
from rooms import Refused
from test_grants import STROKE, Room
from test_leaks import ALONE, UNUSED, check_figures

pytestmark = pytest.mark.sturdy

SEED = int(os.environ.get("VIADUCT_CHURN_SEED", "11"))
GUESTS = int(os.environ.get("VIADUCT_CHURN_GUESTS", "5"))  # at once; aiortc encodes on one core
ROOMS = ("yard", "hall")
CAMERA = "gate"
MEMORY_KIBIBYTES = 16 * 1024
AT_REST = 0.1  # of a core, with the camera
RESTING = {**ALONE, "viaduct_http_websockets": 1}  # the camera, which publishes by RTM


class Churn:
    """People who wander through two rooms; `visits` counts how often somebody has come."""

    def __init__(self, bridge, seed):
        self.bridge, self.random = bridge, random.Random(seed)
        self.rooms = [Room(bridge, name) for name in ROOMS]
        self.visits = 0
        self.surprises = []

    async def run(self, seconds):
        end = asyncio.get_running_loop().time() + seconds
        async with asyncio.TaskGroup() as tasks:
            for _ in range(GUESTS):
                tasks.create_task(self.wander(end))
            tasks.create_task(self.seat(end))
        assert not self.surprises, self.surprises

    async def close(self):
        for room in self.rooms:
            await room.close()

    async def wander(self, end):
        while asyncio.get_running_loop().time() < end:
            room = self.random.choice(self.rooms)
            role = self.random.choice(("host", "expert", "worker", "worker", "viewer"))
            try:
                await self.visit(room, role)
            except Exception as problem:  # noqa: BLE001: whatever it is, the test tells it
                self.surprises.append(f"{role} in {room.name}: {problem!r}")
                return
            finally:
                for client in [one for one in room.clients if getattr(one, "is_over", False)]:
                    room.clients.remove(client)

    async def visit(self, room, role):
        guest = await room.come(role, role.title())
        guest.is_over = False
        self.visits += 1
        try:
            mine = {}
            if role != "viewer" and self.random.random() < 0.7:
                mine = await guest.publish(microphone=AudioStreamTrack(), camera=VideoStreamTrack())
            for _ in range(self.random.randrange(12)):
                await self.act(guest, list(mine.values()))
                await asyncio.sleep(self.random.random() * 0.3)
            await self.go(guest)
        finally:
            await guest.close()
            guest.is_over = True

    async def act(self, guest, mine):
        """Something that may be refused, and often is: the track has gone meanwhile, or the role may not."""
        theirs = self.random.choice(list(guest.sections.values()) or ["t0"])
        kind, data = self.random.choice([
            ("chat", {"text": "here"}),
            ("hand", {"raised": self.random.random() < 0.5}),
            ("mute", {"track": self.random.choice(mine or [theirs]), "muted": self.random.random() < 0.5}),
            ("view", {"tracks": [{"track": theirs, "visible": self.random.random() < 0.8, "width": self.random.choice((160, 1280)), "height": 90}]}),
            ("pin", {"tracks": [theirs]}),
            ("spotlight", {"tracks": [theirs]}),
            ("freeze", {"track": theirs, "at": "2031-05-01T09:00:00Z"}),
            ("annotate", {"board": f"b{self.random.randrange(20)}", "annotation": "1", "shape": STROKE, "colour": "#ff0000"}),
            ("erase", {"board": f"b{self.random.randrange(20)}"}),
            ("board_close", {"board": f"b{self.random.randrange(20)}"}),
            ("point", {"track": theirs, "at": {"x": 0.5, "y": 0.5}}),
            ("unpublish", {"track": self.random.choice(mine or ["t0"])}),
        ])
        with contextlib.suppress(Refused):
            await guest.request(kind, **data)
        guest.unread.clear()

    async def go(self, guest):
        way = self.random.choice(("leave", "socket", "page", "return"))
        if way == "leave":
            return await guest.leave()
        if way == "return":
            await guest.drop()
            await guest.come_back()
            return await guest.leave()
        if way == "socket":
            await guest.drop()  # the place is kept for 20 s, then it is given up

    async def seat(self, end):
        """The camera has a seat here, then there."""
        while asyncio.get_running_loop().time() < end:
            room = self.random.choice(self.rooms)
            seat = await asyncio.to_thread(room.post, f"rooms/{room.name}/cameras", {"stream": CAMERA, "display_name": "Gate", "send": ["video"]})
            await asyncio.sleep(self.random.random())
            headers = {"authorization": f"Bearer {self.bridge.operator_token}"}
            status, *_ = await asyncio.to_thread(
                self.bridge.request, "DELETE", f"/bridge/v1/rooms/{room.name}/cameras/{seat['id']}", headers=headers)
            assert status == 204


async def churn(bridge, seconds, seed):
    crowd = Churn(bridge, seed)
    try:
        await crowd.run(seconds)
    finally:
        await crowd.close()
    return crowd.visits


def play(seconds, warm_up):
    with rtm.LoopThread() as network, rtm.LoopThread() as crowd, Bridge(log__level="info", rooms__per_account=4) as bridge:
        with rtm.Camera(network, bridge, CAMERA, *media.Clip("VP8", 20).tracks(), codec="VP8"):
            crowd.run(churn(bridge, warm_up, SEED), timeout=warm_up + 60)
            check_figures(bridge, RESTING)
            before = Usage.at_rest(bridge)
            visits = crowd.run(churn(bridge, seconds, SEED + 1), timeout=seconds + 60)
            check_figures(bridge, RESTING)
            before.check_returned(bridge, MEMORY_KIBIBYTES)
            assert load(bridge) < AT_REST
            print(f"{before} before, {Usage.at_rest(bridge)} after {visits} visits")
            assert visits > seconds / 5, visits
        check_figures(bridge, {**UNUSED, "viaduct_peers": 0})
        assert not [line for line in bridge.log().splitlines() if '"level":"error"' in line or " error " in line], bridge.log()[-4000:]


def test_a_bridge_is_after_a_busy_while_as_it_was_before():
    play(seconds=12, warm_up=5)


@pytest.mark.soak
@pytest.mark.timeout(3 * 3600)
def test_a_bridge_is_after_two_hours_of_calls_as_it_was_before():
    play(seconds=int(os.environ.get("VIADUCT_CHURN_SECONDS", "7200")), warm_up=120)
