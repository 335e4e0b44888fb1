"""Who may do what in a room, over its sockets and the API: every role and every action, and the links that open nothing (any more)."""

import asyncio
import time

import pytest
from aiortc.mediastreams import AudioStreamTrack, VideoStreamTrack
from websockets.exceptions import ConnectionClosed

from rooms import Refused, RoomClient
from rtm import Unexpected

pytestmark = pytest.mark.sturdy

ROLES = ("host", "expert", "worker", "viewer", "camera")
STROKE = {"type": "pen", "points": [[0.1, 0.2], [0.5, 0.25]]}

# What each role may; all else is refused as `forbidden`. "own" is on what is one's own, "other" on what is somebody else's.
SPEAKS = {"publish microphone", "publish camera", "mute own", "unpublish own"}
ALLOWED = {
    "host": SPEAKS | {
        "publish screen", "mute other", "admit", "deny", "remove", "hand own", "hand other", "pin", "spotlight", "view", "describe own",
        "describe other", "chat", "seat", "unseat own", "unseat other", "freeze own", "freeze other", "annotate", "erase own", "erase other",
        "point", "close board", "command", "record", "clip", "snapshot", "close"},
    "expert": SPEAKS | {
        "publish screen", "hand own", "pin", "spotlight", "view", "describe own", "chat", "seat", "unseat own", "freeze own", "freeze other",
        "annotate", "erase own", "point", "close board", "command", "record", "clip", "snapshot"},
    "worker": SPEAKS | {
        "publish screen", "hand own", "pin", "view", "describe own", "chat", "freeze own", "annotate", "erase own", "point", "record", "clip",
        "snapshot"},
    "viewer": {"hand own", "pin", "view", "describe own", "chat"},
    "camera": SPEAKS | {"view", "describe own"},
}


class Room:
    """A room, and sockets into it by links."""

    def __init__(self, bridge, name):
        self.bridge, self.name = bridge, name
        self.clients = []
        self.post("rooms", {"id": name})

    def post(self, path, body, expect=(200, 201)):
        status, answer = self.bridge.post(f"/bridge/v1/{path}", body, self.bridge.operator_token)
        assert status in expect, (path, status, answer)
        return answer

    def link(self, role, **options):
        return self.post(f"rooms/{self.name}/links", {"role": role, **options})

    async def socket(self, token, room=None):
        url = f"ws{self.bridge.base.removeprefix('http')}/bridge/v1/rooms/{room or self.name}/io"
        client = RoomClient(url, token)
        self.clients.append(client)
        await client.open()
        return client

    async def come(self, role, name, **options):
        client = await self.socket(self.link(role, **options)["token"])
        client.welcome = await client.join(name)
        return client

    async def close(self):
        for client in self.clients:
            await client.close()
        self.bridge.request("DELETE", f"/bridge/v1/rooms/{self.name}", headers={"authorization": f"Bearer {self.bridge.operator_token}"})


def in_room(bridge, name, steps):
    """Runs `steps(room)` in a room of this name."""
    async def run():
        room = Room(bridge, name)
        try:
            return await steps(room)
        finally:
            await room.close()

    return asyncio.run(asyncio.wait_for(run(), 60))


async def says(client, kind, /, **data):
    """`done`, or the code of the refusal."""
    try:
        await client.request(kind, **data)
    except Refused as refusal:
        return refusal.code
    return "done"


async def is_allowed(client, kind, /, **data):
    """Whether the role is no obstacle: what is aimed at may not be there."""
    return await says(client, kind, **data) != "forbidden"


async def closes(client):
    """Whether the room is over now."""
    async with client.news:
        await client.news.wait_for(lambda: client.close_code is not None or any(one["type"] == "refused" for one in client.unread))
    return client.close_code == 1000


