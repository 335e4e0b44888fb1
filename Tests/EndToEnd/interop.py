"""The peers of the interop matrix. They publish over WHIP and watch over WHEP, two of them over RTM too, and none is made by this project except
on top of an implementation of WebRTC that is not: Chromium's, Firefox's, aiortc, GStreamer's webrtcbin and Pion.

`publish` is live inside its `with` block. `watch` returns when it has seen and heard enough, or has waited long enough, with what that was.
"""

import contextlib
import functools
import json
import os
import pathlib
import subprocess
import tempfile
import time
from typing import NamedTuple

import av

import media
from bridge import ROOT
from browsers import BrowserError
from raw import settle
from rtm import Client, NativeClient
from whip import Leg, endpoint, open_page

PROGRAMS = pathlib.Path(__file__).resolve().parent / "peers"
PATIENCE = 20  # seconds for a program to be connected, and for a viewer to have enough
PICTURES, SOUNDS = 20, 25  # which is enough: a second, and half a second
MARGIN = 5  # pictures that a viewer may have counted and not written when it ends
SILENCE = 300  # no sample of 16 bits is louder


class Format(NamedTuple):
    """Encoding names of SDP, in capitals."""

    video: str
    audio: str = "OPUS"

    def __str__(self):
        """The one that is tested: sound is Opus unless that is something else."""
        return self.video if self.audio == "OPUS" else self.audio


class Seen(NamedTuple):
    """What a viewer got, as it says itself or as ffmpeg finds it in what it wrote."""

    format: Format
    width: int
    height: int
    pictures: int
    is_heard: bool
    # Where a viewer counts them: packets that it waited for in vain, and pictures before the first that a decoder can begin with.
    missing: int = 0
    skipped: int = 0


class BrowserPeer:
    """A browser on a page of another origin than the bridge's."""

    size = (320, 240)
    CAMERA = "await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 320, height: 240}})"
    STATISTICS = """(async () => {
      const all = [...(await viaduct.peer.getStats()).values()];
      const received = (kind) => all.find((one) => one.type === "inbound-rtp" && one.kind === kind) ?? {};
      const codec = ({ codecId }) => all.find(({ id }) => id === codecId)?.mimeType.split("/")[1].toUpperCase();
      const [video, audio] = [received("video"), received("audio")];
      return { video: codec(video), audio: codec(audio), pictures: video.framesDecoded ?? 0, width: video.frameWidth,
        height: video.frameHeight, energy: audio.totalAudioEnergy ?? 0 };
    })()"""

    def __init__(self, bridge, browser, page, retransmission="RTX"):
        self.bridge, self.browser, self.page, self.retransmission = bridge, browser, page, retransmission

    @contextlib.contextmanager
    def publish(self, stream, format):
        with open_page(self.browser, self.page) as page:
            self.open(page, "publish", stream, self.CAMERA, json.dumps([*format, self.retransmission]))
            page.wait_for("viaduct.peer.connectionState === 'connected'", PATIENCE)
            yield
            page.evaluate("leave()")

    def watch(self, stream, format):
        with open_page(self.browser, self.page) as page:
            self.open(page, "watch", stream)
            # A muted element takes no sound from the decoder.
            page.evaluate("[...document.querySelectorAll('video')].forEach((video) => { video.muted = false; })")
            seen = settle(lambda: page.evaluate(self.STATISTICS), lambda found: found["pictures"] >= PICTURES and found["energy"] > 0)
            page.evaluate("leave()")
        return Seen(Format(seen["video"], seen["audio"]), seen["width"], seen["height"], seen["pictures"], seen["energy"] > 0)

    def open(self, page, direction, stream, source="null", codecs="null"):
        url = self.bridge.base + endpoint(self.bridge, {"publish": "whip", "watch": "whep"}[direction], stream)
        token = self.bridge.token(stream, direction)
        page.evaluate(f"(async () => whip({json.dumps(url)}, {json.dumps(token)}, {source}, null, {codecs}))()")


def rtm_client(bridge, dialect, stream, direction):
    """A client of this dialect of RTM. That of Eyeson knows publishers alone, whose stream has the name of the client."""
    return NativeClient(bridge, stream, direction) if dialect == "rtm" else Client(bridge, stream)


