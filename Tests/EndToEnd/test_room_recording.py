"""A room that is recorded: each stream by itself, what was drawn, marked and taken, and one manifest of it all, also when the bridge is killed."""

import json
import pathlib
import re
import time
import urllib.parse

import jsonschema
import pytest
import referencing

import calls
import media
from bridge import Bridge
from raw import settle
from rooms import Refused, RoomClient
from rtm import Camera

pytestmark = pytest.mark.sturdy

SIGNALING = pathlib.Path(__file__).resolve().parents[2] / "signaling"
COLOUR = "#ff2d95"
# Widths of the encodings that a page sends for a while already.
SENT = """(async () => JSON.stringify([...(await viaduct.session.statistics()).sent.values()]
    .filter(({ type, kind, framesEncoded }) => type === "outbound-rtp" && kind === "video" && framesEncoded > 30).map(({ frameWidth }) => frameWidth)))()"""
STROKE = {"type": "pen", "points": [[0.1, 0.5], [0.9, 0.5]]}


def validator():
    files = [*SIGNALING.glob("schemas/rooms/*.json"), SIGNALING / "manifests" / "room-recording.json"]
    documents = {file.name: json.loads(file.read_text()) for file in files}
    registry = referencing.Registry().with_resources(
        [(document["$id"], referencing.Resource.from_contents(document)) for document in documents.values()])
    return jsonschema.Draft202012Validator(documents["room-recording.json"], registry=registry)


class Room:
    """A room of a bridge, and its clients on the network's loop."""

    def __init__(self, network, bridge, name, **settings):
        self.network, self.bridge, self.name = network, bridge, name
        self.path = f"/bridge/v1/rooms/{name}"
        self.ask("POST", "/bridge/v1/rooms", {"id": name, **settings}, 201)

    def ask(self, method, path, body=None, expect=200):
        headers = {"authorization": f"Bearer {self.bridge.operator_token}", "content-type": "application/json"}
        body = None if body is None else json.dumps(body).encode()
        status, _, answer = self.bridge.request(method, path, body, headers)
        assert status == expect, (method, path, status, answer)
        return json.loads(answer) if answer else None

    def come(self, role, name):
        link = self.ask("POST", f"{self.path}/links", {"role": role, "identity": name}, 201)
        client = RoomClient(link["socket_url"], link["token"])
        self.run(client.open())
        client.welcome = self.run(client.join(name))
        return client

    def run(self, coroutine):
        return self.network.run(coroutine)

    def manifest(self, recording):
        return self.ask("GET", f"/bridge/v1/room-recordings/{recording}")

    def is_ready(self, recording):
        return next(one["is_ready"] for one in self.ask("GET", "/bridge/v1/room-recordings")["room_recordings"] if one["id"] == recording)

    def picture(self, path, token):
        return self.bridge.request("GET", path, headers={"authorization": f"Bearer {token}"})

    def events(self):
        found = self.ask("GET", "/bridge/v1/events?limit=1000")["events"]
        return [one for one in found if one["data"].get("room_id") == self.name]


def sources():
    video, audio = media.clip("VP8").tracks()
    return {"camera": video, "microphone": audio} if video.kind == "video" else {"camera": audio, "microphone": video}


def check_files(manifest, files):
    """Each recording plays, and begins when the manifest says."""
    for recording in manifest["recordings"]:
        for segment in recording["segments"]:
            _, kinds = media.probe(files / segment["file"])
            assert "video" in kinds, (recording, sorted(kinds))
            assert segment["started_at"] >= manifest["started_at"][:19], segment
            assert segment["duration_ms"] > 500, segment


