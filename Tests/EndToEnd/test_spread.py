"""The viewers of one stream on two media workers: what they see, what they ask for, and a publisher that comes back."""

import json
import re
import signal
import string

import pytest

import load
import media
from bridge import Bridge
from raw import settle
from test_whip import metric
from whip import Leg, endpoint, open_page

STREAM = "spread"
CROWD = 52  # a worker gets fifty viewers of a stream before another one begins: two of these are on the other
CHARACTERS = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"  # RFC 8839, `ice-char`


@pytest.fixture(scope="module")
def bridge():
    with Bridge(webrtc__workers=2, webrtc__addresses="127.0.0.1") as bridge:
        yield bridge


def publish(network, bridge):
    return Leg.publish(network, bridge, STREAM, bridge.token(STREAM, "publish"), media.clip("VP8", 60).tracks(), "VP8")


def worker(sdp):
    """The media worker whose peer an answer of the bridge is about: its fragments begin with the number."""
    first, second = re.search(r"^a=ice-ufrag:(.)(.)", sdp, re.MULTILINE).groups()
    return CHARACTERS.index(first) * 64 + CHARACTERS.index(second)


@pytest.fixture
def crowd(bridge, network):
    """A publisher with so many viewers that the next ones go to the other worker. The test ends the stream."""
    with publish(network, bridge) as source:
        options = ["--viewers", CROWD, "--duration", "0s", "--codec", "vp8", "--rate", 40]
        run = load.start("steady", *load.by_http(bridge, STREAM, publishes=False), *options)
        try:
            count = settle(lambda: metric(bridge, "viaduct_subscribers"), lambda count: count == CROWD, timeout=30)
            assert count == CROWD, f"{count} of {CROWD} viewers watch"
            yield source
        finally:
            run.send_signal(signal.SIGINT)
            report = load.finish(run, 20).report
    assert report["viewers"]["joined"] == CROWD and report["viewers"]["failed"] == 0, report
    assert report["viewers"]["ended_early"] == {"ended_by_server": CROWD}, report


def frames_decoded(page):
    return page.evaluate(
        "(async () => [...(await viaduct.peer.getStats()).values()].find((s) => s.type === 'inbound-rtp' && s.kind === 'video'))()"
    ).get("framesDecoded", 0)


def test_a_browser_and_others_watch_on_both_workers_and_go_on_with_a_publisher_that_comes_back(bridge, network, viewer_browser, crowd):
    watch = bridge.token(STREAM, "watch")
    with Leg.watch(network, bridge, STREAM, watch) as viewer, open_page(viewer_browser, f"{bridge.base}/") as page:
        assert worker(viewer.answer) != worker(crowd.answer), "the viewer is on the publisher's worker"
        assert page.evaluate(f"whip({json.dumps(bridge.base + endpoint(bridge, 'whep', STREAM))}, {json.dumps(watch)})") == 204
        assert worker(page.evaluate("viaduct.peer.remoteDescription.sdp")) != worker(crowd.answer), "the page is on the publisher's worker"
        check_moving("before", viewer, page)
        assert metric(bridge, "viaduct_subscribers") == CROWD + 2
        crowd.drop()
        with publish(network, bridge):
            check_moving("after the publisher came back", viewer, page)
            assert viewer.state == "connected" and page.evaluate("viaduct.peer.connectionState") == "connected"
            assert metric(bridge, "viaduct_subscribers") == CROWD + 2
        # The publisher has left for good: everybody hears so, on both workers.
        count = settle(lambda: metric(bridge, "viaduct_subscribers"), lambda count: count == 0)
        assert count == 0, f"{count} still watch what is over"


def check_moving(when, viewer, page, pictures=40):
    """Pictures and sound go on for both."""
    for name, read in [("aiortc's pictures", lambda: viewer.frames["video"]), ("aiortc's sounds", lambda: viewer.frames["audio"]),
                       ("Chromium's pictures", lambda: frames_decoded(page))]:
        before = read()
        count = settle(read, lambda count: count >= before + pictures) - before
        assert count >= pictures, f"{when}: {count} of {name} in the time for {pictures}"
