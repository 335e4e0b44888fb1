"""Recordings that are over: held, removed here and at their destination, kept by rules, and looked after with `viaduct record`."""

import hashlib
import json
import os
import socket
import subprocess
import threading

import pytest

import media
from bridge import BINARY, ENVIRONMENT, Bridge
from raw import settle
from recordings import call, record
from rtm import Camera
from stores import S3, WebDAV

pytestmark = pytest.mark.sturdy


@pytest.fixture(scope="module")
def bridge():
    with Bridge(uploads__schedule="1s,1s,1s", recording__retention__interval="1s") as bridge:
        yield bridge


@pytest.fixture(scope="module")
def camera(network, bridge):
    with Camera(network, bridge, "gate", *media.clip("VP8").tracks(), codec="VP8") as camera:
        yield camera


@pytest.fixture(scope="module")
def s3():
    with S3() as store:
        yield store


@pytest.fixture(scope="module")
def dav():
    with WebDAV() as server:
        yield server


def complete(bridge, destination=None):
    """A short recording of the camera that is over, and at its destination where it has one."""
    recording = record(bridge, destination, container="webm")
    end = "ready" if destination is None else "delivered"
    row = settle(lambda: bridge.recording(recording), lambda row: row["state"] == end and row["segments"][0]["sha256"], timeout=30)
    assert row["state"] == end, row
    return recording


def removed(bridge, recording, timeout=30):
    return settle(
        lambda: bridge.recording(recording), lambda row: row["deletion"] and row["deletion"]["step"] in ("done", "failed"), timeout=timeout)


def spooled(bridge, recording):
    return [name for name in os.listdir(os.path.join(bridge.data, "spool")) if name.startswith(recording)]


def audited(bridge, recording):
    return [(one["action"], one["outcome"]) for one in call(bridge, "GET", f"/audit?recording={recording}")[1]["entries"]]


@pytest.mark.parametrize("kind", ["s3", "dav"])
def test_a_removal_reaches_the_destination_when_it_is_told_to(request, bridge, camera, kind):
    store = request.getfixturevalue(kind)
    names = store.keys if kind == "s3" else store.files
    kept, gone = (complete(bridge, store.destination(key="{camera}/{id}.webm")) for _ in range(2))
    status, row = call(bridge, "DELETE", f"/recordings/{kept}")
    assert status == 202 and row["deletion"]["destination"] is False, row
    status, row = call(bridge, "DELETE", f"/recordings/{gone}?destination=true")
    assert status == 202, row
    for recording in (kept, gone):
        row = removed(bridge, recording)
        assert row["deletion"]["step"] == "done" and [one["state"] for one in row["segments"]] == ["removed"], row
        assert spooled(bridge, recording) == []
        assert audited(bridge, recording) == [("delete", "done"), ("deleted", "done")]
    assert [name for name in names() if kept in name] and not [name for name in names() if gone in name], names()
    # Later the object may go, too, and doing it twice is no fault.
    for _ in range(2):
        assert call(bridge, "DELETE", f"/recordings/{kept}?destination=true")[0] == 202
        assert removed(bridge, kept)["deletion"]["destination"] is True
        settle(lambda: [name for name in names() if kept in name], lambda left: not left)
    assert not [name for name in names() if kept in name], names()


def test_a_hold_keeps_a_recording_whoever_wants_it_gone(bridge, camera):
    held, other = complete(bridge), complete(bridge)
    status, row = call(bridge, "PUT", f"/recordings/{held}/hold", {"reason": "case 4711"})
    assert status == 200 and row["hold"]["reason"] == "case 4711", row
    status, problem = call(bridge, "DELETE", f"/recordings/{held}")
    assert (status, problem["code"]) == (409, "recording_held") and "case 4711" in problem["detail"], problem
    assert call(bridge, "PUT", f"/streams/{row['stream']}/retention", {"age_seconds": 1})[0] == 200
    try:
        assert removed(bridge, other)["deletion"]["actor"] == "retention"
        assert spooled(bridge, held) and bridge.recording(held)["deletion"] is None
        assert call(bridge, "DELETE", f"/recordings/{held}/hold")[1]["hold"] is None
        row = removed(bridge, held)
        assert (row["deletion"]["actor"], row["deletion"]["cause"]) == ("retention", "age") and spooled(bridge, held) == [], row
    finally:
        assert call(bridge, "DELETE", f"/streams/{row['stream']}/retention")[0] == 204
    assert audited(bridge, held) == [
        ("hold", "done"), ("delete", "refused"), ("release", "done"), ("delete", "done"), ("deleted", "done")]
    told = [one for one in call(bridge, "GET", "/events?limit=1000")[1]["events"] if one["data"].get("recording_id") == held]
    kinds = [one["type"] for one in told][-3:]
    assert kinds == ["recording.held", "recording.released", "recording.deleted"], kinds


