"""Offers of real clients get an answer that fits; offers that cannot work are refused before any media is set up: on both engines."""

import random
import re
import subprocess

import pytest

import media
import rtm
from bridge import Bridge
from raw import FIXTURES, RTMSocket, Usage, check_goes_on, client_token, offer, post, settle

pytestmark = pytest.mark.sturdy

CLIENT = "hostile"
MEMORY_KIBIBYTES = 24 * 1024  # that may stay behind when the tables have been played over and over
PUBLISHERS = sorted(path.stem for path in FIXTURES.glob("*.sdp") if not re.search(r"-view|-answer", path.stem))
VIEWERS = sorted(path.stem for path in FIXTURES.glob("*-view.sdp") if "-answer" not in path.stem)
BASE = offer("obs-31-whip")
MUTANTS = {"edge": 120, "webrtcbin": 40}  # of which each costs a process
VIDEO_SECTIONS = {"edge": 1, "webrtcbin": 3}  # that are carried
SEED = 20260611


@pytest.fixture(scope="module", params=["edge", "webrtcbin"])
def bridge(request):
    with Bridge(webrtc__inbound=request.param) as bridge:
        yield bridge


@pytest.fixture(scope="module")
def token(bridge):
    return client_token(bridge, CLIENT)


@pytest.fixture
def socket(bridge, token):
    with RTMSocket(bridge, CLIENT, token) as opened:
        yield opened


@pytest.fixture(autouse=True)
def goes_on(bridge):
    yield
    check_goes_on(bridge)


def sections(sdp):
    """The media sections of a description, each as its lines."""
    return [part.splitlines() for part in re.split(r"^(?=m=)", sdp, flags=re.MULTILINE)[1:]]


def attribute(section, name):
    return [line.partition(":")[2] for line in section if line.startswith(f"a={name}:")]


def codecs(section):
    """Names of the codecs of a section, without retransmission and redundancy."""
    return {value.split(" ")[1].split("/")[0].upper() for value in attribute(section, "rtpmap")} - {"RTX", "RED", "ULPFEC", "FLEXFEC-03"}


def without(prefix):
    """The base offer without the lines that begin so."""
    return "".join(line for line in BASE.splitlines(keepends=True) if not line.startswith(prefix))


def instead(prefix, line, times=0):
    """The base offer with another line for those that begin so."""
    assert re.search(f"^{re.escape(prefix)}", BASE, re.MULTILINE), prefix
    return re.sub(f"^{re.escape(prefix)}[^\r\n]*", lambda _: line, BASE, count=times, flags=re.MULTILINE)


def only_codec(name, clock):
    return re.sub(r"a=rtpmap:(\d+) \S+", rf"a=rtpmap:\1 {name}/{clock}", BASE)


REFUSED = {
    "nothing": "", "line ends": "\r\n\r\n", "a version alone": "v=0\r\n", "JSON": '{"type":"offer"}', "NUL": "\0" * 100,
    "no version": without("v="), "another version": instead("v=", "v=1"), "no origin": without("o="),
    "an origin without numbers": instead("o=", "o=- x y IN IP4 127.0.0.1"), "no media": BASE[: BASE.index("m=audio")],
    "cut within the first line": BASE[:3],
    "cut before the media": BASE[: BASE.index("m=audio") + 5],
    "lines in the wrong order": "".join(reversed(BASE.splitlines(keepends=True))),
    "an empty BUNDLE": instead("a=group:BUNDLE", "a=group:BUNDLE"),
    "a BUNDLE of others": instead("a=group:BUNDLE", "a=group:BUNDLE x y"), "no mid": without("a=mid"),
    "equal mids": instead("a=mid", "a=mid:0"), "a mid that is no token": instead("a=mid", "a=mid:a b"),
    "no rtcp-mux": without("a=rtcp-mux"),
    "no fingerprint": without("a=fingerprint"), "half a fingerprint": instead("a=fingerprint", "a=fingerprint:sha-256 4A:D8:1C"),
    "a fingerprint that is not hexadecimal": instead("a=fingerprint", "a=fingerprint:sha-256 " + ":".join(["ZZ"] * 32)),
    "a fingerprint of SHA-1": instead("a=fingerprint", "a=fingerprint:sha-1 " + ":".join(["AB"] * 20)),
    "no ICE at all": "".join(line for line in BASE.splitlines(keepends=True) if not line.startswith("a=ice-")),
    "no ICE user": without("a=ice-ufrag"), "no ICE password": without("a=ice-pwd"),
    "a short ICE password": instead("a=ice-pwd", "a=ice-pwd:abc"),
    "an ICE password with a quote": instead("a=ice-pwd", 'a=ice-pwd:"' + "a" * 22), "no setup": without("a=setup"),
    "an impossible setup": instead("a=setup", "a=setup:holdconn"), "unknown codecs only": only_codec("ROT13", 90000),
    "codecs that browsers do not play": only_codec("MP2T", 90000), "no codec is named": without("a=rtpmap"),
    "nothing is sent": instead("a=sendonly", "a=inactive"), "everything is received": instead("a=sendonly", "a=recvonly"),
    "ports of zero": re.sub(r"^(m=\w+) \d+", r"\1 0", BASE, flags=re.MULTILINE),
    "a port beyond all": re.sub(r"^(m=\w+) \d+", r"\1 65536", BASE, flags=re.MULTILINE),
    "unencrypted media": BASE.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
    "a data channel only": re.sub(r"^m=(audio|video) \d+", "m=application 0", offer("chromium-156-publish"), flags=re.MULTILINE),
    "128 KiB of lines": BASE + ("a=x:" + "y" * 1000 + "\r\n") * 131, "a line of 5000 bytes": BASE + "a=x:" + "y" * 5000 + "\r\n",
    "70 sections": BASE + BASE[BASE.index("m=audio"):] * 34, "200 formats": instead("m=video", "m=video 9 UDP/TLS/RTP/SAVPF " + " 1" * 200),
    "a NUL in an attribute": instead("a=mid", "a=mid:0\0"), "a CR in an attribute": instead("a=mid", "a=mid:0\rx"),
    "letters beyond ASCII in an attribute": instead("a=mid", "a=mid:é"),
    **{f"{name} publishes nothing": offer(name) for name in VIEWERS if name != "firefox-153-view"},
}


