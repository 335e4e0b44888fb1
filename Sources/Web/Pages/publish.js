import { RtmSession, pageStream, pageToken, showState } from "/assets/rtm.js";
import { StatisticsReader, showFigures } from "/assets/statistics.js";

const byId = (id) => document.getElementById(id);
const [video, status, notice, panel, recordButton] = ["video", "status", "notice", "panel", "record"].map(byId);
const stream = pageStream();
const page = (window.viaduct = { state: "idle", figures: null, recording: null, sessions: 0 });

byId("stream").textContent = stream;
document.title = `Publish ${stream} · Viaduct`;

function show(state, text, overlay = "") {
  page.state = state;
  showState(status, state, text);
  notice.textContent = overlay;
  notice.hidden = overlay === "";
}

// MARK: devices

let media = null;

async function openDevices() {
  const chosen = (id) => (byId(id).value ? { deviceId: { exact: byId(id).value } } : {});
  media = await navigator.mediaDevices.getUserMedia({
    video: { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 }, ...chosen("camera") },
    audio: chosen("microphone"),
  });
  video.srcObject = media;
  await listDevices();
}

async function listDevices() {
  const devices = await navigator.mediaDevices.enumerateDevices();
  for (const [id, kind] of [["camera", "videoinput"], ["microphone", "audioinput"]]) {
    const select = byId(id);
    const current = select.value;
    const options = devices.filter((device) => device.kind === kind && device.deviceId)
      .map((device, index) => new Option(device.label || `${kind} ${index + 1}`, device.deviceId));
    select.replaceChildren(new Option("Default", ""), ...options);
    select.value = current;
  }
}

// MARK: session

let wanted = false;
let retry = 0;

function send(peer) {
  for (const track of media.getTracks()) {
    const transceiver = peer.addTransceiver(track, { direction: "sendonly", streams: [media] });
    if (track.kind === "video") preferCodec(transceiver, byId("codec").value);
  }
}

function preferCodec(transceiver, name) {
  if (!name) return;
  const codecs = RTCRtpSender.getCapabilities("video")?.codecs ?? [];
  const isWanted = ({ mimeType }) => mimeType.toLowerCase() === `video/${name.toLowerCase()}`;
  const isRepair = ({ mimeType }) => /\/(rtx|red|ulpfec)$/i.test(mimeType);
  if (!codecs.some(isWanted)) throw new Error(`This browser cannot send ${name}.`);
  transceiver.setCodecPreferences([...codecs.filter(isWanted), ...codecs.filter(isRepair)]);
}

function begin() {
  if (!wanted) return;
  show(page.sessions ? "reconnecting" : "connecting", page.sessions ? "Reconnecting" : "Connecting");
  const session = new RtmSession({ stream, direction: "publish", token: pageToken(), prepare: send });
  page.sessions += 1;
  page.session = session;
  session.addEventListener("connected", () => { retry = 0; live(); });
  session.addEventListener("interrupted", () => show("reconnecting", "Reconnecting"));
  session.addEventListener("resumed", live);
  session.addEventListener("state", ({ detail }) => showRecording(detail));
  session.addEventListener("ended", ({ detail }) => ended(detail));
  session.start();
}

function live() {
  show("live", "Publishing");
  recordButton.disabled = false;
}

function ended(failure) {
  recordButton.disabled = true;
  if (failure === null || !wanted) return;
  if (failure.isFinal || failure.code === "REPLACED") {
    release();
    const text = failure.code === "REPLACED" ? "Another publisher took over this stream." : failure.message;
    return show("refused", "Refused", text);
  }
  show("reconnecting", "Reconnecting");
  setTimeout(begin, Math.max(failure.retryAfter * 1000, Math.min(4000, 250 * 2 ** retry++) * (0.75 + Math.random() / 2)));
}

// MARK: recording

function showRecording({ state, rec_id: id, msg }) {
  page.recording = { state, id, msg };
  byId("recording").textContent = msg ? `${state} (${msg})` : state;
  const isOn = state === "armed" || state === "recording";
  recordButton.setAttribute("aria-pressed", String(isOn));
  recordButton.textContent = isOn ? "Stop recording" : "Record";
}

recordButton.addEventListener("click", () => {
  const isOn = recordButton.getAttribute("aria-pressed") === "true";
  page.session?.request(isOn ? "recording_stop" : "recording_start", {});
});

// MARK: controls

function release() {
  wanted = false;
  media?.getTracks().forEach((track) => track.stop());
  media = null;
  video.srcObject = null;
  byId("start").disabled = false;
  byId("stop").disabled = true;
}

byId("start").addEventListener("click", async () => {
  byId("start").disabled = true;
  show("connecting", "Opening the camera");
  try {
    await openDevices();
  } catch (failure) {
    byId("start").disabled = false;
    return show("failed", "No camera", `The camera could not be opened: ${failure.message}`);
  }
  byId("stop").disabled = false;
  wanted = true;
  page.sessions = 0;
  begin();
});

byId("stop").addEventListener("click", () => {
  wanted = false;
  page.session?.stop();
  release();
  show("idle", "Not publishing", "Press “Start” to use this browser's camera and microphone.");
});

let reader = new StatisticsReader();
let readerOf = null;
setInterval(async () => {
  const session = page.session;
  if (!session?.peer || session.isOver) return;
  if (readerOf !== session) [reader, readerOf] = [new StatisticsReader(), session];
  page.figures = reader.read(await session.peer.getStats(), "outbound");
  showFigures(panel, page.figures, null);
}, 1000);

addEventListener("pagehide", () => page.session?.stop());
