import { StatusLine, authorization, byId, explain, pageOption, pageStream } from "/assets/page.js";
import { MediaFeed } from "/assets/buffer.js";
import { Drawings } from "/assets/drawings.js";
import { Peek } from "/assets/peek.js";
import { Recorded } from "/assets/recorded.js";
import { Timeline } from "/assets/timeline.js";

const video = byId("video");
const stream = pageStream();
const recorded = new Recorded(stream);
const timeline = new Timeline(byId("timeline"));

const peek = new Peek(recorded, timeline);
const drawings = new Drawings(byId("drawings"), video, recorded);

/** What tests and the curious read: never a secret. Moments in ms since 1970. */
const page = (window.viaduct = {
  state: "connecting", failure: null, moment: null, latency: null, frame: null, items: timeline.items, clip: null, snapshot: null, timeline, recorded, boards: drawings.boards,
  drawn: 0,
});
const status = new StatusLine(page);
let feed = null;
let isLive = false;
/** The loading under way; a new choice ends it. */
let loading = new AbortController();

byId("stream").textContent = stream;
document.title = `${stream} · Playback · Viaduct`;

// MARK: loading

/** Shows a moment, and what follows it. */
async function goTo(moment) {
  leaveLive();
  const { signal } = restart();
  try {
    if (!feed) await openFeed(moment, signal);
    video.currentTime = feed.seconds(moment);
    timeline.show(moment);
    await fill(moment, signal);
  } catch (failure) {
    if (!signal.aborted) refuse(failure);
  }
}

function restart() {
  loading.abort();
  loading = new AbortController();
  return loading;
}

async function openFeed(moment, signal) {
  const type = await whenThere(moment, signal, () => recorded.mediaType(moment));
  if (!MediaSource.isTypeSupported(type)) throw new Error(`This browser cannot play ${type}.`);
  // The element's time stays small, so that it is exact to the microsecond.
  feed = new MediaFeed(video, recorded, moment - 3_600_000);
  await feed.open(type);
}

/** A moment is so young that its media may still come, ms. */
const young = 12_000;

/** What is being recorded just now is on the disk a moment later: of the last seconds it is asked for again. */
async function whenThere(moment, signal, ask) {
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== null || signal.aborted || Date.now() - moment > young) return answer;
    } catch (failure) {
      if (failure.code !== "nothing_recorded" || signal.aborted || Date.now() - moment > young) throw failure;
    }
    await pause(500, signal);
  }
}

/** Keeps the buffer filled from a moment on, until another one is chosen. */
async function fill(moment, signal) {
  let pieces = [];
  const found = await whenThere(moment, signal, async () => {
    pieces = await recorded.pieces(moment);
    const index = firstPiece(pieces, moment);
    return index < 0 ? null : index;
  });
  let next = found ?? -1;
  if (next < 0) return status.show("ended", "Nothing here", { title: "Nothing was recorded here", text: "Choose another moment on the timeline." });
  if (pieces[next].start > moment && pieces[next].isIndependent) video.currentTime = feed.seconds(pieces[next].start) + 0.001;
  let end = moment;
  while (!signal.aborted) {
    if (next >= pieces.length) {
      await pause(500, signal);
      pieces = await following(end);
      next = 0;
    } else if ((feed.endOfBuffer(feed.moment()) ?? feed.moment()) - feed.moment() > MediaFeed.ahead * 1000 * Math.max(1, video.playbackRate)) {
      await pause(250, signal);
    } else {
      await feed.append(pieces[next], signal);
      end = pieces[next].end;
      next += 1;
      if (page.state !== "ready") status.show("ready", "Recorded");
    }
  }
}

/** What has been recorded behind a moment; nothing yet is no failure. */
async function following(end) {
  try {
    return (await recorded.pieces(end)).filter(({ start }) => start >= end - 1);
  } catch (failure) {
    if (failure.code !== "nothing_recorded") throw failure;
    return [];
  }
}