def test_a_room_is_recorded_with_what_was_drawn_and_marked(network, bridge, viewer_browser, tmp_path):
    folder = tmp_path / "kept"
    folder.mkdir()
    room = Room(network, bridge, "valve", destination={"folder": str(folder)})
    host, worker, viewer = room.come("host", "ada"), room.come("worker", "wim"), room.come("viewer", "vic")
    assert host.welcome["recording"] is None
    with Camera(network, bridge, "gate", *media.clip("VP8").tracks(), codec="VP8"):
        room.ask("POST", f"{room.path}/cameras", {"stream": "gate", "display_name": "Gate", "send": ["video"]}, 201)
        mine = room.run(worker.publish(**sources()))
        with pytest.raises(Refused, match="not_recorded"):
            room.run(host.request("clip", seconds=5))
        with pytest.raises(Refused, match="forbidden"):
            room.run(viewer.request("record", on=True))
        room.run(host.request("record", on=True))
        recording = room.run(viewer.expect("recording"))["recording"]
        assert recording["participant"] == "ada" and recording["mode"] == "tracks"
        assert room.ask("GET", f"{room.path}/recording")["id"] == recording["id"]

        def written():
            return [one for one in room.manifest(recording["id"])["recordings"] if any(two["duration_ms"] > 2000 for two in one["segments"])]

        assert len(settle(written, lambda found: len(found) == 2, 20)) == 2, room.manifest(recording["id"])

        # Drawn on, marked and taken.
        now = room.manifest(recording["id"])["recordings"][0]["segments"][0]["started_at"]
        room.run(worker.request("freeze", track=mine["camera"], at=now))
        board = room.run(worker.expect("board"))["board"]["id"]
        room.run(worker.request("annotate", board=board, annotation="1", shape=STROKE, colour=COLOUR))
        room.run(worker.request("clip", track=mine["camera"], seconds=2))
        mark = room.run(host.expect("clip_marked"))["clip"]
        assert mark["track"] == mine["camera"] and mark["participant"] == "wim"
        room.run(host.request("snapshot", track=mine["camera"]))
        picture = room.run(host.expect("snapshot"))
        assert (picture["width"], picture["height"]) == (media.WIDTH, media.HEIGHT), picture
        status, fields, body = room.picture(picture["url"], viewer.token)
        assert (status, body[:2]) == (200, b"\xff\xd8"), "the room's link opens the picture"
        other = Room(network, bridge, "elsewhere")
        stranger = other.come("host", "eve")
        assert room.picture(picture["url"], stranger.token)[0] == 403, "another room's link opens it, too"
        assert room.picture(picture["url"].replace(".jpg", "x.jpg"), viewer.token)[0] == 404

        # One leaves and comes back: another recording of the same stream.
        room.run(worker.leave())
        room.run(worker.close())
        worker = room.come("worker", "wim")
        assert worker.welcome["recording"]["id"] == recording["id"]
        room.run(worker.publish(**sources()))
        settle(written, lambda found: len(found) == 3, 20)
        room.ask("DELETE", room.path, expect=204)
    settle(lambda: room.is_ready(recording["id"]), bool, 20)
    manifest = room.manifest(recording["id"])
    validator().validate(manifest)
    assert manifest["ended_at"] and manifest["cause"] == "stopped"
    stays = {one["id"]: len(one["stays"]) for one in manifest["participants"]}
    assert {name: stays[name] for name in ("ada", "wim", "vic")} == {"ada": 1, "wim": 2, "vic": 1}
    own = [one for one in manifest["recordings"] if one["participant"] == "wim"]
    assert len(own) == 2 and own[0]["stream"] == own[1]["stream"] and len(manifest["recordings"]) == 3
    [drawn] = manifest["boards"]
    assert [(one["colour"], one["shape"]) for one in drawn["annotations"]] == [(COLOUR, STROKE)]
    [clip] = manifest["clips"]
    assert len(clip["clips"]) == 1, clip
    clip_path = tmp_path / "clip"
    status, _, body = bridge.get(f"/bridge/v1/clips/{clip['clips'][0]}/file", headers={"authorization": f"Bearer {bridge.operator_token}"})
    assert status == 200
    clip_path.write_bytes(body)
    assert float(media.probe(clip_path)[0]["duration"]) > 0.5
    [taken] = manifest["snapshots"]
    kept = f"/bridge/v1/room-recordings/{recording['id']}/snapshots/{taken['id']}.jpg"
    assert room.picture(kept, bridge.operator_token)[0] == 200
    assert room.picture(picture["url"], viewer.token)[0] == 404, "the room's picture outlives it"

    # At the destination: the files, and the manifest beside them.
    def delivered():
        return sorted(file.name for file in folder.iterdir() if not file.name.startswith(".") and "part" not in file.name)

    names = settle(delivered, lambda names: sum(name.endswith(".webm") for name in names) == 3 and any(name.endswith(".room.json") for name in names), 20)
    [beside] = [name for name in names if name.endswith(".room.json")]
    validator().validate(json.loads((folder / beside).read_text()))
    check_files(manifest, folder)

    kinds = [one["type"] for one in room.events() if one["type"].startswith("room")]
    pair = [kind for kind in kinds if kind in ("room.started", "room.ended") or kind.startswith("room_recording")]
    assert pair == ["room.started", "room_recording.started", "room_recording.ended", "room.ended", "room_recording.ready"], kinds

    # Played back: the stroke is seen at its time, and not when it is hidden.
    stream = urllib.parse.quote(own[0]["stream"], safe="")
    with viewer_browser.open(f"{bridge.base}/playback/{stream}?at={urllib.parse.quote(drawn['annotations'][0]['drawn_at'])}#token={bridge.operator_token}") as page:
        page.wait_for("window.viaduct?.state === 'ready' && viaduct.moment !== null && viaduct.boards?.length === 1", 20)
        page.evaluate("void document.getElementById('video').play()")
        page.wait_for("viaduct.drawn === 1", 15)
        page.evaluate("document.getElementById('video').pause()")
        middle = """(() => {
            const canvas = document.getElementById('drawings');
            const context = canvas.getContext('2d');
            return [...context.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data].join();
        })()"""
        assert page.evaluate(middle) == "255,45,149,255"
        page.click("drawings-key")
        page.wait_for(f"{middle} === '0,0,0,0'", 5)
    for client in (host, worker, viewer, stranger):
        room.run(client.close())


