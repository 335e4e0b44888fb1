"""Single pictures of live and of recorded video: which frame they show, how old it is, and how long they take."""

import concurrent.futures
import datetime
import io
import json
import subprocess
import threading
import time

import av
import pytest

import media
from bridge import Bridge
from interop import Format, PionPeer
from raw import settle
from rtm import Camera

FRESH = 0.3  # seconds that a live picture may be old, as users were promised


@pytest.fixture(scope="module")
def bridge():
    with Bridge() as bridge:
        yield bridge


def seconds_of(text):
    return datetime.datetime.fromisoformat(text).timestamp()


def properties(image):
    """Format, width and height, by ffprobe."""
    kind = "webp_pipe" if image[:4] == b"RIFF" else "png_pipe" if image[1:4] == b"PNG" else "jpeg_pipe"
    command = ["ffprobe", "-v", "error", "-f", kind, "-show_entries", "stream=codec_name,width,height", "-of", "json", "-"]
    done = subprocess.run(command, input=image, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    [stream] = json.loads(done.stdout)["streams"]
    return stream["codec_name"], stream["width"], stream["height"]


def number(image):
    """Which picture of the clip it shows."""
    with av.open(io.BytesIO(image)) as file:
        [frame] = list(file.decode(video=0))
    return media.read_number(frame.reformat(format="gray"))


class Album:
    """A stream's pictures, as the operator asks for them."""

    def __init__(self, bridge, stream):
        self.bridge, self.stream, self.path = bridge, stream, f"/bridge/v1/streams/{stream}"
        self.headers = {"authorization": f"Bearer {bridge.operator_token}"}

    def get(self, name, timeout=30):
        status, headers, body = self.bridge.request("GET", f"{self.path}/{name}", headers=self.headers, timeout=timeout)
        return status, {field.lower(): value for field, value in headers.items()}, body

    def picture(self, name):
        status, headers, body = self.get(name)
        assert status == 200, f"{name}: {status} {body[:300]}"
        return body, seconds_of(headers["x-media-time"]), headers

    def refusal(self, name):
        status, headers, body = self.get(name)
        return status, json.loads(body)

    def record(self, **order):
        status, recording = self.bridge.post(f"{self.path}/recordings", order, self.bridge.operator_token)
        assert status == 201, recording
        return recording["id"]

    def media(self):
        status, _, body = self.get("timeline")
        assert status == 200, body
        return [item for item in json.loads(body)["items"] if item["type"] == "media"]

    def wait_for_media(self, seconds):
        """When what is recorded begins and ends, once it is so long."""
        def span():
            return [(seconds_of(item["from"]), seconds_of(item["to"])) for item in self.media()]
        spans = settle(span, lambda spans: spans and spans[-1][1] - spans[-1][0] >= seconds, timeout=20)
        assert spans and spans[-1][1] - spans[-1][0] >= seconds, spans
        return spans[-1]

    def stop(self, recording):
        self.bridge.post(f"/bridge/v1/recordings/{recording}/stop", {}, self.bridge.operator_token)
        state = settle(lambda: self.bridge.recording(recording)["state"], lambda state: state in ("ready", "delivered"), timeout=20)
        assert state == "ready", self.bridge.recording(recording)


def take_many(album, pictures, count, pause):
    """Ages by the camera's clock, seconds, and how long the answers took."""
    ages, waits, errors = [], [], []
    for _ in range(count):
        asked = time.monotonic()
        image, taken, _ = album.picture("snapshot.jpg")
        answered, clock = time.monotonic(), time.time()
        ages.append(answered - pictures.sent[number(image)])
        waits.append(answered - asked)
        errors.append(abs(clock - taken - ages[-1]))
        time.sleep(pause)
    assert media.median(errors) < 0.25, f"the pictures' times are {errors} s away from those of their frames"
    return ages, waits


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_a_live_picture_is_fresh(network, bridge, codec):
    name = "live-" + codec.lower()
    album = Album(bridge, name)
    pictures, sounds = media.clip(codec).tracks()
    with Camera(network, bridge, name, pictures, sounds, codec=codec):
        [first], [cold] = take_many(album, pictures, 1, 0)
        ages, waits = take_many(album, pictures, 12, 0.15)
        print(f"{codec}: cold {cold * 1000:.0f} ms, {first * 1000:.0f} ms old; warm {media.median(waits) * 1000:.0f} ms, "
              f"most {max(waits) * 1000:.0f} ms; age {media.median(ages) * 1000:.0f} ms, most {max(ages) * 1000:.0f} ms")
        assert media.median(ages) < FRESH, f"the pictures are {ages} s old"
        assert media.median(waits) < FRESH, f"the pictures took {waits} s"


def test_formats_and_sizes_are_as_asked(network, bridge):
    album = Album(bridge, "formats")
    pictures, sounds = media.clip("VP8").tracks()
    with Camera(network, bridge, "formats", pictures, sounds, codec="VP8"):
        for name, kind, form in (("jpg", "jpeg", "mjpeg"), ("png", "png", "png"), ("webp", "webp", "webp")):
            image, _, headers = album.picture(f"snapshot.{name}")
            assert headers["content-type"] == f"image/{kind}"
            assert properties(image) == (form, media.WIDTH, media.HEIGHT)
            assert number(image) <= len(pictures.sent)
            image, _, _ = album.picture(f"snapshot.{name}?width=96&quality=50")
            assert properties(image) == (form, 96, 56)
        assert properties(album.picture("snapshot.jpg?width=4000")[0])[1] == media.WIDTH, "a picture was enlarged"


def check_recorded(album, begin, end, path):
    """Pictures of moments between the two, by the frames that a range of them has by another decoder."""
    kind = "webm" if album.get(f"range.webm?from={begin * 1000:.0f}&to={end * 1000:.0f}")[0] == 200 else "mp4"
    status, headers, body = album.get(f"range.{kind}?from={begin * 1000:.0f}&to={end * 1000:.0f}")
    assert status == 200, body
    path.write_bytes(body)
    start = seconds_of(headers["x-media-start"])
    frames = [(start + float(moment), shown) for shown, moment in media.Film(path).pictures]
    # Neighbours across the whole range: in the middle of a group of pictures, and at its keyframe.
    for place in range(2, len(frames) - 2, max(1, len(frames) // 2)):
        for moment, shown in frames[place:place + 2]:
            image, taken, _ = album.picture(f"snapshot.png?at={(moment + 0.4 / media.RATE) * 1000:.0f}")
            assert number(image) == shown, f"another picture at {moment - start} s"
            assert taken == pytest.approx(moment, abs=0.003)
        again = album.picture(f"snapshot.png?at={taken * 1000:.0f}")[0]
        assert number(again) == shown, "the time that a picture has gives another picture"


@pytest.mark.parametrize(("codec", "container"), [("VP8", "webm"), ("H264", "matroska"), ("H264", "mp4")])
def test_a_recorded_picture_is_that_of_its_moment(network, bridge, tmp_path, codec, container):
    name = f"past-{codec.lower()}-{container}"
    album = Album(bridge, name)
    with Camera(network, bridge, name, *media.clip(codec).tracks(), codec=codec):
        recording = album.record(container=container)
        begin, end = album.wait_for_media(3)
        check_recorded(album, begin + 0.5, end - 0.5, tmp_path / "while")
        album.stop(recording)
    check_recorded(album, begin + 0.5, end - 0.5, tmp_path / "after")
    status, problem = album.refusal(f"snapshot.jpg?at={(begin - 60) * 1000:.0f}")
    assert (status, problem["code"], problem["before"]) == (404, "nothing_recorded", None)
    assert seconds_of(problem["after"]) == pytest.approx(begin, abs=0.01)
    assert album.picture(f"snapshot.jpg?at={problem['after']}")[1] == pytest.approx(begin, abs=0.2)


@pytest.mark.parametrize("codec", ["VP9", "AV1", "H265"])
def test_every_codec_is_decoded(bridge, codec):
    album = Album(bridge, "every-" + codec.lower())
    with PionPeer(bridge).publish(album.stream, Format(codec)):
        assert settle(lambda: album.get("snapshot.jpg")[0], lambda status: status == 200) == 200
        recording = album.record(container="mp4")
        ages = []
        for _ in range(8):
            image, taken, _ = album.picture("snapshot.jpg")
            ages.append(time.time() - taken)
            number(image)
            time.sleep(0.1)
        assert media.median(ages) < FRESH, f"the pictures are {ages} s old"
        begin, end = album.wait_for_media(2)
        live = number(album.picture(f"snapshot.png?at={(begin + 1) * 1000:.0f}")[0])
        album.stop(recording)
    assert number(album.picture(f"snapshot.png?at={(begin + 1) * 1000:.0f}")[0]) == live


def test_many_who_ask_at_once_share_pictures(network, bridge):
    album = Album(bridge, "crowd")
    pictures, sounds = media.clip("VP8").tracks()
    together = threading.Barrier(40)

    def ask(_):
        together.wait()
        return album.get("snapshot.jpg")

    with Camera(network, bridge, "crowd", pictures, sounds, codec="VP8"):
        album.picture("snapshot.jpg")
        with concurrent.futures.ThreadPoolExecutor(40) as pool:
            replies = list(pool.map(ask, range(40)))
        assert [status for status, _, _ in replies] == [200] * 40
        assert len({headers["x-media-time"] for _, headers, _ in replies}) < 20, "each had a picture of its own"


@pytest.mark.parametrize("name", ["snapshot.jpg?at=yesterday", "snapshot.png?width=1", "snapshot.webp?width=99999", "snapshot.jpg?quality=0",
                                  "snapshot.jpg?quality=-1", "snapshot.jpg?width=1e3&at=1"])
def test_hostile_orders_are_refused(bridge, name):
    status, problem = Album(bridge, "nothing").refusal(name)
    assert (status, problem["code"]) == (400, "invalid_field")


def test_who_may_not_watch_gets_no_picture(bridge):
    path = "/bridge/v1/streams/nothing/snapshot.jpg"
    assert bridge.get(path)[0] == 401
    assert bridge.get(f"{path}?auth_token={bridge.token('other', 'watch')}")[0] == 404
    assert Album(bridge, "nothing").refusal("snapshot.jpg")[0] == 404


def cues(track):
    """The cues of a WebVTT track: beginning and end in seconds, the sheet's name, and x, y, width, height on it."""
    assert track.startswith("WEBVTT\n\n")
    found = []
    for cue in track.removeprefix("WEBVTT\n\n").strip().split("\n\n"):
        times, target = cue.split("\n")
        begin, end = (sum(float(part) * 60 ** place for place, part in enumerate(reversed(time.split(":")))) for time in times.split(" --> "))
        sheet, place = target.split("#xywh=")
        found.append((begin, end, sheet, *map(int, place.split(","))))
    return found


def cell(sheet, x, y, width, height):
    """Which picture of the clip a cell shows."""
    command = ["ffmpeg", "-v", "error", "-i", "-", "-vf", f"crop={width}:{height}:{x}:{y},scale={media.WIDTH}:{media.HEIGHT}", "-f", "image2pipe",
               "-c:v", "png", "-"]
    done = subprocess.run(command, input=sheet, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return number(done.stdout)


# The number that the small picture above the timeline shows, and where it stands.
PEEK = f"""(() => {{
  const [box, canvas] = [document.getElementById("peek"), document.getElementById("peek-picture")];
  if (box.hidden) return null;
  const {{ data, width }} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const [step, row] = [width / {media.BITS}, Math.floor(canvas.height * 8 / {media.HEIGHT})];
  let number = 0;
  for (let bit = 0; bit < {media.BITS}; bit += 1) number = number * 2 + (data[4 * (row * width + Math.floor((bit + 0.5) * step))] > 128 ? 1 : 0);
  return {{ number, text: document.getElementById("peek-time").textContent, bottom: box.getBoundingClientRect().bottom }};
}})()"""


def check_page(bridge, browser, album, moment):
    """Whoever points at the timeline sees the picture of that moment, and the picture that is shown can be saved."""
    expected = number(album.picture(f"snapshot.png?at={moment * 1000:.0f}")[0])
    with browser.open(f"{bridge.base}/playback/{album.stream}#token={bridge.operator_token}") as page:
        page.wait_for("window.viaduct?.state === 'ready' && viaduct.moment !== null", 20)
        page.evaluate("viaduct.timeline.span = 20000")
        page.evaluate(f"""(() => {{
            const {{ canvas, from, span }} = viaduct.timeline;
            const {{ left, top, width }} = canvas.getBoundingClientRect();
            const x = left + (({moment * 1000} + 100 - from) / span) * width;
            canvas.dispatchEvent(new PointerEvent("pointermove", {{ clientX: x, clientY: top + 30, bubbles: true }}));
        }})()""")
        seen = page.wait_for(PEEK, 10)
        assert seen["number"] == expected and seen["text"], seen
        page.click("snapshot")
        saved = page.wait_for("viaduct.snapshot", 10)
        assert saved["type"] == "image/jpeg" and saved["size"] > 500
        page.evaluate("document.getElementById('timeline').dispatchEvent(new PointerEvent('pointerleave'))")
        assert page.evaluate(PEEK) is None


@pytest.mark.parametrize(("codec", "container"), [("VP8", "webm"), ("H264", "mp4")])
def test_a_recording_has_a_poster_and_thumbnails(network, viewer_browser, codec, container):
    name = f"sheet-{container}"
    with Bridge(recording__thumbnails="2s") as bridge:
        album = Album(bridge, name)
        with Camera(network, bridge, name, *media.clip(codec).tracks(), codec=codec):
            recording = album.record(container=container)
            album.wait_for_media(5)
            album.stop(recording)
        item = settle(lambda: album.media()[0], lambda item: "thumbnails" in item, timeout=20)
        [thumbnails] = item["thumbnails"]
        status, headers, track = album.get(thumbnails["track"])
        assert (status, headers["content-type"]) == (200, "text/vtt; charset=utf-8")
        rows = cues(track.decode())
        assert len(rows) >= 2 and rows[0][0] == 0, rows
        for (begin, end, sheet, *place), following in zip(rows, [*rows[1:], None]):
            status, headers, image = album.get(f"thumbnails/{sheet}")
            assert (status, headers["content-type"]) == (200, "image/jpeg")
            assert following is None or end == following[0]
            moment = seconds_of(thumbnails["from"]) + begin
            assert cell(image, *place) == number(album.picture(f"snapshot.png?at={moment * 1000:.0f}")[0])
        [segment] = bridge.recording(recording)["segments"]
        status, _, poster = bridge.get(segment["thumbnails"]["poster"], headers=album.headers)
        assert status == 200 and properties(poster) == ("mjpeg", media.WIDTH, media.HEIGHT)
        assert bridge.get(segment["thumbnails"]["sprite"])[0] == 401
        assert album.get(f"thumbnails/{recording}.sprite-9.jpg")[0] == 404
        assert Album(bridge, "other").get(thumbnails["poster"])[0] == 404, "another stream's picture was given"
        if container == "mp4":
            check_page(bridge, viewer_browser, album, seconds_of(thumbnails["from"]) + rows[1][0])
        # A bridge that starts again knows them, and takes none for an orphan.
        bridge.stop()
        bridge.start()
        assert album.media()[0]["thumbnails"] == [thumbnails]
