"""Media through a TURN server alone: coturn with time-limited passwords that the bridge makes."""

import json

import pytest

import media
from bridge import Bridge
from coturn import Coturn
from janus import Janus
from pages import LIVE, open_publish, publish, statistics, watch
from raw import settle
from relay_network import FAR, NEAR, BadNetwork, Namespace
from rtm import LoopThread
from test_browsers import check_playing
from test_conferences import HERE, THERE, Conference, sees_and_hears
from whip import Leg, endpoint

pytestmark = pytest.mark.sturdy


@pytest.fixture(scope="module")
def coturn():
    with Coturn() as coturn:
        yield coturn


def selected_candidates(page):
    """The types of both ends of the pair that media takes."""
    candidates = {entry["id"]: entry for kind in ("local-candidate", "remote-candidate") for entry in statistics(page, kind)}
    [transport] = statistics(page, "transport")
    [pair] = [entry for entry in statistics(page, "candidate-pair") if entry["id"] == transport["selectedCandidatePairId"]]
    local = candidates[pair["localCandidateId"]]
    return local["candidateType"], local.get("relayProtocol")


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_session_that_may_only_use_the_relay_carries_media(coturn, camera_browser, viewer_browser, transport):
    with Bridge(turn__urls=coturn.url(transport), turn__secret=coturn.secret) as bridge:
        stream = f"relayed-{transport}"
        with publish(bridge, camera_browser, stream, codec="vp8", transport="relay") as camera:
            with watch(bridge, viewer_browser, stream, query="?transport=relay") as viewer:
                viewer.wait_for(LIVE, 15)
                check_playing(viewer, seconds=5)
                for page in (camera, viewer):
                    assert selected_candidates(page) == ("relay", transport), statistics(page, "candidate-pair")
        assert coturn.secret not in bridge.log(), "the bridge logs the relay's secret"


def test_a_wrong_password_opens_no_relay(coturn, camera_browser):
    """The relay asks for the bridge's passwords: nobody else's media go through it."""
    with Bridge(turn__urls=coturn.url("udp"), turn__secret="another-secret-than-the-relays") as bridge:
        with open_publish(bridge, camera_browser, "stranger", transport="relay") as page:
            page.wait_for("viaduct.session?.peer?.iceGatheringState === 'complete'", 15)
            assert statistics(page, "local-candidate") == [], "the relay gave a stranger an address"
            assert page.evaluate("viaduct.state") == "connecting"


class RelayedNetwork(BadNetwork):
    """Two networks whose UDP gets from the far one to a relay in the near one and nowhere else: what is sent directly is not answered."""

    def __init__(self):
        super().__init__()
        with self.near.entered():
            self.coturn = Coturn(NEAR).start()
        with self.far.entered():
            ports = self.coturn.relay_ports
            Namespace.ip("rule", "add", "pref", "5", "ipproto", "udp", "dport", f"{ports[0]}-{ports[-1]}", "lookup", "main")
            # On loopback a packet to somebody else comes to nothing, without a word to who sent it.
            Namespace.ip("route", "add", "default", "dev", "lo", "table", "100")
            Namespace.ip("rule", "add", "pref", "10", "ipproto", "udp", "lookup", "100")

    def close(self):
        self.coturn.close()
        super().close()


@pytest.fixture(scope="module")
def relayed():
    """The tests that use it are in the near network."""
    with RelayedNetwork() as line:
        yield line


def check_first_session(conference, coturn, bridge):
    shown = conference.wait("live")
    assert shown["attempts"] == 1 and shown["reason"] is None, shown
    # Neither the secret nor what is made of it.
    assert coturn.secret not in bridge.log() and conference.first["id"] in coturn.log
    passwords = [line for line in bridge.log().splitlines() if "turn://" in line or "turn:" in line]
    assert not passwords, passwords[:3]


def test_a_stream_gets_to_another_bridge_where_only_the_relay_is_let_through(relayed):
    coturn = relayed.coturn
    with relayed.far.entered():
        theirs = Bridge(http__bind="0.0.0.0", webrtc__addresses=FAR).start()
        theirs.base = f"http://{FAR}:{theirs.port}"
        there = LoopThread()
    try:
        with relayed.near.entered(), there, LoopThread() as here, Bridge(turn__urls=coturn.url("udp"), turn__secret=coturn.secret) as ours:
            url, token = theirs.base + endpoint(theirs, "whip", THERE), theirs.token(THERE, "publish")
            conference = Conference(ours, HERE, {"kind": "whip", "url": url, "token": token})
            with Leg.publish(here, ours, HERE, ours.token(HERE, "publish"), media.clip("VP8", 10).tracks(), "VP8"):
                check_first_session(conference, coturn, ours)
                with Leg.watch(there, theirs, THERE, theirs.token(THERE, "watch")) as viewer:
                    sees_and_hears(viewer)
    finally:
        theirs.close()


def test_a_room_of_janus_is_joined_and_heard_where_only_the_relay_is_let_through(relayed):
    coturn = relayed.coturn
    with relayed.far.entered():
        janus = Janus(FAR).start()
    try:
        with relayed.near.entered(), LoopThread() as here, Bridge(turn__urls=coturn.url("udp"), turn__secret=coturn.secret) as ours:
            clip = media.clip("VP8", 10)
            with Leg.publish(here, ours, HERE, ours.token(HERE, "publish"), clip.tracks(), "VP8"):
                hearing = Conference(ours, HERE, janus.order(display="Yard", return_stream="ears"))
                check_first_session(hearing, coturn, ours)
                # Somebody else who speaks there.
                with Leg.publish(here, ours, "gate", ours.token("gate", "publish"), clip.tracks(), "VP8"):
                    check_first_session(Conference(ours, "gate", janus.order(display="Gate")), coturn, ours)
                    heard = settle(lambda: hearing.show()["return"], lambda way: way["voices"] == 1, 20)
                    assert heard["voices"] == 1 and heard["reason"] is None, json.dumps(heard)
    finally:
        janus.close()
