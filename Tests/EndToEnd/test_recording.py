"""What a camera publishes is what the user gets: the file, its place, and the webhook that tells of it."""

import datetime
import json
import os
import pathlib
import time

import pytest
from aiortc.contrib.media import MediaPlayer

import media
from bridge import ROOT, Bridge
from receiver import signature_is_right
from rtm import Camera

SECRET = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
CONTAINERS = {"VP8": b"webm", "H264": b"matroska"}  # the document types of Eyeson's rule: WebM, Matroska for H.264
SOUND_DELAY = 0.1  # seconds by which picture and sound may begin apart


@pytest.fixture(scope="module")
def bridge():
    with Bridge(webhooks__secret=SECRET) as bridge:
        yield bridge


def check_file(path, codec):
    """The file plays without complaint, holds these codecs, and its sound begins with its picture."""
    assert media.decode_errors(path) == ""
    _, streams = media.probe(path)
    assert {kind: stream["codec_name"] for kind, stream in streams.items()} == {"video": codec.lower(), "audio": "opus"}
    begin = {kind: float(stream["start_time"]) for kind, stream in streams.items()}
    assert abs(begin["video"] - begin["audio"]) <= SOUND_DELAY, f"the tracks begin at {begin}"


def duration(path):
    return float(media.probe(path)[0]["duration"])


def seconds_of(text):
    return datetime.datetime.fromisoformat(text).timestamp()


def check_webhook(receiver, path, camera, recording, file):
    """One upload_ready of the contract, signed, with the figures of this file; returns it."""
    where, headers, body, _ = next(one for one in receiver.webhooks if one[0] == path)
    assert signature_is_right(SECRET, headers, body), f"the signature of {where} is wrong: {headers}"
    assert abs(time.time() - int(headers["webhook-timestamp"])) < 30
    assert (headers["content-type"], headers["user-agent"]) == ("application/json", "Viaduct-Webhook/1")
    event = json.loads(body)
    schema = json.loads(pathlib.Path(ROOT, "signaling", "webhooks", "upload_ready.json").read_text())
    assert set(schema["required"]) <= event.keys()
    assert (event["status"], event["rec_id"]) == ("upload_ready", recording)
    assert (event["client_id"], event["session_id"]) == (camera.client.client_id, camera.client.session_id)
    assert event["recording_file_size_bytes"] == os.path.getsize(file)
    assert event["recording_file_duration_ms"] == pytest.approx(duration(file) * 1000, abs=2)
    moments = [seconds_of(event[f"recording_{name}_at"]) for name in ("started", "first_frame_written", "stopped")]
    assert moments == sorted(moments), f"the times are not in order: {event}"
    return event


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_a_file_that_aiortc_encodes_is_delivered_whole(network, bridge, receiver, tmp_path, codec):
    player = MediaPlayer(media.clip(codec).path)
    upload, hook = f"/encoded-{codec}", f"/encoded-{codec}-hook"
    with Camera(network, bridge, f"encoder-{codec}", player.video, player.audio, codec=codec) as camera:
        recording = camera.record(upload_url=receiver.base + upload, webhook_url=receiver.base + hook)
        began = time.monotonic()
        time.sleep(5)
        asked = time.monotonic() - began
        camera.stop_recording(recording)
        camera.expect("recording_state", rec_id=recording, state="uploaded")
        receiver.wait_for_webhook("upload_ready", hook)
        file = tmp_path / "file"
        file.write_bytes(receiver.uploads[upload])
        check_webhook(receiver, hook, camera, recording, file)
    check_file(file, codec)
    assert CONTAINERS[codec] in file.read_bytes()[:64]
    film = media.Film(file)
    recorded = (film.last - film.first + 1) / media.RATE
    assert duration(file) == pytest.approx(recorded, abs=0.2), f"the file shows pictures {film.first} to {film.last}"
    assert duration(file) >= asked - 0.2, f"{asked} s were asked for"
    assert film.repeated() == []


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_no_frame_is_lost_repeated_or_shifted(network, bridge, receiver, tmp_path, codec):
    clip = media.clip(codec)
    pictures, sounds = clip.tracks()
    upload, hook = f"/exact-{codec}", f"/exact-{codec}-hook"
    with Camera(network, bridge, f"exact-{codec}", pictures, sounds, codec=codec) as camera:
        asked_at = pictures.count_at(time.monotonic())
        recording = camera.record(upload_url=receiver.base + upload, webhook_url=receiver.base + hook)
        told_at = pictures.count_at(time.monotonic())
        time.sleep(4)
        sent = pictures.count_at(time.monotonic()), sounds.count_at(time.monotonic())
        camera.stop_recording(recording)
        file = tmp_path / "file"
        file.write_bytes(receiver.wait_for_upload(upload))
        receiver.wait_for_webhook("upload_ready", hook)
        event = check_webhook(receiver, hook, camera, recording, file)
    check_file(file, codec)
    film = media.Film(file, clip)
    assert asked_at - 2 <= film.first <= told_at, "the recording began before it was asked for, or later than it said"
    unseen, unheard = film.missing(*sent)
    assert unseen <= 2 / media.RATE and unheard <= 5 * media.SOUND_PACKET, f"{unseen} s of pictures and {unheard} s of sound are missing"
    assert film.repeated() == []
    assert abs(film.skew()) <= SOUND_DELAY, f"sound comes {film.skew()} s after its picture"
    assert duration(file) == pytest.approx((film.last - film.first + 1) / media.RATE, abs=0.2)
    captured = seconds_of(event["recording_first_peerframe_captured_at"])
    sent_at = time.time() - (time.monotonic() - pictures.sent[film.first])
    assert captured == pytest.approx(sent_at, abs=0.2), "the first picture was sent at another time than its sender reports say"


