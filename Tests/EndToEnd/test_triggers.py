"""What begins by itself: recordings at events with what came before them, always, and by schedule; policies outlive the bridge."""

import datetime
import json
import pathlib
import time

import pytest

import media
from bridge import Bridge
from raw import settle
from rtm import Camera, fall_silent

pytestmark = pytest.mark.sturdy

PRE, POST = 4, 3  # seconds
LAG = 1.5  # seconds that a picture may take from its camera to the bridge on a loaded machine


def ask(bridge, method, path, body=None):
    fields = {"content-type": "application/json", "authorization": f"Bearer {bridge.operator_token}"}
    status, _, reply = bridge.request(method, path, body, fields)
    return status, json.loads(reply) if reply else None


def recordings(bridge):
    return ask(bridge, "GET", "/bridge/v1/recordings")[1]["recordings"]


def states(bridge):
    return [row["state"] for row in recordings(bridge)]


def set_policy(bridge, stream, **policy):
    status, reply = ask(bridge, "PUT", f"/bridge/v1/streams/{stream}/recording-policy", policy)
    assert status == 200 and reply["source"] == "stream", reply


def recorded(bridge, row):
    """Seconds that are durable."""
    return sum(one["duration_ms"] for one in bridge.recording(row["id"])["segments"]) / 1000


def moment(text):
    return datetime.datetime.fromisoformat(text).timestamp()


def spooled(bridge, row):
    return pathlib.Path(bridge.data, "spool", f"{row['id']}.{'mkv' if row['container'] == 'matroska' else row['container']}")


def test_an_event_is_recorded_with_what_came_before_it(network):
    clip = media.clip("VP8")
    with Bridge() as bridge:
        set_policy(bridge, "gate", trigger="event", pre_roll_s=PRE, post_roll_s=POST)
        with Camera(network, bridge, "gate", *clip.tracks(), codec="VP8"):
            time.sleep(PRE + 3)
            asked = time.time()
            status, event = ask(bridge, "POST", "/bridge/v1/streams/gate/events", {"type": "motion", "note": "somebody"})
            told = moment(event["at"])
            assert status == 201 and event["recording"] and asked - 0.001 <= told <= time.time(), (asked, event)
            time.sleep(1.5)
            ask(bridge, "POST", "/bridge/v1/streams/gate/events", {"type": "motion"})
            row = settle(lambda: bridge.recording(event["recording"]), lambda row: row["state"] == "ready", timeout=20)
            assert row["state"] == "ready", row
            assert len(recordings(bridge)) == 1
        film = media.Film(spooled(bridge, row), clip)
        timeline = ask(bridge, "GET", "/bridge/v1/streams/gate/timeline")[1]
        log = ask(bridge, "GET", "/bridge/v1/events?limit=1000")[1]
        pages = ask(bridge, "GET", "/bridge/v1/streams/gate/events?limit=1")[1]
    length = row["duration_ms"] / 1000
    # The pre-roll, a GOP more at most, the time between the events, and the post-roll.
    assert PRE + 1.5 + POST - 0.5 <= length <= PRE + 1.5 + POST + 1 + 4, row
    # The moment of the event is in it, with the pre-roll before it.
    begin = moment(row["started_at"])
    assert PRE - 0.1 <= told - begin <= PRE + 1 + LAG, (told - begin, row)
    assert moment(row["segments"][0]["started_at"]) == begin
    assert told < begin + length
    # It begins long before the recording was asked for, and nothing is missing at the seam.
    numbers = [number for number, _ in film.pictures]
    assert numbers == list(range(numbers[0], numbers[-1] + 1)) and film.repeated() == []
    sounds = [number for number, _ in film.sounds]
    assert sounds == list(range(sounds[0], sounds[-1] + 1))
    assert abs(film.skew()) < 0.1, film.skew()
    # It is told and shown.
    assert [one["type"] for one in row["events"]] == ["motion", "motion"] and row["events"][0] == event
    assert [one["id"] for one in timeline["events"]] == [one["id"] for one in row["events"]]
    assert pages["events"] == [event] and pages["next"] == event["id"]
    heard = [one["data"] for one in log["events"] if one["type"] == "stream.event"]
    assert [(one["event_type"], one["recording_id"]) for one in heard] == [("motion", row["id"])] * 2, heard


