// The timeline: what was recorded, along the clock, with the moment that is shown in its middle. It is dragged, zoomed, and moved by keys.

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 21_600, 43_200, 86_400].map((seconds) => seconds * 1000);

export class Timeline extends EventTarget {
  /** Time across the whole width, ms. */
  span = 10 * 60_000;
  moment = Date.now();
  items = [];
  marks = { from: null, to: null };
  isDragged = false;
  #drag = null;

  constructor(canvas) {
    super();
    this.canvas = canvas;
    canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#end(event));
    canvas.addEventListener("pointercancel", () => { [this.#drag, this.isDragged] = [null, false]; this.#leave(); });
    canvas.addEventListener("pointerleave", () => this.#leave());
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    canvas.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.draw()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  zoom(factor) {
    this.span = Math.min(14 * 86_400_000, Math.max(5000, this.span * factor));
    this.draw();
    this.dispatchEvent(new Event("zoom"));
  }

  /** Shows another moment, unless somebody is moving the timeline just now. */
  show(moment) {
    if (this.isDragged) return;
    this.moment = moment;
    this.draw();
  }

  get from() { return this.moment - this.span / 2; }
  get to() { return this.moment + this.span / 2; }

  #begin(event) {
    this.canvas.setPointerCapture(event.pointerId);
    this.#drag = { x: event.clientX, moment: this.moment, hasMoved: false };
    this.isDragged = true;
  }

  #move(event) {
    if (!this.#drag) return this.#point(event.offsetX, this.from + (event.offsetX / this.canvas.clientWidth) * this.span);
    const distance = event.clientX - this.#drag.x;
    if (Math.abs(distance) > 3) this.#drag.hasMoved = true;
    this.moment = this.#drag.moment - (distance * this.span) / this.canvas.clientWidth;
    this.draw();
    this.dispatchEvent(new CustomEvent("scrub", { detail: this.moment }));
    this.#point(this.canvas.clientWidth / 2, this.moment);
  }

  /** Somebody looks at a moment, `x` pixels from the left. */
  #point(x, moment) { this.dispatchEvent(new CustomEvent("point", { detail: { x, moment } })); }
  #leave() { if (!this.#drag) this.dispatchEvent(new CustomEvent("leave")); }

  #end(event) {
    if (!this.#drag) return;
    const { hasMoved } = this.#drag;
    [this.#drag, this.isDragged] = [null, false];
    if (!hasMoved) this.moment = this.from + (event.offsetX / this.canvas.clientWidth) * this.span;
    this.#choose(this.moment);
  }

  #wheel(event) {
    event.preventDefault();
    if (event.shiftKey || event.deltaX) this.#choose(this.moment + ((event.deltaX || event.deltaY) * this.span) / 2000);
    else this.zoom(event.deltaY > 0 ? 1.25 : 0.8);
  }

  #key(event) {
    const steps = { ArrowLeft: -5000, ArrowRight: 5000, PageDown: -60_000, PageUp: 60_000 };
    if (event.key in steps) this.#choose(this.moment + steps[event.key]);
    else if (event.key === "+") this.zoom(0.8);
    else if (event.key === "-") this.zoom(1.25);
    else return;
    event.preventDefault();
  }

  #choose(moment) {
    this.moment = moment;
    this.draw();
    this.dispatchEvent(new CustomEvent("choose", { detail: moment }));
  }

  draw() {
    const { canvas } = this;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    const scale = devicePixelRatio || 1;
    if (canvas.width !== Math.round(width * scale)) canvas.width = Math.round(width * scale);
    if (canvas.height !== Math.round(height * scale)) canvas.height = Math.round(height * scale);
    const pen = canvas.getContext("2d");
    const style = getComputedStyle(canvas);
    const place = (moment) => ((moment - this.from) / this.span) * width;
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    for (const { type, from, to, live } of this.items) {
      pen.globalAlpha = type === "media" ? 1 : 0.18;
      pen.fillStyle = type === "media" ? style.fill : style.color;
      const [left, right] = [place(from), live ? place(Math.max(to, Date.now())) : place(to)];
      pen.fillRect(left, 24, Math.max(1, right - left), height - 30);
    }
    pen.globalAlpha = 1;
    this.#ruler(pen, style.color, place, height);
    this.#drawMarks(pen, style.floodColor, place, height);
    pen.fillStyle = style.stroke;
    pen.fillRect(width / 2 - 1, 18, 2, height - 18);
    canvas.setAttribute("aria-valuetext", new Date(this.moment).toLocaleString());
  }

  #ruler(pen, ink, place, height) {
    const step = STEPS.find((one) => (one / this.span) * this.canvas.clientWidth > 80) ?? STEPS.at(-1);
    const zone = new Date(this.moment).getTimezoneOffset() * 60_000;
    pen.fillStyle = ink;
    pen.font = "11px system-ui, sans-serif";
    pen.textAlign = "center";
    for (let tick = Math.ceil((this.from - zone) / step) * step + zone; tick < this.to; tick += step) {
      const date = new Date(tick);
      const seconds = step < 60_000 ? "2-digit" : undefined;
      const text = step >= 86_400_000 ? date.toLocaleDateString() : date.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: seconds });
      pen.fillText(text, place(tick), 12);
      pen.globalAlpha = 0.35;
      pen.fillRect(place(tick), 16, 1, height - 16);
      pen.globalAlpha = 1;
    }
  }

  #drawMarks(pen, ink, place, height) {
    const { from, to } = this.marks;
    pen.fillStyle = ink;
    if (from !== null && to !== null) {
      pen.globalAlpha = 0.35;
      pen.fillRect(place(from), 20, place(to) - place(from), height - 22);
      pen.globalAlpha = 1;
    }
    for (const mark of [from, to]) if (mark !== null) pen.fillRect(place(mark) - 1, 18, 3, height - 18);
  }
}
