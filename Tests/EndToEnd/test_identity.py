"""A peer whose certificate is not the one of its SDP: nothing passes, and the session ends with its code."""

import pytest

from pages import LIVE, open_publish, publish, watch

# Turns the last digit of every fingerprint in the offer or the answer, notes what the socket says and what the peer counts.
FALSIFY = """
(() => {
  const turn = (sdp) => sdp.replace(/^(a=fingerprint:.*)(.)$/gmi, (_, head, last) => head + (last === "0" ? "1" : "0"));
  const told = (window.told = { causes: [], received: 0, sent: 0, peers: 0, connected: 0 });
  const side = "%s";
  window.WebSocket = class extends WebSocket {
    constructor(url) {
      super(url);
      this.addEventListener("message", ({ data }) => {
        const message = JSON.parse(data);
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
      told.peers += 1;
      this.addEventListener("connectionstatechange", () => { told.connected += this.connectionState === "connected"; });
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


def check_nothing_passed(page, told):
    assert (told["received"], told["sent"], told["connected"]) == (0, 0, 0), f"media or a connection came about: {told}"
    assert page.evaluate("viaduct.state") != "live"
    if "firstFrameAfter" in page.evaluate("Object.keys(viaduct)"):
        assert page.evaluate("viaduct.firstFrameAfter") is None, "a frame was shown"


def ended_sessions(bridge, stream, cause):
    """Lines of the bridge's log about ended sessions of this stream with this cause."""
    lines = (line for line in bridge.log().splitlines() if "session ended" in line and stream in line)
    return [line for line in lines if cause in line]


def wait_for_end(page, bridge, stream):
    """The first session is over: the page has been told, and tries another one."""
    page.wait_for("window.viaduct?.failure != null && told.peers > 0", 20)
    told = page.evaluate("told")
    log = [line for line in bridge.log().splitlines() if stream in line]
    return told, "\n".join(log[-20:])


@pytest.mark.parametrize("side", ["offer", "answer"])
def test_a_publisher_with_a_wrong_fingerprint_publishes_nothing(bridge, camera_browser, side):
    stream = f"false-publisher-{side}"
    with open_publish(bridge, camera_browser, stream, codec="vp8", script=FALSIFY % side) as page:
        told, log = wait_for_end(page, bridge, stream)
        check_nothing_passed(page, told)
        reply, _, body = bridge.get(f"/bridge/v1/streams/{stream}", headers={"authorization": f"Bearer {bridge.token(stream, 'watch')}"})
        assert reply == 404, f"the stream is there: {body}"
        if side == "offer":
            assert told["causes"][:1] == ["CONN_ERROR"], f"{told}; the bridge says:\n{log}"
            assert "fingerprint_mismatch" in log, f"the bridge says:\n{log}"
        else:
            assert ended_sessions(bridge, stream, "CONN_ERROR"), f"the bridge says:\n{log}"


@pytest.fixture(scope="module")
def published(bridge, camera_browser):
    with publish(bridge, camera_browser, "true-publisher", codec="vp8"):
        yield "true-publisher"


@pytest.mark.parametrize("side", ["offer", "answer"])
def test_a_viewer_with_a_wrong_fingerprint_sees_nothing(bridge, published, viewer_browser, side):
    with watch(bridge, viewer_browser, published, script=FALSIFY % side) as page:
        told, log = wait_for_end(page, bridge, published)
        check_nothing_passed(page, told)
        if side == "offer":
            assert told["causes"][:1] == ["CONN_ERROR"], f"{told}; the bridge says:\n{log}"
            assert "fingerprint_mismatch" in log, f"the bridge says:\n{log}"
        else:
            assert ended_sessions(bridge, published, "watch"), f"the bridge says:\n{log}"


def test_the_same_script_that_changes_nothing_lets_media_pass(bridge, published, viewer_browser):
    """Without this the tests above could pass because the script breaks the page."""
    with watch(bridge, viewer_browser, published, script=FALSIFY % "neither") as page:
        page.wait_for(f"window.viaduct && {LIVE}", 10)
        page.wait_for("told.received > 0", 5)
