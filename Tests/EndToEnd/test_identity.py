"""A peer whose certificate is not the one of its SDP: nothing passes, and the session ends with its code."""

import json
import time

import pytest

from bridge import Bridge
from pages import LIVE, open_publish, publish, watch

pytestmark = pytest.mark.sturdy

# Turns the last digit of every fingerprint in the offer or the answer, notes what the socket says and what the peer counts.
FALSIFY = """
(() => {
  const turn = (sdp) => sdp.replace(/^(a=fingerprint:.*)(.)$/gmi, (_, head, last) => head + (last === "0" ? "1" : "0"));
  const told = (window.told = { session: null, causes: [], received: 0, sent: 0 });
  const side = "%s";
  window.WebSocket = class extends WebSocket {
    constructor(url) {
      super(url);
      this.addEventListener("message", ({ data }) => {
        const message = JSON.parse(data);
        told.session ??= message.session_id;
        if (message.type === "session_terminated") told.causes.push(message.data.termination_cause);
      });
    }
    send(text) {
      const message = JSON.parse(text);
      if (side === "offer" && message.data.sdp) message.data.sdp.sdp = turn(message.data.sdp.sdp);
      super.send(JSON.stringify(message));
    }
  };
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(configuration) {
      super(configuration);
      const count = async () => {
        for (const entry of (await this.getStats()).values()) {
          told.received = Math.max(told.received, entry.type === "inbound-rtp" ? entry.packetsReceived : 0);
          told.sent = Math.max(told.sent, entry.type === "outbound-rtp" ? entry.packetsSent : 0);
        }
      };
      const timer = setInterval(() => this.connectionState === "closed" ? clearInterval(timer) : count(), 20);
    }
    setRemoteDescription(description) {
      const { type, sdp } = description;
      return super.setRemoteDescription(side === "answer" ? { type, sdp: turn(sdp) } : description);
    }
  };
})();
"""


@pytest.fixture(scope="module", params=["edge", "webrtcbin"])
def bridge(request):
    with Bridge(log__format="json", webrtc__inbound=request.param) as bridge:
        yield bridge


@pytest.fixture(scope="module")
def published(bridge, camera_browser):
    with publish(bridge, camera_browser, "true-publisher", codec="vp8"):
        yield "true-publisher"


class SessionLog:
    """What the bridge's log says about a session."""

    def __init__(self, bridge, session):
        entries = (json.loads(line) for line in bridge.log().splitlines() if line.startswith("{"))
        self.lines = [entry for entry in entries if entry.get("session") == session]

    def values(self, message, key):
        return [entry.get(key) for entry in self.lines if entry["message"] == message]

    @property
    def has_ended(self):
        return bool(self.values("session ended", "cause"))

    def check(self, ends):
        """It ended in one of these ways, each a cause and the reason why the peer ended, and was never `ACTIVE`: no media passed."""
        told = "\n".join(map(str, self.lines))
        [cause] = self.values("session ended", "cause")
        reasons = [reason.partition(":")[0] for reason in self.values("peer ended", "reason")]
        assert (cause, *reasons) in ends, told
        assert "ACTIVE" not in self.values("session state changed", "to"), told


def first_end(page, bridge):
    """What the page was told and has counted when its first session was over, and the bridge's log of that session."""
    page.wait_for("viaduct.failure != null", 20)
    told = page.evaluate("told")
    end = time.monotonic() + 10
    while not (log := SessionLog(bridge, told["session"])).has_ended and time.monotonic() < end:
        time.sleep(0.1)
    assert page.evaluate("viaduct.state") != "live"
    assert told["received"] == 0, f"media came in: {told}"
    return told, log


# Whose check fails: ours, or the browser's, which breaks the handshake off. Then its page ends the session, or comes back with another, if the
# bridge has not ended it yet: an alert that is not encrypted could be anybody's, so the edge gives the peer a moment to go on.
MISMATCH, BROKEN_OFF = ("CONN_ERROR", "fingerprint_mismatch"), ("CONN_ERROR", "connection_lost")
ENDS = {"offer": [MISMATCH], "answer": [BROKEN_OFF, ("CLIENT_STOP",), ("REPLACED",)]}


@pytest.mark.parametrize("side", ENDS)
def test_a_publisher_with_a_wrong_fingerprint_publishes_nothing(bridge, camera_browser, side):
    stream = f"false-publisher-{side}"
    with open_publish(bridge, camera_browser, stream, codec="vp8", script=FALSIFY % side) as page:
        told, log = first_end(page, bridge)
        log.check(ENDS[side])
        status, _, body = bridge.get(f"/bridge/v1/streams/{stream}", headers={"authorization": f"Bearer {bridge.token(stream, 'watch')}"})
        assert status == 404, f"the stream is there: {body}"
        if side == "offer":
            assert told["causes"][:1] == ["CONN_ERROR"], told
        else:
            assert told["sent"] == 0, f"the browser sent media to a stranger: {told}"


@pytest.mark.parametrize("side", ENDS)
def test_a_viewer_with_a_wrong_fingerprint_sees_nothing(bridge, published, viewer_browser, side):
    with watch(bridge, viewer_browser, published, script=FALSIFY % side) as page:
        told, log = first_end(page, bridge)
        assert page.evaluate("viaduct.firstFrameAfter") is None, "a frame was shown"
        log.check(ENDS[side])
        if side == "offer":
            assert told["causes"][:1] == ["CONN_ERROR"], told


def test_the_same_script_that_changes_nothing_lets_media_pass(bridge, published, viewer_browser):
    """Without this the tests above could pass because the script breaks the page."""
    with watch(bridge, viewer_browser, published, script=FALSIFY % "neither") as page:
        page.wait_for(LIVE, 10)
        page.wait_for("told.received > 0", 5)
