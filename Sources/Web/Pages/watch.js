import { Backoff, StatusLine, authorization, byId, codecWord, explain, pageOption, pageStream, pageToken } from "/assets/page.js";
import { QualityMenu } from "/assets/quality.js";
import { BridgeFailure, RtmSession } from "/assets/rtm.js";
import { burntInDelay, followStatistics, showFigures } from "/assets/statistics.js";

const [video, still, panel, player] = ["video", "still", "panel", "player"].map(byId);
const stream = pageStream();

/** What tests and the curious read: never a secret. `firstFrameAfter`: milliseconds since the page was opened. */
const page = (window.viaduct = {
  state: "connecting", failure: null, firstFrameAfter: null, delay: null, figures: null, sessions: 0, session: null, quality: null,
});
const status = new StatusLine(page);
const backoff = new Backoff();

byId("stream").textContent = stream;
document.title = `${stream} · Viaduct`;

// MARK: one session after the other, for as long as the page is open

function receive(peer) {
  takeSpatialLayers(peer.addTransceiver("video", { direction: "recvonly" }));
  peer.addTransceiver("audio", { direction: "recvonly" });
}

const dependencyDescriptor = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";

/** AV1's spatial layers are put together by their dependency descriptors, which Chromium offers to receive where it is told to. */
function takeSpatialLayers(transceiver) {
  const extensions = transceiver.getHeaderExtensionsToNegotiate?.() ?? [];
  const wanted = extensions.find(({ uri }) => uri === dependencyDescriptor);
  if (!wanted) return;
  wanted.direction = "sendrecv";
  transceiver.setHeaderExtensionsToNegotiate(extensions);
}

function begin() {
  const session = new RtmSession({
    stream, direction: "watch", token: pageToken(), prepare: receive, relayOnly: pageOption("transport") === "relay",
  });
  const media = new MediaStream();
  page.sessions += 1;
  page.session = session;
  quality.reset();
  session.addEventListener("answered", () => {
    checkVideo(session);
    checkSound(session);
  });
  session.addEventListener("track", ({ detail: { track, receiver } }) => {
    // Live: as little in the jitter buffer as the network allows (W3C webrtc-extensions).
    receiver.jitterBufferTarget = 0;
    media.addTrack(track);
    track.addEventListener("unmute", () => play(media, session), { once: true });
    if (!track.muted) play(media, session);
  });
  session.addEventListener("connected", () => backoff.reset());
  session.addEventListener("interrupted", showLoss);
  session.addEventListener("layers", ({ detail }) => showQualities(detail));
  session.addEventListener("refusal", ({ detail }) => {
    if (detail.in_reply_to === "layer_select") quality.refused();
  });
  session.addEventListener("ended", ({ detail }) => ended(detail));
  session.start();
}

/** A stream whose video this browser cannot decode would be sent without it: that is not what a viewer came for. */
async function checkVideo(session) {
  const section = session.peer.getTransceivers().find(({ receiver }) => receiver.track.kind === "video");
  if (section?.currentDirection === "recvonly") return;
  const codec = await streamsCodec("video");
  if (codec === null || session.isOver) return;
  session.stop();
  refuse(new BridgeFailure("unacceptable_offer", undecodable(codec)));
}

/** Sound that cannot be played live is said to be there, and the picture goes on without it. */
async function checkSound(session) {
  const section = session.peer.getTransceivers().find(({ receiver }) => receiver.track.kind === "audio");
  const codec = section?.currentDirection === "recvonly" ? null : await streamsCodec("audio");
  if (session.isOver || page.session !== session) return;
  byId("silence").hidden = codec === null;
  if (codec !== null) byId("silence").textContent = `The camera's sound (${codecWord(codec)}) cannot be played live by this browser; recordings have it.`;
}

/** The codec of the stream's video or audio; null when it has none, or is not there. */
async function streamsCodec(wanted) {
  const reply = await fetch(`/bridge/v1/streams/${encodeURIComponent(stream)}`, { headers: authorization() }).catch(() => null);
  if (!reply?.ok) return null;
  const { tracks } = await reply.json();
  return tracks.find(({ kind }) => kind === wanted)?.codec ?? null;
}

function undecodable(codec) {
  return `The camera sends ${codecWord(codec)}, which this browser cannot play. Open this page in a browser that can.`;
}

function ended(failure) {
  keepPicture();
  if (failure === null) return;
  page.failure = { code: failure.code, message: failure.message };
  if (failure.isFinal) return refuse(failure);
  const isAbsent = failure.code === "no_active_session" || failure.code === "not_found";
  if (failure.code === "MONITORED_SESSION_ENDED") showEnd();
  else if (!isAbsent) showLoss();
  else if (page.state === "connecting") showWaiting();
  // The bridge is there again, and its word counts for more than how the last session ended.
  else if (page.state === "reconnecting") showEnd();
  backoff.schedule(begin, { atLeast: failure.retryAfter * 1000, atMost: isAbsent ? 2000 : 4000 });
}

async function refuse(failure) {
  const codec = failure.code === "unacceptable_offer" ? await streamsCodec("video") ?? await streamsCodec("audio") : null;
  const text = codec === null ? explain(failure) : undecodable(codec);
  page.failure = { code: failure.code, message: text };
  status.show("refused", "Refused", { title: "You cannot watch this stream", text, again: true });
}

