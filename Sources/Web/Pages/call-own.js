// What one sends: the keys for one's microphone, camera and screen, and what the room is told of them.

import { deviceAdvice } from "/assets/call-devices.js";

export class OwnMedia {
  #parts;
  /** Kinds whose key was pressed, and that are not on or off yet; true: it was pressed once more meanwhile. */
  #busy = new Map();

  /** `state`, `devices`, `session()`, `say(text)`, and `changed()` when there is something else to show. */
  constructor(parts) {
    this.#parts = parts;
    parts.devices.addEventListener("lost", ({ detail: kind }) => this.#lost(kind));
  }

  isOn(kind) {
    return this.#parts.devices[kind]?.enabled ?? false;
  }

  async toggle(kind) {
    if (this.#busy.has(kind)) {
      // While the browser asks which screen, nothing is on or off.
      if (kind !== "screen") this.#busy.set(kind, !this.#busy.get(kind));
      return;
    }
    try {
      do {
        this.#busy.set(kind, false);
        await { microphone: () => this.#toggleMicrophone(), camera: () => this.#toggleCamera(), screen: () => this.#toggleScreen() }[kind]();
        this.agree();
      } while (this.#busy.get(kind));
    } catch (failure) {
      this.#parts.say(failure.message);
    } finally {
      this.#busy.delete(kind);
    }
    this.#parts.changed();
  }

  async #toggleMicrophone() {
    const { state, devices, say } = this.#parts;
    const isOn = this.isOn("microphone");
    if (!isOn && state.mine("microphone")?.muted_by_host) return say("A host muted you. Raise your hand to be heard.");
    if (devices.microphone === null) {
      if (!await this.#tryToOpen("microphone")) return;
    } else devices.microphone.enabled = !isOn;
    say(isOn ? "Your microphone is off." : "Your microphone is on.");
  }

  /** Off is off: the camera's own light goes out, too. The room's track stays, muted. */
  async #toggleCamera() {
    const { devices, session, say } = this.#parts;
    if (devices.camera === null) {
      if (await this.#tryToOpen("camera")) say("Your camera is on.");
      return;
    }
    devices.close("camera");
    await session().send("camera", null);
    say("Your camera is off.");
  }

  async #toggleScreen() {
    const { devices, session, say } = this.#parts;
    if (devices.screen) {
      devices.close("screen");
      return session().send("screen", null);
    }
    try {
      await session().send("screen", await devices.openScreen());
    } catch (failure) {
      // Who closes the browser's question has not changed anything.
      if (failure.name !== "NotAllowedError") say(failure.message);
    }
  }

  /** Sends a device of this kind, the one that is chosen now, in place of the one before. What to do where it cannot be opened; empty: it is. */
  async open(kind) {
    const { devices, session, changed } = this.#parts;
    try {
      await session().send(kind, await devices.open(kind));
      changed();
      return "";
    } catch (failure) {
      return deviceAdvice(kind, failure);
    }
  }

  async #tryToOpen(kind) {
    const advice = await this.open(kind);
    if (advice) this.#parts.say(advice);
    return advice === "";
  }

  async #lost(kind) {
    const { session, say, changed } = this.#parts;
    await session()?.send(kind, null);
    if (kind !== "screen") say(`Your ${kind} is gone.`);
    this.agree();
    changed();
  }

  /** A host's mute holds whatever this page sends: it is shown as what it is. */
  obey() {
    const { state, devices, say } = this.#parts;
    if (!state.mine("microphone")?.muted_by_host || !this.isOn("microphone")) return;
    devices.microphone.enabled = false;
    say("A host muted you.");
  }

  /** The room is told what is so, wherever it has it otherwise: after a key, a lost device, a lost socket, another peer. */
  agree() {
    const { state, session } = this.#parts;
    if (state.phase !== "inside") return;
    for (const kind of ["microphone", "camera"]) {
      const track = state.mine(kind);
      const muted = !this.isOn(kind);
      if (track && !track.muted_by_host && track.muted !== muted) session().request("mute", { track: track.id, muted });
    }
    const screen = state.mine("screen");
    if (screen && !this.isOn("screen")) session().withdraw("screen", screen.id);
  }
}
