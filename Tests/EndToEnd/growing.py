"""A recording that has to grow: a camera of a high rate, and what lies where its file goes."""

import contextlib
import hashlib
import os
import urllib.parse

import load
from raw import settle
from recordings import call, reaches

MEBIBYTE = 1 << 20
KILOBITS = 40_000
STREAM = "door"
BATCH = 1 << 20


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
