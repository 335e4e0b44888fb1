"""A recording that is cut: each file is delivered by itself while the next one is recorded, and together they hold every frame once."""

import hashlib
import json
import pathlib
import time

import pytest

import media
from bridge import Bridge
from raw import settle
from rtm import Camera

pytestmark = pytest.mark.sturdy

LENGTH = 2  # seconds of a segment


@pytest.mark.parametrize("codec, container", [("VP8", "webm"), ("H264", "mp4")])
def test_segments_hold_every_frame_once(network, tmp_path, codec, container):
    folder, clip = tmp_path / "films", media.clip(codec)
    with Bridge(recording__segment_duration=f"{LENGTH}s", recording__manifest="true") as bridge:
        with Camera(network, bridge, "cut", *clip.tracks(), codec=codec):
            order = {"container": container, "destination": {"folder": str(folder), "key": "{camera}/{id}.mp4"}}
            status, recording = bridge.post("/bridge/v1/streams/cut/recordings", order, bridge.operator_token)
            assert status == 201, recording
            # While the recording goes on, its first file is there already.
            first = settle(lambda: sorted(folder.rglob("*.*")), bool, timeout=20)
            assert first and bridge.recording(recording["id"])["state"] == "recording", first
            time.sleep(3 * LENGTH)
            bridge.post(f"/bridge/v1/recordings/{recording['id']}/stop", {}, bridge.operator_token)
            row = settle(lambda: bridge.recording(recording["id"]), lambda row: row["state"] == "delivered", timeout=20)
        segments = settle(
            lambda: bridge.recording(recording["id"])["segments"], lambda rows: all(one["sha256"] for one in rows), timeout=20)
        names = [f"{recording['id']}{'' if one['number'] == 1 else '-' + str(one['number'])}.{container}" for one in segments]
        manifests = [json.loads(pathlib.Path(bridge.data, "spool", name + ".json").read_text()) for name in names]
    assert (row["state"], [one["state"] for one in segments]) == ("delivered", ["delivered"] * len(segments)), row
    files = [folder / "cut" / name for name in names]
    assert len(files) >= 3 and all(file.exists() for file in files), (names, sorted(folder.rglob("*.*")))
    films = [media.Film(file, clip) for file in files]
    for file, film in zip(files, films):
        assert media.decode_errors(file) == "" and film.repeated() == [], file
    pictures = [number for film in films for number, _ in film.pictures]
    assert pictures == list(range(pictures[0], pictures[-1] + 1)), "a picture is missing, or comes twice"
    sounds = [number for film in films for number, _ in film.sounds]
    assert sounds == list(range(sounds[0], sounds[-1] + 1)), "a sound is missing, or comes twice"
    for one, file, manifest in zip(segments, files, manifests):
        assert one["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest() and one["size_bytes"] == file.stat().st_size, one
        assert (manifest["sha256"], manifest["segment"], manifest["gaps"]) == (one["sha256"], one["number"], one["gaps"]), manifest
