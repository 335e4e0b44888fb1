"""A sound system of the tests' own: PulseAudio with two devices that are not there, and ALSA in front of it."""

import array
import cmath
import contextlib
import math
import os
import signal
import subprocess
import threading

from bridge import ENVIRONMENT
from raw import settle

RATE = 48_000
PATIENCE = 20
# What plays into `mic` is what a camera's microphone hears; what a camera's speaker plays goes to `out`.
MICROPHONE, SPEAKER = "mic.monitor", "out"
# Nothing of the machine's own sound system, or of the user's.
FOREIGN = ("PULSE_", "ALSA_", "XDG_", "DBUS_", "PIPEWIRE_", "DISPLAY")


def tone(pitch, seconds):
    """Two channels of 16 bits."""
    samples = array.array("h")
    for at in range(RATE):
        samples.extend([round(8000 * math.sin(2 * math.pi * pitch * at / RATE))] * 2)
    return samples.tobytes() * seconds


def share(samples, pitch, rate=RATE):
    """How much of the sound's power a tone of this many Hz has."""
    turn = sum(sample * cmath.exp(-2j * cmath.pi * pitch * at / rate) for at, sample in enumerate(samples))
    return 2 * abs(turn) ** 2 / (len(samples) * sum(sample * sample for sample in samples) or 1)


class SoundSystem:
    """A daemon of PulseAudio in a folder of its own: no D-Bus, no network, no device of the machine."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        self.socket = folder / "native"
        own = {name: value for name, value in ENVIRONMENT.items() if not name.startswith(FOREIGN)}
        # GStreamer's index of its plugins stays where it is.
        cache = ENVIRONMENT.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
        self.environment = own | {
            "HOME": str(folder), "XDG_CACHE_HOME": cache, "PULSE_RUNTIME_PATH": str(folder),
            "PULSE_SERVER": f"unix:{self.socket}", "ALSA_CONFIG_PATH": str(self.write_alsa())}
        self.daemon = None

    def write_alsa(self):
        """ALSA's names for the same devices. What is played is in a file, too, by ALSA's own hand."""
        path = self.folder / "asound.conf"
        path.write_text(
            f'pcm.ear {{ type pulse\n server "unix:{self.socket}"\n device "{MICROPHONE}" }}\n'
            f'pcm.out {{ type pulse\n server "unix:{self.socket}"\n device "{SPEAKER}" }}\n'
            f'pcm.mouth {{ type file\n slave.pcm "out"\n file "{self.folder}/mouth.raw"\n format "raw" }}\n')
        return path

    def start(self):
        self.socket.unlink(missing_ok=True)
        modules = [f"module-native-protocol-unix socket={self.socket} auth-anonymous=1", *(
            f"module-null-sink sink_name={name} rate={RATE}" for name in ("mic", SPEAKER))]
        log = open(self.folder / "pulseaudio.log", "ab")
        with log:
            self.daemon = subprocess.Popen(
                ["pulseaudio", "-n", "--daemonize=no", "--system=false", "--use-pid-file=no", "--disable-shm=true", "--exit-idle-time=-1",
                 "--high-priority=no", "--realtime=no", *(word for module in modules for word in ("-L", module))],
                stderr=log, env={name: value for name, value in self.environment.items() if name != "PULSE_SERVER"})
        there = settle(lambda: subprocess.run(["pactl", "info"], env=self.environment, capture_output=True).returncode, lambda code: code == 0,
                       PATIENCE)
        assert there == 0, (self.folder / "pulseaudio.log").read_text()

    def kill(self):
        """As a sound card that is pulled out."""
        if self.daemon is not None:
            self.daemon.send_signal(signal.SIGKILL)
            self.daemon.wait()
        self.daemon = None

    @contextlib.contextmanager
    def playing(self, pitch, sink="mic"):
        """A tone for as long as the block takes, a minute at most."""
        path = self.folder / f"{pitch}.raw"
        path.write_bytes(tone(pitch, 60))
        player = subprocess.Popen(["pacat", "--playback", f"--device={sink}", f"--rate={RATE}", "--raw", str(path)], env=self.environment)
        try:
            yield
        finally:
            player.kill()
            player.wait()

    @contextlib.contextmanager
    def heard(self, source=f"{SPEAKER}.monitor"):
        """What comes out of a device while the block runs: a function that gives all samples so far (8,000 a second)."""
        recorder = subprocess.Popen(
            ["parecord", f"--device={source}", "--rate=8000", "--channels=1", "--format=s16le", "--raw", "--latency-msec=50"],
            stdout=subprocess.PIPE, env=self.environment)
        pieces = []

        def read():
            while piece := os.read(recorder.stdout.fileno(), 65536):
                pieces.append(piece)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            yield lambda: samples_of(b"".join(pieces))
        finally:
            recorder.kill()
            recorder.wait()
            reader.join(PATIENCE)
            recorder.stdout.close()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.kill()


def samples_of(raw):
    return array.array("h", raw[:len(raw) // 2 * 2])
