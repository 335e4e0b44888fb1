// A page's side of a room: the socket, and two peer connections, one that sends and one that receives. See signaling/asyncapi.yaml.

import { KINDS, addSections, fill } from "/assets/call-sections.js";
import { BridgeFailure } from "/assets/rtm.js";

const UNREACHABLE = "The bridge cannot be reached.";
/** The room keeps a place without a socket for 20 s. */
const RETURN_LIMIT_MS = 20_000;
const SOCKET_OPENING_LIMIT_MS = 4000;
/** Close codes after which one's place is still there. */
const RETURNABLE = new Set([1001, 1006, 1011, 1012, 1013, 4429]);
/** A peer that does not come back by itself in this time is made anew. */
const PEER_LOSS_LIMIT_MS = 3000;
/** By its name we know a refusal to publish again. */
const PUBLISHING = "publish ";

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * One participant, from joining to the end.
 *
 * Events: `notice` (detail: a frame of the room), `track` (detail: `{ track, media }`, a MediaStreamTrack for a room's track), `away` and `back` (the
 * socket), `media` (detail: `{ peer, state }`), `refused` (detail: `{ code, msg }`), and last `over` (detail: BridgeFailure or null).
 */
export class CallSession extends EventTarget {
  #url;
  #name;
  #socket = null;
  #isInside = false;
  #refusal = null;
  #sender = null;
  #receiver = null;
  #transceivers = {};
  #isAnswered = false;
  /** What is being sent, by kind: a MediaStreamTrack. */
  #sources = {};
  /** The kinds that the room has a track of, or was asked for one. */
  #published = new Set();
  /** The kinds of one's own tracks, and who one is. */
  #own = new Map();
  #you = null;
  #lossTimer = 0;
  /** Descriptions are applied one after the other. */
  #work = Promise.resolve();
  /** Tracks of the room by section of the receiving peer. */
  #sections = {};

