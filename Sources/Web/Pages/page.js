// What the pages share: their address, the status line with the notice over the picture, and the waits between attempts.

/** The token of this page: in the fragment, so that it never reaches a server log. */
export function pageToken() {
  return new URLSearchParams(location.hash.slice(1)).get("token") ?? "";
}

/** The last path component, decoded: the stream's id. */
export function pageStream() {
  return decodeURIComponent(location.pathname.split("/").filter(Boolean).at(-1) ?? "");
}

/** A choice that the page's address makes, as in `?codec=vp8`; empty when it makes none. */
export function pageOption(name) {
  return new URLSearchParams(location.search).get(name) ?? "";
}

/** The fields of a request that carry the page's token. */
export function authorization() {
  const token = pageToken();
  return token ? { authorization: `Bearer ${token}` } : {};
}

export const byId = (id) => document.getElementById(id);

/** Shows what the page is doing: a word in the header, read out by screen readers, and where it helps a notice over the picture. */
export class StatusLine {
  constructor(facts) {
    this.facts = facts;
    this.notice = byId("notice");
    this.onAgain = () => {};
    byId("again").addEventListener("click", () => this.onAgain());
  }

  /** `notice`: `{ title, text, again }`, the last one to offer a button. */
  show(state, word, notice = null) {
    this.facts.state = state;
    const status = byId("status");
    status.dataset.state = state;
    if (status.textContent !== word) status.textContent = word;
    byId("stage").dataset.state = state;
    byId("notice-title").textContent = notice?.title ?? "";
    byId("notice-text").textContent = notice?.text ?? "";
    byId("again").hidden = !notice?.again;
    this.notice.hidden = notice === null;
  }
}

/** Waits between attempts: short at first, longer each time, and never all pages at the same moment. */
export class Backoff {
  static #first = 250;
  #attempt = 0;
  #timer = 0;
  #action = null;

  constructor() {
    addEventListener("online", () => this.#runNow());
  }

  reset() {
    this.#attempt = 0;
  }

  /** Runs `action` after a wait of at least `atLeast` and about `atMost` milliseconds, or at once when the network comes back. */
  schedule(action, { atLeast = 0, atMost = 4000 } = {}) {
    const wait = Math.min(atMost, Backoff.#first * 2 ** this.#attempt) * (0.75 + Math.random() / 2);
    this.#attempt += 1;
    this.#action = action;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#runNow(), Math.max(atLeast, wait));
  }

  cancel() {
    clearTimeout(this.#timer);
    this.#action = null;
  }

  #runNow() {
    const action = this.#action;
    this.cancel();
    action?.();
  }
}

/** A codec as people write it. */
export function codecWord(codec) {
  return { h264: "H.264", h265: "H.265", opus: "Opus" }[codec.toLowerCase()] ?? codec.toUpperCase();
}

/** What people read about a refusal; the codes are those of `signaling/errors.json`. */
export function explain(failure) {
  switch (failure.code) {
    case "token_missing": return "This stream is private. Open the link that you were given: it carries the permission.";
    case "token_invalid": return "The permission in this link is not valid here. Ask for another link.";
    case "token_expired": return "This link has expired. Ask for another one.";
    case "token_revoked": return "This link was withdrawn. Ask for another one.";
    case "wrong_role": return "This link is for the other direction: watching and publishing need a link each.";
    case "forbidden": return "This link is for another stream.";
    default: return failure.message;
  }
}
