// Whether anything still comes over a peer connection's path.

/** So many times the longest usual pause is a silence. */
const PAUSES = 4;
/** What a pause that was longer than the others counts after each one that follows. */
const FORGETTING = 0.98;

/**
 * The least silences, in milliseconds. A publisher is told twenty times a second what came of its packets. A viewer may have nothing but a report each
 * second while the camera is silent: when two of them are missing, the silence is its own path's.
 */
export const PUBLISHER_SILENCE_MS = 300;
export const VIEWER_SILENCE_MS = 2200;

/** Learns how often packets come over a path, and tells when they no longer do. */
export class PathWatch {
  #peer;
  #shortest;
  #count = 0;
  #heardAt = null;
  /** When nothing more had come since `#heardAt`. */
  #silentUntil = 0;
  #usualPause = 500;

  constructor(peer, shortestSilence) {
    this.#peer = peer;
    this.#shortest = shortestSilence;
  }

  /** True when nothing has come for much longer than usual. To be asked several times a second. */
  async isSilent() {
    const now = performance.now();
    const count = await this.#packetsReceived();
    if (count !== this.#count) this.#hear(count, now);
    this.#silentUntil = now;
    return this.#heardAt !== null && now - this.#heardAt > Math.max(this.#shortest, PAUSES * this.#usualPause);
  }

  /** A pause lasted until it was last looked in vain at least: how long this page itself was held up then is no part of it. */
  #hear(count, now) {
    if (this.#heardAt !== null) this.#usualPause = Math.max(this.#silentUntil - this.#heardAt, this.#usualPause * FORGETTING);
    this.#count = count;
    this.#heardAt = now;
  }

  /** 0 where the browser does not say, and for a viewer to whom the bridge sends no reports. */
  async #packetsReceived() {
    let [count, isReported] = [0, this.#shortest < VIEWER_SILENCE_MS];
    for (const entry of (await this.#peer.getStats()).values()) {
      if (entry.type === "transport") count = entry.packetsReceived ?? 0;
      if (entry.type === "remote-outbound-rtp") isReported = true;
    }
    return isReported ? count : 0;
  }
}