async def refusal(room, token):
    """Why a link does not let its bearer in: the code that the socket says before it closes."""
    client = await room.socket(token)
    try:
        await client.send("join", None, name="Nobody")
    except ConnectionClosed:
        pass  # it was told without being asked
    assert await client.wait_closed() == 4403
    codes = [frame["data"]["code"] for frame in client.unread if frame["type"] == "refused"]
    assert len(codes) == 1, client.unread
    return codes[0]


async def everything(room, role):
    """Tries all actions as this role; returns those that were allowed."""
    other = await room.come("worker", "Otto")
    theirs = await other.publish(camera=VideoStreamTrack(), microphone=AudioStreamTrack())
    await other.request("hand", raised=True)
    their_seat = room.post(f"rooms/{room.name}/cameras", {"stream": "theirs", "display_name": "Theirs"})["id"]
    host = await room.come("host", "Hanna")
    await host.request("freeze", track=theirs["camera"], at="2031-05-01T09:00:00Z")
    board = (await host.expect("board"))["board"]["id"]
    await host.request("annotate", board=board, annotation="h", shape=STROKE, colour="#ff0000")
    seat = {}
    if role == "camera":
        seat = {"seat": room.post(f"rooms/{room.name}/cameras", {"camera": "mine", "display_name": "Mine"})["id"]}
    me = await room.come(role, "Me", **seat)
    found = {}
    mine = None
    try:
        published = await me.publish(camera=VideoStreamTrack(), microphone=AudioStreamTrack())
        mine = published["camera"]
    except Refused as refusal:
        assert refusal.code == "forbidden", refusal.code
    except Unexpected as problem:
        assert "'code': 'forbidden'" in str(problem), problem
    found["publish camera"] = found["publish microphone"] = mine is not None
    found["publish screen"] = await is_allowed(me, "publish", kind="screen", mid="2")
    if mine is not None:
        found["mute own"] = await is_allowed(me, "mute", track=mine, muted=True)
        await says(me, "mute", track=mine, muted=False)
        found["freeze own"] = await is_allowed(me, "freeze", track=mine, at="2031-05-01T09:00:00Z")
    found["mute other"] = await is_allowed(me, "mute", track=theirs["camera"], muted=True)
    for action in ("admit", "deny", "remove"):
        found[action] = await is_allowed(me, action, participant="nobody")
    found["hand own"] = await is_allowed(me, "hand", raised=True)
    found["hand other"] = await is_allowed(me, "hand", participant=other.you, raised=False)
    found["pin"] = await is_allowed(me, "pin", tracks=[theirs["camera"]])
    found["spotlight"] = await is_allowed(me, "spotlight", tracks=[theirs["camera"]])
    found["view"] = await is_allowed(me, "view", tracks=[{"track": theirs["camera"], "visible": True}])
    found["describe own"] = await is_allowed(me, "describe", metadata={"helmet": "7"})
    found["describe other"] = await is_allowed(me, "describe", participant=other.you, metadata={"helmet": "8"})
    found["chat"] = await is_allowed(me, "chat", text="hello")
    found["seat"] = await is_allowed(me, "camera_seat", stream="mine-to-seat", display_name="Seated")
    if found["seat"]:
        own_seat = (await me.expect("seat"))["seat"]["id"]
        found["unseat own"] = await is_allowed(me, "camera_unseat", seat=own_seat)
    found["unseat other"] = await is_allowed(me, "camera_unseat", seat=their_seat)
    found["freeze other"] = await is_allowed(me, "freeze", track=theirs["camera"], at="2031-05-01T09:00:01Z")
    found["annotate"] = await is_allowed(me, "annotate", board=board, annotation="m", shape=STROKE, colour="#00ff00")
    if found["annotate"]:
        found["erase own"] = await is_allowed(me, "erase", board=board, annotation="m")
    found["erase other"] = await is_allowed(me, "erase", board=board, annotation="h")
    found["point"] = await is_allowed(me, "point", track=theirs["camera"], at={"x": 0.5, "y": 0.5})
    if found["freeze other"]:
        own_board = next(one["data"]["board"]["id"] for one in me.unread if one["type"] == "board" and one["data"]["board"]["owner"] == me.you)
        found["close board"] = await is_allowed(me, "board_close", board=own_board)
    found["command"] = await is_allowed(me, "camera_order", seat=their_seat, order={"type": "torch", "on": True})
    found["snapshot"] = await is_allowed(me, "snapshot", track=theirs["camera"])
    found["record"] = await is_allowed(me, "record", on=True)
    found["clip"] = await is_allowed(me, "clip", seconds=5)
    await says(me, "record", on=False)
    if mine is not None:
        found["unpublish own"] = await is_allowed(me, "unpublish", track=mine)
    await me.send("room_close")
    found["close"] = await closes(me)
    return {action for action, is_possible in found.items() if is_possible}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_what_it_may_and_nothing_else(bridge, role):
    assert in_room(bridge, f"roles-{role}", lambda room: everything(room, role)) == ALLOWED[role]


