"""The bridge's own WebRTC engine, with real peers."""

import json
import time

import pytest

import media
from bridge import Bridge
from pages import LIVE, frames_decoded, publish, watch
from raw import settle
from rtm import Camera, fall_silent
from test_browsers import check_picture, check_playing
from test_recording import check_file
from whip import FOREIGN, Leg, post

pytestmark = pytest.mark.sturdy


@pytest.fixture(scope="module")
def bridge():
    with Bridge() as bridge:
        yield bridge


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_chromium_publishes_and_chromium_watches(bridge, camera_browser, viewer_browser, tmp_path, codec):
    stream = f"edge-{codec}"
    with publish(bridge, camera_browser, stream, codec=codec.lower()), watch(bridge, viewer_browser, stream) as page:
        page.wait_for(LIVE, 10)
        check_playing(page, seconds=5)
        check_picture(page, tmp_path)


def test_firefox_publishes_and_firefox_watches(bridge, firefox, tmp_path):
    with publish(bridge, firefox, "edge-firefox", codec="vp8"), watch(bridge, firefox, "edge-firefox") as page:
        page.wait_for(LIVE, 10)
        check_playing(page, seconds=5)
        check_picture(page, tmp_path)


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_what_the_edge_takes_in_is_recorded_whole(network, bridge, receiver, tmp_path, codec):
    clip = media.clip(codec)
    pictures, sounds = clip.tracks()
    with Camera(network, bridge, f"edge-exact-{codec}", pictures, sounds, codec=codec) as camera:
        recording = camera.record(upload_url=f"{receiver.base}/edge-{codec}")
        settle(lambda: pictures.sent, lambda sent: len(sent) > 90, timeout=10)
        camera.stop_recording(recording)
        file = tmp_path / "file"
        file.write_bytes(receiver.wait_for_upload(f"/edge-{codec}"))
    check_file(file, codec)
    film = media.Film(file, clip)
    assert film.repeated() == [] and len(film.pictures) == film.last - film.first + 1 > 50


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_a_viewer_that_answers_the_bridges_offer_gets_the_stream(bridge, network, codec):
    stream = f"edge-offered-{codec}"
    with Leg.publish(network, bridge, stream, bridge.token(stream, "publish"), media.clip(codec, 10).tracks(), codec):
        with Leg.watch_by_answering(network, bridge, stream, bridge.token(stream, "watch")) as viewer:
            assert settle(lambda: viewer.frames["video"], lambda count: count >= 20) >= 20, viewer.frames
            assert settle(lambda: viewer.frames["audio"], lambda count: count >= 50) >= 50, viewer.frames
            assert viewer.leave() == 200
        assert viewer.request("GET")[0] == 404


def test_an_offer_of_the_bridge_stands_until_an_answer_fits(bridge, network):
    stream = "edge-answers"
    token = bridge.token(stream, "watch")
    with Leg.publish(network, bridge, stream, bridge.token(stream, "publish"), media.clip("VP8", 10).tracks(), "VP8"):
        status, fields, _ = post(bridge, "whep", stream, token, FOREIGN)
        assert status == 406, fields
        path = {name.lower(): value for name, value in fields.items()}["location"].removeprefix(bridge.base)
        headers = {"authorization": f"Bearer {token}", "content-type": "application/sdp"}
        for text, wanted in {"hello": (400, "malformed_sdp"), FOREIGN: (422, "unacceptable_answer"), "": (400, "malformed_sdp")}.items():
            status, _, body = bridge.request("PATCH", path, text.encode(), headers)
            assert (status, json.loads(body)["code"]) == wanted, (text, body)
        assert bridge.request("GET", path, headers=headers)[0] == 204
        assert bridge.request("DELETE", path, headers=headers)[0] == 200


