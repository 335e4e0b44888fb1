// The picture under a board: one's own newest frame at first, then the one that the bridge has for everybody.

import { authorization } from "/assets/page.js";

export class FrozenFrame {
  #video;
  #changed;
  /** The board that this is the picture of. */
  #board = null;
  #url = null;
  /** What a canvas can draw, with `width` and `height`; null while there is nothing yet. */
  picture = null;

  /** `changed()`: there is another picture. */
  constructor(video, changed) {
    [this.#video, this.#changed] = [video, changed];
    for (const name of ["loadeddata", "resize"]) video.addEventListener(name, () => { if (this.#takeOwn()) changed(); });
  }

  /** Follows a board, or goes back to the moving picture for null. */
  show(board) {
    if (this.#board !== (board?.id ?? null)) {
      [this.#board, this.#url] = [board?.id ?? null, null];
      this.#keep(null);
    }
    if (!board) return;
    this.#takeOwn();
    const url = board.frame?.url ?? null;
    if (url !== null && url !== this.#url) this.#fetch(url);
  }

  #keep(picture) {
    this.picture?.close?.();
    this.picture = picture;
  }

  /** Who has just come in has no frame for a while. */
  #takeOwn() {
    const { videoWidth: width, videoHeight: height, readyState } = this.#video;
    if (this.#board === null || this.picture || !width || readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return false;
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    canvas.getContext("2d").drawImage(this.#video, 0, 0);
    this.#keep(canvas);
    return true;
  }

  /** What cannot be fetched leaves what is shown. */
  async #fetch(url) {
    this.#url = url;
    try {
      const response = await fetch(url, { headers: authorization() });
      if (!response.ok) return;
      const picture = await createImageBitmap(await response.blob());
      // The board may have been closed meanwhile.
      if (this.#url !== url) return picture.close();
      this.#keep(picture);
      this.#changed();
    } catch {
      // As said above.
    }
  }
}
