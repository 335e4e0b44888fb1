"""AAC for tests: frames whose order is known, and how aiortc sends them (RFC 3640), which it does not know of itself."""

import fractions
import functools
import struct
import subprocess
import tempfile

import aiortc.codecs
import aiortc.rtcrtpsender
import av
from aiortc import RTCRtpCodecParameters
from aiortc.mediastreams import convert_timebase

import media

NAME = "mpeg4-generic"
RATE, FRAME = 48_000, 1024
STEP = fractions.Fraction(FRAME, RATE)  # seconds
PARAMETERS = {"streamtype": "5", "profile-level-id": "2", "mode": "AAC-hbr", "config": "1190", "sizelength": "13", "indexlength": "3",
              "indexdeltalength": "3"}
TYPE = RTCRtpCodecParameters(mimeType=f"audio/{NAME}", clockRate=RATE, channels=2, payloadType=126, parameters=PARAMETERS)


@functools.cache
def frames(seconds=60):
    """A tone with noise, so that no two frames are equal, as stereo frames of AAC-LC without headers."""
    sound = ["-f", "lavfi", "-i", f"sine=frequency=440:sample_rate={RATE}:duration={seconds}",
             "-f", "lavfi", "-i", f"anoisesrc=amplitude=0.1:sample_rate={RATE}:seed=1:duration={seconds}", "-filter_complex", "[0][1]amix=inputs=2"]
    with tempfile.NamedTemporaryFile(suffix=".mkv") as file:
        done = subprocess.run(["ffmpeg", "-v", "error", "-y", *sound, "-c:a", "aac", "-ac", "2", "-b:a", "64k", file.name], capture_output=True)
        assert done.returncode == 0, f"ffmpeg could not make the sound: {done.stderr.decode()}"
        with av.open(file.name) as made:
            found = [bytes(packet) for packet in made.demux(made.streams.audio[0]) if packet.size]
    assert len(set(found)) == len(found), "two frames of the sound are equal"
    return found


def tracks(clip):
    """The clip's pictures and this sound, on one clock."""
    clock = media.Clock()
    return (
        media.EncodedTrack("video", clip.pictures, fractions.Fraction(1, media.RATE), media.VIDEO_CLOCK, clock),
        media.EncodedTrack("audio", frames(), STEP, RATE, clock),
    )


class Packer:
    """What aiortc asks for payloads: one frame in a packet, or its pieces in several."""

    LARGEST = 1200

    def pack(self, packet):
        frame = bytes(packet)
        header = struct.pack(">HH", 16, len(frame) << 3)
        payloads = [header + frame[start:start + self.LARGEST] for start in range(0, len(frame), self.LARGEST)]
        return payloads, convert_timebase(packet.pts, packet.time_base, fractions.Fraction(1, RATE))


def teach_aiortc(monkeypatch):
    """Publishers may name it as their sound from now on."""
    monkeypatch.setitem(aiortc.codecs.CODECS, "audio", [*aiortc.codecs.CODECS["audio"], TYPE])
    known = aiortc.rtcrtpsender.get_encoder
    monkeypatch.setattr(aiortc.rtcrtpsender, "get_encoder", lambda codec: Packer() if codec.name == NAME else known(codec))


def sounds(path):
    """The frames in a file: (number of the frame, time in the file); what is not of ours is silence."""
    numbers = {frame: number for number, frame in enumerate(frames())}
    with av.open(str(path)) as file:
        found = [(bytes(packet), float(packet.pts * packet.time_base)) for packet in file.demux(file.streams.audio[0]) if packet.size]
    assert all(frame in numbers or len(frame) == 7 for frame, _ in found), "a frame was changed"
    return [(numbers[frame], time) for frame, time in found if frame in numbers]
