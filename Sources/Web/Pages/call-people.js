// Who is in the room, who waits at its door, and what they write.

import { byId } from "/assets/page.js";

const ROLES = { host: "host", expert: "expert", worker: "worker", viewer: "viewer", camera: "camera" };

function button(text, label, action) {
  const element = Object.assign(document.createElement("button"), { type: "button", textContent: text, title: label, ariaLabel: label });
  element.addEventListener("click", action);
  return element;
}

function line(name, facts, buttons) {
  const [item, who, about] = ["li", "span", "span"].map((tag) => document.createElement(tag));
  Object.assign(who, { className: "who", textContent: name });
  Object.assign(about, { className: "quiet", textContent: facts });
  who.append(" ", about);
  item.append(who, ...buttons);
  return item;
}

/** Shows both lists; `ask(type, data)` sends a request. */
export function showPeople(state, ask) {
  byId("count").textContent = String(state.participants.size);
  byId("knocks").replaceChildren(...[...state.knocks].map(([participant, { name, role }]) => line(name, `${ROLES[role]}, waiting`, state.may("admit") ? [
    button("Let in", `Let ${name} in`, () => ask("admit", { participant })), button("Refuse", `Refuse ${name}`, () => ask("deny", { participant })),
  ] : [])));
  const people = [...state.participants.values()].sort((one, other) => (one.hand ?? Infinity) - (other.hand ?? Infinity));
  byId("people-list").replaceChildren(...people.map((person) => personLine(person, state, ask)));
}

function personLine(person, state, ask) {
  const isMe = person.id === state.you;
  const facts = [ROLES[person.role], isMe ? "you" : "", person.presence === "away" ? "away" : "", person.hand === null ? "" : "hand raised"];
  const buttons = [];
  const microphone = state.of(person.id, "microphone");
  if (!isMe && state.may("mute") && microphone && !microphone.muted_by_host) {
    buttons.push(button("Mute", `Mute ${person.name}`, () => ask("mute", { track: microphone.id, muted: true })));
  }
  if (!isMe && state.may("mute") && microphone?.muted_by_host) {
    buttons.push(button("Unmute", `Let ${person.name} speak`, () => ask("mute", { track: microphone.id, muted: false })));
  }
  if (!isMe && state.may("mute") && person.hand !== null) {
    buttons.push(button("Lower hand", `Lower ${person.name}'s hand`, () => ask("hand", { participant: person.id, raised: false })));
  }
  if (!isMe && state.may("remove")) {
    buttons.push(button("Remove", `Remove ${person.name} from the room`, () => {
      if (confirm(`Remove ${person.name}? Their link will not let them in again.`)) ask("remove", { participant: person.id });
    }));
  }
  return line(person.name, facts.filter(Boolean).join(", "), buttons);
}

/** The messages, the newest in sight unless the reader has scrolled away from it. */
export class Messages {
  /** The number of the newest message that is shown; null before the room has shown any of its past. */
  #shown = null;
  #unread = 0;

  show(messages, isOpen) {
    const list = byId("messages");
    const newest = messages.at(-1)?.number ?? 0;
    const fresh = messages.filter(({ number }) => number > (this.#shown ?? 0));
    const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
    for (const { name, text, at } of fresh) {
      const [item, head] = ["li", "b"].map((tag) => document.createElement(tag));
      head.textContent = `${name}, ${new Date(at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" })}`;
      item.append(head, text);
      list.append(item);
    }
    while (list.children.length > messages.length) list.firstChild.remove();
    if (isAtEnd && fresh.length > 0) list.scrollTop = list.scrollHeight;
    this.#unread = isOpen ? 0 : this.#unread + (this.#shown === null ? 0 : fresh.length);
    this.#shown = Math.max(this.#shown ?? 0, newest);
    byId("unread").hidden = this.#unread === 0;
    byId("unread").textContent = String(this.#unread);
  }
}
