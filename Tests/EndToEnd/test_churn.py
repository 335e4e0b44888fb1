"""Calls in which people come and go all the time, in every way, and are recorded, mixed and sent elsewhere: the bridge holds no more afterwards than
before."""

import asyncio
import contextlib
import json
import os
import random
import subprocess

import pytest
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack

import media
import rtm
from bridge import Bridge, free_port
from raw import Usage, load
from rooms import Refused
from test_grants import STROKE, Room
from test_leaks import ALONE, UNUSED, check_figures, zombies

pytestmark = pytest.mark.sturdy

SEED = int(os.environ.get("VIADUCT_CHURN_SEED", "11"))
GUESTS = int(os.environ.get("VIADUCT_CHURN_GUESTS", "5"))  # at once; aiortc encodes on one core
ROOMS = ("yard", "hall")
CAMERA = "gate"
GUEST = "guest"  # what the camera is called where a conference brings it: this bridge, as somebody else's
WARM = 2  # children that wait for work
LAYOUTS = ("grid", "speaker", "presentation", "picture_in_picture")
MEMORY_KIBIBYTES = 16 * 1024
AT_REST = 0.1  # of a core, with the camera
RESTING = {**ALONE, "viaduct_http_websockets": 1}  # the camera, which publishes by RTM
# Each takes a child, a keyframe and a second or more: seldom enough that the others are not held up.
COSTLY = 0.12


class Churn:
    """People who wander through two rooms; `visits` counts how often somebody has come."""

    def __init__(self, bridge, seed):
        self.bridge, self.random = bridge, random.Random(seed)
        self.rooms = [Room(bridge, name) for name in ROOMS]
        self.visits = 0
        self.children = set()  # all that were ever seen
        self.done = {}  # how often each action was taken that takes a child
        self.surprises = []

    async def run(self, seconds):
        end = asyncio.get_running_loop().time() + seconds
        async with asyncio.TaskGroup() as tasks:
            for _ in range(GUESTS):
                tasks.create_task(self.wander(end))
            tasks.create_task(self.seat(end))
            for begin in (self.mix, self.join_elsewhere):
                tasks.create_task(self.operate(begin, end))
            tasks.create_task(self.watch_children(end))
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
        costly = [
            ("record", {"on": self.random.random() < 0.6}),
            ("clip", {"seconds": 5}),
            ("snapshot", {"track": theirs}),
            ("single", {"on": self.random.random() < 0.7}),
        ]
        common = [
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
        ]
        kind, data = self.random.choice(costly if self.random.random() < COSTLY else common)
        with contextlib.suppress(Refused):
            await guest.request(kind, **data)
            if (kind, data) in costly:
                self.done[kind] = self.done.get(kind, 0) + 1
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
            await self.order("DELETE", f"rooms/{room.name}/cameras/{seat['id']}")

    async def order(self, method, path, body=None):
        """What the operator wants, done; the answer."""
        headers = {"authorization": f"Bearer {self.bridge.operator_token}", "content-type": "application/json"}
        status, _, answer = await asyncio.to_thread(self.bridge.request, method, f"/bridge/v1/{path}", body, headers, 30)
        assert status in (200, 201, 204), (method, path, status, answer)
        return json.loads(answer) if answer else None

    async def operate(self, begin, end):
        """The operator makes one thing after the other."""
        while asyncio.get_running_loop().time() < end:
            try:
                async with begin():
                    self.done[begin.__name__] = self.done.get(begin.__name__, 0) + 1
                    await asyncio.sleep(self.random.uniform(0.5, 4))
            except Exception as problem:  # noqa: BLE001: as above
                self.surprises.append(f"{begin.__name__}: {problem!r}")
                return

    @contextlib.asynccontextmanager
    async def mix(self):
        """A room as one picture, whose layout changes, and which is sent to a server elsewhere."""
        room = self.random.choice(self.rooms).name
        small = {"width": 160, "height": 90, "fps": 5}
        composite = await self.order("POST", "composites", {"room": room, "layout": self.random.choice(LAYOUTS), **small})
        url = f"rtmp://127.0.0.1:{free_port()}/live/key"
        # Now and then nobody takes it.
        taker = self.take(url) if self.random.random() < 0.7 else None
        try:
            push = await self.order("POST", "pushes", {"stream": composite["stream"], "url": url})
            yield
            await self.order("PATCH", f"composites/{composite['id']}", {"layout": self.random.choice(LAYOUTS)})
            await self.order("DELETE", f"pushes/{push['id']}")
            await self.order("DELETE", f"composites/{composite['id']}")
        finally:
            if taker:
                taker.kill()
                taker.wait()

    @staticmethod
    def take(url):
        return subprocess.Popen(["ffmpeg", "-v", "quiet", "-nostdin", "-listen", "1", "-i", url, "-c", "copy", "-f", "null", "-"])

    @contextlib.asynccontextmanager
    async def join_elsewhere(self):
        """The camera is brought into a conference."""
        token = await asyncio.to_thread(self.bridge.token, GUEST, "publish")
        whip = {"kind": "whip", "url": f"{self.bridge.base}/whip/{GUEST}", "token": token}
        conference = await self.order("POST", f"streams/{CAMERA}/conferences", whip)
        yield
        await self.order("DELETE", f"conferences/{conference['id']}")

    async def watch_children(self, end):
        while asyncio.get_running_loop().time() < end:
            self.children |= self.bridge.children
            await asyncio.sleep(0.25)


