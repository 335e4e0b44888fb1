// The choice of a stream's quality: a menu of the layers that there are, remembered by this browser for its next visit.

const MEMORY = "viaduct.quality";
const AUTOMATIC = "";
/** For layers whose size is not known. */
const UNKNOWN_SIZES = ["High", "Medium", "Low"];

const linesOf = ({ width, height }) => (width && height ? Math.min(width, height) : null);

/** One entry for each picture that can be had, best first: `{ key, mid, rid, spatial_id, lines, bitrate, label }`. */
export function qualities(layers) {
  const sent = layers.filter(({ bitrate }) => bitrate > 0);
  const found = new Map();
  for (const layer of sent.length > 0 ? sent : layers) {
    if (layer.mid !== layers[0].mid) continue;
    const key = `${layer.rid}/${layer.spatial_id}`;
    const { mid, rid, spatial_id, bitrate } = layer;
    if (!found.has(key)) found.set(key, { key, mid, rid, spatial_id, lines: linesOf(layer), bitrate });
  }
  // While a size is not known yet, what they cost tells which is the better one.
  const hasSizes = [...found.values()].every(({ lines }) => lines !== null);
  const entries = [...found.values()].sort((one, other) => (hasSizes ? other.lines - one.lines : other.bitrate - one.bitrate));
  entries.forEach((entry, place) => {
    entry.label = entry.lines === null ? UNKNOWN_SIZES[place] ?? `Quality ${place + 1}` : `${entry.lines}p`;
  });
  return entries;
}

/** The best entry that is not larger than what the viewer wants; the smallest where all are. */
export function suitable(entries, lines) {
  return entries.find((entry) => entry.lines !== null && entry.lines <= lines) ?? entries.at(-1);
}

/** What this browser's viewer wants: lines of a picture, or `AUTOMATIC`. Without storage it is forgotten with the page. */
function recall() {
  try {
    const lines = Number(localStorage.getItem(MEMORY));
    return lines > 0 ? lines : AUTOMATIC;
  } catch {
    return AUTOMATIC;
  }
}

function remember(wanted) {
  try {
    if (wanted === AUTOMATIC) localStorage.removeItem(MEMORY);
    else localStorage.setItem(MEMORY, String(wanted));
  } catch {
    // Private windows have no storage.
  }
}

/** Shows the layers of one session after the other, and asks for the one that the viewer wants. There is no menu of one. */
export class QualityMenu {
  #select;
  #field;
  #ask;
  #entries = [];
  /** Lines of a picture, or `AUTOMATIC`. */
  #wanted = recall();
  /** The key of an entry that was chosen while its size was not known. */
  #picked = null;
  #asked = "{}";

  /** `field` holds the `select` and its label; `ask(choice)` sends a `layer_select`. */
  constructor(field, select, ask) {
    [this.#field, this.#select, this.#ask] = [field, select, ask];
    select.addEventListener("change", () => this.#chosen());
  }

  /** The labels that can be chosen besides the automatic one. */
  get labels() {
    return this.#entries.map(({ label }) => label);
  }

  /** What is asked for: a label, or null for the bridge's own judgement. */
  get chosen() {
    return this.#entry?.label ?? null;
  }

  /** Another session begins: the bridge chooses, and there is nothing to choose from yet. */
  reset() {
    this.#asked = "{}";
    this.#entries = [];
    this.#picked = null;
    this.#field.hidden = true;
  }

  /** A `layers` message of the bridge. */
  show({ layers }) {
    this.#entries = layers.length > 0 ? qualities(layers) : [];
    this.#field.hidden = this.#entries.length < 2;
    this.#want(this.#entries.find(({ key }) => key === this.#picked));
    this.#render();
    this.#request();
  }

  /** The choice was not possible any more: the next message says what is. */
  refused() {
    this.#asked = null;
  }

  /** What is shown now goes with the automatic choice: "Auto (720p)". */
  showSize(width, height) {
    const lines = linesOf({ width, height });
    const automatic = this.#select.options[0];
    if (!automatic) return;
    const text = !this.#entry && lines !== null ? `Auto (${lines}p)` : "Auto";
    if (automatic.text !== text) automatic.text = text;
  }

  get #entry() {
    if (this.#entries.length < 2) return undefined;
    const picked = this.#entries.find(({ key }) => key === this.#picked);
    return picked ?? (this.#wanted === AUTOMATIC ? undefined : suitable(this.#entries, this.#wanted));
  }

  /** Options are replaced only when they differ: an open menu would close. */
  #render() {
    const known = [...this.#select.options].slice(1).map(({ text }) => text);
    if (known.join() !== this.labels.join() || this.#select.options.length === 0) {
      const options = this.#entries.map(({ label }, place) => new Option(label, String(place)));
      this.#select.replaceChildren(new Option("Auto", AUTOMATIC), ...options);
    }
    const entry = this.#entry;
    this.#select.value = entry ? String(this.#entries.indexOf(entry)) : AUTOMATIC;
  }

  #chosen() {
    const entry = this.#select.value === AUTOMATIC ? undefined : this.#entries[Number(this.#select.value)];
    this.#picked = entry?.key ?? null;
    if (entry) {
      this.#want(entry);
    } else {
      this.#wanted = AUTOMATIC;
      remember(AUTOMATIC);
    }
    this.#request();
  }

  /** Remembers the size of an entry, once it is known. */
  #want(entry) {
    if (!entry || entry.lines === null) return;
    this.#picked = null;
    if (entry.lines === this.#wanted) return;
    this.#wanted = entry.lines;
    remember(entry.lines);
  }

  #request() {
    const entry = this.#entry;
    const choice = entry ? { mid: entry.mid, rid: entry.rid, spatial_id: entry.spatial_id } : {};
    const text = JSON.stringify(choice);
    if (text === this.#asked) return;
    this.#asked = text;
    this.#ask(choice);
  }
}
