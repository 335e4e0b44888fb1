"""Bad networks: what browsers see of a line that loses, reorders, narrows, and of addresses that change. `-s` shows the figures."""

import time

import pytest

import media
from browsers import Chromium
from pages import LIVE, publish, statistics, watch
from relay_network import BadNetwork, FarChromium, NearBridge
from rtm import LoopThread
from whip import Leg

LOSSY = {"loss": 0.1, "reorder": 0.05, "delay": 0.02, "jitter": 0.005}

# The times of a page's pictures, on the page's own clock.
FRAME_TIMES = """
window.frameTimes = [];
addEventListener("DOMContentLoaded", () => {
  const video = document.querySelector("video");
  const note = (now) => { frameTimes.push(now); video.requestVideoFrameCallback(note); };
  video.requestVideoFrameCallback(note);
});
"""


@pytest.fixture(scope="module")
def line():
    """The two networks; the tests of this module and their bridge are in the near one."""
    with BadNetwork(seed=7) as line, line.near.entered():
        yield line


@pytest.fixture(autouse=True)
def clear_line(line):
    yield
    line.clear()


@pytest.fixture(scope="module")
def bridge(line):
    with NearBridge() as bridge:
        yield bridge


@pytest.fixture(scope="module")
def far_browser(line, bridge):
    with FarChromium(line, bridge) as browser:
        yield browser


@pytest.fixture(scope="module")
def near_browser(line, bridge):
    with Chromium(f"--unsafely-treat-insecure-origin-as-secure={bridge.base}") as browser:
        yield browser


@pytest.fixture(scope="module")
def network(line):
    """Where cameras and viewers by aiortc live: beside the bridge."""
    with LoopThread() as network:
        yield network


class Pictures:
    """The pictures that a page shows, between moments that the test marks; all times are seconds."""

    GAP = 0.4  # of a stream of 20 pictures a second and more: that the picture stood still can be seen

    def __init__(self, page):
        self.page = page

    def mark(self):
        return self.page.evaluate("performance.now()") / 1000

    def times(self, start, end=None):
        end = end if end is not None else self.mark()
        return [moment / 1000 for moment in self.page.evaluate("frameTimes") if start <= moment / 1000 <= end]

    def gaps(self, start, end=None):
        """(beginning, length) of what was longer than `GAP` without a picture."""
        end = end if end is not None else self.mark()
        moments = [start, *self.times(start, end), end]
        return [(one, other - one) for one, other in zip(moments, moments[1:]) if other - one > self.GAP]

    def recovery(self, start):
        """How long after `start` the last gap ended; 0 when there was none."""
        return max((begun + length - start for begun, length in self.gaps(start)), default=0)

    def wait_until_steady(self, limit):
        """Waits for two seconds without a gap."""
        began = self.mark()
        while self.gaps(self.mark() - 2):
            assert self.mark() - began < limit, f"the picture does not run within {limit} s: gaps {self.gaps(began)}"
            time.sleep(0.1)


def freezes(page):
    """The browser's own figures of the video that it receives."""
    [video] = [entry for entry in statistics(page, "inbound-rtp") if entry["kind"] == "video"]
    names = ("framesDecoded", "freezeCount", "totalFreezesDuration", "packetsLost", "nackCount", "pliCount", "keyFramesDecoded")
    return {name: video.get(name, 0) for name in names}


def report(name, **figures):
    print(f"\n{name}: " + ", ".join(f"{key} {value:.3f}" if isinstance(value, float) else f"{key} {value}" for key, value in figures.items()))


def check_lossy(line, page, name, seconds=10):
    """The picture of a page keeps moving while the line is lossy, and runs smoothly soon after."""
    pictures = Pictures(page)
    pictures.wait_until_steady(10)
    before, began = freezes(page), pictures.mark()
    line.set(**LOSSY)
    time.sleep(seconds)
    after, ended = freezes(page), pictures.mark()
    line.clear()
    counts = line.counts()
    time.sleep(3)
    figures = {key: after[key] - before[key] for key in after}
    gaps, recovery = pictures.gaps(began, ended), pictures.recovery(ended)
    report(name, **figures, gaps=len(gaps), longest=max((length for _, length in gaps), default=0.0), recovery=float(recovery))
    told = f"{figures} in {seconds} s, gaps (begin, length) {gaps}, recovery {recovery:.2f} s, line {counts}"
    assert all(direction["lost"] > 0 and direction["reordered"] > 0 for direction in counts.values()), told
    assert figures["framesDecoded"] >= 10 * seconds, told
    assert figures["totalFreezesDuration"] <= 0.3 * seconds, told
    assert max((length for _, length in gaps), default=0) <= 2, told
    assert recovery <= 1.5, told


def clip_publisher(bridge, network, stream):
    return Leg.publish(network, bridge, stream, bridge.token(stream, "publish"), media.clip("VP8").tracks(), "VP8")


