"""A stream in the VideoRoom of a real Janus: the bridge is the client, a browser there the witness.

The machine's own address may be of a range that the bridge sends nothing to unless it is told (192.0.2.0/24, for instance).
"""

import contextlib
import json

import pytest
from aiortc.mediastreams import MediaStreamError

import media
from bridge import Bridge
from janus import PIN, ROOM, ClientPage, Janus
from raw import settle
from test_conferences import COMING_BACK, HERE, Conference, streams
from whip import Leg

pytestmark = pytest.mark.sturdy

BACK = "ears"
SOUND = 24_000  # samples that were sent, and not made up: half a second
LOUD = 1_000  # of 32,767: a beep of the browser's microphone has ten times that, silence has nothing
BEEPS = 10  # frames of 20 ms: there is a beep every second


class Ears(Leg):
    """A viewer of the stream in which the others are heard: counts frames with something to be heard in them."""

    loud = 0

    async def _count(self, track):
        with contextlib.suppress(MediaStreamError):
            while True:
                frame = await track.recv()
                self.frames[track.kind] += 1
                self.loud += int(max(abs(sample) for sample in memoryview(bytes(frame.planes[0])).cast("h")) > LOUD)

    def hear(self):
        """Somebody speaks, from now on."""
        before = self.loud
        assert settle(lambda: self.loud - before, lambda count: count >= BEEPS, 30) >= BEEPS, (self.frames, self.loud)

    def hear_nobody(self):
        """For a second, once what is on its way has come: not ourselves, above all. Whoever speaks beeps each second."""

        def heard():
            before, loud = self.frames["audio"], self.loud
            assert settle(lambda: self.frames["audio"] - before, lambda count: count >= 60, 30) >= 60
            return self.loud - loud

        assert settle(heard, lambda count: count == 0, 5) == 0


class Witness:
    """A participant in a browser, who sees and hears the only publisher of the room."""

    def __init__(self, browser, janus, client):
        self.page = browser.open(client.url)
        self.page.wait_for("Boolean(window.videoroom && window.Janus)", 10)
        self.page.evaluate(f"videoroom({json.dumps(janus.socket_url)}, {json.dumps(janus.secret)}, {ROOM}, {json.dumps(PIN)})")

    def watch(self, name):
        feed = self.page.wait_for(f"viaduct.publishers().then((all) => all.find(({{ display }}) => display === {json.dumps(name)})?.id)", 20)
        self.page.evaluate(f"viaduct.watch({feed})")
        seen = settle(lambda: self.page.evaluate("viaduct.seen()"), lambda seen: seen["pictures"] >= 15 and seen["sound"] >= SOUND, 30)
        assert seen["pictures"] >= 15 and seen["sound"] >= SOUND, seen

    def speak(self):
        self.page.evaluate('viaduct.speak("Guest")')

    def fall_silent(self):
        self.page.evaluate("viaduct.hush()")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.page.close()


@pytest.fixture(scope="module")
def client():
    with ClientPage() as client:
        yield client


def test_a_stream_is_in_a_room_until_it_is_taken_out(network, viewer_browser, client):
    with Janus() as janus, Bridge(webhooks__allow=janus.addresses) as bridge:
        conference = Conference(bridge, HERE, janus.order(display="Yard"))
        with Leg.publish(network, bridge, HERE, bridge.token(HERE, "publish"), media.clip("H264", 10).tracks(), "H264"):
            conference.wait("live")
            assert janus.participants() == ["Yard"] and conference.show()["return"] is None
            with Witness(viewer_browser, janus, client) as witness:
                witness.watch("Yard")
            assert conference.request("DELETE")[0] == 204 and conference.request()[0] == 404
            assert janus.participants() == []


def test_the_others_of_a_room_are_heard_and_come_back_with_it(network, viewer_browser, client):
    with Janus() as janus, Bridge(webhooks__allow=janus.addresses) as bridge:
        conference = Conference(bridge, HERE, janus.order(display="Yard", return_stream=BACK))

        def voices(count):
            return settle(lambda: conference.show()["return"], lambda way: way["live"] and way["voices"] == count, 20)

        with Leg.publish(network, bridge, HERE, bridge.token(HERE, "publish"), media.clip("VP8", 10).tracks(), "VP8"):
            conference.wait("live")
            assert voices(0) == {"stream": BACK, "live": True, "voices": 0, "reason": None}
            with Ears.watch(network, bridge, BACK, bridge.token(BACK, "watch"), kinds=("audio",)) as ears:
                ears.hear_nobody()
                with Witness(viewer_browser, janus, client) as witness:
                    witness.watch("Yard")
                    witness.speak()
                    ears.hear()
                    assert voices(1)["voices"] == 1
                    witness.fall_silent()
                    assert voices(0)["voices"] == 0
                    ears.hear_nobody()
                # It goes, without a word and in an orderly way, and comes back with nothing in its memory: picture and sound are back by themselves.
                for go in (janus.kill, janus.stop):
                    go()
                    settle(conference.show, lambda one: one["state"] != "live", 20)
                    janus.start()
                    shown = conference.wait("live", COMING_BACK)
                    assert shown["reason"] is None and not any(secret in json.dumps(shown) for secret in (PIN, janus.secret)), shown
                    with Witness(viewer_browser, janus, client) as witness:
                        witness.speak()
                        witness.watch("Yard")
                        ears.hear()
            assert conference.request("DELETE")[0] == 204 and conference.request()[0] == 404
            assert janus.participants() == []
            assert settle(lambda: streams(bridge), lambda ids: BACK not in ids, 10) == {HERE}


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