@pytest.mark.parametrize("name", PUBLISHERS)
def test_an_offer_of_a_real_publisher_gets_an_answer_that_fits(bridge, socket, name):
    offered = sections(offer(name))
    message = socket.start(offer(name))
    bundled = "a=group:BUNDLE" in offer(name)
    if bridge.engine == "webrtcbin" and not bundled:  # it needs all sections on one transport
        assert (message["type"], message["data"].get("code")) == ("error", "unacceptable_offer"), message
        return
    assert message["type"] == "sdp_update" and message["data"]["sdp"]["type"] == "answer", message
    answer = message["data"]["sdp"]["sdp"]
    answered = sections(answer)
    assert len(answered) == len(offered), answer
    accepted = [number for number, section in enumerate(answered) if section[0].split(" ")[1] != "0" and "a=recvonly" in section]
    media = [section[0].split(" ")[0] for section in offered]
    wanted = {kind for kind in media if kind in ("m=audio", "m=video")} if bundled else {media[0]}
    assert {media[number] for number in accepted} == wanted, answer
    for number in accepted:
        section = answered[number]
        assert attribute(section, "mid") == attribute(offered[number], "mid"), answer
        assert len(codecs(section)) == 1 and codecs(section) <= codecs(offered[number]), answer
        assert "a=rtcp-mux" in section and attribute(section, "setup") in (["active"], ["passive"]), answer
    open_mids = [attribute(section, "mid") for section in answered if section[0].split(" ")[1] != "0"]
    bundle = re.search(r"^a=group:BUNDLE (.*?)\r?$", answer, re.MULTILINE)
    assert [[mid] for mid in bundle.group(1).split()] == open_mids if bundled else len(open_mids) == 1 and not bundle, answer
    assert re.search(r"^a=fingerprint:sha-256 ([0-9A-F]{2}:){31}[0-9A-F]{2}\r?$", answer, re.MULTILINE), answer
    assert "a=end-of-candidates" in answer and re.search(r"^a=candidate:.* typ host", answer, re.MULTILINE), answer
    addresses = re.findall(r"^a=candidate:\S+ \d \S+ \d+ (\S+) ", answer, re.MULTILINE)
    assert addresses[0] == "127.0.0.1" and set(addresses) <= offered_addresses(bridge), answer
    assert socket.stop() == "CLIENT_STOP"


def offered_addresses(bridge):
    """Those of a bridge for this machine: webrtcbin sends checks itself; the edge waits for them, and Firefox sends none to loopback."""
    others = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True).stdout.split()
    return {"127.0.0.1", *(others if bridge.engine == "edge" else [])}


@pytest.fixture(scope="module")
def live_stream(bridge, network):
    """The id of a stream with VP8 and Opus."""
    clip = media.Clip("VP8", 60)
    with rtm.Camera(network, bridge, "live", *clip.tracks(), codec=clip.codec):
        owner = {"authorization": f"Bearer {bridge.operator_token}"}
        status = settle(lambda: bridge.get("/bridge/v1/streams/live", headers=owner)[0], lambda status: status == 200)
        assert status == 200
        yield "live"


