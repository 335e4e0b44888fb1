"""Peers that lie, strangers on the wire, and what they may not do: see media, be believed, be answered at length, or disturb anybody."""

import asyncio
import os
import re
import socket
import struct
import time

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection
from OpenSSL import SSL

import media
from bridge import Bridge
from raw import settle
from rtm import Client, Unexpected, make_offer, publishing_peer, take_answer, wait_for_state
from test_whip import metric
from whip import Leg, post

pytestmark = pytest.mark.sturdy

CONSENT_LIMIT = 30  # seconds (RFC 7675 section 5.1)
REFUSED = "viaduct_peer_datagrams_refused_total"


@pytest.fixture(scope="module")
def bridge():
    with Bridge() as bridge:
        yield bridge


class Watched:
    """A publisher and a viewer who have nothing to do with what the tests do."""

    def __init__(self, network, bridge):
        self.network, self.bridge = network, bridge
        self.publisher = publish(network, bridge, "bystander")
        self.viewer = Leg.watch(network, bridge, "bystander", bridge.token("bystander", "watch"))

    def check(self):
        """Pictures and sound come as before, over the same two peers, and the bridge is well."""
        before = dict(self.viewer.frames)
        after = settle(lambda: dict(self.viewer.frames), lambda now: all(now[kind] >= before[kind] + 20 for kind in now))
        assert after["video"] >= before["video"] + 20 and after["audio"] >= before["audio"] + 20, f"{before} a moment ago, now {after}"
        assert (self.publisher.state, self.viewer.state) == ("connected", "connected")
        assert self.bridge.process.poll() is None and self.bridge.get("/healthz")[0] == 200, self.bridge.log()[-2000:]

    def close(self):
        self.viewer.close()
        self.publisher.close()


@pytest.fixture(scope="module")
def watched(network, bridge):
    watched = Watched(network, bridge)
    yield watched
    watched.close()


@pytest.fixture(autouse=True)
def nobody_is_disturbed(watched):
    yield
    watched.check()


def publish(network, bridge, stream):
    return Leg.publish(network, bridge, stream, bridge.token(stream, "publish"), media.clip("VP8", 20).tracks(), "VP8")


class Wire:
    """What goes over a leg's 5-tuple, below aiortc."""

    def __init__(self, network, leg):
        self.network = network
        self.dtls = next(part.transport for part in (*leg.peer.getSenders(), *leg.peer.getReceivers()))
        self.ice = self.dtls.transport
        self.sent, self.received = [], []  # datagrams of SRTP and SRTCP; moments of RTP
        self.copies = 1
        self._take_over()

    def _take_over(self):
        send, handle = self.ice._send, self.dtls._handle_rtp_data

        async def sending(datagram):
            if 128 <= datagram[0] < 192:
                self.sent.append(bytes(datagram))
            for _ in range(self.copies if 128 <= datagram[0] < 192 else 1):
                await send(datagram)

        async def handling(datagram, *arguments, **options):
            self.received.append(time.monotonic())
            await handle(datagram, *arguments, **options)

        self.ice._send, self.dtls._handle_rtp_data = sending, handling

    def say(self, datagram):
        """Sends a datagram as it is on the leg's 5-tuple."""
        self.network.run(self.ice._send(datagram))

    def protect(self, packet):
        return self.dtls._tx_srtp.protect(packet)

    def fall_silent(self):
        """The leg goes on listening, but neither checks nor reports say that it wants to."""
        self.copies = 0
        self.network.loop.call_soon_threadsafe(self.ice._connection._query_consent_task.cancel)


def bridge_address(answer):
    """Where an answer says that the bridge takes UDP."""
    [found, *_] = re.findall(r"a=candidate:\S+ 1 udp \d+ (127\S+) (\d+) typ host", answer, re.IGNORECASE)
    return found[0], int(found[1])


def address_of(leg):
    return bridge_address(leg.peer.remoteDescription.sdp)


class Stranger:
    """A socket that no session knows, which counts what it sends and gets."""

    def __init__(self, address):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(address)
        self.sent = self.received = 0

    def ask(self, datagram, patience=0.02):
        """What comes back to a datagram."""
        self.socket.send(datagram)
        self.sent += len(datagram)
        return self.replies(patience)

    def replies(self, patience):
        self.socket.settimeout(patience)
        found = []
        try:
            while True:
                found.append(self.socket.recv(65536))
                self.received += len(found[-1])
        except (TimeoutError, ConnectionError):
            return found

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def client_hello():
    """A sound one, by OpenSSL."""
    context = SSL.Context(SSL.DTLS_CLIENT_METHOD)
    context.set_tlsext_use_srtp(b"SRTP_AES128_CM_SHA1_80")
    connection = SSL.Connection(context)
    connection.set_connect_state()
    with pytest.raises(SSL.WantReadError):
        connection.do_handshake()
    return connection.bio_read(4096)