def test_always_goes_on_over_a_reconnection_a_kill_and_a_stop_by_hand(network):
    clip = media.clip("VP8")
    with Bridge() as bridge:
        set_policy(bridge, "yard", trigger="always")
        with Camera(network, bridge, "yard", *clip.tracks(), codec="VP8") as lost:
            first = settle(lambda: recordings(bridge), lambda rows: [row["state"] for row in rows] == ["recording"])[0]
            network.run(fall_silent(lost.client.peer))
            time.sleep(1)
            with Camera(network, bridge, "yard", *clip.tracks(), codec="VP8"):
                seconds = settle(lambda: recorded(bridge, first), lambda seconds: seconds > 4)
                assert seconds > 4 and states(bridge) == ["recording"], (seconds, states(bridge))
                bridge.kill()
        bridge.start()
        with Camera(network, bridge, "yard", *clip.tracks(), codec="VP8") as camera:
            second = settle(lambda: recordings(bridge), lambda rows: rows[0]["state"] == "recording")[0]
            assert second["id"] != first["id"]
            ask(bridge, "POST", f"/bridge/v1/recordings/{second['id']}/stop", {})
            settle(lambda: states(bridge), lambda found: found == ["ready", "ready"], timeout=20)
            time.sleep(2.5)
            assert states(bridge) == ["ready", "ready"], "what a user stopped begins again"
            set_policy(bridge, "yard", trigger="request")
            set_policy(bridge, "yard", trigger="always")
            settle(lambda: states(bridge), lambda found: found[:1] == ["recording"])
            camera.leave()
        # Its goodbye ends the recording.
        rows = settle(lambda: recordings(bridge), lambda rows: [row["state"] for row in rows] == ["ready"] * 3, timeout=20)
        assert [row["state"] for row in rows] == ["ready"] * 3, rows
        for row in rows:
            assert media.decode_errors(spooled(bridge, row)) == "", row
        # The first has the pictures of both cameras: their numbers begin anew.
        numbers = [number for number, _ in media.Film(spooled(bridge, first)).pictures]
        assert len([later for earlier, later in zip(numbers, numbers[1:]) if later < earlier]) == 1, numbers


def test_a_schedule_opens_and_closes(network):
    clip = media.clip("VP8")
    with Bridge() as bridge:
        with Camera(network, bridge, "till", *clip.tracks(), codec="VP8"):
            settle(lambda: ask(bridge, "GET", "/bridge/v1/streams/till")[0], lambda status: status == 200)
            # A time zone whose clock shows another hour than ours: half an hour off Greenwich.
            now = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=5, minutes=30)))
            opens, closes = (now + datetime.timedelta(seconds=3)).replace(microsecond=0), (now + datetime.timedelta(seconds=7)).replace(microsecond=0)
            window = f"daily {opens:%H:%M:%S}-{closes:%H:%M:%S}"
            set_policy(bridge, "till", trigger="schedule", schedule={"time_zone": "Asia/Kolkata", "windows": [window]})
            assert recordings(bridge) == []
            row = settle(lambda: recordings(bridge), lambda rows: rows and rows[0]["state"] == "ready", timeout=20)[0]
            assert row["state"] == "ready" and len(recordings(bridge)) == 1, row
        film = media.Film(spooled(bridge, row), clip)
        status, reply = ask(bridge, "PUT", "/bridge/v1/streams/till/recording-policy",
                            {"trigger": "schedule", "schedule": {"time_zone": "Mars/Olympus", "windows": [window]}})
        assert (status, reply["field"]) == (400, "schedule.time_zone"), reply
    # From the keyframe before the window opened to the moment that it closed.
    assert opens.timestamp() - 1 - LAG <= moment(row["started_at"]) <= opens.timestamp() + LAG, row
    assert abs(moment(row["stopped_at"]) - closes.timestamp()) < LAG, row
    numbers = [number for number, _ in film.pictures]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
