"""`viaduct demo`, as a person at a terminal meets it: live within seconds, and a recording and a webhook after Ctrl-C."""

import json
import os
import queue
import re
import signal
import subprocess
import threading
import time
import urllib.request

import pytest

import media
from bridge import BINARY, ENVIRONMENT, Bridge, free_port

pytestmark = pytest.mark.sturdy

LIVE_SECONDS = 20  # until the camera is live, on a machine that is busy with other tests
STOP_SECONDS = 5  # from Ctrl-C to the prompt
WATCH_SECONDS = 4  # of recording before Ctrl-C


class Demo:
    """The program on a pipe, in a process group of its own as a terminal would give it."""

    def __init__(self, folder, *options):
        self.port, self.folder, self.lines = free_port(), str(folder), []
        settings = ["--set", f"http.port={self.port}", "--set", f"data.folder={self.folder}", "--set", "webrtc.port=0"]
        self.process = subprocess.Popen(
            [BINARY, "demo", *settings, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=ENVIRONMENT,
            start_new_session=True)
        self.news = queue.Queue()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            self.news.put(line)

    def wait_for(self, pattern, seconds):
        """The first line, already printed or still to come, in which the pattern is found."""
        end = time.monotonic() + seconds
        for line in self.lines:
            if found := re.search(pattern, line):
                return found
        while True:
            try:
                line = self.news.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no line with {pattern!r} within {seconds} s; printed: {''.join(self.lines)}") from None
            self.lines.append(line)
            if found := re.search(pattern, line):
                return found

    def interrupt(self):
        """Ctrl-C: a terminal sends it to the whole group, children too. Returns exit status and seconds."""
        began = time.monotonic()
        os.killpg(self.process.pid, signal.SIGINT)
        status = self.process.wait(4 * STOP_SECONDS)
        seconds = time.monotonic() - began
        self.reader.join(5)
        while not self.news.empty():
            self.lines.append(self.news.get())
        return status, seconds

    @property
    def text(self):
        return "".join(self.lines)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


def fetch(url, token=None):
    request = urllib.request.Request(url, headers={"authorization": f"Bearer {token}"} if token else {})
    with urllib.request.urlopen(request, timeout=10) as reply:
        return reply.read().decode()


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_the_demo_is_live_soon_and_leaves_a_recording_and_a_webhook(tmp_path, codec):
    with Demo(tmp_path / "data", "--codec", codec) as demo:
        watch = demo.wait_for(r"http://127\.0\.0\.1:\d+/watch/([\w.-]+)#token=(\S+)", LIVE_SECONDS)
        playback = demo.wait_for(r"http://127\.0\.0\.1:\d+/playback/([\w.-]+)#token=(\S+)", LIVE_SECONDS)
        publish = demo.wait_for(r"http://127\.0\.0\.1:\d+/publish/[\w.-]+#token=\S+", LIVE_SECONDS)
        folder = demo.wait_for(r"[Rr]ecordings land in\s+(/\S+)", LIVE_SECONDS).group(1)
        demo.wait_for(r"Media goes over +UDP and TCP port \d+ from this machine only", LIVE_SECONDS)
        demo.wait_for(r"Ctrl-C", LIVE_SECONDS)
        demo.wait_for(r"Camera: live", LIVE_SECONDS)
        demo.wait_for(r"Recording: \S+ runs", LIVE_SECONDS)
        for page in (watch, playback, publish):
            assert "<!doctype html>" in fetch(page.group(0).partition("#")[0])
        timeline = json.loads(fetch(f"http://127.0.0.1:{demo.port}/bridge/v1/streams/{playback.group(1)}/timeline", playback.group(2)))
        assert isinstance(timeline, dict), timeline
        stream = json.loads(fetch(f"http://127.0.0.1:{demo.port}/bridge/v1/streams/{watch.group(1)}", watch.group(2)))
        assert {track["codec"] for track in stream["tracks"]} == {codec, "opus"}, stream
        pretend_webhook(demo, status="\x1b[2J", rec_id="x")
        pretend_webhook(demo, status="upload_failed", rec_id="\x1b]0;owned\x07")
        time.sleep(WATCH_SECONDS)
        status, seconds = demo.interrupt()
        assert status == 0, f"ended with {status}: {demo.text}"
        assert seconds < STOP_SECONDS, f"took {seconds:.1f} s to end: {demo.text}"
        assert "Webhook: upload_ready" in demo.text and "Webhook: session_finished" in demo.text, demo.text
        assert demo.lines[-1] == "Done.\n", demo.text
        assert "\x1b" not in demo.text and "Webhook: upload_failed" in demo.text, repr(demo.text)
        files = [os.path.join(path, name) for path, _, names in os.walk(folder) for name in names]
        assert len(files) == 1, f"{files}: {demo.text}"
        check_recording(files[0], codec)


def pretend_webhook(demo, **members):
    """Posts what anybody on this machine could."""
    body = json.dumps(members).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{demo.port}/demo/webhooks", body, {"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as reply:
        assert reply.status == 204


def check_recording(file, codec):
    shape, streams = media.probe(file)
    assert (streams["video"]["codec_name"], streams["audio"]["codec_name"]) == (codec, "opus"), streams
    assert (streams["video"]["width"], streams["video"]["height"]) == (1280, 720), streams["video"]
    assert WATCH_SECONDS - 1.5 < float(shape["duration"]) < WATCH_SECONDS + LIVE_SECONDS, shape
    assert media.decode_errors(file) == ""


def test_a_demo_whose_port_is_taken_says_so(tmp_path):
    with Bridge() as bridge:
        done = subprocess.run(
            [BINARY, "demo", "--set", f"http.port={bridge.port}", "--set", f"data.folder={tmp_path}/data", "--set", "webrtc.port=0"], capture_output=True, text=True,
            timeout=20, env=ENVIRONMENT)
    assert done.returncode != 0 and str(bridge.port) in done.stderr and "in use" in done.stderr, done.stderr
