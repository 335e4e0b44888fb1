"""A publisher that is a process of its own, so that it can be killed, and whose every frame is known: it writes down what it sends as it sends it."""

import bisect
import fractions
import os
import struct
import time

import media
from bridge import Bridge
from rtm import LoopThread
from whip import Leg

_ROW = struct.Struct("<Bd")  # the track, and the moment on the monotonic clock, which all processes share
_PICTURE, _SOUND = 0, 1
PATIENCE = 20


class NotedTrack(media.EncodedTrack):
    """Writes a row for each frame before it is sent."""

    def __init__(self, notebook, *arguments):
        super().__init__(*arguments)
        self.notebook = notebook

    async def recv(self):
        packet = await super().recv()
        os.write(self.notebook, _ROW.pack(_PICTURE if self.kind == "video" else _SOUND, time.monotonic()))
        return packet


def _publish(port, data, stream, token, frames, notebook):
    """The process: publishes until it is ended."""
    codec, pictures, sounds = frames
    clock, notes = media.Clock(), os.open(notebook, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    tracks = [
        NotedTrack(notes, "video", pictures, fractions.Fraction(1, media.RATE), media.VIDEO_CLOCK, clock),
        NotedTrack(notes, "audio", sounds, fractions.Fraction(media.SOUND_PACKET).limit_denominator(1000), media.SOUND_CLOCK, clock),
    ]
    with LoopThread() as network:
        Leg.publish(network, Bridge(data=data, port=port), stream, token, tracks, codec)
        while os.getppid() != 1:
            time.sleep(1)


class Publisher:
    """Sends a clip to a stream until `kill`. `context` is that of multiprocessing: one whose processes are cheap to start."""

    def __init__(self, context, bridge, stream, clip):
        self.notebook = os.path.join(bridge.folder, f"sent-{stream}")
        frames = (clip.codec, clip.pictures, clip.sounds)
        arguments = (bridge.port, bridge.data, stream, bridge.operator_token, frames, self.notebook)
        self.process = context.Process(target=_publish, args=arguments, daemon=True)
        self.process.start()

    def wait_until_sending(self):
        end = time.monotonic() + PATIENCE
        while not self.sent[_PICTURE]:
            assert self.process.is_alive(), f"the publisher ended with {self.process.exitcode}"
            assert time.monotonic() < end, "the publisher sends nothing"
            time.sleep(0.02)

    @property
    def sent(self):
        """The moments of the pictures and of the sounds until now."""
        moments = [], []
        if os.path.exists(self.notebook):
            with open(self.notebook, "rb") as file:
                rows = file.read()
            for kind, moment in _ROW.iter_unpack(rows[:len(rows) - len(rows) % _ROW.size]):
                moments[kind].append(moment)
        return moments

    def numbers(self, since, until):
        """Those of the pictures and of the sounds that were sent between two moments."""
        return tuple(range(bisect.bisect_left(one, since), bisect.bisect_left(one, until)) for one in self.sent)

    def kill(self):
        """kill -9."""
        self.process.kill()
        self.process.join()
