"""A stream is sent to somebody else's server: ffmpeg takes it, and picture and sound are of the same moment."""

import array
import asyncio
import fractions
import json
import math
import os
import signal
import socket
import ssl
import statistics
import subprocess
import threading
import time

import av
import pytest
from aiortc.mediastreams import MediaStreamTrack

from bridge import Bridge
from raw import settle
from whip import Leg

pytestmark = pytest.mark.sturdy

RATE, CLOCK, PIECE = 30, 48000, 960
PATIENCE = 60  # seconds
LIMIT = 0.06  # seconds between a flash and its clap


class Source(MediaStreamTrack):
    """What begins at the same moment as its fellow, and stands out for the first fifth of each second."""

    def __init__(self, kind, began):
        super().__init__()
        self.kind, self.began, self.count = kind, began, 0

    async def until(self, moment):
        await asyncio.sleep(max(0, self.began + moment - time.monotonic()))


class Flashes(Source):
    def __init__(self, began):
        super().__init__("video", began)
        self.pictures = [self.picture(level) for level in (16, 235)]

    @staticmethod
    def picture(level):
        frame = av.VideoFrame(160, 90, "yuv420p")
        for plane, value in zip(frame.planes, (level, 128, 128)):
            plane.update(bytes([value]) * plane.buffer_size)
        return frame

    async def recv(self):
        await self.until(self.count / RATE)
        frame = self.pictures[self.count % RATE < RATE // 5].reformat(format="yuv420p")
        frame.pts, frame.time_base = self.count, fractions.Fraction(1, RATE)
        self.count += 1
        return frame


class Claps(Source):
    def __init__(self, began):
        super().__init__("audio", began)
        tone = array.array("h", (int(12000 * math.sin(2 * math.pi * 1000 * at / CLOCK)) for at in range(PIECE)))
        self.pieces = [bytes(2 * PIECE), tone.tobytes()]

    async def recv(self):
        await self.until(self.count / CLOCK)
        frame = av.AudioFrame(format="s16", layout="mono", samples=PIECE)
        frame.planes[0].update(self.pieces[self.count % CLOCK < CLOCK // 5])
        frame.sample_rate, frame.pts, frame.time_base = CLOCK, self.count, fractions.Fraction(1, CLOCK)
        self.count += PIECE
        return frame


def onsets(levels, threshold):
    """The moments at which something begins to stand out."""
    found, was = [], True
    for moment, level in levels:
        if level > threshold and not was:
            found.append(moment)
        was = level > threshold
    return found


def flashes(path):
    with av.open(path) as file:
        assert file.streams.video[0].codec_context.name == "h264"
        return onsets([(frame.time, bytes(frame.planes[0])[80]) for frame in file.decode(video=0)], 120)


def claps(path):
    """By milliseconds. A receiver of SRT gives up what comes later than its latency, and the frame that it was part of."""
    levels, broken = [], 0
    with av.open(path) as file:
        assert file.streams.audio[0].codec_context.name == "aac"
        resampler = av.AudioResampler(format="s16", layout="mono", rate=CLOCK)
        for packet in file.demux(audio=0):
            try:
                frames = packet.decode()
            except av.error.InvalidDataError:
                broken += 1
                continue
            for frame in frames:
                for piece in resampler.resample(frame):
                    samples = array.array("h", bytes(piece.planes[0])[:2 * piece.samples])
                    levels += [(frame.time + at / CLOCK, max(map(abs, samples[at:at + 48]))) for at in range(0, len(samples), 48)]
    assert broken <= 2, broken
    # A tone goes through zero, and its loudness does not.
    return onsets(levels, 3000)


def free_port(kind):
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@pytest.fixture(scope="module")
def bridge():
    with Bridge() as bridge:
        yield bridge


def bridge_events(bridge):
    status, _, body = bridge.get("/bridge/v1/events?limit=1000", headers={"authorization": f"Bearer {bridge.operator_token}"})
    assert status == 200, body
    return json.loads(body)["events"]


class Taker:
    """A server (ffmpeg) that takes one push of a stream and keeps it as it is."""

    def __init__(self, bridge, stream, protocol, folder):
        port = free_port(socket.SOCK_STREAM if protocol == "rtmp" else socket.SOCK_DGRAM)
        self.bridge, self.stream, self.protocol, self.place = bridge, stream, protocol, f"{protocol}://127.0.0.1:{port}"
        self.path = str(folder / ("taken.flv" if protocol == "rtmp" else "taken.ts"))
        if protocol == "rtmp":
            self.url = f"{self.place}/live/secret-key"
            source = ["-listen", "1", "-i", self.url]
        else:
            secret = "passphrase=secret-passphrase&pbkeylen=16"
            self.url, source = f"{self.place}?{secret}", ["-i", f"{self.place}?mode=listener&{secret}"]
        self.process = subprocess.Popen(["ffmpeg", "-v", "error", "-nostdin", "-y", *source, "-c", "copy", self.path], stderr=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.communicate()

    def take(self, seconds):
        """What is pushed for so long; returns when it is a file."""
        headers = {"authorization": f"Bearer {self.bridge.operator_token}"}
        status, push = self.bridge.post("/bridge/v1/pushes", {"stream": self.stream, "url": self.url}, self.bridge.operator_token)
        assert status == 201 and push["origin"] == self.place and "secret" not in json.dumps(push), push

        def shown():
            return json.loads(self.bridge.get(f"/bridge/v1/pushes/{push['id']}", headers=headers)[2])

        seen = settle(shown, lambda one: one["state"] == "live", PATIENCE)
        assert seen["state"] == "live", seen
        time.sleep(seconds)
        assert self.bridge.request("DELETE", f"/bridge/v1/pushes/{push['id']}", headers=headers)[0] == 204
        self.process.wait(20)

    def apart(self):
        """By how much each clap comes later than its flash, s."""
        pictures, sounds = flashes(self.path), claps(self.path)
        assert len(pictures) >= 3, pictures
        return [min(sounds, key=lambda sound: abs(sound - picture)) - picture for picture in pictures]


@pytest.mark.parametrize("protocol", ["rtmp", "srt"])
def test_a_stream_is_pushed_and_picture_and_sound_stay_together(network, bridge, tmp_path, protocol):
    stream = f"clap-{protocol}"
    with Taker(bridge, stream, protocol, tmp_path) as taker:
        began = time.monotonic() + 0.5
        with Leg.publish(network, bridge, stream, bridge.token(stream, "publish"), [Flashes(began), Claps(began)], "H264"):
            taker.take(6)
        apart = taker.apart()
    assert abs(statistics.median(apart)) <= LIMIT, apart
    kinds = [event["type"] for event in bridge_events(bridge) if event["type"].startswith("push.") and event["stream_id"] == stream]
    assert kinds == ["push.started", "push.ended"]
    with open(bridge.log_path) as log:
        assert "secret-" not in log.read()


class Authority:
    """A private certificate authority, and one certificate of it: for `localhost`."""

    def __init__(self, folder):
        self.file, key = folder / "ca.crt", folder / "ca.key"
        self.certificate, self.key = folder / "server.crt", folder / "server.key"
        common = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        subprocess.run([*common, "-subj", "/CN=Private", "-keyout", key, "-out", self.file], check=True, capture_output=True)
        subprocess.run(
            [*common, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE",
             "-CA", self.file, "-CAkey", key, "-keyout", self.key, "-out", self.certificate], check=True, capture_output=True)


class TLSFront:
    """A TLS server (OpenSSL) before a server of plain RTMP; who does not like its certificate never gets there."""

    def __init__(self, authority, behind):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(authority.certificate, authority.key)
        self.behind, self.accepted = behind, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.forward, args=(plain,), daemon=True).start()

    def forward(self, plain):
        try:
            plain.settimeout(20)
            with self.context.wrap_socket(plain, server_side=True) as near:
                # A client that dislikes the certificate of TLS 1.3 says so after the server's handshake, and one that likes it speaks.
                first = near.recv(65536)
                if not first:
                    return
                self.accepted += 1
                with socket.create_connection(("127.0.0.1", self.behind)) as far:
                    far.sendall(first)
                    # A TLS socket is not for two threads: this one waits for either side.
                    near.settimeout(0.02)
                    far.settimeout(0.02)
                    while self.move(near, far) and self.move(far, near):
                        pass
        except OSError:
            pass

    @staticmethod
    def move(source, sink):
        """Hands on what there is; false at the end."""
        try:
            content = source.recv(65536)
        except TimeoutError:
            return True
        sink.settimeout(10)
        sink.sendall(content)
        sink.settimeout(0.02)
        return bool(content)

    def close(self):
        self.listener.close()


def taker(port, path):
    return subprocess.Popen(
        ["ffmpeg", "-v", "error", "-nostdin", "-y", "-listen", "1", "-i", f"rtmp://127.0.0.1:{port}/live/secret-key", "-c", "copy", path],
        stderr=subprocess.PIPE)


def push_events(bridge):
    status, _, body = bridge.get("/bridge/v1/events?limit=1000", headers={"authorization": f"Bearer {bridge.operator_token}"})
    assert status == 200, body
    return [event["type"] for event in json.loads(body)["events"] if event["type"] in ("push.started", "push.ended")]


def test_rtmps_goes_to_whom_a_trusted_authority_vouches_for_and_comes_back_after_a_crash(network, tmp_path):
    authority, port = Authority(tmp_path), free_port(socket.SOCK_STREAM)
    front = TLSFront(authority, port)
    files = [str(tmp_path / f"taken-{number}.flv") for number in range(2)]
    servers = [taker(port, files[0])]
    try:
        with Bridge(webhooks__trust=authority.file) as bridge:
            headers = {"authorization": f"Bearer {bridge.operator_token}"}

            def push(host):
                status, made = bridge.post(
                    "/bridge/v1/pushes", {"stream": "clap", "url": f"rtmps://{host}:{front.port}/live/secret-key"}, bridge.operator_token)
                assert status == 201, made
                return made["id"]

            def wait(id, ok):
                shown = settle(lambda: json.loads(bridge.get(f"/bridge/v1/pushes/{id}", headers=headers)[2]), ok, PATIENCE)
                assert ok(shown), shown
                return shown

            def end(id):
                assert bridge.request("DELETE", f"/bridge/v1/pushes/{id}", headers=headers)[0] == 204

            began = time.monotonic() + 0.5
            with Leg.publish(network, bridge, "clap", bridge.token("clap", "publish"), [Flashes(began), Claps(began)], "H264"):
                # The certificate is for another name.
                wrong = push("127.0.0.1")
                reason = wait(wrong, lambda one: one["reason"])["reason"]
                assert reason["code"] == "push_unavailable" and "certificate" in reason["detail"], reason
                end(wrong)
                assert front.accepted == 0
                right = push("localhost")
                wait(right, lambda one: one["state"] == "live")
                time.sleep(6)
                for child in bridge.children:
                    os.kill(child, signal.SIGKILL)
                servers[0].wait(20)
                servers.append(taker(port, files[1]))
                begun = settle(lambda: push_events(bridge).count("push.started"), lambda count: count == 2, PATIENCE)
                assert begun == 2, push_events(bridge)
                wait(right, lambda one: one["state"] == "live")
                end(right)
            servers[1].wait(20)
            assert push_events(bridge) == ["push.started", "push.ended"] * 2
            assert "secret-" not in bridge.log()
    finally:
        front.close()
        for server in servers:
            server.kill()
            server.communicate()
    pictures, sounds = flashes(files[0]), claps(files[0])
    assert len(pictures) >= 3, pictures
    apart = [min(sounds, key=lambda sound: abs(sound - picture)) - picture for picture in pictures]
    assert abs(statistics.median(apart)) <= LIMIT, (apart, pictures, sounds)


def test_rtmps_is_refused_where_nobody_vouches_for_the_server(network, bridge, tmp_path):
    front = TLSFront(Authority(tmp_path), 9)
    try:
        began = time.monotonic()
        with Leg.publish(network, bridge, "alone", bridge.token("alone", "publish"), [Flashes(began), Claps(began)], "H264"):
            status, push = bridge.post(
                "/bridge/v1/pushes", {"stream": "alone", "url": f"rtmps://localhost:{front.port}/live/secret-key"}, bridge.operator_token)
            assert status == 201, push
            path, headers = f"/bridge/v1/pushes/{push['id']}", {"authorization": f"Bearer {bridge.operator_token}"}
            shown = settle(lambda: json.loads(bridge.get(path, headers=headers)[2]), lambda one: one["reason"], PATIENCE)
            assert shown["reason"] and shown["reason"]["code"] == "push_unavailable", shown
            assert "certificate" in shown["reason"]["detail"] and "webhooks.trust" in shown["reason"]["detail"], shown
            assert bridge.request("DELETE", path, headers=headers)[0] == 204
        assert front.accepted == 0
    finally:
        front.close()