def watch(bridge, stream, sdp):
    """What a viewer of this stream hears to this offer."""
    token = bridge.token(stream, "watch")
    session = post(bridge, "/bridge/v1/sessions", {"stream": stream}, token).json
    with RTMSocket(bridge, session["client_id"], token, session["session_id"], path="/bridge/v1/io") as socket:
        return socket.start(sdp)


@pytest.mark.parametrize("name", VIEWERS)
def test_an_offer_of_a_real_viewer_gets_an_answer_that_fits(bridge, live_stream, name):
    message = watch(bridge, live_stream, offer(name))
    assert message["type"] == "sdp_update", message
    answered, offered = sections(message["data"]["sdp"]["sdp"]), sections(offer(name))
    assert len(answered) == len(offered), message
    sending = [(section, other) for section, other in zip(answered, offered) if "a=sendonly" in section]
    assert {frozenset(codecs(section)) for section, _ in sending} == {frozenset({"VP8"}), frozenset({"OPUS"})}, message
    for section, other in sending:
        numbers = {value.split(" ")[0]: value for value in attribute(other, "rtpmap")}
        assert all(value.lower() == numbers[value.split(" ")[0]].lower() for value in attribute(section, "rtpmap")), message


def test_a_viewer_that_cannot_play_the_stream_is_told(bridge, live_stream):
    sdp = re.sub(r"VP8/90000", "VP1/90000", re.sub(r"opus/48000/2", "opuz/48000/2", offer("chromium-156-view"), flags=re.IGNORECASE))
    message = watch(bridge, live_stream, sdp)
    assert (message["type"], message["data"].get("code")) == ("error", "unacceptable_offer"), message


def test_a_viewer_of_nothing_is_told(bridge):
    message = watch(bridge, "nobody-publishes-this", offer("chromium-156-view"))
    assert (message["type"], message["data"].get("code")) == ("error", "no_active_session"), message


@pytest.mark.parametrize("name", REFUSED)
def test_an_offer_that_cannot_work_is_refused_and_the_session_stays_new(socket, name):
    message = socket.start(REFUSED[name])
    data = message["data"]
    assert message["type"] == "error" and data["in_reply_to"] == "session_start", message
    # Above 128 KiB it is the message that is wrong, not the offer.
    wanted = ("invalid_field", "data.sdp.sdp") if len(REFUSED[name]) > 128 * 1024 else ("unacceptable_offer", "data.sdp")
    assert (data["code"], data["field"]) == wanted, message
    for secret in ("tT4q0j1XlKQ8Zb2cPpWnVd", "rFgq", "4A:D8:1C"):
        assert secret not in data["msg"], message
    socket.tell("sdp_update", {"sdp": {"type": "answer", "sdp": "v=0"}})
    assert socket.next_message()["data"]["code"] == "not_started"


# What a refusal says, so that whoever wrote the client knows what to change.
SAID = {
    "a line of 5000 bytes": "4096 bytes", "70 sections": "64 media sections", "an empty BUNDLE": "BUNDLE", "equal mids": "repeats the mid",
    "no rtcp-mux": "rtcp-mux", "no fingerprint": "no DTLS fingerprint", "half a fingerprint": "fingerprint is malformed",
    "a fingerprint of SHA-1": "SHA-256", "no ICE password": "ICE user fragment and password", "a short ICE password": "malformed",
    "no setup": "setup role", "unknown codecs only": "codec", "NUL": "line 1",
}


@pytest.mark.parametrize("name", SAID)
def test_a_refusal_says_what_is_wrong(socket, name):
    said = socket.start(REFUSED[name])["data"]["msg"]
    assert SAID[name] in said, said


def test_after_refusals_a_good_offer_is_still_answered(socket):
    for name in ("an empty BUNDLE", "unknown codecs only", "128 KiB of lines", "NUL"):
        assert socket.start(REFUSED[name])["type"] == "error"
    assert socket.start(BASE)["type"] == "sdp_update"
    assert socket.stop() == "CLIENT_STOP"


def test_without_bundle_one_section_is_carried_or_none(bridge, socket):
    """All media take one transport: the edge's answer closes the other sections, and webrtcbin has no answer."""
    message = socket.start(without("a=group:BUNDLE"))
    if bridge.engine == "webrtcbin":
        assert (message["type"], message["data"].get("code")) == ("error", "unacceptable_offer"), message
        return
    assert message["type"] == "sdp_update", message
    answered = sections(message["data"]["sdp"]["sdp"])
    assert [section[0].split(" ")[1] == "0" for section in answered].count(False) == 1, message


