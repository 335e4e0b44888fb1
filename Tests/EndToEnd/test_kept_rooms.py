"""What recordings of rooms leave behind: it is delivered to S3 (SeaweedFS) and folders, it goes with the recordings, and it goes by order."""

import json
import os

import pytest

import media
from bridge import Bridge
from raw import settle
from rooms import Refused
from rtm import Camera
from stores import S3
from test_room_recording import Room, sources, validator
from test_sidecars import Folder

pytestmark = pytest.mark.sturdy


@pytest.fixture(scope="module")
def bridge():
    with Bridge(uploads__schedule=",".join(["1s"] * 20), recording__retention__interval="1s") as bridge:
        yield bridge


class Kept:
    """A room that is recorded from its beginning, with one who shows something."""

    def __init__(self, network, bridge, name, **settings):
        self.room = Room(network, bridge, name, record="tracks", **settings)
        self.bridge = bridge
        self.host = self.room.come("host", "ada")
        self.id = self.host.welcome["recording"]["id"]
        self.path = f"/bridge/v1/room-recordings/{self.id}"
        self.tracks = self.room.run(self.host.publish(**sources()))
        assert settle(self.written, lambda found: found and found[0] > 1000, 30), self.room.manifest(self.id)

    def written(self):
        return [two["duration_ms"] for one in self.room.manifest(self.id)["recordings"] for two in one["segments"]]

    def end(self):
        """The manifest of all that is complete."""
        self.room.ask("DELETE", self.room.path, expect=204)
        assert settle(lambda: self.room.is_ready(self.id), bool, 40)
        self.room.run(self.host.close())
        manifest = self.room.manifest(self.id)
        validator().validate(manifest)
        return manifest

    def left(self, manifest):
        """What is there of it on the bridge."""
        mine = [self.id, *(one["id"] for one in manifest["recordings"] + manifest["snapshots"])]
        folders = [os.path.join(self.bridge.data, name) for name in ("rooms", "spool")]
        return [name for folder in folders for name in os.listdir(folder) if any(one in name for one in mine)]


@pytest.mark.parametrize("kind", ["folder", "s3"])
def test_manifest_and_pictures_are_delivered_and_go_by_order(network, bridge, tmp_path, kind):
    with {"folder": lambda: Folder(tmp_path), "s3": S3}[kind]() as place:
        kept = Kept(network, bridge, f"kept-{kind}", destination=place.destination(key="{account}/film {id}.webm"))
        room = kept.room
        room.run(kept.host.request("snapshot", track=kept.tracks["camera"]))
        picture = room.run(kept.host.expect("snapshot"))
        assert room.ask("DELETE", kept.path, expect=409)["code"] == "recording_in_use"
        manifest = kept.end()
        [recording], [taken] = manifest["recordings"], manifest["snapshots"]
        stem = manifest["manifest_key"].removesuffix(".room.json")
        assert stem.endswith(f"/film {recording['id']}") and taken["key"] == f"{stem}.room-{taken['id']}.jpg", manifest
        [told] = [one["data"] for one in room.events() if one["type"] == "room_recording.ready"]
        assert told["manifest_key"] == manifest["manifest_key"]
        assert told["snapshots"] == [{"id": taken["id"], "path": f"{kept.path}/snapshots/{taken['id']}.jpg", "key": taken["key"]}]
        assert taken["id"] in picture["url"]

        names = place.keys if kind == "s3" else place.files
        expected = sorted([f"{stem}.webm", manifest["manifest_key"], taken["key"]])
        assert sorted(settle(names, lambda found: sorted(found) == expected, 30)) == expected
        beside = json.loads(place.bytes(manifest["manifest_key"]))
        validator().validate(beside)
        assert beside["snapshots"] == manifest["snapshots"] and beside["manifest_key"] == manifest["manifest_key"]
        status, _, body = room.picture(told["snapshots"][0]["path"], bridge.operator_token)
        assert status == 200 and body == place.bytes(taken["key"])
        if kind == "s3":
            assert place.client.head_object(Bucket=place.bucket, Key=taken["key"])["ContentType"] == "image/jpeg"

        settle(lambda: bridge.recording(recording["id"])["state"], "delivered".__eq__, 30)
        room.ask("PUT", f"/bridge/v1/recordings/{recording['id']}/hold", {"reason": "case 7"})
        assert room.ask("DELETE", f"{kept.path}?destination=true", expect=409)["code"] == "recording_held"
        room.ask("DELETE", f"/bridge/v1/recordings/{recording['id']}/hold")
        room.ask("DELETE", f"{kept.path}?destination=true", expect=202)
        assert settle(names, lambda found: not found, 30) == [], "something stayed at the destination"
        assert settle(lambda: kept.left(manifest), lambda found: not found, 20) == [], "something stayed on the bridge"
        room.ask("GET", kept.path, expect=404)
        actions = [one["action"] for one in room.ask("GET", f"/bridge/v1/audit?recording={kept.id}")["entries"]]
        assert actions == ["delete", "deleted"]


def test_what_is_kept_of_a_room_goes_with_its_last_recording(network, bridge):
    kept = Kept(network, bridge, "gone")
    room = kept.room
    room.run(kept.host.request("snapshot", track=kept.tracks["camera"]))
    room.run(kept.host.expect("snapshot"))
    manifest = kept.end()
    [recording] = manifest["recordings"]

    def listed(query=""):
        return [one["id"] for one in room.ask("GET", f"/bridge/v1/room-recordings?room=gone{query}")["room_recordings"]]

    assert listed() == [kept.id] and listed(f"&to={manifest['started_at']}") == []
    assert len(kept.left(manifest)) == 4, kept.left(manifest)
    room.ask("DELETE", f"/bridge/v1/recordings/{recording['id']}", expect=202)
    assert settle(lambda: kept.left(manifest), lambda found: not found, 30) == []
    assert settle(listed, lambda found: not found, 10) == []


def test_a_clip_in_a_room_that_is_not_recorded_is_of_its_cameras(network, bridge):
    room = Room(network, bridge, "live")
    host = room.come("host", "ada")
    with Camera(network, bridge, "yard", *media.clip("VP8").tracks(), codec="VP8"):
        room.ask("POST", f"{room.path}/cameras", {"stream": "yard", "display_name": "Yard"}, 201)
        settle(lambda: [one["state"] for one in room.ask("GET", f"{room.path}/cameras")["cameras"]], lambda found: found == ["live"], 20)
        with pytest.raises(Refused, match="not_recorded.*record the room"):
            room.run(host.request("clip", seconds=5))
        recording = room.ask("POST", "/bridge/v1/streams/yard/recordings", {}, 201)["id"]
        settle(lambda: bridge.recording(recording)["state"], "recording".__eq__, 20)
        room.run(host.request("clip", seconds=1))
        mark = room.run(host.expect("clip_marked"))["clip"]
        assert mark["participant"] == "ada"
        clips = settle(lambda: room.ask("GET", "/bridge/v1/clips?tag=room&stream=yard")["clips"], bool, 30)
        assert [one["tags"] for one in clips] == [["live", "room"]], clips
    room.run(host.close())
