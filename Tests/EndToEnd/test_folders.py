"""A recording that goes into a folder is copied there while it grows: at its end only the rest is missing, and a killed bridge goes on."""

import hashlib
import os
import urllib.parse

import pytest

import load
from bridge import Bridge
from raw import settle
from recordings import call, reaches

pytestmark = pytest.mark.sturdy

MEBIBYTE = 1 << 20
KILOBITS = 40_000
STREAM = "door"
BATCH = 1 << 20
GROWN = 16 * MEBIBYTE  # when the second part is there


def files(folder):
    """Paths below a folder, whether or not they are shown."""
    return sorted(os.path.join(place, name) for place, _, names in os.walk(folder) for name in names)


def digest(path):
    found = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(BATCH):
            found.update(piece)
    return found.hexdigest()


def size_of_partial(folder):
    try:
        return max((os.path.getsize(path) for path in files(folder)), default=0)
    except FileNotFoundError:
        return 0


def begin(bridge, order):
    path = f"/streams/{urllib.parse.quote(STREAM, safe='')}/recordings"
    status, row = settle(lambda: call(bridge, "POST", path, order), lambda reply: reply[0] == 201, 30)
    assert status == 201, row
    return row["id"]


@pytest.mark.parametrize("codec, container, end", [("vp8", "webm", "stop"), ("h264", "mp4", "stop"), ("vp8", "webm", "kill")])
def test_a_recording_is_in_its_folder_while_it_grows(tmp_path, codec, container, end):
    folder = str(tmp_path / "nas")
    order = {"destination": {"folder": folder, "key": "{stream}/{id}"}, "container": container}
    with Bridge(webrtc__addresses="127.0.0.1", log__level="info", recording__live_mp4_from="4MiB", uploads__schedule="1s,1s,1s") as bridge:
        camera = load.start("--whip", f"{bridge.base}/whip/{STREAM}", "--token", bridge.operator_token, "--codec", codec,
                            "--bitrate", KILOBITS, "--duration", "120s")
        try:
            recording = begin(bridge, order)
            size = settle(lambda: size_of_partial(folder), lambda size: size >= GROWN, 60)
            assert size >= GROWN, f"{size} bytes are in the folder; {bridge.recording(recording)}"
            [partial] = files(folder)
            name = f"{recording}.{container}"
            assert os.path.basename(partial).startswith(f".{name}.") and partial.endswith(".part"), partial
            assert bridge.recording(recording)["state"] == "recording"
            begun = os.stat(partial).st_ino
            if end == "kill":
                bridge.kill()
            else:
                assert call(bridge, "POST", f"/recordings/{recording}/stop")[0] < 300
        finally:
            camera.terminate()
            load.finish(camera, 30)
        if end == "kill":
            bridge.start()
        row = reaches(bridge, recording, "delivered", "failed", timeout=60)
        assert row["state"] == "delivered", row
        [segment] = settle(lambda: bridge.recording(recording)["segments"], lambda segments: segments[0]["sha256"], 60)
        assert files(folder) == [os.path.join(folder, STREAM, name)], "a temporary file was left"
        [copy] = files(folder)
        assert os.path.getsize(copy) == segment["size_bytes"] >= GROWN
        assert digest(copy) == segment["sha256"], "the folder holds other bytes"
        assert os.stat(copy).st_ino == begun, "the copy was begun anew"
