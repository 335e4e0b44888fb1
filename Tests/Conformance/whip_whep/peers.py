"""Peers by aiortc: publishers of a small moving picture and a tone, and viewers that count what they decode."""

import asyncio
import fractions
import time
from urllib.parse import urlsplit

import aioice.ice
import av
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, VideoStreamTrack

import sdp
from report import Broken
from suite import OFFER, Session

_addresses = aioice.ice.get_host_addresses
# Consent is asked for every second instead of every five, so that a server which has withdrawn it is found out soon (RFC 7675 section 5.1).
aioice.ice.CONSENT_INTERVAL = 1
RATE = 10  # pictures a second: enough to see movement, and cheap to encode


class Picture(VideoStreamTrack):
    """A grey that changes from frame to frame."""

    def __init__(self):
        super().__init__()
        self.began, self.count = None, 0

    async def recv(self):
        if self.readyState != "live":
            raise MediaStreamError
        self.began = self.began or time.monotonic()
        await asyncio.sleep(max(0, self.began + self.count / RATE - time.monotonic()))
        frame = av.VideoFrame(160, 120, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes([(self.count * 8) % 256]) * plane.buffer_size)
        frame.pts, frame.time_base = self.count * 90000 // RATE, fractions.Fraction(1, 90000)
        self.count += 1
        return frame


class Peer:
    """One peer connection and its session. `sections` are of `audio` and `video`."""

    def __init__(self, side, tracks=(), kinds=(), codec=None):
        self.side, self.frames, self.session = side, {"audio": 0, "video": 0}, None
        # aioice leaves loopback out of its own accord; a server there can be reached from there only.
        is_local = urlsplit(side.url).hostname in ("127.0.0.1", "localhost", "::1")
        aioice.ice.get_host_addresses = (lambda use_ipv4, use_ipv6: ["127.0.0.1"]) if is_local else _addresses
        self.peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        for track in tracks:
            self.peer.addTrack(track)
        for kind in kinds:
            self.peer.addTransceiver(kind, direction="recvonly")
        for transceiver in self.peer.getTransceivers():
            if tracks:
                transceiver.direction = "sendonly"
            if codec and transceiver.kind == "video":
                self.prefer(transceiver, codec)
        self.tasks = []
        self.peer.on("track", lambda track: self.tasks.append(asyncio.ensure_future(self.count(track))))

    @staticmethod
    def prefer(transceiver, codec):
        from aiortc import RTCRtpSender
        codecs = [one for one in RTCRtpSender.getCapabilities("video").codecs if one.mimeType in (f"video/{codec}", "video/rtx")]
        transceiver.setCodecPreferences(codecs)

    @classmethod
    def publisher(cls, side, kinds=("audio", "video"), codec="VP8"):
        made = {"audio": AudioStreamTrack, "video": Picture}
        return cls(side, tracks=[made[kind]() for kind in kinds], codec=codec)

    @classmethod
    def viewer(cls, side, kinds=("audio", "video")):
        return cls(side, kinds=kinds)

    async def count(self, track):
        try:
            while True:
                await track.recv()
                self.frames[track.kind] += 1
        except MediaStreamError:
            pass

    async def open(self, change=lambda text: text):
        """Makes the session; the reply as it came."""
        await self.peer.setLocalDescription(await self.peer.createOffer())
        offer = sdp.Offer(self.side.direction)
        offer.text = change(self.peer.localDescription.sdp)
        description = sdp.Description(offer.text)
        offer.ufrag = description.values(description.sections[0], "ice-ufrag")[0]
        offer.password = description.values(description.sections[0], "ice-pwd")[0]
        reply = await asyncio.to_thread(self.side.send, "POST", self.side.url, offer.text, content_type=OFFER)
        if reply.status != 201:
            raise Broken(f"a peer's offer is answered with {reply}")
        self.session = Session(self.side, offer, reply)
        await self.peer.setRemoteDescription(RTCSessionDescription(reply.text, "answer"))

    async def take(self, reply):
        """Answers the offer of a reply; what the PATCH is answered with."""
        await self.peer.setRemoteDescription(RTCSessionDescription(reply.text, "offer"))
        await self.peer.setLocalDescription(await self.peer.createAnswer())
        self.session = Session(self.side, None, reply)
        patched = await asyncio.to_thread(self.session.patch, self.peer.localDescription.sdp, None, OFFER)
        if patched.status != 204:
            raise Broken(f"an answer is answered with {patched}")
        return patched

    async def connect(self, patience=15, **options):
        """Seconds from the reply to ICE and DTLS up."""
        await self.open(**options)
        return await self.wait_connected(patience)

    async def wait_connected(self, patience=15):
        began = time.monotonic()
        if not await self.wait(lambda: self.peer.connectionState == "connected", patience):
            raise Broken(f"the peer is {self.peer.connectionState}, not connected")
        return time.monotonic() - began

    @staticmethod
    async def wait(condition, patience):
        end = time.monotonic() + patience
        while not condition() and time.monotonic() < end:
            await asyncio.sleep(0.05)
        return condition()

    async def watch(self, kind, count=5, patience=15):
        """Whether so many more frames of a kind are decoded in time."""
        target = self.frames[kind] + count
        return await self.wait(lambda: self.frames[kind] >= target, patience)

    async def close(self):
        if self.session is not None:
            await asyncio.to_thread(self.session.close)
        for task in self.tasks:
            task.cancel()
        await self.peer.close()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.close()
