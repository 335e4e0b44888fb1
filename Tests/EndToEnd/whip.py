"""Publishers and viewers over WHIP and WHEP, by aiortc and by a page's own script."""

import asyncio
from urllib.parse import quote, urljoin

from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from rtm import Reception, Unexpected, make_offer, publishing_peer, take_answer, wait_for_state, watching_peer

SDP, FRAGMENT = "application/sdp", "application/trickle-ice-sdpfrag"


# The offer of a viewer that decodes nothing that anybody sends: the bridge makes one of its own.
FOREIGN = "".join(line + "\r\n" for line in [
    "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0", "m=video 9 UDP/TLS/RTP/SAVPF 120", "c=IN IP4 0.0.0.0",
    "a=ice-ufrag:QoWQ", "a=ice-pwd:4JAfScHElAPJfHza29pNMd", "a=fingerprint:sha-256 AB" + ":AB" * 31, "a=setup:actpass", "a=rtcp-mux", "a=mid:0",
    "a=recvonly", "a=rtpmap:120 X-NOBODY/90000",
])


def endpoint(bridge, root, stream):
    return f"/{root}/{quote(stream, safe='')}"


def post(bridge, root, stream, token, sdp):
    """The reply to an offer: status, fields, body."""
    headers = {"content-type": SDP, **({"authorization": f"Bearer {token}"} if token else {})}
    return bridge.request("POST", endpoint(bridge, root, stream), sdp.encode(), headers)


