"""Recordings on real servers: S3 with boto3 to check, WebDAV, presigned URLs, fallbacks; a bridge that is killed goes on where it was."""

import hashlib
import json
import os
import socket
import sqlite3
import threading
import time

import pytest

import media
from bridge import Bridge
from raw import settle
from recordings import call, reaches, record, stream_of
from rtm import Camera
from stores import S3, WebDAV

pytestmark = pytest.mark.sturdy

MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def s3():
    with S3() as store:
        yield store


@pytest.fixture(scope="module")
def dav():
    with WebDAV() as server:
        yield server


@pytest.fixture(scope="module")
def bridge():
    with Bridge(uploads__schedule="300ms,300ms,300ms", uploads__stall_timeout="5s") as bridge:
        yield bridge


@pytest.fixture(scope="module")
def camera(network, bridge):
    with Camera(network, bridge, "gate 3", *media.clip("VP8").tracks(), codec="VP8") as camera:
        yield camera


def settled(bridge, recording, timeout=20):
    row = reaches(bridge, recording, "delivered", "failed", "ready", timeout=timeout)
    assert row["state"] == "delivered", json.dumps(row)


def sha256_here(bridge, recording):
    """Of the file that is still on the bridge."""
    status, _, body = bridge.get(f"/bridge/v1/recordings/{recording}/file", headers={"authorization": f"Bearer {bridge.operator_token}"})
    assert status == 200, status
    return hashlib.sha256(body).hexdigest()


