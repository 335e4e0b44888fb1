"""Media through a TURN server alone: coturn with time-limited passwords that the bridge makes."""

import pytest

from bridge import Bridge
from coturn import Coturn
from pages import LIVE, open_publish, publish, statistics, watch
from test_browsers import check_playing

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