/** The piece that holds a moment, or the next one, and from it back to where decoding can begin. */
function firstPiece(pieces, moment) {
  let index = pieces.findIndex(({ end }) => end > moment);
  while (index > 0 && !pieces[index].isIndependent) index -= 1;
  return index;
}

const pause = (milliseconds, signal) => new Promise((resolve) => {
  const timer = setTimeout(resolve, milliseconds);
  signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
});

// MARK: the live edge

async function goLive() {
  const { signal } = restart();
  try {
    let list = await recorded.live(null, signal);
    if (!feed) await openFeed(Date.now(), signal);
    isLive = true;
    byId("live").setAttribute("aria-pressed", "true");
    let done = 0;
    while (!signal.aborted && !list.isOver) {
      const pieces = list.pieces.filter(({ end }) => end > done);
      const first = done === 0 ? firstPiece(pieces, list.pieces.at(-1).end - list.holdBack * 1000) : 0;
      for (const piece of pieces.slice(Math.max(0, first))) {
        await feed.append(piece, signal);
        done = piece.end;
      }
      followEdge(done, list.holdBack);
      list = await recorded.live(list.edge, signal);
    }
    if (!signal.aborted) leaveLive();
  } catch (failure) {
    if (signal.aborted) return;
    leaveLive();
    // What MP4 does not hold has no live playlist: what was recorded a moment ago is played, and what follows as it comes.
    if (failure.code === "unsuitable_container") {
      video.play().catch(() => {});
      return goTo(Date.now() - behindEdge);
    }
    refuse(failure);
  }
}

/** How far behind the newest frame ranges of WebM are played, ms. */
const behindEdge = 6000;

/** Stays as close behind the newest frame as the playlist allows. */
function followEdge(end, holdBack) {
  const behind = end - feed.moment();
  if (behind < 0 || behind > (holdBack + 2) * 1000 || feed.endOfBuffer(feed.moment()) === null) video.currentTime = feed.seconds(end) - holdBack;
  const error = behind / 1000 - holdBack;
  video.playbackRate = error > 0.5 ? 1.1 : error < -0.25 ? 0.9 : 1;
  if (video.paused) video.play().catch(() => {});
  if (page.state !== "live") status.show("live", "Live");
}

function leaveLive() {
  if (!isLive) return;
  isLive = false;
  page.latency = null;
  byId("live").setAttribute("aria-pressed", "false");
  video.playbackRate = Number(byId("speed").value);
}

function refuse(failure) {
  page.failure = { code: failure.code ?? "", message: failure.message };
  const isAbsent = failure.code === "nothing_recorded";
  status.show("failed", isAbsent ? "Nothing here" : "Failed", {
    title: isAbsent ? "Nothing was recorded here" : "The recording cannot be shown",
    text: isAbsent ? "Choose another moment on the timeline." : explain({ code: failure.code ?? "", message: failure.message }), again: !isAbsent,
  });
}

status.onAgain = () => goTo(timeline.moment);

// MARK: what is shown

function onFrame(_, { mediaTime }) {
  if (feed) {
    page.moment = feed.moment(mediaTime);
    page.frame = mediaTime;
    if (isLive) page.latency = Date.now() - page.moment;
    byId("clock").textContent = new Date(page.moment).toLocaleString([], { dateStyle: "short", timeStyle: "medium" });
    timeline.show(page.moment);
    showDrawings();
  }
  video.requestVideoFrameCallback(onFrame);
}
video.requestVideoFrameCallback(onFrame);

function showDrawings() {
  if (page.moment !== null) drawings.show(page.moment);
  page.drawn = drawings.shown;
}
addEventListener("resize", showDrawings);

/** After several seeks in a row Chromium may show the picture of the last one and not tell of it: then it is sought once more, a millisecond on. */
let soughtAgain = null;
function seekAgain() {
  const at = video.currentTime;
  const isTold = page.frame !== null && Math.abs(at - page.frame) < 2 * frameStep;
  if (isTold || !video.paused || video.seeking || (soughtAgain !== null && Math.abs(at - soughtAgain) < 0.0005)) return;
  soughtAgain = at + 0.001;
  video.currentTime = soughtAgain;
}
video.addEventListener("seeked", () => setTimeout(seekAgain, 200));