def test_the_operator_gets_an_mp4(network, bridge, receiver, viewer_browser, tmp_path):
    clip = media.clip("H264")
    with Camera(network, bridge, "mp4", *clip.tracks(), codec="H264"):
        order = {"container": "mp4", "destination": {"url": receiver.base + "/mp4"}}
        status, recording = bridge.post("/bridge/v1/streams/mp4/recordings", order, bridge.operator_token)
        assert status == 201, recording
        time.sleep(3)
        status, reply = bridge.post(f"/bridge/v1/recordings/{recording['id']}/stop", {}, bridge.operator_token)
        assert status == 202, reply
        file = tmp_path / "file.mp4"
        file.write_bytes(receiver.wait_for_upload("/mp4"))
    check_file(file, "H264")
    assert file.read_bytes()[4:8] == b"ftyp"
    film = media.Film(file)
    assert film.repeated() == []
    assert duration(file) == pytest.approx((film.last - film.first + 1) / media.RATE, abs=0.2)
    with viewer_browser.open(f"{receiver.base}/page") as page:
        page.wait_for("Boolean(document.body)", 10)
        said = media.play(page, file, "video/mp4")
    assert said["duration"] == pytest.approx(duration(file), abs=0.1) and said["shown"] > 20, said


def test_without_a_destination_it_stays_on_the_bridge(network, bridge, receiver, tmp_path):
    with Camera(network, bridge, "stored", *media.clip("VP8").tracks(), codec="VP8") as camera:
        recording = camera.record(webhook_url=receiver.base + "/stored-hook")
        time.sleep(2)
        camera.stop_recording(recording)
        camera.expect("recording_state", rec_id=recording, state="stored")
        receiver.wait_for_webhook("upload_ready", "/stored-hook")
        file = tmp_path / "file"
        bearer = {"authorization": f"Bearer {bridge.operator_token}"}
        path = f"/bridge/v1/recordings/{recording}/file"
        status, _, body = bridge.get(path, headers=bearer)
        assert status == 200
        file.write_bytes(body)
        check_webhook(receiver, "/stored-hook", camera, recording, file)
        assert bridge.get(path, headers={**bearer, "range": "bytes=10-19"})[::2] == (206, body[10:20])
        assert bridge.get(path)[0] == 401, "a recording was given away without a token"
    check_file(file, "VP8")


def test_the_configured_folder_gets_the_file(network, receiver, tmp_path):
    folder = tmp_path / "recordings"
    with Bridge(webhooks__secret=SECRET, recording__destination=str(folder)) as bridge:
        with Camera(network, bridge, "folder", *media.clip("VP8").tracks(), codec="VP8") as camera:
            recording = camera.record(webhook_url=receiver.base + "/folder-hook")
            time.sleep(2)
            assert camera.leave() == "CLIENT_STOP"
            receiver.wait_for_webhook("upload_ready", "/folder-hook")
            [file] = folder.iterdir()
            assert file.name == f"{recording}.webm"
            check_webhook(receiver, "/folder-hook", camera, recording, file)
    check_file(file, "VP8")
