// The sound of others: an element for each track, none of them seen.

export class Sounds {
  #elements = new Map();
  #sink = "";

  /** Whether this browser lets people choose where sound comes out. */
  static get canChoose() {
    return "setSinkId" in HTMLMediaElement.prototype;
  }

  /** Plays a track; the promise fails where the browser waits for a key first. */
  play(track, media) {
    this.forget(track);
    const element = Object.assign(new Audio(), { srcObject: new MediaStream([media]), autoplay: true });
    this.#elements.set(track, element);
    if (this.#sink) element.setSinkId(this.#sink).catch(() => {});
    return element.play();
  }

  forget(track) {
    const element = this.#elements.get(track);
    if (element) element.srcObject = null;
    this.#elements.delete(track);
  }

  /** Goes on with what the browser held back. */
  resume() {
    for (const element of this.#elements.values()) if (element.paused) element.play().catch(() => {});
  }

  /** All of it from another speaker, now and later; empty for the browser's own choice. */
  async choose(sink) {
    await Promise.all([...this.#elements.values()].map((element) => element.setSinkId(sink)));
    this.#sink = sink;
  }

  /** Where each sound comes out, for tests. */
  get sinks() {
    return [...this.#elements.values()].map(({ sinkId }) => sinkId);
  }
}