def test_a_room_is_recorded_as_one_picture_too(network, bridge, tmp_path):
    room = Room(network, bridge, "hall")
    host = room.come("host", "ada")
    room.run(host.publish(**sources()))
    recording = room.ask("POST", f"{room.path}/recording", {"mode": "both"}, 201)["id"]

    def written():
        return [one for one in room.manifest(recording)["recordings"] if any(two["duration_ms"] > 2000 for two in one["segments"])]

    assert len(settle(written, lambda found: len(found) == 2, 30)) == 2, room.manifest(recording)
    room.ask("DELETE", f"{room.path}/recording", expect=204)
    assert settle(lambda: room.is_ready(recording), bool, 30)
    manifest = room.manifest(recording)
    validator().validate(manifest)
    sizes = []
    for one in manifest["recordings"]:
        [segment] = one["segments"]
        file = tmp_path / segment["file"]
        file.parent.mkdir(parents=True, exist_ok=True)
        status, _, body = bridge.request(
            "GET", f"/bridge/v1/recordings/{one['id']}/file", headers={"authorization": f"Bearer {bridge.operator_token}"}, timeout=30)
        assert status == 200
        file.write_bytes(body)
        _, kinds = media.probe(file)
        sizes.append((one["participant"], kinds["video"]["width"], "audio" in kinds))
    assert set(sizes) == {("ada", media.WIDTH, True), (None, 1280, True)}, sizes
    # What made the picture ends with its recording.
    assert settle(lambda: [one["id"] for one in room.ask("GET", "/bridge/v1/streams")["streams"] if one["id"].startswith("composite-")], lambda left: not left, 20) == []
    room.run(host.close())


def test_whoever_was_muted_is_recorded_from_the_first_word_on(network, tmp_path):
    with Bridge(recording__first_media_timeout="2s") as bridge:
        room = Room(network, bridge, "quiet")
        host = room.come("host", "ada")
        tracks = room.run(host.publish(**sources()))
        for track in tracks.values():
            room.run(host.request("mute", track=track, muted=True))
        recording = room.ask("POST", f"{room.path}/recording", {}, 201)["id"]
        # Longer than a picture or a sound is waited for.
        time.sleep(4)
        assert room.manifest(recording)["recordings"] == []
        for count, kind in enumerate(("microphone", "camera"), start=1):
            room.run(host.request("mute", track=tracks[kind], muted=False))
            settle(lambda: room.manifest(recording)["recordings"], lambda found: len(found) == count, 20)
            time.sleep(4)
        room.ask("DELETE", f"{room.path}/recording", expect=204)
        assert settle(lambda: room.is_ready(recording), bool, 30)
        manifest = room.manifest(recording)
        validator().validate(manifest)
        heard, seen = manifest["recordings"]
        assert [one["failure"] for one in (heard, seen)] == [None, None]
        assert (heard["tracks"], sorted(seen["tracks"])) == ([tracks["microphone"]], sorted(tracks.values()))
        for one, wanted in ((heard, {"audio"}), (seen, {"audio", "video"})):
            status, _, body = bridge.request(
                "GET", f"/bridge/v1/recordings/{one['id']}/file", headers={"authorization": f"Bearer {bridge.operator_token}"}, timeout=30)
            assert status == 200
            file = tmp_path / one["id"]
            file.write_bytes(body)
            form, kinds = media.probe(file)
            assert set(kinds) == wanted and float(form["duration"]) > 3.5, (form, kinds)
        room.run(host.close())


