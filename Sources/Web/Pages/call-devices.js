// This browser's camera, microphone, screen and speakers, how loud the microphone is, and where all of these are chosen.

import { Sounds } from "/assets/call-sounds.js";
import { byId } from "/assets/page.js";

const CONSTRAINTS = {
  camera: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } },
  microphone: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
};
const KIND = { camera: "videoinput", microphone: "audioinput", speaker: "audiooutput" };
/** A level below this is nothing that one would hear, in dB under full scale. */
const FLOOR_DB = -60;

/** What a person can do about a device that could not be opened. */
export function deviceAdvice(kind, { name, message }) {
  const thing = kind === "camera" ? "camera" : "microphone";
  switch (name) {
    case "NotAllowedError": return `This page may not use the ${thing}. Allow it in the browser's address bar, then try again.`;
    case "NotFoundError":
    case "OverconstrainedError": return `There is no such ${thing} on this device. Choose another one.`;
    case "NotReadableError": return `Another program uses the ${thing}. Close that program, then try again.`;
    default: return navigator.mediaDevices ? message : "Browsers open cameras on https pages and on this machine only.";
  }
}

/** Devices that are open, each a MediaStreamTrack or null. Event `lost` (detail: the kind). */
export class Devices extends EventTarget {
  camera = null;
  microphone = null;
  screen = null;
  #audio = null;
  #analyser = null;
  #samples = null;

  /** Opens one, in place of what is open of it. Throws what the browser does. */
  async open(kind) {
    const id = byId(kind).value;
    const wanted = { ...CONSTRAINTS[kind], ...(id ? { deviceId: { exact: id } } : {}) };
    const stream = await navigator.mediaDevices.getUserMedia(kind === "camera" ? { video: wanted } : { audio: wanted });
    const [track] = stream.getTracks();
    // Who is not heard is not heard by another microphone, either.
    track.enabled = this[kind]?.enabled ?? true;
    this.close(kind);
    this.#keep(kind, track);
    if (kind === "microphone") this.#listen(stream);
    await this.list();
    return track;
  }

  async openScreen() {
    const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { ideal: 15 } }, audio: false });
    this.close("screen");
    this.#keep("screen", stream.getVideoTracks()[0]);
    return this.screen;
  }

  close(kind) {
    const track = this[kind];
    this[kind] = null;
    track?.stop();
    if (kind === "microphone") this.#analyser = null;
  }

  closeAll() {
    for (const kind of ["camera", "microphone", "screen"]) this.close(kind);
    this.#audio?.close().catch(() => {});
    this.#audio = null;
  }

  /** 0...1, for the eye. */
  get level() {
    if (!this.#analyser || !this.microphone?.enabled) return 0;
    this.#analyser.getFloatTimeDomainData(this.#samples);
    const power = this.#samples.reduce((sum, sample) => sum + sample * sample, 0) / this.#samples.length;
    return power > 0 ? Math.min(1, Math.max(0, 1 - (10 * Math.log10(power)) / FLOOR_DB)) : 0;
  }

  async list() {
    const devices = await navigator.mediaDevices.enumerateDevices();
    for (const kind of Object.keys(KIND)) {
      const select = byId(kind);
      const current = select.value;
      const options = devices.filter((device) => device.kind === KIND[kind] && device.deviceId)
        .map(({ label, deviceId }, place) => new Option(label || `${kind} ${place + 1}`, deviceId));
      select.replaceChildren(new Option("Default", ""), ...options);
      if ([...select.options].some(({ value }) => value === current)) select.value = current;
    }
    byId("speaker-field").hidden = !Sounds.canChoose || byId("speaker").options.length < 2;
  }

  #keep(kind, track) {
    this[kind] = track;
    track.addEventListener("ended", () => {
      if (this[kind] !== track) return;
      this.close(kind);
      this.dispatchEvent(new CustomEvent("lost", { detail: kind }));
    });
  }

  #listen(stream) {
    this.#audio ??= new AudioContext();
    this.#analyser = this.#audio.createAnalyser();
    this.#analyser.fftSize = 1024;
    this.#samples = new Float32Array(this.#analyser.fftSize);
    this.#audio.createMediaStreamSource(stream).connect(this.#analyser);
    this.#audio.resume().catch(() => {});
  }
}

/** The choice of devices, in the lobby and, during the call, in a dialog. */
export class DeviceChoice {
  #devices;
  #options;
  /** What is chosen and works. */
  #chosen = { camera: "", microphone: "", speaker: "" };

  /** `change(kind)`: opens what is chosen now, and says what to do where it cannot be opened; `sink(id)`: where sound is to come out. */
  constructor(devices, options) {
    [this.#devices, this.#options] = [devices, options];
    for (const kind of Object.keys(KIND)) byId(kind).addEventListener("change", () => this.#change(kind));
    byId("devices-key").addEventListener("click", () => this.open());
    navigator.mediaDevices?.addEventListener("devicechange", () => devices.list().catch(() => {}));
    this.#showLevel();
  }

  async open() {
    byId("devices-text").textContent = "";
    byId("devices-text").after(byId("devices"));
    byId("devices-dialog").showModal();
    this.#showLevel();
    await this.#devices.list();
  }

  async #change(kind) {
    const select = byId(kind);
    const advice = await this.#take(kind, select.value);
    byId("devices-text").textContent = advice;
    if (!advice) this.#chosen[kind] = select.value;
    // What was chosen before may have gone, too.
    else select.value = [...select.options].some(({ value }) => value === this.#chosen[kind]) ? this.#chosen[kind] : "";
  }

  async #take(kind, id) {
    // What is off stays off: the choice is for the next time.
    if (kind !== "speaker") return this.#devices[kind] === null ? "" : this.#options.change(kind);
    try {
      await this.#options.sink(id);
      return "";
    } catch {
      return "Sound cannot come out there. Choose another speaker.";
    }
  }

  #showLevel() {
    if (byId("lobby").hidden && !byId("devices-dialog").open) return;
    byId("level").value = this.#devices.level;
    requestAnimationFrame(() => this.#showLevel());
  }
}
