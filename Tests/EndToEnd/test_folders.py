"""A recording that goes into a folder is copied there while it grows: at its end only the rest is missing, and a killed bridge goes on."""

import contextlib
import hashlib
import os
import urllib.parse

import pytest

import load
from bridge import Bridge
from killer_machine import Disk, leave_mounts_of_others
from raw import settle
from recordings import call, reaches

pytestmark = pytest.mark.sturdy

MEBIBYTE = 1 << 20
KILOBITS = 40_000
STREAM = "door"
BATCH = 1 << 20
GROWN = 16 * MEBIBYTE


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
    """0 also when it is given its name in this moment."""
    try:
        return max((os.path.getsize(path) for path in files(folder)), default=0)
    except FileNotFoundError:
        return 0


@contextlib.contextmanager
def filming(bridge, codec="vp8"):
    """A camera that is ended with the block, if it lives still."""
    camera = load.start("--whip", f"{bridge.base}/whip/{STREAM}", "--token", bridge.operator_token, "--codec", codec,
                        "--bitrate", KILOBITS, "--duration", "120s")
    try:
        yield camera
    finally:
        camera.terminate()
        load.finish(camera, 30)


def delivered(bridge, recording):
    """Its file, with its SHA-256: that is made beside the delivery."""
    row = reaches(bridge, recording, "delivered", "failed", timeout=60)
    assert row["state"] == "delivered", row
    [segment] = settle(lambda: bridge.recording(recording)["segments"], lambda segments: segments[0]["sha256"], 60)
    return segment


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
        with filming(bridge, codec) as camera:
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
                camera.kill()  # there is nobody to say goodbye to
            else:
                assert call(bridge, "POST", f"/recordings/{recording}/stop")[0] < 300
        if end == "kill":
            bridge.start()
        segment = delivered(bridge, recording)
        assert files(folder) == [os.path.join(folder, STREAM, name)], "a temporary file was left"
        [copy] = files(folder)
        assert os.path.getsize(copy) == segment["size_bytes"] >= GROWN
        assert digest(copy) == segment["sha256"], "the folder holds other bytes"
        assert os.stat(copy).st_ino == begun, "the copy was begun anew"


def test_a_folder_that_is_full_ends_no_recording_and_keeps_no_part(tmp_path):
    leave_mounts_of_others()
    disk, spare = Disk(str(tmp_path / "disk")), str(tmp_path / "spare")
    order = {"destination": {"folder": disk.path + "/nas", "fallback": {"folder": spare}}}
    with Bridge(webrtc__addresses="127.0.0.1", log__level="info", uploads__schedule="300ms") as bridge:
        with filming(bridge):
            recording = begin(bridge, order)
            size = settle(lambda: size_of_partial(disk.path), lambda size: size >= GROWN, 60)
            assert size >= GROWN, f"{size} bytes are in the folder; {bridge.recording(recording)}"
            disk.fill()
            grown = lambda: sum(segment["size_bytes"] for segment in bridge.recording(recording)["segments"])
            assert settle(grown, lambda size: size >= 2 * GROWN, 60) >= 2 * GROWN, bridge.recording(recording)
            assert call(bridge, "POST", f"/recordings/{recording}/stop")[0] < 300
        segment = delivered(bridge, recording)
        [copy] = files(spare)
        assert digest(copy) == segment["sha256"]
        assert settle(lambda: files(disk.path), lambda left: left == [disk.ballast], 20) == [disk.ballast]
