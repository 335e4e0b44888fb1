import { encodingsFor, preferCommonCodecs, sendPicture } from "/assets/encodings.js";
import { Backoff, StatusLine, byId, explain, pageOption, pageStream, pageToken } from "/assets/page.js";
import { RtmSession } from "/assets/rtm.js";
import { encodingsText, followStatistics, showFigures } from "/assets/statistics.js";

const [video, panel, startButton, stopButton, recordButton] = ["video", "panel", "start", "stop", "record"].map(byId);
const stream = pageStream();

/** What tests and the curious read: never a secret. */
const page = (window.viaduct = { state: "idle", failure: null, figures: null, recording: null, sessions: 0, session: null });
const status = new StatusLine(page);
const backoff = new Backoff();

byId("stream").textContent = stream;
document.title = `Publish ${stream} · Viaduct`;

// MARK: what is sent

/** Heights and the widths that go with them. */
const PICTURES = { "1080p": [1920, 1080], "720p": [1280, 720], "360p": [640, 360] };
let media = null;

/** The codecs that this browser can send, in its own order, without those that only repair. */
function sendableCodecs() {
  const codecs = RTCRtpSender.getCapabilities("video")?.codecs ?? [];
  const names = codecs.map(({ mimeType }) => mimeType.split("/")[1]).filter((name) => !/^(rtx|red|ulpfec|flexfec.*)$/i.test(name));
  return [...new Set(names)];
}

/** Selects the option that the page's address asks for; false when there is none of that name. */
function choose(select, wanted) {
  const option = [...select.options].find(({ value }) => value.toLowerCase() === wanted.toLowerCase());
  if (option) select.value = option.value;
  return option !== undefined;
}

async function openDevices() {
  const device = (id) => (byId(id).value ? { deviceId: { exact: byId(id).value } } : {});
  const [width, height] = PICTURES[byId("picture").value];
  media = await navigator.mediaDevices.getUserMedia({
    video: { width: { ideal: width }, height: { ideal: height }, frameRate: { ideal: 30 }, ...device("camera") },
    audio: device("microphone"),
  });
  for (const track of media.getTracks()) track.addEventListener("ended", deviceLost);
  video.srcObject = media;
  await listDevices();
}

async function listDevices() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  for (const [id, kind, name] of [["camera", "videoinput", "Camera"], ["microphone", "audioinput", "Microphone"]]) {
    const select = byId(id);
    const current = select.value;
    const options = devices.filter((device) => device.kind === kind && device.deviceId)
      .map((device, index) => new Option(device.label || `${name} ${index + 1}`, device.deviceId));
    select.replaceChildren(new Option("Default", ""), ...options);
    choose(select, current);
  }
}

function send(peer) {
  const codec = byId("codec").value;
  for (const track of media.getTracks()) {
    if (track.kind === "audio") {
      peer.addTransceiver(track, { direction: "sendonly", streams: [media] });
      continue;
    }
    const encodings = encodingsFor(sizeOf(track), codec, byId("simulcast").checked);
    const transceiver = sendPicture(peer, track, media, encodings);
    if (codec) preferCodec(transceiver, codec);
    else preferCommonCodecs(transceiver);
  }
}

/** As the camera gives it, or as it was asked for where the browser does not say. */
function sizeOf(track) {
  const { width, height } = track.getSettings();
  const [askedWidth, askedHeight] = PICTURES[byId("picture").value];
  return { width: width ?? askedWidth, height: height ?? askedHeight };
}

function preferCodec(transceiver, name) {
  const wanted = new RegExp(`^video/(${name}|rtx|red|ulpfec)$`, "i");
  const { codecs } = RTCRtpSender.getCapabilities("video");
  transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => wanted.test(mimeType)));
}

// MARK: one session after the other, until the user stops

let isWanted = false;

function begin() {
  const session = new RtmSession({
    stream, direction: "publish", token: pageToken(), prepare: send, relayOnly: pageOption("transport") === "relay",
  });
  page.sessions += 1;
  page.session = session;
  session.addEventListener("connected", live);
  session.addEventListener("interrupted", showLoss);
  session.addEventListener("resumed", live);
  session.addEventListener("state", ({ detail }) => showRecording(detail));
  session.addEventListener("refusal", ({ detail }) => showRefusal(detail));
  session.addEventListener("ended", ({ detail }) => ended(detail));
  session.start();
}

