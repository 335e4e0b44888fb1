"""One stream of several: the right colours in the right cells, while inputs come and go."""

import io
import json
import time

import av
import pytest

from films import BLUE, HALVES, PINK, RATE, RED, Frame, Moving, Plain, check_motion, check_order, shots
from raw import settle
from whip import Leg

pytestmark = pytest.mark.sturdy

WIDTH, HEIGHT = 320, 180
PATIENCE = 60  # seconds: encoders and decoders share two cores with everything else
CUSTOM = [{"x": 0.5, "y": 0, "width": 0.5, "height": 1}, {"x": 0, "y": 0, "width": 0.5, "height": 0.5}, {"x": 0, "y": 0.5, "width": 0.5, "height": 0.5}]
# Where each layout has its first, second and third input in a picture of this size; of picture-in-picture's first one what the others leave.
LAYOUTS = {
    "speaker": [(RED, (0, 0, 1, 0.75)), (BLUE, (0, 0.75, 0.5, 1)), (PINK, (0.5, 0.75, 1, 1))],
    "presentation": [(RED, (0, 0, 0.8, 1)), (BLUE, (0.8, 0, 1, 0.5)), (PINK, (0.8, 0.5, 1, 1))],
    "picture_in_picture": [
        (RED, (0, 0, 1, 0.75)), (RED, (0, 0.75, 0.5, 1)), (BLUE, (244 / 320, 138 / 180, 316 / 320, 178 / 180)),
        (PINK, (164 / 320, 138 / 180, 236 / 320, 178 / 180))],
    "custom": [(RED, (0.5, 0, 1, 1)), (BLUE, (0, 0, 0.5, 0.5)), (PINK, (0, 0.5, 0.5, 1))],
}


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

    def shows(self, *wanted, areas=HALVES):
        """Its newest picture, decoded here, in these cells."""
        def look():
            status, _, body = self.bridge.request(
                "GET", f"/bridge/v1/streams/{self.first['stream']}/snapshot.png", headers=self.headers, timeout=30)
            if status != 200:
                return status
            with av.open(io.BytesIO(body)) as file:
                frame = Frame(next(file.decode(video=0)))
                return tuple(frame.cell(area) for area in areas)
        seen = settle(look, lambda seen: seen == wanted, PATIENCE)
        assert seen == wanted, f"{seen}, not {wanted}: {self.request('GET')}"


def publish(network, bridge, stream, source=Plain):
    return Leg.publish(network, bridge, stream, bridge.token(stream, "publish"), [source(stream)], "VP8")


def kinds(bridge):
    status, _, body = bridge.get("/bridge/v1/events?limit=1000", headers={"authorization": f"Bearer {bridge.operator_token}"})
    assert status == 200, body
    return [event["type"] for event in json.loads(body)["events"] if event["type"].startswith("composite.")]


def test_the_right_colours_stand_in_the_right_cells_as_inputs_come_and_go(network, bridge):
    with publish(network, bridge, RED, Moving), publish(network, bridge, BLUE, Moving):
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
    film = shots(body)
    print(check_order(film, (RED, RED), (RED, BLUE), (BLUE, BLUE)))
    check_motion(film)
    assert kinds(bridge) == ["composite.started", "composite.ended"]


def test_each_layout_has_each_input_in_its_cell(network, bridge):
    with publish(network, bridge, RED), publish(network, bridge, BLUE), publish(network, bridge, PINK):
        composite = Composite(
            bridge, inputs=[{"stream": colour} for colour in (RED, BLUE, PINK)], layout="grid", width=WIDTH, height=HEIGHT, fps=RATE)
        composite.wait("live")
        for kind, cells in LAYOUTS.items():
            places = {"cells": CUSTOM} if kind == "custom" else {}
            composite.request("PATCH", {"layout": {"kind": kind, "fit": "cover", "names": False, **places}})
            composite.shows(*(colour for colour, _ in cells), areas=[area for _, area in cells])
        composite.request("DELETE")
