"""Measures the way of one camera through a real bridge to real Chromium: how long joining takes, what the processes use, the delay.

Joining: 20 publishers and 20 viewers, one after the other. Use and delay: the synthetic camera of `viaduct demo` (720p30), one recording
and one viewer at once. The camera's own process encodes and is not counted.
"""

import sys
import time

from Bench.figures import Report, arguments
from Bench.FirstCamera.demo import Demo
from Bench.FirstCamera.pages import PATIENCE, open_page, publish_once, watch_once
from Bench.processes import cpu_seconds, memory_megabytes
from bridge import Bridge
from browsers import Chromium

JOINS = 20
PAUSE_SECONDS = 1  # between sessions: the processes of the last one have ended, and the warm pool is full again
SETTLED_SECONDS = 5  # until encoder and jitter buffer have found their rates
WINDOW_SECONDS = 20
SAMPLE_SECONDS = 0.5
PICTURE = {"width": 1280, "height": 720}
FEWEST_FRAMES = 28  # a second; less is not the load that is to be measured
FIRST_FRAME_LIMIT = 1500


def join(measure):
    samples = []
    for number in range(JOINS):
        samples.append(measure(number))
        time.sleep(PAUSE_SECONDS)
    return samples


def measure_joining(report, browser):
    with Bridge(log__level="info") as bridge:
        tokens = [bridge.token(f"bench-{number}", "publish") for number in range(JOINS)]
        samples = join(lambda number: publish_once(browser, bridge.base, f"bench-{number}", tokens[number]))
        report.add("session_start to connected", "ms", samples)
    with Demo() as demo:
        samples = join(lambda _: watch_once(browser, demo.base, demo.stream))
        report.add("watch page to its first frame", "ms", samples, at_most=FIRST_FRAME_LIMIT)


def measure_window(demo, page):
    """Shares of a core by role, and the delays that the page reads from the burnt-in clock."""
    before = {role: cpu_seconds(pid) for role, pid in demo.measured.items()}
    start = time.monotonic()
    delays = []
    while (elapsed := time.monotonic() - start) < WINDOW_SECONDS:
        delays.append(page.evaluate("window.viaduct.delay"))
        time.sleep(SAMPLE_SECONDS)
    shares = {role: (cpu_seconds(pid) - before[role]) / elapsed * 100 for role, pid in demo.measured.items()}
    return shares, [delay for delay in delays if delay is not None]


def check_picture(page):
    figures = page.evaluate("window.viaduct.figures")
    if any(figures[side] != PICTURE[side] for side in PICTURE) or figures["framesPerSecond"] < FEWEST_FRAMES:
        raise SystemExit(f"the viewer does not see 720p30: {figures}")
    return figures["bitsPerSecond"] / 1_000_000


def measure_use(report, browser, runs):
    with Demo(pipelines__warm=0) as demo:
        demo.name_new_children("camera", "record")
        with open_page(browser, f"{demo.base}/watch/{demo.stream}") as page:
            page.wait_for("window.milestones.firstFrame", PATIENCE)
            time.sleep(SETTLED_SECONDS)
            windows = [measure_window(demo, page) for _ in range(runs)]
            bitrate = check_picture(page)
            memories = {role: memory_megabytes(pid) for role, pid in demo.measured.items()}
    report_use(report, windows, memories, bitrate)


def report_use(report, windows, memories, bitrate):
    report.add("bit rate of the viewer", "Mbit/s", [bitrate])
    for role in memories:
        report.add(f"CPU: {role}", "% of a core", [shares[role] for shares, _ in windows])
    report.add("CPU: all", "% of a core", [sum(shares.values()) for shares, _ in windows])
    for role, (resident, private) in memories.items():
        report.add(f"memory: {role}, resident", "MB", [resident])
        report.add(f"memory: {role}, its own", "MB", [private])
    delays = [delay for _, delays in windows for delay in delays]
    if not delays:
        raise SystemExit("the watch page found no burnt-in clock")
    report.add("delay against the burnt-in clock", "ms", delays)


def main():
    options = arguments(__doc__.splitlines()[0]).parse_args()
    report = Report("First camera: one publisher, one recording, one viewer in Chromium, all on loopback")
    with Chromium() as browser:
        measure_joining(report, browser)
        measure_use(report, browser, options.runs)
    return report.finish(options.json)


if __name__ == "__main__":
    sys.exit(main())