/** Where a gap begins, playing goes on behind it; `margin`: how near to it, ms. */
function skipGap(margin) {
  const next = feed?.nextStart(feed.moment());
  if (next && feed.endOfBuffer(feed.moment() + margin) === null) video.currentTime = feed.seconds(next) + 0.001;
}
video.addEventListener("waiting", () => skipGap(100));

/** Sought right before a gap, there is too little for the decoders to begin with, and nobody says so. */
let stuckAt = null;
setInterval(() => {
  const isStuck = !video.paused && video.readyState < HTMLMediaElement.HAVE_FUTURE_DATA;
  if (isStuck && stuckAt === video.currentTime) skipGap(500);
  stuckAt = isStuck ? video.currentTime : null;
}, 500);

async function loadTimeline() {
  const margin = timeline.span;
  timeline.items = page.items = await recorded.timeline(timeline.from - margin, timeline.to + margin);
  timeline.draw();
  await peek.load(timeline.items);
}

let reload = 0;
function reloadSoon() {
  clearTimeout(reload);
  reload = setTimeout(() => loadTimeline().catch(() => {}), 200);
}
setInterval(reloadSoon, 10_000);

// MARK: controls

/** Seeks within what is loaded at once; the rest is loaded when the timeline is let go. */
timeline.addEventListener("scrub", ({ detail }) => {
  if (feed && feed.endOfBuffer(detail) !== null) video.currentTime = feed.seconds(detail);
});
timeline.addEventListener("choose", ({ detail }) => { goTo(detail); reloadSoon(); });
timeline.addEventListener("zoom", reloadSoon);
byId("nearer").addEventListener("click", () => timeline.zoom(0.5));
byId("farther").addEventListener("click", () => timeline.zoom(2));

function togglePlay() {
  if (video.paused) video.play().catch(() => {});
  else video.pause();
}

function showPlay() {
  byId("play").dataset.on = String(!video.paused);
  byId("play-word").textContent = video.paused ? "Play" : "Pause";
}
for (const name of ["play", "pause"]) video.addEventListener(name, showPlay);

/** One frame on or back: as far as the last two frames were apart, which a camera may change at any time. */
let [lastFrame, frameStep] = [null, 1 / 30];
function noteFrames(_, { mediaTime }) {
  const step = lastFrame === null ? 0 : Math.abs(mediaTime - lastFrame);
  if (step > 0.005 && step < 0.5 && !video.paused) frameStep = step;
  lastFrame = mediaTime;
  video.requestVideoFrameCallback(noteFrames);
}
video.requestVideoFrameCallback(noteFrames);

function step(direction) {
  leaveLive();
  video.pause();
  const from = page.frame ?? video.currentTime;
  video.currentTime = from + direction * frameStep + frameStep / 2;
}

byId("play").addEventListener("click", togglePlay);
byId("back").addEventListener("click", () => step(-1));
byId("forward").addEventListener("click", () => step(1));
byId("speed").addEventListener("change", ({ target }) => {
  leaveLive();
  video.playbackRate = Number(target.value);
});
byId("live").addEventListener("click", () => (isLive ? goTo(feed.moment()) : goLive()));
byId("sound").addEventListener("click", () => {
  video.muted = !video.muted;
  byId("sound").setAttribute("aria-pressed", String(!video.muted));
});

/** Saves the picture that is shown, as the bridge has it: in its full size. */
async function snapshot() {
  byId("snapshot").disabled = true;
  try {
    const { blob, taken } = await recorded.snapshot(page.moment ?? timeline.moment);
    page.snapshot = { type: blob.type, size: blob.size, taken };
    const link = document.createElement("a");
    link.href = URL.createObjectURL(blob);
    link.download = `${stream}-${new Date(taken).toISOString().replaceAll(":", "")}.jpg`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    byId("marked").textContent = `The picture of ${new Date(taken).toLocaleTimeString()} is saved.`;
  } catch (failure) {
    byId("marked").textContent = explain({ code: failure.code ?? "", message: failure.message });
  }
  byId("snapshot").disabled = false;
}
byId("snapshot").addEventListener("click", snapshot);

