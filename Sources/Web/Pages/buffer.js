// Feeds a video element with pieces of recordings through Media Source Extensions. The element's time is the clock's, in seconds after `origin`.

import { decodeTime } from "/assets/recorded.js";

export class MediaFeed {
  /** How far ahead is loaded, and how much is kept behind, s. */
  static ahead = 12;
  static #behind = 30;

  #source = new MediaSource();
  #buffer = null;
  #maps = new Map();
  #offsets = new Map();
  /** One after the other: what is to be done to the source buffer. */
  #queue = Promise.resolve();

  constructor(video, recorded, origin) {
    [this.video, this.recorded, this.origin] = [video, recorded, origin];
    video.src = URL.createObjectURL(this.#source);
  }

  async open(type) {
    if (this.#source.readyState !== "open") {
      await new Promise((resolve) => this.#source.addEventListener("sourceopen", resolve, { once: true }));
    }
    URL.revokeObjectURL(this.video.src);
    this.#buffer = this.#source.addSourceBuffer(type);
    this.#source.duration = 10 * 366 * 86_400;
  }

  seconds(moment) { return (moment - this.origin) / 1000; }
  moment(seconds = this.video.currentTime) { return this.origin + seconds * 1000; }

  /** The end of what can be played from a moment on without interruption, ms since 1970; nil when nothing is there. */
  endOfBuffer(moment) {
    const at = this.seconds(moment);
    const { buffered } = this.video;
    for (let index = 0; index < buffered.length; index += 1) {
      if (buffered.start(index) <= at + 0.1 && at < buffered.end(index)) return this.moment(buffered.end(index));
    }
    return null;
  }

  /** Where the next buffered stretch behind a moment begins. */
  nextStart(moment) {
    const at = this.seconds(moment);
    const { buffered } = this.video;
    for (let index = 0; index < buffered.length; index += 1) {
      if (buffered.start(index) > at) return this.moment(buffered.start(index));
    }
    return null;
  }

  /** Loads a piece and appends it. */
  async append(piece, signal) {
    const loaded = this.recorded.bytes(piece.name, signal);
    const initialization = piece.map ? await this.#initialization(piece.map, signal) : null;
    const { bytes, startedAt } = await loaded;
    if (signal?.aborted || bytes.length === 0) return;
    const offset = initialization ? this.#offset(piece, initialization, bytes) : this.seconds(startedAt);
    await this.#enqueue(async () => {
      if (signal?.aborted) return;
      this.#buffer.abort();
      this.#buffer.timestampOffset = offset;
      if (initialization) await this.#change(() => this.#buffer.appendBuffer(initialization));
      await this.#change(() => this.#buffer.appendBuffer(bytes));
    });
    await this.#forget();
  }

  /** Throws everything away that is not around a moment. */
  async #forget() {
    const end = this.video.currentTime - MediaFeed.#behind;
    const first = this.video.buffered.length ? this.video.buffered.start(0) : end;
    if (first < end - 10) await this.#enqueue(() => this.#change(() => this.#buffer.remove(0, end)));
  }

  async #initialization(name, signal) {
    if (!this.#maps.has(name)) this.#maps.set(name, (await this.recorded.bytes(name, signal)).bytes);
    return this.#maps.get(name);
  }

  /** What brings a recording's own time onto the element's: the same for all pieces of one recording. */
  #offset(piece, initialization, bytes) {
    const recording = piece.map;
    if (!this.#offsets.has(recording)) this.#offsets.set(recording, this.seconds(piece.start) - decodeTime(initialization, bytes));
    return this.#offsets.get(recording);
  }

  #enqueue(action) {
    const result = this.#queue.then(action);
    this.#queue = result.catch(() => {});
    return result;
  }

  #change(action) {
    return new Promise((resolve, reject) => {
      this.#buffer.addEventListener("updateend", resolve, { once: true });
      this.#buffer.addEventListener("error", () => reject(new Error("The browser cannot decode this recording.")), { once: true });
      action();
    });
  }
}