class Door:
    """Stands before the store; while it is shut, whoever comes is sent away."""

    def __init__(self, target):
        self.target, self.is_shut, self.inside = target, False, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.base = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.is_shut:
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self.target))
            self.inside += [client, server]
            for one, other in ((client, server), (server, client)):
                threading.Thread(target=self.pump, args=(one, other), daemon=True).start()

    @staticmethod
    def pump(source, sink):
        try:
            while data := source.recv(1 << 16):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            source.close()
            sink.close()

    def shut(self):
        self.is_shut = True
        for one in self.inside:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def test_a_killed_bridge_goes_on_with_a_removal(network, s3):
    door = Door(s3.port)
    destination = s3.destination(key="kill/{id}.webm")
    destination["s3"]["endpoint"] = door.base
    with Bridge(uploads__schedule="1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s") as bridge:
        with Camera(network, bridge, "kill", *media.clip("VP8").tracks(), codec="VP8"):
            recording = complete(bridge, destination)
        # The store is away, so that the kill falls between the files and the object.
        door.shut()
        assert call(bridge, "DELETE", f"/recordings/{recording}?destination=true")[0] == 202
        row = settle(lambda: bridge.recording(recording), lambda row: row["deletion"]["attempts"] > 0)
        assert row["deletion"]["step"] == "destination" and row["deletion"]["last_error"], row
        assert spooled(bridge, recording) == [] and [key for key in s3.keys() if recording in key]
        bridge.kill()
        door.is_shut = False
        bridge.start()
        row = removed(bridge, recording)
        assert row["deletion"]["step"] == "done", row
        assert not [key for key in s3.keys() if recording in key]
        assert audited(bridge, recording) == [("delete", "done"), ("deleted", "done")]
    door.listener.close()


def command(bridge, *arguments):
    """Exit status, output and complaint of `viaduct record`, with the settings of the bridge."""
    done = subprocess.run([BINARY, "record", *arguments, *bridge.arguments()], capture_output=True, text=True, timeout=30, env=ENVIRONMENT)
    return done.returncode, done.stdout, done.stderr


def test_the_commands_work_beside_a_bridge_and_without_it(network, s3, tmp_path):
    folder, exported = tmp_path / "films", tmp_path / "exported"
    with Bridge() as bridge:
        with Camera(network, bridge, "desk", *media.clip("VP8").tracks(), codec="VP8"):
            here, there = complete(bridge), complete(bridge, s3.destination(key="desk/{id}.webm"))
        assert call(bridge, "PUT", "/destinations/nas", {"folder": str(folder), "key": "{id}.webm"})[0] == 201
        status, output, _ = command(bridge, "list", "--json")
        rows = {row["id"]: row for row in map(json.loads, output.splitlines())}
        assert status == 0 and rows[here]["state"] == "ready" and rows[there]["state"] == "delivered", output
        status, output, _ = command(bridge, "list", "--state", "ready")
        assert status == 0 and here in output and there not in output, output
        assert "0 faults" in command(bridge, "verify", "--destination")[1]
        # The bridge that runs hears of the order.
        status, output, complaint = command(bridge, "redeliver", here, "--destination", "nas")
        assert status == 0, complaint
        row = settle(lambda: bridge.recording(here), lambda row: row["state"] == "delivered", timeout=20)
        assert row["state"] == "delivered" and (folder / f"{here}.webm").exists(), row
        assert ("redeliver", "done") in audited(bridge, here)
        status, problem = call(bridge, "POST", f"/recordings/{here}/redeliver", {"destination": "nowhere"})
        assert (status, problem["code"]) == (404, "not_found"), problem
        assert call(bridge, "POST", f"/recordings/{here}/redeliver")[0] == 202
        assert settle(lambda: bridge.recording(here)["state"], "delivered".__eq__, timeout=20) == "delivered"
        sha256 = bridge.recording(here)["segments"][0]["sha256"]
        assert bridge.stop() == 0

        status, output, complaint = command(bridge, "export", here, str(exported))
        assert status == 0, complaint
        manifest = json.loads((exported / f"{here}.webm.json").read_text())
        assert manifest["sha256"] == sha256 == hashlib.sha256((exported / f"{here}.webm").read_bytes()).hexdigest()
        assert media.decode_errors(exported / f"{here}.webm") == ""
        # One byte is another one, one object and one copy are away.
        path = os.path.join(bridge.data, "spool", f"{here}.webm")
        with open(path, "r+b") as file:
            file.seek(-1, os.SEEK_END)
            last = file.read(1)[0]
            file.seek(-1, os.SEEK_END)
            file.write(bytes([last ^ 1]))
        s3.client.delete_object(Bucket=s3.bucket, Key=f"desk/{there}.webm")
        status, output, _ = command(bridge, "verify", "--destination")
        assert status == 1 and f"{here}.webm: its SHA-256 is another one" in output and f"{there}.webm: it is missing at" in output, output
        assert "2 faults" in output, output
        status, output, complaint = command(bridge, "export", here, str(tmp_path / "again"))
        assert status != 0 and "is not what was recorded" in complaint and not list((tmp_path / "again").glob("*")), complaint
        os.remove(path)
        assert f"{here}.webm: the file is missing" in command(bridge, "verify", here)[1]
        assert command(bridge, "verify", there)[0] == 0
        status, _, complaint = command(bridge, "redeliver", "nothing")
        assert status != 0 and "There is no recording" in complaint, complaint


