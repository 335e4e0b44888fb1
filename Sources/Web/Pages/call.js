// The call page: the lobby, the room, and the keys. What is known of the room is in call-state.js; its socket and peers in call-session.js.

import { CameraKeys } from "/assets/call-cameras.js";
import { Devices, deviceAdvice } from "/assets/call-devices.js";
import { Messages, showPeople } from "/assets/call-people.js";
import { RecordingKeys } from "/assets/call-recording.js";
import { CallSession } from "/assets/call-session.js";
import { CallState } from "/assets/call-state.js";
import { Tiles, colourOf } from "/assets/call-tiles.js";
import { byId, pageStream, pageToken } from "/assets/page.js";

const NAME_MEMORY = "viaduct.name";
/** Views are told when the layout has come to rest. */
const VIEW_PAUSE_MS = 300;
const QUALITY_INTERVAL_MS = 2000;
/** How long a sentence for the person stays in sight. */
const SAID_MS = 5000;
/** Parts of what was sent that were lost, above which a connection is no longer good, or is poor. */
const LOSS = { fair: 0.02, poor: 0.08 };

const room = pageStream();
const state = new CallState();
const devices = new Devices();
const messages = new Messages();
/** Received MediaStreamTracks by room track. */
const received = new Map();
/** The sound of others: an element for each track, none of them seen. */
const speakers = new Map();
let session = null;
let drawing = null;
let tool = "pointer";
let viewTimer = 0;
let toldViews = "";
let sayTimer = 0;
const wanted = { microphone: true, camera: true };

/** What tests and the curious read: never a secret. */
const page = (window.viaduct = { state: "lobby", failure: null, room: state, received, session: null, refused: [] });

document.title = `${room} · Viaduct`;
byId("room").textContent = room;

function showStatus(name, word) {
  byId("status").dataset.state = name;
  if (byId("status").textContent !== word) byId("status").textContent = word;
}

/** Shown for a while, and read out by screen readers. */
function say(text) {
  const said = byId("said");
  said.textContent = text;
  said.classList.add("fresh");
  clearTimeout(sayTimer);
  sayTimer = setTimeout(() => said.classList.remove("fresh"), SAID_MS);
}

const press = (id, isOn) => { byId(id).ariaPressed = String(isOn); };

// MARK: the lobby

