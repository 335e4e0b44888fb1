"""The interop matrix: who publishes to the edge and who watches, with which codecs.

What a peer publishes is judged by a viewer by Pion and by ffmpeg, which decodes what that wrote; what a peer watches is a clip that Pion sends.
"""

import contextlib
import pathlib
import re

import pytest

import media
from bridge import Bridge
from browsers import BrowserError
from interop import PICTURES, AiortcPeer, AiortcRTMPeer, BrowserPeer, BrowserRTMPeer, Format, PionPeer, WebrtcbinPeer, admitted
from raw import settle
from whip import post

pytestmark = pytest.mark.sturdy

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "Core" / "SDPTests" / "Fixtures"

H264, H265, VP8, VP9, AV1 = (Format(name) for name in ("H264", "H265", "VP8", "VP9", "AV1"))
TELEPHONE = [Format("VP8", "PCMU"), Format("VP8", "PCMA")]
# Debian's Firefox has no H.264 for WebRTC, its Chromium no H.265, and its GStreamer no AV1 over RTP. aiortc has what is named here.
FORMATS = {
    "chromium": [H264, VP8, VP9, AV1, *TELEPHONE],
    "firefox": [VP8, VP9, AV1, *TELEPHONE],
    "aiortc": [H264, VP8, *TELEPHONE],
    "webrtcbin": [H264, VP8, VP9, H265, *TELEPHONE],
    "pion": [H264, VP8, VP9, AV1, H265, *TELEPHONE],
}
# Over RTM, of the native API and of the Eyeson dialect, which has no viewers. Signalling is all that is other there; the bridge's own pages watch by
# RTM in other tests.
PUBLISHING_BY_RTM = {"chromium-rtm": [H264, VP8], "chromium-eyeson": [H264, VP8], "aiortc-rtm": [H264, VP8], "aiortc-eyeson": [H264, VP8]}
WATCHING_BY_RTM = {"aiortc-rtm": [H264, VP8]}


def rows(table):
    return [pytest.param(peer, format, id=f"{peer}-{format}") for peer, formats in table.items() for format in formats]


@pytest.fixture(scope="module")
def bridge():
    # The machine is busy with the peers, and they are not to be sent away for that.
    with Bridge(webrtc__load_limit=100) as bridge:
        yield bridge


@pytest.fixture(scope="module")
def peers(bridge, receiver, request):
    """A peer by its name; browsers are started when one is asked for."""
    page = f"{receiver.base}/page"
    makers = {
        "chromium": lambda: BrowserPeer(bridge, request.getfixturevalue("camera_browser"), page),
        "firefox": lambda: BrowserPeer(bridge, request.getfixturevalue("firefox"), page),
        "aiortc": lambda: AiortcPeer(bridge, request.getfixturevalue("network")),
        "webrtcbin": lambda: WebrtcbinPeer(bridge),
        "pion": lambda: PionPeer(bridge),
    }
    for dialect in ("rtm", "eyeson"):
        makers |= by_rtm(bridge, request, page, dialect)
    return lambda name: makers[name]()


def by_rtm(bridge, request, page, dialect):
    """Makers of the peers that speak this dialect of RTM, by name."""
    network = request.getfixturevalue("network")
    return {
        f"chromium-{dialect}": lambda: BrowserRTMPeer(bridge, request.getfixturevalue("camera_browser"), page, network, dialect),
        f"aiortc-{dialect}": lambda: AiortcRTMPeer(bridge, network, dialect),
    }


@pytest.fixture(scope="module")
def published(peers):
    """The stream that the clip of a format is sent to as long as the module runs."""
    streams = {}
    with contextlib.ExitStack() as running:

        def stream(format):
            if format not in streams:
                streams[format] = f"clip-{format.video}-{format.audio}"
                running.enter_context(peers("pion").publish(streams[format], format))
            return streams[format]

        yield stream


