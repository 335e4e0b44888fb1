import { pageToken } from "/assets/rtm.js";

const list = document.getElementById("streams");

document.getElementById("open").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = document.getElementById("name").value.trim();
  const action = event.submitter?.value ?? "watch";
  if (name) location.assign(`/${action}/${encodeURIComponent(name)}${location.hash}`);
});

function item(stream) {
  const entry = document.createElement("li");
  const link = document.createElement("a");
  link.href = `/watch/${encodeURIComponent(stream.id)}${location.hash}`;
  link.textContent = stream.id;
  entry.append(link);
  return entry;
}

function say(text) {
  const entry = document.createElement("li");
  entry.className = "quiet";
  entry.textContent = text;
  list.replaceChildren(entry);
}

async function refresh() {
  const token = pageToken();
  const reply = await fetch("/bridge/v1/streams", { headers: token ? { authorization: `Bearer ${token}` } : {} }).catch(() => null);
  if (reply === null) return say("The bridge cannot be reached.");
  if (reply.status === 401 || reply.status === 403) return say("Streams are private here. Open the link that you were given.");
  if (!reply.ok) return say(`The bridge answered ${reply.status}.`);
  const { streams } = await reply.json();
  if (streams.length === 0) return say("No camera is sending.");
  list.replaceChildren(...streams.map(item));
}

refresh();
setInterval(refresh, 3000);