def test_a_room_is_recorded_as_one_picture_alone_as_soon_as_one_may_be_made(network, bridge, tmp_path):
    room = Room(network, bridge, "stage")
    host = room.come("host", "ada")
    room.run(host.publish(**sources()))
    # As many as may be; nobody takes them, so that nothing runs.
    walls = [room.ask("POST", "/bridge/v1/composites", {"inputs": [], "start": "on_demand"}, 201)["id"] for _ in range(8)]
    refused = room.ask("POST", f"{room.path}/recording", {"mode": "composite"}, 429)
    assert refused["code"] == "limit_reached", refused
    assert room.ask("GET", room.path)["recording"] is None
    recording = room.ask("POST", f"{room.path}/recording", {"mode": "both"}, 201)["id"]

    def recordings():
        return room.manifest(recording)["recordings"]

    def composites():
        return [one for one in recordings() if one["kind"] == "composite"]

    settle(recordings, lambda found: len(found) == 2, 20)
    [missing] = composites()
    assert (missing["failure"]["code"], missing["failed_until"]) == ("limit_reached", None), missing
    validator().validate(room.manifest(recording))
    room.ask("DELETE", f"/bridge/v1/composites/{walls.pop()}", expect=204)
    [missing, made] = settle(composites, lambda found: len(found) == 2 and found[1]["segments"], 40)
    assert missing["begun_at"] < missing["failed_until"] == made["begun_at"] and made["failure"] is None, (missing, made)
    room.ask("DELETE", f"{room.path}/recording", expect=204)
    for wall in walls:
        room.ask("DELETE", f"/bridge/v1/composites/{wall}", expect=204)
    assert bridge.log().count("a room's picture is not recorded") == 1
    assert settle(lambda: room.is_ready(recording), bool, 30)

    alone = room.ask("POST", f"{room.path}/recording", {"mode": "composite"}, 201)["id"]
    settle(lambda: room.manifest(alone)["recordings"], lambda found: any(two["duration_ms"] > 2000 for one in found for two in one["segments"]), 30)
    room.ask("DELETE", room.path, expect=204)
    assert settle(lambda: room.is_ready(alone), bool, 30)
    manifest = room.manifest(alone)
    validator().validate(manifest)
    [one] = manifest["recordings"]
    assert (one["kind"], one["participant"], one["failure"], manifest["mode"]) == ("composite", None, None, "composite"), one
    status, _, body = bridge.request(
        "GET", f"/bridge/v1/recordings/{one['id']}/file", headers={"authorization": f"Bearer {bridge.operator_token}"}, timeout=30)
    assert status == 200
    file = tmp_path / "alone"
    file.write_bytes(body)
    form, kinds = media.probe(file)
    assert (kinds["video"]["width"], "audio" in kinds) == (1280, True) and float(form["duration"]) > 1.5, (form, kinds)
    room.run(host.close())


