import { RtmSession, pageStream, pageToken, showState } from "/assets/rtm.js";
import { StatisticsReader, burntInDelay, showFigures } from "/assets/statistics.js";

const byId = (id) => document.getElementById(id);
const [video, status, notice, panel] = ["video", "status", "notice", "panel"].map(byId);
const stream = pageStream();
const openedAt = performance.now();

/** What tests and the curious read: never a secret. */
const page = (window.viaduct = { state: "connecting", firstFrameAfter: null, delay: null, figures: null, sessions: 0 });

byId("stream").textContent = stream;
document.title = `${stream} · Viaduct`;

function show(state, text, overlay = "") {
  page.state = state;
  showState(status, state, text);
  notice.textContent = overlay;
  notice.hidden = overlay === "";
}

// MARK: one session after the other, for as long as the page is open

let retry = 0;

function receive(peer) {
  peer.addTransceiver("video", { direction: "recvonly" });
  peer.addTransceiver("audio", { direction: "recvonly" });
}

function begin() {
  const session = new RtmSession({ stream, direction: "watch", token: pageToken(), prepare: receive });
  const media = new MediaStream();
  page.sessions += 1;
  page.session = session;
  session.addEventListener("track", ({ detail: { track, receiver } }) => {
    // Live: as little in the jitter buffer as the network allows (W3C webrtc-extensions).
    receiver.jitterBufferTarget = 0;
    media.addTrack(track);
    if (track.kind !== "video") return;
    track.addEventListener("unmute", () => play(media), { once: true });
    if (!track.muted) play(media);
  });
  session.addEventListener("connected", () => { retry = 0; });
  session.addEventListener("interrupted", () => show("reconnecting", "Reconnecting", "The connection is interrupted."));
  session.addEventListener("resumed", () => show("live", "Live"));
  session.addEventListener("ended", ({ detail }) => ended(detail));
  session.start();
}

function play(media) {
  if (video.srcObject !== media) video.srcObject = media;
  video.play().catch(() => { video.muted = true; return video.play(); }).catch(() => {});
  watchFrames();
}

function ended(failure) {
  if (failure === null) return;
  if (failure.isFinal) return show("refused", "Refused", failure.message);
  if (failure.code === "MONITORED_SESSION_ENDED") show("ended", "Ended", "The camera has ended this stream. Waiting for it to come back.");
  else if (failure.code === "not_found" && page.state !== "ended") show("waiting", "Waiting", "The camera is not sending yet.");
  else if (failure.code !== "not_found") show("reconnecting", "Reconnecting", "Looking for the bridge.");
  // 0.25 s at first, at most 4 s, and never all viewers at the same moment.
  const wait = Math.max(failure.retryAfter * 1000, Math.min(4000, 250 * 2 ** retry) * (0.75 + Math.random() / 2));
  retry += 1;
  setTimeout(begin, wait);
}

// MARK: frames

const scratch = document.createElement("canvas");
let watchedMedia = null;

/** Counts the first frame, and reads the burnt-in clock twice a second. */
function watchFrames() {
  const media = video.srcObject;
  if (watchedMedia === media) return;
  watchedMedia = media;
  let lastRead = 0;
  const onFrame = (now) => {
    if (video.srcObject !== media) return;
    if (page.state !== "live") show("live", "Live");
    page.firstFrameAfter ??= now - openedAt;
    if (now - lastRead > 500) {
      lastRead = now;
      page.delay = burntInDelay(video, video.videoWidth, scratch);
    }
    video.requestVideoFrameCallback(onFrame);
  };
  video.requestVideoFrameCallback(onFrame);
}

// MARK: controls

const sound = byId("sound");
function showSound() {
  sound.textContent = video.muted ? "Turn sound on" : "Turn sound off";
  sound.setAttribute("aria-pressed", String(!video.muted));
}
sound.addEventListener("click", () => { video.muted = !video.muted; });
byId("volume").addEventListener("input", ({ target }) => { video.volume = Number(target.value); video.muted = false; });
video.addEventListener("volumechange", showSound);
byId("fullscreen").addEventListener("click", () => {
  if (document.fullscreenElement) document.exitFullscreen();
  else byId("stage").requestFullscreen().catch(() => {});
});
byId("details").addEventListener("click", ({ currentTarget }) => {
  panel.hidden = !panel.hidden;
  currentTarget.setAttribute("aria-expanded", String(!panel.hidden));
});

// MARK: statistics

let reader = new StatisticsReader();
let readerOf = null;
setInterval(async () => {
  const session = page.session;
  if (!session?.peer || session.isOver) return;
  if (readerOf !== session) [reader, readerOf] = [new StatisticsReader(), session];
  page.figures = reader.read(await session.peer.getStats(), "inbound");
  showFigures(panel, page.figures, page.delay);
}, 1000);

addEventListener("pagehide", () => page.session?.stop());
begin();