  constructor({ url, name }) {
    super();
    [this.#url, this.#name] = [url, name];
    this.isOver = false;
    /** How often the room was come back to over another socket. */
    this.returns = 0;
  }

  async start() {
    try {
      await this.#open();
      this.#join(false);
    } catch (failure) {
      this.#end(failure);
    }
  }

  leave() {
    this.request("leave", {});
    this.#end(null);
  }

  /** As a network that goes away does it, for tests: the bridge hears no word. */
  loseSocket() {
    const socket = this.#socket;
    socket.onmessage = socket.onclose = null;
    socket.close(4000);
    this.#return();
  }

  /** As after a lost network, for tests: another sending peer in place of the one that there is. */
  renewSender() {
    return this.#makeSender();
  }

  request(type, data, ref = null) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ type, data, ...(ref ? { ref } : {}) }));
  }

  /** Sends a track of a kind, in place of the one before; null: nothing for now. The peer is made with the first. */
  async send(kind, source) {
    this.#sources[kind] = source;
    if (!this.#isInside || this.isOver) return;
    if (!this.#sender) return source && this.#makeSender();
    await fill(this.#transceivers[kind], kind, source);
    this.#publish(kind);
  }

  /** The room has this track of ours no more; `send` of its kind makes another one. */
  withdraw(kind, track) {
    this.#published.delete(kind);
    this.request("unpublish", { track });
  }

  /** Once: what is not sent for a while stays published. Before the answer there is nothing to publish by; with it, all that there is goes out. */
  #publish(kind) {
    if (!this.#sources[kind] || !this.#isAnswered || this.#published.has(kind)) return;
    this.#published.add(kind);
    this.request("publish", { kind, mid: this.#transceivers[kind].mid }, `${PUBLISHING}${kind}`);
  }

  // MARK: the socket

  async #open() {
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    const limit = setTimeout(() => socket.close(), SOCKET_OPENING_LIMIT_MS);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onclose = () => reject(new BridgeFailure("unreachable", UNREACHABLE));
    }).finally(() => clearTimeout(limit));
    socket.onclose = ({ code, reason }) => this.#closed(code, reason);
  }

  #join(keepsPeers) {
    this.request("join", { ...(this.#name ? { name: this.#name } : {}), keeps_peers: keepsPeers });
  }

  #closed(code, reason) {
    if (this.isOver) return;
    if (!RETURNABLE.has(code) || !this.#isInside) return this.#end(this.#refusal ?? new BridgeFailure(`closed_${code}`, reason));
    this.#return();
  }

  /** A refusal of the link comes before the socket is closed, and says why. */
  #refused(refusal) {
    if (refusal.ref?.startsWith(PUBLISHING)) this.#published.delete(refusal.ref.slice(PUBLISHING.length));
    if (!this.#isInside) this.#refusal = new BridgeFailure(refusal.code, refusal.msg);
    this.#emit("refused", refusal);
  }

  async #return() {
    this.#emit("away");
    const limit = performance.now() + RETURN_LIMIT_MS;
    for (let wait = 250; performance.now() < limit; wait = Math.min(2000, wait * 2)) {
      await pause(wait * (0.75 + Math.random() / 2));
      if (this.isOver) return;
      try {
        await this.#open();
      } catch {
        continue;
      }
      return this.#join([this.#sender, this.#receiver].every((peer) => peer === null || peer.connectionState === "connected"));
    }
    this.#end(new BridgeFailure("unreachable", UNREACHABLE));
  }

  #receive(frame) {
    const { type, data } = frame;
    switch (type) {
      case "welcome": return this.#welcomed(frame);
      case "sdp_update": return this.#described(data);
      case "peer_state": return this.#emit("media", data);
      case "refused": return this.#refused(data);
      case "done": return;
      case "published": this.#noteOwn(data.track); return this.#emit("notice", frame);
      case "unpublished": this.#forgetOwn(data.track); return this.#emit("notice", frame);
      case "ended": this.#emit("notice", frame); return this.#end(null);
      default: this.#emit("notice", frame);
    }
  }

  #welcomed(frame) {
    const isReturn = this.#isInside;
    if (isReturn) this.returns += 1;
    this.#isInside = true;
    this.#emit("notice", frame);
    this.#you = frame.data.you;
    const mine = frame.data.tracks.filter(({ participant }) => participant === this.#you);
    this.#own.clear();
    this.#published.clear();
    for (const track of mine) this.#noteOwn(track);
    // Who was away for too long is new in the room, and so are their peers.
    const isNew = isReturn && Object.values(this.#sources).some(Boolean) && mine.length === 0;
    if (isNew) this.#dropPeers();
    this.#emit("back");
    if (!this.#sender && Object.values(this.#sources).some(Boolean)) this.#makeSender();
    // What was turned on while the socket was away.
    for (const kind of KINDS) this.#publish(kind);
  }

  #noteOwn({ id, participant, kind }) {
    if (participant !== this.#you) return;
    this.#own.set(id, kind);
    this.#published.add(kind);
  }

  #forgetOwn(track) {
    this.#published.delete(this.#own.get(track));
    this.#own.delete(track);
  }

  // MARK: the peers

  #dropPeers() {
    for (const peer of [this.#sender, this.#receiver]) peer?.close();
    [this.#sender, this.#receiver, this.#sections] = [null, null, {}];
  }

  async #makeSender() {
    this.#sender?.close();
    const peer = (this.#sender = new RTCPeerConnection({ bundlePolicy: "max-bundle" }));
    this.#isAnswered = false;
    this.#published.clear();
    this.#transceivers = addSections(peer, this.#sources);
    peer.onconnectionstatechange = () => this.#senderChanged(peer);
    try {
      await peer.setLocalDescription();
      this.request("sdp_update", { peer: "publish", sdp: { type: "offer", sdp: peer.localDescription.sdp } });
    } catch (failure) {
      this.#end(new BridgeFailure("browser_failed", String(failure.message ?? failure)));
    }
  }

  #senderChanged(peer) {
    if (peer !== this.#sender) return;
    clearTimeout(this.#lossTimer);
    if (["disconnected", "failed"].includes(peer.connectionState)) {
      this.#lossTimer = setTimeout(() => { if (!this.isOver && peer === this.#sender) this.#makeSender(); }, PEER_LOSS_LIMIT_MS);
    }
  }

  #described({ peer, sdp, tracks }) {
    this.#work = this.#work.then(() => (peer === "publish" ? this.#answered(sdp) : this.#offered(sdp, tracks))).catch((failure) => {
      if (!this.isOver) this.#end(new BridgeFailure("browser_failed", String(failure.message ?? failure)));
    });
  }

  async #answered(description) {
    const peer = this.#sender;
    if (peer?.signalingState !== "have-local-offer") return;
    await peer.setRemoteDescription(description);
    this.#isAnswered = true;
    for (const kind of KINDS) this.#publish(kind);
  }

  async #offered(description, tracks) {
    const isOther = this.#receiver && sessionOf(this.#receiver.remoteDescription?.sdp) !== sessionOf(description.sdp);
    if (isOther) {
      this.#receiver.close();
      [this.#receiver, this.#sections] = [null, {}];
    }
    const peer = (this.#receiver ??= new RTCPeerConnection({ bundlePolicy: "max-bundle" }));
    await peer.setRemoteDescription(description);
    await peer.setLocalDescription();
    this.request("sdp_update", { peer: "subscribe", sdp: { type: "answer", sdp: peer.localDescription.sdp } });
    for (const transceiver of peer.getTransceivers()) {
      const track = tracks[transceiver.mid] ?? null;
      if (track === null || this.#sections[transceiver.mid] === track) continue;
      this.#sections[transceiver.mid] = track;
      this.#emit("track", { track, media: transceiver.receiver.track });
    }
    for (const mid of Object.keys(this.#sections)) if (!tracks[mid]) delete this.#sections[mid];
  }

  /** The reports of both peers, by room track for what is received, and their states. */
  async statistics() {
    const reports = {};
    for (const transceiver of this.#receiver?.getTransceivers() ?? []) {
      const track = this.#sections[transceiver.mid];
      if (track) reports[track] = await transceiver.receiver.getStats();
    }
    const states = { publish: this.#sender?.connectionState ?? null, subscribe: this.#receiver?.connectionState ?? null };
    return { received: reports, sent: await this.#sender?.getStats() ?? null, states };
  }

  #end(failure) {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.#lossTimer);
    if (this.#socket) {
      this.#socket.onclose = null;
      this.#socket.close(1000);
    }
    this.#dropPeers();
    this.#emit("over", failure instanceof Error && !(failure instanceof BridgeFailure) ? new BridgeFailure("browser_failed", failure.message) : failure);
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** The number of the session in `o=`: another one is another peer. */
const sessionOf = (sdp) => sdp?.match(/^o=\S+ (\d+)/m)?.[1];