def test_a_refused_offer_costs_nothing(bridge, token):
    idle = Usage.at_rest(bridge).children
    for text in REFUSED.values():
        with RTMSocket(bridge, CLIENT, token) as socket:
            assert socket.start(text)["type"] == "error"
            assert bridge.children == idle, f"{bridge.children} instead of {idle} after an offer that was refused"


@pytest.mark.parametrize("change", [
    lambda sdp: sdp.replace("\r\n", "\n"), lambda sdp: sdp.rstrip("\r\n"), lambda sdp: sdp + "\r\n\r\n",
    lambda sdp: sdp.replace("a=end-of-candidates\r\n", ""), lambda sdp: sdp + "a=unheard-of:1 2 3\r\n",
    lambda sdp: re.sub(r"a=candidate:[^\r\n]*", "a=candidate:1 1 UDP 2122317823 4f1c.local 54609 typ host", sdp),
    lambda sdp: re.sub(r"a=candidate:[^\r\n]*", "a=candidate:garbage", sdp),
    lambda sdp: sdp.replace("a=mid:1", "a=mid:video-with-a-long-name").replace("BUNDLE 0 1", "BUNDLE 0 video-with-a-long-name"),
])
def test_what_a_tolerant_parser_takes_is_taken(socket, change):
    sdp = change(BASE.replace("\n", "\r\n") if "\r" not in BASE else BASE)
    message = socket.start(sdp)
    assert message["type"] == "sdp_update", message
    assert socket.stop() == "CLIENT_STOP"


def test_more_sections_than_are_carried_get_port_zero(bridge, socket):
    audio, video = ("m=" + part for part in BASE.replace("\r\n", "\n").split("m=")[1:3])
    head = BASE.replace("\r\n", "\n").split("m=")[0]
    wanted = ["audio"] * 2 + ["video"] * 4
    parts = []
    for number, kind in enumerate(wanted):
        part = {"audio": audio, "video": video}[kind]
        parts.append(re.sub(r"a=mid:\d", f"a=mid:{number}", re.sub(r"a=ssrc:\d+", f"a=ssrc:{1000 + number}", part)))
    sdp = re.sub(r"BUNDLE .*", "BUNDLE " + " ".join(str(number) for number in range(6)), head) + "".join(parts)
    message = socket.start(sdp)
    assert message["type"] == "sdp_update", message
    ports = [section[0].split(" ")[1] for section in sections(message["data"]["sdp"]["sdp"])]
    carried = VIDEO_SECTIONS[bridge.engine]
    assert [port == "0" for port in ports] == [False, True] + [False] * carried + [True] * (4 - carried), message


def mutant(text, source):
    """The offer with one to four random changes to its lines or bytes."""
    lines = text.splitlines(keepends=True)
    for _ in range(source.randint(1, 4)):
        place = source.randrange(len(lines))
        line = lines[place]
        lines[place] = source.choice([
            "", line * 2, line[: source.randrange(len(line) + 1)], lines[source.randrange(len(lines))],
            line[: len(line) // 2] + source.choice("\0\xff:;=/ 9-") + line[len(line) // 2:],
            re.sub(r"\d+", lambda _: str(source.choice([0, -1, 127, 128, 65536, 2**32, 2**64, 10**30])), line, count=1),
        ])
    return "".join(lines)


def test_changed_offers_are_answered_or_refused(bridge, token):
    source = random.Random(SEED)
    outcomes = {"sdp_update": 0, "error": 0}
    for number in range(MUTANTS[bridge.engine]):
        name = source.choice(PUBLISHERS)
        text = mutant(offer(name), source)
        with RTMSocket(bridge, CLIENT, token) as socket:
            message = socket.start(text)
            assert message["type"] in outcomes, f"mutant {number} of {name}: {message}"
            outcomes[message["type"]] += 1
            if message["type"] == "error":
                assert message["data"]["code"] == "unacceptable_offer", f"mutant {number} of {name}: {message}"
            else:
                assert socket.stop() == "CLIENT_STOP", f"mutant {number} of {name}"
    assert min(outcomes.values()) > sum(outcomes.values()) // 20, f"the changes are too mild or too wild: {outcomes}"


def test_the_tables_leave_nothing_behind(bridge, token):
    def play():
        with RTMSocket(bridge, CLIENT, token) as socket:
            session = socket.session
        for text in REFUSED.values():
            with RTMSocket(bridge, CLIENT, token, session) as socket:
                socket.start(text)

    for _ in range(3):
        play()
    before = Usage.at_rest(bridge)
    for _ in range(10):
        play()
    before.check_returned(bridge, MEMORY_KIBIBYTES)
    assert bridge.children == before.children, f"children {bridge.children} instead of {before.children}"
