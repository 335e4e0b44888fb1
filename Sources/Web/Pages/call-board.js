// Drawing on a picture: what a board's annotations and pointers look like, and what a hand on a canvas makes of them.

import { contained } from "/assets/call-layout.js";

/** Widths of the picture. */
const LINE = 0.005;
const TEXT = 0.028;
const HEAD = 0.03;
const SMALLEST = 0.004;
/** Points of a stroke that one message may have. */
const MOST_POINTS = 1000;
/** While a hand draws, others see it this often. */
const INTERVAL_MS = 50;

/** A place on the picture, in parts of its width and height, from a place in the box; null beside the picture. */
export function placeOn(picture, box, x, y) {
  const area = contained(picture.width, picture.height, box.width, box.height);
  const place = { x: (x - area.x) / area.width, y: (y - area.y) / area.height };
  return place.x >= 0 && place.x <= 1 && place.y >= 0 && place.y <= 1 ? place : null;
}

/** Draws annotations into a context whose picture lies at `area`. */
export function drawAnnotations(context, area, annotations) {
  for (const annotation of annotations) drawOne(context, area, annotation);
}

function drawOne(context, area, { shape, colour }) {
  const at = ({ x, y }) => [area.x + x * area.width, area.y + y * area.height];
  Object.assign(context, { strokeStyle: colour, fillStyle: colour, lineWidth: Math.max(2, LINE * area.width), lineCap: "round", lineJoin: "round" });
  // Seen on any picture: a dark edge round every colour.
  Object.assign(context, { shadowColor: "rgb(0 0 0 / 0.75)", shadowBlur: 3 });
  context.beginPath();
  switch (shape.type) {
    case "pen": {
      shape.points.forEach(([x, y], index) => context[index ? "lineTo" : "moveTo"](...at({ x, y })));
      if (shape.points.length === 1) context.lineTo(...at({ x: shape.points[0][0], y: shape.points[0][1] }));
      context.stroke();
      break;
    }
    case "arrow": drawArrow(context, at(shape.from), at(shape.to), HEAD * area.width); break;
    case "circle":
      context.arc(...at(shape.center), shape.radius * area.width, 0, 2 * Math.PI);
      context.stroke();
      break;
    case "text":
      context.font = `600 ${Math.max(12, TEXT * area.width)}px system-ui, sans-serif`;
      context.textBaseline = "top";
      drawText(context, area, shape.text, at(shape.at));
      break;
  }
  context.shadowBlur = 0;
}

/** Words have a smallest size: on a small picture they may need to begin further to the left. */
function drawText(context, area, text, [left, top]) {
  const last = area.x + area.width - context.measureText(text).width;
  context.fillText(text, Math.max(area.x, Math.min(left, last)), top);
}

function drawArrow(context, [x, y], [toX, toY], size) {
  const angle = Math.atan2(toY - y, toX - x);
  const head = Math.min(size, Math.hypot(toX - x, toY - y));
  context.moveTo(x, y);
  context.lineTo(toX, toY);
  for (const turn of [-0.45, 0.45]) {
    context.moveTo(toX, toY);
    context.lineTo(toX - head * Math.cos(angle + turn), toY - head * Math.sin(angle + turn));
  }
  context.stroke();
}

/** Where somebody points: a ring with their name. */
export function drawPointer(context, area, { x, y }, name, colour) {
  const [left, top] = [area.x + x * area.width, area.y + y * area.height];
  Object.assign(context, { strokeStyle: colour, fillStyle: colour, lineWidth: 3, shadowColor: "rgb(0 0 0 / 0.75)", shadowBlur: 3 });
  context.beginPath();
  context.arc(left, top, 9, 0, 2 * Math.PI);
  context.stroke();
  context.font = "600 13px system-ui, sans-serif";
  context.textBaseline = "middle";
  context.fillText(name, left + 15, top);
  context.shadowBlur = 0;
}

/** The shape that a hand has made from its first place to its last on a picture; null while it is too small to be meant. */
export function shapeOf(tool, points, { width, height }) {
  const [first, last] = [points[0], points.at(-1)];
  // In widths of the picture, whichever way the hand went.
  const length = Math.hypot(last.x - first.x, (last.y - first.y) * (height / width || 1));
  switch (tool) {
    case "pen": return { type: "pen", points: points.slice(-MOST_POINTS).map(({ x, y }) => [x, y]) };
    case "arrow": return length < SMALLEST ? null : { type: "arrow", from: first, to: last };
    case "circle": return length < SMALLEST ? null : { type: "circle", center: first, radius: Math.min(1, length) };
    default: return null;
  }
}

/**
 * Turns what a hand does on an element into annotations and pointers.
 *
 * `picture()`: `{ width, height }` of what is shown, in its own pixels; `tool()`: `pointer`, `pen`, `arrow`, `circle`, `text` or null;
 * `annotate(id, shape)` while the shape grows; `point(place)`, null when the hand is away; `askText()`: a promise of a text, or null.
 */
export class Hand {
  #element;
  #options;
  #points = [];
  #id = "";
  #toldAt = 0;
  #timer = 0;

  constructor(element, options) {
    [this.#element, this.#options] = [element, options];
    element.addEventListener("pointerdown", (event) => this.#down(event));
    element.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) element.addEventListener(name, () => this.#up());
    element.addEventListener("pointerleave", () => this.#leave());
  }

  #place(event) {
    const box = this.#element.getBoundingClientRect();
    const place = placeOn(this.#options.picture(), box, event.clientX - box.left, event.clientY - box.top);
    // Four digits are a tenth of a pixel of 1080p.
    return place && { x: Math.round(place.x * 1e4) / 1e4, y: Math.round(place.y * 1e4) / 1e4 };
  }

  async #down(event) {
    const [tool, place] = [this.#options.tool(), this.#place(event)];
    if (!tool || !place || tool === "pointer") return;
    event.preventDefault();
    this.#id = crypto.randomUUID();
    if (tool === "text") {
      const text = await this.#options.askText();
      if (text) this.#options.annotate(this.#id, { type: "text", text, at: place });
      return;
    }
    this.#element.setPointerCapture(event.pointerId);
    this.#points = [place];
    this.#tell();
  }

  #move(event) {
    const [tool, place] = [this.#options.tool(), this.#place(event)];
    if (tool === "pointer") return this.#point(place);
    if (!place || this.#points.length === 0) return;
    this.#points.push(place);
    this.#later(() => this.#tell());
  }

  #up() {
    if (this.#points.length === 0) return;
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#tell();
    this.#points = [];
  }

  #leave() {
    if (this.#options.tool() === "pointer") this.#point(null);
  }

  #point(place) {
    if (place === null) {
      clearTimeout(this.#timer);
      this.#timer = 0;
      return this.#options.point(null);
    }
    this.#later(() => this.#options.point(place));
  }

  /** Now, or when enough time has passed since the last; what comes meanwhile takes its place. */
  #later(action) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#toldAt = performance.now();
      this.#timer = 0;
      action();
    }, Math.max(0, this.#toldAt + INTERVAL_MS - performance.now()));
  }

  #tell() {
    if (this.#points.length === 0) return;
    const shape = shapeOf(this.#options.tool(), this.#points, this.#options.picture());
    if (shape) this.#options.annotate(this.#id, shape);
  }
}