class BrowserRTMPeer(BrowserPeer):
    """The same over RTM, by a script of the test's; the bridge's own pages are tested elsewhere."""

    SCRIPT = """
    window.rtm = async (url, client_id, session_id, stream, codecs) => {
      const peer = new RTCPeerConnection();
      for (const track of stream.getTracks()) {
        const transceiver = peer.addTransceiver(track, { direction: "sendonly", streams: [stream] });
        const all = RTCRtpSender.getCapabilities(track.kind).codecs;
        transceiver.setCodecPreferences(all.filter(({ mimeType }) => codecs.includes(mimeType.split("/")[1].toUpperCase())));
      }
      const socket = new WebSocket(url);
      await new Promise((opened, failed) => Object.assign(socket, { onopen: opened, onclose: failed }));
      const send = (type, data) => socket.send(JSON.stringify({ type, client_id, session_id, data }));
      peer.addEventListener("icecandidate", ({ candidate }) => send("candidate", { candidate }));
      socket.onmessage = ({ data: text }) => {
        const { type, data } = JSON.parse(text);
        if (type === "sdp_update") peer.setRemoteDescription(data.sdp);
        if (type === "candidate" && data.candidate) peer.addIceCandidate(data.candidate);
        if (type === "error") window.viaduct.errors.push(data);
      };
      window.viaduct = { peer, errors: [] };
      window.leave = () => send("session_stop", {});
      const offer = await peer.createOffer();
      send("session_start", { sdp: offer });
      await peer.setLocalDescription(offer);
    };
    """

    def __init__(self, bridge, browser, page, network, dialect):
        super().__init__(bridge, browser, page)
        self.network, self.dialect = network, dialect

    def open(self, page, direction, stream, source="null", codecs="null"):
        client = rtm_client(self.bridge, self.dialect, stream, direction)
        self.network.run(client.create())
        session = (f"{client.endpoint}?auth_token={client.token}", client.client_id, client.session_id)
        page.evaluate(self.SCRIPT)
        page.evaluate(f"(async () => rtm({', '.join(map(json.dumps, session))}, {source}, {codecs}))()")


class AiortcPeer:
    """It sends the clip's frames as they are, and decodes what it gets."""

    size = (media.WIDTH, media.HEIGHT)

    def __init__(self, bridge, network):
        self.bridge, self.network = bridge, network

    def publish(self, stream, format):
        tracks = media.clip(format.video, 10).tracks(format.audio)
        return Leg.publish(self.network, self.bridge, stream, self.bridge.token(stream, "publish"), tracks, *format_of_aiortc(format))

    def watch(self, stream, format):
        with Leg.watch(self.network, self.bridge, stream, self.bridge.token(stream, "watch")) as viewer:
            return seen_by_aiortc(viewer, viewer.answer)


class AiortcRTMPeer:
    """The same over RTM."""

    size = AiortcPeer.size

    def __init__(self, bridge, network, dialect):
        self.bridge, self.network, self.dialect = bridge, network, dialect

    @contextlib.contextmanager
    def session(self, stream, direction, begin):
        """A session that `begin`, a function of its client, takes to flowing media."""
        client = rtm_client(self.bridge, self.dialect, stream, direction)
        try:
            self.network.run(begin(client))
            yield client
            assert self.network.run(client.leave()) == "CLIENT_STOP"
        finally:
            self.network.run(client.close())

    def publish(self, stream, format):
        video, sound = format_of_aiortc(format)
        tracks = media.clip(format.video, 10).tracks(format.audio)
        return self.session(stream, "publish", lambda client: client.publish(*tracks, codec=video, sound=sound))

    def watch(self, stream, format):
        with self.session(stream, "watch", NativeClient.watch) as viewer:
            return seen_by_aiortc(viewer.reception, viewer.answer)