def test_verify_finds_a_wrong_byte_in_the_middle_wherever_it_is(bridge, camera, s3, dav, tmp_path):
    assert call(bridge, "PUT", "/destinations/shelf", {"folder": str(tmp_path), "key": "{id}.webm"})[0] == 201
    places = [s3.destination(key="verify/{id}.webm"), dav.destination(key="verify/{id}.webm"), {"name": "shelf"}]
    ids = cloud, server, shelf = [complete(bridge, place) for place in places]
    status, output, _ = command(bridge, "verify", "--destination", *ids)
    assert status == 0 and "3 recordings, 3 files on the bridge, 0 faults" in output, output
    # With nothing here to compare with they are read.
    for one in ids:
        os.rename(os.path.join(bridge.data, "spool", f"{one}.webm"), tmp_path / f"{one}.aside")
    status, output, _ = command(bridge, "verify", "--destination", *ids)
    assert output.count("the file is missing") == 3 and "3 faults" in output, output
    for one in ids:
        os.rename(tmp_path / f"{one}.aside", os.path.join(bridge.data, "spool", f"{one}.webm"))
    s3.client.put_object(Bucket=s3.bucket, Key=f"verify/{cloud}.webm", Body=flipped(s3.bytes(f"verify/{cloud}.webm")))
    for path in (os.path.join(dav.films, "verify", f"{server}.webm"), tmp_path / f"{shelf}.webm"):
        with open(path, "r+b") as file:
            wrong = flipped(file.read())
            file.seek(0)
            file.write(wrong)
    status, output, _ = command(bridge, "verify", "--destination", *ids)
    assert status == 1 and "3 faults" in output, output
    for one in ids:
        assert f"{one}.webm: its content is another one at" in output, output


def test_verify_takes_an_object_that_was_sent_in_parts_and_finds_a_wrong_byte_in_one(bridge, camera, s3):
    one = complete(bridge, s3.destination(key="parts/{id}.webm"))
    key = f"parts/{one}.webm"
    right = s3.bytes(key)
    here = os.path.join(bridge.data, "spool", f"{one}.webm")
    for content, words in ((right, "0 faults"), (flipped(right), "its content is another one at")):
        in_parts(s3, key, content)
        assert s3.client.head_object(Bucket=s3.bucket, Key=key)["ETag"].endswith('-1"'), "it is not in parts"
        assert words in command(bridge, "verify", "--destination", one)[1]
    # The tag proves nothing when there is nothing to cut into parts here: the object is read.
    os.rename(here, f"{here}.aside")
    assert "its content is another one at" in command(bridge, "verify", "--destination", one)[1]
    in_parts(s3, key, right)
    assert "1 fault" in (output := command(bridge, "verify", "--destination", one)[1]) and "another" not in output, output
    os.rename(f"{here}.aside", here)


def in_parts(s3, key, content):
    """Puts an object as multipart uploads do; its entity tag is not the MD5 of its bytes."""
    place = {"Bucket": s3.bucket, "Key": key}
    place["UploadId"] = s3.client.create_multipart_upload(**place)["UploadId"]
    tag = s3.client.upload_part(**place, PartNumber=1, Body=content)["ETag"]
    s3.client.complete_multipart_upload(**place, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": tag}]})


def flipped(data):
    """The same bytes but for one bit in the middle."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1:]
