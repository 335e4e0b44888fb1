// Whether anything still comes over a peer connection's path.

/** So many times the longest usual pause is a silence, within the bounds of the path's kind. */
const PAUSES = 4;
/** What a pause that was longer than the others counts after each one that follows. */
const FORGETTING = 0.98;

/**
 * The least silences, in milliseconds, and the longest pauses that are learnt from. A publisher is told twenty times a second what came of its packets:
 * what holds that up for longer, as a busy machine may once, says nothing of the next time. A viewer may have nothing but a report each second while
 * the camera is silent: when two of them are missing, the silence is its own path's.
 */
export const PUBLISHER_PATH = { shortestSilence: 300, longestPause: 250 };
export const VIEWER_PATH = { shortestSilence: 2200, longestPause: 2000, reportsOnly: true };

/** Learns how often packets come over a path, and tells when they no longer do. */
export class PathWatch {
  #peer;
  #kind;
  #count = 0;
  #heardAt = null;
  /** When nothing more had come since `#heardAt`. */
  #silentUntil = 0;
  #usualPause = 500;

  /** `kind` is one of the two above. */
  constructor(peer, kind) {
    this.#peer = peer;
    this.#kind = kind;
  }

  /** True when nothing has come for much longer than usual. To be asked several times a second. */
  async isSilent() {
    const now = performance.now();
    const count = await this.#packetsReceived();
    if (count !== this.#count) this.#hear(count, now);
    this.#silentUntil = now;
    return this.#heardAt !== null && now - this.#heardAt > Math.max(this.#kind.shortestSilence, PAUSES * this.#usualPause);
  }

  /** A pause lasted until it was last looked in vain at least: how long this page itself was held up then is no part of it. */
  #hear(count, now) {
    if (this.#heardAt !== null) {
      const pause = Math.min(this.#silentUntil - this.#heardAt, this.#kind.longestPause);
      this.#usualPause = Math.max(pause, this.#usualPause * FORGETTING);
    }
    this.#count = count;
    this.#heardAt = now;
  }

  /** 0 where the browser does not say, and for a viewer to whom the bridge sends no reports. */
  async #packetsReceived() {
    let [count, isReported] = [0, !this.#kind.reportsOnly];
    for (const entry of (await this.#peer.getStats()).values()) {
      if (entry.type === "transport") count = entry.packetsReceived ?? 0;
      if (entry.type === "remote-outbound-rtp") isReported = true;
    }
    return isReported ? count : 0;
  }
}
