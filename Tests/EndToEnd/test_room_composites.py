"""A room as one stream: people come, mute their cameras and leave, and nobody hears themselves."""

import array
import asyncio
import cmath
import fractions
import io
import json
import math
import time

import av
import pytest
from aiortc.mediastreams import MediaStreamTrack

from films import BLUE, NAME, RATE, RED, Moving, check_motion, check_order, shots
from raw import settle
from rooms import RoomClient
from test_composites import PATIENCE, Composite, publish
from whip import Leg

pytestmark = pytest.mark.sturdy

CLOCK, PIECE = 48000, 960
LOW, HIGH = 500, 1500  # Hz: whole waves in a piece
HEARD = 8000  # Hz: enough for both


class Tone(MediaStreamTrack):
    """One frequency."""

    kind = "audio"

    def __init__(self, frequency):
        super().__init__()
        self.samples = array.array("h", (int(8000 * math.sin(2 * math.pi * frequency * at / CLOCK)) for at in range(PIECE))).tobytes()
        self.count, self.began = 0, time.monotonic()

    async def recv(self):
        await asyncio.sleep(max(0, self.began + self.count / CLOCK - time.monotonic()))
        frame = av.AudioFrame(format="s16", layout="mono", samples=PIECE)
        frame.planes[0].update(self.samples)
        frame.sample_rate, frame.pts, frame.time_base = CLOCK, self.count, fractions.Fraction(1, CLOCK)
        self.count += PIECE
        return frame


class Person:
    """Somebody in the room, who shows a colour and says a tone."""

    def __init__(self, network, bridge, room, name, colour, frequency):
        self.network, self.name, self.colour, self.frequency = network, name, colour, frequency
        status, link = bridge.post(f"/bridge/v1/rooms/{room}/links", {"role": "host", "identity": name}, bridge.operator_token)
        assert status == 201, link
        self.client = RoomClient(link["socket_url"], link["token"])
        self.tracks = network.run(self.come())

    async def come(self):
        await self.client.open()
        await self.client.join(self.name)
        return await self.client.publish(camera=Moving(self.colour), microphone=Tone(self.frequency))

    def request(self, kind, **data):
        self.network.run(self.client.request(kind, **data))

    def leave(self):
        self.network.run(self.client.leave())
        self.close()

    def close(self):
        self.network.run(self.client.close())


def record(bridge, stream):
    status, recording = bridge.post(f"/bridge/v1/streams/{stream}/recordings", {}, bridge.operator_token)
    assert status == 201, recording
    state = settle(lambda: bridge.recording(recording["id"])["state"], lambda state: state == "recording", PATIENCE)
    assert state == "recording", bridge.recording(recording["id"])
    return recording["id"]


def file_of(bridge, recording):
    bridge.post(f"/bridge/v1/recordings/{recording}/stop", {}, bridge.operator_token)
    state = settle(lambda: bridge.recording(recording)["state"], lambda state: state in ("ready", "failed"), PATIENCE)
    assert state == "ready", bridge.recording(recording).get("failure")
    headers = {"authorization": f"Bearer {bridge.operator_token}"}
    status, _, body = bridge.request("GET", f"/bridge/v1/recordings/{recording}/file", headers=headers, timeout=30)
    assert status == 200, body
    return body


def loudness(samples, frequency):
    """The amplitude of one frequency."""
    turn = -2j * math.pi * frequency / HEARD
    return 2 * abs(sum(sample * cmath.exp(turn * at) for at, sample in enumerate(samples))) / len(samples)


def heard(body):
    """How loud LOW and HIGH are, in tenths of a second of the file."""
    samples = array.array("h")
    with av.open(io.BytesIO(body)) as file:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=HEARD)
        for frame in file.decode(audio=0):
            for piece in resampler.resample(frame):
                samples.frombytes(bytes(piece.planes[0])[:2 * piece.samples])
    tenth = HEARD // 10
    return [(loudness(piece, LOW), loudness(piece, HIGH)) for piece in (samples[at:at + tenth] for at in range(0, len(samples) - tenth, tenth))]


def test_a_room_is_shown_as_people_come_mute_and_leave_and_nobody_hears_themselves(network, bridge):
    status, answer = bridge.post("/bridge/v1/rooms", {"id": "standup"}, bridge.operator_token)
    assert status == 201, answer
    people = []
    try:
        anna = Person(network, bridge, "standup", "anna", RED, LOW)
        people.append(anna)
        shape = {"layout": {"kind": "grid", "fit": "cover"}, "width": 320, "height": 180, "fps": RATE}
        whole = Composite(bridge, room="standup", name="hall", **shape)
        of_anna = Composite(bridge, room="standup", name="for-anna", without=["anna"], video=None)
        whole.wait("live")
        of_anna.wait("live")
        whole.shows(RED, RED)
        recordings = [record(bridge, "hall"), record(bridge, "for-anna")]
        ben = Person(network, bridge, "standup", "ben", BLUE, HIGH)
        people.append(ben)
        whole.shows(RED, BLUE)
        assert [(one["participant"], one["present"]) for one in whole.request("GET")["inputs"]] == [("anna", True), ("ben", True)]
        time.sleep(1)
        # A camera that is muted gives way to its name at once.
        anna.request("mute", track=anna.tracks["camera"], muted=True)
        whole.shows(NAME, BLUE)
        anna.leave()
        people.remove(anna)
        whole.shows(BLUE, BLUE)
        time.sleep(0.5)
        film, mix = [file_of(bridge, recording) for recording in recordings]
    finally:
        for person in people:
            person.close()
    pictures = shots(film)
    print(check_order(pictures, (RED, RED), (RED, BLUE), (NAME, BLUE), (BLUE, BLUE)))
    check_motion(pictures)
    # Both are heard in the room, and Ben alone by Anna.
    assert max(min(pair) for pair in heard(film)) > 2000
    assert max(high for _, high in heard(mix)) > 2000 and max(low for low, _ in heard(mix)) < 200, heard(mix)
    # The composite ends with its room.
    status, _, _ = bridge.request("DELETE", "/bridge/v1/rooms/standup", headers=whole.headers)
    assert status == 204
    left = settle(lambda: json.loads(bridge.get("/bridge/v1/composites", headers=whole.headers)[2])["composites"], lambda all: not all, PATIENCE)
    assert left == []


def test_one_on_demand_runs_for_who_watches(network, bridge):
    with publish(network, bridge, RED):
        composite = Composite(bridge, inputs=[{"stream": RED}], start="on_demand", width=320, height=180, fps=RATE)
        composite.wait("idle")
        stream = composite.first["stream"]
        with Leg.watch(network, bridge, stream, bridge.token(stream, "watch")) as viewer:
            seen = settle(lambda: viewer.frames.get("video", 0), lambda count: count >= 10, PATIENCE)
            assert seen >= 10, composite.request("GET")
            assert composite.request("GET")["state"] == "live"
        composite.request("DELETE")
