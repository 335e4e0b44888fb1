// The RTM session of a page: REST for the session, a WebSocket for its messages, one RTCPeerConnection. See signaling/asyncapi.yaml.

/** A failure with the stable code of the bridge (`signaling/errors.json`). */
export class BridgeFailure extends Error {
  constructor(code, message, retryAfter = 0) {
    super(message);
    this.code = code;
    this.retryAfter = retryAfter;
  }
  /** Nobody but the user can change this. */
  get isFinal() {
    return ["unauthorized", "token_missing", "token_invalid", "token_expired", "token_revoked", "forbidden", "wrong_role",
      "unacceptable_offer"].includes(this.code);
  }
}

/** The token of this page: in the fragment, so that it never reaches a server log. */
export function pageToken() {
  return new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
}

/** The last path component, decoded: the stream's id. */
export function pageStream() {
  return decodeURIComponent(location.pathname.split("/").filter(Boolean).at(-1) ?? "");
}

async function createSession(stream, direction, token) {
  const headers = { "content-type": "application/json" };
  if (token) headers.authorization = `Bearer ${token}`;
  const body = JSON.stringify({ stream, direction });
  const reply = await fetch("/bridge/v1/sessions", { method: "POST", headers, body }).catch(() => {
    throw new BridgeFailure("unreachable", "The bridge cannot be reached.");
  });
  const document = await reply.json().catch(() => ({}));
  if (reply.ok) return document;
  const code = document.code ?? document.error ?? (reply.status === 401 ? "unauthorized" : `http_${reply.status}`);
  throw new BridgeFailure(code, document.detail ?? document.msg ?? `The bridge answered ${reply.status}.`,
    Number(reply.headers.get("retry-after") ?? 0));
}

/**
 * One attempt at a session, from its creation to its end. Events: `connected`, `interrupted`, `resumed`, `track` (detail: RTCTrackEvent),
 * `state` (detail: a `recording_state` message), and last `ended` (detail: BridgeFailure, or null when we stopped it).
 */
export class RtmSession extends EventTarget {
  constructor({ stream, direction, token, prepare }) {
    super();
    this.stream = stream;
    this.direction = direction;
    this.token = token;
    this.prepare = prepare;
    this.peer = null;
    this.isOver = false;
    this.wasConnected = false;
  }

  async start() {
    try {
      this.session = await createSession(this.stream, this.direction, this.token);
      if (this.isOver) return;
      this.peer = this.#makePeer(this.session.ice_credentials);
      await this.prepare(this.peer);
      await this.peer.setLocalDescription();
      await this.#openSocket();
      this.#send("session_start", { sdp: { type: "offer", sdp: this.peer.localDescription.sdp }, version: "3" });
      this.hasStarted = true;
      for (const candidate of this.early) this.#send("candidate", { candidate });
    } catch (failure) {
      this.#end(failure instanceof BridgeFailure ? failure : new BridgeFailure("failed", String(failure.message ?? failure)));
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

  #makePeer(credentials) {
    this.early = [];
    const peer = new RTCPeerConnection({ ...credentials, bundlePolicy: "max-bundle" });
    peer.onicecandidate = ({ candidate }) => {
      const message = candidate?.toJSON() ?? null;
      if (this.hasStarted) this.#send("candidate", { candidate: message });
      else this.early.push(message);
    };
    peer.ontrack = (event) => this.#emit("track", event);
    peer.onconnectionstatechange = () => this.#peerChanged(peer.connectionState);
    return peer;
  }

  #peerChanged(state) {
    clearTimeout(this.lossTimer);
    if (state === "connected") {
      this.#emit(this.wasConnected ? "resumed" : "connected");
      this.wasConnected = true;
    } else if (state === "disconnected") {
      this.#emit("interrupted");
      this.lossTimer = setTimeout(() => this.#end(new BridgeFailure("connection_lost", "The media connection was lost.")), 3000);
    } else if (state === "failed") {
      this.#end(new BridgeFailure("connection_lost", "The media connection failed."));
    }
  }

  #openSocket() {
    const url = new URL(this.session.ws_endpoint);
    const token = this.session.auth_token ?? this.token;
    if (token) url.searchParams.set("auth_token", token);
    const socket = new WebSocket(url);
    this.socket = socket;
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = ({ code }) => this.#end(new BridgeFailure("connection_lost", `The bridge closed the connection (${code}).`));
    return new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onerror = () => reject(new BridgeFailure("unreachable", "The bridge cannot be reached."));
    });
  }

  #send(type, data) {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    this.socket.send(JSON.stringify({ type, client_id: this.session.client_id ?? "", session_id: this.session.session_id, data }));
  }

  async #receive({ type, data }) {
    try {
      if (type === "sdp_update") await this.peer.setRemoteDescription(data.sdp);
      else if (type === "candidate") await this.peer.addIceCandidate(data.candidate ?? undefined);
      else if (type === "recording_state") this.#emit("state", data);
      else if (type === "session_terminated") this.#end(new BridgeFailure(data.termination_cause, data.msg));
      else if (type === "error") this.#fail(data);
    } catch (failure) {
      this.#end(new BridgeFailure("failed", String(failure.message ?? failure)));
    }
  }

  /** Only an error that answers the start ends the session; the rest belong to their request. */
  #fail({ code, msg, in_reply_to: request }) {
    if (request === "session_start" || request === null) this.#end(new BridgeFailure(code, msg));
  }

  #end(failure) {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.lossTimer);
    if (this.socket) {
      this.socket.onclose = null;
      this.socket.close(1000);
    }
    // The last picture stays on the screen until a new session has one; closing the peer does not clear it.
    this.peer?.close();
    this.#emit("ended", failure);
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** Shows a state to eyes, to screen readers and to tests. */
export function showState(element, state, text) {
  element.dataset.state = state;
  element.textContent = text;
}
