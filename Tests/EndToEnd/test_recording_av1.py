"""AV1 that a browser publishes is recorded as it is, into WebM and MP4, and plays."""

import time

import pytest

import layers
import media
from bridge import Bridge
from raw import settle

pytestmark = pytest.mark.sturdy

@pytest.fixture(scope="module")
def bridge():
    with Bridge() as bridge:
        yield bridge


def fetch(bridge, recording, path):
    """The finished file, fetched from the bridge."""
    bearer = {"authorization": f"Bearer {bridge.operator_token}"}
    reply = settle(lambda: bridge.get(f"/bridge/v1/recordings/{recording}/file", headers=bearer), lambda reply: reply[0] == 200, timeout=20)
    assert reply[0] == 200, f"{bridge.recording(recording)}\\n{bridge.log()[-2000:]}"
    path.write_bytes(reply[2])
    return path


@pytest.mark.parametrize(("mode", "container"), [("L1T2", "webm"), ("L2T2", "mp4")])
def test_av1_is_recorded_and_plays(bridge, camera_browser, viewer_browser, tmp_path, mode, container):
    stream = f"av1-{mode}"
    with layers.publish(bridge, camera_browser, stream, "AV1", [{"scalabilityMode": mode, "maxBitrate": 800_000}], 640, 360):
        # The stream is there with its first packet.
        order = (f"/bridge/v1/streams/{stream}/recordings", {"container": container}, bridge.operator_token)
        status, row = settle(lambda: bridge.post(*order), lambda reply: reply[0] != 404)
        assert status == 201, row
        recording = row["id"]
        assert settle(lambda: bridge.recording(recording)["state"], lambda state: state == "recording", timeout=15) == "recording"
        time.sleep(4)
        status, reply = bridge.post(f"/bridge/v1/recordings/{recording}/stop", {}, bridge.operator_token)
        assert status == 202, reply
        file = fetch(bridge, recording, tmp_path / f"file.{container}")
    assert media.decode_errors(file) == ""
    found, streams = media.probe(file)
    assert {kind: one["codec_name"] for kind, one in streams.items()} == {"video": "av1", "audio": "opus"}
    assert streams["video"]["width"] == 640
    seconds = float(found["duration"])
    assert 3 < seconds < 12
    page = layers.open_page(bridge, viewer_browser)
    said = media.play(page, file, f"video/{container}")
    assert said["width"] == 640 and said["duration"] == pytest.approx(seconds, abs=0.1) and said["shown"] > 20, said
