// The pictures of a call: an element for each, where the layout puts it, and what is drawn on it.

import { Hand, drawAnnotations, drawPointer } from "/assets/call-board.js";
import { FrozenFrame } from "/assets/call-frozen.js";
import { arrange, contained, viewOf } from "/assets/call-layout.js";

const COLOURS = ["#ffd60a", "#4cc9f0", "#ff8fab", "#80ed99", "#f4a261", "#c8b6ff"];

/** A colour of one's own for each participant. */
export const colourOf = (id) => COLOURS[[...id].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) >>> 0, 7) % COLOURS.length];

const initials = (name) => name.split(/\s+/).filter(Boolean).slice(0, 2).map((word) => [...word][0]).join("").toUpperCase() || "?";

function make(name, options = {}) {
  const { children = [], data = {}, ...rest } = options;
  const element = Object.assign(document.createElement(name), rest);
  Object.assign(element.dataset, data);
  element.append(...children);
  return element;
}

/** Drawn, since not every machine has a font with such letters. */
const MARKS = {
  hand: ["Hand raised", "M7 12V6a1.5 1.5 0 0 1 3 0v5m0-6.5a1.5 1.5 0 0 1 3 0V11m0-5a1.5 1.5 0 0 1 3 0v7m0-4a1.5 1.5 0 0 1 3 0v5a7 7 0 0 1-7 7c-4 0-5-2-8-7.5 1-1.5 2.5-.5 3 .5"],
  silent: ["Microphone off", "M9 9V6a3 3 0 0 1 6 0v5M6 11a6 6 0 0 0 9.500 5M12 17v4M4 3l16 18"],
  frozen: ["Frozen", "M8 5v14M16 5v14"],
  unsent: ["Not shown: there are too many pictures", "M3 7v10h12V7zM15 11l6-3v8l-6-3M2 3l20 18"],
};

function markOf(name) {
  const [title, path] = MARKS[name];
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  for (const [key, value] of [["viewBox", "0 0 24 24"], ["class", "icon"], ["role", "img"], ["aria-label", title]]) icon.setAttribute(key, value);
  icon.append(line);
  return icon;
}

/** One picture. */
class Tile {
  #act;
  #isCommanded;
  #frozen;

