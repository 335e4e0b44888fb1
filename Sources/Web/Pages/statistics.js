// The statistics panel: figures of getStats, once a second, and the delay against a burnt-in clock where there is one.

const STRIP = { blocks: 64, syncBits: 8, sync: 0b10110010, timeBits: 48 };

/**
 * Milliseconds between the wall clock that the camera burnt into the frame's top rows and now; null when the frame carries none.
 * The strip: 64 blocks across the width, white is 1: 8 sync bits, 48 bits of Unix milliseconds, 8 bits of their XOR by byte.
 */
export function burntInDelay(source, width, scratch, now = Date.now()) {
  const context = scratch.getContext("2d", { willReadFrequently: true });
  scratch.width = STRIP.blocks;
  scratch.height = 1;
  const rows = Math.max(4, Math.round(width / STRIP.blocks / 2));
  context.drawImage(source, 0, rows * 0.25, width, rows * 0.5, 0, 0, STRIP.blocks, 1);
  const pixels = context.getImageData(0, 0, STRIP.blocks, 1).data;
  const bits = Array.from({ length: STRIP.blocks }, (_, block) => (pixels[block * 4 + 1] > 127 ? 1 : 0));
  const number = (from, count) => bits.slice(from, from + count).reduce((value, bit) => value * 2 + bit, 0);
  if (number(0, STRIP.syncBits) !== STRIP.sync) return null;
  let check = 0;
  for (let byte = 0; byte < STRIP.timeBits / 8; byte++) check ^= number(STRIP.syncBits + byte * 8, 8);
  if (check !== number(STRIP.syncBits + STRIP.timeBits, 8)) return null;
  return now - number(STRIP.syncBits, STRIP.timeBits);
}

/** Figures of one RTCStatsReport; rates are made from the difference to the report before. */
export class StatisticsReader {
  #before = new Map();

  /** `direction`: "inbound" for watching, "outbound" for publishing. */
  read(report, direction) {
    const figures = { width: 0, height: 0, framesPerSecond: 0, framesDecoded: 0, bitsPerSecond: 0, lossPercent: 0, roundTrip: null, codec: "" };
    const totals = { received: 0, lost: 0 };
    for (const entry of report.values()) {
      if (entry.type === `${direction}-rtp`) this.#addStream(entry, report, figures, totals);
      if (entry.type === "remote-inbound-rtp" && entry.kind === "video") {
        figures.lossPercent = (entry.fractionLost ?? 0) * 100;
        figures.roundTrip = entry.roundTripTime ?? figures.roundTrip;
      }
      if (entry.type === "candidate-pair" && (entry.nominated || entry.selected) && entry.currentRoundTripTime !== undefined) {
        figures.roundTrip ??= entry.currentRoundTripTime;
      }
    }
    if (totals.received + totals.lost > 0) figures.lossPercent = (100 * totals.lost) / (totals.received + totals.lost);
    return figures;
  }

  #addStream(entry, report, figures, totals) {
    figures.bitsPerSecond += 8 * this.#rate(entry, "bytesReceived") + 8 * this.#rate(entry, "bytesSent");
    totals.received += Math.max(0, this.#change(entry, "packetsReceived"));
    totals.lost += Math.max(0, this.#change(entry, "packetsLost"));
    if (entry.kind !== "video") return;
    figures.width = entry.frameWidth ?? 0;
    figures.height = entry.frameHeight ?? 0;
    figures.framesDecoded = entry.framesDecoded ?? entry.framesEncoded ?? 0;
    figures.framesPerSecond = entry.framesPerSecond ?? this.#rate(entry, "framesDecoded");
    figures.codec = report.get(entry.codecId)?.mimeType?.replace("video/", "") ?? "";
  }

  #change(entry, name) {
    const key = `${entry.id}/${name}/change`;
    const before = this.#before.get(key) ?? 0;
    const value = entry[name] ?? 0;
    this.#before.set(key, value);
    return value - before;
  }

  #rate(entry, name) {
    const key = `${entry.id}/${name}`;
    const before = this.#before.get(key);
    const value = entry[name] ?? 0;
    this.#before.set(key, { value, at: entry.timestamp });
    if (!before || entry.timestamp <= before.at) return 0;
    return Math.max(0, (1000 * (value - before.value)) / (entry.timestamp - before.at));
  }
}

/** Fills the `data-figure` elements of a panel. */
export function showFigures(panel, figures, delay) {
  const texts = {
    resolution: figures.width ? `${figures.width} × ${figures.height}` : "–",
    codec: figures.codec || "–",
    frames: figures.framesPerSecond ? `${Math.round(figures.framesPerSecond)} fps` : "–",
    bitrate: figures.bitsPerSecond ? `${(figures.bitsPerSecond / 1e6).toFixed(2)} Mbit/s` : "–",
    loss: `${figures.lossPercent.toFixed(1)} %`,
    roundTrip: figures.roundTrip === null ? "–" : `${Math.round(figures.roundTrip * 1000)} ms`,
    delay: delay === null || delay === undefined ? "–" : `${Math.round(delay)} ms`,
  };
  for (const element of panel.querySelectorAll("[data-figure]")) element.textContent = texts[element.dataset.figure];
}