/** What the link says of its bearer: nothing is decided by it, the bridge reads it anew. */
function linkClaims() {
  try {
    return JSON.parse(atob(pageToken().split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
  } catch {
    return {};
  }
}

async function openDevice(kind) {
  byId("lobby-text").textContent = "";
  try {
    await devices.open(kind);
    // Who did not wait for it is in the room already.
    await session?.send(kind, devices[kind]);
  } catch (failure) {
    wanted[kind] = false;
    byId("lobby-text").textContent = deviceAdvice(kind, failure);
  }
  showLobby();
  render();
}

function showLobby() {
  for (const kind of ["camera", "microphone"]) press(`lobby-${kind}`, devices[kind] !== null);
  const preview = byId("preview");
  if ((preview.srcObject?.getVideoTracks()[0] ?? null) !== devices.camera) {
    preview.srcObject = devices.camera ? new MediaStream([devices.camera]) : null;
  }
  byId("preview-text").hidden = devices.camera !== null;
}

function toggleLobby(kind) {
  wanted[kind] = devices[kind] === null;
  if (wanted[kind]) return openDevice(kind);
  devices.close(kind);
  showLobby();
}

function prepareLobby() {
  const claims = linkClaims();
  try {
    byId("name").value = localStorage.getItem(NAME_MEMORY) ?? "";
  } catch {
    // Private windows have no storage.
  }
  byId("name-field").hidden = Boolean(claims.place?.name);
  const isViewer = claims.role === "viewer";
  for (const id of ["devices", "lobby-camera", "lobby-microphone", "preview-box"]) byId(id).hidden = isViewer;
  if (!pageToken()) byId("lobby-text").textContent = "This address has no invitation in it. Ask whoever runs the call for a link.";
  if (isViewer) Object.assign(wanted, { camera: false, microphone: false });
  else openDevice("camera").then(() => openDevice("microphone"));
}

function meter() {
  byId("level").value = devices.level;
  if (page.state === "lobby") requestAnimationFrame(meter);
}

// MARK: in the room

function socketURL() {
  const url = new URL(`/bridge/v1/rooms/${encodeURIComponent(room)}/io`, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.searchParams.set("auth_token", pageToken());
  return url;
}

function join() {
  const name = byId("name").value.trim();
  try {
    if (name) localStorage.setItem(NAME_MEMORY, name);
  } catch {
    // As above.
  }
  page.state = "joining";
  showStatus("connecting", "Joining");
  byId("join").disabled = true;
  session = page.session = new CallSession({ url: socketURL(), name });
  session.addEventListener("notice", ({ detail }) => noticed(detail));
  session.addEventListener("track", ({ detail }) => addTrack(detail));
  session.addEventListener("away", () => showStatus("reconnecting", "Reconnecting"));
  session.addEventListener("back", () => { if (state.phase === "inside") showStatus("live", "In the call"); });
  session.addEventListener("refused", ({ detail }) => refused(detail));
  session.addEventListener("over", ({ detail }) => over(detail));
  for (const kind of ["microphone", "camera"]) if (devices[kind]) session.send(kind, devices[kind]);
  session.start();
}

function noticed(frame) {
  const before = state.phase;
  const { type, data } = frame;
  state.take(frame);
  announce(type, data);
  recordingKeys.announce(type, data);
  if (before !== state.phase) phaseChanged();
  if (["track_changed", "welcome"].includes(type)) obeyHost();
  if (type === "single") singleChanged();
  if (type === "welcome" && byId("layout").value === "single") ask("single", { on: true });
  if (type === "unpublished") forgetTrack(data.track);
  if (type === "board" && data.board.owner === state.you) draw(data.board.track);
  if (drawing && !state.tracks.has(drawing)) draw(null);
  render();
}

function announce(type, data) {
  const nameOf = (id) => state.participants.get(id)?.name ?? "Somebody";
  switch (type) {
    case "joined": return say(`${data.participant.name} came in.`);
    case "knocking": return say(`${data.name} waits to be let in.`);
    case "board": return say(`${nameOf(data.board.owner)} froze a picture to draw on it.`);
    case "ended": return say("The call is over.");
  }
}

function phaseChanged() {
  page.state = state.phase;
  if (state.phase === "knocking") {
    showStatus("waiting", "Waiting to be let in");
    byId("lobby-text").textContent = "Somebody in the room will let you in.";
  } else if (state.phase === "inside") {
    showStatus("live", "In the call");
    byId("lobby").hidden = true;
    for (const id of ["call", "bar"]) byId(id).hidden = false;
    byId("hand-key").hidden = !state.may("hand");
    for (const kind of ["microphone", "camera", "screen"]) byId(`${kind}-key`).hidden = !state.may(kind);
    byId("screen-key").hidden ||= !navigator.mediaDevices?.getDisplayMedia;
  }
}

/** A host's mute holds whatever this page sends: show it as what it is. */
function obeyHost() {
  const microphone = state.mine("microphone");
  if (microphone?.muted_by_host && wanted.microphone) {
    wanted.microphone = false;
    if (devices.microphone) devices.microphone.enabled = false;
    say("A host muted you.");
  }
}

function addTrack({ track, media }) {
  received.set(track, media);
  if (media.kind === "audio") {
    const element = Object.assign(new Audio(), { srcObject: new MediaStream([media]), autoplay: true });
    speakers.get(track)?.pause();
    speakers.set(track, element);
    element.play().catch(() => say("Press any key to hear the others."));
  }
  render();
}

function forgetTrack(track) {
  received.delete(track);
  const speaker = speakers.get(track);
  if (speaker) speaker.srcObject = null;
  speakers.delete(track);
}

function refused({ code, msg }) {
  page.refused.push(code);
  say(msg);
  if (state.phase === "inside") return;
  byId("lobby-text").textContent = msg;
}

const sentence = (text) => text.slice(0, 1).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

const ENDS = {
  removed: "A host removed you from this call.", taken_over: "You joined this call from another place.", denied: "You were not let in.",
  closed: "The call was ended.", idle: "The call has ended: nobody was left in it.", closed_4411: "A host removed you from this call.",
  closed_4409: "You joined this call from another place.", closed_4404: "There is no such call, or it is over.",
};

function over(failure) {
  page.failure = failure && { code: failure.code, message: failure.message };
  const cause = state.end?.left ?? state.end?.ended ?? failure?.code;
  // What the bridge says of a link is a sentence for people.
  const text = ENDS[cause] ?? (failure ? sentence(failure.message) : "You left the call.");
  page.state = "over";
  devices.closeAll();
  for (const track of [...received.keys()]) forgetTrack(track);
  for (const id of ["call", "bar", "tools", "camera-tools", "recorded"]) byId(id).hidden = true;
  byId("lobby").hidden = false;
  for (const id of ["devices", "lobby-camera", "lobby-microphone", "preview-box", "name-field"]) byId(id).hidden = true;
  byId("lobby-title").textContent = "The call is over for you";
  byId("lobby-text").textContent = text;
  const again = byId("join");
  Object.assign(again, { disabled: false, textContent: "Join again", hidden: ["removed", "closed_4411"].includes(cause) });
  showStatus(failure ? "failed" : "idle", "Not in the room");
  again.focus();
}

// MARK: what is shown

function render() {
  if (state.phase !== "inside") return;
  const mode = byId("layout").value;
  tiles.show(state, { media: mediaOf, mode, drawing });
  const isPanelOpen = !byId("panel").hidden;
  showPeople(state, ask);
  recordingKeys.show();
  cameraKeys.show();
  messages.show(state.chat, isPanelOpen && !byId("chat").hidden);
  press("microphone-key", devices.microphone !== null && devices.microphone.enabled);
  press("camera-key", devices.camera !== null);
  press("screen-key", devices.screen !== null);
  press("hand-key", state.me?.hand !== null);
  byId("tools").hidden = drawing === null;
  for (const key of byId("tools").querySelectorAll("[data-tool]")) {
    key.hidden = key.dataset.tool === "pointer" ? false : state.board(drawing) === null || !state.may("annotate");
    key.ariaPressed = String(key.dataset.tool === tool);
  }
  byId("undo").hidden = byId("colour").hidden = state.board(drawing) === null;
  byId("unfreeze").hidden = !mayUnfreeze();
  scheduleViews();
}

const mayUnfreeze = () => {
  const board = drawing && state.board(drawing);
  return Boolean(board) && (board.owner === state.you || state.me?.role === "host");
};

/** One's own pictures are shown as they are taken, not as they come back. */
function mediaOf(id) {
  const track = state.tracks.get(id);
  if (track?.participant === state.you) return devices[track.kind];
  return received.get(id) ?? null;
}

function scheduleViews() {
  clearTimeout(viewTimer);
  viewTimer = setTimeout(() => {
    const views = tiles.views();
    const text = JSON.stringify(views);
    if (text === toldViews || views.length === 0) return;
    toldViews = text;
    ask("view", { tracks: views });
  }, VIEW_PAUSE_MS);
}

const ask = (type, data) => session?.request(type, data);

// MARK: keys

async function toggleMicrophone() {
  const track = state.mine("microphone");
  if (devices.microphone === null) {
    if (!await tryToOpen("microphone")) return;
  } else {
    devices.microphone.enabled = !devices.microphone.enabled;
    if (track) ask("mute", { track: track.id, muted: !devices.microphone.enabled });
  }
  wanted.microphone = devices.microphone.enabled;
  say(wanted.microphone ? "Your microphone is on." : "Your microphone is off.");
  render();
}

/** Off is off: the camera's own light goes out, too. */
async function toggleCamera() {
  const track = state.mine("camera");
  if (devices.camera) {
    devices.close("camera");
    await session.send("camera", null);
    if (track) ask("mute", { track: track.id, muted: true });
  } else {
    if (!await tryToOpen("camera")) return;
    if (track) ask("mute", { track: track.id, muted: false });
  }
  wanted.camera = devices.camera !== null;
  say(wanted.camera ? "Your camera is on." : "Your camera is off.");
  render();
}

async function tryToOpen(kind) {
  try {
    await session.send(kind, await devices.open(kind));
    return true;
  } catch (failure) {
    say(deviceAdvice(kind, failure));
    return false;
  }
}

async function toggleScreen() {
  if (devices.screen) {
    devices.close("screen");
    return stopScreen();
  }
  try {
    await session.send("screen", await devices.openScreen());
  } catch (failure) {
    if (failure.name !== "NotAllowedError") say(failure.message);
  }
  render();
}

async function stopScreen() {
  await session.send("screen", null);
  const track = state.mine("screen");
  if (track) ask("unpublish", { track: track.id });
  render();
}

const toggleHand = () => ask("hand", { raised: state.me?.hand === null });

function openPanel(name) {
  const isOpen = !byId("panel").hidden && !byId(name).hidden;
  byId("panel").hidden = isOpen;
  for (const tab of ["people", "chat"]) {
    byId(tab).hidden = tab !== name;
    byId(`${tab}-tab`).ariaSelected = String(tab === name);
    press(`${tab}-key`, !isOpen && tab === name);
  }
  if (!isOpen && name === "chat") byId("chat-text").focus();
  render();
}

function actOn(act, track) {
  switch (act) {
    case "pin": return ask("pin", { tracks: toggled(state.pins, track.id) });
    case "spotlight": return ask("spotlight", { tracks: toggled(state.spotlight, track.id) });
    case "freeze": return ask("freeze", { track: track.id, at: new Date().toISOString() });
    case "draw": return draw(drawing === track.id ? null : track.id);
    case "snapshot": return recordingKeys.takePicture(track);
    case "command":
      // One row of keys above the others is enough.
      draw(null);
      cameraKeys.toggle(state.seatOf(track).id);
      return render();
  }
}

/** One picture is the bridge's to make: until it comes, and when it cannot be made, there are those of each. */
function changeLayout() {
  const isSingle = byId("layout").value === "single";
  if (isSingle !== (state.single !== null)) ask("single", { on: isSingle });
  render();
}

function singleChanged() {
  draw(null);
  cameraKeys.toggle(null);
  if (state.single) return;
  if (byId("layout").value === "single") byId("layout").value = "grid";
  for (const track of [...received.keys()]) if (!state.tracks.has(track)) forgetTrack(track);
}

const toggled = (list, id) => (list.includes(id) ? list.filter((other) => other !== id) : [...list, id]);

// MARK: drawing

function draw(track) {
  if (drawing && drawing !== track) ask("point", { track: drawing, at: null });
  drawing = track;
  if (track) cameraKeys.toggle(null);
  tool = track && state.board(track) && state.may("annotate") ? "pen" : "pointer";
  render();
}

/** What a hand on a tile does. */
const handOf = (tile) => ({
  tool: () => (tile.picture?.track?.id === drawing ? tool : null),
  annotate: (annotation, shape) => {
    const board = state.board(drawing);
    if (board) ask("annotate", { board: board.id, annotation, shape, colour: byId("colour").value });
  },
  point: (at) => ask("point", { track: tile.picture.track.id, at }),
  askText: () => new Promise((resolve) => {
    const dialog = byId("text-dialog");
    byId("text-input").value = "";
    dialog.onclose = () => resolve(dialog.returnValue === "place" ? byId("text-input").value.trim() : null);
    dialog.showModal();
  }),
});

function undo() {
  const board = state.board(drawing);
  const own = board?.annotations.filter(({ participant }) => participant === state.you).at(-1);
  if (own) ask("erase", { board: board.id, annotation: own.id });
}

const tiles = new Tiles(byId("tiles"), { act: actOn, hand: handOf, isCommanded: (seat) => cameraKeys.isFor(seat.id) });
const recordingKeys = new RecordingKeys({ state, ask, say });
const cameraKeys = new CameraKeys({ state, ask });

// MARK: how good the connections are

const counted = new Map();

/** Bars from what was lost since the last look, of what each participant sends us. */
async function measure() {
  if (session === null || session.isOver || state.phase !== "inside") return;
  const worst = new Map();
  const { received: reports } = await session.statistics();
  for (const [track, report] of Object.entries(reports)) {
    const owner = state.tracks.get(track)?.participant;
    if (!owner) continue;
    for (const entry of report.values()) {
      if (entry.type !== "inbound-rtp") continue;
      const before = counted.get(track) ?? { received: 0, lost: 0 };
      const now = { received: entry.packetsReceived ?? 0, lost: entry.packetsLost ?? 0 };
      counted.set(track, now);
      const [got, lost] = [now.received - before.received, Math.max(0, now.lost - before.lost)];
      if (got + lost === 0) continue;
      const loss = lost / (got + lost);
      const quality = loss > LOSS.poor ? 1 : loss > LOSS.fair ? 2 : 3;
      worst.set(owner, Math.min(worst.get(owner) ?? 3, quality));
    }
  }
  tiles.showQuality(worst);
}

setInterval(() => measure().catch(() => {}), QUALITY_INTERVAL_MS);

// MARK: wiring

byId("join-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (page.state === "over") location.reload();
  else if (page.state === "lobby") join();
});
for (const kind of ["camera", "microphone"]) {
  byId(`lobby-${kind}`).addEventListener("click", () => toggleLobby(kind));
  byId(kind).addEventListener("change", () => { if (devices[kind]) openDevice(kind); });
}
byId("microphone-key").addEventListener("click", toggleMicrophone);
byId("camera-key").addEventListener("click", toggleCamera);
byId("screen-key").addEventListener("click", toggleScreen);
byId("hand-key").addEventListener("click", toggleHand);
for (const name of ["people", "chat"]) {
  byId(`${name}-key`).addEventListener("click", () => openPanel(name));
  byId(`${name}-tab`).addEventListener("click", () => { if (byId(name).hidden) openPanel(name); });
}
byId("panel-close").addEventListener("click", () => openPanel(byId("people").hidden ? "chat" : "people"));
byId("leave").addEventListener("click", () => session.leave());
byId("layout").addEventListener("change", changeLayout);
byId("chat-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = byId("chat-text").value.trim();
  if (text) ask("chat", { text });
  byId("chat-text").value = "";
});
for (const key of byId("tools").querySelectorAll("[data-tool]")) {
  key.addEventListener("click", () => {
    tool = key.dataset.tool;
    render();
  });
}
byId("undo").addEventListener("click", undo);
byId("unfreeze").addEventListener("click", () => ask("board_close", { board: state.board(drawing).id }));
devices.addEventListener("lost", ({ detail: kind }) => {
  if (kind === "screen" && session) return stopScreen();
  if (session) session.send(kind, null);
  say(`Your ${kind} is gone.`);
  if (state.phase === "inside") render();
  else showLobby();
});

const KEYS = { m: "microphone-key", v: "camera-key", s: "screen-key", h: "hand-key", p: "people-key", c: "chat-key", r: "record-key", k: "clip-key" };
addEventListener("keydown", (event) => {
  for (const speaker of speakers.values()) if (speaker.paused) speaker.play().catch(() => {});
  if (event.key === "Escape" && drawing) return draw(null);
  if (event.key === "Escape" && cameraKeys.isOpen) return cameraKeys.toggle(null);
  const isTyping = event.target.closest("input, select, textarea, dialog");
  const key = KEYS[event.key.toLowerCase()];
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !key || state.phase !== "inside" || byId(key).hidden) return;
  event.preventDefault();
  byId(key).click();
});
document.addEventListener("visibilitychange", scheduleViews);
addEventListener("resize", scheduleViews);
addEventListener("pagehide", () => session?.leave());

byId("colour").value = colourOf(String(Math.random()));
prepareLobby();
meter();
