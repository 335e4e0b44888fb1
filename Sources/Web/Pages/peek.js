// A small picture above the timeline, of the moment that somebody points at or drags to. It is for the eye alone: the time is the slider's value, too.

import { byId } from "/assets/page.js";

export class Peek {
  #thumbnails = [];
  #wanted = null;

  constructor(recorded, timeline) {
    [this.recorded, this.timeline] = [recorded, timeline];
    [this.box, this.canvas, this.time] = [byId("peek"), byId("peek-picture"), byId("peek-time")];
    timeline.addEventListener("point", ({ detail }) => this.#show(detail));
    for (const name of ["leave", "choose"]) timeline.addEventListener(name, () => this.hide());
  }

  /** Takes the thumbnails of a timeline's items. */
  async load(items) {
    this.#thumbnails = await this.recorded.thumbnails(items);
  }

  hide() {
    this.#wanted = null;
    this.box.hidden = true;
  }

  async #show({ x, moment }) {
    const found = this.#thumbnails.findLast(({ start }) => start <= moment);
    if (!found || moment >= found.end) return this.hide();
    this.#wanted = found;
    const sheet = await this.recorded.sheet(found.sheet).catch(() => null);
    // Meanwhile another picture may be wanted.
    if (!sheet || this.#wanted !== found) return;
    [this.canvas.width, this.canvas.height] = [found.width, found.height];
    this.canvas.getContext("2d").drawImage(sheet, found.x, found.y, found.width, found.height, 0, 0, found.width, found.height);
    this.time.textContent = new Date(moment).toLocaleTimeString();
    this.box.hidden = false;
    const room = this.timeline.canvas.clientWidth;
    const half = this.box.offsetWidth / 2;
    this.box.style.left = `${Math.min(room - half, Math.max(half, x))}px`;
    this.box.style.top = `${this.timeline.canvas.offsetTop}px`;
  }
}
