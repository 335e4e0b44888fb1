"""The AAC that a camera sends is recorded as it is, beside its pictures, and played back; viewers get the pictures."""

import os
import signal
import subprocess
import time

import pytest

import aac
import layers
import media
from bridge import Bridge
from interop import Format, WebrtcbinPeer
from raw import settle
from whip import Leg

pytestmark = pytest.mark.sturdy
LARGEST_LOSS = 1.0  # seconds of received media, where a recorder is killed
LIMIT = 0.04  # seconds between a sound and its picture


@pytest.fixture(scope="module")
def bridge():
    with Bridge() as bridge:
        yield bridge


@pytest.fixture
def publish(bridge, network, monkeypatch):
    """Publishes the clip with AAC; the tracks."""
    aac.teach_aiortc(monkeypatch)
    legs = []

    def begin(stream):
        tracks = aac.tracks(media.clip("H264"))
        legs.append(Leg.publish(network, bridge, stream, bridge.token(stream, "publish"), tracks, "H264", aac.NAME))
        return tracks

    yield begin
    for leg in legs:
        leg.close()


def record(bridge, stream, container):
    order = (f"/bridge/v1/streams/{stream}/recordings", {"container": container}, bridge.operator_token)
    status, row = settle(lambda: bridge.post(*order), lambda reply: reply[0] != 404)
    assert status == 201, row
    state = settle(lambda: bridge.recording(row["id"])["state"], lambda state: state == "recording", timeout=15)
    assert state == "recording", f"{bridge.recording(row['id'])}\n{bridge.log()[-2000:]}"
    return row["id"]


def stop(bridge, recording, path):
    """The finished file, fetched from the bridge."""
    status, reply = bridge.post(f"/bridge/v1/recordings/{recording}/stop", {}, bridge.operator_token)
    assert status == 202, reply
    bearer = {"authorization": f"Bearer {bridge.operator_token}"}
    reply = settle(lambda: bridge.get(f"/bridge/v1/recordings/{recording}/file", headers=bearer), lambda reply: reply[0] == 200, timeout=20)
    assert reply[0] == 200, f"{bridge.recording(recording)}\n{bridge.log()[-2000:]}"
    path.write_bytes(reply[2])
    return path


def codecs(path):
    return {kind: stream["codec_name"] for kind, stream in media.probe(path)[1].items()}


def check_sync(path):
    """Sound and picture are of one moment all over the file."""
    film, heard = media.Film(path), aac.sounds(path)
    begins = {number: moment - number / media.RATE for number, moment in film.pictures}
    skews = sorted(
        moment - number * float(aac.STEP) - begins[beside] for number, moment in heard
        if (beside := int(number * float(aac.STEP) * media.RATE)) in begins)
    assert len(skews) > 0.8 * len(heard), "most sounds have no picture beside them"
    told = f"skew of {len(skews)} sounds: from {skews[0] * 1000:.1f} to {skews[-1] * 1000:.1f} ms, median {media.median(skews) * 1000:.1f} ms"
    print(f"\n{told}")
    ordered = sorted(abs(skew) for skew in skews)
    assert ordered[int(0.95 * len(ordered))] <= LIMIT, told


def test_aac_is_recorded_into_mp4_and_outlives_its_recorder(bridge, publish, viewer_browser, tmp_path):
    pictures, sounds = publish("aac-mp4")
    recording = record(bridge, "aac-mp4", "mp4")
    time.sleep(3)
    os.kill(bridge.child_with_open(lambda name: f"/{recording}/part-" in name, "the recording's file"), signal.SIGKILL)
    time.sleep(4)
    stopped = time.monotonic()
    file = stop(bridge, recording, tmp_path / "file.mp4")
    assert codecs(file) == {"video": "h264", "audio": "aac"} and media.decode_errors(file) == ""
    film, heard = media.Film(file), [number for number, _ in aac.sounds(file)]
    assert heard == sorted(set(heard)), "sounds come again or in a wrong order"
    unheard = set(range(heard[0], sounds.count_at(stopped))) - set(heard)
    lost = film.missing(pictures.count_at(stopped), 0)[0], len(unheard) * float(aac.STEP)
    assert max(lost) <= LARGEST_LOSS, f"{lost[0]:.2f} s of pictures and {lost[1]:.2f} s of sound are missing"
    check_sync(file)
    page = layers.open_page(bridge, viewer_browser)
    said = media.play(page, file, "video/mp4")
    assert said["shown"] > 40, said
    assert page.evaluate("document.querySelector('video').webkitAudioDecodedByteCount") > 1000, "the player decoded no sound"


def test_aac_is_recorded_into_matroska_and_played_back(bridge, publish, tmp_path):
    publish("aac-mkv")
    recording = record(bridge, "aac-mkv", "webm")  # which does not hold it
    time.sleep(5)
    file = stop(bridge, recording, tmp_path / "file.mkv")
    assert media.probe(file)[0]["format_name"] == "matroska,webm"
    assert codecs(file) == {"video": "h264", "audio": "aac"} and media.decode_errors(file) == ""
    check_sync(file)
    now = round(time.time() * 1000)
    query = f"from={now - 60_000}&to={now}&auth_token={bridge.operator_token}"
    master = f"/bridge/v1/streams/aac-mkv/hls/master.m3u8?{query}"
    status, _, body = bridge.get(master)
    assert status == 200 and b"mp4a.40.2" in body, body
    for name, address in (("hls.mp4", master), ("range.mp4", f"/bridge/v1/streams/aac-mkv/range.mp4?{query}")):
        copy = tmp_path / name
        reader = ["ffmpeg", "-v", "error", "-allowed_extensions", "ALL"] if name == "hls.mp4" else ["ffmpeg", "-v", "error"]
        done = subprocess.run([*reader, "-i", bridge.base + address, "-c", "copy", copy], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert codecs(copy) == {"video": "h264", "audio": "aac"} and media.decode_errors(copy) == ""
        check_sync(copy)


def test_viewers_of_a_camera_with_aac_get_its_picture_and_are_told(bridge, publish, viewer_browser):
    publish("aac-live")
    with viewer_browser.open(f"{bridge.base}/watch/aac-live#token={bridge.token('aac-live', 'watch')}") as page:
        page.wait_for("window.viaduct?.state === 'live'", 20)
        page.wait_for("!document.getElementById('silence').hidden", 10)
        assert "(AAC)" in page.evaluate("document.getElementById('silence').textContent")


def test_the_aac_of_webrtcbin_is_recorded(bridge, tmp_path):
    """A publisher that is not ours, at another clock rate."""
    with WebrtcbinPeer(bridge).publish("aac-gst", Format("H264", "MPEG4-GENERIC")):
        recording = record(bridge, "aac-gst", "mp4")
        time.sleep(3)
        file = stop(bridge, recording, tmp_path / "file.mp4")
    assert codecs(file) == {"video": "h264", "audio": "aac"} and media.decode_errors(file) == ""
    found, streams = media.probe(file)
    assert streams["audio"]["sample_rate"] == "44100"
    assert float(streams["audio"]["duration"]) == pytest.approx(float(found["duration"]), abs=0.3)
