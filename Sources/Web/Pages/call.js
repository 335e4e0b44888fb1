// The call page: the lobby, the room, and the keys. What is known of the room is in call-state.js; its socket and peers in call-session.js.

import { CameraKeys } from "/assets/call-cameras.js";
import { DeviceChoice, Devices } from "/assets/call-devices.js";
import { Drawing } from "/assets/call-drawing.js";
import { Lobby } from "/assets/call-lobby.js";
import { OwnMedia } from "/assets/call-own.js";
import { Messages, People } from "/assets/call-people.js";
import { ConnectionQuality } from "/assets/call-quality.js";
import { RecordingKeys } from "/assets/call-recording.js";
import { CallSession } from "/assets/call-session.js";
import { Sounds } from "/assets/call-sounds.js";
import { CallState } from "/assets/call-state.js";
import { Tiles, colourOf } from "/assets/call-tiles.js";
import { endText, noticeText } from "/assets/call-words.js";
import { byId, pageStream, pageToken } from "/assets/page.js";

/** Views are told when the layout has come to rest. */
const VIEW_PAUSE_MS = 300;
const QUALITY_INTERVAL_MS = 2000;
/** How long a sentence for the person stays in sight. */
const SAID_MS = 5000;

const room = pageStream();
const state = new CallState();
const devices = new Devices();
/** Received MediaStreamTracks by room track. */
const received = new Map();
const sounds = new Sounds();
let viewTimer = 0;
let toldViews = "";
let sayTimer = 0;

/** What tests and the curious read: never a secret. */
const page = (window.viaduct = { state: "lobby", failure: null, room: state, received, sounds, devices, session: null, refused: [] });

const ask = (type, data) => page.session?.request(type, data);
const press = (id, isOn) => { byId(id).ariaPressed = String(isOn); };
const changed = () => (state.phase === "inside" ? render() : lobby.show());

const lobby = new Lobby({ devices, opened: (kind) => page.session?.send(kind, devices[kind]).then(changed) });
const own = new OwnMedia({ state, devices, session: () => page.session, say, changed });
new DeviceChoice(devices, {
  change: (kind) => (state.phase === "inside" ? own.open(kind) : lobby.openDevice(kind)), sink: (id) => sounds.choose(id),
});
const messages = new Messages();
const people = new People({ state, ask });
const drawing = new Drawing({ state, ask, changed: render });
const recordingKeys = new RecordingKeys({ state, ask, say });
const cameraKeys = new CameraKeys({ state, ask });
const tiles = new Tiles(byId("tiles"), { act: actOn, hand: (tile) => drawing.handOf(tile), isCommanded: (seat) => cameraKeys.isFor(seat.id) });
const quality = new ConnectionQuality();

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

// MARK: in the room

function socketURL() {
  const url = new URL(`/bridge/v1/rooms/${encodeURIComponent(room)}/io`, location.href);
  url.protocol = url.protocol.replace("http", "ws");
  url.searchParams.set("auth_token", pageToken());
  return url;
}

function join() {
  page.state = "joining";
  showStatus("connecting", "Joining");
  const session = (page.session = new CallSession({ url: socketURL(), name: lobby.leave() }));
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
  // Its picture comes with a second notice.
  const isKnown = type === "board" && state.boards.has(data.board.id);
  state.take(frame);
  const text = noticeText(frame, state, isKnown);
  if (text) say(text);
  recordingKeys.announce(type, data);
  if (before !== state.phase) phaseChanged();
  if (type === "welcome" || data.track?.participant === state.you) {
    own.obey();
    own.agree();
  }
  if (type === "single") singleChanged();
  if (type === "welcome" && byId("layout").value === "single") ask("single", { on: true });
  if (type === "unpublished") forgetTrack(data.track);
  if (type === "board" && !isKnown && data.board.owner === state.you) draw(data.board.track);
  if (drawing.track && !state.tracks.has(drawing.track)) draw(null);
  render();
}

function phaseChanged() {
  page.state = state.phase;
  if (state.phase === "knocking") {
    showStatus("waiting", "Waiting to be let in");
    lobby.say("Somebody in the room will let you in.");
  } else if (state.phase === "inside") {
    showStatus("live", "In the call");
    byId("lobby").hidden = true;
    for (const id of ["call", "bar"]) byId(id).hidden = false;
    byId("hand-key").hidden = !state.may("hand");
    for (const kind of ["microphone", "camera", "screen"]) byId(`${kind}-key`).hidden = !state.may(kind);
    byId("screen-key").hidden ||= !navigator.mediaDevices?.getDisplayMedia;
    // Who only watches has nothing to choose: browsers name no speakers to whom they give no microphone.
    byId("devices-key").hidden = !state.may("microphone");
  }
}

