"""A recording that goes into a folder is copied there while it grows: at its end only the rest is missing, and a killed bridge goes on."""

import os

import pytest

from bridge import Bridge
from growing import MEBIBYTE, STREAM, begin, delivered, digest, filming, files, size_of_partial
from killer_machine import Disk, leave_mounts_of_others
from raw import settle
from recordings import call

pytestmark = pytest.mark.sturdy

GROWN = 16 * MEBIBYTE


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
