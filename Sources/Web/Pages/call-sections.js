// The sections of a peer that sends: one for each kind of source, always in the same order.

import { encodingsFor, preferCommonCodecs } from "/assets/encodings.js";

export const KINDS = ["microphone", "camera", "screen"];
const HINTS = { microphone: "speech", camera: "motion", screen: "detail" };

/** Adds them to a new peer: the transceivers by kind. `sources`: what there is to send already. */
export function addSections(peer, sources) {
  return Object.fromEntries(KINDS.map((kind) => [kind, addSection(peer, kind, sources[kind] ?? null)]));
}

function addSection(peer, kind, source) {
  const init = { direction: "sendonly" };
  if (kind === "camera") {
    const { width = 1280, height = 720 } = source?.getSettings() ?? {};
    init.sendEncodings = encodingsFor({ width, height }, "", true);
  }
  const transceiver = peer.addTransceiver(source ?? (kind === "microphone" ? "audio" : "video"), init);
  if (source) source.contentHint = HINTS[kind];
  if (kind !== "microphone") preferCommonCodecs(transceiver);
  return transceiver;
}

/** Sends another source by a section, or none for null: nothing has to be negotiated for it. */
export async function fill({ sender }, kind, source) {
  if (source) source.contentHint = HINTS[kind];
  await sender.replaceTrack(source);
}