async def churn(bridge, seconds, seed):
    crowd = Churn(bridge, seed)
    try:
        await crowd.run(seconds)
    finally:
        await crowd.close()
    return crowd


def check_children(bridge):
    """None is left but those that wait for work, and each of the others was waited for."""
    assert len(bridge.children) == WARM, f"{bridge.children} are left, not {WARM}"
    assert not zombies(bridge.children), f"children were not waited for: {zombies(bridge.children)}"


def play(seconds, warm_up):
    # What is recorded goes soon: two hours of it would fill the disk.
    settings = {"log__level": "info", "rooms__per_account": 4, "recording__retention__age": "60s", "recording__retention__interval": "10s"}
    with rtm.LoopThread() as network, rtm.LoopThread() as crowd, Bridge(**settings) as bridge:
        with rtm.Camera(network, bridge, CAMERA, *media.Clip("VP8", 20).tracks(), codec="VP8"):
            crowd.run(churn(bridge, warm_up, SEED), timeout=warm_up + 60)
            check_figures(bridge, RESTING)
            before = Usage.at_rest(bridge)
            busy = crowd.run(churn(bridge, seconds, SEED + 1), timeout=seconds + 60)
            check_figures(bridge, RESTING)
            before.check_returned(bridge, MEMORY_KIBIBYTES)
            assert load(bridge) < AT_REST
            after = Usage.at_rest(bridge)
            check_children(bridge)
            started = len(busy.children - before.children)
            print(f"{before} before, {after} after {busy.visits} visits; {started} children began, for {busy.done}")
            assert busy.visits > seconds / 5, busy.visits
            assert started >= seconds / 10 and busy.done["mix"] and busy.done["join_elsewhere"], (started, busy.done)
        check_figures(bridge, {**UNUSED, "viaduct_peers": 0})
        assert not [line for line in bridge.log().splitlines() if '"level":"error"' in line or " error " in line], bridge.log()[-4000:]


def test_a_bridge_is_after_a_busy_while_as_it_was_before():
    play(seconds=12, warm_up=5)


@pytest.mark.soak
@pytest.mark.timeout(3 * 3600)
def test_a_bridge_is_after_two_hours_of_calls_as_it_was_before():
    play(seconds=int(os.environ.get("VIADUCT_CHURN_SECONDS", "7200")), warm_up=120)
