// Drawing and pointing: on which picture one's hand is, with what, and the keys for it.

import { byId } from "/assets/page.js";

export class Drawing {
  #state;
  #ask;
  #changed;
  #tool = "pointer";
  /** The track that one's hand is on; null for none. */
  track = null;

  /** `ask(type, data)` sends a request; `changed()`: there is something else to show. */
  constructor({ state, ask, changed }) {
    [this.#state, this.#ask, this.#changed] = [state, ask, changed];
    for (const key of this.#keys) {
      key.addEventListener("click", () => {
        this.#tool = key.dataset.tool;
        changed();
      });
    }
    byId("undo").addEventListener("click", () => this.#undo());
    byId("unfreeze").addEventListener("click", () => ask("board_close", { board: this.#board.id }));
  }

  get #keys() {
    return byId("tools").querySelectorAll("[data-tool]");
  }

  get #board() {
    return this.track && this.#state.board(this.track);
  }

  /** Takes one's hand to a track's picture, or away from all of them for null. */
  move(track) {
    if (this.track && this.track !== track) this.#ask("point", { track: this.track, at: null });
    this.track = track;
    this.#tool = this.#board && this.#state.may("annotate") ? "pen" : "pointer";
    this.#changed();
  }

  /** What a hand on a tile does: the options of its `Hand`. */
  handOf(tile) {
    return {
      tool: () => (tile.picture?.track?.id === this.track ? this.#tool : null),
      annotate: (annotation, shape) => {
        const board = this.#board;
        if (board) this.#ask("annotate", { board: board.id, annotation, shape, colour: byId("colour").value });
      },
      point: (at) => this.#ask("point", { track: tile.picture.track.id, at }),
      askText,
    };
  }

  show() {
    const board = this.#board;
    byId("tools").hidden = this.track === null;
    for (const key of this.#keys) {
      key.hidden = key.dataset.tool !== "pointer" && (board === null || !this.#state.may("annotate"));
      key.ariaPressed = String(key.dataset.tool === this.#tool);
    }
    byId("undo").hidden = byId("colour").hidden = board === null;
    byId("unfreeze").hidden = !board || (board.owner !== this.#state.you && this.#state.me?.role !== "host");
  }

  #undo() {
    const own = this.#board?.annotations.filter(({ participant }) => participant === this.#state.you).at(-1);
    if (own) this.#ask("erase", { board: this.#board.id, annotation: own.id });
  }
}

function askText() {
  const dialog = byId("text-dialog");
  byId("text-input").value = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === "place" ? byId("text-input").value.trim() : null);
  });
}