def test_a_recording_is_an_s3_object_with_its_tags_and_encryption(bridge, camera, s3):
    recording = record(bridge, s3.destination(
        key="{camera}/{year}/{id}.mp4", tags={"case": "7 b", "kept": "yes"}, encryption="AES256", storage_class="STANDARD"))
    settled(bridge, recording)
    [key] = [key for key in s3.keys() if recording in key]
    assert key.startswith("gate_3/2") and key.endswith(f"{recording}.webm"), key
    assert hashlib.sha256(s3.bytes(key)).hexdigest() == sha256_here(bridge, recording)
    head = s3.client.head_object(Bucket=s3.bucket, Key=key)
    assert (head.get("ServerSideEncryption"), head["ContentType"]) == ("AES256", "video/webm"), head
    tags = s3.client.get_object_tagging(Bucket=s3.bucket, Key=key)["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"case": "7 b", "kept": "yes"}
    assert "hush" not in bridge.log(), "the log holds a destination's secret"


def test_a_url_presigned_by_boto3_gets_the_file(bridge, camera, s3):
    url = s3.client.generate_presigned_url("put_object", {"Bucket": s3.bucket, "Key": "presigned"}, ExpiresIn=60)
    recording = record(bridge, {"url": url})
    settled(bridge, recording)
    assert hashlib.sha256(s3.bytes("presigned")).hexdigest() == sha256_here(bridge, recording)


def test_a_recording_is_a_file_of_a_webdav_server(bridge, camera, dav):
    recording = record(bridge, dav.destination(key="Küche/{camera} {date}/{id}.mp4"))
    settled(bridge, recording)
    [name] = [name for name in dav.files() if recording in name]
    assert name.startswith("Küche/gate_3 2"), name
    with open(os.path.join(dav.films, name), "rb") as file:
        assert hashlib.sha256(file.read()).hexdigest() == sha256_here(bridge, recording)
    assert not [name for name in dav.files() if name.endswith(".part")], "a temporary file was left"


@pytest.mark.parametrize("wrong, words", [
    ({"secret_key": "other"}, "access key"), ({"access_key": "nobody"}, "access key"),
])
def test_what_is_wrong_with_a_store_is_said_and_the_fallback_gets_the_recording(bridge, camera, s3, tmp_path, wrong, words):
    name = f"wrong-{next(iter(wrong)).replace('_', '-')}"
    destination = {**s3.destination(**wrong), "fallback": {"folder": str(tmp_path), "key": "{account}/{id}.mp4"}}
    assert call(bridge, "PUT", f"/destinations/{name}", destination)[0] == 201
    status, trial = call(bridge, "POST", f"/destinations/{name}/test")
    assert status == 200 and trial["fallback"] == {"works": True, "detail": None}, trial
    assert not trial["destination"]["works"] and words in trial["destination"]["detail"], trial
    assert not [files for _, _, files in os.walk(tmp_path) if files], "the trial left something"
    recording = record(bridge, {"name": name})
    settled(bridge, recording)
    [found] = [os.path.join(folder, file) for folder, _, files in os.walk(tmp_path) for file in files]
    assert found.endswith(f"/{recording}.webm"), found
    with open(found, "rb") as file:
        assert hashlib.sha256(file.read()).hexdigest() == sha256_here(bridge, recording)


def test_a_stream_that_is_assigned_a_destination_goes_there(bridge, camera, s3, dav):
    for name, destination in {"cloud": s3.destination(), "nas": dav.destination()}.items():
        assert call(bridge, "PUT", f"/destinations/{name}", destination)[0] == 201
        assert call(bridge, "POST", f"/destinations/{name}/test")[1] == {"destination": {"works": True, "detail": None}}
    assert not [key for key in s3.keys() + dav.files() if "trial" in key], "the trial left something"
    place = f"/streams/{stream_of(bridge)}/destination"
    assert call(bridge, "PUT", place, {"destination": "nas"})[0] == 200
    recording = record(bridge, None)
    settled(bridge, recording)
    assert [name for name in dav.files() if recording in name]
    assert call(bridge, "PUT", place, {"destination": None})[0] == 200


class Gate:
    """Stands before the store; counts the bodies of parts that passed, and lets `open_for` of them through until it is opened wide. While it is `mute`, no
    answer passes."""

    def __init__(self, target):
        self.target, self.bytes, self.limit, self.mute = target, 0, None, False
        self.open(0)
        self.base = f"http://127.0.0.1:{self.port}"

    def open(self, port):
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port, self.clients = self.listener.getsockname()[1], []
        threading.Thread(target=self.serve, args=(self.listener,), daemon=True).start()

    def serve(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self.clients.append(client)
            server = socket.create_connection(("127.0.0.1", self.target))
            threading.Thread(target=self.pump, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self.pump, args=(server, client, False), daemon=True).start()

    def pump(self, source, sink, counts):
        try:
            while data := source.recv(1 << 16):
                while counts and self.limit is not None and self.bytes + len(data) > self.limit:
                    time.sleep(0.02)
                while not counts and self.mute:
                    time.sleep(0.02)
                if counts:
                    self.bytes += len(data)
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            source.close()
            sink.close()

    def close(self):
        """The store is away: whoever calls is refused, and whoever was calling is cut off."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for client in self.clients:
            try:
                client.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it had ended


def test_a_killed_bridge_goes_on_with_the_parts_that_the_store_has(network, s3):
    """A file of 40 MiB, of which 24 have passed at the kill: the rest alone is sent afterwards. The store checks each signature and hash."""
    gate = Gate(s3.port)
    with Bridge(uploads__schedule="300ms,300ms,300ms") as bridge:
        with Camera(network, bridge, "long", *media.clip("VP8").tracks(), codec="VP8"):
            gate.limit = 0
            destination = s3.destination(key="killed/{id}.mp4")
            destination["s3"]["endpoint"] = gate.base
            recording = record(bridge, destination)
            reaches(bridge, recording, "uploading")
            bridge.kill()
        # Nobody films 40 MiB in a test: what was filmed is followed by noise.
        path = os.path.join(bridge.data, "spool", f"{recording}.webm")
        with open(path, "ab") as file:
            file.write(os.urandom(40 * MEBIBYTE - os.path.getsize(path)))
        with open(path, "rb") as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        gate.bytes, gate.limit = 0, 25 * MEBIBYTE
        bridge.start()
        end = time.monotonic() + 30
        while gate.bytes < 24.5 * MEBIBYTE and time.monotonic() < end:
            time.sleep(0.02)
        sent = gate.bytes
        assert sent >= 24.5 * MEBIBYTE, f"only {sent} bytes have passed: {bridge.log()[-2000:]}"
        bridge.kill()
        gate.bytes, gate.limit = 0, None
        bridge.start()
        settled(bridge, recording, timeout=30)
        [key] = [key for key in s3.keys() if recording in key]
        assert hashlib.sha256(s3.bytes(key)).hexdigest() == digest
        assert gate.bytes < 25 * MEBIBYTE, f"{sent} bytes had been sent, and after the kill {gate.bytes} more"
        assert not s3.client.list_multipart_uploads(Bucket=s3.bucket).get("Uploads"), "an unfinished upload was left"
    gate.close()


def killed_before_the_upload(network, bridge, s3, gate, stream, size):
    """The id of a recording whose file is larger by `size` bytes than it was when the bridge died; through the gate nothing reached the store."""
    with Camera(network, bridge, stream, *media.clip("VP8").tracks(), codec="VP8"):
        gate.limit = 0
        destination = s3.destination(key=stream + "/{id}.mp4")
        destination["s3"]["endpoint"] = gate.base
        recording = record(bridge, destination)
        reaches(bridge, recording, "uploading")
        bridge.kill()
    with open(os.path.join(bridge.data, "spool", f"{recording}.webm"), "ab") as file:
        file.write(os.urandom(size))
    return recording


def test_parts_of_an_upload_that_was_given_up_do_not_stay_at_the_store(network, s3):
    """The store is away when the upload is given up, and the bridge is killed then: the abort is in the ledger, and made when both are back."""
    gate = Gate(s3.port)
    with Bridge(uploads__schedule="300ms") as bridge:
        recording = killed_before_the_upload(network, bridge, s3, gate, "given-up", 20 * MEBIBYTE)
        gate.bytes, gate.limit = 0, 9 * MEBIBYTE
        bridge.start()
        unfinished = lambda: s3.client.list_multipart_uploads(Bucket=s3.bucket).get("Uploads") or []
        assert settle(lambda: gate.bytes, lambda count: count > 8.5 * MEBIBYTE, timeout=30) > 8.5 * MEBIBYTE
        assert len(unfinished()) == 1
        gate.close()
        reaches(bridge, recording, "failed")
        bridge.kill()
        assert len(unfinished()) == 1, "the store was away and yet told"
        gate.limit = None
        gate.open(gate.port)
        bridge.start()
        assert not settle(unfinished, lambda uploads: not uploads, timeout=20), bridge.log()[-2000:]
    gate.close()


def test_an_upload_whose_id_was_lost_at_the_kill_does_not_stay_at_the_store(network, s3):
    """The bridge dies between the store's answer and its own ledger: nobody knows the upload's id any more, and others' uploads are there, too."""
    gate = Gate(s3.port)
    unfinished = lambda: s3.client.list_multipart_uploads(Bucket=s3.bucket).get("Uploads") or []
    with Bridge(uploads__schedule="300ms,300ms,300ms") as bridge:
        recording = killed_before_the_upload(network, bridge, s3, gate, "lost", 9 * MEBIBYTE)
        gate.limit, gate.mute = None, True
        bridge.start()
        assert len(settle(unfinished, len, timeout=30)) == 1, "the store was not asked"
        bridge.kill()
        foreign = s3.client.create_multipart_upload(Bucket=s3.bucket, Key=f"lost/{recording}.webm2")["UploadId"]
        later(bridge)
        gate.mute = False
        bridge.start()
        settled(bridge, recording, timeout=30)
        left = settle(unfinished, lambda uploads: len(uploads) == 1, timeout=20)
        assert [upload["UploadId"] for upload in left] == [foreign], bridge.log()[-2000:]
    gate.close()


def later(bridge):
    """An hour passes between two lives of the bridge: it looks after an answer when nobody can wait for it any more."""
    with sqlite3.connect(os.path.join(bridge.data, "viaduct.db")) as database:
        changed = database.execute("UPDATE upload_intentions SET asked_at = asked_at - 3600000000000").rowcount
    database.close()
    assert changed == 1, f"{changed} uploads are remembered as asked for"