def check(seen, format, size):
    assert seen.format == format, seen
    assert (seen.width, seen.height) == size, seen
    assert seen.pictures >= PICTURES, seen
    assert seen.is_heard, seen


@pytest.mark.parametrize(("name", "format"), rows(FORMATS | PUBLISHING_BY_RTM))
def test_publishes(peers, record_property, name, format):
    record_property("interop", (name, "publishes", str(format), "yes"))
    stream, peer = f"{name}-{format.video}-{format.audio}", peers(name)
    with peer.publish(stream, format):
        seen = admitted(peers("pion").watch, stream, format)
    check(seen, format, peer.size)


def test_the_padding_of_a_publisher_without_retransmission_leaves_no_gap(bridge, peers, receiver, camera_browser):
    """Chromium measures its path with packets without payload then, between the media's own."""
    source = BrowserPeer(bridge, camera_browser, f"{receiver.base}/page", retransmission=None)
    with source.publish("padded", H264):
        seen = admitted(peers("pion").watch, "padded", H264)
    check(seen, H264, source.size)
    assert seen.missing == 0, seen


@pytest.mark.parametrize(("name", "format"), rows(FORMATS | WATCHING_BY_RTM))
def test_watches(peers, published, record_property, name, format):
    record_property("interop", (name, "watches", str(format), "yes"))
    seen = admitted(peers(name).watch, published(format), format)
    check(seen, format, (media.WIDTH, media.HEIGHT))
    assert seen.skipped == 0, f"a viewer does not begin with a keyframe: {seen}"


LACKING = [pytest.param(name, format, id=f"{name}-{format}") for name, format in (("chromium", H265), ("firefox", H264), ("aiortc", VP9))]


@pytest.mark.parametrize(("name", "format"), LACKING)
def test_a_viewer_without_the_codec_is_told_so(peers, published, record_property, name, format):
    record_property("interop", (name, "watches", str(format), "refused"))
    # What it is answered is the bridge's own offer, which shows what there is.
    with pytest.raises((AssertionError, BrowserError), match="406 (b')?v=0"):
        admitted(peers(name).watch, published(format), format)


# Codec truth: the publisher always offers Constrained Baseline, level 3.1.


def profile_in(answer):
    """`profile-level-id` of an answer."""
    return re.search(r"profile-level-id=([0-9a-fA-F]{6})", answer)[1].lower()


def profile_of(clip):
    """The same of the sequence parameter set that the clip begins with."""
    picture = media.clip(clip, 10).pictures[0]
    return picture[picture.index(b"\0\0\1\x67") + 4:][:3].hex()


def answer_to_chromium(bridge, stream):
    """What Chromium would be told, of whose offer there is a fixture."""
    offer = (FIXTURES / "chromium-156-view.sdp").read_text().replace("\r\n", "\n").replace("\n", "\r\n")

    def asked():
        status, _, body = post(bridge, "whep", stream, bridge.token(stream, "watch"), offer)
        assert status == 201, body
        return body.decode()

    return admitted(asked)


def test_a_viewer_is_told_the_profile_and_level_of_the_stream(bridge, published):
    answer = answer_to_chromium(bridge, published(H264))
    assert profile_in(answer) == profile_of("H264") != "42e01f"
    assert "level-asymmetry-allowed=1" in answer


def test_who_cannot_play_the_streams_real_profile_is_told_so(bridge, peers):
    """aiortc plays Baseline only, Chromium takes High as the part of High 4:4:4 that it is."""
    with PionPeer(bridge, clip="H264 High").publish("promise", H264):
        assert settle(lambda: profile_in(answer_to_chromium(bridge, "promise"))[:2], lambda profile: profile == "f4") == "f4"
        assert profile_in(answer_to_chromium(bridge, "promise"))[4:] == profile_of("H264 High")[4:]
        check(admitted(peers("chromium").watch, "promise", H264), H264, (media.WIDTH, media.HEIGHT))
        with pytest.raises(AssertionError, match="406 (b')?v=0"):
            admitted(peers("aiortc").watch, "promise", H264)
