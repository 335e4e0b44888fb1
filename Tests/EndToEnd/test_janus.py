"""A stream in the VideoRoom of a real Janus: the bridge is the client, a browser there the witness.

The machine's own address may be of a range that the bridge sends nothing to unless it is told (192.0.2.0/24, for instance).
"""

import json

import pytest

import media
from bridge import Bridge
from janus import CLIENT, PIN, ROOM, Janus
from raw import settle
from test_conferences import COMING_BACK, HERE, Conference
from whip import Leg

pytestmark = pytest.mark.sturdy

SOUND = 24_000  # samples that were sent, and not made up: half a second


class Witness:
    """A participant in a browser, who sees and hears the only publisher of the room."""

    def __init__(self, browser, janus, origin):
        self.page = browser.open(origin + "/healthz", CLIENT)
        self.page.wait_for("Boolean(window.videoroom && document.body)", 10)
        self.page.evaluate(f"videoroom({json.dumps(janus.socket_url)}, {json.dumps(janus.secret)}, {ROOM}, {json.dumps(PIN)})")

    def watch(self, name):
        feed = self.page.wait_for(f"viaduct.publishers().then((all) => all.find(({{ display }}) => display === {json.dumps(name)})?.id)", 20)
        self.page.evaluate(f"viaduct.watch({feed})")
        seen = settle(lambda: self.page.evaluate("viaduct.seen()"), lambda seen: seen["pictures"] >= 15 and seen["sound"] >= SOUND, 30)
        assert seen["pictures"] >= 15 and seen["sound"] >= SOUND, seen

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.page.close()


@pytest.mark.parametrize("codec", ["H264", "VP8"])
def test_a_stream_is_in_a_room_until_it_is_taken_out(network, viewer_browser, codec):
    with Janus() as janus, Bridge(webhooks__allow=janus.addresses) as bridge:
        conference = Conference(bridge, HERE, janus.order(display="Yard"))
        with Leg.publish(network, bridge, HERE, bridge.token(HERE, "publish"), media.clip(codec, 10).tracks(), codec):
            conference.wait("live")
            assert janus.participants() == ["Yard"]
            with Witness(viewer_browser, janus, bridge.base) as witness:
                witness.watch("Yard")
            # It goes without a word and comes back with nothing in its memory: the picture is back by itself.
            janus.kill()
            settle(conference.show, lambda one: one["state"] != "live", 20)
            janus.start()
            shown = conference.wait("live", COMING_BACK)
            assert shown["reason"] is None and not any(secret in json.dumps(shown) for secret in (PIN, janus.secret)), shown
            with Witness(viewer_browser, janus, bridge.base) as witness:
                witness.watch("Yard")
            assert conference.request("DELETE")[0] == 204 and conference.request()[0] == 404
            assert janus.participants() == []


def test_a_room_that_does_not_let_it_in_says_why(network):
    with Janus() as janus, Bridge(webhooks__allow=janus.addresses) as bridge:
        with Leg.publish(network, bridge, HERE, bridge.token(HERE, "publish"), media.clip("VP8", 10).tracks(), "VP8"):
            for change, advice in [
                ({"pin": "0000"}, "`pin`"), ({"pin": None}, "`pin`"), ({"room": 8}, "`room`"), ({"api_secret": None}, "`api_secret`"),
                ({"url": janus.url.replace("/janus", "/elsewhere")}, "URL"),
            ]:
                shown = Conference(bridge, HERE, janus.order(**change)).wait("ended")
                assert shown["reason"]["code"] == "conference_refused" and advice in shown["reason"]["detail"], shown
        assert janus.participants() == []
