"""A bridge with as much work as it is set to do takes no more viewers, and those that it has see nothing of it."""

import json
import re
import socket
import threading
import time

import pytest

import media
from bridge import Bridge
from raw import offer, settle
from test_hostile_sdp import watch as watch_over_rtm
from test_whip import metric
from whip import Leg, post

LIMIT = 12  # per cent of a media worker: far above what this test's few peers cost
STREAM = "popular"
SECONDS = 3  # for which a viewer is looked at


class Strangers:
    """Datagrams of nobody, as many as it takes to keep a media worker busy for more than a share of its time."""

    UDP_SEGMENT = 103  # udp(7): one call makes many datagrams, so that this side costs little
    SIZE, COUNT = 40, 50

    def __init__(self, bridge, port, share):
        self.bridge, self.port, self.share = bridge, port, share
        self.bursts, self.stopping = 4, threading.Event()
        self.thread = threading.Thread(target=self._send, daemon=True)

    def _send(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.setsockopt(socket.IPPROTO_UDP, self.UDP_SEGMENT, self.SIZE)
            burst = bytes([20]) * self.SIZE * self.COUNT  # what RFC 7983 gives to DTLS, of no peer
            while not self.stopping.wait(0.002):
                for _ in range(self.bursts):
                    sender.sendto(burst, ("127.0.0.1", self.port))

    def __enter__(self):
        self.thread.start()
        end = time.monotonic() + 30
        while (load := metric(self.bridge, "viaduct_media_load_ratio")) < self.share:
            assert time.monotonic() < end, f"{self.bursts} bursts at a time keep the worker busy for {load} of its time alone"
            self.bursts *= 2
            time.sleep(2.2)  # what is measured is the lesser of the last two seconds
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join(5)


@pytest.fixture(scope="module")
def bridge():
    with Bridge(webrtc__load_limit=LIMIT, webrtc__workers=1) as bridge:  # with a second one, that would take the viewers
        yield bridge


def media_port(leg):
    """Of the bridge, as its answer says."""
    [port] = set(re.findall(r"^a=candidate:\S+ 1 udp \d+ \S+ (\d+) ", leg.answer, re.MULTILINE))
    return int(port)


def frames_in(viewer, seconds):
    before = viewer.frames["video"]
    time.sleep(seconds)
    return viewer.frames["video"] - before


def test_above_the_load_limit_new_viewers_are_refused_and_the_others_undisturbed(bridge, network):
    publish, watch = bridge.token(STREAM, "publish"), bridge.token(STREAM, "watch")
    with Leg.publish(network, bridge, STREAM, publish, media.clip("VP8", 60).tracks(), "VP8") as source:
        with Leg.watch(network, bridge, STREAM, watch) as viewer:
            assert settle(lambda: viewer.frames["video"], lambda count: count >= 20) >= 20
            quiet = metric(bridge, "viaduct_media_load_ratio")
            assert quiet < LIMIT / 100, f"two peers alone keep the worker busy for {quiet} of its time"
            with Strangers(bridge, media_port(source), share=1.5 * LIMIT / 100):
                check_refused(bridge, watch, viewer)
                # This side may be kept waiting for the processor, too: one look of three is enough.
                looks = (frames_in(viewer, SECONDS) for _ in range(3))
                assert any(count >= 0.9 * SECONDS * media.RATE for count in looks) and viewer.state == "connected"
                with Leg.publish(network, bridge, "another", bridge.token("another", "publish"), media.clip("VP8", 60).tracks(), "VP8"):
                    pass  # cameras are let in: a recording cannot be made up for later
            settle(lambda: metric(bridge, "viaduct_media_load_ratio"), lambda load: load < LIMIT / 100)
            with Leg.watch(network, bridge, STREAM, watch) as late:
                assert settle(lambda: late.frames["video"], lambda count: count >= 10) >= 10
            assert viewer.state == "connected"


def check_refused(bridge, token, viewer):
    """A WHEP client is told when to come back; an RTM client that it may try again, in the session that it has."""
    status, fields, body = post(bridge, "whep", STREAM, token, viewer.peer.localDescription.sdp)
    fields = {name.lower(): value for name, value in fields.items()}
    assert status == 503 and 1 <= int(fields["retry-after"]) <= 60, (status, fields, body)
    assert json.loads(body)["code"] == "unavailable", body
    message = watch_over_rtm(bridge, STREAM, offer("chromium-156-view"))
    assert (message["type"], message["data"]["code"]) == ("error", "internal"), message
    assert "try again" in message["data"]["msg"], message
