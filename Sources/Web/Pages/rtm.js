// The RTM session of a page: REST for the session, a WebSocket for its messages, one RTCPeerConnection. See signaling/asyncapi.yaml.

import { PUBLISHER_PATH, PathWatch, VIEWER_PATH } from "/assets/path.js";

/** A failure with the stable code of the bridge (`signaling/errors.json`), or of this file. */
export class BridgeFailure extends Error {
  static #final = new Set([
    "token_missing", "token_invalid", "token_expired", "token_revoked", "account_suspended", "forbidden", "wrong_role", "invalid_field",
    "unacceptable_offer", "browser_failed",
  ]);

  constructor(code, message, retryAfter = 0) {
    super(message);
    this.code = code;
    this.retryAfter = retryAfter;
  }

  /** Trying again changes nothing: the user has to. */
  get isFinal() {
    return BridgeFailure.#final.has(this.code);
  }
}

const UNREACHABLE = "The bridge cannot be reached.";
/** Close codes after which the session may be taken up over another socket (streamrec 6.4, 6.5). */
const RESUMABLE = new Set([1006, 1011, 1012, 1013, 4429]);
/** The bridge keeps a session without a socket for 30 s. */
const RESUME_LIMIT_MS = 20_000;
/** A socket that opens no sooner goes through a network that is gone. */
const SOCKET_OPENING_LIMIT_MS = 2000;
/** How long a broken media connection may take to come back by itself. */
const MEDIA_LOSS_LIMIT_MS = 3000;
/** And how long where another path can be looked for: between two networks a device may have none. */
const RECOVERY_LIMIT_MS = 20_000;
/** Another path has so long to bring the media back before the next try: Chromium alone takes two seconds to know of a new address. */
const RECOVERY_INTERVAL_MS = 3000;
/** A publisher's loss is everybody's; a viewer's page may be open for days. */
const PUBLISHER_CHECK_INTERVAL_MS = 50;
const VIEWER_CHECK_INTERVAL_MS = 250;
/** How long the bridge, which sees a failed handshake too, has to say its cause. */
const LAST_WORD_LIMIT_MS = 500;
/** An end that is not the client's wish: viewers are kept for the publisher's next session. */
const CLOSE_WITHOUT_STOP = 4000;

async function createSession({ stream, direction, token }) {
  const headers = { "content-type": "application/json", ...(token ? { authorization: `Bearer ${token}` } : {}) };
  const body = JSON.stringify({ stream, direction });
  const reply = await fetch("/bridge/v1/sessions", { method: "POST", headers, body }).catch(() => {
    throw new BridgeFailure("unreachable", UNREACHABLE);
  });
  const answer = await reply.json().catch(() => ({}));
  if (reply.ok) return answer;
  throw new BridgeFailure(answer.code ?? `http_${reply.status}`, answer.detail ?? `The bridge answered ${reply.status}.`,
    Number(reply.headers.get("retry-after") ?? 0));
}

/**
 * One session, from its creation to its end. Its socket may be lost and opened again. When its network path is dead, as after a change of
 * address, a publisher's peer connection is replaced, and a viewer's ICE restarted.
 *
 * Events: `answered` (the bridge has said which media it takes or sends), `track` (detail: RTCTrackEvent), `connected`, `interrupted`,
 * `resumed`, `state` (detail: a `recording_state` message), `layers` (detail: a `layers` message, for viewers), `refusal` (detail: an `error`
 * message that leaves the session as it is), and last `ended` (detail: BridgeFailure, or null when `stop` was called).
 */
export class RtmSession extends EventTarget {
  #options;
  #session = null;
  #socket = null;
  #offer = null;
  #hasStarted = false;
  #early = [];
  #wasConnected = false;
  #lossTimer = 0;
  #isResuming = false;
  #canRestart = true;
  #recoveredAt = -Infinity;
  #former = null;
  #pathWatch = null;
  #pathTimer = 0;

  /** `prepare(peer)` adds the media; `relayOnly` lets no direct media through, to try a TURN server. */
  constructor({ stream, direction, token, prepare, relayOnly = false }) {
    super();
    this.#options = { stream, direction, token, prepare, relayOnly };
    this.peer = null;
    this.isOver = false;
  }

  /** The socket is lost and being opened again; media may go on meanwhile. */
  get isDetached() {
    return this.#hasStarted && !this.isOver && this.#socket?.readyState !== WebSocket.OPEN;
  }

