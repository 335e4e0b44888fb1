"""Cameras that are directed: seats that bring them into rooms at once, whether their streams are live or their agents have to begin them."""

import asyncio
import contextlib
import json
import os
import signal
import statistics
import time

import pytest

from calls import Room, sees
from raw import settle
from rooms import Refused, RoomClient
from rtm import Frames
from test_camera import ViaductCamera, token_file

pytestmark = pytest.mark.sturdy

PATIENCE = 30
# How often each way. The measure is 50 times, of which 95 in a hundred are in time (`make soak`); where all tests share a machine, few times and their
# median.
FEW = 6
MANY = int(os.environ.get("DIRECTED_TIMES", "50"))
LIVE, COLD = 1.0, 2.5  # seconds from the order to the first picture
NAME = "gate"  # of the camera
# In a call page: when the first picture of each video element is put on the screen that came after the order.
FIRST_PICTURES = """void (() => {
    const { get, set } = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "srcObject");
    const whenSeen = (video) => video.requestVideoFrameCallback((now, { receiveTime }) => {
        if (receiveTime === undefined || receiveTime < window.ordered) return whenSeen(video);
        window.first ??= now - window.ordered;
    });
    Object.defineProperty(HTMLMediaElement.prototype, "srcObject", { configurable: true, get, set(media) {
        set.call(this, media);
        if (media && this instanceof HTMLVideoElement) whenSeen(this);
    } });
})()"""


@pytest.fixture(scope="module")
def room(bridge):
    return Room(bridge, "yard")


@pytest.fixture(scope="module")
def watcher(network, bridge, room):
    async def come():
        client = RoomClient(f"ws://127.0.0.1:{bridge.port}/bridge/v1/rooms/yard/io", room.link("host")["token"])
        await client.open()
        await client.join("Ada")
        return client

    client = network.run(come())
    yield client
    network.run(client.close())


def camera(bridge, folder, *options):
    """The program, with the token of its name."""
    with token_file(folder, bridge.token(NAME, "publish")) as path:
        return ViaductCamera("--to", f"ws://127.0.0.1:{bridge.port}", "--token-file", path, *options)


def ask(bridge, path, method="GET", body=None):
    status, _, reply = bridge.request(method, f"/bridge/v1/{path}", body, {"authorization": f"Bearer {bridge.operator_token}"})
    return status, json.loads(reply) if reply else None


def is_online(bridge):
    status, answer = ask(bridge, f"cameras/{NAME}")
    return status == 200 and answer["online"]


def is_live(bridge):
    return NAME in [one["id"] for one in ask(bridge, "streams")[1]["streams"]]


class PeerWatch:
    """How long it takes until a peer by aiortc has decoded a picture."""

    def __init__(self, network, room, client):
        self.network, self.room, self.client = network, room, client

    def order(self):
        self.client.unread.clear()
        self.began = time.monotonic()

    def first_picture(self, seat):
        self.network.run(self.decode(seat))
        return time.monotonic() - self.began

    async def decode(self, seat):
        while (track := (await self.client.expect("published"))["track"])["participant"] != seat["participant"]:
            pass
        await self.client.wait_received(track["id"], more=1)


class PageWatch:
    """How long it takes until a call page shows a picture, by the page's own clock."""

    def __init__(self, room, page):
        self.room, self.page = room, page

    def order(self):
        self.page.evaluate("void (window.first = undefined, window.ordered = performance.now())")

    def first_picture(self, _):
        return self.page.wait_for("window.first", PATIENCE, every=0.05) / 1000


@contextlib.contextmanager
def page_watch(bridge, browser):
    """A page in a room of its own."""
    room = Room(bridge, "court")
    with room.open(browser, "viewer", "Vera") as page:
        page.evaluate(FIRST_PICTURES)
        page.click("join")
        page.wait_for("viaduct.state === 'inside'", PATIENCE)
        yield PageWatch(room, page)
    room.close()


@pytest.fixture(params=["peer", "page"])
def watch(request, bridge, network):
    if request.param == "peer":
        yield PeerWatch(network, request.getfixturevalue("room"), request.getfixturevalue("watcher"))
        return
    with page_watch(bridge, request.getfixturevalue("viewer_browser")) as watch:
        yield watch


def direct(bridge, watch):
    """A seat, from its order to the first picture at the watcher's, and its end; the seconds of the first."""
    others = watch.room.people()
    watch.order()
    seat = watch.room.post("cameras", {"camera": NAME, "display_name": "Gate", "send": ["video"]})
    took = watch.first_picture(seat)
    assert watch.room.people() == sorted([*others, "Gate"])
    status, _ = ask(bridge, f"rooms/{watch.room.name}/cameras/{seat['id']}", "DELETE")
    assert status == 204
    assert watch.room.people() == others
    return took


def report(name, times, limit):
    times.sort()
    p95 = times[max(0, round(len(times) * 0.95) - 1)]
    print(f"{name}: {len(times)} times, median {statistics.median(times):.3f} s, p95 {p95:.3f} s, longest {times[-1]:.3f} s")
    assert (p95 if len(times) > FEW else statistics.median(times)) <= limit, times


def direct_live(bridge, watch, folder, count):
    with camera(bridge, folder) as program:
        program.wait_for("live")
        assert settle(lambda: is_live(bridge), bool, PATIENCE)
        report("live", [direct(bridge, watch) for _ in range(count)], LIVE)
        # A seat ends; the stream, which none had begun, goes on.
        assert is_live(bridge)
        program.end()