def test_a_link_opens_its_own_room_only(bridge):
    async def steps(room):
        mine = room.link("host", identity="anna")
        room.post("rooms", {"id": "elsewhere"})
        stranger = await room.socket(mine["token"], room="elsewhere")
        assert await stranger.wait_closed() == 4403
        assert [one["data"]["code"] for one in stranger.unread] == ["forbidden"]
        # Other tokens of the bridge are no links, and a link is no token of the API.
        outsider = await room.socket(bridge.operator_token)
        assert await outsider.wait_closed() == 4403
        for path in ("rooms", f"rooms/{room.name}", "recordings", "streams", "cameras"):
            status, *_ = bridge.request("GET", f"/bridge/v1/{path}", headers={"authorization": f"Bearer {mine['token']}"})
            assert status in (401, 403, 404), (path, status)
        forged = mine["token"][:-6] + ("AAAAAA" if not mine["token"].endswith("AAAAAA") else "BBBBBB")
        liar = await room.socket(forged)
        assert await liar.wait_closed() == 4403

    in_room(bridge, "own-room", steps)


def test_who_was_removed_or_whose_link_was_taken_back_stays_out(bridge):
    async def steps(room):
        host = await room.come("host", "Hanna")
        link = room.link("worker", identity="wim")
        first = await room.socket(link["token"])
        await first.join("Wim")
        await host.request("remove", participant=first.you)
        assert await first.wait_closed() == 4411
        for token in (link["token"], room.link("worker", identity="wim")["token"]):
            assert await refusal(room, token) in ("removed", "forbidden")
        revoked = room.link("viewer")
        inside = await room.socket(revoked["token"])
        await inside.join("Vic")
        status, *_ = bridge.request("DELETE", f"/bridge/v1/rooms/{room.name}/links/{revoked['id']}",
                                    headers={"authorization": f"Bearer {bridge.operator_token}"})
        assert status == 204
        assert await inside.wait_closed() == 4411
        assert await refusal(room, revoked["token"]) in ("removed", "forbidden")
        # The room goes on for the others.
        assert await says(host, "chat", text="still here") == "done"

    in_room(bridge, "removed", steps)


@pytest.mark.patient
def test_an_expired_link_lets_nobody_new_in_and_puts_nobody_out(bridge):
    async def steps(room):
        link = room.link("worker", expires_in_s=60)
        began = time.monotonic()
        inside = await room.socket(link["token"])
        await inside.join("Wim")
        unused = room.link("viewer", expires_in_s=60)
        await asyncio.sleep(67 - (time.monotonic() - began))  # 5 s more than it says, for clocks that differ
        assert await refusal(room, unused["token"]) == "link_expired"
        # Who is in stays, and comes back after a lost socket.
        assert await says(inside, "chat", text="still here") == "done"
        await inside.drop()
        welcome = await inside.come_back()
        assert welcome["you"] == inside.you
        assert await says(inside, "chat", text="back again") == "done"

    async def patient():
        room = Room(bridge, "expiry")
        try:
            await steps(room)
        finally:
            await room.close()

    asyncio.run(asyncio.wait_for(patient(), 120))
