// Who is in the room, who waits at its door, and what they write.

import { byId } from "/assets/page.js";

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

/** Puts new lines into a list; whoever was on one of its buttons with the keyboard stays on it. */
function fill(list, lines) {
  const held = list.contains(document.activeElement) ? document.activeElement.ariaLabel : null;
  list.replaceChildren(...lines);
  if (held) [...list.querySelectorAll("button")].find(({ ariaLabel }) => ariaLabel === held)?.focus();
}

/** The list of people, that of who waits, and the way for cameras to come in. */
export class People {
  #state;
  #ask;
  /** What the lists show: they are made anew only when that is something else. */
  #shown = "";

  /** `ask(type, data)` sends a request. */
  constructor({ state, ask }) {
    [this.#state, this.#ask] = [state, ask];
    byId("seat-form").addEventListener("submit", (event) => {
      event.preventDefault();
      const name = byId("seat-source").value.trim();
      if (name) ask("camera_seat", { [byId("seat-kind").value]: name, display_name: name });
      byId("seat-source").value = "";
    });
  }

  show() {
    const { you, participants, knocks, tracks, seats } = this.#state;
    const facts = JSON.stringify([you, [...participants.values()], [...knocks], [...tracks.values()], [...seats.values()]]);
    if (facts === this.#shown) return;
    this.#shown = facts;
    byId("count").textContent = String(participants.size);
    byId("seat-form").hidden = !this.#state.may("seat");
    fill(byId("knocks"), [...knocks].map(([id, { name, role }]) => this.#knock(id, name, role)));
    const people = [...participants.values()].sort((one, other) => (one.hand ?? Infinity) - (other.hand ?? Infinity));
    const waiting = [...seats.values()].filter(({ participant }) => !participants.has(participant));
    fill(byId("people-list"), [...people.map((person) => this.#person(person)), ...waiting.map((seat) => this.#waitingCamera(seat))]);
  }

  #knock(participant, name, role) {
    return line(name, `${role}, waiting`, this.#state.may("admit") ? [
      button("Let in", `Let ${name} in`, () => this.#ask("admit", { participant })),
      button("Refuse", `Refuse ${name}`, () => this.#ask("deny", { participant })),
    ] : []);
  }

  #person(person) {
    const isMe = person.id === this.#state.you;
    const facts = [person.role, isMe ? "you" : "", person.presence === "away" ? "away" : "", person.hand === null ? "" : "hand raised"];
    return line(person.name, facts.filter(Boolean).join(", "), isMe ? [] : [...this.#muting(person), ...this.#removing(person)]);
  }

  #muting({ id, name, hand }) {
    if (!this.#state.may("mute")) return [];
    const microphone = this.#state.of(id, "microphone");
    const buttons = [];
    if (microphone && !microphone.muted_by_host) {
      buttons.push(button("Mute", `Mute ${name}`, () => this.#ask("mute", { track: microphone.id, muted: true })));
    }
    if (microphone?.muted_by_host) {
      buttons.push(button("Unmute", `Let ${name} speak`, () => this.#ask("mute", { track: microphone.id, muted: false })));
    }
    if (hand !== null) {
      buttons.push(button("Lower hand", `Lower ${name}'s hand`, () => this.#ask("hand", { participant: id, raised: false })));
    }
    return buttons;
  }

  /** A camera's seat ends; it may come back. */
  #removing({ id, name }) {
    const seat = [...this.#state.seats.values()].find(({ participant }) => participant === id);
    if (seat) return this.#unseating(seat);
    if (!this.#state.may("remove")) return [];
    return [button("Remove", `Remove ${name} from the room`, () => {
      if (confirm(`Remove ${name}? Their link will not let them in again.`)) this.#ask("remove", { participant: id });
    })];
  }

  #waitingCamera(seat) {
    return line(seat.display_name, "camera, on its way", this.#unseating(seat));
  }

  #unseating(seat) {
    if (!this.#state.mayUnseat(seat)) return [];
    return [button("Take out", `Take ${seat.display_name} out of the room`, () => this.#ask("camera_unseat", { seat: seat.id }))];
  }
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
