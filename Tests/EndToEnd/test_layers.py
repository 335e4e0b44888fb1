"""Simulcast and layers through the edge: what a publisher sends in several sizes, viewers get in the one that they want or can take."""

import glob
import itertools
import json
import time

import av
import pytest

import media
from bridge import Bridge
from layers import SIMULCAST, Viewer, publish
from raw import settle

RIDS = ["q", "h", "f"]
WIDTHS = dict(zip(RIDS, [240, 480, 960]))  # of a camera of 960
LONGEST_GAP = 2.0  # seconds without a picture in a recording whose source turned the encoding off that was recorded


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


def wait_for_active(bridge, stream, *rids):
    """Waits until these encodings come, and the others do not."""
    wanted = [(rid, rid in rids) for rid in RIDS]
    found = settle(lambda: encodings(bridge, stream), lambda all: [(one.get("rid"), one["active"]) for one in all] == wanted, timeout=20)
    assert [(one.get("rid"), one["active"]) for one in found] == wanted, found


def wait_for_three(bridge, stream):
    wait_for_active(bridge, stream, *RIDS)


def bitrates(layers):
    return [layer["bitrate"] for layer in layers]


# Firefox has H.264 from a download alone, and sends three pictures of any size.
@pytest.mark.parametrize("camera, codec, size", [("camera_browser", "VP8", (960, 540)), ("camera_browser", "H264", (960, 540)), ("firefox", "VP8", (640, 360))])
def test_a_viewer_chooses_among_what_a_browser_sends(request, bridge, viewer_browser, camera, codec, size):
    stream = f"layers-{camera}-{codec}"
    widths = dict(zip(RIDS, [size[0] // 4, size[0] // 2, size[0]]))
    with publish(bridge, request.getfixturevalue(camera), stream, codec, SIMULCAST, *size):
        wait_for_three(bridge, stream)
        assert [one["width"] for one in encodings(bridge, stream)] == list(widths.values())
        with Viewer(bridge, viewer_browser, stream) as viewer:
            viewer.listen()
            assert settle(lambda: viewer.width, lambda width: width == widths["f"], timeout=20) == widths["f"], "best by itself"
            # The last one to begin needs a moment until it costs what it is allowed to.
            listed = settle(lambda: viewer.layers, lambda layers: len(layers) == 3 and bitrates(layers) == sorted(bitrates(layers))[::-1])
            assert [(layer["rid"], layer["width"]) for layer in listed] == [(rid, widths[rid]) for rid in reversed(RIDS)], listed
            assert bitrates(listed)[0] > bitrates(listed)[1] > bitrates(listed)[2] > 0, listed
            before = viewer.figures()
            for rid in ["q", "h", "f", "q"]:
                assert viewer.choose(rid=rid) == 200
                assert settle(lambda: viewer.width, lambda width: width == widths[rid]) == widths[rid], rid
            assert viewer.choose(rid="x") == 422
            assert viewer.choose() == 200
            assert settle(lambda: viewer.width, lambda width: width == widths["f"]) == widths["f"], "left to the bridge again"
            assert viewer.choose(maxWidth=widths["h"] + 20) == 200
            assert settle(lambda: viewer.width, lambda width: width == widths["h"]) == widths["h"]
            after = viewer.figures()
            frozen = after["totalFreezesDuration"] - before["totalFreezesDuration"]
            # A frame that is missing is what the browser calls frozen; six switches cost none more.
            print(f"{camera} {codec}: {after['freezeCount'] - before['freezeCount']} freezes of {frozen:.2f} s in {after['framesDecoded'] - before['framesDecoded']} frames")
            assert frozen < 2, (before, after)


def publish_scalable(bridge, browser, stream, codec, mode, layers=(2, 3), size=(640, 360)):
    page = publish(bridge, browser, stream, codec, [{"scalabilityMode": mode, "maxBitrate": 1_500_000}], *size)
    found = settle(lambda: encodings(bridge, stream), lambda all: [(one["spatial_layers"], one["temporal_layers"]) for one in all] == [layers], timeout=20)
    assert [(one["spatial_layers"], one["temporal_layers"], one["width"]) for one in found] == [(*layers, size[0])], found
    return page


def assert_goes_on(viewer):
    before = viewer.figures()["framesDecoded"]
    after = settle(lambda: viewer.figures()["framesDecoded"], lambda count: count > before + 10)
    assert after > before + 10, (before, viewer.figures())


# With KEY an upper layer needs the lower ones at keyframes alone. Of a picture below 720 lines Chromium sends two layers at most.
SCALABLE = [
    *[(codec, mode, layers, (640, 360)) for codec in ("VP9", "AV1") for mode, layers in [("L2T3", (2, 3)), ("L2T2_KEY", (2, 2))]],
    *[(codec, mode, (3, 3), (1280, 720)) for codec in ("VP9", "AV1") for mode in ("L3T3", "L3T3_KEY")],
]


@pytest.mark.parametrize("codec, mode, layers, size", SCALABLE, ids=[f"{codec}-{mode}" for codec, mode, *_ in SCALABLE])
def test_a_viewer_chooses_among_scalable_layers(bridge, camera_browser, viewer_browser, codec, mode, layers, size):
    stream = f"scalable-{codec}-{mode}"
    widths = [size[0] >> (layers[0] - 1 - layer) for layer in range(layers[0])]
    choices = [({"spatialLayerId": layer}, width) for layer, width in enumerate(widths)]
    choices += [({"maxWidth": widths[0] + 80}, widths[0]), ({}, widths[-1])]
    with publish_scalable(bridge, camera_browser, stream, codec, mode, layers, size), Viewer(bridge, viewer_browser, stream) as viewer:
        viewer.listen()
        assert settle(lambda: viewer.width, lambda width: width == widths[-1], timeout=20) == widths[-1], "best by itself"
        listed = settle(lambda: viewer.layers, lambda listed: len(listed) == len(widths))
        assert [(layer["spatialLayerId"], layer["width"]) for layer in listed] == list(enumerate(widths))[::-1], listed
        for choice, width in choices:
            assert viewer.choose(**choice) == 200
            assert settle(lambda: viewer.width, lambda now: now == width) == width, choice
            assert_goes_on(viewer)


def test_a_viewer_that_cannot_put_layers_together_gets_the_lowest(bridge, camera_browser, viewer_browser):
    """Chromium offers no dependency descriptor by itself, and without it decodes nothing of a picture of two layers."""
    with publish_scalable(bridge, camera_browser, "plain", "AV1", "L2T3"), Viewer(bridge, viewer_browser, "plain", takes_layers=False) as viewer:
        viewer.listen()
        assert settle(lambda: viewer.width, lambda width: width == 320, timeout=20) == 320
        listed = settle(lambda: viewer.layers, lambda layers: len(layers) == 1)
        assert [(layer["spatialLayerId"], layer["width"]) for layer in listed] == [(0, 320)], listed
        assert viewer.choose(spatialLayerId=1) == 422
        assert_goes_on(viewer)


def test_a_viewer_that_answers_the_bridges_offer_chooses_too(bridge, camera_browser, viewer_browser):
    with publish_scalable(bridge, camera_browser, "answered", "AV1", "L2T3"), Viewer(bridge, viewer_browser, "answered", answers=True) as viewer:
        for choice, width in [({}, 640), ({"spatialLayerId": 0}, 320), ({"spatialLayerId": 1}, 640)]:
            assert viewer.choose(**choice) == 200, choice
            assert settle(lambda: viewer.width, lambda now: now == width, timeout=20) == width, choice
            assert_goes_on(viewer)


class OneRecording:
    """A recording of a stream that the operator asked for."""

    def __init__(self, bridge, stream, destination):
        self.bridge = bridge
        status, row = bridge.post(f"/bridge/v1/streams/{stream}/recordings", {"destination": {"url": destination}}, bridge.operator_token)
        assert status == 201, row
        self.id = row["id"]
        state = settle(lambda: bridge.recording(self.id)["state"], lambda state: state == "recording")
        assert state == "recording"

    @property
    def parts(self):
        return glob.glob(f"{self.bridge.data}/**/{self.id}/part-*", recursive=True)

    def stop(self):
        status, reply = self.bridge.post(f"/bridge/v1/recordings/{self.id}/stop", {}, self.bridge.operator_token)
        assert status == 202, reply


def pictures_in(path):
    """(width, time in seconds) of every picture of a file."""
    with av.open(str(path)) as file:
        return [(frame.width, frame.time) for frame in file.decode(video=0)]


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_a_recording_goes_on_when_a_browser_turns_its_best_encoding_off(bridge, receiver, camera_browser, tmp_path, codec):
    stream = f"turned-off-{codec}"
    with publish(bridge, camera_browser, stream, codec) as page:
        wait_for_three(bridge, stream)
        recording = OneRecording(bridge, stream, f"{receiver.base}/{stream}")
        for rids in [("q", "h"), ("q", "h", "f")]:
            time.sleep(3)
            page.evaluate(f"setActive({json.dumps(rids)})")
            wait_for_active(bridge, stream, *rids)
        time.sleep(3)
        assert len(recording.parts) == 1, recording.parts
        recording.stop()
        file = tmp_path / "file"
        file.write_bytes(receiver.wait_for_upload(f"/{stream}"))
    assert media.decode_errors(file) == ""
    pictures = pictures_in(file)
    runs = [(width, len(list(run))) for width, run in itertools.groupby(width for width, _ in pictures)]
    assert [width for width, _ in runs] == [WIDTHS["f"], WIDTHS["h"], WIDTHS["f"]], runs
    assert min(count for _, count in runs) >= 20, f"pictures of each size: {runs}"
    gaps = [(earlier, later - earlier) for (_, earlier), (_, later) in itertools.pairwise(pictures)]
    print(f"{codec}: {runs}, at most {max(gap for _, gap in gaps):.2f} s without a picture")
    assert min(gap for _, gap in gaps) > 0, f"the pictures' times do not rise: {gaps}"
    assert max(gap for _, gap in gaps) <= LONGEST_GAP, f"pictures are missing after {[one for one in gaps if one[1] > LONGEST_GAP]}, of {runs}"
