"""Single pictures of live and of recorded video: which frame they show, how old it is, and how long they take."""

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
    ages, waits = [], []
    for _ in range(count):
        asked = time.monotonic()
        image, taken, _ = album.picture("snapshot.jpg")
        answered = time.monotonic()
        ages.append(answered - pictures.sent[number(image)])
        waits.append(answered - asked)
        assert abs(time.time() - taken - ages[-1]) < 0.25, "the picture's time is not that of its frame"
        time.sleep(pause)
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
    replies = []
    with Camera(network, bridge, "crowd", pictures, sounds, codec="VP8"):
        album.picture("snapshot.jpg")
        threads = [threading.Thread(target=lambda: replies.append(album.get("snapshot.jpg"))) for _ in range(40)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
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
