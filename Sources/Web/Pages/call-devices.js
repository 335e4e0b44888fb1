// This browser's camera, microphone and screen, and how loud the microphone is.

import { byId } from "/assets/page.js";

const CONSTRAINTS = {
  camera: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } },
  microphone: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
};
const KIND = { camera: "videoinput", microphone: "audioinput" };
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
    this.close(kind);
    const [track] = stream.getTracks();
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
    for (const kind of ["camera", "microphone"]) {
      const select = byId(kind);
      const current = select.value;
      const options = devices.filter((device) => device.kind === KIND[kind] && device.deviceId)
        .map(({ label, deviceId }, place) => new Option(label || `${kind} ${place + 1}`, deviceId));
      select.replaceChildren(new Option("Default", ""), ...options);
      if ([...select.options].some(({ value }) => value === current)) select.value = current;
    }
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
