// The statistics panel: figures of getStats, once a second, and the delay against a burnt-in clock where there is one.

import { codecWord } from "/assets/page.js";

/** The clock that a camera burns into its picture: 64 equal blocks in the top 16 rows, most significant bit first, white is one. */
const CLOCK = { blocks: 64, row: 8, threshold: 128, smallestWidth: 256, plausibleMs: 60_000 };

/**
 * Milliseconds from the UTC time in the picture's top rows until `now`; null when there is none. The clock has no checksum: a value far
 * from `now` is a picture that happens to have something else there. `source` is what a canvas can draw, `width` its width in pixels.
 */
export function burntInDelay(source, width, scratch, now = Date.now()) {
  if (width < CLOCK.smallestWidth) return null;
  const context = scratch.getContext("2d", { willReadFrequently: true });
  scratch.width = width;
  scratch.height = 1;
  context.drawImage(source, 0, CLOCK.row, width, 1, 0, 0, width, 1);
  const row = context.getImageData(0, 0, width, 1).data;
  let time = 0n;
  for (let block = 0; block < CLOCK.blocks; block++) {
    const centre = Math.floor(((2 * block + 1) * width) / (2 * CLOCK.blocks));
    // The blocks are grey: any one of the colours tells.
    time = (time << 1n) | (row[centre * 4 + 1] >= CLOCK.threshold ? 1n : 0n);
  }
  const delay = now - Number(time);
  return Math.abs(delay) <= CLOCK.plausibleMs ? delay : null;
}

/** Figures of one RTCStatsReport; rates are made from the difference to the report before. */
export class StatisticsReader {
  #before = new Map();

  /** `direction`: "inbound" for watching, "outbound" for publishing. */
  read(report, direction) {
    const figures = {
      width: 0, height: 0, framesPerSecond: 0, framesDecoded: 0, bitsPerSecond: 0, lossPercent: 0, roundTrip: null, codec: "", encodings: [],
    };
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
    const bitsPerSecond = 8 * this.#rate(entry, "bytesReceived") + 8 * this.#rate(entry, "bytesSent");
    figures.bitsPerSecond += bitsPerSecond;
    totals.received += Math.max(0, this.#change(entry, "packetsReceived"));
    totals.lost += Math.max(0, this.#change(entry, "packetsLost"));
    if (entry.kind !== "video") return;
    const width = entry.frameWidth ?? 0;
    // What exceeds the encoder's target is padding, by which browsers find out how much the network carries.
    const usefulBits = Math.min(bitsPerSecond, entry.targetBitrate ?? Infinity);
    const framesPerSecond = entry.framesPerSecond ?? this.#rate(entry, "framesDecoded");
    if (width > 0 && usefulBits > 0) {
      figures.encodings.push({ width, height: entry.frameHeight ?? 0, framesPerSecond, bitsPerSecond: usefulBits });
    }
    // Of several encodings the largest stands for all.
    if (width < figures.width) return;
    figures.width = width;
    figures.height = entry.frameHeight ?? 0;
    figures.framesDecoded = entry.framesDecoded ?? entry.framesEncoded ?? 0;
    figures.framesPerSecond = framesPerSecond;
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

/** Reads the figures of `session()`'s peer once a second, whichever session that is by then, and hands them to `show`. */
export function followStatistics(session, direction, show) {
  let reader = null;
  let readSession = null;
  setInterval(async () => {
    const current = session();
    if (!current?.peer || current.isOver) return;
    if (readSession !== current) [reader, readSession] = [new StatisticsReader(), current];
    show(reader.read(await current.peer.getStats(), direction));
  }, 1000);
}

const milliseconds = (value) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;

/** What is really sent, largest first: "1280 × 720 at 30 fps, 1.90 Mbit/s · 640 × 360 ...". */
export function encodingsText(encodings) {
  return [...encodings].sort((one, other) => other.width - one.width).map(({ width, height, framesPerSecond, bitsPerSecond }) =>
    `${width} × ${height} at ${Math.round(framesPerSecond)} fps, ${(bitsPerSecond / 1e6).toFixed(2)} Mbit/s`).join(" · ");
}

/** Fills the `data-figure` elements of a panel. */
export function showFigures(panel, figures, delay) {
  const texts = {
    resolution: figures.width ? `${figures.width} × ${figures.height}` : "–",
    codec: figures.codec ? codecWord(figures.codec) : "–",
    frames: figures.framesPerSecond ? `${Math.round(figures.framesPerSecond)} fps` : "–",
    bitrate: figures.bitsPerSecond ? `${(figures.bitsPerSecond / 1e6).toFixed(2)} Mbit/s` : "–",
    loss: `${figures.lossPercent.toFixed(1)} %`,
    roundTrip: figures.roundTrip === null ? "–" : milliseconds(figures.roundTrip * 1000),
    delay: delay === null || delay === undefined ? "–" : milliseconds(delay),
  };
  for (const element of panel.querySelectorAll("[data-figure]")) element.textContent = texts[element.dataset.figure];
}