# Fingerprints


def lying(sdp):
    """The description with the fingerprint of a certificate that nobody has."""
    return re.sub(r"(a=fingerprint:sha-\d+ )\S\S", lambda found: found[1] + "00", sdp)


@pytest.mark.parametrize("setup", ["actpass", "passive"], ids=["bridge-is-server", "bridge-is-client"])
@pytest.mark.parametrize("direction", ["publish", "watch"])
def test_an_offer_with_a_false_fingerprint_gets_no_media(bridge, network, watched, direction, setup):
    stream = "liar" if direction == "publish" else "bystander"
    root = "whip" if direction == "publish" else "whep"
    states, frames = network.run(lie_in_offer(bridge, root, stream, bridge.token(stream, direction), setup))
    assert "404" in states[-1], f"the session lives on: {states}"
    assert frames == 0, f"{frames} packets came to somebody with a false fingerprint"
    assert settle(lambda: "fingerprint" in bridge.log(), bool, 5), "the log does not say why"


async def lie_in_offer(bridge, root, stream, token, setup):
    """What the session is asked for until it ends, and how many RTP packets the liar got meanwhile."""
    peer = publishing_peer(*media.clip("VP8", 20).tracks(), codec="VP8") if root == "whip" else viewing_peer()
    offer = lying(await make_offer(peer)).replace("a=setup:actpass", f"a=setup:{setup}")
    status, fields, body = await asyncio.to_thread(post, bridge, root, stream, token, offer)
    assert status == 201, body
    dtls = next(one.receiver.transport for one in peer.getTransceivers())
    packets = []
    dtls._handle_rtp_data = lambda *arguments, **options: note(packets)
    if setup == "passive":
        dtls._set_role("server")
    await take_answer(peer, body.decode())
    location = dict((name.lower(), value) for name, value in fields.items())["location"].removeprefix(bridge.base)
    states = []
    for _ in range(100):
        status, _, body = await asyncio.to_thread(
            bridge.request, "PATCH", location, b"", {"authorization": f"Bearer {token}", "content-type": "application/trickle-ice-sdpfrag"})
        states.append(f"{status} {peer.connectionState}")
        if status == 404:
            break
        await asyncio.sleep(0.1)
    await peer.close()
    return states, len(packets)


def viewing_peer():
    peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    for kind in ("video", "audio"):
        peer.addTransceiver(kind, direction="recvonly")
    return peer


async def note(packets):
    packets.append(time.monotonic())


def test_the_user_of_a_session_is_told_of_the_false_fingerprint(bridge, network):
    async def lie():
        client = Client(bridge, "lying-camera")
        try:
            await client.create()
            await client.open()
            client.peer = publishing_peer(*media.clip("VP8", 20).tracks(), codec="VP8")
            await client.send("session_start", sdp={"type": "offer", "sdp": lying(await make_offer(client.peer))})
            await take_answer(client.peer, (await client.expect("sdp_update"))["sdp"]["sdp"])
            return await client.expect("session_terminated")
        finally:
            await client.close()

    ended = network.run(lie())
    assert ended["termination_cause"] == "CONN_ERROR" and "certificate is not the one" in ended["msg"], ended


def test_a_client_refuses_an_answer_whose_fingerprint_was_altered(bridge, network):
    async def connect():
        peer = viewing_peer()
        status, _, body = await asyncio.to_thread(
            post, bridge, "whep", "bystander", bridge.token("bystander", "watch"), await make_offer(peer))
        assert status == 201, body
        await take_answer(peer, lying(body.decode()))
        try:
            await wait_for_state(peer, "connected", patience=5)
        except Unexpected as failure:
            return str(failure)
        finally:
            await peer.close()

    assert re.search("failed|closed", network.run(connect()))


# The wrong 5-tuple, and the right one with what it has seen before


def test_dtls_and_srtp_from_another_address_are_not_answered(network, watched):
    wire = Wire(network, watched.publisher)
    settle(lambda: len(wire.sent), lambda count: count >= 50)
    with Stranger(address_of(watched.publisher)) as stranger:
        for datagram in (client_hello(), client_hello()[:40], *wire.sent[:50]):
            assert stranger.ask(datagram, 0.005) == [], "a stranger was answered"


def wait_for_refusals(bridge, before, count):
    """The bridge refuses that many datagrams for what they are: viewers would not see a copy anyway, since its number was sent to them before."""
    refused = settle(lambda: metric(bridge, REFUSED) - before, lambda refused: refused >= count)
    assert refused >= count, f"{count} copies were sent, {refused} datagrams were refused"


