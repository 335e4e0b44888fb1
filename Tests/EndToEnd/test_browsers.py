"""The pages in real browsers: what a camera's owner and viewers see, also when things go wrong."""

import time

import pytest

from bridge import Bridge
from pages import LIVE, frames_decoded, notice, open_publish, publish, watch

FIRST_FRAME_LIMIT_MS = 1500


def check_picture(page, tmp_path):
    """The screen shows a picture that has contrast and moves."""
    first = page.picture("stage", str(tmp_path / "first.png"))
    time.sleep(1)
    second = page.picture("stage", str(tmp_path / "second.png"))
    levels = len(set(first))
    moved = sum(abs(one - other) > 24 for one, other in zip(first, second))
    assert levels > 16, f"the picture has {levels} grey levels only"
    assert max(first) - min(first) > 64, f"the picture's grey is from {min(first)} to {max(first)} only"
    assert moved > 100, f"only {moved} of {len(first)} pixels changed within a second"


def check_playing(page, seconds=10):
    """Frames are decoded for so long: at no time do three looks in a row, a second apart, find no new one."""
    counts = [frames_decoded(page)]
    for _ in range(seconds):
        time.sleep(1)
        counts.append(frames_decoded(page))
    told = f"frames decoded, second by second: {counts}"
    assert all(later > earlier for earlier, later in zip(counts, counts[2:])), told
    assert counts[-1] - counts[0] >= 5 * seconds, told


def first_frames(bridge, browser, stream, openings=3):
    """Milliseconds from opening the watch page to its first frame, for several openings."""
    found = []
    for _ in range(openings):
        with watch(bridge, browser, stream) as page:
            page.wait_for("window.viaduct?.firstFrameAfter != null", 15)
            found.append(round(page.evaluate("viaduct.firstFrameAfter")))
    return found


def check_first_frame(bridge, browser, stream):
    """The best of three openings: what else runs on the machine is not the bridge's doing. The bench has the distribution."""
    times = first_frames(bridge, browser, stream)
    assert min(times) <= FIRST_FRAME_LIMIT_MS, f"milliseconds to the first frame: {times}"


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_a_browser_publishes_and_another_one_watches(bridge, camera_browser, viewer_browser, tmp_path, codec):
    stream = f"browser-{codec}"
    with publish(bridge, camera_browser, stream, codec=codec.lower()):
        check_first_frame(bridge, viewer_browser, stream)
        with watch(bridge, viewer_browser, stream) as page:
            page.wait_for(LIVE, 10)
            check_playing(page)
            check_picture(page, tmp_path)
            figures = page.evaluate("viaduct.figures")
            assert (figures["codec"], figures["width"], figures["height"]) == (codec, 640, 360), figures


def test_firefox_watches_vp8(bridge, camera_browser, firefox, tmp_path):
    with publish(bridge, camera_browser, "firefox-vp8", codec="vp8"):
        check_first_frame(bridge, firefox, "firefox-vp8")
        with watch(bridge, firefox, "firefox-vp8") as page:
            page.wait_for(LIVE, 10)
            check_playing(page)
            check_picture(page, tmp_path)


def test_firefox_publishes(bridge, firefox, viewer_browser, tmp_path):
    with publish(bridge, firefox, "from-firefox", codec="vp8"), watch(bridge, viewer_browser, "from-firefox") as page:
        page.wait_for(LIVE, 10)
        check_playing(page, seconds=5)
        check_picture(page, tmp_path)


def test_a_browser_without_the_cameras_codec_is_told_so(bridge, camera_browser, firefox):
    """Debian's Firefox has no H.264 for WebRTC: sound alone is not what a viewer came for."""
    with publish(bridge, camera_browser, "firefox-h264", codec="h264"), watch(bridge, firefox, "firefox-h264") as page:
        page.wait_for("window.viaduct?.state === 'refused'", 10)
        text = notice(page)
        assert "H.264" in text and "cannot play" in text, f"the notice says: {text}"


def test_the_panel_shows_the_delay_to_the_clock_in_the_picture(bridge, camera_browser, viewer_browser):
    """A camera that draws the clock of the synthetic one, in a canvas; both clocks are this machine's."""
    with publish(bridge, camera_browser, "clock", codec="vp8", script=CLOCK_CAMERA), watch(bridge, viewer_browser, "clock") as page:
        page.wait_for("window.viaduct?.delay != null && viaduct.figures?.width === 640", 15)
        # The panel is written once a second; a busy machine's publisher may be back at its small picture for a while.
        page.wait_for(PANEL_IS_RIGHT, 20)
        delay = page.evaluate("viaduct.delay")
        assert 0 <= delay < 1500, f"the delay is {delay} ms"


PANEL_IS_RIGHT = """(() => {
  const texts = Object.fromEntries([...document.querySelectorAll("[data-figure]")].map((e) => [e.dataset.figure, e.textContent]));
  const isNumber = (name) => /^[\\d.]+$/.test(texts[name].split(/\\s/)[0]);
  return texts.resolution === "640 × 360" && texts.codec === "VP8" && ["frames", "bitrate", "loss", "roundTrip", "delay"].every(isNumber);
})()"""

