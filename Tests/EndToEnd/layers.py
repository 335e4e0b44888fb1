"""Simulcast publishers and viewers that choose among layers: pages of browsers over WHIP and WHEP."""

import json
from urllib.parse import quote, urljoin

from whip import CLIENT, FOREIGN

# One camera as three pictures, the smallest first, as conference clients send it. Chromium sends three from 960 pixels of width on, two below.
SIMULCAST = [
    {"rid": "q", "scaleResolutionDownBy": 4, "maxBitrate": 150_000},
    {"rid": "h", "scaleResolutionDownBy": 2, "maxBitrate": 400_000},
    {"rid": "f", "scaleResolutionDownBy": 1, "maxBitrate": 900_000},
]

SCRIPT = CLIENT + """
// Chromium negotiates the dependency descriptor to receive, by which AV1's spatial layers are put together, where it is told to.
window.takeLayers = (video) => {
  const extensions = video.getHeaderExtensionsToNegotiate();
  extensions.find(({ uri }) => uri.includes("dependency-descriptor")).direction = "sendrecv";
  video.setHeaderExtensionsToNegotiate(extensions);
};
window.watch = (url, token, takesLayers) => whip(url, token, null, (peer) => {
  const [video] = ["video", "audio"].map((kind) => peer.addTransceiver(kind, { direction: "recvonly" }));
  if (takesLayers) takeLayers(video);
});
// The same by an answer to the server's offer, which it makes to whoever offers nothing that it can accept.
window.watchByAnswering = async (url, token, takesLayers, foreignOffer) => {
  const fields = { "content-type": "application/sdp", authorization: `Bearer ${token}` };
  const reply = await fetch(url, { method: "POST", body: foreignOffer, headers: fields });
  if (reply.status !== 406) throw new Error(`POST: ${reply.status} ${await reply.text()}`);
  const session = new URL(reply.headers.get("location"), url).href;
  const peer = new RTCPeerConnection();
  await peer.setRemoteDescription({ type: "offer", sdp: await reply.text() });
  if (takesLayers) takeLayers(peer.getTransceivers().find(({ receiver }) => receiver.track.kind === "video"));
  await peer.setLocalDescription(await peer.createAnswer());
  const patch = await fetch(session, { method: "PATCH", body: peer.localDescription.sdp, headers: fields });
  if (patch.status !== 204) throw new Error(`PATCH: ${patch.status} ${await patch.text()}`);
  window.viaduct = { peer, session, token };
  await show(peer);
};
window.cast = async (url, token, codec, encodings, size) => {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { ...size, frameRate: 20 } });
  return window.whip(url, token, stream, async (peer) => {
    const video = peer.addTransceiver(stream.getVideoTracks()[0], { direction: "sendonly", streams: [stream], sendEncodings: encodings });
    const wanted = new RegExp(`^video/(${codec}|rtx)$`, "i");
    const { codecs } = RTCRtpSender.getCapabilities("video");
    video.setCodecPreferences(codecs.filter(({ mimeType }) => wanted.test(mimeType)));
    peer.addTransceiver(stream.getAudioTracks()[0], { direction: "sendonly", streams: [stream] });
    // A machine that is too slow for it is to send fewer pictures, not smaller ones.
    const parameters = video.sender.getParameters();
    await video.sender.setParameters({ ...parameters, degradationPreference: "maintain-resolution" });
  });
};
window.figures = async (kind) => [...(await viaduct.peer.getStats()).values()].filter(({ type, kind: media }) => type === kind && media === "video");
window.setActive = async (rids) => {
  const sender = viaduct.peer.getSenders().find(({ track }) => track.kind === "video");
  const parameters = sender.getParameters();
  for (const encoding of parameters.encodings) encoding.active = rids.includes(encoding.rid);
  await sender.setParameters(parameters);
};
"""


def call(function, *arguments):
    """JavaScript that calls a function of the page."""
    return f"{function}({', '.join(json.dumps(argument) for argument in arguments)})"


def open_page(bridge, browser):
    # Any text of this origin will do, but JSON: Firefox shows that on a page of its own, which may not fetch.
    page = browser.open(f"{bridge.base}/assets/viaduct.css", SCRIPT)
    page.wait_for("Boolean(window.cast && document.body)", 10)
    return page


def publish(bridge, browser, stream, codec="VP8", encodings=SIMULCAST, width=960, height=540):
    """A page that publishes its fake camera in these encodings over WHIP."""
    page = open_page(bridge, browser)
    url = f"{bridge.base}/whip/{quote(stream, safe='')}"
    page.evaluate(call("cast", url, bridge.token(stream, "publish"), codec, encodings, {"width": width, "height": height}))
    page.wait_for("viaduct.peer.connectionState === 'connected'", 15)
    return page


class Viewer:
    """A page that watches over WHEP, and what it is told and shown."""

    def __init__(self, bridge, browser, stream, takes_layers=True, answers=False):
        self.bridge, self.token = bridge, bridge.token(stream, "watch")
        self.page = open_page(bridge, browser)
        url = f"{bridge.base}/whep/{quote(stream, safe='')}"
        arguments = (url, self.token, takes_layers, *((FOREIGN,) if answers else ()))
        self.page.evaluate(call("watchByAnswering" if answers else "watch", *arguments))
        self.path = urljoin(bridge.base, self.page.evaluate("viaduct.session")).removeprefix(bridge.base)

    def figures(self):
        """The browser's own figures of the picture that it gets; empty before the first packet."""
        return next(iter(self.page.evaluate("figures('inbound-rtp')")), {})

    @property
    def width(self):
        return self.figures().get("frameWidth")

    def choose(self, **choice):
        """POST of a layer: the status."""
        fields = {"content-type": "application/json", "authorization": f"Bearer {self.token}"}
        return self.bridge.request("POST", f"{self.path}/layer", choice, fields)[0]

    def listen(self):
        """Collects `layers` events in the page, from now on."""
        self.page.evaluate(
            "void (events = new EventSource(viaduct.session + '/sse'), window.layers = [], "
            "events.addEventListener('layers', ({ data }) => window.layers.push(JSON.parse(data))))")

    @property
    def layers(self):
        """The newest list of the picture's layers, the best first; empty before the first event."""
        newest = self.page.evaluate("window.layers.at(-1) ?? {}")
        return next((section for section in newest.values() if section), [])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.page.close()