def test_every_packet_sent_twice_counts_once(network, bridge, watched):
    wire, viewer = Wire(network, watched.publisher), Wire(network, watched.viewer)
    before = metric(bridge, REFUSED)
    wire.copies = 2
    time.sleep(3)
    wire.copies, copied = 1, len(wire.sent)
    wait_for_refusals(bridge, before, 0.95 * copied)
    rtp = sum(not 192 <= datagram[1] < 224 for datagram in wire.sent)
    assert rtp >= 100 and len(viewer.received) <= rtp * 1.1 + 5, f"{rtp} packets were sent, {len(viewer.received)} came"


def test_old_packets_said_again_later_count_no_more(network, bridge, watched):
    wire, viewer = Wire(network, watched.publisher), Wire(network, watched.viewer)
    settle(lambda: len(wire.sent), lambda count: count >= 100)
    old, before, refused = wire.sent[:100], len(viewer.received), metric(bridge, REFUSED)
    started = time.monotonic()
    for _ in range(5):
        for datagram in old:
            wire.say(datagram)
    wire.sent.clear()
    wait_for_refusals(bridge, refused, 0.95 * 5 * len(old))
    time.sleep(1)
    came, rate = len(viewer.received) - before, 80  # 20 pictures and 50 sounds a second, some pictures in two packets
    assert came <= rate * (time.monotonic() - started) + 50, f"{came} packets came after 500 old ones"


def test_a_hostile_client_hello_on_the_viewers_own_path_changes_nothing(network, watched):
    wire = Wire(network, watched.viewer)
    hello = client_hello()
    for datagram in (hello, hello[:20], hello[:-30], hello[:13] + bytes(len(hello) - 13), hello[:11] + b"\xff\xff" + hello[13:]):
        wire.say(datagram)
    watched.check()


# STUN


def attribute(kind, value, length=None):
    return struct.pack(">HH", kind, len(value) if length is None else length) + value + bytes(-len(value) % 4)


def message(*attributes, kind=0x0001, length=None):
    body = b"".join(attributes)
    return struct.pack(">HHI", kind, len(body) if length is None else length, 0x2112A442) + os.urandom(12) + body


USERNAME, INTEGRITY, PRIORITY, USE_CANDIDATE, FINGERPRINT, CONTROLLING = 0x0006, 0x0008, 0x0024, 0x0025, 0x8028, 0x802A


def hostile_checks(ufrag):
    """Checks that prove nothing, sound and broken ones, for a peer that waits for its first one."""
    name = attribute(USERNAME, f"{ufrag}:abcd".encode())
    rest = [attribute(PRIORITY, b"\x6e\0\1\xff"), attribute(USE_CANDIDATE, b""), attribute(CONTROLLING, bytes(8))]
    integrity = attribute(INTEGRITY, bytes(20))
    whole = message(name, *rest, integrity)
    return [
        whole, message(name, *rest), message(name, integrity), message(integrity), message(), message(*rest, integrity),
        message(name, *rest, integrity, attribute(FINGERPRINT, bytes(4))),
        message(name, *rest, attribute(INTEGRITY, bytes(8))), message(name, attribute(INTEGRITY, bytes(20), length=0xFFFF)),
        message(name, *rest, integrity, length=0xFFFC), message(name, *rest, integrity, length=3), message(name, length=0),
        message(attribute(USERNAME, b"x" * 513), integrity), message(attribute(USERNAME, b"x" * 60_000), integrity),
        message(attribute(USERNAME, f"{ufrag}:abcd".encode(), length=60_000), integrity),
        message(attribute(USERNAME, b""), integrity), message(attribute(USERNAME, b":" * 100), integrity),
        message(*[attribute(0x7000 + number, b"") for number in range(300)], name, integrity),  # all unknown and required
        message(name, *rest, integrity, kind=0x0011), message(name, kind=0x0101), message(name, kind=0x0003),
        *[whole[:count] for count in range(0, len(whole), 3)],
    ]


def test_checks_that_prove_nothing_get_no_more_bytes_than_they_bring(bridge, network):
    """Neither a peer that waits nor an unknown one says more than it was asked, and nothing opens the way for DTLS."""
    async def waiting_session():
        peer = viewing_peer()
        status, _, body = await asyncio.to_thread(
            post, bridge, "whep", "bystander", bridge.token("bystander", "watch"), await make_offer(peer))
        assert status == 201, body
        await peer.close()
        return body.decode()

    answer = network.run(waiting_session())
    ufrag = re.search(r"a=ice-ufrag:(\S+)", answer)[1]
    for name in (ufrag, "nobody"):
        with Stranger(bridge_address(answer)) as stranger:
            for check in hostile_checks(name):
                before = stranger.received
                replies = stranger.ask(check)
                assert stranger.received - before <= len(check), f"{len(check)} bytes {check[:60]!r} got {replies!r}"
                assert all(reply[:2] == b"\x01\x11" for reply in replies), f"not an error: {replies!r}"
            sent, received = stranger.sent, stranger.received
            stranger.ask(client_hello(), 0.3)
            print(f"\nchecks for {name}: {sent} bytes in, {received} out; a ClientHello after them: {stranger.received - received} out")
            assert stranger.received == received, "DTLS was answered before any check was verified"


