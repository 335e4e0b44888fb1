"""Picture and sound of a recording stay together over a bad line: 200 ms more delay one way than the other, and 5 % loss.

It is measured by content: each picture of the clip shows its number and each of its sounds is another one, so that every sound of the file is a beep
whose moment is known, and every picture a flash.
"""

import bisect
import os
import time

import aioice.ice
import pytest

import media
from raw import settle
from relay_network import BadNetwork, NearBridge
from rtm import LoopThread
from whip import Leg

DELAY, LOSS = 0.2, 0.05
LIMIT = 0.04  # seconds, of 95 % of all sounds
SECONDS, LONG_SECONDS = 40, 20 * 60


@pytest.fixture
def line():
    with BadNetwork(seed=5) as line, line.near.entered():
        yield line


@pytest.fixture
def bridge(line):
    with NearBridge() as bridge:
        yield bridge


@pytest.fixture
def far_network(line, monkeypatch):
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: [line.far.address])
    with line.far.entered():
        network = LoopThread()
    with network:
        yield network


def unwrapped(row, length):
    """(number, time) of frames of a clip that is sent again and again, with numbers that go on."""
    cycle, last, result = 0, None, []
    for number, moment in row:
        if last is not None and number < last - length / 2:
            cycle += 1
        last = number
        result.append((number + cycle * length, moment))
    return result


def skews(film, clip):
    """By how much each sound comes later than the picture beside it, in seconds."""
    pictures = [(moment, moment - number / media.RATE) for number, moment in unwrapped(film.pictures, len(clip.pictures))]
    moments = [moment for moment, _ in pictures]
    for number, moment in unwrapped(film.sounds, len(clip.sounds)):
        beside = min(bisect.bisect_left(moments, moment), len(moments) - 1)
        yield moment - number * media.SOUND_PACKET - pictures[beside][1]


def check_skew(line, bridge, far_network, seconds):
    """One figure decides: where a machine stood still while the recording began, its clock needs ten seconds to find out, and it is measured once more."""
    p95, told = measured_skew(line, bridge, far_network, seconds)
    if p95 > LIMIT:
        p95, told = measured_skew(line, bridge, far_network, seconds)
    assert p95 <= LIMIT, told


def measured_skew(line, bridge, far_network, seconds):
    """The skew of 95 % of all sounds, s, and what else there is to tell."""
    clip = media.clip("VP8", keyframes_apart=0.5)
    line.set("near", delay=DELAY, loss=LOSS)
    line.set("far", loss=LOSS)
    before = line.counts()["near"]
    with Leg.publish(far_network, bridge, "skew", bridge.token("skew", "publish"), clip.tracks(), "VP8"):
        status, recording = bridge.post("/bridge/v1/streams/skew/recordings", {"container": "webm"}, bridge.operator_token)
        assert status == 201, recording
        time.sleep(seconds)
        status, reply = bridge.post(f"/bridge/v1/recordings/{recording['id']}/stop", {}, bridge.operator_token)
        assert status == 202, reply
        state = settle(lambda: bridge.recording(recording["id"])["state"], lambda state: state == "ready", 20)
        assert state == "ready", f"the recording is {state}"
    lost, taken = (line.counts()["near"][name] - before[name] for name in ("lost", "taken"))
    assert lost > 0.03 * taken, f"the line lost {lost} of {taken} packets"
    path = os.path.join(bridge.data, "spool", f"{recording['id']}.webm")
    film = media.Film(path, clip)
    ordered = sorted(abs(skew) for skew in skews(film, clip))
    p95, most = ordered[int(0.95 * len(ordered))], ordered[-1]
    told = (f"{len(film.pictures)} pictures and {len(film.sounds)} sounds of {seconds} s, skew p50 {ordered[len(ordered) // 2] * 1000:.1f} ms, "
            f"p95 {p95 * 1000:.1f} ms, at most {most * 1000:.1f} ms; the line lost {lost} of {taken} packets")
    print(f"\n{told}")
    assert len(film.sounds) >= 0.8 * seconds / media.SOUND_PACKET and len(film.pictures) >= 0.5 * seconds * media.RATE, told
    return p95, told


@pytest.mark.patient
def test_sound_stays_with_its_picture_on_a_bad_line(line, bridge, far_network):
    check_skew(line, bridge, far_network, SECONDS)


@pytest.mark.soak
@pytest.mark.timeout(2 * LONG_SECONDS + 300)
def test_sound_stays_with_its_picture_for_twenty_minutes(line, bridge, far_network):
    check_skew(line, bridge, far_network, LONG_SECONDS)
