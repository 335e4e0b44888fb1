"""The MP4 that a recorder writes beside its recording is removed as soon as it cannot be the file: when that recorder has died."""

import glob
import os
import signal

import pytest

import media
from bridge import Bridge
from raw import settle
from rtm import Camera

pytestmark = pytest.mark.sturdy


def test_the_mp4_of_a_dead_recorder_is_gone_while_the_recording_goes_on(network, tmp_path):
    clip = media.clip("H264")
    with Bridge(recording__live_mp4_from="16KiB") as bridge, Camera(network, bridge, "shot", *clip.tracks(), codec="H264"):
        status, recording = bridge.post("/bridge/v1/streams/shot/recordings", {"container": "mp4"}, bridge.operator_token)
        assert status == 201, recording
        inside = f"{bridge.data}/**/{recording['id']}/"
        movie = settle(lambda: glob.glob(inside + "movie-1-1.mp4", recursive=True), bool)
        assert movie, "no MP4 was begun"
        recorder = bridge.child_with_open(lambda name: f"/{recording['id']}/part-" in name, "the recording's file")
        os.kill(recorder, signal.SIGKILL)

        def what_is_there():
            return [os.path.basename(path) for path in sorted(glob.glob(inside + "*", recursive=True))]

        left = settle(what_is_there, lambda names: names == ["part-1-1.mkv", "part-1-2.mkv"])
        assert left == ["part-1-1.mkv", "part-1-2.mkv"]
        assert bridge.recording(recording["id"])["state"] == "recording"
        bridge.post(f"/bridge/v1/recordings/{recording['id']}/stop", {}, bridge.operator_token)
        row = settle(lambda: bridge.recording(recording["id"]), lambda row: row["state"] in ("ready", "failed"))
        assert row["state"] == "ready" and row["container"] == "mp4", row
        assert not what_is_there()
        status, _, body = bridge.get(
            f"/bridge/v1/recordings/{recording['id']}/file", headers={"authorization": f"Bearer {bridge.operator_token}"})
        assert status == 200
        file = tmp_path / "shot.mp4"
        file.write_bytes(body)
        assert media.decode_errors(file) == "" and media.Film(file).pictures
