"""What travels with a recording: manifest, poster and thumbnails lie beside it at S3 (SeaweedFS), on a WebDAV server (Apache) and in a folder."""

import hashlib
import json
import os
import re

import pytest

import media
from bridge import Bridge
from raw import settle
from rtm import Camera
from stores import S3, WebDAV

ALL = ["manifest", "poster", "thumbnails"]
SHEET = "sprite-1.jpg"
TYPES = {"json": "application/json", "poster.jpg": "image/jpeg", SHEET: "image/jpeg", "thumbnails.vtt": "text/vtt", "webm": "video/webm"}


class Folder:
    """A folder as a destination."""

    def __init__(self, path):
        self.path = str(path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def destination(self, **members):
        return {"folder": self.path, **members}

    def files(self):
        return sorted(os.path.relpath(os.path.join(folder, name), self.path) for folder, _, names in os.walk(self.path) for name in names)

    def bytes(self, key):
        with open(os.path.join(self.path, key), "rb") as file:
            return file.read()


@pytest.fixture(scope="module")
def bridge():
    with Bridge(uploads__schedule=",".join(["1s"] * 20), recording__thumbnails="1s") as bridge:
        yield bridge


@pytest.fixture(scope="module")
def camera(network, bridge):
    with Camera(network, bridge, "gate", *media.clip("VP8").tracks(), codec="VP8") as camera:
        yield camera


def call(bridge, method, path, body=None):
    headers = {"authorization": f"Bearer {bridge.operator_token}", "content-type": "application/json"}
    status, _, reply = bridge.request(method, f"/bridge/v1{path}", body, headers)
    return status, json.loads(reply) if reply else None


def begin(bridge, destination):
    [stream] = [one["id"] for one in call(bridge, "GET", "/streams")[1]["streams"]]
    status, row = call(bridge, "POST", f"/streams/{stream}/recordings", {"container": "webm", "destination": destination})
    assert status == 201, row
    settle(lambda: bridge.recording(row["id"])["state"], "recording".__eq__)
    return row["id"]


def end(bridge, recording):
    """Its row when the destination has it."""
    call(bridge, "POST", f"/recordings/{recording}/stop")
    row = settle(lambda: bridge.recording(recording), lambda row: row["state"] in ("delivered", "failed"), timeout=30)
    assert row["state"] == "delivered", row
    return row


def with_sidecars(bridge, recording, count, timeout=40):
    def shown():
        return bridge.recording(recording)["segments"][0]["sidecars"]
    sidecars = settle(shown, lambda found: len(found) == count and all(one["state"] == "delivered" for one in found), timeout=timeout)
    assert len(sidecars) == count and {one["state"] for one in sidecars} == {"delivered"}, sidecars
    return sidecars


@pytest.mark.parametrize("kind", ["folder", "s3", "dav"])
def test_they_lie_beside_the_recording_and_go_with_it(bridge, camera, tmp_path, kind):
    with {"folder": lambda: Folder(tmp_path), "s3": S3, "dav": WebDAV}[kind]() as place:
        recording = begin(bridge, {**place.destination(key="{camera}/film (1) {id}.mp4"), "sidecars": ALL})
        end(bridge, recording)
        sidecars = with_sidecars(bridge, recording, 4)
        stem = f"gate/film (1) {recording}"
        assert {(one["kind"], one["key"]) for one in sidecars} == {
            ("manifest", f"{stem}.json"), ("poster", f"{stem}.poster.jpg"), ("thumbnails", f"{stem}.{SHEET}"),
            ("thumbnails", f"{stem}.thumbnails.vtt")}
        names = place.keys if kind == "s3" else place.files
        assert sorted(names()) == sorted(f"{stem}.{ending}" for ending in TYPES)
        read = place.bytes if kind != "dav" else Folder(place.films).bytes
        manifest = json.loads(read(f"{stem}.json"))
        assert manifest["file"] == f"film (1) {recording}.webm"
        assert manifest["sha256"] == hashlib.sha256(read(f"{stem}.webm")).hexdigest()
        sheets = set(re.findall(r"^(\S+)#xywh=", read(f"{stem}.thumbnails.vtt").decode(), re.MULTILINE))
        assert sheets == {f"film%20%281%29%20{recording}.{SHEET}"}, sheets
        assert all(read(f"{stem}.{name}").startswith(b"\xff\xd8\xff") for name in ("poster.jpg", SHEET))
        if kind == "s3":
            found = {ending: place.client.head_object(Bucket=place.bucket, Key=f"{stem}.{ending}")["ContentType"] for ending in TYPES}
            assert found == TYPES
        assert call(bridge, "DELETE", f"/recordings/{recording}?destination=true")[0] == 202
        assert settle(names, lambda left: not left, timeout=20) == [], "a removed recording has left something"


def test_a_plain_url_takes_none(bridge, camera):
    status, problem = call(bridge, "POST", "/streams/gate/recordings", {"destination": {"url": "https://films.example/x", "sidecars": ["poster"]}})
    assert (status, problem["code"], problem["field"]) == (400, "invalid_field", "destination.sidecars"), problem
    assert "one file" in problem["detail"] and "films.example" not in problem["detail"], problem


def test_their_failure_is_their_own_and_a_killed_bridge_goes_on_with_them(bridge, camera, tmp_path):
    """Something stands in the manifest's place when the recording is delivered."""
    recording = begin(bridge, {"folder": str(tmp_path), "sidecars": ["manifest"]})
    os.makedirs(tmp_path / f"{recording}.json" / "in the way")
    end(bridge, recording)
    [sidecar] = settle(lambda: bridge.recording(recording)["segments"][0]["sidecars"], lambda found: found and found[0]["detail"], timeout=20)
    assert sidecar["state"] == "pending" and "folder" in sidecar["detail"], sidecar
    assert bridge.recording(recording)["state"] == "delivered"
    bridge.kill()
    os.removedirs(tmp_path / f"{recording}.json" / "in the way")
    bridge.start()
    with_sidecars(bridge, recording, 1)
    assert json.loads((tmp_path / f"{recording}.json").read_text())["recording"] == recording
