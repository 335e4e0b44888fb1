// The lobby: who one is, what one looks and sounds like, before others see and hear it.

import { deviceAdvice } from "/assets/call-devices.js";
import { byId, pageToken } from "/assets/page.js";

const NAME_MEMORY = "viaduct.name";
/** What belongs to one's camera and microphone. */
const DEVICE_PARTS = ["devices", "lobby-camera", "lobby-microphone", "preview-box"];

/** What the link says of its bearer: nothing is decided by it, the bridge reads it anew. */
function linkClaims() {
  try {
    return JSON.parse(atob(pageToken().split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    return {};
  }
}

/** Private windows have no storage. */
function remembered() {
  try {
    return localStorage.getItem(NAME_MEMORY) ?? "";
  } catch {
    return "";
  }
}

function remember(name) {
  try {
    if (name) localStorage.setItem(NAME_MEMORY, name);
  } catch {
    // As above.
  }
}

export class Lobby {
  #devices;
  #opened;

  /** `opened(kind)`: a device was opened here, perhaps after one has gone in without waiting for it. */
  constructor({ devices, opened }) {
    [this.#devices, this.#opened] = [devices, opened];
    for (const kind of ["camera", "microphone"]) byId(`lobby-${kind}`).addEventListener("click", () => this.#toggle(kind));
  }

  async open() {
    const claims = linkClaims();
    byId("name").value = remembered();
    byId("name-field").hidden = Boolean(claims.place?.name);
    const isViewer = claims.role === "viewer";
    for (const id of DEVICE_PARTS) byId(id).hidden = isViewer;
    if (!pageToken()) this.say("This address has no invitation in it. Ask whoever runs the call for a link.");
    if (isViewer) return;
    // The browser asks for one after the other. What is wrong with the first is not forgotten over the second.
    const advice = await this.openDevice("camera");
    await this.openDevice("microphone") || this.say(advice);
  }

  /** What to do where the device cannot be opened, which is said, too; empty: it is open. */
  async openDevice(kind) {
    let advice = "";
    try {
      await this.#devices.open(kind);
      await this.#opened(kind);
    } catch (failure) {
      advice = deviceAdvice(kind, failure);
    }
    this.say(advice);
    this.show();
    return advice;
  }

  #toggle(kind) {
    if (this.#devices[kind] === null) return this.openDevice(kind);
    this.#devices.close(kind);
    this.show();
  }

  show() {
    for (const kind of ["camera", "microphone"]) byId(`lobby-${kind}`).ariaPressed = String(this.#devices[kind] !== null);
    const preview = byId("preview");
    if ((preview.srcObject?.getVideoTracks()[0] ?? null) !== this.#devices.camera) {
      preview.srcObject = this.#devices.camera ? new MediaStream([this.#devices.camera]) : null;
    }
    byId("preview-text").hidden = this.#devices.camera !== null;
  }

  say(text) {
    byId("lobby-text").textContent = text;
  }

  /** The name to join by, kept for the next time; the way in is closed until there is an answer. */
  leave() {
    const name = byId("name").value.trim();
    remember(name);
    byId("join").disabled = true;
    return name;
  }

  /** Says why it is over, and where it makes sense lets one come back. */
  comeBack(text, mayReturn) {
    byId("lobby").hidden = false;
    for (const id of [...DEVICE_PARTS, "name-field"]) byId(id).hidden = true;
    byId("lobby-title").textContent = "The call is over for you";
    this.say(text);
    const again = byId("join");
    Object.assign(again, { disabled: false, textContent: "Join again", hidden: !mayReturn });
    again.focus();
  }
}
