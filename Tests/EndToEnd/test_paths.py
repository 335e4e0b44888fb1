"""What is sent elsewhere by a path that is lost: another ICE session within the same session finds another path, and nobody hears of it but for a gap.

Who sends has two addresses. The one that media takes goes dead, for UDP or altogether.
"""

import collections
import socket
import time

import pytest

import media
from bridge import Bridge
from janus import Janus
from raw import settle
from relay_network import FAR, NEAR, BadNetwork, Namespace, NearBridge
from rtm import LoopThread
from test_camera import NAME, ViaductCamera, sees_and_hears, token_file, watching
from test_conferences import HERE, THERE, Conference, events
from test_conferences import watching as watching_there
from test_janus import BACK, Ears
from whip import Leg, endpoint

pytestmark = pytest.mark.sturdy

NEAR_TOO, FAR_TOO = "10.77.0.2", "10.77.1.2"
ACQUAINTANCE = 12  # seconds: only of a path whose rhythm is known a silence says anything
LADDER = 14  # seconds: until a loss is noticed for certain, and its first rung
_EVERYTHING, _UDP = 0x0003, 17  # linux/if_ether.h, RFC 1700


@pytest.fixture
def line():
    with BadNetwork() as line:
        line.near.add(NEAR_TOO)
        line.far.add(FAR_TOO)
        yield line


@pytest.fixture
def there(line):
    with line.far.entered():
        network = LoopThread()
    with network:
        yield network


def path_of(namespace, addresses):
    """Which of its addresses most of its UDP leaves from."""
    with namespace.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(_EVERYTHING)) as eye:
        eye.bind(("tun0", 0))
        eye.settimeout(1)
        seen, end = collections.Counter(), time.monotonic() + 1
        while time.monotonic() < end:
            packet = eye.recv(2048)
            source = socket.inet_ntoa(packet[12:16])
            if packet[9] == _UDP and source in addresses:
                seen[source] += 1
    [(address, count)] = seen.most_common(1)
    assert count >= 10, seen
    return address


def silence(line, address):
    """No UDP gets there or comes from there, without a word to who sent it."""
    line.set(dead=address)


def take_away(line, address):
    """The far interface has it no more; what is connected from there is dead."""
    with line.far.entered():
        Namespace.ip("address", "del", f"{address}/32", "dev", "tun0")
        Namespace.ip("route", "replace", "default", "dev", "tun0")


def packets(viewer):
    """How many the viewer has got of each kind. aiortc decodes nothing behind a packet that is lost for good before a thousand others have come."""

    async def count():
        # By stream: the report names them all alike, so that one for what is sent again would hide the other.
        streams = {one.receiver.track.kind: one.receiver._RTCRtpReceiver__remote_streams for one in viewer.peer.getTransceivers()}
        return {kind: sum(one.packets_received for one in of_kind.values()) for kind, of_kind in streams.items()}

    return viewer.network.run(count())


def gets_more(viewer):
    """A second of it: not what was on its way."""
    before = packets(viewer)
    got = settle(lambda: {kind: count - before[kind] for kind, count in packets(viewer).items()}, lambda got: min(got.values()) >= 15, LADDER)
    assert min(got.values()) >= 15, got


def publisher(bridge):
    """How often sessions of the camera began and ended."""
    return [len([one for one in events(bridge, f"session.{what}") if one["data"].get("stream_id", NAME) == NAME]) for what in ("started", "ended")]