function addTrack({ track, media }) {
  received.set(track, media);
  if (media.kind === "audio") sounds.play(track, media).catch(() => say("Press any key to hear the others."));
  render();
}

function forgetTrack(track) {
  received.delete(track);
  sounds.forget(track);
}

function refused({ code, msg }) {
  page.refused.push(code);
  say(msg);
  if (state.phase !== "inside") lobby.say(msg);
}

function over(failure) {
  page.failure = failure && { code: failure.code, message: failure.message };
  const cause = state.end?.left ?? state.end?.ended ?? failure?.code;
  page.state = "over";
  devices.closeAll();
  for (const track of [...received.keys()]) forgetTrack(track);
  for (const id of ["call", "bar", "tools", "camera-tools", "recorded"]) byId(id).hidden = true;
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  showStatus(failure ? "failed" : "idle", "Not in the room");
  lobby.comeBack(endText(cause, failure), !["removed", "closed_4411"].includes(cause));
}

// MARK: what is shown

function render() {
  if (state.phase !== "inside") return;
  tiles.show(state, { media: mediaOf, mode: byId("layout").value, drawing: drawing.track });
  people.show();
  recordingKeys.show();
  cameraKeys.show();
  messages.show(state.chat, !byId("panel").hidden && !byId("chat").hidden);
  for (const kind of ["microphone", "camera", "screen"]) press(`${kind}-key`, own.isOn(kind));
  press("hand-key", state.me?.hand !== null);
  drawing.show();
  scheduleViews();
}

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

async function measure() {
  if (page.session === null || page.session.isOver || state.phase !== "inside") return;
  tiles.showQuality(quality.read(await page.session.statistics(), (track) => state.tracks.get(track)?.participant, state.you));
}

// MARK: keys

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
    case "draw": return draw(drawing.track === track.id ? null : track.id);
    case "snapshot": return recordingKeys.takePicture(track);
    case "command":
      // One row of keys above the others is enough.
      draw(null);
      cameraKeys.toggle(state.seatOf(track).id);
      return render();
  }
}

function draw(track) {
  if (track) cameraKeys.toggle(null);
  drawing.move(track);
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

// MARK: wiring

byId("join-form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (page.state === "over") location.reload();
  else if (page.state === "lobby") join();
});
for (const kind of ["microphone", "camera", "screen"]) byId(`${kind}-key`).addEventListener("click", () => own.toggle(kind));
byId("hand-key").addEventListener("click", toggleHand);
for (const name of ["people", "chat"]) {
  byId(`${name}-key`).addEventListener("click", () => openPanel(name));
  byId(`${name}-tab`).addEventListener("click", () => { if (byId(name).hidden) openPanel(name); });
}
byId("panel-close").addEventListener("click", () => openPanel(byId("people").hidden ? "chat" : "people"));
byId("leave").addEventListener("click", () => page.session.leave());
byId("layout").addEventListener("change", changeLayout);
byId("chat-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const text = byId("chat-text").value.trim();
  if (text) ask("chat", { text });
  byId("chat-text").value = "";
});

const KEYS = {
  m: "microphone-key", v: "camera-key", s: "screen-key", h: "hand-key", p: "people-key", c: "chat-key", r: "record-key", k: "clip-key", d: "devices-key",
};
addEventListener("keydown", (event) => {
  sounds.resume();
  // What is typed is no key, and a dialog closes by itself.
  if (event.target.closest?.("dialog")) return;
  if (event.key === "Escape" && drawing.track) return draw(null);
  if (event.key === "Escape" && cameraKeys.isOpen) return cameraKeys.toggle(null);
  const isTyping = event.target.closest?.("input, select, textarea");
  const key = KEYS[event.key.toLowerCase()];
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || !key || state.phase !== "inside" || byId(key).hidden) return;
  event.preventDefault();
  byId(key).click();
});
document.addEventListener("visibilitychange", scheduleViews);
addEventListener("resize", scheduleViews);
addEventListener("pagehide", () => page.session?.leave());

byId("colour").value = colourOf(String(Math.random()));
setInterval(() => measure().catch(() => {}), QUALITY_INTERVAL_MS);
lobby.open();
