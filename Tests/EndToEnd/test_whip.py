"""WHIP and WHEP: what real publishers and viewers do with them, and what is recorded of it."""

import http.client
import json
import threading
import time

import pytest

import media
from bridge import Bridge
from pages import LIVE, publish, watch
from raw import settle
from whip import Leg, open_page, post

pytestmark = pytest.mark.sturdy

STREAM = "whip camera"


@pytest.fixture(scope="module")
def bridge():
    with Bridge(recording__trigger="session") as bridge:
        yield bridge


def metric(bridge, name):
    text = bridge.get("/metrics")[2].decode()
    return float(next(line.split()[-1] for line in text.splitlines() if line.startswith(name)))


def recordings(bridge, stream):
    status, _, body = bridge.get("/bridge/v1/recordings", headers={"authorization": f"Bearer {bridge.operator_token}"})
    assert status == 200
    return [one for one in json.loads(body)["recordings"] if one["stream"] == stream]


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_a_publisher_is_watched_counted_and_recorded(bridge, network, codec):
    stream = f"{STREAM} {codec}"
    token = bridge.token(stream, "publish")
    with Leg.publish(network, bridge, stream, token, media.clip(codec, 10).tracks(), codec) as source:
        with Leg.watch(network, bridge, stream, bridge.token(stream, "watch")) as viewer:
            assert settle(lambda: viewer.frames["video"], lambda count: count >= 20) >= 20
            assert settle(lambda: viewer.frames["audio"], lambda count: count >= 50) >= 50
            assert metric(bridge, 'viaduct_sessions{direction="publish"}') == 1
            assert metric(bridge, 'viaduct_sessions{direction="watch"}') == 1
        assert source.state == "connected"
    assert settle(lambda: metric(bridge, 'viaduct_sessions{direction="publish"}'), lambda count: count == 0) == 0
    row = settle(lambda: recordings(bridge, stream), lambda rows: rows and rows[0]["state"] == "ready")[0]
    assert row["state"] == "ready" and row["duration_ms"] > 1000, row


def test_a_publisher_that_comes_back_continues_its_stream(bridge, network):
    stream = "returning"
    token = bridge.token(stream, "publish")
    first = Leg.publish(network, bridge, stream, token, media.clip("VP8", 10).tracks(), "VP8")
    with Leg.watch(network, bridge, stream, bridge.token(stream, "watch")) as viewer:
        assert settle(lambda: viewer.frames["video"], lambda count: count >= 10) >= 10
        first.drop()
        with Leg.publish(network, bridge, stream, token, media.clip("VP8", 10).tracks(), "VP8"):
            assert bridge.request("GET", first.location, headers={"authorization": f"Bearer {token}"})[0] == 404, "replaced"
            before = viewer.frames["video"]
            assert settle(lambda: viewer.frames["video"], lambda count: count >= before + 20) >= before + 20
            assert viewer.state == "connected"
    assert len(recordings(bridge, stream)) >= 1


def test_another_client_waits_until_the_stream_is_free(bridge, network):
    stream = "occupied"
    token = bridge.token(stream, "publish")
    other = bridge.command("token", "--stream", stream, "--allow", "publish", "--client", "thief", "--ttl", "1h").strip()
    with Leg.publish(network, bridge, stream, token, media.clip("VP8", 10).tracks(), "VP8") as owner:
        sdp = owner.peer.localDescription.sdp
        status, fields, body = post(bridge, "whip", stream, other, sdp)
        assert status == 409 and json.loads(body)["code"] == "stream_occupied"
        assert any(name.lower() == "retry-after" for name in fields), fields
        assert owner.state == "connected"
    with Leg.publish(network, bridge, stream, other, media.clip("VP8", 10).tracks(), "VP8"):
        pass


def test_events_tell_a_viewer_what_happens(bridge, network):
    stream = "told"
    token = bridge.token(stream, "publish")
    source = Leg.publish(network, bridge, stream, token, media.clip("VP8", 10).tracks(), "VP8")
    with Leg.watch(network, bridge, stream, bridge.token(stream, "watch")) as viewer:
        events, names = [], lambda: [one[0] for one in events]
        reader = threading.Thread(target=listen, args=(bridge, viewer.location + "/sse", events), daemon=True)
        reader.start()
        assert settle(names, lambda seen: len(seen) >= 3)[:3] == ["active", "layers", "viewercount"]
        assert ("viewercount", {"viewercount": 1}) in events
        rates = settle(lambda: [one for name, one in events if name == "layers" and bitrates(one)], bool)
        assert rates and 5_000 < max(bitrates(rates[-1])) < 2_000_000, events
        assert source.leave() == 200
        assert settle(names, lambda seen: "inactive" in seen)[-1] == "inactive"
        reader.join(10)
        assert not reader.is_alive(), "the stream is over, and its viewers with it"
    source.close()