@pytest.mark.parametrize("lose", [silence, take_away])
@pytest.mark.parametrize("kind", ["rtm", "whip"])
def test_a_camera_stays_in_its_session_when_one_of_its_addresses_goes_away(line, tmp_path, kind, lose):
    with line.near.entered(), NearBridge() as bridge, LoopThread() as here, token_file(tmp_path, bridge.token(NAME, "publish")) as token:
        place = f"ws://{NEAR}:{bridge.port}" if kind == "rtm" else f"{bridge.base}/whip/{NAME}"
        with line.far.entered():
            camera = ViaductCamera("--to", place, "--token-file", token, "--codec", "vp8")
        with camera, watching(here, bridge) as viewer:
            sees_and_hears(viewer)
            time.sleep(ACQUAINTANCE)
            before = publisher(bridge)
            former = path_of(line.far, {FAR, FAR_TOO})
            lost = time.monotonic()
            lose(line, former)
            camera.wait_for("ICE begins anew", LADDER)
            noticed = time.monotonic()
            gets_more(viewer)
            print(f"{kind}, {lose.__name__}: noticed after {noticed - lost:.1f} s, there again after {time.monotonic() - noticed:.1f} s more")
            with watching(here, bridge) as other:
                sees_and_hears(other)
            assert path_of(line.far, {FAR, FAR_TOO}) == ({FAR, FAR_TOO} - {former}).pop()
            assert publisher(bridge) == before and before[1] == 0, (before, publisher(bridge))
            assert "not live any more" not in "".join(camera.lines)
            assert camera.end()[0] == 0


@pytest.fixture
def ours(line):
    """A bridge that sends from two addresses."""
    with line.near.entered(), Bridge(http__bind="0.0.0.0", webrtc__addresses=f"{NEAR},{NEAR_TOO},127.0.0.1") as bridge:
        yield bridge


def lose_path(line, ours, *conferences):
    """Each conference comes through it in its first session, and no webhook tells of it."""
    time.sleep(ACQUAINTANCE)
    former = path_of(line.near, {NEAR, NEAR_TOO})
    silence(line, former)
    for conference in conferences:
        settle(conference.show, lambda one: one["state"] == "interrupted", LADDER)
        shown = conference.wait("live", LADDER)
        assert shown["attempts"] == 1 and shown["reason"] is None, shown
    assert "ICE begins anew" in ours.log() and not events(ours, "conference.disconnected")
    return former


def test_a_stream_stays_at_another_bridge_when_its_path_goes_dead(line, ours, there):
    with line.far.entered():
        theirs = Bridge(http__bind="0.0.0.0", webrtc__addresses=FAR).start()
        theirs.base = f"http://{FAR}:{theirs.port}"
    try:
        with line.near.entered(), LoopThread() as here:
            url, token = theirs.base + endpoint(theirs, "whip", THERE), theirs.token(THERE, "publish")
            conference = Conference(ours, HERE, {"kind": "whip", "url": url, "token": token})
            with Leg.publish(here, ours, HERE, ours.token(HERE, "publish"), media.clip("VP8", 10).tracks(), "VP8"):
                conference.wait("live")
                with watching_there(there, theirs) as viewer:
                    gets_more(viewer)
                    lose_path(line, ours, conference)
                    gets_more(viewer)
                with watching_there(there, theirs) as other:
                    sees_and_hears(other)
                assert len(events(theirs, "stream.started")) == 1 and not events(theirs, "stream.ended")
    finally:
        theirs.close()


def test_a_stream_stays_in_a_room_of_janus_when_its_path_goes_dead(line, ours):
    with line.far.entered():
        janus = Janus(FAR).start()
    try:
        with line.near.entered(), LoopThread() as here:
            clip = media.clip("VP8", 10)
            with Leg.publish(here, ours, HERE, ours.token(HERE, "publish"), clip.tracks(), "VP8"):
                hearing = Conference(ours, HERE, janus.order(display="Yard", return_stream=BACK))
                hearing.wait("live")
                with Leg.publish(here, ours, "gate", ours.token("gate", "publish"), clip.tracks(), "VP8"):
                    speaking = Conference(ours, "gate", janus.order(display="Gate"))
                    speaking.wait("live")
                    with Ears.watch(here, ours, BACK, ours.token(BACK, "watch"), kinds=("audio",)) as ears:
                        ears.hear()
                        lose_path(line, ours, hearing, speaking)
                        # Whoever is heard comes by a session of their own, which Janus offers anew.
                        ears.hear()
    finally:
        janus.close()