status.onAgain = () => {
  status.show("connecting", "Connecting", { title: "Connecting", text: "" });
  begin();
};

// MARK: what the page is doing

const showWaiting = () => status.show("waiting", "Waiting", {
  title: "Waiting for the camera", text: "It is not sending yet. The picture appears here as soon as it does.",
});
const showEnd = () => status.show("ended", "Ended", {
  title: "The stream has ended", text: "It starts again here by itself when the camera comes back.",
});
const showLoss = () => status.show("reconnecting", "Reconnecting", {
  title: "Reconnecting", text: "The connection was lost. It is being made again.",
});
const showStall = () => status.show("stalled", "No picture", {
  title: "No picture from the camera", text: "Its network may be interrupted. The stream goes on here by itself.",
});

// MARK: frames

const STALL_AFTER_MS = 3000;
/** When the socket is lost too, it is most likely the bridge. */
const LOSS_AFTER_MS = 1000;
const scratch = document.createElement("canvas");
/** The session whose media the video element has; the last picture of one that is over stays on the screen. */
let playedSession = null;
let lastFrameAt = 0;

function play(media, session) {
  if (session.isOver) return;
  if (video.srcObject !== media) video.srcObject = media;
  video.play().catch(() => {
    video.muted = true;
    return video.play();
  }).catch(() => {});
  if (playedSession !== session) followFrames(session);
}

/** Notes every frame, and reads the burnt-in clock twice a second. */
function followFrames(session) {
  playedSession = session;
  let clockReadAt = 0;
  const onFrame = (now) => {
    if (playedSession !== session || session.isOver) return;
    sawPicture(now);
    if (now - clockReadAt > 500) {
      clockReadAt = now;
      page.delay = burntInDelay(video, video.videoWidth, scratch);
    }
    video.requestVideoFrameCallback(onFrame);
  };
  video.requestVideoFrameCallback(onFrame);
}

/** Browsers blank a video whose track ends: its last picture stays on the screen until a new session has one. */
function keepPicture() {
  if (page.session !== playedSession) return;
  [still.width, still.height] = [video.videoWidth, video.videoHeight];
  still.getContext("2d").drawImage(video, 0, 0);
  still.hidden = false;
}

function sawPicture(now) {
  still.hidden = true;
  lastFrameAt = now;
  page.firstFrameAfter ??= now;
  if (page.state !== "live") status.show("live", "Live");
}

// A stream of sound alone has no frames, and a hidden page is told of none.
video.addEventListener("playing", () => {
  if (playedSession?.isOver === false && page.state !== "live") status.show("live", "Live");
});

setInterval(() => {
  const hasVideo = video.videoWidth > 0 && document.visibilityState === "visible";
  if (page.state !== "live" || !hasVideo) return;
  const silence = performance.now() - lastFrameAt;
  if (playedSession.isDetached && silence > LOSS_AFTER_MS) showLoss();
  else if (silence > STALL_AFTER_MS) showStall();
}, 500);

// MARK: quality

const quality = new QualityMenu(byId("quality-field"), byId("quality"), (choice) => {
  page.session.request("layer_select", choice);
  showQuality();
});

function showQualities(message) {
  quality.show(message);
  showQuality();
}

function showQuality() {
  quality.showSize(video.videoWidth, video.videoHeight);
  page.quality = { labels: quality.labels, chosen: quality.chosen };
}

video.addEventListener("resize", showQuality);

// MARK: controls

const sound = byId("sound");

function showSound() {
  byId("sound-word").textContent = video.muted ? "Turn sound on" : "Turn sound off";
  sound.dataset.on = String(!video.muted);
}

function toggleFullScreen() {
  if (document.fullscreenElement) document.exitFullscreen();
  else if (player.requestFullscreen) player.requestFullscreen().catch(() => {});
  else video.webkitEnterFullscreen?.();  // iPhones show the video alone
}

function togglePanel() {
  panel.hidden = !panel.hidden;
  byId("details").setAttribute("aria-expanded", String(!panel.hidden));
}

sound.addEventListener("click", () => { video.muted = !video.muted; });
video.addEventListener("volumechange", showSound);
byId("volume").addEventListener("input", ({ target }) => {
  video.volume = Number(target.value);
  video.muted = video.volume === 0;
});
byId("fullscreen").addEventListener("click", toggleFullScreen);
byId("details").addEventListener("click", togglePanel);
document.addEventListener("fullscreenchange", () => {
  byId("fullscreen-word").textContent = document.fullscreenElement ? "Leave full screen" : "Full screen";
});

const shortcuts = { m: () => sound.click(), f: toggleFullScreen, i: togglePanel, q: () => byId("quality").focus() };
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, select, textarea")) return;
  shortcuts[event.key.toLowerCase()]?.();
});

/** In full screen the controls fade while the pointer rests. */
let restTimer = 0;
player.addEventListener("pointermove", () => {
  delete player.dataset.resting;
  clearTimeout(restTimer);
  restTimer = setTimeout(() => { player.dataset.resting = ""; }, 3000);
});

followStatistics(() => page.session, "inbound", (figures) => {
  page.figures = figures;
  showFigures(panel, figures, page.delay);
});

addEventListener("pagehide", () => {
  backoff.cancel();
  page.session.stop();
});
// The browser may bring the page back as it was.
addEventListener("pageshow", ({ persisted }) => { if (persisted) begin(); });
begin();
