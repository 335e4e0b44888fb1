import { authorization, byId, codecWord } from "/assets/page.js";

const list = byId("streams");
const REFRESH_MS = 3000;

byId("open").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = byId("name").value.trim();
  const action = event.submitter?.value ?? "watch";
  if (name) location.assign(address(action, name));
});

/** The token, if there is one, stays in the fragment. */
function address(action, stream) {
  return `/${action}/${encodeURIComponent(stream)}${location.hash}`;
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

function item({ id, tracks, viewers, since }) {
  const entry = document.createElement("li");
  const link = element("a", "stream", "");
  link.href = address("watch", id);
  const facts = [tracks.map(({ codec }) => codecWord(codec)).join(" + ")];
  if (viewers !== null) facts.push(viewers === 1 ? "1 viewer" : `${viewers} viewers`);
  facts.push(`since ${new Date(since).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}`);
  link.append(element("span", "live", "Live"), element("strong", "", id), element("span", "quiet", facts.join(" · ")));
  entry.append(link);
  return entry;
}

let shown = "";

/** Draws the list again only when it has changed, so that the keyboard's place in it is kept. */
function show(key, entries) {
  if (key === shown) return;
  shown = key;
  list.replaceChildren(...entries());
}

const say = (text) => show(text, () => [element("li", "quiet", text)]);

async function refresh() {
  const reply = await fetch("/bridge/v1/streams", { headers: authorization() }).catch(() => null);
  if (reply === null) return say("The bridge cannot be reached.");
  if (reply.status === 401 || reply.status === 403) return say("Streams are private here. Open the link that you were given.");
  if (!reply.ok) return say(`The bridge answered ${reply.status}.`);
  const { streams } = await reply.json();
  if (streams.length === 0) return say("No camera is sending.");
  const facts = streams.map(({ id, tracks, viewers, since }) => ({ id, tracks: tracks.map(({ codec }) => ({ codec })), viewers, since }));
  show(JSON.stringify(facts), () => facts.map(item));
}

async function follow() {
  if (document.visibilityState === "visible") await refresh();
  setTimeout(follow, REFRESH_MS);
}

follow();
