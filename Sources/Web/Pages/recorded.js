// What was recorded, as pieces that a browser can play: from HLS playlists where MP4 holds the codecs, else as ranges of WebM.

import { authorization } from "/assets/page.js";

/** The bridge refused; `code` is one of `signaling/errors.json`. */
export class Refusal extends Error {
  constructor(status, code, detail) {
    super(detail);
    [this.status, this.code] = [status, code];
  }
}

export class Recorded {
  /** Of how much is asked at once around a moment, ms. */
  static #reach = 120_000;

  constructor(stream) {
    this.base = `/bridge/v1/streams/${encodeURIComponent(stream)}`;
  }

  async timeline(from, to) {
    const items = [];
    let after = "";
    do {
      const page = await (await this.#get(`timeline?from=${Math.round(from)}&to=${Math.round(to)}&limit=1000&after=${after}`)).json();
      for (const item of page.items) items.push({ ...item, from: Date.parse(item.from), to: Date.parse(item.to) });
      after = page.next ?? "";
    } while (after);
    return items;
  }

  /** The media type of what `pieces` gives around a moment. */
  async mediaType(moment) {
    try {
      const text = await (await this.#get(`hls/master.m3u8?${Recorded.#around(moment)}`)).text();
      this.isHLS = true;
      return `video/mp4; codecs="${/CODECS="([^"]*)"/.exec(text)[1]}"`;
    } catch (failure) {
      if (failure.code !== "unsuitable_container") throw failure;
      this.isHLS = false;
      const reply = await this.#get(`range.webm?from=${Math.round(moment)}&to=${Math.round(moment) + 10_000}`);
      reply.body?.cancel();
      return reply.headers.get("content-type");
    }
  }

  /** Pieces around a moment, in order: each from `start` to `end` (ms since 1970). */
  async pieces(moment) {
    if (!this.isHLS) return this.#ranges(moment);
    const address = `hls/media.m3u8?${Recorded.#around(moment)}`;
    return parsePlaylist(await (await this.#get(address)).text()).pieces;
  }

  /** The live playlist; with `edge`, as soon as it has more than that. */
  async live(edge, signal) {
    const query = edge ? `?_HLS_msn=${edge.sequence}&_HLS_part=${edge.part}` : "";
    return parsePlaylist(await (await this.#get(`hls/live.m3u8${query}`, signal)).text());
  }

  /** The bytes of a piece or of its initialization section; `startedAt` is where WebM's own time begins. */
  async bytes(name, signal) {
    const reply = await this.#get(this.isHLS ? `hls/${name}` : name, signal);
    const bytes = new Uint8Array(await reply.arrayBuffer());
    return { bytes, startedAt: Date.parse(reply.headers.get("x-media-start") ?? "") };
  }

  /** The small pictures of a timeline's items, in order: when each begins and ends (ms since 1970), its sheet and its place there. */
  async thumbnails(items) {
    const found = [];
    for (const { track, from } of items.flatMap((item) => item.thumbnails ?? [])) {
      if (!this.#tracks.has(track)) this.#tracks.set(track, this.#track(track, Date.parse(from)));
      found.push(...await this.#tracks.get(track));
    }
    return found.sort((one, other) => one.start - other.start);
  }

  /** Of a track, kept for good: it does not change. */
  #tracks = new Map();
  #sheets = new Map();

  async #track(name, origin) {
    const seconds = (text) => text.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
    const cues = [];
    for (const cue of (await (await this.#get(name)).text()).split("\n\n").slice(1)) {
      const [, start, end, sheet, ...place] = /^([\d:.]+) --> ([\d:.]+)\n([^#]+)#xywh=(\d+),(\d+),(\d+),(\d+)/.exec(cue) ?? [];
      if (!sheet) continue;
      const [x, y, width, height] = place.map(Number);
      cues.push({ start: origin + seconds(start) * 1000, end: origin + seconds(end) * 1000, sheet: `thumbnails/${sheet}`, x, y, width, height });
    }
    return cues;
  }

  /** A sheet as something that can be drawn. A field carries the permission, so it is fetched, once. */
  sheet(name) {
    if (!this.#sheets.has(name)) {
      const loading = this.#get(name).then((reply) => reply.blob()).then((blob) => createImageBitmap(blob));
      loading.catch(() => this.#sheets.delete(name));
      this.#sheets.set(name, loading);
      if (this.#sheets.size > 8) this.#sheets.delete(this.#sheets.keys().next().value);
    }
    return this.#sheets.get(name);
  }

  /** What was drawn on its pictures in rooms: each annotation with the time `from` when it was seen `to` when it was not any more. */
  async boards() {
    const { boards } = await (await this.#get("boards")).json();
    let number = 0;
    return boards.map((board) => ({
      ...board,
      annotations: board.annotations.map((annotation) => ({
        ...annotation, number: number++, from: Date.parse(annotation.drawn_at), to: Date.parse(annotation.erased_at ?? board.closed_at ?? "") || Infinity,
      })),
    }));
  }

  /** The picture of a moment; without one, of now. */
  async snapshot(moment) {
    const reply = await this.#get(`snapshot.jpg${moment === null ? "" : `?at=${Math.round(moment)}`}`);
    return { blob: await reply.blob(), taken: Date.parse(reply.headers.get("x-media-time") ?? "") };
  }

  downloadAddress(from, to) {
    return `${this.base}/range.${this.isHLS ? "mp4" : "webm"}?from=${Math.round(from)}&to=${Math.round(to)}${this.isHLS ? "&exact=true" : ""}`;
  }

  async #get(path, signal) {
    const reply = await fetch(`${this.base}/${path}`, { headers: authorization(), signal });
    if (reply.ok) return reply;
    const problem = await reply.json().catch(() => ({}));
    throw new Refusal(reply.status, problem.code ?? "", problem.detail ?? `The bridge answered ${reply.status}.`);
  }

  static #around(moment) {
    return `from=${Math.round(moment - Recorded.#reach / 4)}&to=${Math.round(moment + Recorded.#reach)}`;
  }

  /** WebM has no playlist: pieces of four seconds wherever the timeline has media, counted from the moment that is asked for, so that what follows on a
   *  piece that was shorter, at the end of what was there, begins where it ended. */
  async #ranges(moment) {
    const length = 4000;
    const items = await this.timeline(moment - length, moment + Recorded.#reach);
    const pieces = [];
    for (const { type, from, to, live } of items) {
      if (type !== "media") continue;
      // The newest second of what is being recorded may not be on the disk yet: a piece that ends there would have a hole behind it.
      const last = live ? to - 1500 : to;
      for (let start = Math.max(from, moment); start < last; start += length) {
        const end = Math.min(last, start + length);
        // The piece before may have ended with a frame that was not there yet: they overlap.
        pieces.push({ start, end, name: `range.webm?from=${Math.round(start - 500)}&to=${Math.round(end)}`, map: null, isIndependent: true });
      }
    }
    return pieces;
  }
}

/** Reads a media playlist (RFC 8216bis) of this bridge: whole segments, and at the live edge the parts of the one that is not whole yet. */
export function parsePlaylist(text) {
  const pieces = [];
  const list = { pieces, sequence: 0, isOver: false, holdBack: 1, edge: null };
  let [map, date, duration, isIndependent, count, parts] = [null, NaN, 0, true, 0, []];
  const attribute = (line, name) => new RegExp(`[:,]${name}="?([^",]*)`).exec(line)?.[1];
  const close = (name) => {
    pieces.push({ start: date, end: date + duration * 1000, name, map, isIndependent });
    count += 1;
    date += duration * 1000;
    [isIndependent, parts] = [true, []];
  };
  for (const line of text.split("\n")) {
    const [tag, value] = [line.split(":", 1)[0], line.slice(line.indexOf(":") + 1)];
    if (tag === "#EXT-X-MEDIA-SEQUENCE") list.sequence = Number(value);
    else if (tag === "#EXT-X-MAP") map = attribute(line, "URI");
    else if (tag === "#EXT-X-PROGRAM-DATE-TIME") date = Date.parse(value);
    else if (tag === "#EXT-X-VIADUCT-DEPENDENT") isIndependent = false;
    else if (tag === "#EXT-X-SERVER-CONTROL") list.holdBack = Number(attribute(line, "PART-HOLD-BACK"));
    else if (tag === "#EXT-X-ENDLIST") list.isOver = true;
    else if (tag === "#EXTINF") duration = parseFloat(value);
    else if (tag === "#EXT-X-PART") parts.push({ name: attribute(line, "URI"), duration: Number(attribute(line, "DURATION")) * 1000 });
    else if (line && !line.startsWith("#")) close(line);
  }
  list.edge = { sequence: list.sequence + count, part: parts.length };
  for (const [index, part] of parts.entries()) {
    pieces.push({ start: date, end: date + part.duration, name: part.name, map, isIndependent: isIndependent && index === 0 });
    date += part.duration;
  }
  return list;
}

/** When the first sample of a fragment of MP4 is decoded, in seconds, by its `tfdt` and the time scales of its initialization section. */
export function decodeTime(initialization, fragment) {
  const scales = new Map();
  for (const track of boxes(boxes(initialization, "moov")[0], "trak")) {
    const [header] = boxes(track, "tkhd");
    const [media] = boxes(boxes(track, "mdia")[0], "mdhd");
    const wide = (box, narrow, long) => (box.getUint8(0) === 1 ? long : narrow);
    scales.set(header.getUint32(wide(header, 12, 20)), media.getUint32(wide(media, 12, 20)));
  }
  const times = boxes(boxes(fragment, "moof")[0], "traf").map((run) => {
    const track = boxes(run, "tfhd")[0].getUint32(4);
    const [time] = boxes(run, "tfdt");
    return (time.getUint8(0) === 1 ? Number(time.getBigUint64(4)) : time.getUint32(4)) / (scales.get(track) ?? 1);
  });
  return Math.min(...times);
}

/** The contents of the boxes of a type that stand directly in these bytes. */
function boxes(within, type) {
  const found = [];
  if (!within) return found;
  const view = within instanceof DataView ? within : new DataView(within.buffer, within.byteOffset, within.byteLength);
  for (let at = 0; at + 8 <= view.byteLength;) {
    const size = view.getUint32(at);
    if (size < 8 || at + size > view.byteLength) break;
    const name = String.fromCharCode(...[4, 5, 6, 7].map((place) => view.getUint8(at + place)));
    if (name === type) found.push(new DataView(view.buffer, view.byteOffset + at + 8, size - 8));
    at += size;
  }
  return found;
}
