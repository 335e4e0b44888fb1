"""`viaduct camera`, as a person at its console meets it: at a bridge by RTM and by WHIP, with a file, and with what is refused."""

import array
import cmath
import contextlib
import hashlib
import json
import queue
import re
import signal
import subprocess
import threading
import time

import pytest

from bridge import BINARY, ENVIRONMENT, Bridge, free_port
from calls import Room
from raw import settle
from rooms import RoomClient
from rtsp import RTSPCamera
from whip import Leg

pytestmark = pytest.mark.sturdy

PATIENCE = 30  # seconds for anything that must come
NAME = "gate"
AWAY_SECONDS = 2  # how long the bridge stays away


class ViaductCamera:
    """The program, with its log on a pipe."""

    def __init__(self, *options, small=True, environment=ENVIRONMENT, program=BINARY):
        picture = ["--size", "320x240", "--fps", "15", "--bitrate", "300k"] if small else []
        self.lines, self.news = [], queue.Queue()
        self.process = subprocess.Popen(
            [program, "camera", "--name", NAME, *picture, *options], stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stderr:
            self.news.put(line)
        self.news.put(None)

    def wait_for(self, pattern, seconds=PATIENCE):
        """The next line in which the pattern is found."""
        end = time.monotonic() + seconds
        while True:
            try:
                line = self.news.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                line = None
            assert line is not None, f"no line with {pattern!r}; printed: {''.join(self.lines)}"
            self.lines.append(line)
            if re.search(pattern, line):
                return line

    def end(self):
        """Ctrl-C: its exit status and what it printed."""
        self.process.send_signal(signal.SIGINT)
        return self.result()

    def result(self):
        status = self.process.wait(PATIENCE)
        while (line := self.news.get(timeout=PATIENCE)) is not None:
            self.lines.append(line)
        return status, "".join(self.lines)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@contextlib.contextmanager
def token_file(folder, token):
    path = folder / "token"
    path.write_text(token + "\n")
    yield str(path)


def place(bridge, kind):
    return f"ws://127.0.0.1:{bridge.port}" if kind == "rtm" else f"{bridge.base}/whip/{NAME}"


def streams(bridge):
    try:
        status, _, body = bridge.get("/bridge/v1/streams", headers={"authorization": f"Bearer {bridge.operator_token}"})
    except OSError:
        return ""
    return body if status == 200 else ""


@contextlib.contextmanager
def watching(network, bridge):
    assert settle(lambda: f'"{NAME}"' in str(streams(bridge)), bool, PATIENCE), streams(bridge)
    with Leg.watch(network, bridge, NAME, bridge.token(NAME, "watch")) as viewer:
        yield viewer


def sees_and_hears(viewer):
    seen = settle(lambda: dict(viewer.frames), lambda counts: counts["video"] >= 10 and counts["audio"] >= 20, PATIENCE)
    assert seen["video"] >= 10 and seen["audio"] >= 20, seen


def health_of(bridge):
    """What the camera's agent has said last of how it is; None: nothing."""
    status, _, body = bridge.get(f"/bridge/v1/cameras/{NAME}", headers={"authorization": f"Bearer {bridge.operator_token}"})
    assert status == 200, body
    return json.loads(body)["health"]


def ends_well(camera, bridge):
    """Ctrl-C: the bridge is told, so that it does not wait for the camera to come back."""
    status, text = camera.end()
    assert status == 0, text
    assert "connection_lost" not in text.rpartition("camera: live")[2], text
    assert settle(lambda: f'"{NAME}"' in str(streams(bridge)), lambda there: not there, 5) is False


def test_the_picture_comes_back_when_the_bridge_does(network, tmp_path):
    with Bridge() as bridge, token_file(tmp_path, bridge.token(NAME, "publish")) as token:
        gaps = tmp_path / "gaps"
        with ViaductCamera("--to", place(bridge, "rtm"), "--token-file", token, "--codec", "vp8", "--offline-folder", str(gaps)) as camera:
            with watching(network, bridge) as viewer:
                sees_and_hears(viewer)
            bridge.kill()
            camera.wait_for("not live any more")
            camera.wait_for("recording here while offline")
            time.sleep(AWAY_SECONDS)
            bridge.start()
            with watching(network, bridge) as viewer:
                sees_and_hears(viewer)
            camera.wait_for("recorded here while offline")
            # The gap is brought to the bridge, and forgotten here.
            line = camera.wait_for("a file recorded here is a recording of the bridge now")
            recording = re.search(r"recording=(\S+)", line)[1]
            ends_well(camera, bridge)
        assert list(gaps.rglob("*.*")) == []
        film = tmp_path / "film"
        film.write_bytes(finished(bridge, recording))
        done = subprocess.run(
            ["ffprobe", "-v", "error", "-count_frames", "-show_entries", "format=duration:stream=codec_name,nb_read_frames", "-of", "json", str(film)],
            capture_output=True, text=True)
        shown = json.loads(done.stdout)
        assert done.stderr == "" and float(shown["format"]["duration"]) > AWAY_SECONDS, (done.stderr, shown)
        frames = {stream["codec_name"]: int(stream["nb_read_frames"]) for stream in shown["streams"]}
        assert frames["vp8"] > 10 and frames["opus"] > 50, shown
        status, answer = footage(bridge, film.read_bytes())
        assert (status, answer["received"]) == (201, film.stat().st_size), answer
        # The same file again is the same recording.
        assert footage(bridge, film.read_bytes()) == (200, answer)
        finished(bridge, answer["recording"])


def finished(bridge, recording):
    """The file of a recording of the camera's own, when it is complete."""
    shown = settle(lambda: bridge.recording(recording), lambda row: row["state"] == "ready", PATIENCE)
    assert shown["state"] == "ready", shown
    headers = {"authorization": f"Bearer {bridge.operator_token}"}
    status, _, body = bridge.get(f"/bridge/v1/recordings/{recording}/file", headers=headers)
    assert status == 200, body[:300]
    return body


def footage(bridge, file, piece=None, allow="publish", offset=0, **query):
    """The reply to a piece of a file that a camera recorded by itself."""
    query = {"sha256": hashlib.sha256(file).hexdigest(), "size": len(file), "offset": offset} | query
    path = f"/bridge/v1/streams/{NAME}/footage?" + "&".join(f"{name}={value}" for name, value in query.items())
    headers = {"authorization": f"Bearer {bridge.token(NAME, allow)}"}
    status, _, body = bridge.request("POST", path, file if piece is None else piece, headers)
    return status, body if isinstance(body, dict) else json.loads(body)


def test_only_whole_recordings_of_cameras_become_recordings():
    rubbish = b"\x1a\x45\xdf\xa3" + bytes(1000)
    with Bridge() as bridge:
        assert footage(bridge, rubbish, allow="watch")[0] == 403
        for wrong in ({"sha256": "x"}, {"size": 0}, {"size": 1 << 40}, {"offset": -1}, {"offset": 1005}):
            status, problem = footage(bridge, rubbish, **wrong)
            assert (status, problem["code"]) == (400, "invalid_field"), (wrong, problem)
        # Piece by piece; what does not begin where the file ends changes nothing.
        assert footage(bridge, rubbish, b"") == (202, {"received": 0, "recording": None})
        assert footage(bridge, rubbish, rubbish[:400]) == (202, {"received": 400, "recording": None})
        assert footage(bridge, rubbish, rubbish[500:], offset=500) == (202, {"received": 400, "recording": None})
        assert footage(bridge, rubbish, rubbish[:400]) == (202, {"received": 400, "recording": None})
        status, problem = footage(bridge, rubbish, rubbish[400:], offset=400)
        assert (status, problem["code"]) == (400, "invalid_field") and "no Matroska" in problem["detail"], problem
        # It is gone: nobody has to read it again.
        assert footage(bridge, rubbish, b"") == (202, {"received": 0, "recording": None})
        status, problem = footage(bridge, rubbish, sha256="0" * 64)
        assert (status, problem["code"]) == (400, "invalid_field") and "sha256" in problem["detail"], problem
        assert footage(bridge, rubbish, bytes((4 << 20) + 1), size=8 << 20)[0] == 413


def test_any_whip_endpoint_will_do(network, tmp_path):
    with Bridge() as bridge, token_file(tmp_path, bridge.token(NAME, "publish")) as token:
        with ViaductCamera("--to", place(bridge, "whip"), "--token-file", token, "--codec", "h264") as camera:
            with watching(network, bridge) as viewer:
                sees_and_hears(viewer)
            ends_well(camera, bridge)


def middle(frame):
    """Luma and chroma of a picture's middle."""
    planes = frame.reformat(format="yuv420p").planes
    return [bytes(plane)[plane.height // 2 * plane.line_size + plane.width // 2] for plane in planes]


def test_a_file_is_seen_with_its_own_colour_over_and_over(network, tmp_path):
    clip = tmp_path / "a red clip.mp4"
    made = subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=red:s=160x120:r=15:d=1", "-f", "lavfi", "-i", "sine=440:d=1", "-c:v", "libx264",
         "-pix_fmt", "yuv420p", "-c:a", "aac", str(clip)], capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    with Bridge() as bridge, token_file(tmp_path, bridge.token(NAME, "publish")) as token:
        with ViaductCamera("--to", place(bridge, "rtm"), "--token-file", token, "--source", f"file:{clip}") as camera:
            with watching(network, bridge) as viewer:
                # More than one round of a second.
                seen = settle(lambda: viewer.frames["video"], lambda count: count >= 30, PATIENCE)
                assert seen >= 30, seen
                y, u, v = middle(viewer.latest["video"])
                assert 60 < y < 110 and 70 < u < 110 and v > 210, (y, u, v)
                health = camera.wait_for("camera: health")
                for fact in (r"cpu=\d+%", r"disk_free_mib=\d+", "link=live", r"memory=\d+%", r" uptime_s=\d+", "frames=[1-9]", "dropped=0"):
                    assert re.search(fact, health), health
                # The bridge has heard it, too.
                known = settle(lambda: health_of(bridge), bool, PATIENCE)
                assert known["link"] == "live" and known["frames"] > 0 and known["dropped"] == 0, known
                assert all(0 <= known[part] <= 1 for part in ("cpu", "memory")) and known["disk_free_mib"] > 0, known
            assert camera.end()[0] == 0


def test_an_rtsp_camera_is_seen_and_heard(network, tmp_path):
    with RTSPCamera("blue") as source, Bridge() as bridge, token_file(tmp_path, bridge.token(NAME, "publish")) as token:
        with ViaductCamera("--to", place(bridge, "rtm"), "--token-file", token, "--source", source.url) as camera:
            with watching(network, bridge) as viewer:
                sees_and_hears(viewer)
                y, u, v = middle(viewer.latest["video"])
                assert 20 < y < 60 and u > 210 and 90 < v < 130, (y, u, v)
            status, text = camera.end()
            assert status == 0 and "secret" not in text, text


@pytest.mark.parametrize("kind", ["rtm", "whip"])
def test_a_wrong_token_ends_with_its_status_and_one_clear_line(tmp_path, kind):
    with Bridge() as bridge, token_file(tmp_path, bridge.token("other", "publish")) as token:
        with ViaductCamera("--to", place(bridge, kind), "--token-file", token) as camera:
            status, text = camera.result()
            assert status == 77, text
            assert len(text.splitlines()) == 1 and "token" in text and "refused" in text, text


@pytest.mark.parametrize("options, status, words", [
    (["--to", "ws://127.0.0.1:9999", "--source", "file:/no/such.mp4"], 66, "There is no file /no/such.mp4"),
    (["--to", "ws://127.0.0.1:9999", "--source", "v4l2:/dev/video99"], 66, "There is no device /dev/video99"),
    (["--to", "ws://127.0.0.1:9999", "--token-file", "/no/token"], 77, "The token file /no/token cannot be read"),
    (["--to", "rtmp://somewhere/live"], 64, "no place that a camera can publish to"),
    (["--to", "ws://127.0.0.1:9999", "--source", "screen"], 64, "A source is pattern"),
    (["--to", "ws://127.0.0.1:9999", "--speaker", "loud"], 64, "A speaker is alsa"),
    (["--to", "ws://127.0.0.1:9999", "--speaker", "pulse:"], 64, "A speaker is alsa"),
    (["--to", "ws://127.0.0.1:9999", "--microphone", "yes"], 64, "A microphone is alsa"),
    (["--to", "ws://127.0.0.1:9999", "--microphone", "alsa:"], 64, "A microphone is alsa"),
    (["--to", "ws://127.0.0.1:9999", "--microphone", "pulse", "--no-audio"], 64, "exclude each other"),
    (["--to", "ws://127.0.0.1:9999", "--microphone", "pulse", "--source", "file:x.mp4"], 64, "have sound of their own"),
    (["--to", "ws://127.0.0.1:9999", "--speaker", "file:/no/such/folder/x.ogg"], 73, "cannot be written to"),
])
def test_what_cannot_work_is_said_before_anything_starts(options, status, words):
    with ViaductCamera(*options) as camera:
        ended, text = camera.result()
        assert ended == status and words in text, text


def test_what_may_be_there_later_is_tried_again(tmp_path):
    port = free_port()
    with ViaductCamera("--to", f"ws://127.0.0.1:{port}", "--source", f"rtsp://user:secret@127.0.0.1:{port}/cam") as camera:
        line = camera.wait_for("the source failed and is started again")
        assert f"The RTSP camera at 127.0.0.1:{port}" in line and "secret" not in line, line
    with ViaductCamera("--to", "ws://no-such-host.invalid:8080") as camera:
        assert "the host name has no address" in camera.wait_for("a session failed and another one follows")
        camera.wait_for('attempt="?2')
        status, text = camera.end()
        assert status == 0, text


def sound_of(path):
    """A file's samples, 8,000 a second, as far as the file goes now."""
    done = subprocess.run(["ffmpeg", "-v", "quiet", "-i", str(path), "-ac", "1", "-ar", "8000", "-f", "f32le", "-"], capture_output=True)
    return array.array("f", done.stdout[:len(done.stdout) // 4 * 4])


def share(samples, pitch):
    """How much of the sound's power a tone of this many Hz has."""
    turn = sum(sample * cmath.exp(-2j * cmath.pi * pitch * at / 8000) for at, sample in enumerate(samples))
    return 2 * abs(turn) ** 2 / (len(samples) * sum(sample * sample for sample in samples) or 1)


def test_a_camera_with_a_speaker_plays_a_stream_of_its_bridge(tmp_path):
    """The voice is the tone of another camera's pattern; it comes only after the listener has asked for it."""
    spoken = tmp_path / "spoken.ogg"
    with Bridge() as bridge:
        with token_file(tmp_path, bridge.token(NAME, "publish")) as token:
            may_listen, voice_token = tmp_path / "listen", tmp_path / "voice"
            may_listen.write_text(bridge.token("voice", "watch"))
            voice_token.write_text(bridge.token("voice", "publish"))
            options = ["--to", place(bridge, "rtm"), "--token-file", token, "--speaker", f"file:{spoken}", "--talk", "voice",
                       "--talk-token-file", str(may_listen), "--no-audio"]
            with ViaductCamera(*options) as camera:
                camera.wait_for("the voice cannot be played now and is tried again.*Nobody publishes the stream voice")
                with ViaductCamera("--name", "voice", "--to", place(bridge, "rtm"), "--token-file", str(voice_token)) as voice:
                    heard = settle(lambda: sound_of(spoken), lambda samples: len(samples) > 16000, PATIENCE)
                    assert len(heard) > 16000, len(heard)
                    # The tone of the pattern, and nothing of the octave above.
                    assert share(heard[-4000:], 440) > 0.5 and share(heard[-4000:], 880) < 0.1, (share(heard[-4000:], 440), len(heard))
                    assert voice.end()[0] == 0
                status, text = camera.end()
                assert status == 0, text
        # Also the end of the file is whole.
        done = subprocess.run(["ffprobe", "-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", str(spoken)],
                              capture_output=True, text=True)
        assert (done.stdout.strip(), done.stderr) == ("opus", "")


def test_whoever_is_loud_before_a_seated_camera_is_the_speaker(network, tmp_path):
    clip = tmp_path / "loud then silent.mkv"
    made = subprocess.run(
        ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "color=red:s=160x120:r=15:d=14", "-f", "lavfi", "-i",
         "aevalsrc=0.5*sin(2*PI*440*t)*lt(t\\,5):d=14", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "libopus", str(clip)],
        capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    with Bridge() as bridge, token_file(tmp_path, bridge.token(NAME, "publish")) as token:
        room = Room(bridge, "yard")

        async def come():
            client = RoomClient(f"ws://127.0.0.1:{bridge.port}/bridge/v1/rooms/yard/io", room.link("host")["token"])
            await client.open()
            await client.join("Ada")
            return client

        watcher = network.run(come())
        camera = ["--to", place(bridge, "rtm"), "--token-file", token, "--source", f"file:{clip}", "--stand-by"]
        with ViaductCamera(*camera) as camera:
            seat = room.post("cameras", {"camera": NAME, "display_name": "Gate"})
            for speaker in (seat["participant"], None):
                network.run(watcher.expect("speaker", PATIENCE, participant=speaker))
            assert camera.end()[0] == 0
        network.run(watcher.close())