def test_chromium_watches_through_loss_and_reordering(line, bridge, network, far_browser):
    with clip_publisher(bridge, network, "lossy-watch"):
        with watch(bridge, far_browser, "lossy-watch", script=FRAME_TIMES) as page:
            page.wait_for(LIVE, 10)
            check_lossy(line, page, "watching through 10 % loss")


def test_chromium_publishes_through_loss_and_reordering(line, bridge, far_browser, near_browser):
    with publish(bridge, far_browser, "lossy-publish", codec="vp8"):
        with watch(bridge, near_browser, "lossy-publish", script=FRAME_TIMES) as page:
            page.wait_for(LIVE, 10)
            check_lossy(line, page, "publishing through 10 % loss")


def test_a_viewer_whose_line_gets_narrow_comes_back(line, bridge, network, far_browser):
    """For five seconds the line takes less than the stream has, with the short queue of a usual router before it."""
    with clip_publisher(bridge, network, "narrow"), watch(bridge, far_browser, "narrow", script=FRAME_TIMES) as page:
        page.wait_for(LIVE, 10)
        pictures = Pictures(page)
        pictures.wait_until_steady(10)
        before, began = freezes(page), pictures.mark()
        overflowed = line.set("far", rate=60_000, queue=10_000)["far"]["overflowed"]
        time.sleep(5)
        ended = pictures.mark()
        overflowed = line.clear()["far"]["overflowed"] - overflowed
        time.sleep(4)
        after, recovery, gaps = freezes(page), pictures.recovery(ended), pictures.gaps(began)
        figures = {key: after[key] - before[key] for key in after}
        report("a line that is too narrow for 5 s", **figures, overflowed=overflowed, recovery=float(recovery))
        told = f"{figures}, {overflowed} packets too many, gaps (begin, length) {gaps}, recovery {recovery:.2f} s"
        assert overflowed > 0, told
        assert recovery <= 2, told
        assert len(pictures.times(ended + 2, ended + 4)) >= 20, told


def picture_after(line, publisher, viewer, name, change, limit):
    """Seconds from a change of the publisher's or the viewer's network until the viewer's picture runs again: within `limit`."""
    pictures = Pictures(viewer)
    pictures.wait_until_steady(10)
    time.sleep(4)  # both pages have learnt how their line is when it is well
    sessions = [page.evaluate("viaduct.sessions") for page in (publisher, viewer)]
    before, changed = line.counts(), pictures.mark()
    change()
    time.sleep(limit + 2)
    recovery, gaps = pictures.recovery(changed), pictures.gaps(changed)
    report(name, recovery=float(recovery), gaps=len(gaps))
    told = f"gaps (begin, length) {gaps} after {changed:.2f}, line {before} before and {line.counts()} after"
    assert gaps, f"the change went unnoticed: {told}"
    assert recovery <= limit, f"no picture for {recovery:.2f} s, {told}"
    after = [page.evaluate("viaduct.sessions") for page in (publisher, viewer)]
    assert after == sessions, f"sessions of publisher and viewer: {sessions} before, {after} after"


def test_a_publisher_that_gets_another_address_is_back_within_a_second(line, bridge, far_browser, near_browser):
    """Its recording goes on in the one file that there is."""
    with publish(bridge, far_browser, "moving", codec="vp8") as camera, watch(bridge, near_browser, "moving", script=FRAME_TIMES) as viewer:
        viewer.wait_for(LIVE, 10)
        camera.click("record")
        camera.wait_for("viaduct.recording?.state === 'recording'", 10)
        recording = camera.evaluate("viaduct.recording.id")
        picture_after(line, camera, viewer, "another address of the publisher", lambda: line.far.move("10.77.1.2"), limit=1)
        assert camera.evaluate("[viaduct.recording.state, viaduct.recording.id]") == ["recording", recording]
        camera.click("record")
        camera.wait_for("viaduct.recording.state === 'stored'", 15)
        print(bridge.recording(recording))


@pytest.mark.parametrize("end", ["publisher", "viewer"])
def test_a_nat_that_changes_its_mapping_breaks_nothing(line, bridge, far_browser, near_browser, end):
    """The new mapping is known with the browser's next check of the path, of which there is one in 2.5 s."""
    publishes, watches = (far_browser, near_browser) if end == "publisher" else (near_browser, far_browser)
    line.set("near", mapping=["10.77.2.1", 0x0100])
    stream = f"rebound-{end}"
    with publish(bridge, publishes, stream, codec="vp8") as camera, watch(bridge, watches, stream, script=FRAME_TIMES) as viewer:
        viewer.wait_for(LIVE, 10)
        picture_after(
            line, camera, viewer, f"another mapping of the {end}'s NAT", lambda: line.set("near", mapping=["10.77.2.2", 0x0200]), limit=4)