function live() {
  backoff.reset();
  status.show("live", "Publishing");
  recordButton.disabled = false;
}

const showLoss = () => status.show("reconnecting", "Reconnecting", {
  title: "Reconnecting", text: "The connection was lost. It is being made again.",
});

function ended(failure) {
  recordButton.disabled = true;
  if (failure === null) return;
  page.failure = { code: failure.code, message: failure.message };
  if (page.recording && isRunning(page.recording.state)) showRecording({ state: "off", rec_id: null, msg: "" });
  if (failure.code === "REPLACED") return giveUp("Another publisher took this stream over.");
  if (failure.isFinal) return giveUp(explain(failure));
  showLoss();
  backoff.schedule(begin, { atLeast: failure.retryAfter * 1000 });
}

function giveUp(text) {
  release();
  status.show("refused", "Refused", { title: "This stream cannot be published", text, again: true });
}

status.onAgain = start;

// MARK: recording

const isRunning = (state) => state === "armed" || state === "recording";
const RECORDING_WORDS = {
  armed: "waiting for the picture", recording: "on", finalizing: "finishing", uploading: "uploading", uploaded: "delivered",
  upload_failed: "not delivered", stored: "kept on the bridge", off: "off",
};

function showRecording({ state, rec_id: id, msg }) {
  page.recording = { state, id, msg };
  const word = RECORDING_WORDS[state] ?? state;
  byId("recording").textContent = msg ? `${word} (${msg})` : word;
  recordButton.setAttribute("aria-pressed", String(isRunning(state)));
  byId("record-word").textContent = isRunning(state) ? "Stop recording" : "Record";
}

function showRefusal({ code, msg, in_reply_to: request }) {
  page.failure = { code, message: msg };
  if (request?.startsWith("recording_")) byId("recording").textContent = msg;
}

recordButton.addEventListener("click", () => {
  page.session?.request(isRunning(page.recording?.state) ? "recording_stop" : "recording_start", {});
});

// MARK: start and stop

async function start() {
  setWanted(true);
  status.show("connecting", "Opening the camera", { title: "Opening the camera", text: "The browser may ask for your permission." });
  try {
    await openDevices();
  } catch (failure) {
    release();
    return status.show("failed", "No camera", { title: "The camera could not be opened", text: cameraAdvice(failure) });
  }
  if (!isWanted) return release();
  status.show("connecting", "Connecting", { title: "Connecting", text: "" });
  begin();
}

function cameraAdvice({ name, message }) {
  switch (name) {
    case "NotAllowedError": return "This page may not use it. Allow camera and microphone in the browser's address bar, then start again.";
    case "NotFoundError": return "There is no camera or no microphone on this device.";
    case "NotReadableError": return "Another program uses it. Close that program, then start again.";
    default: return message;
  }
}

function stop() {
  backoff.cancel();
  page.session?.stop();
  release();
  status.show("idle", "Not publishing", { title: "Not publishing", text: "Press Start to send this browser's camera and microphone." });
}

function deviceLost() {
  stop();
  status.show("failed", "No camera", { title: "The camera is gone", text: "It was unplugged, or its permission was withdrawn." });
}

function release() {
  setWanted(false);
  media?.getTracks().forEach((track) => {
    track.removeEventListener("ended", deviceLost);
    track.stop();
  });
  media = null;
  video.srcObject = null;
}

/** While a stream is on, what it is made of stays as it is. */
function setWanted(wanted) {
  isWanted = wanted;
  startButton.hidden = wanted;
  stopButton.hidden = !wanted;
  byId("choices").disabled = wanted;
}

startButton.addEventListener("click", start);
stopButton.addEventListener("click", stop);

followStatistics(() => page.session, "outbound", (figures) => {
  page.figures = figures;
  showFigures(panel, figures, null);
  byId("encodings").textContent = encodingsText(figures.encodings);
  byId("encodings").hidden = figures.encodings.length < 2;
});

addEventListener("pagehide", () => { if (isWanted) stop(); });

byId("codec").append(...sendableCodecs().map((name) => new Option(name, name)));
choose(byId("picture"), pageOption("picture"));
byId("simulcast").checked = pageOption("simulcast") !== "off";
if (!choose(byId("codec"), pageOption("codec"))) {
  status.show("idle", "Not publishing", {
    title: "Another codec than asked for", text: `This browser cannot send ${pageOption("codec")}. Press Start to let it choose.`,
  });
}
