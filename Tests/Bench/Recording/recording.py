"""Measures what a recording costs: 20 of 720p at once, by the bridge, and by `ffmpeg -c copy` and `gst-launch-1.0`, which take the same media as plain RTP.

Of the bridge counts each recorder's process, and what the bridge itself does more than without recordings. What it does for its peers (ICE, DTLS, SRTP)
is no part of a recording, and the others do not have it.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time

from Bench.figures import Report, arguments
from Bench.processes import cpu_seconds, memory_megabytes
from bridge import Bridge
from raw import settle
import load

RECORDINGS = 20
BITRATE = 2000  # kbit/s of video, 30 pictures a second
SETTLE, WINDOW = 5, 20  # seconds
PACKET_BYTES = 1200
FIRST_PORT = 25_000  # four for each recording: RTP and RTCP of video and sound
VIDEO, SOUND = 96, 97  # payload types
LIMIT = 1.5  # times the better of the others


class Window:
    """Processor time and memory of processes from `begin` to `end`, each a mean of them."""

    def __init__(self, pids):
        self.pids = list(pids)
        self.before = [cpu_seconds(pid) for pid in self.pids]
        self.began = time.monotonic()

    def end(self):
        """Per cent of a core, and megabytes that no other process has."""
        passed = time.monotonic() - self.began
        used = sum(cpu_seconds(pid) - before for pid, before in zip(self.pids, self.before))
        memory = sum(memory_megabytes(pid)[1] for pid in self.pids)
        return 100 * used / passed / len(self.pids), memory / len(self.pids)


def make_clip(folder):
    """Ten seconds of 720p with a keyframe every two seconds and its parameter sets in band, and Opus."""
    path = os.path.join(folder, "clip.ts")
    rate = f"{BITRATE}k"
    subprocess.run([
        "ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30:duration=10",
        "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=10",
        "-c:v", "libx264", "-preset", "veryfast", "-tune", "zerolatency", "-profile:v", "baseline", "-pix_fmt", "yuv420p", "-g", "60",
        "-b:v", rate, "-minrate", rate, "-maxrate", rate, "-bufsize", rate, "-x264-params", "nal-hrd=cbr:repeat-headers=1:scenecut=0",
        "-c:a", "libopus", "-b:a", "48k", "-frame_duration", "20", "-f", "mpegts", path,
    ], check=True)
    return path


def ports(number):
    """Of video and sound."""
    return FIRST_PORT + 4 * number, FIRST_PORT + 4 * number + 2


@contextlib.contextmanager
def ended(processes):
    """They are killed at the end."""
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.wait()


def send(clip):
    """Two processes that send the clip's tracks in real time to all recordings, again and again."""
    for track, place, payload in (("0:v", 0, VIDEO), ("0:a", 1, SOUND)):
        targets = "|".join(
            f"[f=rtp:payload_type={payload}]rtp://127.0.0.1:{ports(number)[place]}?pkt_size={PACKET_BYTES}" for number in range(RECORDINGS))
        yield subprocess.Popen(
            ["ffmpeg", "-v", "error", "-re", "-stream_loop", "-1", "-i", clip, "-map", track, "-c", "copy", "-f", "tee", targets],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def ffmpeg(number, path):
    """Records from RTP by ffmpeg."""
    video, sound = ports(number)
    lines = [
        "v=0", "o=- 0 0 IN IP4 127.0.0.1", "s=-", "c=IN IP4 127.0.0.1", "t=0 0",
        f"m=video {video} RTP/AVP {VIDEO}", f"a=rtpmap:{VIDEO} H264/90000", f"a=fmtp:{VIDEO} packetization-mode=1",
        f"m=audio {sound} RTP/AVP {SOUND}", f"a=rtpmap:{SOUND} opus/48000/2",
    ]
    with open(f"{path}.sdp", "w") as file:
        file.write("\r\n".join([*lines, ""]))
    return ["ffmpeg", "-v", "fatal", "-protocol_whitelist", "file,udp,rtp", "-i", f"{path}.sdp", "-c", "copy", "-f", "matroska", path]


def gstreamer(number, path):
    """Records from RTP by gst-launch-1.0."""
    video, sound = ports(number)

    def source(port, kind, name, rate, payload):
        caps = f"application/x-rtp,media={kind},clock-rate={rate},encoding-name={name},payload={payload}"
        return ["udpsrc", "address=127.0.0.1", f"port={port}", f"caps={caps}", "!", "rtpjitterbuffer", "!"]

    return [
        "gst-launch-1.0", "-q", "matroskamux", "name=mux", "!", "filesink", f"location={path}",
        *source(video, "video", "H264", 90_000, VIDEO), "rtph264depay", "!", "h264parse", "!", "queue", "!", "mux.",
        *source(sound, "audio", "OPUS", 48_000, SOUND), "rtpopusdepay", "!", "opusparse", "!", "queue", "!", "mux.",
    ]


def measure_other(command, clip, folder):
    """What a recording by another program costs."""
    paths = [os.path.join(folder, f"{command.__name__}-{number}.mkv") for number in range(RECORDINGS)]
    recorders = [
        subprocess.Popen(command(number, path), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) for number, path in enumerate(paths)
    ]
    with ended(recorders), ended(list(send(clip))):
        time.sleep(SETTLE)
        sizes = [size(path) for path in paths]
        window = Window(process.pid for process in recorders)
        time.sleep(WINDOW)
        figures = window.end()
        check_growth([size(path) - before for path, before in zip(paths, sizes)], command.__name__)
    for path in paths:
        os.unlink(path)
    return figures


def size(path):
    return os.path.getsize(path) if os.path.exists(path) else 0


def check_growth(grown, who):
    """Everybody wrote the media: else a cost means nothing."""
    wanted = 0.8 * BITRATE * 1000 / 8 * WINDOW
    if min(grown) < wanted:
        raise SystemExit(f"{who} wrote only {min(grown)} bytes of a recording in {WINDOW} s, not {wanted:.0f}")


def live_streams(bridge):
    reply = bridge.get("/bridge/v1/streams", headers={"authorization": f"Bearer {bridge.operator_token}"})[2]
    return len(json.loads(reply)["streams"])


def start_recording(bridge, number):
    path = f"/bridge/v1/streams/recorded-{number}/recordings"
    status, reply = settle(lambda: bridge.post(path, {}, bridge.operator_token), lambda answer: answer[0] == 201, timeout=30)
    if status != 201:
        raise SystemExit(f"no recording {number}: {reply}")
    return reply["id"]


def part_sizes(bridge, recordings):
    folders = [os.path.join(bridge.data, "spool", recording) for recording in recordings]
    return [sum(size(os.path.join(folder, name)) for name in os.listdir(folder)) for folder in folders]


def recorders(bridge, recordings):
    return {bridge.child_with_open(lambda name, one=one: f"/{one}/" in name, f"a file of recording {one}") for one in recordings}


def measure_bridge():
    """What a recording costs: the recorder's processor time, the bridge's share, and the recorder's memory."""
    with Bridge(webrtc__addresses="127.0.0.1", log__level="warning") as bridge:
        publishers = load.start(
            "steady", "--publishers", RECORDINGS, "--whip", f"{bridge.base}/whip/recorded-{{n}}", "--token", bridge.operator_token,
            "--bitrate", BITRATE, "--duration", "300s", "--srtp", "gcm", "--quiet")
        with ended([publishers]):
            live = settle(lambda: live_streams(bridge), lambda count: count == RECORDINGS, timeout=30)
            if live != RECORDINGS:
                raise SystemExit(f"only {live} of {RECORDINGS} streams are published")
            time.sleep(SETTLE)
            return measure_recordings(bridge)


def measure_recordings(bridge):
    without = Window([bridge.process.pid])
    time.sleep(WINDOW)
    idle = without.end()[0]
    recordings = [start_recording(bridge, number) for number in range(1, RECORDINGS + 1)]
    children = recorders(bridge, recordings)
    time.sleep(SETTLE)
    sizes = part_sizes(bridge, recordings)
    windows = Window(children), Window([bridge.process.pid])
    time.sleep(WINDOW)
    (child, memory), (busy, _) = (window.end() for window in windows)
    check_growth([after - before for after, before in zip(part_sizes(bridge, recordings), sizes)], "the bridge")
    return child, max(0.0, busy - idle) / RECORDINGS, memory


def measure(clip, folder):
    """The figures of one round by name."""
    child, share, memory = measure_bridge()
    others = {command.__name__: measure_other(command, clip, folder) for command in (ffmpeg, gstreamer)}
    return {
        "recorder": child, "share": share, "memory": memory,
        **{f"{name} cpu": figures[0] for name, figures in others.items()},
        **{f"{name} memory": figures[1] for name, figures in others.items()},
        "cpu ratio": (child + share) / min(figures[0] for figures in others.values()),
        "memory ratio": memory / min(figures[1] for figures in others.values()),
    }


def main():
    options = arguments(__doc__).parse_args()
    with tempfile.TemporaryDirectory(prefix="viaduct-bench-") as folder:
        clip = make_clip(folder)
        runs = [measure(clip, folder) for _ in range(options.runs)]
    report = Report(f"Recording: {RECORDINGS} of 720p with {BITRATE / 1000:g} Mbit/s and Opus at once, each")
    for name, title, unit, limit in [
        ("recorder", "processor of the recorder", "% of a core", {}), ("share", "processor of the bridge for it", "% of a core", {}),
        ("ffmpeg cpu", "processor of ffmpeg -c copy", "% of a core", {}), ("gstreamer cpu", "processor of gst-launch-1.0", "% of a core", {}),
        ("cpu ratio", "processor, times the better of these", "", {"at_most": LIMIT}),
        ("memory", "memory of the recorder's own", "MB", {}), ("ffmpeg memory", "memory of ffmpeg", "MB", {}),
        ("gstreamer memory", "memory of gst-launch-1.0", "MB", {}), ("memory ratio", "memory, times the better of these", "", {"at_most": LIMIT}),
    ]:
        report.add(title, unit, [run[name] for run in runs], **limit)
    return report.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