CLOCK_CAMERA = """
navigator.mediaDevices.getUserMedia = async () => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 360 });
  const context = canvas.getContext("2d");
  setInterval(() => {
    const now = BigInt(Date.now());
    context.fillStyle = `hsl(${now / 20n % 360n} 60% 50%)`;
    context.fillRect(0, 0, 640, 360);
    for (let block = 0; block < 64; block++) {
      context.fillStyle = (now >> BigInt(63 - block)) & 1n ? "white" : "black";
      context.fillRect(block * 10, 0, 10, 16);
    }
  }, 40);
  return canvas.captureStream(25);
};
"""


@pytest.mark.parametrize("end", [Bridge.kill, Bridge.stop])
def test_the_pages_survive_a_restart_of_the_bridge(camera_browser, viewer_browser, end):
    with Bridge() as bridge:
        with publish(bridge, camera_browser, "restart", codec="vp8") as camera, watch(bridge, viewer_browser, "restart") as viewer:
            viewer.wait_for(LIVE, 10)
            for page in (camera, viewer):
                page.evaluate("window.isTheSamePage = true")
            end(bridge)
            viewer.wait_for("viaduct.state === 'reconnecting'", 10)
            bridge.start()
            camera.wait_for(LIVE, 20)
            viewer.wait_for(LIVE, 20)
            check_playing(viewer, seconds=3)
            assert [page.evaluate("window.isTheSamePage") for page in (camera, viewer)] == [True, True], "a page was loaded again"


def test_a_lost_socket_is_opened_again_and_the_media_go_on(bridge, camera_browser, viewer_browser):
    with publish(bridge, camera_browser, "socket", codec="vp8", script=SOCKETS_IN_REACH) as camera:
        with watch(bridge, viewer_browser, "socket") as viewer:
            viewer.wait_for(LIVE, 10)
            decoded = frames_decoded(viewer)
            camera.evaluate("sockets.at(-1).close(4999)")
            camera.wait_for("sockets.length === 2 && sockets[1].readyState === WebSocket.OPEN", 10)
            camera.click("record")
            camera.wait_for("viaduct.recording?.state === 'recording'", 10)
            assert camera.evaluate("viaduct.sessions") == 1, "the camera has made another session"
            assert viewer.evaluate("[viaduct.sessions, viaduct.state]") == [1, "live"], "the viewer has noticed"
            assert frames_decoded(viewer) > decoded, "the picture stood still"


SOCKETS_IN_REACH = """
window.sockets = [];
window.WebSocket = class extends WebSocket {
  constructor(url) { super(url); sockets.push(this); }
  // What the page's own code is told when the network breaks the socket.
  set onclose(handler) { super.onclose = handler && ((event) => handler(event.code === 4999 ? { code: 1006 } : event)); }
};
"""


def test_a_private_stream_is_refused_without_a_token_and_the_page_says_why(bridge, viewer_browser):
    with viewer_browser.open(f"{bridge.base}/watch/private") as page:
        page.wait_for("window.viaduct?.state === 'refused'", 10)
        assert page.evaluate("viaduct.failure.code") == "token_missing"
        assert "private" in notice(page), f"the notice says: {notice(page)}"
        assert page.evaluate("document.getElementById('status').textContent") == "Refused"


def test_a_link_for_another_stream_is_refused(bridge, viewer_browser):
    with viewer_browser.open(f"{bridge.base}/watch/private#token={bridge.token('other', 'watch')}") as page:
        page.wait_for("window.viaduct?.state === 'refused'", 10)
        assert "another stream" in notice(page), f"the notice says: {notice(page)}"


def test_a_viewer_waits_for_the_camera_sees_it_end_and_come_back(bridge, camera_browser, viewer_browser):
    with watch(bridge, viewer_browser, "comes-and-goes") as viewer:
        viewer.wait_for("window.viaduct?.state === 'waiting'", 10)
        with open_publish(bridge, camera_browser, "comes-and-goes", codec="vp8") as camera:
            viewer.wait_for(LIVE, 15)
            camera.click("stop")
            viewer.wait_for("viaduct.state === 'ended'", 10)
            assert "has ended" in notice(viewer), f"the notice says: {notice(viewer)}"
            camera.click("start")
            viewer.wait_for(LIVE, 15)


def test_another_publisher_takes_a_stream_over_and_its_viewers_stay(bridge, camera_browser, viewer_browser):
    with publish(bridge, camera_browser, "taken", codec="vp8") as first, watch(bridge, viewer_browser, "taken") as viewer:
        viewer.wait_for(LIVE, 10)
        with publish(bridge, camera_browser, "taken", codec="vp8"):
            first.wait_for("viaduct.state === 'refused'", 10)
            assert "Another publisher" in notice(first), f"the notice says: {notice(first)}"
            viewer.wait_for(LIVE, 15)
            check_playing(viewer, seconds=2)
