"""Streams that are published elsewhere: the bridge as a client of somebody else's WHIP endpoint, which here is another bridge."""

import contextlib
import json
from urllib.parse import quote

import pytest

import media
from bridge import Bridge
from janus import machine_addresses
from pion import PionServer
from raw import settle
from whip import Leg, endpoint

pytestmark = pytest.mark.sturdy

HERE, THERE = "yard", "guest"
COMING_BACK = 45  # seconds: the pauses double while the other bridge is away


class Conference:
    """A stream of one bridge, to be published elsewhere."""

    def __init__(self, bridge, stream, order):
        self.bridge = bridge
        status, self.first = self.bridge.post(f"/bridge/v1/streams/{quote(stream)}/conferences", order, bridge.operator_token)
        assert status == 201, self.first
        self.path = f"/bridge/v1/conferences/{self.first['id']}"

    def request(self, method="GET"):
        return self.bridge.request(method, self.path, headers={"authorization": f"Bearer {self.bridge.operator_token}"}, timeout=30)

    def show(self):
        status, _, body = self.request()
        assert status == 200, body
        return json.loads(body)

    def wait(self, state, timeout=30):
        shown = settle(self.show, lambda one: one["state"] == state, timeout)
        assert shown["state"] == state, shown
        return shown


def events(bridge, kind):
    status, _, body = bridge.get("/bridge/v1/events?limit=1000", headers={"authorization": f"Bearer {bridge.operator_token}"})
    assert status == 200, body
    return [event for event in json.loads(body)["events"] if event["type"] == kind]


def streams(bridge):
    status, _, body = bridge.get("/bridge/v1/streams", headers={"authorization": f"Bearer {bridge.operator_token}"})
    assert status == 200, body
    return {stream["id"] for stream in json.loads(body)["streams"]}


@contextlib.contextmanager
def watching(network, bridge):
    """A viewer of the stream over there, which may take a moment to be there."""
    assert settle(lambda: streams(bridge), lambda ids: THERE in ids, 30) == {THERE}
    with Leg.watch(network, bridge, THERE, bridge.token(THERE, "watch")) as viewer:
        yield viewer


def sees_and_hears(viewer):
    seen = settle(lambda: dict(viewer.frames), lambda counts: counts["video"] >= 15 and counts["audio"] >= 25, 30)
    assert seen["video"] >= 15 and seen["audio"] >= 25, seen


@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_a_stream_is_published_at_another_bridge_until_it_is_taken_away(network, codec):
    with Bridge() as ours, Bridge() as theirs:
        url, token = theirs.base + endpoint(theirs, "whip", THERE), theirs.token(THERE, "publish")
        conference = Conference(ours, HERE, {"kind": "whip", "url": url, "token": token})
        assert conference.show()["state"] == "waiting"
        with Leg.publish(network, ours, HERE, ours.token(HERE, "publish"), media.clip(codec, 10).tracks(), codec):
            conference.wait("live")
            with watching(network, theirs) as viewer:
                sees_and_hears(viewer)
            assert settle(conference.show, lambda one: one["bytes_sent"] > 0, 15)["bytes_sent"] > 0
            # The other bridge goes and comes back, with its keys: the picture is back by itself.
            theirs.stop()
            settle(conference.show, lambda one: one["state"] != "live", 20)
            theirs.start()
            shown = conference.wait("live", COMING_BACK)
            assert shown["reason"] is None and theirs.token(THERE, "publish") not in json.dumps(shown), shown
            with watching(network, theirs) as viewer:
                sees_and_hears(viewer)
        # The camera is gone for good, so the stream over there is, too.
        conference.wait("waiting")
        assert settle(lambda: streams(theirs), lambda ids: not ids) == set()
        connected, lost = (events(ours, f"conference.{what}") for what in ("connected", "disconnected"))
        assert len(connected) == len(lost) == 2, (connected, lost)
        assert {event["data"]["conference_id"] for event in connected + lost} == {conference.first["id"]}
        assert conference.request("DELETE")[0] == 204 and conference.request()[0] == 404


def test_a_stream_is_published_at_a_pion_server_that_is_killed_and_comes_back(network):
    with PionServer("VP8") as pion, Bridge(webhooks__allow=machine_addresses()) as bridge:
        conference = Conference(bridge, HERE, pion.order)
        with Leg.publish(network, bridge, HERE, bridge.token(HERE, "publish"), media.clip("VP8", 10).tracks(), "VP8"):
            for attempt in range(2):
                conference.wait("live", COMING_BACK)
                seen = settle(pion.counts, lambda counts: counts["pictures"] >= 15 and counts["audio"] >= 25, 30)
                assert seen["pictures"] >= 15 and seen["audio"] >= 25, (attempt, pion.said)
                if attempt == 0:
                    # It goes without a word, and comes back with nothing in its memory.
                    pion.kill()
                    settle(conference.show, lambda one: one["state"] != "live", 30)
                    pion.start()
            assert conference.request("DELETE")[0] == 204
            assert settle(pion.states, lambda states: "deleted" in states, 10) == ["listening", "answered", "deleted"]
