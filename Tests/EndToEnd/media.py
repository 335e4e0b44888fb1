"""A clip in which every frame shows its number, tracks that send it, and what a recording made of it, read by ffmpeg.

The top of each picture holds the frame's number as white and black blocks, and below them their complement, so that a damaged
picture is not taken for another frame. The sound holds noise, so that no two of its packets are equal.
"""

import asyncio
import base64
import bisect
import fcntl
import fractions
import functools
import json
import os
import pathlib
import random
import struct
import subprocess
import tempfile
import time

import av
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av.bitstream import BitStreamFilterContext

BITS = 12
BLOCK = 16
WIDTH, HEIGHT = BITS * BLOCK, 112
RATE = 20  # pictures a second
SOUND_PACKET = 0.02  # seconds
VIDEO_CLOCK, SOUND_CLOCK, TELEPHONE_CLOCK = 90_000, 48_000, 8_000
H264 = ["-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-b:v", "200k", "-x264-params",
        "slices=1:sliced-threads=0:scenecut=0"]
ENCODERS = {
    "VP8": ["-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "200k", "-auto-alt-ref", "0"],
    "VP9": ["-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "200k", "-lag-in-frames", "0"],
    "AV1": ["-c:v", "libaom-av1", "-usage", "realtime", "-cpu-used", "8", "-b:v", "200k", "-lag-in-frames", "0"],
    "H264": [*H264, "-profile:v", "baseline"],
    "H264 High": [*H264, "-profile:v", "high"],
    "H265": ["-c:v", "libx265", "-preset", "ultrafast", "-tune", "zerolatency", "-b:v", "200k", "-x265-params", "log-level=none:scenecut=0"],
}


def picture(number, grain=None):
    """One frame as planar YUV 4:2:0: its number over a gradient that moves. `grain`, a random generator, makes it noise, which takes many bits."""
    bits = [255 if number >> (BITS - 1 - bit) & 1 else 0 for bit in range(BITS)]
    code = b"".join(bytes([value]) * BLOCK for value in bits) * BLOCK
    complement = bytes(255 - value for value in code)
    rows = HEIGHT - 2 * BLOCK
    gradient = grain.randbytes(WIDTH * rows) if grain else bytes((column + number * 4) % 256 for column in range(WIDTH)) * rows
    return code + complement + gradient + b"\x80" * (WIDTH * HEIGHT // 2)


def make_clip(path, codec, seconds, keyframes_apart, bitrate=None):
    """Writes a Matroska file with a keyframe each so many seconds, and Opus sound. With a bitrate its pictures are noise that takes so much."""
    group = str(round(keyframes_apart * RATE))
    video = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(RATE), "-i", "-"]
    sound = ["-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={seconds}",
             "-f", "lavfi", "-i", f"anoisesrc=amplitude=0.1:sample_rate=48000:seed=1:duration={seconds}",
             "-filter_complex", "[1][2]amix=inputs=2[a]", "-map", "0:v", "-map", "[a]"]
    grain = random.Random(1) if bitrate else None
    encoder = [bitrate if bitrate and part == "200k" else part for part in ENCODERS[codec]]
    output = [*encoder, "-g", group, "-keyint_min", group, "-c:a", "libopus", "-b:a", "24k", "-frame_duration", "20",
              "-f", "matroska", str(path)]
    raw = b"".join(picture(number, grain) for number in range(seconds * RATE))
    done = subprocess.run(["ffmpeg", "-v", "error", "-y", *video, *sound, *output], input=raw, capture_output=True)
    assert done.returncode == 0, f"ffmpeg could not make the clip: {done.stderr.decode()}"


@functools.cache
def clip(codec, seconds=60, keyframes_apart=1, bitrate=None):
    """The clip of this codec, made once."""
    return Clip(codec, seconds, keyframes_apart, bitrate)


def clips_folder():
    """Where the clips of this test run lie, for all of its processes (conftest.py); without one, those of this process."""
    return os.environ.get("CLIPS_FOLDER") or _own_clips().name


@functools.cache
def _own_clips():
    return tempfile.TemporaryDirectory(prefix="viaduct-clips-")


def clip_file(*order):
    """The path of a clip that is encoded by the first process that asks for it; the others wait for that."""
    path = os.path.join(clips_folder(), "-".join(str(part) for part in order).replace(" ", "-") + ".mkv")
    with open(path + ".lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(path):
            make_clip(path + ".part", *order)
            os.rename(path + ".part", path)
    return path


class Clip:
    """The encoded frames of a file, in memory, for as many publishers as one likes: they are sent as they are."""

    def __init__(self, codec, seconds, keyframes_apart=1, bitrate=None):
        self.codec = codec
        self.path = clip_file(codec, seconds, keyframes_apart, bitrate)
        self.pictures, self.sounds = [], []
        self.read()
        self.numbers_of_sound = {sound: number for number, sound in enumerate(self.sounds)}
        assert len(self.numbers_of_sound) == len(self.sounds), "two packets of the clip's sound are equal"

    def read(self):
        with av.open(self.path) as file:
            video = file.streams.video[0]
            # RTP takes H.264 and H.265 with start codes and with parameter sets before each keyframe.
            in_band = BitStreamFilterContext(f"{video.codec.name}_mp4toannexb", video) if video.codec.name in ("h264", "hevc") else None
            for packet in file.demux(video, file.streams.audio[0]):
                if packet.size == 0:
                    continue
                if packet.stream is not video:
                    self.sounds.append(bytes(packet))
                elif in_band is None:
                    self.pictures.append(bytes(packet))
                else:
                    self.pictures.extend(bytes(one) for one in in_band.filter(packet))

    def tracks(self, sound="OPUS"):
        """A video and an audio track on one clock, which starts with the first of them."""
        clock = Clock()
        sounds, rate = (self.sounds, SOUND_CLOCK) if sound == "OPUS" else (sound_packets(sound), TELEPHONE_CLOCK)
        return (
            EncodedTrack("video", self.pictures, fractions.Fraction(1, RATE), VIDEO_CLOCK, clock),
            EncodedTrack("audio", sounds, fractions.Fraction(SOUND_PACKET).limit_denominator(1000), rate, clock),
        )


@functools.cache
def sound_packets(codec, seconds=10):
    """A tone as packets of 20 ms of G.711: PCMU or PCMA."""
    name = {"PCMU": "mulaw", "PCMA": "alaw"}[codec]
    tone = f"sine=frequency=440:sample_rate={TELEPHONE_CLOCK}:duration={seconds}"
    done = subprocess.run(["ffmpeg", "-v", "error", "-f", "lavfi", "-i", tone, "-f", name, "-"], capture_output=True)
    assert done.returncode == 0, f"ffmpeg could not make the tone: {done.stderr.decode()}"
    size = int(TELEPHONE_CLOCK * SOUND_PACKET)
    return [done.stdout[start:start + size] for start in range(0, len(done.stdout), size)]


class Clock:
    """The moment at which a publisher began, the same for its tracks."""

    def __init__(self):
        self.began = None

    def start(self):
        self.began = self.began if self.began is not None else time.monotonic()
        return self.began


class EncodedTrack(MediaStreamTrack):
    """Sends encoded frames in real time, each `step` seconds after the one before, and remembers when. After the last the first follows."""

    def __init__(self, kind, frames, step, clock_rate, clock):
        super().__init__()
        self.kind, self.frames, self.step, self.clock_rate, self.clock = kind, frames, step, clock_rate, clock
        self.sent = []  # monotonic times

    async def recv(self):
        if self.readyState != "live":
            raise MediaStreamError
        number = len(self.sent)
        due = self.clock.start() + float(number * self.step)
        await asyncio.sleep(max(0, due - time.monotonic()))
        packet = av.Packet(self.frames[number % len(self.frames)])
        packet.time_base = fractions.Fraction(1, self.clock_rate)
        packet.pts = int(number * self.step * self.clock_rate)
        self.sent.append(time.monotonic())
        return packet

    def count_at(self, moment):
        """How many frames had been sent at this moment of the monotonic clock."""
        return bisect.bisect_right(self.sent, moment)


def write_ivf(path, frames):
    """Encoded frames of whatever codec in a file, each of a length of 1."""
    with open(path, "wb") as file:
        file.write(struct.pack("<4sHH4sHHIIII", b"DKIF", 0, 32, b"\0" * 4, 0, 0, 1, 1, len(frames), 0))
        for number, frame in enumerate(frames):
            file.write(struct.pack("<IQ", len(frame), number) + frame)


# What became of it


def probe(path):
    """ffprobe's view: container, streams by kind, and duration in seconds."""
    done = subprocess.run(
        ["ffprobe", "-v", "error", "-show_format", "-show_streams", "-of", "json", str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"ffprobe cannot read {path}: {done.stderr}"
    found = json.loads(done.stdout)
    return found["format"], {stream["codec_type"]: stream for stream in found["streams"]}


def decode_errors(path):
    """What ffmpeg complains about when it decodes everything; empty for a sound file."""
    # Frames keep their times: at a guessed rate two frames of a variable one can fall together, which is no error of the file.
    as_they_are = ["-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "null", "-"]
    done = subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), *as_they_are], capture_output=True, text=True, timeout=120)
    return done.stderr.strip() or ("" if done.returncode == 0 else f"ffmpeg ended with {done.returncode}")


# Loads a file into a page, seeks to its second second and plays on; resolves to what the player says of it.
PLAYER = """
(async (bytes, type) => {
  const video = document.body.appendChild(document.createElement("video"));
  video.muted = true;
  const failure = new Promise((_, reject) => { video.onerror = () => reject(new Error(video.error.message)); });
  const wait = (event) => Promise.race([new Promise((resolve) => { video["on" + event] = resolve; }), failure]);
  video.src = URL.createObjectURL(new Blob([Uint8Array.from(atob(bytes), (one) => one.charCodeAt(0))], { type }));
  await wait("canplay");
  video.currentTime = 1;
  await wait("seeked");
  await video.play();
  await wait("ended");
  return { width: video.videoWidth, duration: video.duration, shown: video.getVideoPlaybackQuality().totalVideoFrames };
})
"""


def play(page, path, content_type):
    """What a browser's player says of a file after seeking in it and playing to its end; it throws where the player does."""
    data = base64.b64encode(pathlib.Path(path).read_bytes()).decode()
    return page.evaluate(f"({PLAYER})({data!r}, {content_type!r})")


def read_number(frame):
    """The number that a decoded picture shows."""
    plane = frame.planes[0]
    pixels, stride = bytes(plane), plane.line_size
    scale = frame.height / HEIGHT

    def block(row, column):
        y, x = int((row + 0.5) * BLOCK * scale), int((column + 0.5) * BLOCK * scale)
        return pixels[y * stride + x] >= 128

    number = 0
    for column in range(BITS):
        bit = block(0, column)
        assert bit != block(1, column), f"the picture at {frame.time} s shows no number"
        number = number << 1 | bit
    return number


# What stands in a recording for sound that did not come: an Opus frame of silence, and several in one packet where nothing came of any track.
SILENCE = {b"\xf8\xff\xfe", *(bytes([0xFB, count]) + b"\xff\xfe" * count for count in range(1, 7))}


class Film:
    """The pictures and sounds of a file that was recorded of a clip: (number in the clip, time in the file)."""

    def __init__(self, path, clip=None):
        self.pictures, self.sounds = [], []
        with av.open(str(path)) as file:
            for packet in file.demux(file.streams.video[0], *file.streams.audio[:1]):
                if packet.stream.type == "video":
                    self.pictures.extend((read_number(frame), frame.time) for frame in packet.decode())
                elif packet.size and clip is not None and bytes(packet) not in SILENCE:
                    self.sounds.append((clip.numbers_of_sound[bytes(packet)], float(packet.pts * packet.time_base)))

    @property
    def first(self):
        return self.pictures[0][0]

    @property
    def last(self):
        return self.pictures[-1][0]

    def missing(self, pictures, sounds):
        """Seconds of media that are not in the film although they were sent after its beginning: the picture's and the sound's, where
        `pictures` and `sounds` frames of the clip had been sent."""
        seen = {number for number, _ in self.pictures}
        heard = {number for number, _ in self.sounds}
        start_of_sound = min(heard) if heard else int(self.first / RATE / SOUND_PACKET)
        unseen = sum(number not in seen for number in range(self.first, pictures))
        unheard = sum(number not in heard for number in range(start_of_sound, sounds))
        return unseen / RATE, unheard * SOUND_PACKET

    def repeated(self):
        """Pictures and sounds that come again or in a wrong order."""
        rows = [[number for number, _ in row] for row in (self.pictures, self.sounds)]
        return [later for numbers in rows for earlier, later in zip(numbers, numbers[1:]) if later <= earlier]

    def skew(self):
        """How much later sound comes than the picture of its moment, the median in seconds."""
        return median(time - number * SOUND_PACKET for number, time in self.sounds) - median(
            time - number / RATE for number, time in self.pictures)


def median(values):
    ordered = sorted(values)
    return ordered[len(ordered) // 2]
