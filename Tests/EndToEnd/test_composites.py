"""One stream of several: the right colours in the right cells, while inputs come and go."""

import asyncio
import fractions
import io
import json
import time

import av
import pytest
from aiortc.mediastreams import MediaStreamTrack

from raw import settle
from whip import Leg

pytestmark = pytest.mark.sturdy

RED, BLUE = "red", "blue"
WIDTH, HEIGHT, RATE = 320, 180, 10
PATIENCE = 60  # seconds: encoders and decoders share two cores with everything else


class Plain(MediaStreamTrack):
    """Pictures of one colour."""

    kind = "video"

    def __init__(self, colour):
        super().__init__()
        pixels = bytes({RED: (230, 10, 10), BLUE: (10, 10, 230)}[colour]) * (160 * 90)
        image = av.VideoFrame(160, 90, "rgb24")
        image.planes[0].update(b"".join(
            pixels[row * 480:(row + 1) * 480].ljust(image.planes[0].line_size, b"\0") for row in range(90)))
        self.image, self.count, self.began = image.reformat(format="yuv420p"), 0, time.monotonic()

    async def recv(self):
        await asyncio.sleep(max(0, self.began + self.count / RATE - time.monotonic()))
        frame = self.image.reformat(format="yuv420p")
        frame.pts, frame.time_base = self.count, fractions.Fraction(1, RATE)
        self.count += 1
        return frame


def colour(frame, part):
    """What a picture shows at this part of its width, a third from above: names stand in the middle and below."""
    plane = frame.reformat(format="rgb24").planes[0]
    start = frame.height // 3 * plane.line_size + int(frame.width * part) * 3
    red, _, blue = bytes(plane)[start:start + 3]
    if red > 150 and blue < 80:
        return RED
    if blue > 150 and red < 80:
        return BLUE
    return "black" if max(red, blue) < 12 else "other"


def halves(frame):
    return colour(frame, 0.25), colour(frame, 0.75)


class Composite:
    def __init__(self, bridge, **order):
        self.bridge = bridge
        status, self.first = bridge.post("/bridge/v1/composites", order, bridge.operator_token)
        assert status == 201, self.first
        self.path = f"/bridge/v1/composites/{self.first['id']}"
        self.headers = {"authorization": f"Bearer {bridge.operator_token}"}

    def request(self, method, body=None):
        status, _, answer = self.bridge.request(
            method, self.path, json.dumps(body).encode() if body else None, {**self.headers, "content-type": "application/json"}, timeout=30)
        assert status in (200, 204), answer
        return json.loads(answer) if answer else None

    def wait(self, state):
        shown = settle(lambda: self.request("GET"), lambda one: one["state"] == state, PATIENCE)
        assert shown["state"] == state, shown

    def shows(self, *wanted):
        """Its newest picture, decoded here."""
        def look():
            status, _, body = self.bridge.request(
                "GET", f"/bridge/v1/streams/{self.first['stream']}/snapshot.png", headers=self.headers, timeout=30)
            if status != 200:
                return status
            with av.open(io.BytesIO(body)) as file:
                return halves(next(file.decode(video=0)))
        seen = settle(look, lambda seen: seen == wanted, PATIENCE)
        assert seen == wanted, f"{seen}, not {wanted}: {self.request('GET')}"


def publish(network, bridge, stream):
    return Leg.publish(network, bridge, stream, bridge.token(stream, "publish"), [Plain(stream)], "VP8")


def kinds(bridge):
    status, _, body = bridge.get("/bridge/v1/events?limit=1000", headers={"authorization": f"Bearer {bridge.operator_token}"})
    assert status == 200, body
    return [event["type"] for event in json.loads(body)["events"] if event["type"].startswith("composite.")]


def test_the_right_colours_stand_in_the_right_cells_as_inputs_come_and_go(network, bridge):
    with publish(network, bridge, RED), publish(network, bridge, BLUE):
        composite = Composite(
            bridge, name="wall", inputs=[{"stream": RED}], layout={"kind": "grid", "fit": "cover"}, width=WIDTH, height=HEIGHT, fps=RATE)
        composite.wait("live")
        composite.shows(RED, RED)
        status, recording = bridge.post("/bridge/v1/streams/wall/recordings", {}, bridge.operator_token)
        assert status == 201, recording
        state = settle(lambda: bridge.recording(recording["id"])["state"], lambda state: state == "recording", PATIENCE)
        assert state == "recording", bridge.recording(recording["id"])
        time.sleep(1)
        composite.request("PATCH", {"inputs": [{"stream": RED}, {"stream": BLUE, "name": "<Blau & Co>"}]})
        composite.shows(RED, BLUE)
        time.sleep(0.5)
        composite.request("PATCH", {"inputs": [{"stream": BLUE}]})
        composite.shows(BLUE, BLUE)
        time.sleep(0.5)
        bridge.post(f"/bridge/v1/recordings/{recording['id']}/stop", {}, bridge.operator_token)
        state = settle(lambda: bridge.recording(recording["id"])["state"], lambda state: state in ("ready", "failed"), PATIENCE)
        assert state == "ready", bridge.recording(recording["id"]).get("failure")
        composite.request("DELETE")
    status, _, body = bridge.request("GET", f"/bridge/v1/recordings/{recording['id']}/file", headers=composite.headers, timeout=30)
    assert status == 200, body
    with av.open(io.BytesIO(body)) as file:
        assert {stream.type for stream in file.streams} == {"video", "audio"}
        seen = [halves(frame) for frame in file.decode(video=0)]
    order = [pair for index, pair in enumerate(seen) if index == 0 or pair != seen[index - 1]]
    assert (RED, RED) in order and (RED, BLUE) in order and order[-1] == (BLUE, BLUE), order
    assert not any("black" in pair for pair in order), order
    assert kinds(bridge) == ["composite.started", "composite.ended"]
