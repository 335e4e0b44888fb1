"""How soon a viewer has a picture of a camera whose keyframes are ten seconds apart and that makes none when it is asked. `-s` shows the figures."""

import json

import pytest

import media
from bridge import Bridge
from whip import Leg

JOINS = 50
MEDIAN_LIMIT_MS, P95_LIMIT_MS = 120, 250

# From pressing "watch" (the peer connection is made) to the first decoded picture on the screen, for one WHEP viewer after the other in one page.
JOIN = """
window.join = async (url, token) => {
  const video = document.body.appendChild(document.createElement("video"));
  video.muted = true;
  const pressed = performance.now();
  const steps = {};
  const step = (name) => { steps[name] ??= performance.now() - pressed; };
  const peer = new RTCPeerConnection();
  const picture = new Promise((resolve) => video.requestVideoFrameCallback(resolve));
  peer.ontrack = ({ receiver }) => {
    receiver.jitterBufferTarget = 0;
    video.srcObject = new MediaStream(peer.getReceivers().map(({ track }) => track).filter((track) => track.kind === "video"));
    video.play();
  };
  peer.onconnectionstatechange = () => step(peer.connectionState);
  for (const kind of ["video", "audio"]) peer.addTransceiver(kind, { direction: "recvonly" });
  await peer.setLocalDescription();
  step("offered");
  const reply = await fetch(url, { method: "POST", body: peer.localDescription.sdp,
    headers: { "content-type": "application/sdp", authorization: `Bearer ${token}` } });
  const session = new URL(reply.headers.get("location"), url).href;
  const sdp = await reply.text();
  step("answered");
  await peer.setRemoteDescription({ type: "answer", sdp });
  await picture;
  step("picture");
  const inbound = [...(await peer.getStats()).values()].find(({ type, kind }) => type === "inbound-rtp" && kind === "video");
  const { framesDecoded, framesDropped, keyFramesDecoded, pliCount, freezeCount } = inbound;
  peer.close();
  video.remove();
  await fetch(session, { method: "DELETE", headers: { authorization: `Bearer ${token}` } });
  return { steps, framesDecoded, framesDropped, keyFramesDecoded, pliCount, freezeCount };
};
"""


@pytest.fixture(scope="module")
def bridge():
    with Bridge() as bridge:
        yield bridge


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def join_times(bridge, browser, stream, count):
    """What each of so many joins saw, one after another, from one page."""
    address = f"{bridge.base}/whep/{stream}"
    token = bridge.token(stream, "watch")
    with browser.open(f"{bridge.base}/", script=JOIN) as page:
        page.wait_for("document.readyState === 'complete' && window.join !== undefined", 10)
        return [page.evaluate(f"join({json.dumps(address)}, {json.dumps(token)})") for _ in range(count)]


@pytest.mark.parametrize("codec", ["VP8", "H264"])
def test_a_viewer_sees_a_picture_at_once(bridge, network, viewer_browser, codec):
    stream = f"first-picture-{codec}"
    source = media.clip(codec, 20, keyframes_apart=10).tracks()
    with Leg.publish(network, bridge, stream, bridge.token(stream, "publish"), source, codec):
        joins = join_times(bridge, viewer_browser, stream, JOINS + 1)[1:]  # the first one also starts the browser's media threads
    report(codec, joins)
    times = [join["steps"]["picture"] for join in joins]
    told = f"milliseconds to the first picture: {sorted(map(round, times))}"
    # A decoder that cannot use what it is given asks for a keyframe.
    assert all(join["keyFramesDecoded"] >= 1 and join["pliCount"] == 0 for join in joins), joins
    assert percentile(times, 0.5) <= MEDIAN_LIMIT_MS, told
    assert percentile(times, 0.95) <= P95_LIMIT_MS, told


def report(codec, joins):
    print(f"\n{codec}, {len(joins)} joins, milliseconds p50/p95:", end="")
    for name in ("offered", "answered", "connected", "picture"):
        values = [join["steps"][name] for join in joins if name in join["steps"]]
        print(f" {name} {percentile(values, 0.5):.0f}/{percentile(values, 0.95):.0f}", end="")
    print(f", decoded by then {percentile([join['framesDecoded'] for join in joins], 0.5)}"
          f", keyframe requests {sum(join['pliCount'] for join in joins)}")
