"""A participant of a room: its socket (signaling/asyncapi.yaml, `room`), and its two peers by aiortc. Everything stays on loopback."""

import asyncio
import json

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.exceptions import InvalidStateError
from aiortc.mediastreams import MediaStreamError

from rtm import PATIENCE, Frames, Unexpected, make_offer, take_answer, wait_for_state

KINDS = {"microphone": "audio", "camera": "video", "screen": "video"}  # the sections of every publishing peer, in this order


class Refused(Exception):
    """The room said no; `code` is of errors.json."""

    def __init__(self, data):
        super().__init__(f"{data['in_reply_to']}: {data['code']}: {data['msg']}")
        self.code, self.field = data["code"], data["field"]


class RoomClient(Frames):
    """One participant, by the URL of a room's socket and the token of a join link.

    Offers of the subscribing peer are answered by themselves; all else is kept until somebody asks for it with `expect`.
    """

    refusal = "refused"

    def __init__(self, url, token):
        super().__init__()
        self.url, self.token = url, token
        self.you = None  # who the room says we are, from `join` on
        self.publisher = self.subscriber = None
        self.sections = {}  # which track each section of the subscribing peer carries
        self.frames = {}  # decoded frames of each section
        self.offers = 0  # of the subscribing peer so far
        self.last_ref = 0
        self.counters = []

    # Socket

    async def open(self):
        await self.connect(f"{self.url}?auth_token={self.token}")

    async def note(self, frame):
        if frame is not None and frame["type"] == "sdp_update" and frame["data"]["peer"] == "subscribe":
            return await self.answer(frame["data"])
        if frame is not None and frame["type"] == "peer_state" and frame["data"] == {"peer": "subscribe", "state": "ended"}:
            await self.subscriber.close()  # the next offer is another peer's
        await super().note(frame)

    async def send(self, kind, ref=None, /, **data):
        await self.socket.send(json.dumps({"type": kind, "ref": ref, "data": data}))

    async def request(self, kind, /, **data):
        """Sends a frame and waits until the room has taken it; raises `Refused` when it has not. What follows is left for `expect`."""
        self.last_ref += 1
        ref = str(self.last_ref)
        await self.send(kind, ref, **data)

        def reply():
            return next((one for one in self.unread if one["type"] in ("done", "refused") and one["data"]["ref"] == ref), None)

        async with self.news:
            try:
                async with asyncio.timeout(PATIENCE):
                    while (frame := reply()) is None:
                        if self.close_code is not None:
                            raise Unexpected(f"the socket closed with {self.close_code} before a reply to {kind}")
                        await self.news.wait()
            except TimeoutError:
                raise Unexpected(f"no reply to {kind} within {PATIENCE} s; unread: {self.summary()}") from None
            self.unread.remove(frame)
        if frame["type"] == "refused":
            raise Refused(frame["data"])

    async def join(self, name=None, keeps_peers=False):
        """Comes in; returns the room as it is."""
        await self.request("join", name=name, keeps_peers=keeps_peers)
        welcome = await self.expect("welcome")
        self.you = welcome["you"]
        return welcome

    async def drop(self):
        """Loses the socket without a word; the peers stay."""
        self.socket.transport.abort()
        await asyncio.gather(self.reader, return_exceptions=True)

    async def come_back(self):
        """Another socket for the same place, within the room's grace."""
        self.unread.clear()
        await self.open()
        return await self.join(keeps_peers=True)

    # What we send

    async def publish(self, **tracks):
        """A peer with a section for each kind that there is; `tracks` says what goes out by them, for instance `camera=…`. Returns our tracks' ids by kind."""
        self.publisher = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        sections = {}
        for kind, media in KINDS.items():
            sections[kind] = self.publisher.addTransceiver(tracks.get(kind) or media, direction="sendonly")
        await self.send("sdp_update", peer="publish", sdp={"type": "offer", "sdp": await make_offer(self.publisher)})
        await take_answer(self.publisher, (await self.expect("sdp_update", peer="publish"))["sdp"]["sdp"])
        await wait_for_state(self.publisher, "connected")
        return {kind: await self.show(kind, sections[kind].mid) for kind in tracks}

    async def show(self, kind, mid):
        """Makes a track of a section; returns its id."""
        await self.request("publish", kind=kind, mid=mid)
        while (track := (await self.expect("published"))["track"])["participant"] != self.you or track["kind"] != kind:
            pass
        return track["id"]

    # What we are sent

    async def answer(self, offer):
        if self.subscriber is None or self.subscriber.connectionState in ("failed", "closed"):
            self.subscriber = RTCPeerConnection(RTCConfiguration(iceServers=[]))
            self.subscriber.on("track", self.follow)
        try:
            await self.subscriber.setRemoteDescription(RTCSessionDescription(offer["sdp"]["sdp"], "offer"))
            await self.subscriber.setLocalDescription(await self.subscriber.createAnswer())
        except InvalidStateError:
            return  # the bridge has closed this peer meanwhile, and says so next
        self.sections = offer["tracks"]
        self.offers += 1
        await self.send("sdp_update", peer="subscribe", sdp={"type": "answer", "sdp": self.subscriber.localDescription.sdp})
        await super().note(None)

    def follow(self, track):
        self.counters.append(asyncio.get_running_loop().create_task(self.count(track)))

    async def count(self, track):
        try:
            while True:
                await track.recv()
                mid = next(one.mid for one in self.subscriber.getTransceivers() if one.receiver.track is track)
                self.frames[mid] = self.frames.get(mid, 0) + 1
        except MediaStreamError:
            pass

    def received(self, track):
        """Decoded frames so far of the section that carries this track now; 0 where none does."""
        return next((self.frames.get(mid, 0) for mid, one in self.sections.items() if one == track), 0)

    async def wait_received(self, track, more=5, patience=PATIENCE):
        """Waits until `more` further frames of a track were decoded."""
        goal = self.received(track) + more
        try:
            async with asyncio.timeout(patience):
                while self.received(track) < goal:
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise Unexpected(f"{self.received(track)} frames of {track}, not {goal}; sections: {self.sections}") from None

    async def leave(self):
        """Goes for good; returns the close code."""
        await self.send("leave")
        return await self.wait_closed()

    async def close(self):
        """Lets everything go, whatever state it is in."""
        if self.socket is not None:
            await self.socket.close()
            await asyncio.gather(self.reader, return_exceptions=True)  # a late offer makes another peer
        for task in self.counters:
            task.cancel()
        for peer in (self.publisher, self.subscriber):
            if peer is not None:
                await peer.close()
        await asyncio.gather(*self.counters, return_exceptions=True)