class Leg(Reception):
    """One session on the network's loop: `publish` or `watch`, then `close`."""

    def __init__(self, network, bridge, root, stream, token):
        super().__init__()
        self.network, self.bridge, self.root, self.stream, self.token = network, bridge, root, stream, token
        self.peer = self.location = self.tag = self.answer = None
        self.links = ""

    @classmethod
    def publish(cls, network, bridge, stream, token, tracks, codec=None, sound=None):
        leg = cls(network, bridge, "whip", stream, token)
        network.run(leg._publish(tracks, codec, sound))
        return leg

    @classmethod
    def watch(cls, network, bridge, stream, token, kinds=("video", "audio")):
        leg = cls(network, bridge, "whep", stream, token)
        network.run(leg.open_watch(kinds))
        return leg

    @classmethod
    def watch_by_answering(cls, network, bridge, stream, token):
        """A viewer whose own offer nobody can accept, so that it answers the bridge's."""
        leg = cls(network, bridge, "whep", stream, token)
        network.run(leg._answer())
        return leg

    async def _answer(self):
        status, fields, body = await asyncio.to_thread(post, self.bridge, self.root, self.stream, self.token, FOREIGN)
        fields = {name.lower(): value for name, value in fields.items()}
        if (status, fields.get("content-type")) != (406, SDP):
            raise Unexpected(f"POST: {status} {fields} {body[:300]}")
        self.location = urljoin(self.bridge.base, fields["location"]).removeprefix(self.bridge.base)
        self.peer = peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.follow(peer)
        await peer.setRemoteDescription(RTCSessionDescription(body.decode(), "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        answer = peer.localDescription.sdp.encode()
        status, fields, body = await asyncio.to_thread(self.request, "PATCH", body=answer, content_type=SDP)
        if status != 204:
            raise Unexpected(f"PATCH: {status} {body[:300]}")
        self.tag = {name.lower(): value for name, value in fields.items()}["etag"]
        await wait_for_state(peer, "connected")

    async def _publish(self, tracks, codec, sound):
        await self._open(publishing_peer(*tracks, codec=codec, sound=sound))  # a peer belongs to the loop that it is made on

    async def open_watch(self, kinds=("video", "audio")):
        """As `watch`, for a coroutine of the network's loop."""
        peer = watching_peer(kinds)
        self.follow(peer)
        await self._open(peer)

    async def _open(self, peer):
        self.peer = peer
        offer = await make_offer(peer)
        status, fields, body = await asyncio.to_thread(post, self.bridge, self.root, self.stream, self.token, offer)
        if status != 201:
            await peer.close()
            raise Unexpected(f"POST: {status} {body[:300]}")
        fields = {name.lower(): value for name, value in fields.items()}
        self.location = urljoin(self.bridge.base, fields["location"]).removeprefix(self.bridge.base)
        self.tag, self.links = fields["etag"], fields.get("link", "")
        self.answer = body.decode()
        await take_answer(peer, self.answer)
        await wait_for_state(peer, "connected")

    def request(self, method, path="", body=None, **fields):
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        headers |= {name.replace("_", "-"): value for name, value in fields.items()}
        return self.bridge.request(method, self.location + path, body, headers)

    @property
    def state(self):
        return self.peer.connectionState

    def leave(self):
        """DELETE, and its status."""
        return self.request("DELETE")[0]

    def drop(self):
        """Goes without a word to the server."""
        self.network.run(self.peer.close())

    def close(self):
        if self.location is not None:
            self.leave()
        self.drop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def open_page(browser, url):
    """A page, of whatever origin, with the client in it."""
    page = browser.open(url, CLIENT)
    page.wait_for("Boolean(window.whip && document.body)", 10)
    return page


# What a page needs to publish or watch: the whole client. `codecs`, names as in SDP, are the only ones that a publisher offers.
CLIENT = """
window.whip = async (url, token, stream, prepare, codecs) => {
  const peer = new RTCPeerConnection();
  if (prepare) await prepare(peer);
  else if (stream) for (const track of stream.getTracks()) peer.addTransceiver(track, { direction: "sendonly", streams: [stream] });
  else for (const kind of ["audio", "video"]) peer.addTransceiver(kind, { direction: "recvonly" });
  if (codecs) for (const transceiver of peer.getTransceivers()) {
    const all = RTCRtpSender.getCapabilities(transceiver.sender.track.kind).codecs;
    transceiver.setCodecPreferences(all.filter(({ mimeType }) => codecs.includes(mimeType.split("/")[1].toUpperCase())));
  }
  await peer.setLocalDescription(await peer.createOffer());
  const candidates = [];
  const gathered = new Promise((done) => peer.addEventListener("icecandidate", ({ candidate }) =>
    candidate && candidate.candidate ? candidates.push(candidate) : done()));
  const reply = await fetch(url, { method: "POST", body: peer.localDescription.sdp,
    headers: { "content-type": "application/sdp", authorization: `Bearer ${token}` } });
  if (reply.status !== 201) throw new Error(`${reply.status} ${await reply.text()}`);
  const session = new URL(reply.headers.get("location"), url).href;
  const tag = reply.headers.get("etag");
  await peer.setRemoteDescription({ type: "answer", sdp: await reply.text() });
  await gathered;
  const value = (name) => peer.localDescription.sdp.match(new RegExp(`a=${name}:(.*)`))[1].trim();
  const lines = [`a=ice-ufrag:${value("ice-ufrag")}`, `a=ice-pwd:${value("ice-pwd")}`, "m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=mid:0",
    ...candidates.map(({ candidate }) => `a=${candidate}`), "a=end-of-candidates", ""];
  const patch = await fetch(session, { method: "PATCH", body: lines.join("\\r\\n"),
    headers: { "content-type": "application/trickle-ice-sdpfrag", "if-match": tag, authorization: `Bearer ${token}` } });
  window.viaduct = { peer, session, token, tag, trickled: patch.status, exposed: [...reply.headers.keys()] };
  if (!stream) await show(peer);
  return patch.status;
};
window.show = async (peer) => {
  const video = document.body.appendChild(document.createElement("video"));
  video.muted = true;
  video.srcObject = new MediaStream(peer.getReceivers().map((receiver) => receiver.track));
  await video.play();
};
window.leave = async () => {
  await fetch(viaduct.session, { method: "DELETE", headers: { authorization: `Bearer ${viaduct.token}` } });
  viaduct.peer.close();
};
"""