def direct_stand_by(bridge, watch, folder, count):
    with camera(bridge, folder, "--stand-by") as program:
        assert settle(lambda: is_online(bridge), bool, PATIENCE)
        assert not is_live(bridge)
        times = []
        for _ in range(count):
            times.append(direct(bridge, watch))
            assert settle(lambda: is_live(bridge), lambda live: not live, PATIENCE) is False
        report("stand-by", times, COLD)
        status, _ = program.end()
        assert status == 0
    assert settle(lambda: is_online(bridge), lambda online: not online, PATIENCE) is False


def test_a_live_camera_is_in_the_room_at_once(bridge, watch, tmp_path):
    direct_live(bridge, watch, tmp_path, FEW)


def test_an_agent_that_stands_by_begins_when_its_camera_has_a_seat(bridge, watch, tmp_path):
    direct_stand_by(bridge, watch, tmp_path, FEW)


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("way", [direct_live, direct_stand_by])
def test_of_many_orders_nearly_all_are_seen_in_time_in_a_browser(bridge, tmp_path, viewer_browser, way):
    with page_watch(bridge, viewer_browser) as watch:
        way(bridge, watch, tmp_path, MANY)


def test_an_agent_that_dies_comes_back_to_its_seat(network, bridge, room, watcher, tmp_path, viewer_browser):
    """The camera's program is killed and started anew; a page sees it each time, and it is in two rooms at once."""
    other = Room(bridge, "hall")
    seats = [one.post("cameras", {"camera": NAME, "display_name": "Gate", "send": ["video"]}) for one in (room, other)]
    with room.come(viewer_browser, "viewer", "Vera") as page:
        with camera(bridge, tmp_path, "--stand-by") as program:
            sees(page, "Gate camera")
            assert room.people() == ["Ada", "Gate", "Vera"] and other.people() == ["Gate"]
            program.process.send_signal(signal.SIGKILL)
        with camera(bridge, tmp_path, "--stand-by"):
            sees(page, "Gate camera")
            assert room.people() == ["Ada", "Gate", "Vera"] and other.people() == ["Gate"]
            for name, seat, stays in (("yard", seats[0], True), ("hall", seats[1], False)):
                assert ask(bridge, f"rooms/{name}/cameras/{seat['id']}", "DELETE")[0] == 204
                # The last seat ends the stream.
                assert settle(lambda: is_live(bridge), lambda live: live == stays, PATIENCE) == stays
            sees(page)
    other.close()


class Agent(Frames):
    """An agent of somebody else's, which says what the test wants."""

    refusal = None

    async def come(self, bridge, token, **abilities):
        await self.connect(f"ws://127.0.0.1:{bridge.port}/bridge/v1/cameras/lamp/io?auth_token={token}")
        await self.say("hello", abilities=abilities)

    async def say(self, kind, **data):
        await self.socket.send(json.dumps({"type": kind, "data": data}))

    async def obey(self, **refusal):
        """The next order, done or refused."""
        frame = await self.expect("order")
        await self.say("refused" if refusal else "done", number=frame["number"], **refusal)
        return frame["order"]


def test_who_may_tells_a_seated_camera_what_to_do(network, bridge, room, watcher):
    watcher.unread.clear()
    room.post("cameras", {"stream": "lamp", "display_name": "Lamp"})
    network.run(tell_the_lamp(bridge, watcher, room.link("viewer")["token"], bridge.token("lamp", "publish")))


async def tell_the_lamp(bridge, watcher, link, token):
    seat = (await watcher.expect("seat"))["seat"]
    assert seat["stream"] == "lamp" and seat["abilities"] is None
    light = {"seat": seat["id"], "order": {"type": "torch", "on": True}}
    with pytest.raises(Refused) as refused:
        await watcher.request("camera_order", **light)
    assert refused.value.code == "not_found"

    agent, viewer = Agent(), RoomClient(watcher.url, link)
    await agent.come(bridge, token, torch=True, zoom=4)
    known = (await watcher.expect("seat"))["seat"]["abilities"]
    assert known == {"torch": True, "zoom": 4, "rotate": False, "mute": [], "talk": False}
    done = asyncio.create_task(watcher.request("camera_order", **light))
    assert await agent.obey() == light["order"]
    await done
    done = asyncio.create_task(watcher.request("camera_order", seat=seat["id"], order={"type": "zoom", "factor": 2}))
    await agent.obey(code="unavailable", msg="the lens is dirty")
    with pytest.raises(Refused, match="lens is dirty") as refused:
        await done
    assert refused.value.code == "unavailable"
    for order in ({"type": "zoom", "factor": 9}, {"type": "rotate", "degrees": 90}, {"type": "idle"}):
        with pytest.raises(Refused) as refused:
            await watcher.request("camera_order", seat=seat["id"], order=order)
        assert refused.value.code == "invalid_field", order

    await viewer.open()
    await viewer.join("Vic")
    with pytest.raises(Refused) as refused:
        await viewer.request("camera_order", **light)
    assert refused.value.code == "forbidden"
    await viewer.close()

    # A newer agent takes over, and is told what holds.
    newer = Agent()
    await newer.come(bridge, token, torch=True)
    assert await newer.obey() == light["order"]
    assert await agent.wait_closed() == 4409
    await newer.socket.close()
    assert (await watcher.expect("seat", patience=PATIENCE))["seat"]["abilities"]["zoom"] == 1
    assert (await watcher.expect("seat"))["seat"]["abilities"] is None
