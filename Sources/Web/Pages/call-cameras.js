// Working a camera from afar: its light, zoom, turn, and what it sends.

import { byId } from "/assets/page.js";

const ZOOM_PAUSE_MS = 150;

/** What a seat's camera was told by this page, as far as it is known here. */
const untold = () => ({ torch: false, factor: 1, degrees: 0, audio: false, video: false });

export class CameraKeys {
  #state;
  #ask;
  #seat = null;
  #told = new Map();
  #timer = 0;

  constructor({ state, ask }) {
    [this.#state, this.#ask] = [state, ask];
    byId("torch").addEventListener("click", () => this.#tell({ type: "torch", on: !this.#now.torch }, { torch: !this.#now.torch }));
    byId("turn").addEventListener("click", () => {
      const degrees = (this.#now.degrees + 90) % 360;
      this.#tell({ type: "rotate", degrees }, { degrees });
    });
    for (const kind of ["audio", "video"]) {
      byId(`mute-${kind}`).addEventListener("click", () => this.#tell({ type: "mute", kind, muted: !this.#now[kind] }, { [kind]: !this.#now[kind] }));
    }
    byId("zoom").addEventListener("input", () => {
      const factor = Number(byId("zoom").value);
      this.#told.set(this.#seat, { ...this.#now, factor });
      clearTimeout(this.#timer);
      const seat = this.#seat;
      this.#timer = setTimeout(() => this.#ask("camera_order", { seat, order: { type: "zoom", factor } }), ZOOM_PAUSE_MS);
    });
    byId("camera-close").addEventListener("click", () => this.toggle(null));
  }

  get isOpen() {
    return this.#seat !== null;
  }

  /** Opens the keys of this seat's camera, or closes them when they are open; null closes. */
  toggle(seat) {
    this.#seat = seat === this.#seat ? null : seat;
    this.show();
  }

  isFor(seat) {
    return this.#seat === seat;
  }

  show() {
    const seat = this.#state.seats.get(this.#seat);
    const keys = byId("camera-tools");
    if (!seat || !this.#state.mayCommand(seat)) {
      this.#seat = null;
      keys.hidden = true;
      return;
    }
    keys.hidden = false;
    keys.ariaLabel = `Camera ${seat.display_name}`;
    byId("camera-name").textContent = seat.display_name;
    const { torch, zoom, rotate, mute } = seat.abilities;
    byId("torch").hidden = !torch;
    byId("torch").ariaPressed = String(this.#now.torch);
    byId("zoom-field").hidden = zoom <= 1;
    byId("zoom").max = String(zoom);
    byId("zoom").value = String(this.#now.factor);
    byId("turn").hidden = !rotate;
    for (const kind of ["audio", "video"]) {
      byId(`mute-${kind}`).hidden = !mute.includes(kind);
      byId(`mute-${kind}`).ariaPressed = String(this.#now[kind]);
    }
  }

  get #now() {
    return this.#told.get(this.#seat) ?? untold();
  }

  #tell(order, change) {
    this.#told.set(this.#seat, { ...this.#now, ...change });
    this.#ask("camera_order", { seat: this.#seat, order });
    this.show();
  }
}