  async start() {
    try {
      this.#session = await createSession(this.#options);
      if (this.isOver) return;
      this.#makePeer();
      await this.#options.prepare(this.peer);
      await this.peer.setLocalDescription();
      await this.#openSocket();
      this.#sendStart();
    } catch (failure) {
      this.#end(failure instanceof BridgeFailure ? failure : new BridgeFailure("browser_failed", String(failure.message ?? failure)));
    }
  }

  stop() {
    if (this.isOver) return;
    this.#send("session_stop", {});
    this.#end(null);
  }

  /** Sends a request of the session's owner, for instance `recording_start`. */
  request(type, data) {
    if (!this.isOver) this.#send(type, data);
  }

  // MARK: peer

  #makePeer() {
    const iceTransportPolicy = this.#options.relayOnly ? "relay" : "all";
    const peer = new RTCPeerConnection({ ...this.#session.ice_credentials, bundlePolicy: "max-bundle", iceTransportPolicy });
    peer.onicecandidate = ({ candidate }) => {
      const message = candidate?.toJSON() ?? null;
      if (this.#hasStarted) this.#send("candidate", { candidate: message });
      else this.#early.push(message);
    };
    peer.ontrack = (event) => this.#emit("track", event);
    peer.onconnectionstatechange = () => { if (peer === this.peer) this.#peerChanged(peer.connectionState); };
    this.peer = peer;
  }

  #peerChanged(state) {
    if (state === "connected") {
      this.#keepOn();
      this.#emit(this.#wasConnected ? "resumed" : "connected");
      this.#watchPath();
      this.#wasConnected = true;
    } else if (state === "disconnected" || (state === "failed" && this.#wasConnected && this.#canRecover)) {
      this.#emit("interrupted");
      this.#endAfter(this.#canRecover ? RECOVERY_LIMIT_MS : MEDIA_LOSS_LIMIT_MS, "The media connection was lost.");
    } else if (state === "failed") {
      this.#endAfter(LAST_WORD_LIMIT_MS, "The media connection failed.");
    }
  }

  #endAfter(milliseconds, message) {
    this.#lossTimer ||= setTimeout(() => this.#end(new BridgeFailure("connection_lost", message)), milliseconds);
  }

  #keepOn() {
    clearTimeout(this.#lossTimer);
    this.#lossTimer = 0;
  }

  // MARK: path

  get #isPublishing() {
    return this.#options.direction === "publish";
  }

  get #canRecover() {
    return this.#isPublishing || this.#canRestart;
  }