def test_a_flood_of_checks_is_not_reflected(watched):
    """Errors are not only short but few: 100 a second of one worker."""
    with Stranger(address_of(watched.publisher)) as stranger:
        check = message(attribute(USERNAME, b"nobody:abcd"), attribute(INTEGRITY, bytes(20)))
        count = 0
        for _ in range(100):
            for _ in range(50):
                stranger.socket.send(check)
            count += len(stranger.replies(0.01))  # now and then: more than a few hundred answers find no room
    assert count <= 1000, f"{count} of 5,000 checks of a stranger were answered"


# RTP of a peer that is let in


def lying_packets(sample):
    """RTP whose fields contradict its length, made from a sound packet's header."""
    fixed, payload = bytearray(sample[:12]), bytes(40)
    number = struct.unpack(">H", fixed[2:4])[0]

    def packet(first, rest=b"", advance=0, payload_type=None, ssrc=None):
        header = bytearray(fixed)
        header[0] = first
        struct.pack_into(">H", header, 2, number + 1000 + advance & 0xFFFF)
        if payload_type is not None:
            header[1] = payload_type
        if ssrc is not None:
            struct.pack_into(">I", header, 8, ssrc)
        return bytes(header) + rest

    extended = lambda profile, words, body: struct.pack(">HH", profile, words) + body
    return [
        packet(0xA0, payload[:-1] + b"\xff", 1), packet(0xA0, payload[:-1] + b"\0", 2), packet(0xA0, b"\x02", 3), packet(0xA0, b"", 4),
        packet(0x8F, bytes(60) + payload, 5), packet(0x8F, bytes(8), 6), packet(0x80, b"", 7),
        packet(0x90, extended(0xBEDE, 1, b"\x1f\0\0\0") + payload, 8), packet(0x90, extended(0xBEDE, 0xFFFF, b""), 9),
        packet(0x90, extended(0x1000, 1, b"\x01\xff\0\0") + payload, 10), packet(0x90, extended(0xBEDE, 0, b"") + payload, 11),
        packet(0x90, b"\xbe\xde", 12), packet(0xBF, bytes(60) + extended(0xBEDE, 2, b"\xff" * 8) + b"\xff", 13),
        packet(0x80, b"\xff" * 6, 14), packet(0x80, b"\x80", 15), packet(0x80, b"\x90\x80\x80", 16), packet(0x80, b"\x10", 17),
        packet(0x80, payload, 18, payload_type=0x7F), packet(0x80, payload, 19, ssrc=0), packet(0x80, payload, 20, ssrc=0xFFFFFFFF),
        packet(0x00, payload, 21), packet(0xC0, payload, 22),
    ]


def test_rtp_with_lying_fields_harms_nobody(bridge, network):
    """From a publisher with good keys: its own stream may suffer, the bridge and others do not."""
    with publish(network, bridge, "rtp-liar") as liar:
        wire = Wire(network, liar)
        [sample, *_] = settle(lambda: [one for one in wire.sent if not 192 <= one[1] < 224], bool)
        protected = 0
        for packet in lying_packets(sample):
            try:
                datagram, protected = wire.protect(packet), protected + 1
            except Exception:  # libsrtp makes none of some: they go out as they are, and are not authentic
                datagram = packet
            for copy in (datagram, datagram[:-1], datagram[:13]):
                wire.say(copy)
        assert protected >= 12, f"only {protected} of the packets were authentic"
        with Leg.watch(network, bridge, "rtp-liar", bridge.token("rtp-liar", "watch")) as viewer:
            assert settle(lambda: viewer.frames["audio"], lambda count: count >= 20) >= 20, viewer.frames


# Consent


@pytest.mark.patient
def test_sending_stops_when_consent_is_withdrawn(bridge, network, watched):
    with Leg.watch(network, bridge, "bystander", bridge.token("bystander", "watch")) as leg:
        wire = Wire(network, leg)
        settle(lambda: len(wire.received), lambda count: count >= 20)
        wire.fall_silent()
        ended = time.monotonic()
        settle(lambda: time.monotonic() - wire.received[-1], lambda silence: silence >= 2, timeout=CONSENT_LIMIT + 5)
        lasted = wire.received[-1] - ended
        print(f"\nsent for {lasted:.1f} s after the last sign of consent")
        assert time.monotonic() - wire.received[-1] >= 2 and lasted <= CONSENT_LIMIT + 0.5, f"sent for {lasted:.1f} s"
        assert lasted > 10, "it ended too soon for this to be the reason"