def test_whip_and_whep_end_in_the_same_peers(bridge, network):
    with Leg.publish(network, bridge, "edge-whip", bridge.token("edge-whip", "publish"), media.clip("VP8", 10).tracks(), "VP8"):
        with Leg.watch(network, bridge, "edge-whip", bridge.token("edge-whip", "watch")) as viewer:
            assert settle(lambda: viewer.frames["video"], lambda count: count >= 20) >= 20
            assert settle(lambda: viewer.frames["audio"], lambda count: count >= 50) >= 50
    stream = bridge.get("/bridge/v1/streams", headers={"authorization": f"Bearer {bridge.operator_token}"})
    assert stream[0] == 200 and isinstance(json.loads(stream[2])["streams"], list)


def test_peers_cost_no_processes(bridge, network):
    with Leg.publish(network, bridge, "edge-lean", bridge.token("edge-lean", "publish"), media.clip("VP8", 10).tracks(), "VP8"):
        before = len(bridge.children)
        with Leg.watch(network, bridge, "edge-lean", bridge.token("edge-lean", "watch")) as viewer:
            assert settle(lambda: viewer.frames["video"], lambda count: count >= 5) >= 5
            assert len(bridge.children) == before


# Counts what the page negotiates.
NEGOTIATIONS = """
window.negotiations = { peers: 0, descriptions: 0 };
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(configuration) { super(configuration); negotiations.peers += 1; }
  setLocalDescription(...all) { negotiations.descriptions += 1; return super.setLocalDescription(...all); }
  setRemoteDescription(...all) { negotiations.descriptions += 1; return super.setRemoteDescription(...all); }
};
"""


@pytest.mark.parametrize(("codec", "goodbye"), [("VP8", "says goodbye"), ("H264", "falls silent")])
def test_a_publisher_that_comes_back_goes_on_in_front_of_its_viewers(bridge, network, viewer_browser, codec, goodbye):
    """Within the grace of ten seconds, from another session with other keys and sources: nobody who watches negotiates anything."""
    stream = f"edge-return-{codec}"
    token = bridge.token(stream, "publish")
    first = Leg.publish(network, bridge, stream, token, media.clip(codec, 10).tracks(), codec)
    with watch(bridge, viewer_browser, stream, script=NEGOTIATIONS) as page:
        page.wait_for(LIVE, 10)
        with Leg.watch(network, bridge, stream, bridge.token(stream, "watch")) as viewer:
            assert settle(lambda: viewer.frames["video"], lambda count: count >= 10) >= 10
            if goodbye == "says goodbye":
                first.drop()
            else:
                network.run(fall_silent(first.peer))
            settled = settle(lambda: frames_settled(viewer, page), bool, timeout=5)
            assert settled, "pictures still come although their camera is gone"
            shown, got = frames_decoded(page), viewer.frames["video"]
            with Leg.publish(network, bridge, stream, token, media.clip(codec, 10).tracks(), codec):
                assert settle(lambda: frames_decoded(page) - shown, lambda count: count >= 40) >= 40
                assert settle(lambda: viewer.frames["video"] - got, lambda count: count >= 40) >= 40
                assert page.evaluate("[viaduct.state, viaduct.sessions, negotiations.peers, negotiations.descriptions]") == ["live", 1, 1, 2]
                assert viewer.state == "connected"
    if goodbye != "says goodbye":
        first.drop()


def frames_settled(viewer, page):
    """No picture came for half a second."""
    before = frames_decoded(page), viewer.frames["video"]
    time.sleep(0.5)
    return before == (frames_decoded(page), viewer.frames["video"])


def test_a_viewer_with_an_estimate_of_its_own_keeps_its_picture(bridge, network):
    """aiortc says from its fourth second on how much it gets (REMB), and has no other feedback: that must not end the picture."""
    stream = "edge-remb"
    with Leg.publish(network, bridge, stream, bridge.token(stream, "publish"), media.clip("VP8", 10).tracks(), "VP8"):
        with Leg.watch(network, bridge, stream, bridge.token(stream, "watch")) as viewer:
            assert settle(lambda: viewer.frames["video"], lambda count: count >= 10) >= 10
            for second in range(8):
                before = viewer.frames["video"]
                time.sleep(1)
                came = settle(lambda: viewer.frames["video"] - before, lambda count: count >= media.RATE // 2, timeout=3)
                assert came >= media.RATE // 2, f"second {second}: {came} pictures"