class ProgramPeer:
    """A program of `peers`: a process for each session, which says what it does in lines of JSON."""

    def __init__(self, bridge, size, *command):
        self.bridge, self.size, self.command = bridge, size, command

    def run(self, verb, stream, format, **options):
        root, right = {"publish": ("whip", "publish"), "watch": ("whep", "watch")}[verb]
        options |= {"url": self.bridge.base + endpoint(self.bridge, root, stream), "token": self.bridge.token(stream, right)}
        options |= {"video": format.video, "audio": format.audio}
        arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
        return subprocess.Popen([*self.command, verb, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    @contextlib.contextmanager
    def publish(self, stream, format):
        process = self.run("publish", stream, format, **self.material(format))
        try:
            first = process.stdout.readline()
            assert first, f"{self.command[-1]} ended with {process.wait()}: {process.stderr.read()}"
            assert json.loads(first) == {"state": "connected"}
            yield process
        finally:
            _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, f"{self.command[-1]} ended with {process.returncode}: {errors}"

    def material(self, format):
        """Options that say what is to be published."""
        return {}

    def watch(self, stream, format):
        with tempfile.TemporaryDirectory(prefix="viaduct-interop-") as folder:
            process = self.run("watch", stream, format, folder=folder, frames=PICTURES + MARGIN)
            output, errors = process.communicate(timeout=2 * PATIENCE)
            assert process.returncode == 0, f"{self.command[-1]} ended with {process.returncode}: {errors}"
            tally = json.loads(output.splitlines()[-1])
            assert "failure" not in tally, tally
            return seen_in(folder, tally)


class PionPeer(ProgramPeer):
    """It sends a clip's frames as they are: the one of the format, or another of the same codec."""

    def __init__(self, bridge, clip=None):
        super().__init__(bridge, (media.WIDTH, media.HEIGHT), build_pion())
        self.clip = clip

    def material(self, format):
        name = self.clip or format.video
        clip = media.clip(name, 10)
        sounds = clip.sounds if format.audio == "OPUS" else media.sound_packets(format.audio)
        files = {"pictures": (name, clip.pictures), "sounds": (format.audio, sounds)}
        return {option: written(name, tuple(frames)) for option, (name, frames) in files.items()}


class WebrtcbinPeer(ProgramPeer):
    """It encodes a test picture itself."""

    def __init__(self, bridge):
        super().__init__(bridge, (320, 240), "/usr/bin/python3", str(PROGRAMS / "webrtcbin.py"))


MATERIAL = tempfile.TemporaryDirectory(prefix="viaduct-interop-")


@functools.cache
def written(name, frames):
    """The path of an IVF file with these frames."""
    path = os.path.join(MATERIAL.name, f"{name}.ivf")
    media.write_ivf(path, frames)
    return path


@functools.cache
def build_pion():
    """The program's path. Debian's Go packages are for builds without modules, below a folder of GOPATH; Go itself knows what is up to date."""
    folder = os.path.join(ROOT, ".build", "pion")
    source = os.path.join(folder, "src", "viaduct", "pion")
    os.makedirs(os.path.dirname(source), exist_ok=True)
    if not os.path.islink(source):
        os.symlink(os.path.relpath(PROGRAMS / "pion", os.path.dirname(source)), source)
    program = os.path.join(folder, "pion")
    environment = {**os.environ, "GO111MODULE": "off", "GOFLAGS": "", "CGO_ENABLED": "0", "GOPATH": f"{folder}:/usr/share/gocode", "PWD": source}
    done = subprocess.run(["go", "build", "-o", program, "."], cwd=source, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"go build: {done.stderr}"
    return program


def admitted(watch, *arguments):
    """Watches as `watch` does, and comes again where viewers do: while the machine is busy (503), and just after the publisher has connected, when its
    stream is not there yet (409)."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return watch(*arguments)
        except (AssertionError, BrowserError) as refusal:
            passes = any(reason in str(refusal) for reason in ("as many viewers as it can serve", "stream_not_published"))
            if not passes or time.monotonic() >= end:
                raise
        time.sleep(0.5)


# What came of it


def format_of_aiortc(format):
    return format.video, {"OPUS": "opus"}.get(format.audio, format.audio)


def seen_by_aiortc(reception, answer):
    """What a viewer has when it has enough, or has waited long enough."""
    settle(lambda: reception.frames, lambda count: count["video"] >= PICTURES and count["audio"] >= SOUNDS)
    settle(lambda: loudness([reception.latest.get("audio")]), lambda loud: loud > SILENCE)
    picture, sound = reception.latest["video"], reception.latest["audio"]
    return Seen(codecs_of(answer), picture.width, picture.height, reception.frames["video"], loudness([sound]) > SILENCE)


def codecs_of(answer):
    """The codec of each kind in an answer, which names one of them."""
    named = {}
    for line in answer.splitlines():
        if line.startswith("m="):
            kind = line[2:].split()[0]
        elif line.startswith("a=rtpmap:"):
            named.setdefault(kind, line.split()[1].split("/")[0].upper())
    return Format(named["video"], named["audio"])


ENCODINGS = {"hevc": "H265", "libdav1d": "AV1", "pcm_mulaw": "PCMU", "pcm_alaw": "PCMA"}  # where ffmpeg's names are others


def seen_in(folder, tally):
    """What ffmpeg finds in the files of a viewer. None of them may have an error, at its very beginning least of all."""
    found = {}
    for path in sorted(pathlib.Path(folder).iterdir()):
        # The times in the file are those at which the peer's jitter buffer let its frames go: two may meet.
        errors = "\n".join(line for line in media.decode_errors(path).splitlines() if "monotonically increasing dts" not in line)
        assert errors == "", f"ffmpeg about {path.name}, {tally}: {errors}"
        with av.open(str(path)) as file:
            stream = file.streams[0]
            found[stream.type] = (ENCODINGS.get(stream.codec.name, stream.codec.name.upper()), list(file.decode(stream)))
    (video, pictures), (audio, sounds) = found["video"], found["audio"]
    return Seen(Format(video, audio), pictures[0].width, pictures[0].height, len(pictures), loudness(sounds) > SILENCE, tally["missing"], tally["skipped"])


def loudness(frames):
    """The loudest sample in frames of sound, of 16 bits."""
    to_mono = av.AudioResampler(format="s16", layout="mono", rate=48_000)
    mono = [one for frame in frames if frame is not None for one in to_mono.resample(frame)]
    return max((abs(sample) for frame in mono for sample in memoryview(bytes(frame.planes[0])[:2 * frame.samples]).cast("h")), default=0)


def matrix(reports):
    """Lines of a table of what passed: a row for each peer and direction, a column for each codec."""
    columns = ["H264", "VP8", "VP9", "AV1", "H265", "PCMU", "PCMA"]
    cells = {}
    for report in reports:
        for name, value in report.user_properties:
            if name == "interop":
                peer, direction, codec, result = value
                cells.setdefault((peer, direction), {})[codec] = result if report.passed else "FAILED"
    if cells:
        yield f"{'':26}" + "".join(f"{codec:>9}" for codec in columns)
    for (peer, direction), row in sorted(cells.items()):
        yield f"{peer + ' ' + direction:26}" + "".join(f"{row.get(codec, '-'):>9}" for codec in columns)
