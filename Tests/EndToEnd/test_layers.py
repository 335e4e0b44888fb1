"""Simulcast and layers through the edge: what a publisher sends in several sizes, viewers get in the one that they want or can take."""

import json

import pytest

from bridge import Bridge
from layers import Viewer, publish
from raw import settle

WIDTHS = {"q": 240, "h": 480, "f": 960}


@pytest.fixture(scope="module")
def bridge():
    with Bridge() as bridge:
        yield bridge


def encodings(bridge, stream):
    """The video's encodings, as the operator sees them; empty before the stream is there."""
    status, _, body = bridge.get(f"/bridge/v1/streams/{stream}", headers={"authorization": f"Bearer {bridge.operator_token}"})
    if status == 404:
        return []
    assert status == 200, body
    return next((track.get("encodings", []) for track in json.loads(body)["tracks"] if track["kind"] == "video"), [])


def wait_for_three(bridge, stream):
    found = settle(lambda: encodings(bridge, stream), lambda all: [one["active"] for one in all] == [True] * 3, timeout=20)
    assert [(one.get("rid"), one["active"]) for one in found] == [("q", True), ("h", True), ("f", True)], found


def bitrates(layers):
    return [layer["bitrate"] for layer in layers]


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_a_viewer_chooses_among_what_a_browser_sends(bridge, camera_browser, viewer_browser, codec):
    stream = f"layers-{codec}"
    with publish(bridge, camera_browser, stream, codec):
        wait_for_three(bridge, stream)
        assert [one["width"] for one in encodings(bridge, stream)] == list(WIDTHS.values())
        with Viewer(bridge, viewer_browser, stream) as viewer:
            viewer.listen()
            assert settle(lambda: viewer.width, lambda width: width == 960, timeout=20) == 960, "best by itself"
            # The last one to begin needs a moment until it costs what it is allowed to.
            listed = settle(lambda: viewer.layers, lambda layers: len(layers) == 3 and bitrates(layers) == sorted(bitrates(layers))[::-1])
            assert [(layer["rid"], layer["width"]) for layer in listed] == [("f", 960), ("h", 480), ("q", 240)], listed
            assert bitrates(listed)[0] > bitrates(listed)[1] > bitrates(listed)[2] > 0, listed
            before = viewer.figures()
            for rid in ["q", "h", "f", "q"]:
                assert viewer.choose(rid=rid) == 200
                assert settle(lambda: viewer.width, lambda width: width == WIDTHS[rid]) == WIDTHS[rid], rid
            assert viewer.choose(rid="x") == 422
            assert viewer.choose() == 200
            assert settle(lambda: viewer.width, lambda width: width == 960) == 960, "left to the bridge again"
            assert viewer.choose(maxWidth=500) == 200
            assert settle(lambda: viewer.width, lambda width: width == 480) == 480
            after = viewer.figures()
            frozen = after["totalFreezesDuration"] - before["totalFreezesDuration"]
            # A frame that is missing is what the browser calls frozen; six switches cost none more.
            print(f"{codec}: {after['freezeCount'] - before['freezeCount']} freezes of {frozen:.2f} s in {after['framesDecoded'] - before['framesDecoded']} frames")
            assert frozen < 2, (before, after)


def test_a_viewer_chooses_among_scalable_layers(bridge, camera_browser, viewer_browser):
    stream = "scalable"
    scalable = [{"scalabilityMode": "L2T3", "maxBitrate": 1_000_000}]
    with publish(bridge, camera_browser, stream, "VP9", scalable, 640, 360):
        found = settle(lambda: encodings(bridge, stream), lambda all: [one["spatial_layers"] for one in all] == [2], timeout=20)
        assert [(one["spatial_layers"], one["temporal_layers"], one["width"]) for one in found] == [(2, 3, 640)], found
        with Viewer(bridge, viewer_browser, stream) as viewer:
            viewer.listen()
            assert settle(lambda: viewer.width, lambda width: width == 640, timeout=20) == 640, "best by itself"
            listed = settle(lambda: viewer.layers, lambda layers: len(layers) == 2)
            assert [(layer["spatialLayerId"], layer["width"]) for layer in listed] == [(1, 640), (0, 320)], listed
            for choice, width in [({"spatialLayerId": 0}, 320), ({}, 640), ({"maxWidth": 400}, 320), ({"spatialLayerId": 1}, 640)]:
                assert viewer.choose(**choice) == 200
                assert settle(lambda: viewer.width, lambda now: now == width) == width, choice
                before = viewer.figures()["framesDecoded"]
                assert settle(lambda: viewer.figures()["framesDecoded"], lambda count: count > before + 10) > before + 10, "it goes on"