  constructor(key, { act, hand, isCommanded }) {
    this.key = key;
    [this.#act, this.#isCommanded] = [act, isCommanded];
    this.video = make("video", { autoplay: true, playsInline: true, muted: true });
    this.board = make("canvas", { hidden: true });
    this.who = make("span", { className: "who" });
    this.mark = make("span", { className: "mark" });
    this.bars = make("span", { className: "bars", hidden: true, children: [make("i"), make("i"), make("i")] });
    this.initials = make("span", { className: "initials", ariaHidden: "true" });
    this.acts = make("div", { className: "acts" });
    this.element = make("div", {
      className: "tile", role: "listitem",
      children: [this.initials, this.video, this.board, make("div", { className: "caption", children: [this.bars, this.mark, this.who] }), this.acts],
    });
    this.hand = new Hand(this.board, { ...hand(this), picture: () => this.size });
    this.video.addEventListener("resize", () => this.draw());
    this.#frozen = new FrozenFrame(this.video, () => this.draw());
    new ResizeObserver(() => this.draw()).observe(this.element);
  }

  get size() {
    return this.#frozen.picture ?? { width: this.video.videoWidth, height: this.video.videoHeight };
  }

  /** Shows what there is of a participant. */
  show(picture, state, media, isDrawing) {
    this.picture = picture;
    const { participant, track } = picture;
    const source = track && !track.muted ? media : null;
    if ((this.video.srcObject?.getVideoTracks()[0] ?? null) !== source) {
      this.video.srcObject = source ? new MediaStream([source]) : null;
      this.video.play?.().catch(() => {});
    }
    this.video.hidden = source === null;
    this.initials.textContent = initials(participant.name);
    const name = picture.isMine ? `${participant.name} (you)` : participant.name;
    this.who.textContent = picture.isScreen ? `${name}: screen` : name;
    const microphone = state.of(participant.id, "microphone");
    const marks = [
      participant.hand !== null && "hand", !picture.isScreen && !picture.isRoom && (!microphone || microphone.muted) && "silent", track && state.board(track.id) && "frozen",
      track && state.unsent.has(track.id) && "unsent",
    ].filter(Boolean);
    if (this.mark.dataset.marks !== marks.join()) {
      this.mark.dataset.marks = marks.join();
      this.mark.replaceChildren(...marks.map(markOf));
    }
    this.element.classList.toggle("mine", picture.isMine);
    this.element.classList.toggle("screen", picture.isScreen);
    for (const [name, on] of [["speaking", picture.isSpeaking], ["away", participant.presence === "away"], ["drawing", isDrawing]]) {
      this.element.toggleAttribute(`data-${name}`, on);
    }
    this.element.ariaLabel = this.who.textContent;
    this.#showActs(state, isDrawing);
  }

  #showActs(state, isDrawing) {
    const { isMine, isRoom } = this.picture;
    const track = isRoom ? null : this.picture.track;
    const board = track && state.board(track.id);
    const list = [];
    if (track) list.push(["pin", "Pin", state.pins.includes(track.id)]);
    if (track && state.may("spotlight")) list.push(["spotlight", "Spotlight", state.spotlight.includes(track.id)]);
    if (track && !board && state.mayFreeze(track)) list.push(["freeze", "Freeze and draw", null]);
    if (track && state.may("point") && !isMine) list.push(["draw", board ? "Draw" : "Point", isDrawing]);
    if (track && state.may("snapshot") && !isMine) list.push(["snapshot", "Snapshot", null]);
    const seat = track && state.seatOf(track);
    if (seat && state.mayCommand(seat)) list.push(["command", "Camera", this.#isCommanded(seat)]);
    const signature = JSON.stringify(list);
    if (signature === this.acts.dataset.signature) return;
    this.acts.dataset.signature = signature;
    this.acts.replaceChildren(...list.map(([act, text, pressed]) => {
      const button = make("button", { type: "button", textContent: text, data: { act } });
      if (pressed !== null) button.ariaPressed = String(pressed);
      button.addEventListener("click", () => this.#act(act, this.picture.track));
      return button;
    }));
  }

  place(place) {
    const { x, y, width, height, isLarge } = (this.placed = place);
    Object.assign(this.element.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
    this.element.toggleAttribute("data-large", isLarge);
  }

  /** The frozen frame, what is drawn on it, and where others point. */
  draw(board = this.drawn?.board ?? null, pointers = this.drawn?.pointers ?? [], isDrawing = this.drawn?.isDrawing ?? false) {
    this.drawn = { board, pointers, isDrawing };
    this.#frozen.show(board);
    this.board.hidden = !board && pointers.length === 0 && !isDrawing;
    if (this.board.hidden) return;
    const { clientWidth, clientHeight } = this.element;
    const scale = devicePixelRatio || 1;
    [this.board.width, this.board.height] = [Math.round(clientWidth * scale), Math.round(clientHeight * scale)];
    const context = this.board.getContext("2d");
    context.scale(scale, scale);
    const area = contained(this.size.width, this.size.height, clientWidth, clientHeight);
    const { picture } = this.#frozen;
    if (picture && board) {
      context.fillStyle = "#05070a";
      context.fillRect(0, 0, clientWidth, clientHeight);
      context.drawImage(picture, area.x, area.y, area.width, area.height);
    }
    if (board) drawAnnotations(context, area, board.annotations);
    for (const { name, colour, ...place } of pointers) drawPointer(context, area, place, name, colour);
  }
}

/** All of them, in an element. */
export class Tiles {
  #root;
  #tiles = new Map();
  #does;
  #lastLarge = null;
  #frame = 0;
  #facts = null;

  /** `act(name, track)`: a key of a picture; `hand(tile)`: the options of its `Hand`; `isCommanded(seat)`: whether its camera's keys are open. */
  constructor(root, does) {
    [this.#root, this.#does] = [root, does];
    new ResizeObserver(() => this.#later()).observe(root);
  }

  /** `media(track)`: the MediaStreamTrack of a room's track, or null; `drawing`: the track that one's hand is on. */
  show(state, { media, mode, drawing }) {
    this.#facts = { state, media, mode, drawing };
    this.#later();
  }

  /** What is seen of each track, for the bridge: `track`, and what `viewOf` says. */
  views() {
    const scale = devicePixelRatio || 1;
    const views = [];
    for (const { picture, placed } of this.#tiles.values()) {
      if (!picture?.track || picture.isMine || picture.isRoom) continue;
      views.push({ track: picture.track.id, ...viewOf(placed, scale, !document.hidden) });
    }
    return views;
  }

  /** 1...3 bars, 0 for none, by participant. */
  showQuality(qualities) {
    for (const { picture, bars } of this.#tiles.values()) {
      const quality = qualities.get(picture.participant.id) ?? 0;
      bars.hidden = quality === 0;
      bars.dataset.quality = String(quality);
      bars.title = bars.ariaLabel = ["", "Poor connection", "Fair connection", "Good connection"][quality];
    }
  }

  tile(track) {
    return [...this.#tiles.values()].find(({ picture }) => picture?.track?.id === track) ?? null;
  }

  /** Many changes of one moment are one drawing. */
  #later() {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      if (this.#facts) this.#render(this.#facts);
    });
  }

  #render({ state, media, mode, drawing }) {
    const pictures = state.pictures();
    const keys = new Set(pictures.map(({ key }) => key));
    for (const [key, tile] of this.#tiles) {
      if (keys.has(key)) continue;
      tile.element.remove();
      this.#tiles.delete(key);
    }
    const speaking = pictures.find(({ isSpeaking, isMine }) => isSpeaking && !isMine);
    if (speaking) this.#lastLarge = speaking.key;
    const places = arrange(pictures, { width: this.#root.clientWidth, height: this.#root.clientHeight }, mode, this.#lastLarge);
    pictures.forEach((picture, index) => {
      let tile = this.#tiles.get(picture.key);
      if (!tile) {
        tile = new Tile(picture.key, this.#does);
        this.#tiles.set(picture.key, tile);
      }
      // Read in the order in which they are seen.
      if (this.#root.children[index] !== tile.element) this.#root.insertBefore(tile.element, this.#root.children[index] ?? null);
      const track = picture.track?.id ?? null;
      tile.show(picture, state, track && media(track), track !== null && track === drawing);
      tile.place(places[index]);
      this.#showBoard(tile, state, track, drawing);
    });
  }

  #showBoard(tile, state, track, drawing) {
    const board = track && state.board(track);
    const pointers = track ? [...state.pointers.values()].filter((pointer) => pointer.track === track) : [];
    tile.draw(board, pointers.map((pointer) => ({
      ...pointer, colour: colourOf(pointer.participant), name: state.participants.get(pointer.participant)?.name ?? "",
    })), track !== null && track === drawing);
  }
}