def test_a_room_whose_recording_cannot_be_written_is_not_recorded_and_everybody_knows(network):
    with Bridge() as bridge:
        room = Room(network, bridge, "full")
        host, viewer = room.come("host", "ada"), room.come("viewer", "vic")
        folder = pathlib.Path(bridge.data) / "rooms"
        folder.rename(folder.with_name("away"))
        with pytest.raises(Refused, match="recording_unavailable"):
            room.run(host.request("record", on=True))
        assert [room.run(viewer.expect("recording"))["recording"] is None for _ in range(2)] == [False, True]
        assert room.ask("POST", f"{room.path}/recording", {}, 409)["code"] == "recording_unavailable"
        assert room.ask("GET", room.path)["recording"] is None
        folder.with_name("away").rename(folder)
        room.run(host.request("record", on=True))
        assert room.ask("GET", room.path)["recording"]["participant"] == "ada"
        room.ask("DELETE", room.path, expect=204)
        kinds, begun = ("room_recording.started", "room_recording.ended"), ("room_recording.started", None)
        wanted = [begun, ("room_recording.ended", "failed")] * 2 + [begun, ("room_recording.ended", "stopped")]
        told = settle(
            lambda: [(one["type"], one["data"].get("cause")) for one in room.events() if one["type"] in kinds], lambda found: found == wanted, 10)
        assert told == wanted, told
        for client in (host, viewer):
            room.run(client.close())


def test_one_tap_in_the_page_records_marks_and_takes_a_picture(network, bridge, camera_browser, viewer_browser):
    room = calls.Room(bridge, "page")
    with room.come(camera_browser, "worker", "Wim") as worker, room.come(viewer_browser, "expert", "Eve") as expert:
        calls.sees(expert, *calls.own("Wim"))
        # Nothing is recorded yet, neither the room nor a camera by itself, and that is said.
        expert.click("clip-key")
        expert.wait_for("viaduct.refused.includes('not_recorded')", calls.PATIENCE)
        expert.click("record-key")
        worker.wait_for("document.getElementById('recorded').hidden === false && viaduct.room.recording?.mode === 'tracks'", calls.PATIENCE)
        expert.wait_for("viaduct.room.recording !== null", calls.PATIENCE)
        expert.click("clip-key")
        worker.wait_for("/^Eve marked the last (second|\\d+ seconds)\\.$/.test(document.getElementById('said').textContent)", calls.PATIENCE)
        sizes = settle(lambda: json.loads(worker.evaluate(SENT)), lambda found: len(found) > 2, 15)
        expert.evaluate("[...document.querySelectorAll('.tile')].find((tile) => tile.ariaLabel === 'Wim').querySelector('[data-act=snapshot]').click()")
        said = expert.wait_for("document.getElementById('said').textContent.startsWith('The picture of Wim was saved, ')"
                               " && document.getElementById('said').textContent", calls.PATIENCE)
        # The first one, too, is of the largest of the sizes that the camera sends. A busy browser leaves the largest out for a while.
        saved = re.fullmatch(r"The picture of Wim was saved, (\d{3,4}) by \d{3,4}\.", said)
        assert int(saved[1]) >= max(sizes), (said, sizes)
        expert.click("record-key")
        worker.wait_for("document.getElementById('recorded').hidden", calls.PATIENCE)
        assert expert.evaluate("viaduct.refused") == ["not_recorded"]
    room.close()


def test_what_was_kept_is_there_after_a_kill(network):
    with Bridge() as bridge:
        room = Room(network, bridge, "crash", record="tracks")
        host = room.come("host", "ada")
        recording = host.welcome["recording"]["id"]
        mine = room.run(host.publish(**sources()))

        def written():
            return [one for one in room.manifest(recording)["recordings"] if any(two["duration_ms"] > 1500 for two in one["segments"])]

        settle(written, bool, 20)
        at = room.manifest(recording)["started_at"]
        room.run(host.request("freeze", track=mine["camera"], at=at))
        board = room.run(host.expect("board"))["board"]["id"]
        room.run(host.request("annotate", board=board, annotation="1", shape=STROKE, colour=COLOUR))
        settle(lambda: [one["annotations"] for one in room.manifest(recording)["boards"]], lambda found: found and found[0])
        bridge.kill()
        room.run(host.close())
        bridge.start()
        settle(lambda: room.is_ready(recording), bool, 30)
        manifest = room.manifest(recording)
        validator().validate(manifest)
        assert manifest["cause"] == "bridge_restarted"
        assert [len(one["annotations"]) for one in manifest["boards"]] == [1]
        [one] = manifest["recordings"]
        check_files(manifest, pathlib.Path(bridge.data) / "spool")
        pair = [event["type"] for event in room.events() if event["type"].startswith("room_recording")]
        assert pair == ["room_recording.started", "room_recording.ended", "room_recording.ready"]
