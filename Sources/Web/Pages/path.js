// Whether anything still comes over a peer connection's path.

/** Shorter pauses are usual on a bad line. */
const SHORTEST_SILENCE_MS = 300;
/** So many times the longest usual pause is a silence. */
const PAUSES = 3;
/** What a pause that was longer than the others counts after each one that follows. */
const FORGETTING = 0.95;

/** Learns how often packets come over a path, and tells when they no longer do. */
export class PathWatch {
  #peer;
  #count = 0;
  #heardAt = null;
  #usualPause = 1000;

  constructor(peer) {
    this.#peer = peer;
  }

  /** True when nothing has come for much longer than usual. To be asked several times a second. */
  async isSilent() {
    const count = await this.#packetsReceived();
    const now = performance.now();
    if (count !== this.#count) this.#hear(count, now);
    return this.#heardAt !== null && now - this.#heardAt > Math.max(SHORTEST_SILENCE_MS, PAUSES * this.#usualPause);
  }

  #hear(count, now) {
    if (this.#heardAt !== null) this.#usualPause = Math.max(now - this.#heardAt, this.#usualPause * FORGETTING);
    this.#count = count;
    this.#heardAt = now;
  }

  async #packetsReceived() {
    for (const entry of (await this.#peer.getStats()).values()) {
      if (entry.type === "transport") return entry.packetsReceived ?? 0;
    }
    return 0;
  }
}
