"""Clients of the RTM contract: REST calls, the socket, and a WebRTC peer by aiortc. Everything stays on loopback."""

import asyncio
import json
import threading

import aioice.ice
from aiortc import RTCConfiguration, RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

PATIENCE = 20  # seconds for anything that must come

# aioice leaves loopback out of its own accord; tests use nothing else.
aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]


class Unexpected(AssertionError):
    """The bridge did something else than the contract says."""


class LoopThread:
    """An event loop on a thread of its own, so that media flows while a test waits for something else."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def run(self, coroutine, timeout=3 * PATIENCE):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def publishing_peer(*tracks, codec=None, sound=None):
    """A peer that sends these tracks; `codec` names the only video codec that it offers, for instance VP8, and `sound` the only one of audio."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for track in tracks:
        peer.addTrack(track)
    for transceiver in peer.getTransceivers():
        transceiver.direction = "sendonly"
        kind = transceiver.kind
        wanted = codec if kind == "video" else sound
        if wanted is not None:
            offered = [one for one in RTCRtpSender.getCapabilities(kind).codecs if one.mimeType in (f"{kind}/{wanted}", f"{kind}/rtx")]
            transceiver.setCodecPreferences(offered)
    return peer


def watching_peer(kinds=("video", "audio")):
    """A peer that takes one track of each kind."""
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for kind in kinds:
        peer.addTransceiver(kind, direction="recvonly")
    return peer


class Reception:
    """What a viewer has got: how many decoded frames of each kind, and the newest of them."""

    def __init__(self):
        self.frames = {"audio": 0, "video": 0}
        self.latest = {}

    def follow(self, peer):
        """Counts what this peer gets, on the loop that it is made on."""
        peer.on("track", lambda track: asyncio.get_running_loop().create_task(self._count(track)))

    async def _count(self, track):
        try:
            while True:
                self.latest[track.kind] = await track.recv()
                self.frames[track.kind] += 1
        except MediaStreamError:
            pass


async def make_offer(peer):
    """The complete offer's text: aiortc gathers its candidates first."""
    await peer.setLocalDescription(await peer.createOffer())
    return peer.localDescription.sdp


async def take_answer(peer, sdp):
    await peer.setRemoteDescription(RTCSessionDescription(sdp, "answer"))


async def wait_for_state(peer, state, patience=PATIENCE):
    """Waits until the peer's connection has this state, which must be reached without failing before."""
    try:
        async with asyncio.timeout(patience):
            while peer.connectionState != state:
                if peer.connectionState in ("failed", "closed"):
                    raise Unexpected(f"the peer is {peer.connectionState}, not {state}")
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise Unexpected(f"the peer is still {peer.connectionState}, not {state}") from None


async def fall_silent(peer):
    """Stops ICE alone: the other side hears no goodbye."""
    await peer.getSenders()[0].transport.transport.stop()


class Frames:
    """The frames of one socket. They are kept until somebody asks for them: an early one is never missed."""

    refusal = "error"  # the type that says no

    def __init__(self):
        self.socket = self.reader = self.close_code = None
        self.unread = []
        self.news = asyncio.Condition()

    async def connect(self, url):
        self.close_code = None
        self.socket = await connect(url, max_size=1 << 20)
        self.reader = asyncio.create_task(self.read())

    async def read(self):
        try:
            async for text in self.socket:
                await self.note(json.loads(text))
        except ConnectionClosed:
            pass
        finally:
            self.close_code = self.socket.close_code
            await self.note(None)

    async def note(self, frame):
        async with self.news:
            if frame is not None:
                self.unread.append(frame)
            self.news.notify_all()

    async def expect(self, kind, patience=PATIENCE, **members):
        """Data of the next frame of this type with these members. A refusal meanwhile is a failure unless one was asked for."""
        def find():
            for frame in self.unread:
                if frame["type"] == kind and all(frame["data"].get(key) == value for key, value in members.items()):
                    return frame
                if frame["type"] == self.refusal and kind != self.refusal:
                    raise Unexpected(f"waiting for {kind} {members}, the bridge said {frame['data']}")
            return None

        wanted = f"{kind} {members or ''}".strip()
        async with self.news:
            try:
                async with asyncio.timeout(patience):
                    while (frame := find()) is None:
                        if self.close_code is not None:
                            raise Unexpected(f"the socket closed with {self.close_code} before {wanted}; unread: {self.summary()}")
                        await self.news.wait()
            except TimeoutError:
                raise Unexpected(f"no {wanted} within {patience} s; unread: {self.summary()}") from None
            self.unread.remove(frame)
        return frame["data"]

    def summary(self):
        """The unread frames without SDP."""
        return [(frame["type"], {key: value for key, value in frame["data"].items() if key != "sdp"}) for frame in self.unread]

    async def wait_closed(self, patience=PATIENCE):
        """The close code."""
        await asyncio.wait_for(self.socket.wait_closed(), patience)
        await self.reader
        return self.close_code