  #watchPath() {
    this.#former?.close();
    this.#former = null;
    const [kind, interval] = this.#isPublishing
      ? [PUBLISHER_PATH, PUBLISHER_CHECK_INTERVAL_MS] : [VIEWER_PATH, VIEWER_CHECK_INTERVAL_MS];
    this.#pathWatch = new PathWatch(this.peer, kind);
    // What fails because the session ended meanwhile is of no use any more.
    this.#pathTimer ||= setInterval(() => this.#checkPath().catch(() => {}), interval);
  }

  /** The bridge's reports come all the time: their silence tells of a dead path seconds before the browser does. */
  async #checkPath() {
    const isDead = await this.#pathWatch.isSilent() || ["disconnected", "failed"].includes(this.peer.connectionState);
    if (!isDead || this.isOver || !this.#canRecover || performance.now() - this.#recoveredAt < RECOVERY_INTERVAL_MS) return;
    this.#recoveredAt = performance.now();
    await (this.#isPublishing ? this.#replacePeer() : this.#restart());
    if (this.#isResuming) return;
    // The socket that there is would be silent for minutes on a network that is gone.
    this.#leaveSocket();
    await this.#resume(0);
  }

  /**
   * Offers another peer connection in the same session. Media goes on over the one there is until the new one is connected (streamrec 6.4 rule 6).
   * After an ICE restart browsers would keep the dead path for seconds: it counts as alive, and may be of the cheaper network.
   */
  async #replacePeer() {
    if (this.#former) this.peer.close();
    else this.#former = this.peer;
    this.#hasStarted = false;
    [this.#offer, this.#early] = [null, []];
    this.#makePeer();
    this.#endAfter(RECOVERY_LIMIT_MS, "The media connection was lost.");
    await this.#options.prepare(this.peer);
    await this.peer.setLocalDescription();
  }

  /** Another ICE session (RFC 8445 section 9). */
  async #restart() {
    this.peer.restartIce();
    await this.peer.setLocalDescription();
  }

  #leaveSocket() {
    this.#socket.onclose = this.#socket.onmessage = null;
    this.#socket.close(CLOSE_WITHOUT_STOP);
  }

  /** The bridge's engine has one ICE session for all of a peer's life. */
  async #restartRefused() {
    this.#canRestart = false;
    this.#keepOn();
    await this.peer.setLocalDescription({ type: "rollback" });
    if (this.peer.connectionState !== "connected") this.#endAfter(MEDIA_LOSS_LIMIT_MS, "The media connection was lost.");
  }

  // MARK: socket

  async #openSocket() {
    const url = new URL(this.#session.ws_endpoint);
    const token = this.#session.auth_token ?? this.#options.token;
    if (token) url.searchParams.set("auth_token", token);
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    const limit = setTimeout(() => socket.close(), SOCKET_OPENING_LIMIT_MS);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onclose = () => reject(new BridgeFailure("unreachable", UNREACHABLE));
    }).finally(() => clearTimeout(limit));
    socket.onclose = ({ code }) => this.#socketClosed(code);
  }

  #socketClosed(code) {
    if (this.isOver) return;
    if (this.#wasConnected && RESUMABLE.has(code)) this.#resume(250);
    else this.#end(new BridgeFailure("connection_lost", `The bridge closed the connection (${code}).`));
  }

  /** Takes the session up over another socket. A bridge that has restarted does not know it: then `session_not_found` ends it. */
  async #resume(firstWait) {
    this.#isResuming = true;
    const limit = performance.now() + RESUME_LIMIT_MS;
    for (let wait = firstWait; performance.now() < limit; wait = Math.min(2000, Math.max(250, wait * 2))) {
      await new Promise((resolve) => setTimeout(resolve, wait * (0.75 + Math.random() / 2)));
      if (this.isOver) return;
      try {
        await this.#openSocket();
        this.#isResuming = false;
        return this.#isRestarting ? this.#sendRestart() : this.#sendStart();
      } catch {
        continue;
      }
    }
    this.#end(new BridgeFailure("unreachable", UNREACHABLE));
  }

  /** The first time it begins the session; over another socket the same offer is how the session is taken up. */
  #sendStart() {
    this.#offer ??= this.peer.localDescription.sdp;
    const layers = this.#options.direction === "watch";
    this.#send("session_start", { sdp: { type: "offer", sdp: this.#offer }, version: "3", layers });
    this.#hasStarted = true;
    for (const candidate of this.#early.splice(0)) this.#send("candidate", { candidate });
  }

  get #isRestarting() {
    return this.#wasConnected && !this.#isPublishing && this.peer.signalingState === "have-local-offer";
  }

  /** Takes the session up, too. */
  #sendRestart() {
    this.#send("sdp_update", { sdp: { type: "offer", sdp: this.peer.localDescription.sdp } });
  }

  #send(type, data) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return;
    const { client_id = "", session_id } = this.#session;
    this.#socket.send(JSON.stringify({ type, client_id, session_id, data }));
  }

  #receive({ type, data }) {
    switch (type) {
      case "sdp_update": return this.#answered(data.sdp);
      case "candidate": return this.peer.addIceCandidate(data.candidate ?? undefined).catch(() => {});
      case "recording_state": return this.#emit("state", data);
      case "layers": return this.#emit("layers", data);
      case "session_terminated": return this.#end(new BridgeFailure(data.termination_cause, data.msg));
      case "error": return this.#refused(data);
    }
  }

  async #answered(description) {
    if (this.isOver || this.peer.signalingState !== "have-local-offer") return;
    try {
      await this.peer.setRemoteDescription(description);
      if (!this.isOver && !this.#wasConnected) this.#emit("answered");
    } catch (failure) {
      this.#end(new BridgeFailure("browser_failed", String(failure.message ?? failure)));
    }
  }

  /** Only an error that answers the start ends the session; the rest belong to their request. */
  #refused(error) {
    if (error.in_reply_to === "session_start") this.#end(new BridgeFailure(error.code, error.msg));
    else if (error.in_reply_to === "sdp_update") this.#restartRefused();
    else this.#emit("refusal", error);
  }

  #end(failure) {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.#lossTimer);
    clearInterval(this.#pathTimer);
    if (this.#socket) {
      this.#socket.onclose = null;
      this.#socket.close(failure !== null && this.#options.direction === "publish" ? CLOSE_WITHOUT_STOP : 1000);
    }
    // Told before the tracks end, so that a page can keep their last picture.
    this.#emit("ended", failure);
    this.peer?.close();
    this.#former?.close();
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