def bitrates(layers):
    return [layer["bitrate"] for all in layers.values() for layer in all if layer["bitrate"]]


def listen(bridge, path, events):
    """Notes server-sent events until the stream ends."""
    line = http.client.HTTPConnection("127.0.0.1", bridge.port, timeout=30)
    line.request("GET", path, headers={"accept": "text/event-stream"})
    name = None
    for text in line.getresponse():
        text = text.decode().rstrip("\n")
        if text.startswith("event: "):
            name = text[7:]
        elif text.startswith("data: "):
            events.append((name, json.loads(text[6:])))


def test_viewers_come_and_go_and_leave_nothing(bridge, network):
    stream = "busy"
    with Leg.publish(network, bridge, stream, bridge.token(stream, "publish"), media.clip("VP8", 10).tracks(), "VP8"):
        token = bridge.token(stream, "watch")
        for _ in range(3):
            with Leg.watch(network, bridge, stream, token) as one, Leg.watch(network, bridge, stream, token) as two:
                assert settle(lambda: min(one.frames["video"], two.frames["video"]), lambda count: count >= 5) >= 5
        assert settle(lambda: metric(bridge, 'viaduct_sessions{direction="watch"}'), lambda count: count == 0) == 0
        assert settle(lambda: metric(bridge, "viaduct_subscribers"), lambda count: count <= 1) <= 1, "the recorder alone is left"


def test_chromium_publishes_and_watches(bridge, receiver, camera_browser, viewer_browser):
    """A page of another origin: everything goes through CORS."""
    stream = "in the browser"
    foreign = f"{receiver.base}/page"
    tokens = {"whip": bridge.token(stream, "publish"), "whep": bridge.token(stream, "watch")}

    def call(page, root, source):
        url = f"{bridge.base}/{root}/in%20the%20browser"
        return page.evaluate(f"(async () => whip({json.dumps(url)}, {json.dumps(tokens[root])}, {source}))()")

    with open_page(camera_browser, foreign) as camera:
        assert call(camera, "whip", "await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 320, height: 240}})") == 204
        camera.wait_for("viaduct.peer.connectionState === 'connected'", 20)
        assert {"location", "etag", "accept-patch"} <= set(camera.evaluate("viaduct.exposed"))
        with open_page(viewer_browser, foreign) as viewer:
            assert call(viewer, "whep", "null") == 204
            viewer.wait_for(
                "viaduct.peer.getStats().then(all => [...all.values()].some(one => one.type === 'inbound-rtp' && one.framesDecoded > 20))", 30)
        camera.evaluate(f"fetch(viaduct.session, {{method: 'DELETE', headers: {{authorization: 'Bearer {tokens['whip']}'}}}})")


def test_a_page_of_the_bridge_watches_what_whip_publishes(bridge, network, viewer_browser):
    stream = "mixed"
    with Leg.publish(network, bridge, stream, bridge.token(stream, "publish"), media.clip("VP8", 10).tracks(), "VP8"):
        with watch(bridge, viewer_browser, stream) as page:
            page.wait_for(LIVE, 20)


def test_whep_watches_what_a_page_publishes(bridge, network, camera_browser):
    stream = "mixed the other way"
    with publish(bridge, camera_browser, stream, codec="vp8"):
        with Leg.watch(network, bridge, stream, bridge.token(stream, "watch")) as viewer:
            assert settle(lambda: viewer.frames["video"], lambda count: count >= 10) >= 10


def test_the_shutdown_ends_sessions_durably(network):
    with Bridge() as bridge:
        token = bridge.token("last", "publish")
        leg = Leg.publish(network, bridge, "last", token, media.clip("VP8", 10).tracks(), "VP8")
        began = time.monotonic()
        assert bridge.stop() == 0 and time.monotonic() - began < 10
        assert "SERVER_SHUTDOWN" in bridge.log()
        leg.drop()


def test_a_bridge_that_has_no_process_left_says_when_to_come_back(network):
    with Bridge(webrtc__inbound="webrtcbin", pipelines__maximum=1, pipelines__warm=0) as bridge:
        token = bridge.token("full", "publish")
        with Leg.publish(network, bridge, "full", token, media.clip("VP8", 10).tracks(), "VP8") as source:
            offer = source.peer.localDescription.sdp.replace("a=sendonly", "a=recvonly")
            status, fields, body = post(bridge, "whep", "full", bridge.token("full", "watch"), offer)
            assert status == 503 and any(name.lower() == "retry-after" for name in fields), (status, body)


def test_public_streams_are_watched_without_a_token(network):
    with Bridge(streams__public="true") as bridge:
        token = bridge.token("open", "publish")
        with Leg.publish(network, bridge, "open", token, media.clip("VP8", 10).tracks(), "VP8"):
            with Leg.watch(network, bridge, "open", None) as viewer:
                assert settle(lambda: viewer.frames["video"], lambda count: count >= 10) >= 10
                assert viewer.leave() == 200
