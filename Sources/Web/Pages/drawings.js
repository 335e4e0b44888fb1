// What was drawn on a picture in a room, over its recording, at the times when it was seen there.

import { drawAnnotations } from "/assets/call-board.js";
import { contained } from "/assets/call-layout.js";

/** Often enough for a recording that is being made. */
const INTERVAL_MS = 5000;

export class Drawings extends EventTarget {
  #canvas;
  #video;
  #recorded;
  #key = "";
  #isHidden = false;
  boards = [];
  /** How many drawings are shown. */
  shown = 0;

  constructor(canvas, video, recorded) {
    super();
    [this.#canvas, this.#video, this.#recorded] = [canvas, video, recorded];
    setInterval(() => this.load().catch(() => {}), INTERVAL_MS);
  }

  get isHidden() { return this.#isHidden; }
  set isHidden(isHidden) {
    this.#isHidden = isHidden;
    this.#key = "";
  }

  /** Asks for what there is; pages without anything drawn have no key for it. */
  async load() {
    this.boards = await this.#recorded.boards();
    this.#key = "";
    this.dispatchEvent(new Event("load"));
  }

  /** Draws what was seen at a moment (ms since 1970); nothing when that is drawn already. */
  show(moment) {
    const annotations = this.#isHidden ? [] : this.boards.flatMap((board) => board.annotations.filter(({ from, to }) => from <= moment && moment < to));
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(this.#canvas.clientWidth * ratio), Math.round(this.#canvas.clientHeight * ratio)];
    const key = [width, height, this.#video.videoWidth, this.#video.videoHeight, ...annotations.map(({ number }) => number)].join();
    if (key === this.#key) return;
    this.#key = key;
    this.shown = annotations.length;
    Object.assign(this.#canvas, { width, height });
    if (!this.#video.videoWidth) return;
    drawAnnotations(this.#canvas.getContext("2d"), contained(this.#video.videoWidth, this.#video.videoHeight, width, height), annotations);
  }
}