// MARK: drawings

drawings.addEventListener("load", () => {
  page.boards = drawings.boards;
  byId("drawings-key").hidden = drawings.boards.length === 0;
  showDrawings();
});

function toggleDrawings() {
  drawings.isHidden = !drawings.isHidden;
  byId("drawings-key").setAttribute("aria-pressed", String(!drawings.isHidden));
  showDrawings();
}
byId("drawings-key").addEventListener("click", toggleDrawings);
// Without them the recording is played all the same.
drawings.load().catch(() => {});

// MARK: clips

function mark(end) {
  timeline.marks[end] = page.moment ?? timeline.moment;
  const { from, to } = timeline.marks;
  const isRange = from !== null && to !== null && to > from;
  byId("save").disabled = !isRange;
  byId("download").hidden = !isRange;
  const text = (moment) => (moment === null ? "…" : new Date(moment).toLocaleTimeString());
  byId("marked").textContent = isRange || from === null || to === null
    ? `${text(from)} to ${text(to)}${isRange ? `, ${((to - from) / 1000).toFixed(1)} s` : ""}` : "The end must be after the beginning.";
  timeline.draw();
}

byId("mark-in").addEventListener("click", () => mark("from"));
byId("mark-out").addEventListener("click", () => mark("to"));

/** A link cannot carry the permission in a field: the file is fetched, then saved. */
byId("download").addEventListener("click", async (event) => {
  event.preventDefault();
  const { from, to } = timeline.marks;
  const reply = await fetch(recorded.downloadAddress(from, to), { headers: authorization() });
  if (!reply.ok) return refuse(await reply.json());
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await reply.blob());
  link.download = `${stream}-${new Date(from).toISOString().replaceAll(":", "")}.${recorded.isHLS ? "mp4" : "webm"}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
});

byId("clip").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { from, to } = timeline.marks;
  const tags = byId("tags").value.split(",").map((tag) => tag.trim()).filter(Boolean);
  byId("save").disabled = true;
  const reply = await fetch("/bridge/v1/clips", {
    method: "POST", headers: { ...authorization(), "content-type": "application/json" },
    body: JSON.stringify({ stream, from: Math.round(from), to: Math.round(to), title: byId("title").value.trim(), tags }),
  }).catch(() => null);
  const answer = await reply?.json().catch(() => null);
  byId("save").disabled = false;
  if (reply?.ok) page.clip = answer;
  byId("marked").textContent = reply?.ok ? "The clip is kept." : explain({ code: answer?.code ?? "", message: answer?.detail ?? "The bridge cannot be reached." });
});

const shortcuts = {
  k: togglePlay, " ": togglePlay, ",": () => step(-1), ".": () => step(1), l: () => byId("live").click(), m: () => byId("sound").click(),
  i: () => mark("from"), o: () => mark("to"), s: snapshot, d: toggleDrawings,
};
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea, button")) return;
  const action = shortcuts[event.key.toLowerCase()];
  if (!action) return;
  event.preventDefault();
  action();
});

// MARK: the beginning

/** `?at=` names a moment; else the newest recording of the last day is shown from its beginning, or live when it is being made. */
async function begin() {
  try {
    const at = Date.parse(pageOption("at")) || Number(pageOption("at"));
    timeline.moment = at || Date.now();
    const items = await recorded.timeline(Date.now() - 86_400_000, Date.now() + 1000);
    const newest = items.filter(({ type }) => type === "media").at(-1);
    if (!at && !newest) return refuse({ code: "nothing_recorded", message: "" });
    if (!at) timeline.moment = newest.from;
    await loadTimeline();
    if (!at && newest.live) return goLive();
    await goTo(timeline.moment);
  } catch (failure) {
    refuse(failure);
  }
}
begin();
