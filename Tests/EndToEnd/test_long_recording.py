"""A long recording is with its owner moments after its end, because it was sent while it grew.

Two hours of 720p are some 1.8 GB at 2 Mbit/s: the same bytes come here in minutes, from a camera of 100 Mbit/s, so that each second asks more of the
bridge than the long recording would.
"""

import hashlib
import time
import urllib.parse

import pytest

import load
from bridge import Bridge
from raw import settle
from stores import S3

KILOBITS = 100_000
LIMIT = 3  # seconds from the order to stop until the object is complete
TOLD = 10  # and until the bridge says so: it reads the file once more for the hash that it tells with it
BATCH = 1 << 22


@pytest.mark.parametrize("codec, container", [("vp8", "webm"), ("h264", "mp4")])
@pytest.mark.parametrize("gigabytes", [
    pytest.param(0.15, id="short"),
    pytest.param(1.8, id="two-hours", marks=[pytest.mark.soak, pytest.mark.timeout(1200)]),
])
def test_the_object_is_complete_moments_after_the_end(gigabytes, codec, container):
    """One figure decides: where something else took the machine for a moment, it is measured once more."""
    took = complete_after(gigabytes, codec, container)
    if took > LIMIT:
        took = complete_after(gigabytes, codec, container)
    assert took <= LIMIT, f"{took:.2f} s, and no less the first time"


def complete_after(gigabytes, codec, container):
    """Seconds from the order to stop a recording of this size until the store has it, whose bytes are checked."""
    seconds = gigabytes * 8e6 / KILOBITS
    with S3() as store, Bridge(webrtc__addresses="127.0.0.1", log__level="info") as bridge:
        camera = load.start("--whip", f"{bridge.base}/whip/long", "--token", bridge.operator_token, "--codec", codec,
                            "--bitrate", KILOBITS, "--audio", "--duration", f"{round(4 * seconds) + 60}s")
        try:
            recording = begin(bridge, store.destination(key="{id}"), container)
            # A busy machine takes longer; less than this would show nothing.
            size = settle(lambda: size_of(bridge, recording), lambda size: size > 0.9e9 * gigabytes, 4 * seconds)
            assert size > 0.9e9 * gigabytes, f"only {size} bytes came"
            stopped = time.monotonic()
            assert bridge.post(f"/bridge/v1/recordings/{recording}/stop", {}, bridge.operator_token)[0] < 300
            settle(store.keys, lambda keys: keys, 60)
            took = time.monotonic() - stopped
            row = settle(lambda: bridge.recording(recording), lambda row: row["state"] in ("delivered", "failed"), 60)
            told = time.monotonic() - stopped
        finally:
            camera.terminate()
            load.finish(camera, 30)
        assert row["state"] == "delivered", row
        [segment] = bridge.recording(recording)["segments"]
        [key] = store.keys()
        assert sha256_of(store, key) == segment["sha256"], "the store holds other bytes"
        print(f"{segment['size_bytes'] / 1e9:.2f} GB of {container} were complete {took:.2f} s after the end, and told {told:.2f} s after it")
        assert told <= TOLD, f"told after {told:.2f} s"
        return took


def begin(bridge, destination, container):
    def start():
        stream = urllib.parse.quote("long", safe="")
        return bridge.post(f"/bridge/v1/streams/{stream}/recordings", {"destination": destination, "container": container}, bridge.operator_token)

    status, row = settle(start, lambda reply: reply[0] == 201, 20)
    assert status == 201, row
    settle(lambda: bridge.recording(row["id"])["state"], lambda state: state == "recording", 20)
    return row["id"]


def size_of(bridge, recording):
    return sum(segment["size_bytes"] for segment in bridge.recording(recording)["segments"])


def sha256_of(store, key):
    digest = hashlib.sha256()
    for piece in store.client.get_object(Bucket=store.bucket, Key=key)["Body"].iter_chunks(BATCH):
        digest.update(piece)
    return digest.hexdigest()