class Client(Frames):
    """One session of the Eyeson dialect."""

    def __init__(self, bridge, client_id):
        super().__init__()
        self.bridge, self.client_id = bridge, client_id
        self.session_id = self.token = self.endpoint = self.peer = self.answer = None

    # REST

    async def create(self):
        """A token and a session resource."""
        self.token = (await self.post("/auth_v2/client", {"master_key": self.bridge.master_key, "client_id": self.client_id}))["auth_token"]
        reply = await self.post("/api/v2/session", {"client_id": self.client_id}, self.token)
        self.session_id, self.endpoint = reply["session_id"], reply["ws_endpoint"]

    async def post(self, path, body, token=None):
        fields = {"content-type": "application/json", **({"authorization": f"Bearer {token}"} if token else {})}
        while True:
            status, headers, reply = await asyncio.to_thread(self.bridge.request, "POST", path, body, fields)
            if status != 429:
                break
            await asyncio.sleep(int({name.lower(): value for name, value in headers.items()}["retry-after"]))
        if status != 201:
            raise Unexpected(f"POST {path}: {status} {reply}")
        return json.loads(reply)

    # Socket

    async def open(self):
        await self.connect(f"{self.endpoint}?auth_token={self.token}")

    async def send(self, kind, **data):
        await self.socket.send(json.dumps(
            {"type": kind, "client_id": self.client_id, "session_id": self.session_id, "data": data}))

    # Media

    async def publish(self, *tracks, codec=None, sound=None, webhook_url=None):
        """Everything up to flowing media."""
        options = {} if webhook_url is None else {"webhook_url": webhook_url}
        await self.start(publishing_peer(*tracks, codec=codec, sound=sound), **options)

    async def start(self, peer, **options):
        """The session, and its peer until that is connected."""
        self.peer = peer
        await self.create()
        await self.open()
        await self.send("session_start", sdp={"type": "offer", "sdp": await make_offer(self.peer)}, **options)
        self.answer = (await self.expect("sdp_update"))["sdp"]["sdp"]
        await take_answer(self.peer, self.answer)
        await wait_for_state(self.peer, "connected")

    async def record(self, **destinations):
        """Starts a recording and returns its id when the first frame is written."""
        await self.send("recording_start", **destinations)
        return (await self.expect("recording_state", state="recording"))["rec_id"]

    async def stop_recording(self, recording):
        await self.send("recording_stop", rec_id=recording)
        await self.expect("recording_state", rec_id=recording, state="finalizing")

    async def leave(self):
        """Ends the session as a client that is done; returns the cause that the bridge names."""
        await self.send("session_stop")
        cause = (await self.expect("session_terminated"))["termination_cause"]
        await self.wait_closed()
        return cause

    async def close(self):
        """Lets everything go, whatever state it is in."""
        if self.peer is not None:
            await self.peer.close()
        if self.socket is not None:
            await self.socket.close()
            await asyncio.gather(self.reader, return_exceptions=True)


class NativeClient(Client):
    """One session of the native API, whose direction is `publish` or `watch`."""

    def __init__(self, bridge, stream, direction):
        super().__init__(bridge, None)
        self.stream, self.direction = stream, direction
        self.reception = Reception()

    async def create(self):
        self.token = await asyncio.to_thread(self.bridge.token, self.stream, self.direction)
        reply = await self.post("/bridge/v1/sessions", {"stream": self.stream, "direction": self.direction}, self.token)
        self.client_id, self.session_id, self.endpoint = reply["client_id"], reply["session_id"], reply["ws_endpoint"]
        self.token = reply.get("auth_token", self.token)

    async def watch(self):
        """Everything up to flowing media."""
        peer = watching_peer()
        self.reception.follow(peer)
        await self.start(peer)


class Camera:
    """A client that publishes, for tests that are not asynchronous themselves."""

    def __init__(self, network, bridge, client_id, *tracks, codec=None, webhook_url=None):
        self.network, self.tracks = network, tracks
        self.client = network.run(self._connect(bridge, client_id, tracks, codec, webhook_url))

    @staticmethod
    async def _connect(bridge, client_id, tracks, codec, webhook_url):
        client = Client(bridge, client_id)
        try:
            await client.publish(*tracks, codec=codec, webhook_url=webhook_url)
        except BaseException:
            await client.close()
            raise
        return client

    def record(self, **destinations):
        return self.network.run(self.client.record(**destinations))

    def stop_recording(self, recording):
        self.network.run(self.client.stop_recording(recording))

    def send(self, kind, **data):
        self.network.run(self.client.send(kind, **data))

    def expect(self, kind, patience=PATIENCE, **members):
        return self.network.run(self.client.expect(kind, patience, **members), patience + 5)

    def wait_closed(self, patience=PATIENCE):
        return self.network.run(self.client.wait_closed(patience), patience + 5)

    def leave(self):
        return self.network.run(self.client.leave())

    def close(self):
        self.network.run(self.client.close())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
