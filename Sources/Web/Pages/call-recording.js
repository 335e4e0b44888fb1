// Keeping what is seen: the room's recording, clip marks, and pictures in full size.

import { authorization, byId } from "/assets/page.js";

/** How far a mark reaches back. */
export const CLIP_SECONDS = 30;

const twoDigits = (number) => String(number).padStart(2, "0");

/** A file name from a name and a moment, for every file system. */
export function pictureName(name, at) {
  const moment = new Date(at);
  const day = [moment.getFullYear(), moment.getMonth() + 1, moment.getDate()].map(twoDigits).join("-");
  const time = [moment.getHours(), moment.getMinutes(), moment.getSeconds()].map(twoDigits).join(".");
  return `${name.normalize().replace(/[^\p{L}\p{N} _-]/gu, "").trim() || "picture"} ${day} ${time}.jpg`;
}

export class RecordingKeys {
  #state;
  #ask;
  #say;

  /** `ask(type, data)` sends a request; `say(text)` tells the person. */
  constructor({ state, ask, say }) {
    [this.#state, this.#ask, this.#say] = [state, ask, say];
    byId("record-key").addEventListener("click", () => ask("record", { on: state.recording === null }));
    byId("clip-key").addEventListener("click", () => ask("clip", { seconds: CLIP_SECONDS }));
  }

  show() {
    const { recording } = this.#state;
    byId("recorded").hidden = recording === null;
    if (recording) byId("recorded").title = `Recorded since ${new Date(recording.since).toLocaleTimeString()}`;
    byId("record-key").hidden = !this.#state.may("record");
    byId("record-key").ariaPressed = String(recording !== null);
    // A camera that is recorded by itself can be marked in any room: the bridge says whether there is one.
    byId("clip-key").hidden = !this.#state.may("clip");
  }

  /** Says what a notice means for people. */
  announce(type, data) {
    const nameOf = (id) => (id === this.#state.you ? "You" : this.#state.participants.get(id)?.name ?? "Somebody");
    if (type === "recording") {
      return this.#say(data.recording ? `${data.recording.participant ? nameOf(data.recording.participant) : "The operator"} began to record the call.` : "The call is not recorded any more.");
    }
    if (type === "clip_marked") {
      const seconds = Math.round((new Date(data.clip.to) - new Date(data.clip.from)) / 1000);
      return this.#say(`${nameOf(data.clip.participant)} marked the last ${seconds === 1 ? "second" : `${seconds} seconds`}.`);
    }
    if (type === "snapshot") return this.#save(data);
  }

  takePicture(track) {
    this.#ask("snapshot", { track: track.id });
  }

  async #save({ track, url, at, width, height }) {
    const owner = this.#state.participants.get(this.#state.tracks.get(track)?.participant)?.name ?? "picture";
    try {
      const response = await fetch(url, { headers: authorization() });
      if (!response.ok) throw new Error(String(response.status));
      const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(await response.blob()), download: pictureName(owner, at) });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
      this.#say(`The picture of ${owner} was saved, ${width} by ${height}.`);
    } catch {
      this.#say("The picture could not be fetched. Take it again.");
    }
  }
}
