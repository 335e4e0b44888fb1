"""Media: what a session promises flows, in both directions, and stops when it should."""

import asyncio
import time

import counter_offer
import sdp
from peers import Peer
from report import MUST, SHOULD, scenario
from sdp import Description

END = ("4.2", "4.3")


@scenario("whip", [
    ("media-connects", "3", MUST, "ICE and DTLS come up after the answer"),
    ("media-soon", "3", SHOULD, "within three seconds"),
    ("media-flows", "3", MUST, "the server reports on the packets that it gets (RFC 3550 section 6.4)"),
    ("media-delete", END, MUST, "DELETE ends DTLS and ICE"),
    ("media-delete-soon", "RFC 7675 section 5.2", SHOULD, "within ten seconds"),
], media=True)
async def publishing(side, check):
    async with Peer.publisher(side) as peer:
        seconds = await peer.connect()
        check("media-connects", True)
        check("media-soon", seconds < 3, f"{seconds:.1f} s")
        check("media-flows", await reported(peer, 12), "no report")
        began = time.monotonic()
        await asyncio.to_thread(peer.session.close)
        is_over = await Peer.wait(lambda: peer.peer.connectionState in ("closed", "failed", "disconnected"), 40)
        check("media-delete", is_over, peer.peer.connectionState)
        check("media-delete-soon", is_over and time.monotonic() - began < 10, f"{time.monotonic() - began:.0f} s")


async def reported(peer, patience):
    """Whether the other side sends receiver reports in time."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        for sender in peer.peer.getSenders():
            if any(one.type == "remote-inbound-rtp" for one in (await sender.getStats()).values()):
                return True
        await asyncio.sleep(0.2)
    return False


@scenario("whip", [
    ("media-trickled", "4.3.2", MUST, "a publisher whose candidates come by PATCH alone connects"),
    ("media-h264", "4.2", SHOULD, "H.264 is taken"),
    ("media-vp8", "4.2", SHOULD, "VP8 is taken"),
    ("media-audio-alone", "4.4.2", MUST, "audio alone connects"),
], media=True)
async def publishers(side, check):
    for name, kinds, codec in (("media-h264", ("video",), "H264"), ("media-vp8", ("video",), "VP8"), ("media-audio-alone", ("audio",), None)):
        async with Peer.publisher(side, kinds, codec) as peer:
            try:
                check(name, await peer.connect() >= 0)
            except Exception as error:
                check(name, False, error)
    async with Peer.publisher(side, ("video",)) as peer:
        full = []

        def strip(text):
            full.extend(line[2:] for line in text.splitlines() if line.startswith("a=candidate:"))
            return "".join(line + "\r\n" for line in text.splitlines() if not line.startswith(("a=candidate:", "a=end-of-candidates")))

        await peer.open(change=strip)
        mid = Description(peer.session.offer.text).sections[0].values("mid")[0]
        reply = await asyncio.to_thread(peer.session.patch, peer.session.offer.fragment(*full, mid=mid, end=True))
        try:
            check("media-trickled", reply.status == 204 and await peer.wait_connected() >= 0, reply)
        except Exception as error:
            check("media-trickled", False, error)


@scenario("whep", [
    ("media-connects", "3", MUST, "ICE and DTLS come up after the answer"),
    ("media-soon", "3", SHOULD, "within three seconds"),
    ("media-video", "3", MUST, "pictures are decoded"),
    ("media-audio", "3", MUST, "sound is decoded"),
    ("media-two", "3", MUST, "a second viewer gets both beside the first"),
    ("media-msid", "4.5.2", MUST, "all live sections belong to one MediaStream"),
    ("media-delete", END, MUST, "DELETE stops the media of that viewer"),
    ("media-others", END, MUST, "and not of the other"),
    ("media-video-alone", "4.2", SHOULD, "a viewer who asks for video alone gets it"),
], media=True)
async def watching(side, check):
    async with Peer.viewer(side) as one, Peer.viewer(side) as two:
        seconds = await one.connect()
        check("media-connects", True)
        check("media-soon", seconds < 3, f"{seconds:.1f} s")
        check("media-video", await one.watch("video"), one.frames)
        check("media-audio", await one.watch("audio"), one.frames)
        names = [section.values("msid")[0].split()[0] for section in one.session.answer.live if section.values("msid")]
        check("media-msid", len(names) == len(one.session.answer.live) and len(set(names)) == 1, names)
        await two.connect()
        check("media-two", await two.watch("video") and await two.watch("audio"), two.frames)
        await asyncio.to_thread(one.session.close)
        await asyncio.sleep(2)
        before = dict(one.frames)
        await asyncio.sleep(1.5)
        check("media-delete", one.frames["video"] <= before["video"] + 1, f"{before}, then {one.frames}")
        check("media-others", await two.watch("video"), two.frames)
    async with Peer.viewer(side, ("video",)) as peer:
        try:
            await peer.connect()
            check("media-video-alone", await peer.watch("video"), peer.frames)
        except Exception as error:
            check("media-video-alone", False, error)


@scenario("whep", [
    ("counter-media", "4.2.2", MUST, "a viewer that answers the server's offer gets the media that it was offered"),
    ("counter-etag", "4.4.1", SHOULD, "and hears the tag of its ICE session"),
], media=True)
async def counter_media(side, check):
    reply = await asyncio.to_thread(counter_offer.ask, side)
    if not counter_offer.makes_offers(reply, check):
        return
    async with Peer(side) as viewer:
        patched = await viewer.take(reply)
        check("counter-etag", bool(patched.get("etag")), patched.fields)
        await viewer.wait_connected()
        check("counter-media", await viewer.watch("video"), viewer.frames)
